package dev.sandlot.control;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Teams and keys in SQL. */
final class SqlTeamStore implements TeamStore {
    private static final int LIFTED = -1;
    private static final String TEAMS = """
            FROM teams t JOIN tiers l ON l.id = t.tier
            LEFT JOIN project_limits p ON p.team_id = t.id
            LEFT JOIN (
                SELECT team_id, SUM(extra_concurrent_sandboxes) AS sandboxes,
                    SUM(extra_concurrent_template_builds) AS builds, SUM(extra_max_vcpu) AS vcpu,
                    SUM(extra_max_ram_mb) AS ram, SUM(extra_disk_mb) AS disk
                FROM addons WHERE valid_from <= :now AND (valid_to IS NULL OR valid_to > :now) GROUP BY team_id
            ) x ON x.team_id = t.id
            """;
    private static final String TEAM = """
            t.id, t.name, t.slug, t.is_banned, t.is_blocked, t.blocked_reason,
            """
            + String.join(
                    ", ",
                    limit("concurrent_instances", "x.sandboxes"),
                    limit("max_length_hours", "0"),
                    limit("max_vcpu", "x.vcpu"),
                    limit("max_ram_mb", "x.ram"),
                    limit("concurrent_template_builds", "x.builds"),
                    limit("events_ttl_days", "0"),
                    limit("default_free_disk_size_mb", "0"),
                    limit("max_disk_size_mb", "x.disk"));
    private static final String OWN = "own_";

    /** What operators see besides. */
    private static final String LISTED = "t.tier AS of_tier, t.created_at AS made_at, "
            + Stream.of(
                            "concurrent_instances",
                            "max_length_hours",
                            "max_vcpu",
                            "max_ram_mb",
                            "concurrent_template_builds",
                            "events_ttl_days",
                            "default_free_disk_size_mb",
                            "max_disk_size_mb")
                    .map(column -> "p." + column + " AS " + OWN + column)
                    .collect(Collectors.joining(", "));

    /** Tables whose rows a team must not have when it goes. */
    private static final List<String> HANGING = List.of("sandboxes", "envs", "env_builds");

    /** Tables whose rows go with their team. */
    private static final List<String> OWNED =
            List.of("idempotent_requests", "project_limits", "addons", "team_api_keys", "users_teams");

    private static final Logger LOG = LoggerFactory.getLogger(SqlTeamStore.class);
    private static final int DELETIONS = 5;

    private final Sql sql;

    /** The team's own limit, else its tier's with the addons. */
    private static String limit(String column, String extra) {
        return """
                CASE WHEN p.%1$s IS NOT NULL THEN p.%1$s WHEN l.%1$s < 0 THEN l.%1$s
                ELSE l.%1$s + COALESCE(%2$s, 0) END AS %1$s
                """.formatted(column, extra);
    }

    /** A query of teams, with more columns, that must be given {@code :now}. */
    static String select(String column, String rest) {
        return "SELECT " + column + ", " + TEAM + TEAMS + rest;
    }

    SqlTeamStore(Sql sql) {
        this.sql = sql;
    }

    @Override
    public void putTier(Tier tier) {
        String upsert = """
                INSERT INTO tiers (id, concurrent_instances, max_length_hours, max_vcpu, max_ram_mb,
                    concurrent_template_builds, events_ttl_days, default_free_disk_size_mb, max_disk_size_mb)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET concurrent_instances = excluded.concurrent_instances,
                    max_length_hours = excluded.max_length_hours, max_vcpu = excluded.max_vcpu,
                    max_ram_mb = excluded.max_ram_mb,
                    concurrent_template_builds = excluded.concurrent_template_builds,
                    events_ttl_days = excluded.events_ttl_days,
                    default_free_disk_size_mb = excluded.default_free_disk_size_mb,
                    max_disk_size_mb = excluded.max_disk_size_mb
                """;
        Team.Limits limits = tier.limits();
        change(
                upsert,
                tier.id(),
                stored(limits.concurrentSandboxes()),
                stored(limits.maxLengthHours()),
                stored(limits.maxVcpu()),
                stored(limits.maxRamMb()),
                stored(limits.concurrentBuilds()),
                stored(limits.eventsTtlDays()),
                stored(limits.defaultFreeDiskMb()),
                stored(limits.maxDiskMb()));
    }

    private static @Nullable Integer stored(@Nullable Integer limit) {
        return limit != null && limit == Team.Limits.LIFTED ? Integer.valueOf(LIFTED) : limit;
    }

    private static int limit(ResultSet row, String column) throws SQLException {
        int limit = row.getInt(column);
        return limit < 0 ? Team.Limits.LIFTED : limit;
    }

    /** A change that what servers remember must follow. */
    private int change(String statement, @Nullable Object... arguments) {
        return sql.write(handle -> {
            count(handle);
            return handle.execute(statement, arguments);
        });
    }

    private static void count(Handle handle) {
        handle.execute("UPDATE account_changes SET changes = changes + 1 WHERE id = 1");
    }

    @Override
    public long changes() {
        return sql.read(handle -> handle.createQuery("SELECT changes FROM account_changes WHERE id = 1")
                .mapTo(Long.class)
                .one());
    }

    @Override
    public void putOverrides(UUID teamId, Overrides overrides) {
        String upsert = """
                INSERT INTO project_limits (team_id, concurrent_instances, max_length_hours, max_vcpu, max_ram_mb,
                    concurrent_template_builds, events_ttl_days, default_free_disk_size_mb, max_disk_size_mb)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (team_id) DO UPDATE SET concurrent_instances = excluded.concurrent_instances,
                    max_length_hours = excluded.max_length_hours, max_vcpu = excluded.max_vcpu,
                    max_ram_mb = excluded.max_ram_mb,
                    concurrent_template_builds = excluded.concurrent_template_builds,
                    events_ttl_days = excluded.events_ttl_days,
                    default_free_disk_size_mb = excluded.default_free_disk_size_mb,
                    max_disk_size_mb = excluded.max_disk_size_mb
                """;
        change(
                upsert,
                teamId.toString(),
                stored(overrides.concurrentSandboxes()),
                stored(overrides.maxLengthHours()),
                stored(overrides.maxVcpu()),
                stored(overrides.maxRamMb()),
                stored(overrides.concurrentBuilds()),
                stored(overrides.eventsTtlDays()),
                stored(overrides.defaultFreeDiskMb()),
                stored(overrides.maxDiskMb()));
    }

    @Override
    public void addAddon(Addon addon) {
        String insert = """
                INSERT INTO addons (id, team_id, name, extra_concurrent_sandboxes, extra_concurrent_template_builds,
                    extra_max_vcpu, extra_max_ram_mb, extra_disk_mb, valid_from, valid_to)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """;
        Instant validTo = addon.validTo();
        change(
                insert,
                addon.id().toString(),
                addon.teamId().toString(),
                addon.name(),
                addon.extraSandboxes(),
                addon.extraBuilds(),
                addon.extraVcpu(),
                addon.extraRamMb(),
                addon.extraDiskMb(),
                addon.validFrom().toEpochMilli(),
                validTo == null ? null : Long.valueOf(validTo.toEpochMilli()));
    }

    @Override
    public List<Addon> addons(UUID teamId) {
        return sql.read(handle -> handle.select(
                        "SELECT * FROM addons WHERE team_id = ? ORDER BY valid_from, id", teamId.toString())
                .map((row, context) -> addon(row))
                .list());
    }

    private static Addon addon(ResultSet row) throws SQLException {
        long validTo = row.getLong("valid_to");
        Instant end = row.wasNull() ? null : Instant.ofEpochMilli(validTo);
        return new Addon(
                UUID.fromString(row.getString("id")),
                UUID.fromString(row.getString("team_id")),
                row.getString("name"),
                row.getInt("extra_concurrent_sandboxes"),
                row.getInt("extra_concurrent_template_builds"),
                row.getInt("extra_max_vcpu"),
                row.getInt("extra_max_ram_mb"),
                row.getInt("extra_disk_mb"),
                Instant.ofEpochMilli(row.getLong("valid_from")),
                end);
    }

    @Override
    public boolean deleteAddon(UUID teamId, UUID addonId) {
        return change("DELETE FROM addons WHERE id = ? AND team_id = ?", addonId.toString(), teamId.toString()) == 1;
    }

    @Override
    public boolean addTeam(UUID id, String name, String slug, String tierId) {
        return sql.write(handle -> insertTeam(handle, new NewTeam(id, name, slug, tierId, id)));
    }

    @Override
    public List<Team> all() {
        return sql.read(handle -> handle.createQuery(select("t.slug AS by_slug", "ORDER BY t.slug"))
                .bind("now", now())
                .map((row, context) -> team(row))
                .list());
    }

    @Override
    public List<ListedTeam> listed() {
        return sql.read(handle -> handle.createQuery(select(LISTED, "ORDER BY t.slug"))
                .bind("now", now())
                .map((row, context) -> listed(row))
                .list());
    }

    @Override
    public Optional<ListedTeam> listed(UUID teamId) {
        return sql.read(handle -> handle.createQuery(select(LISTED, "WHERE t.id = :wanted"))
                .bind("wanted", teamId.toString())
                .bind("now", now())
                .map((row, context) -> listed(row))
                .findOne());
    }

    private static ListedTeam listed(ResultSet row) throws SQLException {
        return new ListedTeam(
                team(row),
                row.getString("of_tier"),
                Instant.ofEpochMilli(row.getLong("made_at")),
                new Overrides(
                        own(row, "concurrent_instances"),
                        own(row, "max_length_hours"),
                        own(row, "max_vcpu"),
                        own(row, "max_ram_mb"),
                        own(row, "concurrent_template_builds"),
                        own(row, "events_ttl_days"),
                        own(row, "default_free_disk_size_mb"),
                        own(row, "max_disk_size_mb")));
    }

    private static @Nullable Integer own(ResultSet row, String column) throws SQLException {
        int limit = limit(row, OWN + column);
        return row.wasNull() ? null : Integer.valueOf(limit);
    }

    @Override
    public void changeTeam(UUID teamId, String name, String tierId) {
        change("UPDATE teams SET name = ?, tier = ? WHERE id = ?", name, tierId, teamId.toString());
    }

    /** What others make for the team meanwhile keeps it from going: then all is looked at anew, a few times. */
    @Override
    public boolean deleteTeam(UUID teamId) {
        for (int tried = 0; tried < DELETIONS; tried++) {
            try {
                return deleteUnreferred(teamId.toString());
            } catch (RuntimeException e) {
                if (!BrokenReference.isIn(e)) {
                    throw e;
                }
                LOG.debug("team {} was given something while it was deleted", teamId, e);
            }
        }
        return false;
    }

    private boolean deleteUnreferred(String id) {
        return sql.writeAlone(handle -> {
            if (HANGING.stream().anyMatch(table -> counts(handle, table, id) > 0)) {
                return false;
            }
            count(handle);
            OWNED.forEach(table -> handle.execute("DELETE FROM " + table + " WHERE team_id = ?", id));
            return handle.execute("DELETE FROM teams WHERE id = ?", id) == 1;
        });
    }

    private static long counts(Handle handle, String table, String team) {
        return handle.select("SELECT COUNT(*) FROM " + table + " WHERE team_id = ?", team)
                .mapTo(Long.class)
                .one();
    }

    @Override
    public List<Tier> tiers() {
        return sql.read(handle -> handle.createQuery("SELECT * FROM tiers ORDER BY id")
                .map((row, context) -> new Tier(row.getString("id"), limits(row)))
                .list());
    }

    @Override
    public void ensureTeam(NewTeam team) {
        sql.write(handle -> insertTeam(handle, team) && insertOwner(handle, team));
    }

    private static boolean insertTeam(Handle handle, NewTeam team) {
        String insert = """
                INSERT INTO teams (id, name, slug, tier, is_banned, is_blocked, created_at)
                VALUES (?, ?, ?, ?, FALSE, FALSE, ?) ON CONFLICT (slug) DO NOTHING
                """;
        return handle.execute(insert, team.id().toString(), team.name(), team.slug(), team.tierId(), now()) == 1;
    }

    private static boolean insertOwner(Handle handle, NewTeam team) {
        String user = team.ownerId().toString();
        handle.execute("INSERT INTO users (id, created_at) VALUES (?, ?)", user, now());
        String membership = "INSERT INTO users_teams (user_id, team_id, is_default, created_at) VALUES (?, ?, TRUE, ?)";
        return handle.execute(membership, user, team.id().toString(), now()) == 1;
    }

    @Override
    public Optional<Team> bySlug(String slug) {
        return team("WHERE t.slug = :wanted", slug);
    }

    @Override
    public Optional<Team> byId(UUID id) {
        return team("WHERE t.id = :wanted", id.toString());
    }

    @Override
    public Optional<Team> byKeyHash(String hash) {
        return team("JOIN team_api_keys k ON k.team_id = t.id WHERE k.api_key_hash = :wanted", hash);
    }

    private Optional<Team> team(String condition, String wanted) {
        return sql.read(handle -> handle.createQuery(select("t.tier AS of_tier", condition))
                .bind("wanted", wanted)
                .bind("now", now())
                .map((row, context) -> team(row))
                .findOne());
    }

    static Team team(ResultSet row) throws SQLException {
        return new Team(
                UUID.fromString(row.getString("id")),
                row.getString("name"),
                row.getString("slug"),
                new Team.Standing(
                        row.getBoolean("is_banned"), row.getBoolean("is_blocked"), row.getString("blocked_reason")),
                limits(row));
    }

    private static Team.Limits limits(ResultSet row) throws SQLException {
        return new Team.Limits(
                limit(row, "concurrent_instances"),
                limit(row, "max_length_hours"),
                limit(row, "max_vcpu"),
                limit(row, "max_ram_mb"),
                limit(row, "concurrent_template_builds"),
                limit(row, "events_ttl_days"),
                limit(row, "default_free_disk_size_mb"),
                limit(row, "max_disk_size_mb"));
    }

    @Override
    public void setStanding(UUID teamId, Team.Standing standing) {
        change(
                "UPDATE teams SET is_banned = ?, is_blocked = ?, blocked_reason = ? WHERE id = ?",
                standing.banned(),
                standing.blocked(),
                standing.blockedReason(),
                teamId.toString());
    }

    @Override
    public void addKey(StoredKey key) {
        addKey(key, null);
    }

    @Override
    public Instant addKey(StoredKey key, @Nullable UUID creator) {
        long moment = now();
        sql.write(handle -> insertKey(handle, key, creator, moment));
        return Instant.ofEpochMilli(moment);
    }

    @Override
    public List<ListedKey> keys(UUID teamId) {
        return sql.read(handle -> handle.select(
                        "SELECT * FROM team_api_keys WHERE team_id = ? ORDER BY created_at, id", teamId.toString())
                .map((row, context) -> key(row))
                .list());
    }

    private static ListedKey key(ResultSet row) throws SQLException {
        String creator = row.getString("created_by");
        long lastUsed = row.getLong("last_used");
        Instant used = row.wasNull() ? null : Instant.ofEpochMilli(lastUsed);
        return new ListedKey(
                UUID.fromString(row.getString("id")),
                row.getString("name"),
                new KeyMask(
                        row.getString("api_key_prefix"),
                        row.getInt("api_key_length"),
                        row.getString("api_key_mask_prefix"),
                        row.getString("api_key_mask_suffix")),
                Instant.ofEpochMilli(row.getLong("created_at")),
                creator == null ? null : UUID.fromString(creator),
                used);
    }

    @Override
    public boolean renameKey(UUID teamId, UUID keyId, String name) {
        return sql.write(handle -> handle.execute(
                        "UPDATE team_api_keys SET name = ?, updated_at = ? WHERE id = ? AND team_id = ?",
                        name,
                        now(),
                        keyId.toString(),
                        teamId.toString())
                == 1);
    }

    @Override
    public boolean addFirstKey(StoredKey key) {
        return sql.writeAlone(handle -> !hasKey(handle, key.teamId()) && insertKey(handle, key, null, now()) == 1);
    }

    private static boolean hasKey(Handle handle, UUID teamId) {
        return handle.select("SELECT COUNT(*) FROM team_api_keys WHERE team_id = ?", teamId.toString())
                        .mapTo(Long.class)
                        .one()
                > 0;
    }

    private static int insertKey(Handle handle, StoredKey stored, @Nullable UUID creator, long moment) {
        String insert = """
                INSERT INTO team_api_keys (id, team_id, name, api_key_hash, api_key_prefix, api_key_length,
                    api_key_mask_prefix, api_key_mask_suffix, created_at, created_by)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """;
        ApiKeys.Minted key = stored.key();
        return handle.execute(
                insert,
                stored.id().toString(),
                stored.teamId().toString(),
                stored.name(),
                key.hash(),
                ApiKeys.PREFIX,
                key.length(),
                key.maskPrefix(),
                key.maskSuffix(),
                moment,
                creator == null ? null : creator.toString());
    }

    @Override
    public Optional<String> deleteKey(UUID teamId, UUID keyId) {
        return sql.write(handle -> {
            Optional<String> hash = handle.select(
                            "DELETE FROM team_api_keys WHERE id = ? AND team_id = ? RETURNING api_key_hash",
                            keyId.toString(),
                            teamId.toString())
                    .mapTo(String.class)
                    .findOne();
            hash.ifPresent(_ -> count(handle));
            return hash;
        });
    }

    @Override
    public void keyUsed(String hash, Instant at) {
        sql.write(handle -> handle.execute(
                "UPDATE team_api_keys SET last_used = ? WHERE api_key_hash = ?", at.toEpochMilli(), hash));
    }

    private static long now() {
        return System.currentTimeMillis();
    }
}
