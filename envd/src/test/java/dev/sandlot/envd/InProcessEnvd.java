package dev.sandlot.envd;

import dev.sandlot.linux.EventLoop;
import dev.sandlot.linux.FileTree;
import dev.sandlot.protocol.Exchange;
import dev.sandlot.supervisor.Supervisor;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** The classes of envd in this process, over a directory, without processes and with made-up figures. */
final class InProcessEnvd implements TestEnvd {
    private final EnvdConfig config;
    private final EventLoop loop;
    private final EnvdHost host;
    private final SandboxFiles files;
    private EnvdSandbox envd;

    InProcessEnvd(Path root, EnvdConfig config) throws IOException {
        this(root, config, FileCalls.PATIENCE);
    }

    InProcessEnvd(Path root, EnvdConfig config, Duration filePatience) throws IOException {
        this.config = config;
        loop = EventLoop.start("test-loop");
        host = new EnvdHost(loop, filePatience);
        files = new SandboxFiles(FileTree.directory(root.toString()), IdRange.SAME);
        envd = open();
    }

    @Override
    public void handle(Exchange exchange) throws IOException {
        envd.handle(exchange);
    }

    @Override
    public void restart(WhileDown whileDown) throws IOException {
        envd.close();
        whileDown.happen();
        envd = open();
    }

    private EnvdSandbox open() throws IOException {
        EnvdSandbox.Parts parts =
                new EnvdSandbox.Parts(files, exits -> new NoProcesses(), figures(), ProcessJournal.none());
        return EnvdSandbox.open(host, config, parts);
    }

    static SandboxMetrics figures() {
        return () -> new SandboxMetrics.Reading(2, System.nanoTime(), 3L << 20, (2L << 20) + 5, 7, 100, 40);
    }

    @Override
    public void close() {
        envd.close();
        host.close();
        loop.close();
        files.close();
    }

    private static final class NoProcesses implements Supervisor {
        @Override
        public Spawned spawn(SpawnRequest request) throws IOException {
            throw new IOException("no processes here");
        }

        @Override
        public void signal(int pid, int signal) throws IOException {
            throw new IOException("no processes here");
        }

        @Override
        public List<Child> list() {
            return List.of();
        }

        @Override
        public Ends attach(int pid) throws IOException {
            throw new IOException("no processes here");
        }

        @Override
        public void closeInput(int pid) {}

        @Override
        public void release(int pid) {}

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void onClose(Runnable action) {}

        @Override
        public void close() {}
    }
}
