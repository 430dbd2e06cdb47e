-- A build from the request for it to its end. Until it is ready its layers are none and its versions empty; start_cmd
-- then holds what the request for a build of the first kind said.
ALTER TABLE env_builds ADD COLUMN env_id TEXT REFERENCES envs (id);
ALTER TABLE env_builds ADD COLUMN tags TEXT NOT NULL DEFAULT '["default"]';
ALTER TABLE env_builds ADD COLUMN version TEXT;
ALTER TABLE env_builds ADD COLUMN dockerfile TEXT;
ALTER TABLE env_builds ADD COLUMN started_at BIGINT;
ALTER TABLE env_builds ADD COLUMN reason TEXT;
ALTER TABLE env_builds ADD COLUMN context TEXT;
ALTER TABLE env_builds ADD COLUMN size_bytes BIGINT NOT NULL DEFAULT 0;
-- When the builder was told to forget the build of a deleted template.
ALTER TABLE env_builds ADD COLUMN forgotten_at BIGINT;

UPDATE env_builds SET env_id = (
    SELECT MIN(a.env_id) FROM env_build_assignments a WHERE a.build_id = env_builds.id);

CREATE INDEX env_builds_by_env ON env_builds (env_id);

CREATE INDEX env_builds_active ON env_builds (team_id, created_at) WHERE status_group IN ('pending', 'in_progress');
