package dev.sandlot.supervisor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SupervisorBinaryTest {
    @TempDir
    Path directory;

    @Test
    void othersMayRunItButNotReadIt() throws Exception {
        Path program = directory.resolve("supervisor");
        Files.writeString(program, "an older one");
        SupervisorBinary.installTo(program);

        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(program)))
                .isEqualTo("rwx--x--x");
        assertThat(new ProcessBuilder(program.toString(), "nonsense").start().waitFor())
                .isEqualTo(1);
    }

    @Test
    void nothingElseIsLeftInTheDirectory() throws IOException {
        SupervisorBinary.installTo(directory.resolve("supervisor"));
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files).containsExactly(directory.resolve("supervisor"));
        }
    }
}
