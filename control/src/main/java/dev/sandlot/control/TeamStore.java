package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Teams, their limits and the hashes of their keys. */
interface TeamStore {
    /** A tier: limits under a name, shared by teams. */
    record Tier(String id, Team.Limits limits) {}

    /** A team as it is first made, with its first member. */
    record NewTeam(UUID id, String name, String slug, String tierId, UUID ownerId) {}

    /** A key as it is stored. */
    record StoredKey(UUID id, UUID teamId, String name, ApiKeys.Minted key) {}

    /** A key as it is listed. */
    record ListedKey(
            UUID id,
            String name,
            KeyMask mask,
            Instant createdAt,
            @Nullable UUID createdBy,
            @Nullable Instant lastUsed) {}

    /** Limits of one team that stand in place of its tier's; null leaves a limit alone. */
    record Overrides(
            @Nullable Integer concurrentSandboxes,
            @Nullable Integer maxLengthHours,
            @Nullable Integer maxVcpu,
            @Nullable Integer maxRamMb,
            @Nullable Integer concurrentBuilds,
            @Nullable Integer eventsTtlDays,
            @Nullable Integer defaultFreeDiskMb,
            @Nullable Integer maxDiskMb) {
        static final Overrides NONE = new Overrides(null, null, null, null, null, null, null, null);

        /** No limit at all. */
        static final Overrides LIFTED = new Overrides(
                Team.Limits.LIFTED,
                Team.Limits.LIFTED,
                Team.Limits.LIFTED,
                Team.Limits.LIFTED,
                Team.Limits.LIFTED,
                Team.Limits.LIFTED,
                Team.Limits.LIFTED,
                Team.Limits.LIFTED);
    }

    /**
     * What is added to a team's tier for a time.
     *
     * @param validTo null for ever
     */
    record Addon(
            UUID id,
            UUID teamId,
            String name,
            int extraSandboxes,
            int extraBuilds,
            int extraVcpu,
            int extraRamMb,
            int extraDiskMb,
            Instant validFrom,
            @Nullable Instant validTo) {
        boolean addsAnything() {
            return extraSandboxes > 0 || extraBuilds > 0 || extraVcpu > 0 || extraRamMb > 0 || extraDiskMb > 0;
        }
    }

    /**
     * A team as operators see it.
     *
     * @param overrides what was set in place of its tier's limits
     */
    record ListedTeam(Team team, String tier, Instant createdAt, Overrides overrides) {}

    /** All teams with what operators see of them, by their slugs. */
    List<ListedTeam> listed();

    /** One team with what operators see of it. */
    Optional<ListedTeam> listed(UUID teamId);

    /** Gives a team another name and tier. */
    void changeTeam(UUID teamId, String name, String tierId);

    /** Removes a team with its keys, limits and memberships, unless sandboxes or templates hang on it; says whether. */
    boolean deleteTeam(UUID teamId);

    /** All tiers, by their IDs. */
    List<Tier> tiers();

    /** Makes a tier, or gives an existing one new limits. */
    void putTier(Tier tier);

    /** Makes a team and its owner, unless the slug is taken. */
    void ensureTeam(NewTeam team);

    /** Makes a team without members, unless the slug is taken; says whether it did. */
    boolean addTeam(UUID id, String name, String slug, String tierId);

    /** All teams, by their slugs. */
    List<Team> all();

    /** Sets limits of one team in place of its tier's. */
    void putOverrides(UUID teamId, Overrides overrides);

    void addAddon(Addon addon);

    /** The addons of a team, those that are over and those to come too, by their beginnings. */
    List<Addon> addons(UUID teamId);

    /** Removes an addon of the team; says whether there was one. */
    boolean deleteAddon(UUID teamId, UUID addonId);

    /** Grows with every change that what is remembered of teams and keys must follow. */
    long changes();

    /** The team of that slug. */
    Optional<Team> bySlug(String slug);

    Optional<Team> byId(UUID id);

    /**
     * The team of that ID.
     *
     * @throws ApiException {@code NOT_FOUND} when there is none
     */
    default Team required(UUID id) throws ApiException {
        return byId(id).orElseThrow(() -> new ApiException(ErrorKind.NOT_FOUND, "Team not found"));
    }

    /** The team that the key opens. */
    Optional<Team> byKeyHash(String hash);

    void setStanding(UUID teamId, Team.Standing standing);

    void addKey(StoredKey key);

    /** Stores a key that a person made, or an operator when there is no creator; returns when. */
    Instant addKey(StoredKey key, @Nullable UUID creator);

    /** The keys of a team, oldest first. */
    List<ListedKey> keys(UUID teamId);

    /** Gives a key of the team another name; says whether there was one. */
    boolean renameKey(UUID teamId, UUID keyId, String name);

    /** Stores the key if the team has none; says whether it did. */
    boolean addFirstKey(StoredKey key);

    /** Removes a key of the team and returns its hash. */
    Optional<String> deleteKey(UUID teamId, UUID keyId);

    /** Notes that a key was used. */
    void keyUsed(String hash, Instant at);
}
