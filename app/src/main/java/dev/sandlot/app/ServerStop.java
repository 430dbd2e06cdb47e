package dev.sandlot.app;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Stops the server of a data directory, and what is about to become one, from another process. */
final class ServerStop {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final Duration PARENTS_PATIENCE = Duration.ofSeconds(3);
    private static final long POLL_MILLIS = 25;

    private final Instance instance;

    ServerStop(Instance instance) {
        this.instance = instance;
    }

    /**
     * What was stopped.
     *
     * @param serving whether the process served, else it was starting or waiting to start
     */
    record Stopped(ProcessIdentity process, boolean serving) {}

    /** Tells all that serves or is about to serve the data directory to stop, and returns when it has ended. */
    List<Stopped> run(RunningServer.Sandboxes sandboxes) throws IOException, InterruptedException {
        List<Stopped> stopped = new ArrayList<>();
        long forParents = 0;
        List<Stopped> found = find();
        while (!found.isEmpty() || !parents().isEmpty()) {
            for (Stopped next : found) {
                stop(next.process(), sandboxes);
            }
            stopped.addAll(found);
            if (found.isEmpty()) {
                forParents = awaitParents(forParents);
            }
            found = find();
        }
        return stopped;
    }

    private List<Stopped> find() throws IOException {
        List<Stopped> found = new ArrayList<>();
        Optional<ProcessIdentity> serving = instance.serving().map(Instance.Serving::process);
        serving.ifPresent(process -> found.add(new Stopped(process, true)));
        for (ActiveCommands.Active active : instance.activeCommands().others(ActiveCommands.UP)) {
            if (!serving.equals(Optional.of(active.process()))) {
                found.add(new Stopped(active.process(), false));
            }
        }
        return found;
    }

    /** Those that wait for a server that they started; they end when it does. */
    private List<ActiveCommands.Active> parents() throws IOException {
        return instance.activeCommands().others(ActiveCommands.UP_DETACHED);
    }

    /** Waits for a moment, and after some of them insists. */
    private long awaitParents(long waitedMillis) throws IOException, InterruptedException {
        if (waitedMillis < PARENTS_PATIENCE.toMillis()) {
            Thread.sleep(POLL_MILLIS);
            return waitedMillis + POLL_MILLIS;
        }
        for (ActiveCommands.Active parent : parents()) {
            terminate(parent.process());
        }
        return 0;
    }

    private void stop(ProcessIdentity process, RunningServer.Sandboxes sandboxes)
            throws IOException, InterruptedException {
        if (sandboxes == RunningServer.Sandboxes.END) {
            instance.requestEndOfSandboxes(process);
        }
        terminate(process);
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
