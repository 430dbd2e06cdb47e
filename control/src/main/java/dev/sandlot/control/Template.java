package dev.sandlot.control;

import java.security.SecureRandom;
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
    private static final int ID_LENGTH = 20;
    private static final String ID_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";
    private static final SecureRandom RANDOM = new SecureRandom();

    Template {
        aliases = List.copyOf(aliases);
    }

    static String randomId() {
        StringBuilder id = new StringBuilder(ID_LENGTH);
        for (int i = 0; i < ID_LENGTH; i++) {
            id.append(ID_ALPHABET.charAt(RANDOM.nextInt(ID_ALPHABET.length())));
        }
        return id.toString();
    }

    boolean isVisibleTo(Team team) {
        return isPublic || team.id().equals(teamId);
    }

    /** The first alias, or nothing to show. */
    String alias() {
        return aliases.isEmpty() ? "" : aliases.getFirst();
    }
}
