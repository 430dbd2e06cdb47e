package dev.sandlot.app;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;

/**
 * Reads files of {@code /proc} whole. Those below {@code /proc/sys} answer only the first read of an open file, and
 * {@link Files#readString} makes that first read one byte long because their size is told as 0; so the first read
 * here is a large one.
 */
final class ProcFile {
    private ProcFile() {}

    static String read(Path path) throws IOException {
        try (BufferedReader reader = Files.newBufferedReader(path)) {
            return reader.lines().collect(Collectors.joining("\n"));
        }
    }
}
