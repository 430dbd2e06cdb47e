package dev.sandlot.app;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Whether the next start of the server finds its classes ready-made. */
final class StartCacheCheckup implements Doctor.Checkup {
    private static final String NAME = "start cache";

    @Override
    public List<Finding> required() {
        return List.of();
    }

    @Override
    public List<Finding> further(boolean isRoot) {
        return StartCache.file().map(path -> List.of(look(path))).orElse(List.of());
    }

    private static Finding look(Path path) {
        try {
            return Files.exists(path)
                    ? Finding.ok(NAME, (Files.size(path) >> 20) + " MiB at " + path)
                    : Finding.note(NAME, "none yet: a server makes it some seconds after it began to serve");
        } catch (IOException e) {
            return Finding.note(NAME, "cannot be read: " + e.getMessage());
        }
    }
}
