package dev.sandlot.app;

import dev.sandlot.linux.OwnerOnly;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Starts the server as a process of its own session and returns once it serves. Its progress is shown while it
 * starts; all its output goes to {@code server.log} in the data directory.
 */
final class DetachedStart {
    /** The variable that tells the child that it is the one to serve. */
    static final String CHILD_MARK = "SANDLOT_CHILD";

    private static final long LOG_LIMIT_BYTES = 10L << 20;
    /** Makes this process start faster, and would make a server slower. */
    private static final String SHORT_LIVED = "-XX:TieredStopAtLevel=1";

    private static final int LINES_SHOWN = 20;
    private static final long POLL_MILLIS = 25;

    private final Instance instance;
    private final Surroundings surroundings;
    private final boolean json;
    private long shownTo;

    DetachedStart(Instance instance, Surroundings surroundings, boolean json) {
        this.instance = instance;
        this.surroundings = surroundings;
        this.json = json;
    }

    int run() throws IOException, InterruptedException {
        Greeting greeting = new Greeting(surroundings.out(), json);
        Optional<Instance.Serving> already = instance.serving();
        if (already.isPresent()) {
            greeting.alreadyRunning(already.get(), instance.access());
            return ExitCode.OK;
        }
        Process child = start(prepareLog());
        while (!child.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
            showProgress();
            Optional<Instance.Serving> serving = instance.serving();
            if (serving.isPresent()) {
                greeting.startedInBackground(serving.get(), instance.access(), instance.logFile());
                return ExitCode.OK;
            }
        }
        return reportEnd(child.exitValue());
    }

    private Path prepareLog() throws IOException {
        instance.createDirectories();
        Path log = instance.logFile();
        if (Files.exists(log) && Files.size(log) > LOG_LIMIT_BYTES) {
            Files.move(log, log.resolveSibling("server.log.1"), StandardCopyOption.REPLACE_EXISTING);
        }
        shownTo = Files.size(OwnerOnly.file(log));
        return log;
    }

    private Process start(Path log) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command())
                .redirectErrorStream(true)
                .redirectInput(Path.of("/dev/null").toFile())
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
        builder.environment().put(CHILD_MARK, "1");
        return builder.start();
    }

    private static List<String> command() throws IOException {
        OwnCommand own = OwnCommand.read();
        List<String> command = new ArrayList<>(List.of("setsid", OwnCommand.java()));
        own.options().stream().filter(option -> !option.equals(SHORT_LIVED)).forEach(command::add);
        command.addAll(List.of("-cp", OwnCommand.classPath(), Main.class.getName()));
        command.addAll(own.arguments());
        return command;
    }

    private void showProgress() throws IOException {
        try (RandomAccessFile log = new RandomAccessFile(instance.logFile().toFile(), "r")) {
            log.seek(shownTo);
            byte[] fresh = new byte[(int) Math.min(log.length() - shownTo, 1 << 16)];
            log.readFully(fresh);
            int lineEnd = new String(fresh, StandardCharsets.ISO_8859_1).lastIndexOf('\n') + 1;
            shownTo += lineEnd;
            new String(fresh, 0, lineEnd, StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> line.startsWith("-> "))
                    .forEach(surroundings.err()::println);
        }
    }

    private int reportEnd(int code) throws IOException {
        Optional<Instance.Serving> other = instance.serving();
        if (code == 0 && other.isPresent()) {
            new Greeting(surroundings.out(), json).alreadyRunning(other.get(), instance.access());
            return ExitCode.OK;
        }
        List<String> lines = Files.readAllLines(instance.logFile(), StandardCharsets.UTF_8);
        surroundings
                .err()
                .println("sandlot: the server ended with code " + code + " before it served. The end of "
                        + instance.logFile() + ":");
        lines.subList(Math.max(0, lines.size() - LINES_SHOWN), lines.size())
                .forEach(line -> surroundings.err().println("  " + line));
        return code == ExitCode.USAGE ? ExitCode.USAGE : ExitCode.FAILED;
    }
}
