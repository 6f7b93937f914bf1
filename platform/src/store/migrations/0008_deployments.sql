-- The newest release of each app that changed what runs, by its version: one with another slug than the release before.
-- It is kept, since the releases since then that changed config vars alone may be any number.

ALTER TABLE app ADD COLUMN deployment INTEGER;

-- Each app's releases are read from the newest one on, and no other table changes: a second or some per million of them,
-- once.
UPDATE app SET deployment = (
    SELECT release.version FROM release
    WHERE release.app = app.number AND release.slug IS NOT NULL AND release.slug IS NOT (
        SELECT before.slug FROM release AS before WHERE before.app = release.app AND before.version = release.version - 1)
    ORDER BY release.version DESC LIMIT 1);

-- NULL is what an app has before its first release.
CREATE TRIGGER deployment_is_kept AFTER INSERT ON release
WHEN NEW.slug IS NOT NULL
    AND NEW.slug IS NOT (SELECT slug FROM release WHERE app = NEW.app AND version = NEW.version - 1)
BEGIN
    UPDATE app SET deployment = NEW.version WHERE number = NEW.app;
END;
