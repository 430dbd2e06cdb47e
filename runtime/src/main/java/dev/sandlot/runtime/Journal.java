package dev.sandlot.runtime;

import dev.sandlot.linux.OwnerOnly;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * What was asked for, one directory for each sandbox, written before anything is done about it. It survives this
 * process, not the machine, so it is not forced to the disk.
 */
final class Journal {
    private static final Logger LOG = LoggerFactory.getLogger(Journal.class);
    private static final String FILE = "spec.json";
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final FileAttribute<?> OWNER_ONLY =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

    /** A sandbox, the slot it was given, and when. */
    record Entry(RuntimeSpec spec, int slot, Instant startedAt) {}

    /** The same as it is written down. */
    private record Line(
            String id,
            String templateId,
            List<String> layers,
            double cpuCount,
            int memoryMb,
            int pidsMax,
            String hostname,
            boolean allowInternet,
            Map<String, String> labels,
            int slot,
            long startedAtMillis) {
        static Line of(Entry entry) {
            RuntimeSpec spec = entry.spec();
            return new Line(
                    spec.id(),
                    spec.templateId(),
                    spec.layers().stream().map(Path::toString).toList(),
                    spec.cpuCount(),
                    spec.memoryMb(),
                    spec.pidsMax(),
                    spec.hostname(),
                    spec.allowInternet(),
                    spec.labels(),
                    entry.slot(),
                    entry.startedAt().toEpochMilli());
        }

        Entry entry() {
            List<Path> paths = layers.stream().map(Path::of).toList();
            RuntimeSpec spec = new RuntimeSpec(
                    id, templateId, paths, cpuCount, memoryMb, pidsMax, hostname, allowInternet, labels);
            return new Entry(spec, slot, Instant.ofEpochMilli(startedAtMillis));
        }
    }

    private final Path directory;

    Journal(Path directory) {
        this.directory = directory;
    }

    Path directory(String id) {
        return directory.resolve(id);
    }

    /** Where a sandbox's changed files are. */
    Path upper(String id) {
        return directory(id).resolve("upper");
    }

    /**
     * Makes the directory of a sandbox with its entry.
     *
     * @throws java.nio.file.FileAlreadyExistsException when there is one of that ID
     */
    void write(Entry entry) throws IOException {
        Path own = directory(entry.spec().id());
        Files.createDirectory(own, OWNER_ONLY);
        Path draft = own.resolve(FILE + ".new");
        OwnerOnly.write(draft, JSON.writeValueAsBytes(Line.of(entry)));
        Files.move(draft, own.resolve(FILE), StandardCopyOption.ATOMIC_MOVE);
    }

    /** The entry of a sandbox; none when it was cut off before it was whole. */
    Optional<Entry> read(String id) throws IOException {
        try {
            return Optional.of(JSON.readValue(Files.readAllBytes(directory(id).resolve(FILE)), Line.class)
                    .entry());
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (JacksonException | IllegalArgumentException e) {
            LOG.warn("journal entry of sandbox {} is unreadable", id, e);
            return Optional.empty();
        }
    }

    Set<String> ids() throws IOException {
        return names(directory);
    }

    static Set<String> names(Path directory) throws IOException {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.map(p -> p.getFileName().toString()).collect(Collectors.toCollection(TreeSet::new));
        } catch (NoSuchFileException e) {
            return new TreeSet<>();
        }
    }
}
