package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/** How many sandboxes each team holds, starts in flight among them (public-api.md 7.2). */
final class Quota {
    private final ConcurrentHashMap<UUID, Integer> held = new ConcurrentHashMap<>();

    /**
     * Takes a place for one more sandbox, which {@link #release} gives back.
     *
     * @throws ApiException {@code LIMITED} when the team holds as many as it may
     */
    void reserve(Team team) throws ApiException {
        int limit = team.limits().concurrentSandboxes();
        boolean[] granted = new boolean[1];
        held.compute(team.id(), (id, before) -> {
            int count = before == null ? 0 : before;
            granted[0] = count < limit;
            return granted[0] ? Integer.valueOf(count + 1) : before;
        });
        if (!granted[0]) {
            throw new ApiException(
                    ErrorKind.LIMITED,
                    "you have reached the maximum number of concurrent E2B sandboxes (" + limit
                            + "). Kill one that you no longer need, or ask for a higher limit.");
        }
    }

    /** Takes a place for a sandbox that runs already, whatever the limit. */
    void adopt(UUID teamId) {
        held.merge(teamId, 1, Integer::sum);
    }

    void release(UUID teamId) {
        held.computeIfPresent(teamId, (id, count) -> count == 1 ? null : count - 1);
    }
}
