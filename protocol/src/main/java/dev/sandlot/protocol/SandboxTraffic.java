package dev.sandlot.protocol;

import java.io.IOException;

/** Takes requests for a port of a sandbox: the step from the front door to the node that runs it. */
public interface SandboxTraffic {
    /**
     * Answers a request addressed to a port of a sandbox. Unknown sandboxes and closed ports get the 502 answers
     * of envd.md 1.3.
     */
    void serve(SandboxId id, int port, Exchange exchange) throws IOException;
}
