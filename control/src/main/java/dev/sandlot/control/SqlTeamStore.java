package dev.sandlot.control;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/** Teams and keys in SQL. */
final class SqlTeamStore implements TeamStore {
    private static final String TEAM = """
            SELECT t.id, t.name, t.slug, t.is_banned, t.is_blocked, t.blocked_reason,
                l.concurrent_instances, l.max_length_hours
            FROM teams t JOIN tiers l ON l.id = t.tier
            """;
    private final Sql sql;

    SqlTeamStore(Sql sql) {
        this.sql = sql;
    }

    @Override
    public void putTier(Tier tier) {
        String upsert = """
                INSERT INTO tiers (id, concurrent_instances, max_length_hours) VALUES (?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET concurrent_instances = excluded.concurrent_instances,
                    max_length_hours = excluded.max_length_hours
                """;
        sql.write(handle -> handle.execute(
                upsert,
                tier.id(),
                tier.limits().concurrentSandboxes(),
                tier.limits().maxLengthHours()));
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
        return team(TEAM + "WHERE t.slug = ?", slug);
    }

    @Override
    public Optional<Team> byId(UUID id) {
        return team(TEAM + "WHERE t.id = ?", id.toString());
    }

    @Override
    public Optional<Team> byKeyHash(String hash) {
        return team(TEAM + "JOIN team_api_keys k ON k.team_id = t.id WHERE k.api_key_hash = ?", hash);
    }

    private Optional<Team> team(String query, String argument) {
        return sql.read(handle ->
                handle.select(query, argument).map((row, context) -> team(row)).findOne());
    }

    private static Team team(ResultSet row) throws SQLException {
        return new Team(
                UUID.fromString(row.getString("id")),
                row.getString("name"),
                row.getString("slug"),
                new Team.Standing(
                        row.getBoolean("is_banned"), row.getBoolean("is_blocked"), row.getString("blocked_reason")),
                new Team.Limits(row.getInt("concurrent_instances"), row.getInt("max_length_hours")));
    }

    @Override
    public void setStanding(UUID teamId, Team.Standing standing) {
        sql.write(handle -> handle.execute(
                "UPDATE teams SET is_banned = ?, is_blocked = ?, blocked_reason = ? WHERE id = ?",
                standing.banned(),
                standing.blocked(),
                standing.blockedReason(),
                teamId.toString()));
    }

    @Override
    public void addKey(StoredKey key) {
        sql.write(handle -> insertKey(handle, key));
    }

    @Override
    public boolean addFirstKey(StoredKey key) {
        return sql.writeAlone(handle -> !hasKey(handle, key.teamId()) && insertKey(handle, key) == 1);
    }

    private static boolean hasKey(Handle handle, UUID teamId) {
        return handle.select("SELECT COUNT(*) FROM team_api_keys WHERE team_id = ?", teamId.toString())
                        .mapTo(Long.class)
                        .one()
                > 0;
    }

    private static int insertKey(Handle handle, StoredKey stored) {
        String insert = """
                INSERT INTO team_api_keys (id, team_id, name, api_key_hash, api_key_prefix, api_key_length,
                    api_key_mask_prefix, api_key_mask_suffix, created_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
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
                now());
    }

    @Override
    public Optional<String> deleteKey(UUID teamId, UUID keyId) {
        return sql.write(handle -> handle.select(
                        "DELETE FROM team_api_keys WHERE id = ? AND team_id = ? RETURNING api_key_hash",
                        keyId.toString(),
                        teamId.toString())
                .mapTo(String.class)
                .findOne());
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
