-- Moments are milliseconds since 1970, UUIDs and JSON are text: one text for SQLite and PostgreSQL.

CREATE TABLE tiers (
    id TEXT NOT NULL PRIMARY KEY,
    concurrent_instances INTEGER NOT NULL,
    max_length_hours INTEGER NOT NULL
);

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    created_at BIGINT NOT NULL
);

CREATE TABLE teams (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    slug TEXT NOT NULL UNIQUE,
    tier TEXT NOT NULL REFERENCES tiers (id),
    is_banned BOOLEAN NOT NULL,
    is_blocked BOOLEAN NOT NULL,
    blocked_reason TEXT,
    created_at BIGINT NOT NULL
);

CREATE TABLE users_teams (
    user_id TEXT NOT NULL REFERENCES users (id),
    team_id TEXT NOT NULL REFERENCES teams (id),
    is_default BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (team_id, user_id)
);

CREATE TABLE team_api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    team_id TEXT NOT NULL REFERENCES teams (id),
    name TEXT NOT NULL,
    api_key_hash TEXT NOT NULL UNIQUE,
    api_key_prefix TEXT NOT NULL,
    api_key_length INTEGER NOT NULL,
    api_key_mask_prefix TEXT NOT NULL,
    api_key_mask_suffix TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used BIGINT
);

CREATE INDEX team_api_keys_by_team ON team_api_keys (team_id);

-- A template; the name is that of the systems this schema is close to. No team: it comes with the server.
CREATE TABLE envs (
    id TEXT NOT NULL PRIMARY KEY,
    team_id TEXT REFERENCES teams (id),
    public BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);

-- The namespace is a team's slug, or empty for a template known by its bare alias.
CREATE TABLE env_aliases (
    namespace TEXT NOT NULL,
    alias TEXT NOT NULL,
    env_id TEXT NOT NULL REFERENCES envs (id),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (namespace, alias)
);

CREATE INDEX env_aliases_by_env ON env_aliases (env_id);

CREATE TABLE env_builds (
    id TEXT NOT NULL PRIMARY KEY,
    team_id TEXT REFERENCES teams (id),
    status_group TEXT NOT NULL,
    layers TEXT NOT NULL,
    vcpu INTEGER NOT NULL,
    ram_mb INTEGER NOT NULL,
    total_disk_size_mb INTEGER NOT NULL,
    envd_version TEXT NOT NULL,
    default_user TEXT NOT NULL,
    default_workdir TEXT NOT NULL,
    start_cmd TEXT,
    created_at BIGINT NOT NULL
);

-- Only added to; the highest position of a tag wins.
CREATE TABLE env_build_assignments (
    env_id TEXT NOT NULL REFERENCES envs (id),
    tag TEXT NOT NULL,
    position BIGINT NOT NULL,
    build_id TEXT NOT NULL REFERENCES env_builds (id),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (env_id, tag, position)
);

CREATE TABLE sandboxes (
    id TEXT NOT NULL PRIMARY KEY,
    execution_id TEXT NOT NULL,
    team_id TEXT NOT NULL REFERENCES teams (id),
    state TEXT NOT NULL,
    env_id TEXT NOT NULL,
    build_id TEXT NOT NULL,
    alias TEXT NOT NULL,
    envd_version TEXT NOT NULL,
    vcpu INTEGER NOT NULL,
    ram_mb INTEGER NOT NULL,
    total_disk_size_mb INTEGER NOT NULL,
    allow_internet_access BOOLEAN,
    metadata TEXT,
    started_at BIGINT NOT NULL,
    end_at BIGINT NOT NULL
);

CREATE TABLE sandbox_endings (
    execution_id TEXT NOT NULL PRIMARY KEY,
    sandbox_id TEXT NOT NULL,
    team_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    ended_at BIGINT NOT NULL
);

CREATE INDEX sandbox_endings_by_sandbox ON sandbox_endings (sandbox_id);

CREATE INDEX sandbox_endings_by_time ON sandbox_endings (ended_at);
