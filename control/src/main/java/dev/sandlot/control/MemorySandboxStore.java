package dev.sandlot.control;

import dev.sandlot.protocol.SandboxId;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** The runs of sandboxes in memory; each change of one run is atomic. */
final class MemorySandboxStore implements SandboxStore {
    private final Map<SandboxId, SandboxRecord> runs = new ConcurrentHashMap<>();
    private final Map<UUID, Ending> endings = new ConcurrentHashMap<>();

    @Override
    public void begin(SandboxRecord starting) {
        if (runs.putIfAbsent(starting.id(), starting) != null) {
            throw new StoreException("there is a sandbox " + starting.id() + " already");
        }
    }

    @Override
    public boolean started(SandboxRecord running) {
        return change(
                running.id(),
                running.executionId(),
                SandboxState.STARTING,
                row -> row.running(running.startedAt(), running.endAt()));
    }

    @Override
    public boolean abandon(SandboxId id, UUID executionId) {
        AtomicBoolean removed = new AtomicBoolean();
        runs.computeIfPresent(id, (_, row) -> {
            removed.set(isRun(row, executionId) && row.state() == SandboxState.STARTING);
            return removed.get() ? null : row;
        });
        return removed.get();
    }

    @Override
    public boolean moveEnd(SandboxId id, UUID executionId, Instant endAt) {
        return change(id, executionId, SandboxState.RUNNING, row -> row.endingAt(endAt));
    }

    private boolean change(SandboxId id, UUID executionId, SandboxState from, UnaryOperator<SandboxRecord> to) {
        AtomicBoolean changed = new AtomicBoolean();
        runs.computeIfPresent(id, (_, row) -> {
            changed.set(isRun(row, executionId) && row.state() == from);
            return changed.get() ? to.apply(row) : row;
        });
        return changed.get();
    }

    private static boolean isRun(SandboxRecord row, UUID executionId) {
        return row.executionId().equals(executionId);
    }

    @Override
    public boolean end(SandboxId id, UUID executionId, KillReason reason, Instant at) {
        AtomicBoolean ended = new AtomicBoolean();
        runs.computeIfPresent(id, (_, row) -> {
            ended.set(isRun(row, executionId));
            return ended.get() ? buried(row, reason, at) : row;
        });
        return ended.get();
    }

    private @Nullable SandboxRecord buried(SandboxRecord row, KillReason reason, Instant at) {
        endings.put(row.executionId(), new Ending(row.id(), row.executionId(), row.teamId(), reason, at));
        return null;
    }

    @Override
    public List<SandboxRecord> all() {
        return List.copyOf(runs.values());
    }

    @Override
    public Optional<Ending> ending(SandboxId id) {
        return endings.values().stream()
                .filter(ending -> ending.id().equals(id))
                .max(Comparator.comparing(Ending::endedAt));
    }

    @Override
    public int forgetEndings(Instant before) {
        List<Ending> old = endings.values().stream()
                .filter(ending -> ending.endedAt().isBefore(before))
                .toList();
        return (int) old.stream()
                .filter(ending -> endings.remove(ending.executionId(), ending))
                .count();
    }
}
