package dev.sandlot.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TreeRemovalTest {
    @TempDir
    Path temporary;

    private Path tree;

    @BeforeEach
    void make() throws IOException {
        tree = Files.createDirectory(temporary.resolve("tree"));
    }

    @Test
    void a_tree_deeper_than_any_path_is_removed_with_few_descriptors() throws IOException {
        nest(tree, "d", 3000);
        nest(tree, "d".repeat(250), 500);
        long before = descriptors();
        TreeRemoval.remove(tree);
        assertThat(tree).doesNotExist();
        assertThat(descriptors()).isEqualTo(before);
    }

    @Test
    void a_tree_that_is_wide_at_every_depth_is_removed() throws IOException {
        Path at = tree;
        for (int depth = 0; depth < 3 * TreeRemoval.MAX_OPEN; depth++) {
            for (int i = 0; i < 10; i++) {
                Files.createFile(at.resolve("file" + i));
                Files.createDirectories(at.resolve("side" + i).resolve("inner"));
            }
            at = Files.createDirectory(at.resolve("n"));
        }
        TreeRemoval.remove(tree);
        assertThat(tree).doesNotExist();
    }

    @Test
    void ten_thousand_files_in_one_directory_are_removed() throws IOException {
        for (int i = 0; i < 10_000; i++) {
            Files.createFile(tree.resolve("a-name-that-fills-some-blocks-of-the-directory-" + i));
        }
        TreeRemoval.remove(tree);
        assertThat(tree).doesNotExist();
    }

    @Test
    void links_are_removed_and_not_followed() throws IOException {
        Path outside = Files.createDirectory(temporary.resolve("outside"));
        Path kept = Files.createFile(outside.resolve("kept"));
        Files.createSymbolicLink(tree.resolve("directory"), outside);
        Files.createSymbolicLink(tree.resolve("file"), kept);
        Files.createLink(tree.resolve("hard"), kept);
        Path link = Files.createSymbolicLink(temporary.resolve("link"), outside);
        TreeRemoval.remove(tree);
        TreeRemoval.remove(link);
        assertThat(tree).doesNotExist();
        assertThat(link).doesNotExist();
        assertThat(kept).exists();
    }

    @Test
    void names_that_are_no_text_fifos_and_files_are_removed() throws IOException {
        try (Fd root = FileTree.directory(tree.toString())) {
            FileTree.makeDirectory(root, FileNames.decode(new byte[] {'a', (byte) 0xff, '\n'}), 0);
            FileTree.makeFifo(root, "fifo");
        }
        TreeRemoval.remove(tree);
        assertThat(tree).doesNotExist();
        Path file = Files.createFile(temporary.resolve("file"));
        TreeRemoval.remove(file);
        assertThat(file).doesNotExist();
    }

    @Test
    void what_is_not_there_is_fine() throws IOException {
        TreeRemoval.remove(temporary.resolve("none"));
        TreeRemoval.remove(temporary.resolve("none/either"));
        assertThat(tree).exists();
    }

    @Test
    @Tag("kernel")
    void protected_files_and_directories_are_removed() throws Exception {
        Path at = nest(tree, "n", 2 * TreeRemoval.MAX_OPEN);
        Path immutable = Files.createFile(Files.createDirectory(at.resolve("i")).resolve("file"));
        Path growing = Files.createFile(Files.createDirectory(at.resolve("a")).resolve("file"));
        command("chattr", "+i", immutable.toString());
        command("chattr", "+a", growing.toString(), growing.getParent().toString());
        command("chattr", "+i", immutable.getParent().toString(), at.toString(), tree.toString());
        TreeRemoval.remove(tree);
        assertThat(tree).doesNotExist();
    }

    @Test
    @Tag("kernel")
    void what_cannot_be_removed_stays_alone_and_is_told() throws Exception {
        Path mounted = Files.createDirectories(tree.resolve("a/b/mounted"));
        Files.createFile(tree.resolve("a/file"));
        nest(tree, "z", 2 * TreeRemoval.MAX_OPEN);
        command("mount", "-t", "tmpfs", "tmpfs", mounted.toString());
        try {
            Path inside = Files.createFile(mounted.resolve("inside"));
            assertThatThrownBy(() -> TreeRemoval.remove(tree))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(tree.toString())
                    .hasMessageContaining("mounted");
            assertThat(inside).exists();
            try (Stream<Path> left = Files.walk(tree)) {
                assertThat(left)
                        .containsExactlyInAnyOrderElementsOf(
                                List.of(tree, tree.resolve("a"), tree.resolve("a/b"), mounted, inside));
            }
        } finally {
            command("umount", mounted.toString());
        }
        TreeRemoval.remove(tree);
        assertThat(tree).doesNotExist();
    }

    /** Makes directories in each other; gives the lowest, whose path may be too long to use. */
    private static Path nest(Path top, String name, int depth) throws IOException {
        Path path = top;
        Fd at = FileTree.directory(top.toString());
        try {
            for (int i = 0; i < depth; i++) {
                FileTree.makeDirectory(at, name, 0700);
                Fd inner = FileTree.open(at, name, Open.PATH | Open.DIRECTORY, 0, Open.PLAIN);
                at.close();
                at = inner;
                path = path.resolve(name);
            }
            return path;
        } finally {
            at.close();
        }
    }

    private static long descriptors() throws IOException {
        try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
            return all.count();
        }
    }

    private static void command(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
    }
}
