package dev.sandlot.envd;

import dev.sandlot.protocol.MemoryExchange;
import dev.sandlot.protocol.SandboxId;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * An envd with processes: over a supervisor in a pid namespace of its own and the machine's files, or a guest that has
 * the directory under the same name ({@link TestEnvd}).
 */
final class TestSandbox implements AutoCloseable {
    static final int UID = 12345;
    static final int GROUP = 12347;

    private final Path directory;
    private final ProcessJournal journal;
    private final TestEnvd envd;

    private TestSandbox(Path directory, ProcessJournal journal, Duration retention) throws Exception {
        this.directory = directory;
        this.journal = journal;
        prepareRoot();
        EnvdConfig config = new EnvdConfig(
                new SandboxId("itest"), "base", Map.of("GLOBAL", "g", "E2B_SANDBOX", "no"), null, "user", "");
        envd = TestEnvd.IN_GUEST
                ? GuestProgram.start(root(), config, List.of(directory))
                : new Supervised(directory, root(), config, journal, retention);
    }

    static TestSandbox start(Path directory) throws Exception {
        return start(directory, Processes.RETENTION);
    }

    /** A guest keeps ends for its own time. */
    static TestSandbox start(Path directory, Duration retention) throws Exception {
        return new TestSandbox(directory, new FileProcessJournal(directory.resolve("journal")), retention);
    }

    /** Where the output of durable processes is kept; not of a guest. */
    Path outputs() {
        return journal.outputs().orElseThrow();
    }

    /** Waits until the journal knows of no process that has not ended; not of a guest. */
    void awaitNoted() throws Exception {
        while (journal.load().stream().anyMatch(entry -> entry.ending() == null)) {
            Thread.sleep(5);
        }
    }

    /** As after a restart of the program: a new envd over the same supervisor. */
    void reopen() throws IOException {
        envd.restart();
    }

    /** @param whileDown done when the old one has ended and before the new one serves */
    void reopen(TestEnvd.WhileDown whileDown) throws IOException {
        envd.restart(whileDown);
    }

    /** Ends the envd alone. */
    void closeEnvd() {
        envd.close();
    }

    Path home() {
        return directory.resolve("home");
    }

    /** Calls a unary method. */
    MemoryExchange call(String path, String json) {
        return send(MemoryExchange.of("POST", path, json.getBytes(StandardCharsets.UTF_8))
                .header("Content-Type", "application/json"));
    }

    MemoryExchange process(String method, String json) {
        return call("/process.Process/" + method, json);
    }

    /** Has an exchange answered; one that the envd gives up is cut, as a server does it. */
    MemoryExchange send(MemoryExchange exchange) {
        try {
            envd.handle(exchange);
        } catch (IOException e) {
            exchange.abort();
        }
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

    private Path root() {
        return directory.resolve("root");
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
    public void close() {
        envd.close();
    }
}
