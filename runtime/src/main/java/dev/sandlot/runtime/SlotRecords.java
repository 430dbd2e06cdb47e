package dev.sandlot.runtime;

import dev.sandlot.linux.OwnerOnly;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The numbers of the slots that exist, as empty files in the run directory, so that others can tell an idle slot from
 * one that was forgotten. A record is written before its slot is made and removed after it is unmade. Idle slots end
 * with the process that holds them, so the next one begins with those that sandboxes have.
 */
final class SlotRecords {
    private final Path directory;

    SlotRecords(Path directory) {
        this.directory = directory;
    }

    /** Starts anew with the slots that running sandboxes have. */
    void begin(Collection<Integer> used) throws IOException {
        OwnerOnly.directory(directory);
        for (int number : numbers()) {
            if (!used.contains(number)) {
                remove(number);
            }
        }
        for (int number : used) {
            add(number);
        }
    }

    void add(int number) throws IOException {
        OwnerOnly.file(file(number));
    }

    void remove(int number) throws IOException {
        Files.deleteIfExists(file(number));
    }

    Set<Integer> numbers() throws IOException {
        return Journal.names(directory).stream().map(Integer::valueOf).collect(Collectors.toSet());
    }

    private Path file(int number) {
        return directory.resolve(Integer.toString(number));
    }
}
