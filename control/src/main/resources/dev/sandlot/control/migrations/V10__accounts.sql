-- People: how they are known to identity providers, their tokens, and who made a key.

ALTER TABLE users ADD COLUMN email TEXT;

CREATE TABLE user_identities (
    oidc_iss TEXT NOT NULL,
    oidc_sub TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (oidc_iss, oidc_sub)
);

CREATE INDEX users_teams_by_user ON users_teams (user_id);

ALTER TABLE team_api_keys ADD COLUMN created_by TEXT REFERENCES users (id);

ALTER TABLE team_api_keys ADD COLUMN updated_at BIGINT;

CREATE TABLE access_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    access_token_hash TEXT NOT NULL UNIQUE,
    access_token_prefix TEXT NOT NULL,
    access_token_length INTEGER NOT NULL,
    access_token_mask_prefix TEXT NOT NULL,
    access_token_mask_suffix TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE INDEX access_tokens_by_user ON access_tokens (user_id);

-- One row, counted up by every change that what servers remember of callers must follow.
CREATE TABLE account_changes (
    id INTEGER NOT NULL PRIMARY KEY,
    changes BIGINT NOT NULL
);

INSERT INTO account_changes (id, changes) VALUES (1, 0);
