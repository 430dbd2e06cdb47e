package dev.sandlot.builds;

import dev.sandlot.envd.IdRange;
import dev.sandlot.envd.SandboxFiles;
import dev.sandlot.images.Digest;
import dev.sandlot.images.LayerRecord;
import dev.sandlot.images.LayerStore;
import dev.sandlot.images.StagedTree;
import dev.sandlot.linux.FileTree;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Sandboxes without isolation or programs: each command of a user is answered by what {@link #answers} has for it,
 * and leaves a file named after it, so that it makes a layer.
 */
final class FakeWorkshop implements Workshop {
    /** What a command does. */
    interface Answer {
        int run(WorkSandbox.Command command, WorkSandbox.Lines lines) throws IOException, InterruptedException;
    }

    final List<WorkSandbox.Command> ran = new CopyOnWriteArrayList<>();
    final List<Order> opened = new CopyOnWriteArrayList<>();
    final Map<String, Answer> answers = new ConcurrentHashMap<>();
    final CountDownLatch blocked = new CountDownLatch(1);
    private final LayerStore layers;
    private int open;

    FakeWorkshop(LayerStore layers) {
        this.layers = layers;
    }

    /** The user's commands that were run, without our own scripts. */
    List<String> commands() {
        return ran.stream()
                .map(FakeWorkshop::text)
                .filter(text -> !text.isEmpty())
                .toList();
    }

    synchronized int open() {
        return open;
    }

    private synchronized void count(int more) {
        open += more;
    }

    /** The command without what goes before it for the path's sake; empty for a script of ours. */
    static String text(WorkSandbox.Command command) {
        if (!command.arguments().getFirst().equals("/bin/bash")
                || command.arguments().size() != 4) {
            return "";
        }
        String text = command.arguments().get(3);
        return text.startsWith("case \"$PATH\"") ? text.substring(text.indexOf('\n') + 1) : text;
    }

    @Override
    public WorkSandbox open(Order order) throws IOException {
        for (Digest layer : order.layers()) {
            layers.path(layer);
        }
        opened.add(order);
        count(1);
        return new FakeSandbox(layers.stage());
    }

    private final class FakeSandbox implements WorkSandbox {
        private final StagedTree tree;
        private final SandboxFiles files;
        private boolean closed;

        FakeSandbox(StagedTree tree) throws IOException {
            this.tree = tree;
            Files.createDirectory(tree.path().resolve("etc"));
            Files.writeString(
                    tree.path().resolve("etc/passwd"),
                    "user:x:0:0::/home/user:/bin/bash\nworker:x:0:0::/home/worker:/bin/bash\nroot:x:0:0::/root:/bin/sh\n");
            this.files = new SandboxFiles(FileTree.directory(tree.path().toString()), new IdRange(0, 65536));
        }

        @Override
        public Ended run(Command command, Lines lines) throws IOException, InterruptedException {
            mark(command);
            return answered(command, lines);
        }

        /** Leaves a file of the command's own in the tree. */
        private void mark(Command command) throws IOException {
            ran.add(command);
            String text = text(command);
            if (!text.isEmpty()) {
                Path mark = tree.path()
                        .resolve(Digest.of(text.getBytes(java.nio.charset.StandardCharsets.UTF_8))
                                .hex());
                Files.writeString(mark, text);
            }
        }

        private Ended answered(Command command, Lines lines) throws IOException, InterruptedException {
            Answer answer = answers.get(text(command));
            return new Ended(answer == null ? 0 : answer.run(command, lines));
        }

        @Override
        public CompletableFuture<Ended> start(Command command, Lines lines) {
            CompletableFuture<Ended> ended = new CompletableFuture<>();
            try {
                mark(command);
            } catch (IOException e) {
                return CompletableFuture.failedFuture(e);
            }
            Thread.startVirtualThread(() -> {
                try {
                    ended.complete(answered(command, lines));
                } catch (IOException | InterruptedException e) {
                    ended.completeExceptionally(e);
                }
            });
            return ended;
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
        public LayerRecord commit() throws IOException {
            Files.delete(tree.path().resolve("etc/passwd"));
            if (List.of(Files.list(tree.path().resolve("etc")).toArray()).isEmpty()) {
                Files.delete(tree.path().resolve("etc"));
            }
            Files.setLastModifiedTime(tree.path(), java.nio.file.attribute.FileTime.fromMillis(0));
            return layers.commit(tree, 0, 65536);
        }

        @Override
        public void close() {
            if (!closed) {
                closed = true;
                count(-1);
                files.close();
                try {
                    tree.close();
                } catch (IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            }
        }
    }

    /** An answer that does not end by itself. */
    Answer blocking() {
        return (_, _) -> {
            blocked.countDown();
            new CountDownLatch(1).await();
            return 0;
        };
    }

    void awaitBlocked() throws InterruptedException, TimeoutException {
        if (!blocked.await(10, TimeUnit.SECONDS)) {
            throw new TimeoutException("nothing blocks");
        }
    }

    static List<Digest> digests(List<String> names) {
        return new ArrayList<>(names.stream().map(Digest::parse).toList());
    }
}
