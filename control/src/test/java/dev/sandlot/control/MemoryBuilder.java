package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.BuildContext;
import dev.sandlot.protocol.BuildLogEntry;
import dev.sandlot.protocol.BuildPlan;
import dev.sandlot.protocol.BuildService;
import dev.sandlot.protocol.BuildState;
import dev.sandlot.protocol.BuiltTemplate;
import dev.sandlot.protocol.ErrorKind;
import java.io.IOException;
import java.io.InputStream;
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
    private volatile BiConsumer<UUID, BuildState> listener = (id, state) -> {};

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
