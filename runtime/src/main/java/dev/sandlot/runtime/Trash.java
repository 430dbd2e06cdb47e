package dev.sandlot.runtime;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
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
        Files.createDirectories(directory);
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
                remove(tree);
            } catch (IOException e) {
                LOG.warn("could not remove {}; it is tried again at the next start", tree, e);
            } finally {
                pending.remove(name);
            }
        });
    }

    /** Removes a tree without following links; one that is not there is fine. */
    static void remove(Path tree) throws IOException {
        if (Files.notExists(tree, java.nio.file.LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        Files.walkFileTree(tree, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path dir, @Nullable IOException failure) throws IOException {
                if (failure != null) {
                    throw failure;
                }
                Files.delete(dir);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
