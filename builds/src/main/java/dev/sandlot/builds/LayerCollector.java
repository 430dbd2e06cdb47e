package dev.sandlot.builds;

import dev.sandlot.images.Digest;
import dev.sandlot.images.LayerRecord;
import dev.sandlot.images.LayerStore;
import java.io.IOException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * Removes layers that nothing refers to: no cache entry, no ready build, no running sandbox, no base.
 *
 * <p>Whoever makes layers, or takes such that are in the store already, holds {@link #use} until something refers to
 * them: nothing is removed meanwhile.
 */
public final class LayerCollector {
    /** Tells which layers are needed. */
    @FunctionalInterface
    public interface References {
        Set<Digest> layers() throws IOException;
    }

    /** What a run has removed. */
    public record Collected(int layers, long bytes) {}

    /** Ends a use. */
    public interface Use extends AutoCloseable {
        @Override
        void close();
    }

    /** Layers that were made or looked for lately stay: somebody else may be about to refer to them. */
    private static final Duration GRACE = Duration.ofMinutes(10);

    private final LayerStore store;
    private final List<References> references;
    private final ReentrantReadWriteLock uses = new ReentrantReadWriteLock(true);

    public LayerCollector(LayerStore store, List<References> references) {
        this.store = store;
        this.references = List.copyOf(references);
    }

    /** Keeps all layers as they are until it is closed, by the same thread. */
    public Use use() {
        uses.readLock().lock();
        return uses.readLock()::unlock;
    }

    /**
     * Removes what is not needed, unless layers are in use now.
     *
     * @throws IOException when somebody cannot tell what is needed; nothing is removed then
     */
    public Collected collect() throws IOException {
        return collect(GRACE);
    }

    Collected collect(Duration grace) throws IOException {
        if (!uses.writeLock().tryLock()) {
            return new Collected(0, 0);
        }
        try {
            return collectNow(grace);
        } finally {
            uses.writeLock().unlock();
        }
    }

    /**
     * Removes layers that were just made in vain, unless somebody needs them or layers are in use now; then they go
     * later.
     */
    void discard(Set<Digest> vain) throws IOException {
        if (vain.isEmpty() || !uses.writeLock().tryLock()) {
            return;
        }
        try {
            Set<Digest> needed = needed();
            for (Digest layer : vain) {
                if (!needed.contains(layer)) {
                    store.remove(layer);
                }
            }
        } finally {
            uses.writeLock().unlock();
        }
    }

    private Set<Digest> needed() throws IOException {
        Set<Digest> needed = new HashSet<>();
        for (References some : references) {
            needed.addAll(some.layers());
        }
        return needed;
    }

    private Collected collectNow(Duration grace) throws IOException {
        List<LayerRecord> gone = store.collect(needed(), grace);
        return new Collected(
                gone.size(), gone.stream().mapToLong(LayerRecord::bytes).sum());
    }
}
