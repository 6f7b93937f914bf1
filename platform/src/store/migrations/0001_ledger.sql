-- The ledger of a platform. Times are microseconds since 1970, made by the store's own clock, so that no two are the same.
-- Identifiers are the 16 bytes of a UUID. Once a release of slugbuilder has this file, it never changes: changes are new files.

CREATE TABLE user (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    email TEXT NOT NULL UNIQUE COLLATE NOCASE,
    name TEXT,
    allow_tracking INTEGER NOT NULL DEFAULT 1 CHECK (allow_tracking IN (0, 1)),
    beta INTEGER NOT NULL DEFAULT 0 CHECK (beta IN (0, 1)),
    last_login INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- A token is known by its SHA-256 alone.
CREATE TABLE token (
    hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
    user INTEGER NOT NULL REFERENCES user ON DELETE CASCADE,
    -- Who gave it: the settings of the server, which replace theirs at each start, or a request.
    origin TEXT NOT NULL CHECK (origin IN ('settings', 'request')),
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX token_of_user ON token (user);

CREATE TABLE app (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    name TEXT NOT NULL UNIQUE,
    owner INTEGER NOT NULL REFERENCES user,
    stack TEXT NOT NULL,
    build_stack TEXT NOT NULL,
    region TEXT NOT NULL,
    maintenance INTEGER NOT NULL DEFAULT 0 CHECK (maintenance IN (0, 1)),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    released_at INTEGER
) STRICT;

-- One for each order in which the apps of a user are listed.
CREATE INDEX app_by_id ON app (owner, id);
CREATE INDEX app_by_name ON app (owner, name);
CREATE INDEX app_by_update ON app (owner, updated_at);

CREATE TABLE collaborator (
    app INTEGER NOT NULL REFERENCES app ON DELETE CASCADE,
    user INTEGER NOT NULL REFERENCES user ON DELETE CASCADE,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (app, user)
) STRICT, WITHOUT ROWID;

CREATE INDEX app_of_collaborator ON collaborator (user, app);

CREATE TABLE slug (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    -- The app it was made for. No reference: a slug that another app runs stays when its own app goes.
    app BLOB NOT NULL CHECK (length(app) = 16),
    buildpack_provided_description TEXT,
    checksum TEXT,
    commit_id TEXT,
    commit_description TEXT,
    process_types TEXT NOT NULL,
    stack TEXT NOT NULL,
    size INTEGER CHECK (size >= 0),
    sha256 BLOB CHECK (length(sha256) = 32),
    uploaded_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    -- Uploaded altogether or not at all.
    CHECK ((size IS NULL) = (uploaded_at IS NULL) AND (sha256 IS NULL) = (uploaded_at IS NULL))
) STRICT;

CREATE INDEX slug_of_app ON slug (app);

CREATE TRIGGER slug_stays BEFORE UPDATE ON slug
WHEN NEW.number IS NOT OLD.number OR NEW.id IS NOT OLD.id OR NEW.app IS NOT OLD.app
    OR NEW.buildpack_provided_description IS NOT OLD.buildpack_provided_description
    OR NEW.checksum IS NOT OLD.checksum OR NEW.commit_id IS NOT OLD.commit_id
    OR NEW.commit_description IS NOT OLD.commit_description OR NEW.process_types IS NOT OLD.process_types
    OR NEW.stack IS NOT OLD.stack OR NEW.created_at IS NOT OLD.created_at
    OR OLD.uploaded_at IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'a slug is never changed once it is uploaded');
END;

-- The config vars of releases, each distinct map of an app once.
CREATE TABLE config (
    number INTEGER PRIMARY KEY,
    app INTEGER NOT NULL REFERENCES app ON DELETE CASCADE,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    vars TEXT NOT NULL,
    UNIQUE (app, digest)
) STRICT;

CREATE TRIGGER config_stays BEFORE UPDATE ON config
BEGIN
    SELECT RAISE(ABORT, 'the config vars of a release are never changed');
END;

-- Clustered by app and version, so that a page of releases is one stretch of the file.
CREATE TABLE release (
    app INTEGER NOT NULL REFERENCES app ON DELETE CASCADE,
    version INTEGER NOT NULL,
    id BLOB NOT NULL CHECK (length(id) = 16),
    slug INTEGER REFERENCES slug,
    config INTEGER NOT NULL REFERENCES config,
    addon_plan_names TEXT NOT NULL DEFAULT '[]',
    description TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed', 'expired')),
    has_release_phase INTEGER NOT NULL CHECK (has_release_phase IN (0, 1)),
    user INTEGER NOT NULL REFERENCES user,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (app, version)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX release_by_id ON release (app, id);
-- Who runs a slug: an app other than its own, or one that is about to go.
CREATE INDEX release_of_slug ON release (slug, app) WHERE slug IS NOT NULL;

CREATE TRIGGER release_follows BEFORE INSERT ON release
WHEN NEW.version IS NOT 1 + coalesce((SELECT max(version) FROM release WHERE app = NEW.app), 0)
BEGIN
    SELECT RAISE(ABORT, 'a release has the number after that of the newest one');
END;

CREATE TRIGGER release_stays BEFORE UPDATE ON release
WHEN NEW.app IS NOT OLD.app OR NEW.version IS NOT OLD.version OR NEW.id IS NOT OLD.id OR NEW.slug IS NOT OLD.slug
    OR NEW.config IS NOT OLD.config OR NEW.addon_plan_names IS NOT OLD.addon_plan_names
    OR NEW.description IS NOT OLD.description OR NEW.has_release_phase IS NOT OLD.has_release_phase
    OR NEW.user IS NOT OLD.user OR NEW.created_at IS NOT OLD.created_at
    OR NOT ((OLD.status = 'pending' AND NEW.status IN ('succeeded', 'failed'))
        OR (OLD.status = 'succeeded' AND NEW.status = 'expired'))
BEGIN
    SELECT RAISE(ABORT, 'a release is never changed but for its status');
END;

-- SQLite deletes the app before what refers to it, so that only such releases find no app.
CREATE TRIGGER release_goes_with_its_app BEFORE DELETE ON release
WHEN EXISTS (SELECT 1 FROM app WHERE number = OLD.app)
BEGIN
    SELECT RAISE(ABORT, 'a release is never deleted but with its app');
END;

CREATE TABLE formation (
    app INTEGER NOT NULL REFERENCES app ON DELETE CASCADE,
    type TEXT NOT NULL,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    command TEXT NOT NULL,
    quantity INTEGER NOT NULL CHECK (quantity >= 0),
    size TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (app, type)
) STRICT, WITHOUT ROWID;
