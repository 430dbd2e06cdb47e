package dev.sandlot.runtime;

import dev.sandlot.linux.OwnerOnly;
import dev.sandlot.linux.TreeRemoval;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Removes directory trees: at once for the caller, in the background for the disk. */
final class Trash implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Trash.class);

    private final Path directory;
    private final Set<String> pending = ConcurrentHashMap.newKeySet();
    private final AtomicLong sequence = new AtomicLong(System.nanoTime());
    private final ExecutorService remover = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().daemon().name("trash").factory());

    Trash(Path directory) throws IOException {
        this.directory = directory;
        OwnerOnly.directory(directory);
        for (String left : Journal.names(directory)) {
            removeLater(directory.resolve(left));
        }
    }

    /** Takes a tree away; one that is not there is fine. Same file system only. */
    void discard(Path tree) throws IOException {
        Path target = directory.resolve(Long.toString(sequence.getAndIncrement()));
        try {
            Files.move(tree, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (NoSuchFileException e) {
            return;
        }
        removeLater(target);
    }

    /** Trees that are here and that nobody is removing. */
    Set<String> forgotten() throws IOException {
        Set<String> names = Journal.names(directory);
        names.removeIf(name -> pending.contains(name) || Files.notExists(directory.resolve(name)));
        return names;
    }

    /** Waits until the disk is free of what was discarded. */
    @Override
    public void close() {
        remover.close();
    }

    private void removeLater(Path tree) {
        String name = tree.getFileName().toString();
        pending.add(name);
        remover.execute(() -> {
            try {
                TreeRemoval.remove(tree);
            } catch (IOException e) {
                LOG.warn("could not remove {}; it is tried again at the next start", tree, e);
            } finally {
                pending.remove(name);
            }
        });
    }
}
