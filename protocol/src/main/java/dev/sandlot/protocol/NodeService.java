package dev.sandlot.protocol;

import java.time.Instant;
import java.util.List;
import java.util.UUID;

/**
 * A node as the control plane sees it (platform.md 9). In process on one machine; by gRPC when there are several.
 * Every call may be repeated after a failure.
 */
public interface NodeService {
    /** What runs on the node. */
    record NodeSandbox(SandboxId id, UUID executionId, Instant startedAt) {}

    /** What the node is and how loaded. */
    record NodeStatus(
            String nodeId, String version, int cpuCount, long memoryTotalBytes, int sandboxes, int maxSandboxes) {}

    /**
     * Starts a sandbox and returns when it answers.
     *
     * @throws ApiException {@code UNAVAILABLE} when the node has no room, {@code INTERNAL} when the start failed;
     *     nothing is left behind then
     */
    NodeSandbox create(SandboxSpec spec) throws ApiException;

    /**
     * Ends a sandbox: its streams are cut, its processes killed, all it held given back. Returns when it no longer
     * runs.
     *
     * @return whether there was one
     */
    boolean kill(SandboxId id) throws ApiException;

    /** All sandboxes that run on the node, those re-adopted after a restart among them. */
    List<NodeSandbox> list() throws ApiException;

    /** What the node is and how loaded. */
    NodeStatus status() throws ApiException;
}
