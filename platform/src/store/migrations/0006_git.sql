-- Repositories that are pushed to, and webhooks that tell of pushes elsewhere.

-- Bytes of the app's repository when it was last pushed to; nothing where it has none.
ALTER TABLE app ADD COLUMN repo_size INTEGER CHECK (repo_size >= 0);

CREATE TABLE push_webhook (
    app INTEGER PRIMARY KEY REFERENCES app ON DELETE CASCADE,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    -- Who set it up, in whose name its builds are.
    user INTEGER NOT NULL REFERENCES user ON DELETE CASCADE,
    -- As it is: signatures are made from it.
    secret TEXT NOT NULL,
    branch TEXT NOT NULL,
    -- What became of the last push that it told of.
    outcome TEXT,
    outcome_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CHECK ((outcome IS NULL) = (outcome_at IS NULL))
) STRICT;

CREATE INDEX push_webhook_of_user ON push_webhook (user);
