package dev.sandlot.app;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Which commands start, stop or remove the server of a data directory now: a file for each in {@code commands} of the
 * run directory, believed only while its process lives. {@code up} is there until it serves.
 */
final class ActiveCommands {
    /** Starts a server in its own process. */
    static final String UP = "up";

    /** Waits for a server that it started in the background. */
    static final String UP_DETACHED = "up --detach";

    static final String DOWN = "down";
    static final String PURGE = "purge";

    /** The directory's name in the run directory. */
    static final String DIRECTORY = "commands";

    private static final String SUFFIX = ".json";

    private final Path runDir;

    ActiveCommands(Path runDir) {
        this.runDir = runDir;
    }

    /** A command at work. */
    record Active(String command, ProcessIdentity process) {
        @Override
        public String toString() {
            return "`sandlot " + command + "` (process " + process.pid() + ")";
        }
    }

    /** This process's own word that it is at work, until closed. */
    record Entry(JsonFile file) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            file.delete();
        }
    }

    /** Makes known that this process is at work; the run directory must be there. */
    Entry enter(String command) throws IOException {
        Path directory = Files.createDirectories(directory());
        removeEnded();
        ProcessIdentity own = ProcessIdentity.current();
        JsonFile file = new JsonFile(directory.resolve(own.pid() + SUFFIX));
        file.write(new Active(command, own));
        return new Entry(file);
    }

    /** The commands of other processes. */
    List<Active> others() throws IOException {
        List<Active> found = new ArrayList<>();
        for (JsonFile file : files()) {
            file.read(Active.class).filter(ActiveCommands::isOther).ifPresent(found::add);
        }
        return found;
    }

    /** Those of other processes that are this command. */
    List<Active> others(String command) throws IOException {
        return others().stream()
                .filter(active -> active.command().equals(command))
                .toList();
    }

    /** @throws CommandException while another process removes the data directory */
    void refuseWhilePurged() throws IOException {
        Optional<Active> purge = others(PURGE).stream().findFirst();
        if (purge.isPresent()) {
            throw new CommandException(
                    ExitCode.FAILED,
                    purge.get() + " is removing this data directory; nothing was started. Try again when it has ended");
        }
    }

    /** Killed commands leave their files. */
    private void removeEnded() throws IOException {
        for (JsonFile file : files()) {
            Optional<Active> found = file.read(Active.class);
            if (found.isPresent() && !found.get().process().isAlive()) {
                file.delete();
            }
        }
    }

    private List<JsonFile> files() throws IOException {
        List<JsonFile> found = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory(), "*" + SUFFIX)) {
            files.forEach(file -> found.add(new JsonFile(file)));
        } catch (NoSuchFileException e) {
            return List.of();
        }
        return found;
    }

    private static boolean isOther(Active active) {
        return active.process().isAlive() && !active.process().equals(ProcessIdentity.current());
    }

    private Path directory() {
        return runDir.resolve(DIRECTORY);
    }
}
