-- What an operator wants of a node; a node without a row is ready.
CREATE TABLE node_states (
    node_id TEXT NOT NULL PRIMARY KEY,
    status TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);

-- Requests under a key of the caller, and how each was answered.
CREATE TABLE idempotent_requests (
    team_id TEXT NOT NULL REFERENCES teams (id),
    idempotency_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    deadline BIGINT NOT NULL,
    status INTEGER,
    headers TEXT,
    body TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (team_id, idempotency_key)
);

CREATE INDEX idempotent_requests_by_time ON idempotent_requests (created_at);
