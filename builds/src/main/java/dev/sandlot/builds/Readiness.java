package dev.sandlot.builds;

import dev.sandlot.builds.WorkSandbox.Command;
import dev.sandlot.builds.WorkSandbox.Ended;
import dev.sandlot.builds.WorkSandbox.Lines;
import dev.sandlot.protocol.TemplateStart;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Starts what a template starts and waits until it is ready (template-build.md 10).
 *
 * @param limit until it must be ready
 * @param settle how long a start command without a ready command is given
 * @param firstPoll between the first two ready commands; doubled each time
 * @param poll between two ready commands, at most
 */
public record Readiness(Duration limit, Duration settle, Duration firstPoll, Duration poll) {
    private static final Ended FINE = new Ended(0);
    private static final Duration PORT_POLL = Duration.ofMillis(20);
    private static final Duration PORT_LIMIT = Duration.ofSeconds(20);
    private static final int MOST_PORTS = 64;
    /** From here on the kernel gives ports to who asks for any. */
    private static final int FIRST_OF_ANY = 32768;

    /**
     * Runs the start command, which goes on by itself, and the ready command until it ends with 0.
     *
     * @throws NotReadyException as soon as the start command fails before that, or the time is over
     * @throws IOException when a command cannot be run
     */
    public void reach(TemplateStart start, Commands in, Lines startLines, Lines readyLines)
            throws NotReadyException, IOException, InterruptedException {
        long begun = System.nanoTime();
        CompletableFuture<Ended> running = begin(start, in, startLines);
        if (start.readyCommand().isEmpty()) {
            settle(start, running);
        } else {
            poll(start, in, running, begun, readyLines);
        }
    }

    /**
     * As {@link #reach}, of what a build has seen ready: where that had only let a time pass, this waits until the
     * ports that were listened on then are listened on again, 20 s at most, and without ports for nothing.
     */
    public void reachAgain(TemplateStart start, Commands in, Lines startLines, Lines readyLines)
            throws NotReadyException, IOException, InterruptedException {
        List<Integer> ports = start.ports();
        if (ports == null || !start.onlyWaits()) {
            reach(start, in, startLines, readyLines);
            return;
        }
        long begun = System.nanoTime();
        CompletableFuture<Ended> running = begin(start, in, startLines);
        watch(running, Duration.ZERO);
        while (!in.listening().containsAll(ports) && System.nanoTime() - begun < PORT_LIMIT.toNanos()) {
            requireTime(begun);
            watch(running, PORT_POLL);
        }
    }

    private CompletableFuture<Ended> begin(TemplateStart start, Commands in, Lines lines) throws IOException {
        return start.startCommand().isEmpty()
                ? CompletableFuture.completedFuture(FINE)
                : in.start(command(start, start.startCommand(), limit), lines);
    }

    /** The ports of something ready that it will listen on again. */
    static List<Integer> lasting(Commands in) throws IOException {
        return in.listening().stream()
                .filter(port -> port < FIRST_OF_ANY)
                .sorted()
                .limit(MOST_PORTS)
                .toList();
    }

    private void settle(TemplateStart start, CompletableFuture<Ended> running)
            throws NotReadyException, IOException, InterruptedException {
        if (!start.startCommand().isEmpty()) {
            watch(running, settle);
        }
    }

    private void poll(TemplateStart start, Commands in, CompletableFuture<Ended> running, long begun, Lines lines)
            throws NotReadyException, IOException, InterruptedException {
        Duration pause = firstPoll;
        while (true) {
            if (isReady(start, in, running, begun, lines)) {
                watch(running, Duration.ZERO);
                return;
            }
            watch(running, pause);
            requireTime(begun);
            pause = pause.multipliedBy(2).compareTo(poll) < 0 ? pause.multipliedBy(2) : poll;
        }
    }

    /** Asks the ready command; not longer than until the start command fails. */
    private boolean isReady(TemplateStart start, Commands in, CompletableFuture<Ended> running, long begun, Lines lines)
            throws NotReadyException, IOException, InterruptedException {
        Duration left = limit.minusNanos(System.nanoTime() - begun);
        Command ready = command(start, start.readyCommand(), left);
        FutureTask<Ended> asked = new FutureTask<>(() -> in.run(ready, lines));
        Thread asking = Thread.startVirtualThread(asked);
        CompletableFuture<Ended> _ = running.whenComplete((ended, failure) -> {
            if (failure != null || !ended.isOk()) {
                asking.interrupt();
            }
        });
        try {
            return asked.get().isOk();
        } catch (ExecutionException e) {
            watch(running, Duration.ZERO);
            requireTime(begun);
            throw thrown(e);
        } finally {
            asking.interrupt();
        }
    }

    private void requireTime(long begun) throws NotReadyException {
        Duration taken = Duration.ofNanos(System.nanoTime() - begun);
        if (taken.compareTo(limit) >= 0) {
            throw new NotReadyException("the ready command did not succeed within " + taken.toSeconds() + " seconds");
        }
    }

    /** Waits for a time, whether or not the start command ends well meanwhile. */
    private static void watch(CompletableFuture<Ended> running, Duration time)
            throws NotReadyException, IOException, InterruptedException {
        long until = System.nanoTime() + time.toNanos();
        try {
            Ended ended = time.isZero() ? running.getNow(FINE) : running.get(time.toNanos(), TimeUnit.NANOSECONDS);
            if (!ended.isOk()) {
                throw new NotReadyException("the start command failed: exit status " + ended.exitCode());
            }
            long left = until - System.nanoTime();
            if (left > 0) {
                TimeUnit.NANOSECONDS.sleep(left);
            }
        } catch (TimeoutException stillRunning) {
            return;
        } catch (ExecutionException e) {
            throw thrown(e);
        }
    }

    private static IOException thrown(ExecutionException e) {
        Throwable cause = e.getCause();
        return cause instanceof IOException gone ? gone : new IOException(cause);
    }

    private static Command command(TemplateStart start, String command, Duration limit) {
        return GuestShell.user(command, start.context(), start.context().user(), limit);
    }
}
