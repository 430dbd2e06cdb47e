package dev.sandlot.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileLeaseTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path directory;

    @Test
    void onlyOneHasItUntilItIsGivenBack() throws Exception {
        try (FileLease _ = FileLease.tryTake(directory).orElseThrow()) {
            assertThat(FileLease.tryTake(directory)).isEmpty();
        }
        FileLease.tryTake(directory).orElseThrow().close();
    }

    @Test
    void readingTheFileElsewhereDoesNotLoseIt() throws Exception {
        Path file = Files.createFile(directory.resolve("lock"));
        try (FileLease _ = FileLease.tryTake(file).orElseThrow()) {
            Files.readAllBytes(file);
            Process other = new ProcessBuilder("flock", "-n", file.toString(), "true").start();
            assertThat(other.waitFor()).isEqualTo(1);
        }
    }
}
