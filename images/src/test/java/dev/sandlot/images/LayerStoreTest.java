package dev.sandlot.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sandlot.linux.Fd;
import dev.sandlot.linux.FileTree;
import dev.sandlot.linux.Open;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LayerStoreTest {
    @TempDir
    Path temp;

    Path pool;
    LayerStore store;

    @BeforeEach
    void open() throws IOException {
        pool = temp.resolve("pool");
        store = LayerStore.open(pool, UnpackLimits.DEFAULT);
    }

    @AfterEach
    void close() throws IOException {
        store.close();
    }

    @Test
    void a_layer_is_found_under_the_digest_of_its_archive() throws IOException {
        byte[] tar = layer("content");
        LayerRecord added = store.add(new ByteArrayInputStream(tar));
        assertThat(added.diffId()).isEqualTo(Digest.of(tar));
        assertThat(added.bytes()).isEqualTo(tar.length);
        assertThat(store.path(added.diffId()).resolve("d/f")).hasContent("content");
        assertThat(store.list()).containsExactly(added);
        assertThat(staging()).isEmpty();
    }

    @Test
    void layers_are_still_there_after_a_restart() throws IOException {
        LayerRecord added = store.add(new ByteArrayInputStream(layer("content")));
        store.close();
        store = LayerStore.open(pool, UnpackLimits.DEFAULT);
        assertThat(store.list()).containsExactly(added);
    }

    @Test
    void what_a_build_nested_deeper_than_any_path_goes_with_its_tree_and_refuses_no_start() throws IOException {
        StagedTree closed = store.stage();
        nest(closed.path());
        closed.close();
        assertThat(staging()).isEmpty();
        nest(store.stage().path());
        store.close();
        store = LayerStore.open(pool, UnpackLimits.DEFAULT);
        assertThat(staging()).isEmpty();
    }

    private static void nest(Path tree) throws IOException {
        Fd at = FileTree.directory(tree.toString());
        try {
            for (int i = 0; i < 3000; i++) {
                FileTree.makeDirectory(at, "d", 0700);
                Fd inner = FileTree.open(at, "d", Open.PATH | Open.DIRECTORY, 0, Open.PLAIN);
                at.close();
                at = inner;
            }
        } finally {
            at.close();
        }
    }

    @Test
    void adding_twice_keeps_the_first() throws IOException {
        byte[] tar = layer("content");
        LayerRecord first = store.add(new ByteArrayInputStream(tar));
        assertThat(store.add(new ByteArrayInputStream(tar))).isEqualTo(first);
        assertThat(store.list()).hasSize(1);
        assertThat(staging()).isEmpty();
    }

    @Test
    void a_layer_that_is_there_is_not_read_again() throws IOException {
        LayerRecord first = store.add(new ByteArrayInputStream(layer("content")));
        InputStream unreadable = new InputStream() {
            @Override
            public int read() throws IOException {
                throw new IOException("was read");
            }
        };
        assertThat(store.add(unreadable, first.diffId())).isEqualTo(first);
    }

    @Test
    void another_layer_than_the_expected_one_is_refused_and_leaves_nothing() throws IOException {
        Digest other = Digest.of(layer("other"));
        assertThatThrownBy(() -> store.add(new ByteArrayInputStream(layer("content")), other))
                .isInstanceOf(BadLayerException.class)
                .hasMessageContaining(other.toString());
        assertThat(store.list()).isEmpty();
        assertThat(staging()).isEmpty();
    }

    @Test
    void a_hostile_layer_leaves_nothing() throws IOException {
        InputStream hostile = new Archive(temp).file("good", "x").file("../evil", "x").stream();
        assertThatThrownBy(() -> store.add(hostile)).isInstanceOf(BadLayerException.class);
        assertThat(store.list()).isEmpty();
        assertThat(staging()).isEmpty();
    }

    @Test
    void many_threads_may_add_the_same_layer() throws Exception {
        byte[] tar = layer("content");
        List<Callable<LayerRecord>> tasks = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            tasks.add(() -> store.add(new ByteArrayInputStream(tar)));
        }
        try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
            for (Future<LayerRecord> added : threads.invokeAll(tasks)) {
                assertThat(added.get().diffId()).isEqualTo(Digest.of(tar));
            }
        }
        assertThat(store.list()).hasSize(1);
        assertThat(staging()).isEmpty();
    }

    @Test
    void what_a_crash_left_behind_is_removed_at_the_start() throws IOException {
        StagedTree abandoned = store.stage();
        Files.createDirectories(abandoned.path().resolve("half/done"));
        store.stagedFile();
        store.close();
        store = LayerStore.open(pool, UnpackLimits.DEFAULT);
        assertThat(staging()).isEmpty();
        assertThat(store.list()).isEmpty();
    }

    @Test
    void a_committed_directory_has_the_digest_of_its_archive() throws IOException {
        LayerRecord added = store.add(new ByteArrayInputStream(layer("content")));
        try (StagedTree staged = store.stage()) {
            new LayerUnpacker(UnpackLimits.DEFAULT).unpack(new ByteArrayInputStream(layer("content")), staged.path());
            LayerRecord committed = store.commit(staged);
            byte[] packed = packed(store.path(committed.diffId()));
            assertThat(committed.diffId()).isEqualTo(Digest.of(packed));
            assertThat(committed.bytes()).isEqualTo(packed.length);
            assertThat(packed(store.path(added.diffId()))).isNotEmpty();
        }
        assertThat(staging()).isEmpty();
    }

    @Test
    void committing_what_is_there_already_changes_nothing() throws IOException {
        LayerRecord first;
        try (StagedTree staged = store.stage()) {
            first = store.commit(filled(staged));
        }
        byte[] archive = packed(store.path(first.diffId()));
        assertThat(store.add(new ByteArrayInputStream(archive))).isEqualTo(first);
        assertThat(staging()).isEmpty();
    }

    @Test
    void a_removed_layer_is_gone() throws IOException {
        LayerRecord added = store.add(new ByteArrayInputStream(layer("content")));
        store.remove(added.diffId());
        store.remove(added.diffId());
        assertThat(store.has(added.diffId())).isFalse();
        assertThat(staging()).isEmpty();
        assertThatThrownBy(() -> store.path(added.diffId()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("not in the pool");
    }

    @Test
    void one_pool_is_open_once() {
        assertThatThrownBy(() -> LayerStore.open(pool, UnpackLimits.DEFAULT))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("already open");
    }

    @Test
    void others_cannot_enter_the_layers() throws IOException {
        assertThat(Files.getPosixFilePermissions(pool.resolve("layers"))).hasSize(3);
        assertThat(Files.getPosixFilePermissions(pool.resolve("staging"))).hasSize(3);
    }

    private StagedTree filled(StagedTree staged) throws IOException {
        Files.createDirectories(staged.path().resolve("a/ü"));
        Files.writeString(staged.path().resolve("a/ü/f"), "content");
        Files.createLink(staged.path().resolve("z"), staged.path().resolve("a/ü/f"));
        Files.createSymbolicLink(staged.path().resolve("s"), Path.of("/nowhere"));
        Files.writeString(staged.path().resolve("a/" + "n".repeat(200)), "long");
        return staged;
    }

    private byte[] layer(String content) throws IOException {
        return new Archive(temp).directory("d/").file("d/f", content).bytes();
    }

    private static byte[] packed(Path tree) throws IOException {
        java.io.ByteArrayOutputStream out = new java.io.ByteArrayOutputStream();
        new LayerPacker(out).pack(tree);
        return out.toByteArray();
    }

    private String[] staging() {
        return pool.resolve("staging").toFile().list();
    }
}
