package dev.sandlot.images;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** Runs a program of the host to its end. */
final class HostCommand {
    private static final int KEPT_LINES = 30;
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final String name;
    private final List<String> command;
    private final Duration timeout;

    HostCommand(List<String> command, Duration timeout) {
        this(List.of(), command, timeout);
    }

    /** @param starter a command that runs another one; the other's name is told to people */
    HostCommand(List<String> starter, List<String> command, Duration timeout) {
        this.name = command.getFirst();
        this.command = Stream.concat(starter.stream(), command.stream()).toList();
        this.timeout = timeout;
    }

    /**
     * How a program ended.
     *
     * @param exitCode its status
     * @param lastLines the end of what it printed
     */
    record Outcome(int exitCode, List<String> lastLines) {
        boolean succeeded() {
            return exitCode == 0;
        }
    }

    /** The lines a program prints; empty when it cannot be started or fails. */
    List<String> linesOrNone() throws InterruptedException {
        List<String> lines = new ArrayList<>();
        try {
            return run(lines::add).succeeded() ? lines : List.of();
        } catch (IOException e) {
            return List.of();
        }
    }

    /** Runs the program and hands over each line of output and errors as it comes. */
    Outcome run(Consumer<String> onLine) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().put("LC_ALL", "C.UTF-8");
        Process process = builder.start();
        process.getOutputStream().close();
        Deque<String> last = new ArrayDeque<>();
        Thread reader = Thread.ofVirtual().start(() -> read(process, onLine, last));
        try {
            await(process);
            reader.join();
        } finally {
            end(process);
        }
        return new Outcome(process.exitValue(), List.copyOf(last));
    }

    private void await(Process process) throws IOException, InterruptedException {
        if (!process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
            throw new IOException(name + " did not end within " + timeout.toSeconds() + " s");
        }
    }

    private static void read(Process process, Consumer<String> onLine, Deque<String> last) {
        try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
            String line = lines.readLine();
            while (line != null) {
                keep(last, line);
                onLine.accept(line);
                line = lines.readLine();
            }
        } catch (IOException e) {
            keep(last, "(its output broke off: " + e.getMessage() + ")");
        }
    }

    private static void keep(Deque<String> last, String line) {
        if (last.size() == KEPT_LINES) {
            last.removeFirst();
        }
        last.addLast(line);
    }

    /** Asks first, so that the program can unmount what it mounted, then insists. */
    private static void end(Process process) throws InterruptedException {
        if (process.isAlive()) {
            process.descendants().forEach(ProcessHandle::destroy);
            process.destroy();
            if (!process.waitFor(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly().waitFor();
            }
        }
    }
}
