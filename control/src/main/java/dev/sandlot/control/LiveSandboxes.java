package dev.sandlot.control;

import dev.sandlot.protocol.SandboxId;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/** All sandboxes in memory: what every read of the API and of the front door is answered from. */
final class LiveSandboxes {
    private final ConcurrentHashMap<SandboxId, LiveSandbox> sandboxes = new ConcurrentHashMap<>();

    void add(LiveSandbox sandbox) {
        sandboxes.put(sandbox.id(), sandbox);
    }

    /** Removes that very sandbox; says whether it was there. */
    boolean remove(LiveSandbox sandbox) {
        return sandboxes.remove(sandbox.id(), sandbox);
    }

    Optional<LiveSandbox> find(SandboxId id) {
        return Optional.ofNullable(sandboxes.get(id));
    }

    /** Every sandbox, whatever its state. */
    Stream<SandboxRecord> all() {
        return sandboxes.values().stream().map(LiveSandbox::record);
    }

    Stream<SandboxRecord> running() {
        return all().filter(sandbox -> sandbox.state() == SandboxState.RUNNING);
    }

    Stream<SandboxRecord> running(UUID teamId) {
        return running().filter(sandbox -> sandbox.teamId().equals(teamId));
    }
}
