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

    /** The processor of a node, in its kernel's words. */
    record Machine(String cpuArchitecture, String cpuFamily, String cpuModel, String cpuModelName) {
        public static final Machine UNKNOWN = new Machine("", "", "", "");
    }

    /** Memory that the kernel hands out in large pages. */
    record HugePages(long total, long used, long reserved, long sizeBytes) {
        public static final HugePages NONE = new HugePages(0, 0, 0, 0);
    }

    /** A file system that sandboxes live on. */
    record Disk(String mountPoint, String device, String filesystemType, long usedBytes, long totalBytes) {}

    /** What of a node is in use now. */
    record Usage(int cpuPercent, long memoryUsedBytes, HugePages hugePages, List<Disk> disks) {
        public static final Usage UNKNOWN = new Usage(0, 0, HugePages.NONE, List.of());

        public Usage {
            disks = List.copyOf(disks);
        }
    }

    /**
     * What the node is and how loaded.
     *
     * @param serviceInstanceId this run of the node's program
     * @param commit what it was built from; empty when not known
     */
    record NodeStatus(
            String nodeId,
            String version,
            int cpuCount,
            long memoryTotalBytes,
            int sandboxes,
            int maxSandboxes,
            String serviceInstanceId,
            String commit,
            Machine machine,
            Usage usage) {
        /** A node that tells nothing of its machine. */
        public NodeStatus(
                String nodeId, String version, int cpuCount, long memoryTotalBytes, int sandboxes, int maxSandboxes) {
            this(
                    nodeId,
                    version,
                    cpuCount,
                    memoryTotalBytes,
                    sandboxes,
                    maxSandboxes,
                    nodeId,
                    "",
                    Machine.UNKNOWN,
                    Usage.UNKNOWN);
        }
    }

    /**
     * Looks whether the disk has room for one more sandbox; asked before anything is written down.
     *
     * @throws ApiException {@code NO_SPACE}, with how it stands, when it has not
     */
    void requireRoom() throws ApiException;

    /**
     * Starts a sandbox and returns when it answers.
     *
     * @throws ApiException {@code UNAVAILABLE} or {@code NO_SPACE} when the node has no room, {@code INTERNAL} when the start failed;
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
