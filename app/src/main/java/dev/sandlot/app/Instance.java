package dev.sandlot.app;

import dev.sandlot.linux.OwnerOnly;
import java.io.IOException;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * The files by which commands find the server of a data directory.
 *
 * <p>{@code <run dir>/server.lock} is locked for as long as a server lives or starts; {@code server.json} there says
 * which process serves and where, and is trusted only while that very process lives; {@code end-sandboxes} there
 * names the process that was asked to take its sandboxes along. {@code <data dir>/access.json} is what clients need
 * and outlives the server.
 */
final class Instance {
    private static final JsonMapper JSON = new JsonMapper();

    private final Path dataDir;
    private final Path runDir;

    Instance(Settings settings) {
        this.dataDir = settings.dataDir();
        this.runDir = settings.runDir();
    }

    /** A server that was seen to serve. */
    record Serving(ProcessIdentity process, String version, URI api, URI traffic, URI debug) {
        RunningServer.Addresses addresses() {
            return new RunningServer.Addresses(api, traffic, debug);
        }
    }

    /** What a client needs. */
    record Access(String apiKey, URI apiUrl, URI sandboxUrl) {}

    /** The right to be the server of the data directory, until closed or until the process ends. */
    record Claim(FileChannel channel, FileLock lock) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            channel.close();
        }
    }

    /**
     * Makes both directories, if they are not there yet, and narrows them: the data is the server's alone, through the
     * run directory sandboxes are started.
     */
    void createDirectories() throws IOException {
        new OwnedDirectory(dataDir).own("rwx------");
        new OwnedDirectory(runDir).own("rwx--x--x");
    }

    /** Claims the data directory, unless a server has it. */
    Optional<Claim> claim() throws IOException {
        createDirectories();
        FileChannel channel = FileChannel.open(OwnerOnly.file(runDir.resolve("server.lock")), StandardOpenOption.WRITE);
        FileLock lock = tryLock(channel);
        if (lock == null) {
            channel.close();
            return Optional.empty();
        }
        Files.deleteIfExists(runDir.resolve("server.json"));
        Files.deleteIfExists(runDir.resolve("end-sandboxes"));
        return Optional.of(new Claim(channel, lock));
    }

    /** Whether a server has the data directory, serving or not yet. */
    boolean isClaimed() throws IOException {
        Path file = runDir.resolve("server.lock");
        if (!Files.exists(file)) {
            return false;
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            return tryLock(channel) == null;
        }
    }

    /** The server that serves now. */
    Optional<Serving> serving() throws IOException {
        return read(runDir.resolve("server.json"), Serving.class)
                .filter(found -> found.process().isAlive());
    }

    /** Makes known that this process serves. */
    void announce(RunningServer server, String version) throws IOException {
        RunningServer.Addresses at = server.addresses();
        write(dataDir.resolve("access.json"), new Access(server.apiKey(), at.api(), at.api()));
        write(
                runDir.resolve("server.json"),
                new Serving(ProcessIdentity.current(), version, at.api(), at.traffic(), at.debug()));
    }

    /** Takes back what {@link #announce} said about this process. */
    void withdraw() throws IOException {
        Files.deleteIfExists(runDir.resolve("server.json"));
    }

    /** What clients need, when a server was ever set up here. */
    Optional<Access> access() throws IOException {
        return read(dataDir.resolve("access.json"), Access.class);
    }

    /** Asks a server to end its sandboxes when it is told to stop. */
    void requestEndOfSandboxes(ProcessIdentity process) throws IOException {
        write(runDir.resolve("end-sandboxes"), process);
    }

    /** Whether this process was asked to end its sandboxes. */
    boolean endOfSandboxesRequested() throws IOException {
        return read(runDir.resolve("end-sandboxes"), ProcessIdentity.class)
                .filter(ProcessIdentity.current()::equals)
                .isPresent();
    }

    /** Where a detached server writes. */
    Path logFile() {
        return dataDir.resolve("server.log");
    }

    private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            return null;
        }
    }

    private static <T> Optional<T> read(Path file, Class<T> type) throws IOException {
        try {
            return Optional.of(JSON.readValue(Files.readAllBytes(file), type));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (JacksonException e) {
            throw new IOException(file + " is not what this program writes: " + e.getOriginalMessage(), e);
        }
    }

    private static void write(Path file, Object value) throws IOException {
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        Files.deleteIfExists(fresh);
        Files.createFile(fresh, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.write(fresh, JSON.writeValueAsBytes(value));
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}
