package dev.sandlot.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ProcFileTest {
    @Test
    void aNumberOfTheKernelIsReadWithAllItsDigits() throws Exception {
        Path most = Path.of("/proc/sys/kernel/pid_max");
        Process cat = new ProcessBuilder("cat", most.toString()).start();
        String known = new String(cat.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8).strip();

        assertThat(known.length()).isGreaterThan(1);
        assertThat(ProcFile.read(most)).isEqualTo(known);
        assertThat(ProcFile.number(most)).isEqualTo(Long.parseLong(known));
    }

    @Test
    void linesComeOneByOne() throws Exception {
        assertThat(ProcFile.lines(Path.of("/proc/self/status"))).anyMatch(line -> line.startsWith("Pid:"));
    }

    @Test
    void aFileThatIsNotThereIsNamed() {
        assertThatThrownBy(() -> ProcFile.read(Path.of("/proc/sys/no/such")))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessageContaining("/proc/sys/no/such");
    }
}
