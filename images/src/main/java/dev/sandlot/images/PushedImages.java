package dev.sandlot.images;

import java.io.IOException;
import java.util.UUID;

/** The images that were pushed to this server's own registry, as {@code templateId:buildId} (template-build.md 17.3). */
@FunctionalInterface
public interface PushedImages {
    /**
     * Brings the layers of a pushed image into the store.
     *
     * @throws ImageRefusedException when nothing was pushed for that build, or it does not fit this machine
     * @throws BadLayerException when it is not what its digests say, or hostile
     */
    PulledImage image(String templateId, UUID buildId) throws IOException, InterruptedException;

    /**
     * Drops what was pushed for a build that nobody needs any more; does nothing when there is nothing, and where the
     * images are not ours to delete. May be repeated.
     *
     * @throws IOException when it could not be dropped, and must be tried again
     */
    default void forget(UUID buildId) throws IOException {}
}
