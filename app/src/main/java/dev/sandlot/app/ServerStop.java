package dev.sandlot.app;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Stops the server of a data directory from another process. */
final class ServerStop {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private final Instance instance;

    ServerStop(Instance instance) {
        this.instance = instance;
    }

    /**
     * Tells the server to stop and returns when its process has ended.
     *
     * @return the process that was stopped; empty when none served
     */
    Optional<ProcessIdentity> run(RunningServer.Sandboxes sandboxes) throws IOException, InterruptedException {
        Optional<ProcessIdentity> process = instance.serving().map(Instance.Serving::process);
        if (process.isEmpty()) {
            return refuseWhileStarting();
        }
        if (sandboxes == RunningServer.Sandboxes.END) {
            instance.requestEndOfSandboxes(process.get());
        }
        terminate(process.get());
        return process;
    }

    private Optional<ProcessIdentity> refuseWhileStarting() throws IOException {
        if (instance.isClaimed()) {
            throw new CommandException(
                    ExitCode.FAILED,
                    "a server is just starting or stopping on this data directory; try again when it has");
        }
        return Optional.empty();
    }

    private static void terminate(ProcessIdentity process) throws InterruptedException {
        Optional<ProcessHandle> handle = ProcessHandle.of(process.pid()).filter(found -> process.isAlive());
        if (handle.isEmpty()) {
            return;
        }
        if (!handle.get().destroy() && process.isAlive()) {
            throw new CommandException(
                    ExitCode.FAILED,
                    "could not signal process " + process.pid() + "; are you the user who started it?");
        }
        await(handle.get(), process);
    }

    private static void await(ProcessHandle handle, ProcessIdentity process) throws InterruptedException {
        try {
            handle.onExit().get(LIMIT.toSeconds(), TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            throw new CommandException(
                    ExitCode.FAILED,
                    "process " + process.pid() + " did not stop within " + LIMIT.toSeconds() + " s; its log says why");
        } catch (ExecutionException e) {
            throw new IllegalStateException("could not wait for process " + process.pid(), e);
        }
    }
}
