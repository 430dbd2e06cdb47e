package dev.sandlot.control;

import dev.sandlot.control.Postgrest.Meeting;
import dev.sandlot.control.Postgrest.Rows;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Teams and keys behind a REST interface. */
final class RestTeamStore implements TeamStore {
    private static final String TEAM =
            "id,name,slug,is_banned,is_blocked,blocked_reason," + "tiers(concurrent_instances,max_length_hours)";
    private static final int ATTEMPTS = 8;
    private static final int FIRST_PAUSE_MILLIS = 20;
    private final Postgrest rest;

    RestTeamStore(Postgrest rest) {
        this.rest = rest;
    }

    @Override
    public void putTier(Tier tier) {
        Map<String, Object> row = Map.of(
                "id", tier.id(),
                "concurrent_instances", tier.limits().concurrentSandboxes(),
                "max_length_hours", tier.limits().maxLengthHours());
        rest.insert("tiers", "id", Meeting.MERGE, row);
    }

    /** A team that was cut off from its owner gets one at the next call. */
    @Override
    public void ensureTeam(NewTeam team) {
        Map<String, Object> row = Map.of(
                "id", team.id().toString(),
                "name", team.name(),
                "slug", team.slug(),
                "tier", team.tierId(),
                "is_banned", false,
                "is_blocked", false,
                "created_at", now());
        rest.insert("teams", "slug", Meeting.KEEP_OLD, row);
        String id = bySlug(team.slug()).orElseThrow().id().toString();
        if (rest.first(Rows.of("users_teams").where("team_id", id)).isEmpty()) {
            insertOwner(id, team.ownerId().toString());
        }
    }

    private void insertOwner(String team, String user) {
        rest.insert("users", "id", Meeting.KEEP_OLD, Map.of("id", user, "created_at", now()));
        Map<String, Object> membership =
                Map.of("user_id", user, "team_id", team, "is_default", true, "created_at", now());
        rest.insert("users_teams", "team_id,user_id", Meeting.KEEP_OLD, membership);
    }

    @Override
    public Optional<Team> bySlug(String slug) {
        return rest.first(Rows.of("teams").where("slug", slug).select(TEAM)).map(RestTeamStore::team);
    }

    @Override
    public Optional<Team> byId(UUID id) {
        return rest.first(Rows.of("teams").where("id", id).select(TEAM)).map(RestTeamStore::team);
    }

    @Override
    public Optional<Team> byKeyHash(String hash) {
        return rest.first(Rows.of("team_api_keys").where("api_key_hash", hash).select("teams(" + TEAM + ")"))
                .map(key -> team(key.path("teams")));
    }

    private static Team team(JsonNode row) {
        JsonNode reason = row.path("blocked_reason");
        JsonNode limits = row.path("tiers");
        return new Team(
                UUID.fromString(row.path("id").asString()),
                row.path("name").asString(),
                row.path("slug").asString(),
                new Team.Standing(
                        row.path("is_banned").asBoolean(),
                        row.path("is_blocked").asBoolean(),
                        reason.isNull() ? null : reason.asString()),
                new Team.Limits(
                        limits.path("concurrent_instances").asInt(),
                        limits.path("max_length_hours").asInt()));
    }

    @Override
    public void setStanding(UUID teamId, Team.Standing standing) {
        Map<String, @Nullable Object> values = new HashMap<>();
        values.put("is_banned", standing.banned());
        values.put("is_blocked", standing.blocked());
        values.put("blocked_reason", standing.blockedReason());
        rest.update(Rows.of("teams").where("id", teamId), values);
    }

    @Override
    public void addKey(StoredKey key) {
        try {
            rest.insert("team_api_keys", row(key));
        } catch (Postgrest.Conflict e) {
            throw new StoreException("there is such a key already", e);
        }
    }

    /**
     * Adds the key and keeps it only if it then is the team's only one. Of several who try at once none may find
     * itself alone; then each waits a time by chance and tries again, until one has it.
     */
    @Override
    public boolean addFirstKey(StoredKey key) {
        for (int tried = 1; tried <= ATTEMPTS; tried++) {
            if (keyCount(key.teamId()) > 0 && isSettled(key.teamId(), tried)) {
                return false;
            }
            addKey(key);
            if (keyCount(key.teamId()) == 1) {
                return true;
            }
            deleteKey(key.teamId(), key.id());
            pause(tried);
        }
        throw new StoreException("could not settle whose key is the first of team " + key.teamId());
    }

    /** Whether the keys that are there stay: one that was only tried is gone after the longest pause. */
    private boolean isSettled(UUID team, int tried) {
        pause(tried);
        return keyCount(team) > 0;
    }

    private int keyCount(UUID team) {
        return rest.get(Rows.of("team_api_keys").where("team_id", team).select("id"))
                .size();
    }

    private static void pause(int tried) {
        try {
            Thread.sleep(ThreadLocalRandom.current().nextLong((long) FIRST_PAUSE_MILLIS << tried));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StoreException("interrupted while a first key was made", e);
        }
    }

    private static Map<String, Object> row(StoredKey stored) {
        ApiKeys.Minted key = stored.key();
        return Map.of(
                "id", stored.id().toString(),
                "team_id", stored.teamId().toString(),
                "name", stored.name(),
                "api_key_hash", key.hash(),
                "api_key_prefix", ApiKeys.PREFIX,
                "api_key_length", key.length(),
                "api_key_mask_prefix", key.maskPrefix(),
                "api_key_mask_suffix", key.maskSuffix(),
                "created_at", now());
    }

    @Override
    public Optional<String> deleteKey(UUID teamId, UUID keyId) {
        return rest.delete(Rows.of("team_api_keys").where("id", keyId).where("team_id", teamId)).stream()
                .map(row -> row.path("api_key_hash").asString())
                .findFirst();
    }

    @Override
    public void keyUsed(String hash, Instant at) {
        rest.update(Rows.of("team_api_keys").where("api_key_hash", hash), Map.of("last_used", at.toEpochMilli()));
    }

    private static long now() {
        return System.currentTimeMillis();
    }
}
