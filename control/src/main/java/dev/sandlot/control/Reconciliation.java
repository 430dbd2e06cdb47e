package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.NodeService;
import dev.sandlot.protocol.NodeService.NodeSandbox;
import dev.sandlot.protocol.SandboxId;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the books and the node agree: wholly at the start, before any request; then from time to time, for what a
 * failed call left behind. Used by one thread at a time.
 */
final class Reconciliation {
    private static final Logger LOG = LoggerFactory.getLogger(Reconciliation.class);

    private final SandboxStore store;
    private final NodeService node;
    private final Lifecycle lifecycle;
    private final InstantSource clock;
    private Set<NodeSandbox> strangers = Set.of();

    Reconciliation(SandboxStore store, NodeService node, Lifecycle lifecycle, InstantSource clock) {
        this.store = store;
        this.node = node;
        this.lifecycle = lifecycle;
        this.clock = clock;
    }

    /**
     * Takes up after a restart: sandboxes that still run are kept with their end times, rows without a sandbox and
     * starts that were cut are dropped, sandboxes without a row are killed.
     *
     * @throws ApiException when the node cannot be asked
     */
    void recover() throws ApiException {
        Map<SandboxId, NodeSandbox> running = onNode();
        Map<SandboxId, NodeSandbox> unclaimed = new HashMap<>(running);
        for (SandboxRecord row : store.all()) {
            if (row.state() == SandboxState.RUNNING && isSameRun(row, running.get(row.id()))) {
                unclaimed.remove(row.id());
                lifecycle.adopt(row);
            } else {
                LOG.warn(
                        "dropping sandbox {}, which was {} before the restart",
                        row.id(),
                        row.state().text());
                store.end(row.id(), row.executionId(), KillReason.ORPHANED, Moments.now(clock));
            }
        }
        unclaimed.values().forEach(this::kill);
    }

    /** Drops sandboxes that the node no longer has, and kills those that were strangers at the last call too. */
    void reconcile() throws ApiException {
        List<SandboxRecord> before = lifecycle.running().toList();
        Map<SandboxId, NodeSandbox> running = onNode();
        before.stream()
                .filter(sandbox -> !isSameRun(sandbox, running.get(sandbox.id())))
                .forEach(sandbox -> lifecycle.sandboxEnded(sandbox.id(), sandbox.executionId()));
        Set<NodeSandbox> unknown = new HashSet<>(running.values());
        unknown.removeIf(sandbox -> lifecycle.knows(sandbox.id()));
        for (NodeSandbox sandbox : unknown) {
            if (strangers.contains(sandbox)) {
                kill(sandbox);
            }
        }
        strangers = unknown;
    }

    private Map<SandboxId, NodeSandbox> onNode() throws ApiException {
        return node.list().stream().collect(Collectors.toMap(NodeSandbox::id, Function.identity()));
    }

    private static boolean isSameRun(SandboxRecord row, @Nullable NodeSandbox running) {
        return running != null && running.executionId().equals(row.executionId());
    }

    private void kill(NodeSandbox sandbox) {
        LOG.warn("sandbox {} runs on the node but is in no book; killing it", sandbox.id());
        try {
            node.kill(sandbox.id());
        } catch (ApiException e) {
            LOG.error("could not kill sandbox {}, which is in no book", sandbox.id(), e);
        }
    }
}
