package dev.sandlot.envd;

import dev.sandlot.linux.LinuxException;
import dev.sandlot.protocol.process.ProcessEvent;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * A {@link Program} that was started. Its output is read on a virtual thread of its own, which ends with it. Once the
 * program has exited, children of it that keep its output open are waited for only as long as they write.
 */
public final class RunningProgram {
    private static final long QUIET_NANOS = Duration.ofSeconds(1).toNanos();
    private static final int SIGKILL = 9;

    private final Processes processes;
    private final SandboxProcess process;
    private final Subscription subscription;
    private final CompletableFuture<Integer> ended = new CompletableFuture<>();

    private RunningProgram(Processes processes, Processes.Started started) {
        this.processes = processes;
        this.process = started.process();
        this.subscription = started.subscription();
    }

    /** Reads a program that was just started; {@code forget} is run when nobody reads it any more. */
    static RunningProgram follow(
            Processes processes, Processes.Started started, ProgramLines lines, Consumer<RunningProgram> forget) {
        RunningProgram program = new RunningProgram(processes, started);
        Thread.startVirtualThread(() -> {
            try {
                program.read(lines);
            } finally {
                forget.accept(program);
            }
        });
        return program;
    }

    /** Its number in the sandbox. */
    public int pid() {
        return process.pid();
    }

    /**
     * Completes after its last line: with its exit code, or 128 and the number of the signal that ended it.
     * Exceptionally, with an {@link IOException}, when the sandbox ends first or nobody listens any more.
     */
    public CompletableFuture<Integer> ended() {
        return ended;
    }

    /** Ends it, but not what it started; waits a moment for that. Nothing happens when it has ended. */
    public void kill() throws IOException, InterruptedException {
        try {
            processes.signal(process, SIGKILL);
        } catch (LinuxException gone) {
            if (!process.hasExited()) {
                throw gone;
            }
        }
    }

    /** Listens to it no more; it goes on. */
    public void leave() {
        subscription.close();
    }

    private void read(ProgramLines lines) {
        OutputLines out = new OutputLines(lines::stdout);
        OutputLines errors = new OutputLines(lines::stderr);
        try (subscription) {
            while (!subscription.closed()) {
                boolean exitedBefore = process.hasExited();
                Optional<ProcessEvent> event = subscription.next(QUIET_NANOS);
                if (event.isPresent() && event.get().hasEnd()) {
                    out.finish();
                    errors.finish();
                    ended.complete(ExitStatus.code(process.rawStatus()));
                    return;
                }
                event.ifPresent(some -> tell(some.getData(), out, errors));
                if (event.isEmpty() && exitedBefore) {
                    process.forsakeOutput();
                }
            }
            ended.completeExceptionally(new IOException("the sandbox has ended"));
        } catch (InterruptedException | RuntimeException e) {
            ended.completeExceptionally(new IOException("the program's output could not be read", e));
        }
    }

    private static void tell(ProcessEvent.DataEvent data, OutputLines out, OutputLines errors) {
        if (data.hasStdout()) {
            out.add(data.getStdout());
        } else if (data.hasStderr()) {
            errors.add(data.getStderr());
        }
    }
}
