package dev.sandlot.control;

import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What sandboxes are started from.
 *
 * @param id 20 characters of {@code a-z0-9}
 * @param teamId who owns it, or null for one that comes with the server
 * @param isPublic whether other teams may start sandboxes from it
 * @param aliases its names without namespace, oldest first
 */
record Template(String id, @Nullable UUID teamId, boolean isPublic, List<String> aliases) {
    boolean isVisibleTo(Team team) {
        return isPublic || team.id().equals(teamId);
    }

    /** The first alias, or nothing to show. */
    String alias() {
        return aliases.isEmpty() ? "" : aliases.getFirst();
    }
}
