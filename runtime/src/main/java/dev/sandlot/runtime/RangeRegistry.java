package dev.sandlot.runtime;

import dev.sandlot.linux.FileLease;
import dev.sandlot.linux.ProcFile;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * Where all Sandlots of a machine write down which addresses and users they have, so that no two have the same. One
 * file for each; changed only by the process that has the directory locked. A file whose data directory is gone
 * counts for nothing.
 */
public final class RangeRegistry {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final String ENDING = ".json";
    private static final Path ROUTES = Path.of("/proc/net/route");

    private final Path directory;

    public RangeRegistry(Path directory) {
        this.directory = directory;
    }

    /** The one of this machine, emptied by a reboot like all it speaks of. */
    public static RangeRegistry ofMachine() {
        return new RangeRegistry(Path.of("/run/sandlot-ranges"));
    }

    /** What the Sandlot over a data directory has. */
    public Optional<Ranges> of(Path data) throws IOException {
        Optional<Ranges> found = read(file(data));
        if (found.isPresent() && !found.get().isOwnedBy(data)) {
            throw new IOException("the Sandlots over " + data + " and "
                    + found.get().owner() + " would have the same names on this machine; move one of them");
        }
        return found;
    }

    /**
     * Takes ranges for the Sandlot over a data directory, those it has if they are as wanted.
     *
     * @param wanted the addresses; null for any that are free
     * @param inUse whether sandboxes run, so that nothing can change
     * @throws IOException when they are in use, by whom, or when sandboxes run in others
     */
    public Ranges claim(Path data, @Nullable AddressPlan wanted, int slots, boolean inUse) throws IOException {
        Files.createDirectories(directory);
        try (FileLease _ = lock()) {
            Ranges before = of(data).orElse(null);
            if (before != null && inUse) {
                return unchanged(before, wanted, slots);
            }
            Ranges chosen = new RangeChoice(others(data), routes(data)).choose(data.toString(), wanted, slots, before);
            write(file(data), chosen);
            return chosen;
        }
    }

    /** Gives back what the Sandlot over a data directory has. */
    public void release(Path data) throws IOException {
        if (!Files.exists(directory)) {
            return;
        }
        try (FileLease _ = lock()) {
            Files.deleteIfExists(file(data));
            Files.deleteIfExists(directory);
        } catch (DirectoryNotEmptyException e) {
            return; // others have theirs here
        }
    }

    private static Ranges unchanged(Ranges now, @Nullable AddressPlan wanted, int slots) throws IOException {
        if ((wanted != null && !wanted.equals(now.addresses())) || slots != now.slots()) {
            throw new IOException("sandboxes run in " + now.cidr() + " with room for " + now.slots()
                    + "; end them before another range or number is used");
        }
        return now;
    }

    private List<Ranges> others(Path data) throws IOException {
        List<Ranges> others = new ArrayList<>();
        Set<String> names = Journal.names(directory);
        names.removeIf(name -> name.startsWith("."));
        for (String name : names) {
            read(directory.resolve(name))
                    .filter(found -> !found.isOwnedBy(data) && Files.exists(Path.of(found.owner())))
                    .ifPresent(others::add);
        }
        return others;
    }

    private static List<HostRoute> routes(Path data) throws IOException {
        String own = RuntimeConfig.linkPrefix(data);
        return HostRoute.parse(ProcFile.lines(ROUTES)).stream()
                .filter(route -> !route.link().startsWith(own))
                .toList();
    }

    private FileLease lock() throws IOException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (System.nanoTime() < deadline) {
            Optional<FileLease> lease = FileLease.tryTake(directory);
            if (lease.isPresent()) {
                return lease.get();
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
        }
        throw new IOException(directory + " stays locked by another process");
    }

    private Path file(Path data) {
        return directory.resolve(RuntimeConfig.instanceOf(data) + ENDING);
    }

    private static Optional<Ranges> read(Path file) throws IOException {
        try {
            return Optional.of(JSON.readValue(Files.readAllBytes(file), Ranges.class));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (JacksonException e) {
            throw new IOException(file + " is not what this program writes: " + e.getOriginalMessage(), e);
        }
    }

    private static void write(Path file, Ranges ranges) throws IOException {
        Path draft = file.resolveSibling("." + file.getFileName());
        Files.write(draft, JSON.writeValueAsBytes(ranges));
        Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}
