package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** A real Redis from Debian's package on a port of the loopback of its own, which keeps nothing. */
final class RedisServer implements AutoCloseable {
    private static final Path PROGRAM = Path.of("/usr/bin/redis-server");
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(20);

    private final Process process;
    private final int port;

    private RedisServer(Process process, int port) {
        this.process = process;
        this.port = port;
    }

    /** The test is skipped, and says so, when the package is not installed. */
    static RedisServer start() throws Exception {
        assumeTrue(Files.isExecutable(PROGRAM), "Redis is not installed (apt-get install redis-server)");
        return start(freePort());
    }

    static RedisServer start(int port) throws Exception {
        String[] command = {
            PROGRAM.toString(), "--bind", "127.0.0.1", "--port", Integer.toString(port), "--save", "", "--dir", "/tmp"
        };
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        RedisServer server = new RedisServer(process, port);
        long patience = System.nanoTime() + PATIENCE_NANOS;
        while (!server.answers()) {
            if (!process.isAlive() || System.nanoTime() > patience) {
                server.close();
                throw new IllegalStateException("Redis does not answer on port " + port);
            }
            Thread.sleep(20);
        }
        return server;
    }

    static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private boolean answers() {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1000);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    int port() {
        return port;
    }

    RedisAddress address() {
        return new RedisAddress("redis://127.0.0.1:" + port);
    }

    /** Stops it in its tracks, or lets it go on. */
    void freeze(boolean frozen) throws Exception {
        String signal = frozen ? "-STOP" : "-CONT";
        assertThat(new ProcessBuilder("kill", signal, Long.toString(process.pid()))
                        .start()
                        .waitFor())
                .isZero();
    }

    @Override
    public void close() {
        process.destroyForcibly().onExit().join();
    }
}
