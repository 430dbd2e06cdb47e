package dev.sandlot.linux;

import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/** The files that control groups consist of. */
final class CgroupFiles {
    private static final int REMOVE_ATTEMPTS = 1000;
    private static final long REMOVE_PAUSE_NANOS = 2_000_000;

    private CgroupFiles() {}

    static void write(Path file, String value) throws IOException {
        Files.writeString(file, value, java.nio.file.StandardOpenOption.WRITE);
    }

    static String read(Path file) throws IOException {
        return ProcFile.read(file).strip();
    }

    static List<Integer> numbers(Path file) throws IOException {
        try {
            return ProcFile.lines(file).stream().map(Integer::valueOf).toList();
        } catch (NoSuchFileException e) {
            return List.of();
        }
    }

    /** The value after a key in a file of {@code key value} lines; 0 when the key is not there. */
    static long value(Path file, String key) throws IOException {
        for (String line : ProcFile.lines(file)) {
            if (line.startsWith(key + " ")) {
                return Long.parseLong(line.substring(key.length() + 1).strip());
            }
        }
        return 0;
    }

    static Set<String> children(Path directory) throws IOException {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.filter(Files::isDirectory)
                    .map(p -> p.getFileName().toString())
                    .collect(java.util.stream.Collectors.toCollection(TreeSet::new));
        } catch (NoSuchFileException e) {
            return Set.of();
        }
    }

    /** Ended processes stay counted until the kernel has taken them apart, and v1 tells nobody when: so we ask. */
    static void remove(Path directory) throws IOException {
        for (int attempt = 0; ; attempt++) {
            try {
                Files.deleteIfExists(directory);
                return;
            } catch (DirectoryNotEmptyException e) {
                throw e;
            } catch (IOException e) {
                if (attempt == REMOVE_ATTEMPTS) {
                    throw e;
                }
                LockSupport.parkNanos(REMOVE_PAUSE_NANOS);
            }
        }
    }
}
