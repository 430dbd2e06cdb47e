package dev.sandlot.builds;

import dev.sandlot.envd.IdRange;
import dev.sandlot.envd.SandboxFiles;
import dev.sandlot.images.Digest;
import dev.sandlot.images.LayerRecord;
import dev.sandlot.images.LayerStore;
import dev.sandlot.images.StagedTree;
import dev.sandlot.linux.FileTree;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Sandboxes that are no more than an overlay of this machine and chroot, in namespaces for mounts and processes: for
 * scripts of our own over images of our own.
 */
final class ChrootWorkshop implements Workshop {
    private final LayerStore store;
    private final Path directory;

    ChrootWorkshop(LayerStore store, Path directory) {
        this.store = store;
        this.directory = directory;
    }

    @Override
    public WorkSandbox open(Order order) throws IOException {
        return new Chroot(store, order.layers(), Files.createTempDirectory(directory, "chroot"));
    }

    static final class Chroot implements WorkSandbox {
        /**
         * Two steps: what forks tells its child only afterwards to end with it and to keep its mounts to itself. So a
         * child that outlives a command that was ended must have got mounts of its own from the step before.
         */
        private static final String DEVICES = """
                mount -t tmpfs tmpfs "$1/dev" && for d in null zero random urandom; do
                  touch "$1/dev/$d" && mount --bind "/dev/$d" "$1/dev/$d"
                done
                r=$1 p=$2; shift 2; exec unshare --pid --fork --kill-child sh -c "$p" processes "$r" "$@"
                """;

        private static final String PROCESSES =
                "mount -t proc proc \"$1/proc\"; r=$1; shift; exec chroot \"$r\" \"$@\"";

        private final LayerStore store;
        private final StagedTree upper;
        private final StagedTree work;
        private final Path root;
        private boolean mounted;

        Chroot(LayerStore store, List<Digest> layers, Path root) throws IOException {
            this.store = store;
            this.root = root;
            upper = store.stage();
            work = store.stage();
            List<String> lower = new ArrayList<>();
            for (Digest layer : layers.reversed()) {
                lower.add(store.path(layer).toString());
            }
            String options =
                    "lowerdir=" + String.join(":", lower) + ",upperdir=" + upper.path() + ",workdir=" + work.path();
            host("mount", "-t", "overlay", "overlay", "-o", options, root.toString());
            mounted = true;
        }

        @Override
        public Ended run(Command command, Lines lines) throws IOException, InterruptedException {
            List<String> all = new ArrayList<>(
                    List.of("unshare", "--mount", "sh", "-c", DEVICES, "devices", root.toString(), PROCESSES));
            all.addAll(command.arguments());
            ProcessBuilder builder = new ProcessBuilder(all).redirectErrorStream(true);
            builder.environment().keySet().removeIf(name -> !name.equals("PATH"));
            builder.environment().putAll(command.env());
            Process process = builder.start();
            process.getOutputStream().close();
            Thread reader = Thread.ofVirtual().start(() -> read(process, lines));
            try {
                if (!process.waitFor(command.limit().toMillis(), TimeUnit.MILLISECONDS)) {
                    throw new IOException("took longer than " + command.limit().toSeconds() + " s");
                }
                reader.join();
                return new Ended(process.exitValue());
            } finally {
                process.destroyForcibly().waitFor();
            }
        }

        private static void read(Process process, Lines lines) {
            try (BufferedReader reader = process.inputReader(StandardCharsets.UTF_8)) {
                reader.lines().forEach(lines::stdout);
            } catch (IOException | UncheckedIOException e) {
                lines.stderr(e.toString());
            }
        }

        @Override
        public CompletableFuture<Ended> start(Command command, Lines lines) {
            throw new UnsupportedOperationException("nothing goes on here by itself");
        }

        @Override
        public Set<Integer> listening() {
            return Set.of();
        }

        @Override
        public SandboxFiles files() {
            try {
                return new SandboxFiles(FileTree.directory(root.toString()), IdRange.SAME);
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public LayerRecord commit() throws IOException {
            unmount();
            return store.commit(upper);
        }

        @Override
        public void close() {
            try {
                unmount();
                upper.close();
                host("rm", "-rf", work.path().toString());
                work.close();
                Files.deleteIfExists(root);
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }

        private void unmount() throws IOException {
            if (mounted) {
                host("umount", root.toString());
                mounted = false;
            }
        }

        private static void host(String... command) throws IOException {
            try {
                if (new ProcessBuilder(command).inheritIO().start().waitFor() != 0) {
                    throw new IOException("could not run " + String.join(" ", command));
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException(e);
            }
        }
    }
}
