package dev.sandlot.control;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.UUID;

/**
 * A server that has a store, as another one is told of it.
 *
 * @param id of this one run of the server
 * @param since when it took the store, in RFC 3339
 */
record StoreHolder(String id, String host, long pid, String dataDirectory, String since) {
    private static final Path HOST_NAME = Path.of("/proc/sys/kernel/hostname");

    /** This process. */
    static StoreHolder current(Path dataDirectory) {
        return new StoreHolder(
                UUID.randomUUID().toString(),
                hostName(),
                ProcessHandle.current().pid(),
                dataDirectory.toAbsolutePath().toString(),
                Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
    }

    private static String hostName() {
        try {
            return Files.readString(HOST_NAME).strip();
        } catch (IOException e) {
            throw new UncheckedIOException("could not read the name of this machine", e);
        }
    }

    /** Whether both have the same data directory, which one server has at a time. */
    boolean isAtSamePlace(StoreHolder other) {
        return host.equals(other.host) && dataDirectory.equals(other.dataDirectory);
    }

    String text() {
        return "process " + pid + " on " + host + ", data directory " + dataDirectory + ", since " + since;
    }
}
