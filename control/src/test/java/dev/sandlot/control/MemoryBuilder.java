package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.BuildContext;
import dev.sandlot.protocol.BuildLogEntry;
import dev.sandlot.protocol.BuildPlan;
import dev.sandlot.protocol.BuildService;
import dev.sandlot.protocol.BuildState;
import dev.sandlot.protocol.BuildStorage;
import dev.sandlot.protocol.BuiltTemplate;
import dev.sandlot.protocol.ErrorKind;
import dev.sandlot.protocol.ImageStorage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiConsumer;

/** A builder that keeps its builds in maps; tests say when and how they end. */
final class MemoryBuilder implements BuildService {
    final Map<UUID, BuildPlan> plans = new ConcurrentHashMap<>();
    final Map<UUID, BuildState> states = new ConcurrentHashMap<>();
    final Map<UUID, List<BuildLogEntry>> logs = new ConcurrentHashMap<>();
    final Map<String, byte[]> files = new ConcurrentHashMap<>();
    volatile ApiException refusal;
    volatile boolean silent;
    volatile boolean damaged;
    private volatile BiConsumer<UUID, BuildState> listener = (id, state) -> {};

    final Map<String, String> cached = new ConcurrentHashMap<>();

    final Map<String, byte[]> images = new ConcurrentHashMap<>();

    @Override
    public ImageStorage images() {
        return new MemoryImages(images);
    }

    @Override
    public BuildStorage storage() {
        return new BuildStorage() {
            @Override
            public Cache cache() {
                List<CacheEntry> entries = cached.entrySet().stream()
                        .map(entry -> new CacheEntry(
                                new UUID(0, 1), entry.getKey(), entry.getValue(), 1 << 20, Instant.EPOCH))
                        .toList();
                return new Cache(entries, entries.size(), (long) entries.size() << 20);
            }

            @Override
            public Pruned prune(long maxBytes) {
                int before = cached.size();
                cached.keySet().removeIf(_ -> (long) cached.size() << 20 > maxBytes);
                int gone = before - cached.size();
                return new Pruned(gone, gone, (long) gone << 20);
            }

            @Override
            public Archive root(List<String> layers) {
                return out -> out.write(("root of " + layers).getBytes(StandardCharsets.UTF_8));
            }

            @Override
            public Archive image(String name, List<String> layers, BuildContext context) {
                return out -> {
                    out.write("the beginning".getBytes(StandardCharsets.UTF_8));
                    if (damaged) {
                        throw new IOException("a layer is damaged");
                    }
                };
            }
        };
    }

    @Override
    public void start(BuildPlan plan) throws ApiException {
        if (refusal != null) {
            throw refusal;
        }
        if (plans.putIfAbsent(plan.buildId(), plan) == null) {
            states.put(plan.buildId(), new BuildState.Running());
            logs.put(plan.buildId(), new CopyOnWriteArrayList<>());
        }
    }

    @Override
    public Optional<BuildState> state(UUID buildId) {
        return Optional.ofNullable(states.get(buildId));
    }

    @Override
    public List<BuildLogEntry> log(UUID buildId) {
        return List.copyOf(logs.getOrDefault(buildId, List.of()));
    }

    @Override
    public boolean cancel(UUID buildId, String message) throws ApiException {
        if (refusal != null) {
            throw refusal;
        }
        boolean running = states.get(buildId) instanceof BuildState.Running;
        if (running) {
            end(buildId, new BuildState.Failed(message, null));
        }
        return running;
    }

    @Override
    public void forget(UUID buildId) {
        states.remove(buildId);
        logs.remove(buildId);
        plans.remove(buildId);
    }

    @Override
    public boolean hasFiles(UUID teamId, String hash) {
        return files.containsKey(teamId + "/" + hash);
    }

    @Override
    public void storeFiles(UUID teamId, String hash, InputStream content, long lengthBytes) throws ApiException {
        try {
            byte[] bytes = content.readAllBytes();
            if (bytes.length != lengthBytes) {
                throw new ApiException(ErrorKind.INVALID, "the files are cut");
            }
            files.put(teamId + "/" + hash, bytes);
        } catch (IOException e) {
            throw new ApiException(ErrorKind.INVALID, "the files are cut", e);
        }
    }

    @Override
    public void onEnd(BiConsumer<UUID, BuildState> other) {
        listener = other;
    }

    /** Ends a build; the listener is told unless the builder is to be silent. */
    void end(UUID buildId, BuildState state) {
        states.put(buildId, state);
        if (!silent) {
            listener.accept(buildId, state);
        }
    }

    void log(UUID buildId, BuildLogEntry.Level level, String step, String message, long millis) {
        logs.get(buildId).add(new BuildLogEntry(Instant.ofEpochMilli(millis), level, message, step));
    }

    static BuiltTemplate built(String layer) {
        return new BuiltTemplate(
                List.of("sha256:a", layer),
                new BuildContext("user", "/app", Map.of("A", "1")),
                "user",
                "/app",
                null,
                "0.6.13",
                4711);
    }
}
