-- In every column -1 lifts the limit.

ALTER TABLE tiers ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE tiers ADD COLUMN disk_mb INTEGER NOT NULL DEFAULT 512;
ALTER TABLE tiers ADD COLUMN max_vcpu INTEGER NOT NULL DEFAULT 8;
ALTER TABLE tiers ADD COLUMN max_ram_mb INTEGER NOT NULL DEFAULT 8192;
ALTER TABLE tiers ADD COLUMN concurrent_template_builds INTEGER NOT NULL DEFAULT 20;
ALTER TABLE tiers ADD COLUMN events_ttl_days INTEGER NOT NULL DEFAULT 7;
ALTER TABLE tiers ADD COLUMN default_free_disk_size_mb INTEGER NOT NULL DEFAULT 512;
ALTER TABLE tiers ADD COLUMN max_disk_size_mb INTEGER NOT NULL DEFAULT 25600;

INSERT INTO tiers (id, name, concurrent_instances, max_length_hours) VALUES ('base_v1', 'Base tier', 20, 1);

-- Added to the tier while valid.
CREATE TABLE addons (
    id TEXT NOT NULL PRIMARY KEY,
    team_id TEXT NOT NULL REFERENCES teams (id),
    name TEXT NOT NULL,
    extra_concurrent_sandboxes INTEGER NOT NULL DEFAULT 0,
    extra_concurrent_template_builds INTEGER NOT NULL DEFAULT 0,
    extra_max_vcpu INTEGER NOT NULL DEFAULT 0,
    extra_max_ram_mb INTEGER NOT NULL DEFAULT 0,
    extra_disk_mb INTEGER NOT NULL DEFAULT 0,
    valid_from BIGINT NOT NULL,
    valid_to BIGINT
);

CREATE INDEX addons_by_team ON addons (team_id);

-- Wins over tier and addons; a column without a value leaves that limit alone.
CREATE TABLE project_limits (
    team_id TEXT NOT NULL PRIMARY KEY REFERENCES teams (id),
    concurrent_instances INTEGER,
    max_length_hours INTEGER,
    max_vcpu INTEGER,
    max_ram_mb INTEGER,
    concurrent_template_builds INTEGER,
    events_ttl_days INTEGER,
    default_free_disk_size_mb INTEGER,
    max_disk_size_mb INTEGER
);
