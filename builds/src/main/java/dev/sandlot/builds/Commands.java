package dev.sandlot.builds;

import java.io.IOException;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** Where commands of a template can be run. */
public interface Commands {
    /**
     * Runs a command to its end.
     *
     * @throws IOException when it cannot be started, with the reason for the user, or takes longer than its limit
     * @throws InterruptedException when the build is ended; the command is killed then
     */
    WorkSandbox.Ended run(WorkSandbox.Command command, WorkSandbox.Lines lines)
            throws IOException, InterruptedException;

    /**
     * Starts a command that goes on by itself until the sandbox ends.
     *
     * @return completes when it ends by itself
     */
    CompletableFuture<WorkSandbox.Ended> start(WorkSandbox.Command command, WorkSandbox.Lines lines) throws IOException;

    /** The TCP ports on which something listens there. */
    Set<Integer> listening() throws IOException;
}
