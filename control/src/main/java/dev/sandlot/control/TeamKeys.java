package dev.sandlot.control;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** The API keys of teams: made, shown in full once, renamed, deleted with effect at once. */
final class TeamKeys {
    private final TeamStore store;
    private final Authenticator authenticator;

    TeamKeys(TeamStore store, Authenticator authenticator) {
        this.store = store;
        this.authenticator = authenticator;
    }

    /** Who made something (public-api.md 6.1); nobody's address is told, but clients look for it. */
    record TeamUser(UUID id, @JsonInclude @Nullable String email) {
        static @Nullable TeamUser of(@Nullable UUID id) {
            return id == null ? null : new TeamUser(id, null);
        }
    }

    /** A key as it is listed. */
    record ListedKey(
            UUID id,
            String name,
            KeyMask mask,
            String createdAt,
            @Nullable TeamUser createdBy,
            @Nullable String lastUsed) {}

    /** A new key, shown in full. */
    record CreatedKey(
            UUID id,
            String name,
            String key,
            KeyMask mask,
            String createdAt,
            @Nullable TeamUser createdBy) {}

    List<ListedKey> list(UUID teamId) {
        return store.keys(teamId).stream().map(TeamKeys::listed).toList();
    }

    private static ListedKey listed(TeamStore.ListedKey key) {
        Instant used = key.lastUsed();
        return new ListedKey(
                key.id(),
                key.name(),
                key.mask(),
                Moments.text(key.createdAt()),
                TeamUser.of(key.createdBy()),
                used == null ? null : Moments.text(used));
    }

    CreatedKey create(UUID teamId, String name, Optional<UUID> creator) {
        ApiKeys.Minted minted = ApiKeys.mint();
        UUID id = UUID.randomUUID();
        Instant createdAt = store.addKey(new TeamStore.StoredKey(id, teamId, name, minted), creator.orElse(null));
        return new CreatedKey(
                id,
                name,
                minted.raw(),
                KeyMask.of(ApiKeys.PREFIX, minted),
                Moments.text(createdAt),
                TeamUser.of(creator.orElse(null)));
    }

    void rename(UUID teamId, UUID keyId, String name) throws ApiException {
        if (!store.renameKey(teamId, keyId, name)) {
            throw missing("id not found");
        }
    }

    void delete(UUID teamId, UUID keyId) throws ApiException {
        delete(teamId, keyId, "id not found");
    }

    /** The same with a text of one's own for a key that is not there. */
    void delete(UUID teamId, UUID keyId, String missing) throws ApiException {
        String hash = store.deleteKey(teamId, keyId).orElseThrow(() -> missing(missing));
        authenticator.forgetKey(hash);
    }

    private static ApiException missing(String message) {
        return new ApiException(ErrorKind.NOT_FOUND, message);
    }
}
