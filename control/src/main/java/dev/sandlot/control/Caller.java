package dev.sandlot.control;

import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Who asks.
 *
 * @param team the team asked for, or null where the operation is for none
 * @param person the person asking, or null for a key or an operator
 */
record Caller(@Nullable Team team, @Nullable UUID person) {
    static final Caller NOBODY = new Caller(null, null);

    static Caller of(Team team) {
        return new Caller(team, null);
    }

    /** In whose name memory is held: that of the team, else of the person, else of all operators together. */
    String name() {
        return team != null ? team.id().toString() : person != null ? person.toString() : "operators";
    }
}
