package dev.sandlot.node;

import java.time.Duration;

/**
 * What a node is told at its start.
 *
 * @param nodeId its name among nodes
 * @param version of the program
 * @param maxSandboxes sandboxes it runs at once, at most; those of builds are not among them
 * @param pidsPerSandbox processes and threads of one sandbox, at most
 * @param freeBytes what new sandboxes leave free on the disk
 * @param ready how long a new sandbox may take until its template's ready command succeeds
 */
public record NodeSettings(
        String nodeId, String version, int maxSandboxes, int pidsPerSandbox, long freeBytes, Duration ready) {
    private static final int DEFAULT_PIDS = 4096;
    private static final Duration DEFAULT_READY = Duration.ofSeconds(60);

    /** With the default limits of one sandbox. */
    public static NodeSettings of(String nodeId, String version, int maxSandboxes) {
        return new NodeSettings(nodeId, version, maxSandboxes, DEFAULT_PIDS, 0, DEFAULT_READY);
    }

    /** The same with another time to become ready. */
    public NodeSettings withReady(Duration other) {
        return new NodeSettings(nodeId, version, maxSandboxes, pidsPerSandbox, freeBytes, other);
    }

    /** The same with other space left free on the disk. */
    public NodeSettings withFreeBytes(long other) {
        return new NodeSettings(nodeId, version, maxSandboxes, pidsPerSandbox, other, ready);
    }
}
