-- Sources that users upload, and builds of them.

-- An archive of source code that someone may upload, or has. It is removed some time after it was made.
CREATE TABLE source (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    user INTEGER NOT NULL REFERENCES user ON DELETE CASCADE,
    size INTEGER CHECK (size >= 0),
    sha256 BLOB CHECK (length(sha256) = 32),
    created_at INTEGER NOT NULL,
    CHECK ((size IS NULL) = (sha256 IS NULL))
) STRICT;

CREATE INDEX source_of_user ON source (user);
CREATE INDEX source_by_age ON source (created_at);

CREATE TABLE build (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    app INTEGER NOT NULL REFERENCES app ON DELETE CASCADE,
    user INTEGER NOT NULL REFERENCES user,
    status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'succeeded', 'failed')),
    stack TEXT NOT NULL,
    -- What the request named, and nothing where the app's own count.
    buildpacks TEXT,
    -- Where its source is from. No address: a folder that the server itself has filled.
    url TEXT,
    -- That address is one of this server, which has this archive.
    source BLOB CHECK (length(source) = 16),
    checksum TEXT,
    version TEXT,
    version_description TEXT,
    source_date_epoch INTEGER,
    -- Whether it fails when the server ends before it: of a push, for which somebody waits who pushes again.
    ends_with_server INTEGER NOT NULL DEFAULT FALSE CHECK (ends_with_server IN (FALSE, TRUE)),
    -- How often it was begun: once more than that a server was killed meanwhile.
    attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    slug INTEGER REFERENCES slug,
    -- The number of the release.
    release INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    FOREIGN KEY (app, release) REFERENCES release (app, version),
    CHECK ((status = 'succeeded') = (release IS NOT NULL) AND (slug IS NULL) = (release IS NULL))
) STRICT;

CREATE UNIQUE INDEX build_by_id ON build (app, id);
CREATE UNIQUE INDEX build_by_creation ON build (app, created_at);
CREATE INDEX build_of_slug ON build (slug) WHERE slug IS NOT NULL;
CREATE INDEX build_of_release ON build (app, release) WHERE release IS NOT NULL;
CREATE INDEX build_pending ON build (created_at) WHERE status = 'pending';

CREATE TRIGGER build_stays BEFORE UPDATE ON build
WHEN OLD.status <> 'pending' OR NEW.id IS NOT OLD.id OR NEW.app IS NOT OLD.app OR NEW.user IS NOT OLD.user
    OR NEW.created_at IS NOT OLD.created_at
BEGIN
    SELECT RAISE(ABORT, 'a build is never changed once it has ended');
END;
