package dev.sandlot.protocol;

import java.io.IOException;
import java.io.OutputStream;
import java.time.Instant;
import java.util.List;
import java.util.UUID;

/** What builds have left on a node, for operators: the cache of steps, and the layers of templates. */
public interface BuildStorage {
    /**
     * A step in the cache.
     *
     * @param key names it in the team
     * @param step what led to it, for people
     * @param bytes of the layer it has added
     * @param used when it was used last
     */
    record CacheEntry(UUID teamId, String key, String step, long bytes, Instant used) {}

    /**
     * The cache.
     *
     * @param entries the ones used least lately first
     * @param layers in all entries, each counted once
     * @param bytes of these layers, which templates may need too
     */
    record Cache(List<CacheEntry> entries, int layers, long bytes) {
        public Cache {
            entries = List.copyOf(entries);
        }
    }

    /**
     * What a pruning has removed.
     *
     * @param entries of the cache
     * @param layers that nothing needed any more
     * @param bytes of these layers
     */
    record Pruned(int entries, int layers, long bytes) {}

    /** An archive that is made while it is written. */
    @FunctionalInterface
    interface Archive {
        /** Writes all of it; the stream stays open. The layers stay in the store meanwhile. */
        void write(OutputStream out) throws IOException;
    }

    /** What is in the cache. */
    Cache cache() throws ApiException;

    /**
     * Forgets the entries used least lately until the layers of the others are no larger than a size, 0 for all, then
     * removes the layers that nothing needs; not those used in the last minutes, and none while builds are at work.
     */
    Pruned prune(long maxBytes) throws ApiException;

    /**
     * The root file system of layers as a tar archive.
     *
     * @param layers lowest first
     * @throws ApiException {@code NOT_FOUND} when a layer is not on the node
     */
    Archive root(List<String> layers) throws ApiException;

    /**
     * An image of layers as a tar archive with an OCI image layout.
     *
     * @param name what the image is called in it
     * @param layers lowest first
     * @param context becomes the image's configuration
     * @throws ApiException {@code NOT_FOUND} when a layer is not on the node
     */
    Archive image(String name, List<String> layers, BuildContext context) throws ApiException;
}
