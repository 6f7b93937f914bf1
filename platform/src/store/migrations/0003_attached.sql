-- What is attached to an app, and goes with it. Nothing of it makes a release.

-- The features of an app that were ever switched; all others are off.
CREATE TABLE app_feature (
    app INTEGER NOT NULL REFERENCES app ON DELETE CASCADE,
    name TEXT NOT NULL,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (app, name)
) STRICT, WITHOUT ROWID;

-- The names that visitors may find an app by, besides its own below the server's. Each is of one app at a time. In ASCII and
-- lower case, without a dot at the end.
CREATE TABLE domain (
    hostname TEXT PRIMARY KEY,
    app INTEGER NOT NULL REFERENCES app ON DELETE CASCADE,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX domain_of_app ON domain (app, hostname);
-- What a wildcard covers: the name less its first label.
CREATE INDEX domain_by_parent ON domain (substr(hostname, instr(hostname, '.') + 1));

CREATE TABLE log_drain (
    app INTEGER NOT NULL REFERENCES app ON DELETE CASCADE,
    url TEXT NOT NULL,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    -- Clients see it as `d.UUID`.
    token BLOB NOT NULL UNIQUE CHECK (length(token) = 16),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (app, url)
) STRICT, WITHOUT ROWID;

-- The buildpacks of an app's next builds, in their order: `heroku/nodejs`, or an address.
CREATE TABLE buildpack_installation (
    app INTEGER NOT NULL REFERENCES app ON DELETE CASCADE,
    ordinal INTEGER NOT NULL CHECK (ordinal >= 0),
    buildpack TEXT NOT NULL,
    PRIMARY KEY (app, ordinal)
) STRICT, WITHOUT ROWID;
