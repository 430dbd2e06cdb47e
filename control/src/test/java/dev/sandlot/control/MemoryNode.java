package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.NodeService;
import dev.sandlot.protocol.SandboxId;
import dev.sandlot.protocol.SandboxSpec;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/** A node that keeps its sandboxes in a map, and fails or waits when a test says so. */
final class MemoryNode implements NodeService {
    final Map<SandboxId, SandboxSpec> running = new ConcurrentHashMap<>();
    final AtomicInteger kills = new AtomicInteger();
    volatile ApiException noRoom;
    volatile ApiException createFailure;
    volatile RuntimeException createCrash;
    volatile ApiException killFailure;
    volatile CountDownLatch createGate = new CountDownLatch(0);
    volatile CountDownLatch killGate = new CountDownLatch(0);
    final AtomicInteger creating = new AtomicInteger();
    final AtomicInteger killing = new AtomicInteger();

    @Override
    public void requireRoom() throws ApiException {
        if (noRoom != null) {
            throw noRoom;
        }
    }

    @Override
    public NodeSandbox create(SandboxSpec spec) throws ApiException {
        creating.incrementAndGet();
        await(createGate);
        if (createFailure != null) {
            throw createFailure;
        }
        if (createCrash != null) {
            throw createCrash;
        }
        running.put(spec.id(), spec);
        return new NodeSandbox(spec.id(), spec.executionId(), Instant.now());
    }

    @Override
    public boolean kill(SandboxId id) throws ApiException {
        killing.incrementAndGet();
        await(killGate);
        if (killFailure != null) {
            throw killFailure;
        }
        kills.incrementAndGet();
        return running.remove(id) != null;
    }

    @Override
    public List<NodeSandbox> list() {
        return running.values().stream()
                .map(spec -> new NodeSandbox(spec.id(), spec.executionId(), Instant.EPOCH))
                .toList();
    }

    @Override
    public NodeStatus status() {
        return new NodeStatus("memory", "test", 2, 1L << 30, running.size(), 1000);
    }

    /** Puts a sandbox on the node that nobody asked for. */
    SandboxId stray() {
        SandboxId id = SandboxId.random();
        running.put(
                id,
                new SandboxSpec(
                        id,
                        UUID.randomUUID(),
                        UUID.randomUUID(),
                        "t",
                        UUID.randomUUID(),
                        List.of(),
                        1,
                        128,
                        0,
                        Map.of(),
                        null,
                        "user",
                        "",
                        true,
                        null,
                        Instant.now()));
        return id;
    }

    private static void await(CountDownLatch gate) {
        try {
            gate.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
