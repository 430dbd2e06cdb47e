package dev.sandlot.images;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Consumer;

/**
 * Runs a program of the host that mounts: in mount and process namespaces of its own, so that it, its children and
 * what they mounted are gone when it ends or this process does, however that happens. Where such namespaces are not to
 * be had, to users other than root for one, the program runs as any other does.
 */
final class ContainedCommand {
    /** The signal is sent to {@code unshare} at the end of the thread that started it, and from there to the program. */
    private static final List<String> CONTAINMENT = List.of(
            "setpriv",
            "--pdeathsig",
            "KILL",
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child=KILL",
            "--mount-proc",
            "--propagation",
            "slave",
            "--");

    private static final Duration TRIAL = Duration.ofSeconds(10);

    private final List<String> command;
    private final Duration timeout;

    ContainedCommand(List<String> command, Duration timeout) {
        this.command = List.copyOf(command);
        this.timeout = timeout;
    }

    /** Runs the program and hands over each line of output and errors as it comes. */
    HostCommand.Outcome run(Consumer<String> onLine) throws IOException, InterruptedException {
        List<String> starter = isPossible() ? CONTAINMENT : List.of();
        return onOwnThread(new HostCommand(starter, command, timeout), onLine);
    }

    private static boolean isPossible() throws InterruptedException {
        try {
            return onOwnThread(new HostCommand(CONTAINMENT, List.of("true"), TRIAL), line -> {})
                    .succeeded();
        } catch (IOException e) {
            return false; // a program is missing
        }
    }

    /** A thread that lives as long as the program: one that carries virtual threads may end at any time. */
    private static HostCommand.Outcome onOwnThread(HostCommand command, Consumer<String> onLine)
            throws IOException, InterruptedException {
        FutureTask<HostCommand.Outcome> task = new FutureTask<>(() -> command.run(onLine));
        Thread thread = Thread.ofPlatform().daemon().name("host-command").start(task);
        try {
            return task.get();
        } catch (ExecutionException e) {
            throw asThrown(e);
        } finally {
            thread.interrupt();
            thread.join();
        }
    }

    private static IOException asThrown(ExecutionException e) {
        return switch (e.getCause()) {
            case IOException failure -> new IOException(failure.getMessage(), failure);
            case null, default -> throw new IllegalStateException(e.getCause());
        };
    }
}
