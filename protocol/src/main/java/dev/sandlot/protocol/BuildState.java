package dev.sandlot.protocol;

import org.jspecify.annotations.Nullable;

/** How far a build has come, as its builder knows (template-build.md 12). */
public sealed interface BuildState {
    /** Waiting for a worker, or at work. */
    record Running() implements BuildState {}

    /** Done. */
    record Ready(BuiltTemplate built) implements BuildState {}

    /**
     * Failed, or was ended.
     *
     * @param message for the user (template-build.md 13)
     * @param step {@code base}, a step's number from 1, {@code finalize}, or null when no step is to blame
     */
    record Failed(String message, @Nullable String step) implements BuildState {}
}
