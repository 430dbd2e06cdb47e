package dev.sandlot.protocol;

import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** What a build begins with (template-build.md 4 and 8.1). */
public sealed interface BuildOrigin {
    /**
     * An image of a registry.
     *
     * @param reference as the user wrote it
     * @param credentials who asks for it, or null for nobody in particular
     */
    record Image(String reference, @Nullable ImageCredentials credentials) implements BuildOrigin {}

    /**
     * A ready build of another template.
     *
     * @param name as the user wrote it
     * @param buildId the build that the name meant when this one was started
     */
    record Parent(String name, UUID buildId, BuiltTemplate built) implements BuildOrigin {}

    /** An image that was pushed to the registry of this server for this build, as {@code templateId:buildId}. */
    record Pushed() implements BuildOrigin {}

    /** A template that cannot be found: the build fails at once with this text (template-build.md 4). */
    record Missing(String message) implements BuildOrigin {}
}
