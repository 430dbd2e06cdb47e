package dev.sandlot.app;

import dev.sandlot.control.Store;
import dev.sandlot.control.StoreLocation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.jspecify.annotations.Nullable;

/**
 * The file by which a data directory remembers its store: the ID that was made in it, or that it was in memory and is
 * gone.
 */
record StoreMark(Path path) {
    private static final String MEMORY = "memory";

    /** The store's ID; null when there is none to keep to. */
    @Nullable String read() throws IOException {
        if (!Files.exists(path)) {
            return null;
        }
        String found = Files.readString(path).strip();
        return found.isEmpty() || found.equals(MEMORY) ? null : found;
    }

    /** Remembers the store. */
    void write(StoreLocation location, Store store) throws IOException {
        String mark = location instanceof StoreLocation.Memory ? MEMORY : store.id();
        if (Files.exists(path) && Files.readString(path).strip().equals(mark)) {
            return;
        }
        Path fresh = path.resolveSibling(path.getFileName() + ".new");
        Files.writeString(fresh, mark + "\n");
        Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}
