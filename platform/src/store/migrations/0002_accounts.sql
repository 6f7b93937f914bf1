-- Accounts: passwords, keys, OAuth authorizations, features.

-- The hash of the password that the settings of the server give, in the PHC format.
ALTER TABLE user ADD COLUMN password TEXT;

-- What a user lets a token do. Each has one token, in `token`.
CREATE TABLE oauth_authorization (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    user INTEGER NOT NULL REFERENCES user ON DELETE CASCADE,
    description TEXT NOT NULL,
    -- Names, as a list in JSON.
    scope TEXT NOT NULL,
    -- For how many seconds a new token of it is good; nothing means for ever.
    lifetime INTEGER CHECK (lifetime > 0),
    -- Of its token: an identifier, what may be shown of it, until when it is good.
    token_id BLOB NOT NULL CHECK (length(token_id) = 16),
    token_shown TEXT NOT NULL,
    expires_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE INDEX oauth_authorization_by_id ON oauth_authorization (user, id);
CREATE INDEX oauth_authorization_by_end ON oauth_authorization (expires_at) WHERE expires_at IS NOT NULL;

-- The authorization that a token belongs to, and with which it ends; nothing for those of the settings.
ALTER TABLE token ADD COLUMN oauth_authorization INTEGER REFERENCES oauth_authorization ON DELETE CASCADE;

CREATE INDEX token_of_authorization ON token (oauth_authorization) WHERE oauth_authorization IS NOT NULL;

-- Public SSH keys. No two users have the same one: it would not tell who comes.
CREATE TABLE ssh_key (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    user INTEGER NOT NULL REFERENCES user ON DELETE CASCADE,
    -- SHA-256 of what the second field of the key decodes to.
    fingerprint BLOB NOT NULL UNIQUE CHECK (length(fingerprint) = 32),
    public_key TEXT NOT NULL,
    comment TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE INDEX ssh_key_by_id ON ssh_key (user, id);

-- Features of accounts that someone has switched; the program knows which there are.
CREATE TABLE account_feature (
    user INTEGER NOT NULL REFERENCES user ON DELETE CASCADE,
    name TEXT NOT NULL,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (user, name)
) STRICT, WITHOUT ROWID;
