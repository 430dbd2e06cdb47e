package dev.sandlot.app;

import dev.sandlot.linux.ProcFile;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * The process that listens on a TCP port of this network, by the sockets that {@code /proc/net/tcp} lists and the
 * open files of the processes that this user may see. Best effort: another network namespace or user hides it.
 */
final class PortHolder {
    private static final List<Path> TABLES = List.of(Path.of("/proc/net/tcp"), Path.of("/proc/net/tcp6"));
    private static final String LISTEN = "0A";
    private static final int LOCAL_ADDRESS = 1;
    private static final int STATE = 3;
    private static final int INODE = 9;

    private PortHolder() {}

    /** Its number and name, such as {@code process 12 (python3)}. */
    static Optional<String> find(int port) {
        try {
            Set<String> sockets = sockets(port);
            return sockets.isEmpty() ? Optional.empty() : processWithOneOf(sockets);
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static Set<String> sockets(int port) throws IOException {
        String wanted = String.format(Locale.ROOT, ":%04X", port);
        Set<String> sockets = new HashSet<>();
        for (Path table : TABLES) {
            for (String line : ProcFile.lines(table)) {
                String[] fields = line.strip().split("\\s+");
                if (fields.length > INODE && fields[STATE].equals(LISTEN) && fields[LOCAL_ADDRESS].endsWith(wanted)) {
                    sockets.add("socket:[" + fields[INODE] + "]");
                }
            }
        }
        return sockets;
    }

    private static Optional<String> processWithOneOf(Set<String> sockets) throws IOException {
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : processes) {
                if (hasOneOf(process, sockets)) {
                    return Optional.of("process " + process.getFileName() + " ("
                            + ProcFile.read(process.resolve("comm")).strip() + ")");
                }
            }
        }
        return Optional.empty();
    }

    private static boolean hasOneOf(Path process, Set<String> sockets) {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(process.resolve("fd"))) {
            for (Path file : files) {
                if (sockets.contains(Files.readSymbolicLink(file).toString())) {
                    return true;
                }
            }
            return false;
        } catch (IOException e) {
            return false; // it ended just now, or is another user's
        }
    }
}
