-- The newest time that was ever told, so that a start of the server need not look for it in every record, of which there may
-- be millions. It is written with whatever else a transaction writes.

CREATE TABLE clock (
    number INTEGER PRIMARY KEY CHECK (number = 1),
    newest INTEGER NOT NULL
) STRICT;

-- Of the tables of the first form: no release of slugbuilder had those of the other migrations without this one.
INSERT INTO clock
SELECT 1, coalesce(max(newest), 0) FROM (
    SELECT max(updated_at) AS newest FROM app
    UNION ALL SELECT max(updated_at) FROM user
    UNION ALL SELECT max(created_at) FROM token
    UNION ALL SELECT max(updated_at) FROM collaborator
    UNION ALL SELECT max(updated_at) FROM slug
    UNION ALL SELECT max(updated_at) FROM release
    UNION ALL SELECT max(updated_at) FROM formation);

CREATE TRIGGER clock_goes_on BEFORE UPDATE ON clock
WHEN NEW.newest < OLD.newest
BEGIN
    SELECT RAISE(ABORT, 'the clock of the ledger never goes back');
END;
