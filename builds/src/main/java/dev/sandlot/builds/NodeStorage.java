package dev.sandlot.builds;

import dev.sandlot.images.Digest;
import dev.sandlot.images.ImageExport;
import dev.sandlot.images.LayerStore;
import dev.sandlot.images.Progress;
import dev.sandlot.images.PulledImage;
import dev.sandlot.images.RootArchive;
import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.BuildContext;
import dev.sandlot.protocol.BuildStorage;
import dev.sandlot.protocol.ErrorKind;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** The cache and the layers of this node. Safe for many threads. */
final class NodeStorage implements BuildStorage {
    private final BuildCache cache;
    private final LayerStore store;
    private final LayerCollector collector;

    NodeStorage(BuildCache cache, LayerStore store, LayerCollector collector) {
        this.cache = cache;
        this.store = store;
        this.collector = collector;
    }

    @Override
    public Cache cache() throws ApiException {
        try {
            List<CacheEntry> entries = cache.list().stream()
                    .map(entry ->
                            new CacheEntry(entry.teamId(), entry.key(), entry.step(), entry.bytes(), entry.used()))
                    .toList();
            BuildCache.Usage usage = cache.usage();
            return new Cache(entries, usage.layers(), usage.bytes());
        } catch (IOException e) {
            throw new ApiException(ErrorKind.INTERNAL, "The cache of builds cannot be read", e);
        }
    }

    @Override
    public Pruned prune(long maxBytes) throws ApiException {
        try {
            int entries = cache.prune(maxBytes);
            LayerCollector.Collected collected = collector.collect();
            return new Pruned(entries, collected.layers(), collected.bytes());
        } catch (IOException e) {
            throw new ApiException(ErrorKind.INTERNAL, "The cache of builds could not be pruned", e);
        }
    }

    @Override
    public Archive root(List<String> layers) throws ApiException {
        List<Digest> present = present(layers);
        return out -> {
            try (LayerCollector.Use _ = collector.use()) {
                RootArchive.write(store, present, out, Progress.NONE);
            }
        };
    }

    @Override
    public Archive image(String name, List<String> layers, BuildContext context) throws ApiException {
        PulledImage image = new PulledImage(present(layers), context.env(), context.user(), context.workdir());
        return out -> {
            try (LayerCollector.Use _ = collector.use()) {
                new ImageExport(store, Progress.NONE).write(name, image, out);
            }
        };
    }

    /** Asking for them keeps them for some minutes, until the archive is begun. */
    private List<Digest> present(List<String> layers) throws ApiException {
        List<Digest> digests = new ArrayList<>();
        for (String layer : layers) {
            Digest digest = Digest.parse(layer);
            if (!store.has(digest)) {
                throw new ApiException(ErrorKind.NOT_FOUND, "layer " + digest + " is not on this node");
            }
            digests.add(digest);
        }
        return digests;
    }
}
