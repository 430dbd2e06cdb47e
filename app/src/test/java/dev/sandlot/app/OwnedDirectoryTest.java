package dev.sandlot.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sandlot.linux.Mounts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OwnedDirectoryTest {
    @TempDir
    private Path directory;

    @Test
    void aDirectoryWithOtherFilesIsNeitherTakenNorDeleted() throws IOException {
        Path file = Files.createFile(directory.resolve("thesis.tex"));
        OwnedDirectory owned = new OwnedDirectory(directory);

        assertThatThrownBy(() -> owned.own("rwx------")).hasMessageContaining("thesis.tex");
        assertThatThrownBy(owned::delete).hasMessageContaining("left alone");
        assertThat(file).exists();
    }

    @Test
    void deletionKeepsTheUsersSettingsAndWhatLinksPointTo() throws IOException {
        Path data = Files.createDirectory(directory.resolve("data"));
        Path outside = Files.createFile(directory.resolve("outside"));
        Files.createFile(data.resolve("sandlot.yaml"));
        OwnedDirectory owned = new OwnedDirectory(data);
        owned.own("rwx------");
        Files.createDirectories(data.resolve("layers/a"));
        Files.createFile(data.resolve("layers/a/sandlot.yaml"));
        Files.createSymbolicLink(data.resolve("layers/link"), directory);

        owned.delete();

        assertThat(outside).exists();
        try (var left = Files.list(data)) {
            assertThat(left).containsExactly(data.resolve("sandlot.yaml"));
        }
    }

    @Test
    void deletionLeavesNothingWhenThereAreNoSettings() throws IOException {
        OwnedDirectory owned = new OwnedDirectory(directory.resolve("new"));
        owned.own("rwx------");
        owned.own("rwx------");

        owned.delete();

        assertThat(directory.resolve("new")).doesNotExist();
    }

    @Test
    @Tag("kernel")
    void deletionEmptiesAMountPointAndRefusesWhatIsMountedBelow() throws Exception {
        Path data = Files.createDirectory(directory.resolve("data"));
        Path below = data.resolve("pool/below");
        mount(data);
        try {
            OwnedDirectory owned = new OwnedDirectory(data);
            owned.own("rwx------");
            Files.createDirectories(below);
            mount(below);

            assertThatThrownBy(owned::delete).hasMessage("still mounted below " + data + ": " + below);
            assertThat(owned.isOurs()).isTrue();

            Mounts.detach(below);
            owned.delete();
            assertThat(data).isEmptyDirectory();
        } finally {
            Mounts.detachBelow(directory);
        }
    }

    private static void mount(Path target) throws IOException, InterruptedException {
        Process mount = new ProcessBuilder("mount", "-t", "tmpfs", "none", target.toString())
                .inheritIO()
                .start();
        assertThat(mount.waitFor()).isZero();
    }
}
