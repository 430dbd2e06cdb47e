package dev.sandlot.builds;

import dev.sandlot.protocol.BuildPlan;
import java.io.IOException;
import java.util.UUID;

/** Makes bases out of images: found or pulled, checked, and provisioned (template-build.md 8.1, 8.2). */
public interface ImageBases {
    /**
     * What, beside the image's name, the base depends on: a change of it makes every cached base stale
     * (template-build.md 7, "provisioning version").
     */
    String provisioning();

    /** What an image of that name is when no registry need be asked for it; empty where one is. */
    default String known(String reference) throws IOException {
        return "";
    }

    /**
     * Makes the base of a plan whose origin is an image.
     *
     * @throws BuildFailure of the step {@code base}, with a message for the user (template-build.md 13)
     */
    BuildBase make(BuildPlan plan, BuildLog log) throws BuildFailure, IOException, InterruptedException;

    /** Drops the image that was pushed for a build which nobody needs any more, if there is one. May be repeated. */
    default void forget(UUID buildId) throws IOException {}
}
