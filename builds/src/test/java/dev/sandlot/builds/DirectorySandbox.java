package dev.sandlot.builds;

import dev.sandlot.envd.IdRange;
import dev.sandlot.envd.SandboxFiles;
import dev.sandlot.images.LayerRecord;
import dev.sandlot.linux.FileTree;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** A sandbox of files alone: a directory of this machine whose users have numbers of their own. */
final class DirectorySandbox implements WorkSandbox {
    static final int UID_BASE = 1_200_000;

    final Path root;
    private final SandboxFiles files;

    DirectorySandbox(Path root) throws IOException {
        this.root = Files.createDirectories(root);
        Files.createDirectories(root.resolve("etc"));
        Files.writeString(root.resolve("etc/passwd"), """
                root:x:0:0::/root:/bin/sh
                user:x:1000:1000::/home/user:/bin/bash
                nobody:x:65534:65534::/:/bin/false
                other:x:1001:100::/home/other:/bin/bash
                """);
        Files.writeString(root.resolve("etc/group"), """
                root:x:0:
                users:x:100:
                user:x:1000:
                staff:x:50:user
                """);
        files = new SandboxFiles(FileTree.directory(root.toString()), new IdRange(UID_BASE, 65536));
    }

    @Override
    public Ended run(Command command, Lines lines) {
        throw new UnsupportedOperationException("nothing runs in a directory");
    }

    @Override
    public CompletableFuture<Ended> start(Command command, Lines lines) {
        throw new UnsupportedOperationException("nothing runs in a directory");
    }

    @Override
    public Set<Integer> listening() {
        return Set.of();
    }

    @Override
    public SandboxFiles files() {
        return files;
    }

    @Override
    public LayerRecord commit() {
        throw new UnsupportedOperationException("a directory is no layer");
    }

    @Override
    public void close() {
        files.close();
    }
}
