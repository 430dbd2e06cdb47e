package dev.sandlot.linux;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Reads files of {@code /proc} and {@code /sys} whole. Those below {@code /proc/sys} answer only the first read of an
 * open file, and {@link Files#readString} makes that first read one byte long because their size is told as 0; so the
 * first read here is a large one.
 */
public final class ProcFile {
    private ProcFile() {}

    /** The text of a file, without the end of its last line. */
    public static String read(Path path) throws IOException {
        return String.join("\n", lines(path));
    }

    /** The lines of a file. */
    public static List<String> lines(Path path) throws IOException {
        try (BufferedReader reader = Files.newBufferedReader(path)) {
            return reader.lines().toList();
        } catch (java.io.UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /** The number that a file consists of. */
    public static long number(Path path) throws IOException {
        return Long.parseLong(read(path).strip());
    }
}
