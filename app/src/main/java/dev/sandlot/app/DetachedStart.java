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
    private static final long TAIL_BYTES = 1 << 16;
    private static final long POLL_MILLIS = 25;

    private final Instance instance;
    private final Surroundings surroundings;
    private final boolean json;
    private long begun;
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
        instance.activeCommands().refuseWhilePurged();
        instance.createDirectories();
        try (ActiveCommands.Entry _ = instance.activeCommands().enter(ActiveCommands.UP_DETACHED)) {
            return await(start(prepareLog()), greeting);
        }
    }

    /** Ctrl-C meanwhile stops what was started. */
    private int await(Process child, Greeting greeting) throws IOException, InterruptedException {
        Thread ending = new Thread(child::destroy, "stop-child");
        Runtime.getRuntime().addShutdownHook(ending);
        while (!child.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
            showProgress();
            Optional<Instance.Serving> serving = instance.serving();
            if (serving.isPresent()) {
                Runtime.getRuntime().removeShutdownHook(ending);
                greeting.startedInBackground(serving.get(), instance.access(), instance.logFile());
                return ExitCode.OK;
            }
        }
        return reportEnd(child.exitValue());
    }

    private Path prepareLog() throws IOException {
        Path log = instance.logFile();
        if (Files.exists(log) && Files.size(log) > LOG_LIMIT_BYTES) {
            Files.move(log, log.resolveSibling("server.log.1"), StandardCopyOption.REPLACE_EXISTING);
        }
        begun = Files.size(OwnerOnly.file(log));
        shownTo = begun;
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
        List<String> printed = printed();
        int error = lastError(printed);
        if (error < 0) {
            surroundings
                    .err()
                    .println("sandlot: the server ended with code " + code + " before it served. The end of its log:");
            printed.subList(Math.max(0, printed.size() - LINES_SHOWN), printed.size())
                    .forEach(line -> surroundings.err().println("  " + line));
        } else {
            printed.subList(error, printed.size()).forEach(surroundings.err()::println);
        }
        surroundings.err().println("(its log: " + instance.logFile() + ")");
        return code == ExitCode.USAGE ? ExitCode.USAGE : ExitCode.FAILED;
    }

    /** What this server wrote to the log, and none before it. */
    private List<String> printed() throws IOException {
        try (RandomAccessFile log = new RandomAccessFile(instance.logFile().toFile(), "r")) {
            log.seek(Math.max(begun, log.length() - TAIL_BYTES));
            byte[] fresh = new byte[(int) (log.length() - log.getFilePointer())];
            log.readFully(fresh);
            return new String(fresh, StandardCharsets.UTF_8).lines().toList();
        }
    }

    /** Where the error begins that a server in the foreground would end with; -1 when it said none. */
    private static int lastError(List<String> lines) {
        for (int i = lines.size() - 1; i >= 0; i--) {
            if (lines.get(i).startsWith(Main.ERROR_PREFIX)) {
                return i;
            }
        }
        return -1;
    }
}
