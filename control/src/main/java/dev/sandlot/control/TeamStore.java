package dev.sandlot.control;

import java.time.Instant;
import java.util.Optional;
import java.util.UUID;

/** Teams, their limits and the hashes of their keys. */
interface TeamStore {
    /** A tier: limits under a name, shared by teams. */
    record Tier(String id, Team.Limits limits) {}

    /** A team as it is first made, with its first member. */
    record NewTeam(UUID id, String name, String slug, String tierId, UUID ownerId) {}

    /** A key as it is stored. */
    record StoredKey(UUID id, UUID teamId, String name, ApiKeys.Minted key) {}

    /** Makes a tier, or gives an existing one new limits. */
    void putTier(Tier tier);

    /** Makes a team and its owner, unless the slug is taken. */
    void ensureTeam(NewTeam team);

    /** The team of that slug. */
    Optional<Team> bySlug(String slug);

    Optional<Team> byId(UUID id);

    /** The team that the key opens. */
    Optional<Team> byKeyHash(String hash);

    void setStanding(UUID teamId, Team.Standing standing);

    void addKey(StoredKey key);

    /** Stores the key if the team has none; says whether it did. */
    boolean addFirstKey(StoredKey key);

    /** Removes a key of the team and returns its hash. */
    Optional<String> deleteKey(UUID teamId, UUID keyId);

    /** Notes that a key was used. */
    void keyUsed(String hash, Instant at);
}
