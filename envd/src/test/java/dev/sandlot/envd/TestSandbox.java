package dev.sandlot.envd;

import dev.sandlot.linux.EventLoop;
import dev.sandlot.linux.FileTree;
import dev.sandlot.protocol.MemoryExchange;
import dev.sandlot.protocol.SandboxId;
import dev.sandlot.supervisor.SupervisorBinary;
import dev.sandlot.supervisor.SupervisorConnection;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Map;

/** A supervisor in a pid namespace of its own, over the machine's files, and an envd for it. */
final class TestSandbox implements AutoCloseable {
    static final int UID = 12345;
    static final int GROUP = 12347;
    private static final Duration TIMEOUT = Duration.ofSeconds(20);
    private static final String LISTEN = """
            import os, socket, sys
            s = socket.socket(socket.AF_UNIX)
            s.bind(sys.argv[1] + ".new")
            s.listen(16)
            os.rename(sys.argv[1] + ".new", sys.argv[1])
            os.dup2(s.fileno(), 3)
            os.set_inheritable(3, True)
            os.execvp(sys.argv[2], sys.argv[2:])
            """;

    private final Path directory;
    private final Process supervisor;
    private final EventLoop loop;
    private final EnvdHost host;
    private final SandboxFiles files;
    private final ProcessJournal journal;
    private EnvdSandbox envd;

    private TestSandbox(Path directory, ProcessJournal journal, Duration retention) throws Exception {
        this.directory = directory;
        this.journal = journal;
        prepareRoot();
        Path program = directory.resolve("supervisor");
        SupervisorBinary.installTo(program);
        supervisor = new ProcessBuilder(
                        "python3",
                        "-c",
                        LISTEN,
                        socket().toString(),
                        "unshare",
                        "--pid",
                        "--mount",
                        "--fork",
                        "--kill-child",
                        "--mount-proc",
                        program.toString())
                .inheritIO()
                .start();
        while (!Files.exists(socket())) {
            if (!supervisor.isAlive()) {
                throw new IOException("supervisor ended");
            }
            Thread.sleep(1);
        }
        loop = EventLoop.start("test-loop");
        host = new EnvdHost(loop);
        files = new SandboxFiles(FileTree.directory(root().toString()), IdRange.SAME);
        envd = open(retention);
    }

    static TestSandbox start(Path directory) throws Exception {
        return start(directory, Processes.RETENTION);
    }

    static TestSandbox start(Path directory, Duration retention) throws Exception {
        return new TestSandbox(directory, new FileProcessJournal(directory.resolve("journal")), retention);
    }

    /** Where the output of durable processes is kept. */
    Path outputs() {
        return journal.outputs();
    }

    /** Waits until the journal knows of no process that has not ended. */
    void awaitNoted() throws Exception {
        while (journal.load().stream().anyMatch(entry -> entry.ending() == null)) {
            Thread.sleep(5);
        }
    }

    /** As after a restart of the program: a new envd over the same supervisor. */
    void reopen() throws IOException {
        envd.close();
        envd = open(Processes.RETENTION);
    }

    EnvdSandbox envd() {
        return envd;
    }

    Path home() {
        return directory.resolve("home");
    }

    /** Calls a unary method. */
    MemoryExchange call(String path, String json) throws IOException {
        return send(MemoryExchange.of("POST", path, json.getBytes(StandardCharsets.UTF_8))
                .header("Content-Type", "application/json"));
    }

    MemoryExchange process(String method, String json) throws IOException {
        return call("/process.Process/" + method, json);
    }

    MemoryExchange send(MemoryExchange exchange) throws IOException {
        envd.handle(exchange);
        return exchange;
    }

    /** Opens a stream of the process service; the fields are name, value, name, value. */
    TestStream stream(String method, String json, String... fields) {
        return TestStream.open(envd, "/process.Process/" + method, json, fields);
    }

    /** Starts a command by the shell, without stdin. */
    TestStream run(String command, String... fields) {
        return stream("Start", shell(command, false), fields);
    }

    static String shell(String command, boolean stdin) {
        return "{\"process\":{\"cmd\":\"/bin/bash\",\"args\":[\"-l\",\"-c\"," + quote(command) + "]},\"stdin\":" + stdin
                + "}";
    }

    static String quote(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + '"';
    }

    private EnvdSandbox open(Duration retention) throws IOException {
        EnvdConfig config = new EnvdConfig(
                new SandboxId("itest"), "base", Map.of("GLOBAL", "g", "E2B_SANDBOX", "no"), null, "user", "");
        return EnvdSandbox.open(
                host,
                config,
                new EnvdSandbox.Parts(
                        files,
                        exits -> SupervisorConnection.connect(loop, socket(), exits, TIMEOUT),
                        () -> new SandboxMetrics.Reading(2, System.nanoTime(), 3L << 20, (2L << 20) + 5, 7, 100, 40),
                        journal),
                retention);
    }

    private Path root() {
        return directory.resolve("root");
    }

    private Path socket() {
        return directory.resolve("socket");
    }

    private void prepareRoot() throws IOException {
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        Path etc = Files.createDirectories(root().resolve("etc"));
        Files.createDirectories(home());
        Files.setAttribute(home(), "unix:uid", UID);
        Files.writeString(
                etc.resolve("passwd"),
                "root:x:0:0::/root:/bin/bash\nuser:x:" + UID + ":12346::" + home() + ":/bin/bash\n");
        Files.writeString(etc.resolve("group"), "root:x:0:\nuser:x:12346:\nextra:x:" + GROUP + ":user\n");
    }

    @Override
    public void close() throws Exception {
        envd.close();
        host.close();
        loop.close();
        files.close();
        supervisor.destroyForcibly().waitFor();
    }
}
