package dev.sandlot.app;

import dev.sandlot.linux.OwnerOnly;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The files by which commands find the server of a data directory.
 *
 * <p>{@code <run dir>/server.lock} is locked for as long as a server lives or starts; {@code server.json} there says
 * which process serves and where, and is trusted only while that very process lives; {@code end-sandboxes} there
 * names the process that was asked to take its sandboxes along; {@link ActiveCommands} are there too. What lies in the
 * data directory is made under the lock alone. {@code <data dir>/access.json} is what clients need
 * and outlives the server.
 */
final class Instance {
    /** Its file in the run directory. */
    static final String LOCK = "server.lock";

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

    /**
     * What a client needs.
     *
     * @param sandboxDomain see {@link RunningServer#sandboxDomain()}; null when an older version wrote this
     */
    record Access(
            String apiKey,
            URI apiUrl,
            URI sandboxUrl,
            @Nullable String sandboxDomain) {}

    /** The right to be the server of the data directory, until closed or until the process ends. */
    record Claim(FileChannel channel, FileLock lock) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            channel.close();
        }
    }

    /** Makes both directories, if they are not there yet, and narrows them. */
    void createDirectories() throws IOException {
        createDataDirectory();
        createRunDirectory();
    }

    /** Claims the data directory, unless a server has it or another command is at work on it. */
    Optional<Claim> claim() throws IOException {
        if (isClaimed()) {
            return Optional.empty();
        }
        createRunDirectory();
        FileChannel channel = FileChannel.open(OwnerOnly.file(lockFile()), StandardOpenOption.WRITE);
        Optional<Object> opened = lockFileKey();
        FileLock lock = tryLock(channel);
        if (lock == null || opened.isEmpty() || !opened.equals(lockFileKey())) {
            channel.close();
            return Optional.empty();
        }
        createDataDirectory();
        Files.deleteIfExists(runDir.resolve("server.json"));
        Files.deleteIfExists(runDir.resolve("end-sandboxes"));
        return Optional.of(new Claim(channel, lock));
    }

    /** Whether a server has the data directory, serving or not yet. */
    boolean isClaimed() throws IOException {
        try (FileChannel channel = FileChannel.open(lockFile(), StandardOpenOption.WRITE)) {
            return tryLock(channel) == null;
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    /** The server that serves now. */
    Optional<Serving> serving() throws IOException {
        return new JsonFile(runDir.resolve("server.json"))
                .read(Serving.class)
                .filter(found -> found.process().isAlive());
    }

    /** Makes known that this process serves. What stands there already is not written again: there may be no room. */
    void announce(RunningServer server, String version) throws IOException {
        RunningServer.Addresses at = server.addresses();
        Access access = new Access(server.apiKey(), at.api(), at.api(), server.sandboxDomain());
        if (access().filter(access::equals).isEmpty()) {
            new JsonFile(dataDir.resolve("access.json")).write(access);
        }
        new JsonFile(runDir.resolve("server.json"))
                .write(new Serving(ProcessIdentity.current(), version, at.api(), at.traffic(), at.debug()));
    }

    /** Takes back what {@link #announce} said about this process. */
    void withdraw() throws IOException {
        Files.deleteIfExists(runDir.resolve("server.json"));
    }

    /** What clients need, when a server was ever set up here. */
    Optional<Access> access() throws IOException {
        return new JsonFile(dataDir.resolve("access.json")).read(Access.class);
    }

    /** Asks a server to end its sandboxes when it is told to stop. */
    void requestEndOfSandboxes(ProcessIdentity process) throws IOException {
        new JsonFile(runDir.resolve("end-sandboxes")).write(process);
    }

    /** Whether this process was asked to end its sandboxes. */
    boolean endOfSandboxesRequested() throws IOException {
        return new JsonFile(runDir.resolve("end-sandboxes"))
                .read(ProcessIdentity.class)
                .filter(ProcessIdentity.current()::equals)
                .isPresent();
    }

    /** Where a detached server writes. */
    Path logFile() {
        return dataDir.resolve("server.log");
    }

    /** Where commands say that they are at work. */
    ActiveCommands activeCommands() {
        return new ActiveCommands(runDir);
    }

    /** Why a claim cannot be had. */
    CommandException busy() {
        try {
            List<ActiveCommands.Active> others = activeCommands().others();
            String who =
                    others.isEmpty() ? "another process" : others.getFirst().toString();
            return new CommandException(
                    ExitCode.FAILED, who + " is at work on " + dataDir + "; try again when it has ended");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void createDataDirectory() throws IOException {
        new OwnedDirectory(dataDir).own("rwx------");
    }

    /** Makes the run directory, if it is not there yet; through it sandboxes are started. */
    void createRunDirectory() throws IOException {
        new OwnedDirectory(runDir).own("rwx--x--x");
    }

    private Path lockFile() {
        return runDir.resolve(LOCK);
    }

    /** Which file lies there: a purge may have removed the one that was opened. */
    private Optional<Object> lockFileKey() throws IOException {
        try {
            return Optional.of(
                    Files.readAttributes(lockFile(), BasicFileAttributes.class).fileKey());
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            return null;
        }
    }
}
