package dev.sandlot.envd;

import dev.sandlot.linux.EventLoop;
import dev.sandlot.linux.FileTree;
import dev.sandlot.protocol.Exchange;
import dev.sandlot.supervisor.SupervisorBinary;
import dev.sandlot.supervisor.SupervisorConnection;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/** The classes of envd in this process, over a real supervisor in a pid namespace of its own. */
final class Supervised implements TestEnvd {
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

    private final EnvdConfig config;
    private final ProcessJournal journal;
    private final Duration retention;
    private final Path socket;
    private final Process supervisor;
    private final EventLoop loop;
    private final EnvdHost host;
    private final SandboxFiles files;
    private EnvdSandbox envd;

    Supervised(Path directory, Path root, EnvdConfig config, ProcessJournal journal, Duration retention)
            throws Exception {
        this.config = config;
        this.journal = journal;
        this.retention = retention;
        this.socket = directory.resolve("socket");
        Path program = directory.resolve("supervisor");
        SupervisorBinary.installTo(program);
        supervisor = new ProcessBuilder(
                        "python3",
                        "-c",
                        LISTEN,
                        socket.toString(),
                        "unshare",
                        "--pid",
                        "--mount",
                        "--fork",
                        "--kill-child",
                        "--mount-proc",
                        program.toString())
                .inheritIO()
                .start();
        while (!Files.exists(socket)) {
            if (!supervisor.isAlive()) {
                throw new IOException("supervisor ended");
            }
            Thread.sleep(1);
        }
        loop = EventLoop.start("test-loop");
        host = new EnvdHost(loop);
        files = new SandboxFiles(FileTree.directory(root.toString()), IdRange.SAME);
        envd = open(retention);
    }

    private EnvdSandbox open(Duration kept) throws IOException {
        EnvdSandbox.Parts parts = new EnvdSandbox.Parts(
                files,
                exits -> SupervisorConnection.connect(loop, socket, exits, TIMEOUT),
                InProcessEnvd.figures(),
                journal);
        return EnvdSandbox.open(host, config, parts, kept);
    }

    @Override
    public void handle(Exchange exchange) throws IOException {
        envd.handle(exchange);
    }

    @Override
    public void restart(WhileDown whileDown) throws IOException {
        envd.close();
        whileDown.happen();
        envd = open(retention);
    }

    @Override
    public void close() {
        envd.close();
        host.close();
        loop.close();
        files.close();
        try {
            supervisor.destroyForcibly().waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
