package dev.sandlot.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OwnedDirectoryTest {
    @TempDir
    private Path directory;

    @Test
    void aDirectoryWithOtherFilesIsNeitherTakenNorDeleted() throws IOException {
        Path file = Files.createFile(directory.resolve("thesis.tex"));
        OwnedDirectory owned = new OwnedDirectory(directory);

        assertThatThrownBy(owned::own).hasMessageContaining("thesis.tex");
        assertThatThrownBy(owned::delete).hasMessageContaining("left alone");
        assertThat(file).exists();
    }

    @Test
    void deletionKeepsTheUsersSettingsAndWhatLinksPointTo() throws IOException {
        Path data = Files.createDirectory(directory.resolve("data"));
        Path outside = Files.createFile(directory.resolve("outside"));
        Files.createFile(data.resolve("sandlot.yaml"));
        OwnedDirectory owned = new OwnedDirectory(data);
        owned.own();
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
        owned.own();
        owned.own();

        owned.delete();

        assertThat(directory.resolve("new")).doesNotExist();
    }
}
