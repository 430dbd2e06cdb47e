package dev.sandlot.node;

/**
 * What a node is told at its start.
 *
 * @param nodeId its name among nodes
 * @param version of the program
 * @param maxSandboxes sandboxes it runs at once, at most
 * @param pidsPerSandbox processes and threads of one sandbox, at most
 */
public record NodeSettings(String nodeId, String version, int maxSandboxes, int pidsPerSandbox) {
    private static final int DEFAULT_PIDS = 4096;

    /** With the default limits of one sandbox. */
    public static NodeSettings of(String nodeId, String version, int maxSandboxes) {
        return new NodeSettings(nodeId, version, maxSandboxes, DEFAULT_PIDS);
    }
}
