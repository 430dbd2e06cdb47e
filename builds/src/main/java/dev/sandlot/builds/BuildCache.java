package dev.sandlot.builds;

import dev.sandlot.images.Digest;
import dev.sandlot.images.LayerStore;
import dev.sandlot.protocol.BuildContext;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * What builds have come to before, by {@link CacheKey}, for each team apart (template-build.md 7): one small file an
 * entry, {@code TEAM/KEY}, whose time is when it was used last. An entry whose layers are gone, or that cannot be
 * read, is none. Safe for many threads.
 */
public final class BuildCache {
    private static final Logger LOG = LoggerFactory.getLogger(BuildCache.class);
    private static final JsonMapper JSON = JsonMapper.shared();

    private final TeamFiles files;
    private final LayerStore layers;

    BuildCache(Path directory, LayerStore layers) throws IOException {
        this.files = new TeamFiles(DurableFile.directory(directory));
        this.layers = layers;
        files.removeUnfinished();
    }

    /**
     * An entry as it is kept.
     *
     * @param step what led to it, for people
     * @param layers of the whole stack, lowest first
     */
    record Stored(String step, List<String> layers, BuildContext context) {}

    /**
     * An entry.
     *
     * @param teamId whose it is
     * @param key its name
     * @param step what led to it
     * @param layers of the whole stack, lowest first
     * @param bytes size of its topmost layer, the one it has added
     * @param used when it was used last
     */
    public record Entry(UUID teamId, String key, String step, List<Digest> layers, long bytes, Instant used) {}

    /**
     * What the cache takes up.
     *
     * @param entries how many there are
     * @param layers layers in them, each counted once
     * @param bytes size of these layers
     */
    public record Usage(int entries, int layers, long bytes) {}

    Optional<Stored> find(UUID teamId, CacheKey key) throws IOException {
        Path file = files.of(teamId, key.hex());
        Optional<Stored> stored = read(file)
                .filter(entry -> entry.layers().stream().map(Digest::parse).allMatch(layers::has));
        if (stored.isPresent()) {
            touch(file);
        }
        return stored;
    }

    void put(UUID teamId, CacheKey key, Stored entry) throws IOException {
        Path file = files.of(teamId, key.hex());
        DurableFile.directory(file.resolveSibling("."));
        DurableFile.replaceLazily(file, JSON.writeValueAsBytes(entry));
    }

    /** All entries, the ones used least lately first. */
    public List<Entry> list() throws IOException {
        List<Entry> found = new ArrayList<>();
        for (TeamFiles.TeamFile file : files.all()) {
            Optional<Stored> stored = read(file.path());
            if (stored.isPresent()) {
                found.add(entry(file, stored.get()));
            }
        }
        found.sort(Comparator.comparing(Entry::used));
        return found;
    }

    /** What it takes up. */
    public Usage usage() throws IOException {
        List<Entry> entries = list();
        Map<Digest, Long> sizes = sizes(entries);
        return new Usage(
                entries.size(),
                sizes.size(),
                sizes.values().stream().mapToLong(Long::longValue).sum());
    }

    /** Every layer that an entry names. */
    public Set<Digest> references() throws IOException {
        Set<Digest> all = new HashSet<>();
        list().forEach(entry -> all.addAll(entry.layers()));
        return all;
    }

    /**
     * Forgets the entries used least lately until the layers of those left take up no more than a size; 0 forgets
     * all. The layers themselves are left to the {@link LayerCollector}.
     *
     * @return how many entries went
     */
    public int prune(long maxBytes) throws IOException {
        List<Entry> entries = list();
        Map<Digest, Long> sizes = sizes(entries);
        Map<Digest, Integer> users = new HashMap<>();
        entries.forEach(entry -> entry.layers().forEach(layer -> users.merge(layer, 1, Integer::sum)));
        long total = sizes.values().stream().mapToLong(Long::longValue).sum();
        int gone = 0;
        for (Entry oldest : entries) {
            if (total <= maxBytes && maxBytes > 0) {
                break;
            }
            Files.deleteIfExists(files.of(oldest.teamId(), oldest.key()));
            gone++;
            for (Digest layer : oldest.layers()) {
                if (users.merge(layer, -1, Integer::sum) == 0) {
                    total -= sizes.getOrDefault(layer, 0L);
                }
            }
        }
        return gone;
    }

    private Map<Digest, Long> sizes(List<Entry> entries) throws IOException {
        Map<Digest, Long> sizes = new HashMap<>();
        for (Entry entry : entries) {
            for (Digest layer : entry.layers()) {
                if (!sizes.containsKey(layer)) {
                    sizes.put(layer, layers.bytes(List.of(layer)));
                }
            }
        }
        return sizes;
    }

    private Entry entry(TeamFiles.TeamFile file, Stored stored) throws IOException {
        List<Digest> digests = stored.layers().stream().map(Digest::parse).toList();
        return new Entry(
                file.teamId(),
                file.path().getFileName().toString(),
                stored.step(),
                digests,
                digests.isEmpty() ? 0 : layers.bytes(List.of(digests.getLast())),
                Files.getLastModifiedTime(file.path()).toInstant());
    }

    private static Optional<Stored> read(Path file) throws IOException {
        try {
            return Optional.of(JSON.readValue(Files.readAllBytes(file), Stored.class));
        } catch (NoSuchFileException gone) {
            return Optional.empty();
        } catch (JacksonException e) {
            LOG.warn("the cache entry {} is damaged and ignored: {}", file, e.getOriginalMessage());
            return Optional.empty();
        }
    }

    private static void touch(Path file) throws IOException {
        try {
            Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
        } catch (NoSuchFileException pruned) {
            LOG.debug("{} was pruned while it was used", file);
        }
    }
}
