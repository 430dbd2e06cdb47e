package dev.sandlot.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MachineTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path directory;

    @Test
    void aLimitIsRaisedAndNeverLowered() throws Exception {
        Path limit = Files.writeString(directory.resolve("limit"), "128\n");
        Machine.raise(limit, 8192);
        assertThat(limit).hasContent("8192");
        Files.writeString(limit, "65536\n");
        Machine.raise(limit, 8192);
        assertThat(limit).hasContent("65536");
    }
}
