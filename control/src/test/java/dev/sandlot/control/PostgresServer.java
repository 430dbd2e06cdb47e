package dev.sandlot.control;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.UserPrincipal;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * A real PostgreSQL from Debian's package on a port of the loopback of its own, with a database for each test. One
 * for all test classes, stopped at the end of the run. It will not run as root, so it runs as {@code nobody} then.
 */
final class PostgresServer implements AutoCloseable {
    private static final Path VERSIONS = Path.of("/usr/lib/postgresql");
    private static final String OWNER = "nobody";
    private static final String PASSWORD = "p@ss/w:rd +%";
    private static final String PASSWORD_ESCAPED = "p%40ss%2Fw%3Ard%20+%25";
    private static final long PATIENCE_SECONDS = 60;

    private final Path programs;
    private final Path directory;
    private final int port;
    private final AtomicInteger databases = new AtomicInteger();

    private PostgresServer(Path programs, Path directory, int port) {
        this.programs = programs;
        this.directory = directory;
        this.port = port;
    }

    /** The server of this run; the test is skipped, and says so, when the package is not installed. */
    static PostgresServer shared(ExtensionContext context) {
        Optional<Path> programs = programs();
        assumeTrue(
                programs.isPresent(),
                "PostgreSQL is not installed below " + VERSIONS + " (apt-get install postgresql)");
        return context.getRoot()
                .getStore(ExtensionContext.Namespace.create(PostgresServer.class))
                .computeIfAbsent(PostgresServer.class, _ -> start(programs.get()), PostgresServer.class);
    }

    private static Optional<Path> programs() {
        if (!Files.isDirectory(VERSIONS)) {
            return Optional.empty();
        }
        try (Stream<Path> versions = Files.list(VERSIONS)) {
            return versions.map(version -> version.resolve("bin"))
                    .filter(bin -> Files.isExecutable(bin.resolve("postgres")))
                    .max(Comparator.comparing(bin ->
                            Integer.parseInt(bin.getParent().getFileName().toString())));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static PostgresServer start(Path programs) {
        try {
            Path directory = Files.createTempDirectory("sandlot-postgres-");
            if (isRoot()) {
                UserPrincipal owner = directory
                        .getFileSystem()
                        .getUserPrincipalLookupService()
                        .lookupPrincipalByName(OWNER);
                Files.setOwner(directory, owner);
            }
            PostgresServer server = new PostgresServer(programs, directory, freePort());
            server.make();
            server.start();
            return server;
        } catch (IOException e) {
            throw new UncheckedIOException("could not make a PostgreSQL server", e);
        }
    }

    private static boolean isRoot() {
        return System.getProperty("user.name").equals("root");
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private void make() throws IOException {
        Path password = Files.writeString(directory.resolve("password"), PASSWORD);
        if (isRoot()) {
            Files.setOwner(password, Files.getOwner(directory));
        }
        run(
                "initdb",
                "--pgdata=" + data(),
                "--username=sandlot",
                "--pwfile=" + password,
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync");
    }

    private Path data() {
        return directory.resolve("data");
    }

    /** Starts the server, or starts it again after {@link #stop}. */
    void start() {
        String options =
                "-c listen_addresses=127.0.0.1 -c port=%d -c unix_socket_directories=%s".formatted(port, directory)
                        + " -c fsync=off -c max_connections=50";
        run(
                "pg_ctl",
                "start",
                "-w",
                "-D",
                data().toString(),
                "-l",
                directory.resolve("log").toString(),
                "-o",
                options);
    }

    /** Stops the server and breaks the connections to it. */
    void stop() {
        run("pg_ctl", "stop", "-w", "-m", "fast", "-D", data().toString());
    }

    private void run(String program, String... arguments) {
        List<String> command = new ArrayList<>();
        if (isRoot()) {
            command.addAll(List.of("setpriv", "--reuid=" + OWNER, "--regid=nogroup", "--clear-groups"));
        }
        command.add(programs.resolve(program).toString());
        command.addAll(List.of(arguments));
        Path output = directory.resolve(program + ".out");
        try {
            Process process = new ProcessBuilder(command)
                    .directory(directory.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile())
                    .start();
            if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
                process.destroyForcibly();
                throw new IllegalStateException(program + " failed: " + Files.readString(output));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while " + program + " ran", e);
        }
    }

    /** Makes an empty database and returns its address. */
    String newDatabase() {
        String name = "test" + databases.incrementAndGet();
        execute(address("postgres"), "CREATE DATABASE " + name);
        return address(name);
    }

    String address(String database) {
        return "postgres://sandlot:" + PASSWORD_ESCAPED + "@127.0.0.1:" + port + "/" + database + "?sslmode=disable";
    }

    static void execute(String address, String statement) {
        try (Connection connection = PostgresAddress.parse(address).dataSource().getConnection()) {
            connection.createStatement().execute(statement);
        } catch (SQLException e) {
            throw new IllegalStateException(statement, e);
        }
    }

    @Override
    public void close() throws IOException {
        stop();
        Files.walkFileTree(directory, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path visited, IOException failure) throws IOException {
                Files.delete(visited);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
