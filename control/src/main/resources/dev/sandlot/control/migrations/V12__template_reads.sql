ALTER TABLE envs ADD COLUMN created_by TEXT REFERENCES users (id);
ALTER TABLE envs ADD COLUMN updated_at BIGINT;
ALTER TABLE envs ADD COLUMN spawn_count BIGINT NOT NULL DEFAULT 0;
ALTER TABLE envs ADD COLUMN last_spawned_at BIGINT;
ALTER TABLE envs ADD COLUMN source TEXT NOT NULL DEFAULT 'template';
ALTER TABLE envs ADD COLUMN deleted_at BIGINT;

CREATE INDEX envs_by_team ON envs (team_id, created_at);

ALTER TABLE env_builds ADD COLUMN updated_at BIGINT;
ALTER TABLE env_builds ADD COLUMN finished_at BIGINT;
