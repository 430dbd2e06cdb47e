package dev.sandlot.envd;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The computations of envd.md 9, from files as the kernel writes them. */
@InProcessOnly("the reading of figures alone")
class GuestMetricsTest {
    @Test
    void figures_are_computed_as_the_contract_says(@TempDir Path proc) throws Exception {
        Files.writeString(proc.resolve("stat"), """
                cpu  100 20 30 4000 500 6 7 8 90 10
                cpu0 50 10 15 2000 250 3 4 4 45 5
                cpu1 50 10 15 2000 250 3 3 4 45 5
                intr 12345 0 0
                ctxt 1
                """);
        Files.writeString(proc.resolve("meminfo"), """
                MemTotal:       24689764 kB
                MemFree:         1000000 kB
                MemAvailable:   20000000 kB
                Cached:          3000000 kB
                SReclaimable:     200000 kB
                HugePages_Total:       0
                """);
        SandboxMetrics.Reading reading = new GuestMetrics(proc, proc).read();
        assertThat(reading.cpuCount()).isEqualTo(2);
        assertThat(reading.cpuUsedNanos())
                .as("user, nice, system, irq, softirq, steal; guest time is in user already")
                .isEqualTo((100 + 20 + 30 + 6 + 7 + 8) * 10_000_000L);
        assertThat(reading.memoryTotalBytes()).isEqualTo(24689764L * 1024);
        assertThat(reading.memoryUsedBytes()).isEqualTo((24689764L - 20000000L) * 1024);
        assertThat(reading.memoryCacheBytes()).isEqualTo(3200000L * 1024);
        assertThat(reading.diskTotalBytes()).isPositive().isGreaterThanOrEqualTo(reading.diskUsedBytes());
    }

    @Test
    void the_machine_has_figures() throws Exception {
        GuestMetrics metrics = new GuestMetrics(Path.of("/proc"), Path.of("/"));
        SandboxMetrics.Reading first = metrics.read();
        SandboxMetrics.Reading second = metrics.read();
        assertThat(first.cpuCount()).isEqualTo(Runtime.getRuntime().availableProcessors());
        assertThat(second.cpuUsedNanos()).isGreaterThanOrEqualTo(first.cpuUsedNanos());
        assertThat(first.memoryTotalBytes()).isGreaterThan(first.memoryUsedBytes());
    }
}
