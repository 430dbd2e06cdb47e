package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import dev.sandlot.protocol.NodeService;
import dev.sandlot.protocol.SandboxSpec;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The nodes that sandboxes are placed on, with what the operator wants of each; one node now. A node that is not
 * ready gets no new sandbox; those it has are left alone (platform.md 8.2).
 */
final class Nodes {
    private final NodeService node;
    private final OperationStore store;
    private final InstantSource clock;
    private final AtomicInteger starting = new AtomicInteger();
    private final AtomicLong successes = new AtomicLong();
    private final AtomicLong failures = new AtomicLong();
    private final ReentrantLock lock = new ReentrantLock();

    /** Written under the lock. */
    private volatile OperationStore.NodeState state;

    Nodes(NodeService node, OperationStore store, InstantSource clock) {
        this.node = node;
        this.store = store;
        this.clock = clock;
        this.state = new OperationStore.NodeState(NodeDuty.READY, Moments.now(clock));
    }

    /** A node and what is known of it here. */
    record View(
            NodeService.NodeStatus status,
            NodeDuty duty,
            Instant changedAt,
            int starting,
            long successes,
            long failures) {}

    /** Reads what the operator wanted before the last restart. */
    void recover() throws ApiException {
        store.nodeState(node.status().nodeId()).ifPresent(known -> state = known);
    }

    /** Looks whether a node has room for one more sandbox, before anything is written down for it. */
    void requireRoom() throws ApiException {
        node.requireRoom();
    }

    /** Starts a sandbox on a node that takes one. */
    void create(SandboxSpec spec) throws ApiException {
        if (state.duty() != NodeDuty.READY) {
            throw new ApiException(ErrorKind.UNAVAILABLE, "no node takes new sandboxes now");
        }
        starting.incrementAndGet();
        boolean created = false;
        try {
            node.create(spec);
            created = true;
        } finally {
            starting.decrementAndGet();
            (created ? successes : failures).incrementAndGet();
        }
    }

    View view() throws ApiException {
        OperationStore.NodeState now = state;
        return new View(node.status(), now.duty(), now.changedAt(), starting.get(), successes.get(), failures.get());
    }

    Optional<View> find(String nodeId) throws ApiException {
        return Optional.of(view()).filter(view -> view.status().nodeId().equals(nodeId));
    }

    /**
     * Sets what a node is there for.
     *
     * @throws ApiException {@code CONFLICT} when it may not become that
     */
    void assign(String nodeId, NodeDuty wanted) throws ApiException {
        lock.lock();
        try {
            NodeDuty current = state.duty();
            if (!current.mayBecome(wanted)) {
                throw new ApiException(
                        ErrorKind.CONFLICT,
                        "node " + nodeId + " is " + current.text() + " and cannot become " + wanted.text());
            }
            if (current != wanted) {
                OperationStore.NodeState next = new OperationStore.NodeState(wanted, Moments.now(clock));
                store.putNodeState(nodeId, next);
                state = next;
            }
        } finally {
            lock.unlock();
        }
    }
}
