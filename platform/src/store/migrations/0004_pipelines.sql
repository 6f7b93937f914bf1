-- Pipelines: apps that share a code base, each at its stage of the way to production.

CREATE TABLE pipeline (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    -- Names are each owner's own: nobody learns which ones others have.
    name TEXT NOT NULL,
    owner INTEGER NOT NULL REFERENCES user,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (owner, name)
) STRICT;

CREATE INDEX pipeline_by_name ON pipeline (name);

-- An app is in one pipeline at most.
CREATE TABLE pipeline_coupling (
    app INTEGER PRIMARY KEY REFERENCES app ON DELETE CASCADE,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    pipeline INTEGER NOT NULL REFERENCES pipeline ON DELETE CASCADE,
    stage TEXT NOT NULL CHECK (stage IN ('test', 'review', 'development', 'staging', 'production')),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE INDEX coupling_of_pipeline ON pipeline_coupling (pipeline, id);

-- What was promoted stays told when its pipeline, its apps and their releases are gone: these are no references.
CREATE TABLE pipeline_promotion (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    user INTEGER NOT NULL REFERENCES user,
    pipeline BLOB NOT NULL CHECK (length(pipeline) = 16),
    source_app BLOB NOT NULL CHECK (length(source_app) = 16),
    source_release BLOB NOT NULL CHECK (length(source_release) = 16),
    created_at INTEGER NOT NULL
) STRICT;

-- A target has either a release, whose status is its own, or the reason why there is none.
CREATE TABLE pipeline_promotion_target (
    promotion INTEGER NOT NULL REFERENCES pipeline_promotion ON DELETE CASCADE,
    id BLOB NOT NULL CHECK (length(id) = 16),
    app BLOB NOT NULL CHECK (length(app) = 16),
    release BLOB CHECK (length(release) = 16),
    error_message TEXT,
    PRIMARY KEY (promotion, id),
    CHECK ((release IS NULL) <> (error_message IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TRIGGER promotion_stays BEFORE UPDATE ON pipeline_promotion
BEGIN
    SELECT RAISE(ABORT, 'a promotion is never changed');
END;

CREATE TRIGGER promotion_target_stays BEFORE UPDATE ON pipeline_promotion_target
BEGIN
    SELECT RAISE(ABORT, 'a promotion is never changed');
END;
