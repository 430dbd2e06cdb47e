package dev.sandlot.images;

import dev.sandlot.linux.Mounts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A directory of the pool that may become a layer. Closing it throws it away, unless {@link LayerStore#commit} made
 * a layer of it.
 */
public final class StagedTree implements AutoCloseable {
    private final Path home;

    StagedTree(Path home) {
        this.home = home;
    }

    /** Where the tree is to be made; exists and is empty at first. */
    public Path path() {
        return home.resolve(LayerStore.TREE);
    }

    Path home() {
        return home;
    }

    @Override
    public void close() throws IOException {
        if (Files.exists(home)) {
            Mounts.detachBelow(home);
            LayerStore.throwAway(home);
        }
    }
}
