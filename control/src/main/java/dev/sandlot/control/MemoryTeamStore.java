package dev.sandlot.control;

import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Teams and keys in memory. The lock guards all maps. */
final class MemoryTeamStore implements TeamStore {
    /** A team without its limits, which its tier has. */
    private record Row(NewTeam made, Team.Standing standing) {}

    private record KeyRow(StoredKey stored, @Nullable Instant lastUsed) {}

    private final ReentrantLock lock = new ReentrantLock();
    private final Map<String, Tier> tiers = new HashMap<>();
    private final Map<UUID, Row> teams = new HashMap<>();
    private final Map<String, UUID> slugs = new HashMap<>();
    private final Map<String, KeyRow> keys = new HashMap<>();

    private <T> T locked(Supplier<T> work) {
        lock.lock();
        try {
            return work.get();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void putTier(Tier tier) {
        locked(() -> Optional.ofNullable(tiers.put(tier.id(), tier)));
    }

    @Override
    public void ensureTeam(NewTeam team) {
        locked(() -> {
            require(tiers.containsKey(team.tierId()), "tier " + team.tierId());
            boolean isNew = slugs.putIfAbsent(team.slug(), team.id()) == null;
            if (isNew) {
                teams.put(team.id(), new Row(team, Team.Standing.GOOD));
            }
            return isNew;
        });
    }

    @Override
    public Optional<Team> bySlug(String slug) {
        return locked(() -> Optional.ofNullable(slugs.get(slug)).flatMap(this::team));
    }

    @Override
    public Optional<Team> byId(UUID id) {
        return locked(() -> team(id));
    }

    @Override
    public Optional<Team> byKeyHash(String hash) {
        return locked(() -> Optional.ofNullable(keys.get(hash))
                .flatMap(key -> team(key.stored().teamId())));
    }

    private Optional<Team> team(UUID id) {
        return Optional.ofNullable(teams.get(id)).map(this::team);
    }

    private Team team(Row row) {
        NewTeam made = row.made();
        Tier tier = Objects.requireNonNull(tiers.get(made.tierId()), made.tierId());
        return new Team(made.id(), made.name(), made.slug(), row.standing(), tier.limits());
    }

    @Override
    public void setStanding(UUID teamId, Team.Standing standing) {
        locked(() -> Optional.ofNullable(teams.computeIfPresent(teamId, (_, row) -> new Row(row.made(), standing))));
    }

    @Override
    public void addKey(StoredKey key) {
        locked(() -> put(key));
    }

    @Override
    public boolean addFirstKey(StoredKey key) {
        return locked(() -> !hasKey(key.teamId()) && put(key));
    }

    private boolean hasKey(UUID team) {
        return keys.values().stream().anyMatch(key -> key.stored().teamId().equals(team));
    }

    private boolean put(StoredKey key) {
        require(teams.containsKey(key.teamId()), "team " + key.teamId());
        if (keys.putIfAbsent(key.key().hash(), new KeyRow(key, null)) != null) {
            throw new StoreException("there is such a key already");
        }
        return true;
    }

    private static void require(boolean isThere, String what) {
        if (!isThere) {
            throw new StoreException("there is no " + what);
        }
    }

    @Override
    public Optional<String> deleteKey(UUID teamId, UUID keyId) {
        return locked(() -> {
            Optional<String> hash = keys.values().stream()
                    .map(KeyRow::stored)
                    .filter(key -> key.id().equals(keyId) && key.teamId().equals(teamId))
                    .map(key -> key.key().hash())
                    .findFirst();
            hash.ifPresent(keys::remove);
            return hash;
        });
    }

    @Override
    public void keyUsed(String hash, Instant at) {
        locked(() -> Optional.ofNullable(keys.computeIfPresent(hash, (_, row) -> new KeyRow(row.stored(), at))));
    }
}
