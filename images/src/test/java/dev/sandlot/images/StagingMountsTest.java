package dev.sandlot.images;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.linux.Mounts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is mounted in a tree that is thrown away is taken out of it, never emptied. */
@Tag("kernel")
class StagingMountsTest {
    @TempDir
    Path temp;

    private Path pool;
    private Path outside;

    @BeforeEach
    void makeOutside() throws IOException {
        pool = temp.resolve("a pool");
        outside = Files.createDirectory(temp.resolve("outside"));
        Files.writeString(outside.resolve("file"), "kept");
    }

    @AfterEach
    void leaveNoMount() throws IOException {
        Mounts.detachBelow(temp);
    }

    @Test
    void openingAStoreHealsWhatAKilledBootstrapLeft() throws Exception {
        try (LayerStore store = LayerStore.open(pool, UnpackLimits.DEFAULT)) {
            mountIn(store.stage().path());
        }
        LayerStore.open(pool, UnpackLimits.DEFAULT).close();
        assertHealed();
    }

    @Test
    void aPoolThatIsNotOpenIsRidOfMountsAndKeepsItsFiles() throws Exception {
        Path tree;
        try (LayerStore store = LayerStore.open(pool, UnpackLimits.DEFAULT)) {
            tree = store.stage().path();
            mountIn(tree);
        }
        LayerStore.detachLeftovers(pool);
        assertThat(Mounts.below(temp)).isEmpty();
        assertThat(tree).isDirectory();
        assertThat(outside.resolve("file")).hasContent("kept");
    }

    @Test
    void closingAStagedTreeTakesOutItsMounts() throws Exception {
        try (LayerStore store = LayerStore.open(pool, UnpackLimits.DEFAULT)) {
            try (StagedTree staged = store.stage()) {
                mountIn(staged.path());
            }
            assertHealed();
        }
    }

    private void mountIn(Path tree) throws Exception {
        Path proc = Files.createDirectory(tree.resolve("proc"));
        mount("-t", "proc", "-o", "ro", "proc", proc.toString());
        Path memory = Files.createDirectory(tree.resolve("memory"));
        mount("-t", "tmpfs", "none", memory.toString());
        mount(
                "--bind",
                outside.toString(),
                Files.createDirectory(memory.resolve("deep")).toString());
        mount("-t", "tmpfs", "none", memory.toString());
        mount(
                "--bind",
                outside.toString(),
                Files.createDirectory(tree.resolve("bound")).toString());
        assertThat(Mounts.below(pool)).hasSize(5);
    }

    private static void mount(String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of("mount"));
        command.addAll(List.of(arguments));
        HostCommand.Outcome outcome = new HostCommand(command, Duration.ofSeconds(20)).run(line -> {});
        assertThat(outcome.exitCode()).as(outcome.toString()).isZero();
    }

    private void assertHealed() throws IOException {
        assertThat(Mounts.below(temp)).isEmpty();
        assertThat(pool.resolve("staging")).isEmptyDirectory();
        assertThat(outside.resolve("file")).hasContent("kept");
    }
}
