package dev.sandlot.envd;

import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The figures of the machine that this runs in: the kernel's own, as in the original (envd.md 9). */
record GuestMetrics(Path proc, Path root) implements SandboxMetrics {
    private static final long NANOS_OF_TICK = 10_000_000;
    private static final long KIB = 1024;
    private static final int FIELDS_WITHOUT_GUEST_TIME = 8;
    private static final int IDLE = 3;
    private static final int IO_WAIT = 4;

    @Override
    public Reading read() throws IOException {
        List<String> stat = Files.readAllLines(proc.resolve("stat"));
        Map<String, Long> memory = memory();
        long total = bytes(memory, "MemTotal");
        FileStore disk = Files.getFileStore(root);
        return new Reading(
                (int) stat.stream().filter(line -> line.matches("cpu\\d.*")).count(),
                busyTicks(stat.getFirst()) * NANOS_OF_TICK,
                total,
                total - bytes(memory, "MemAvailable"),
                bytes(memory, "Cached") + bytes(memory, "SReclaimable"),
                disk.getTotalSpace(),
                disk.getTotalSpace() - disk.getUsableSpace());
    }

    /** {@code cpu user nice system idle iowait irq softirq steal guest guest_nice}; user has guest time in it. */
    private static long busyTicks(String line) {
        long[] ticks = Arrays.stream(line.strip().split("\\s+"))
                .skip(1)
                .limit(FIELDS_WITHOUT_GUEST_TIME)
                .mapToLong(Long::parseLong)
                .toArray();
        return Arrays.stream(ticks).sum() - ticks[IDLE] - ticks[IO_WAIT];
    }

    /** {@code MemTotal:       24689764 kB}. */
    private Map<String, Long> memory() throws IOException {
        Map<String, Long> kilobytes = new HashMap<>();
        for (String line : Files.readAllLines(proc.resolve("meminfo"))) {
            String[] parts = line.split(":?\\s+");
            kilobytes.put(parts[0], Long.parseLong(parts[1]));
        }
        return kilobytes;
    }

    private static long bytes(Map<String, Long> kilobytes, String name) {
        return kilobytes.getOrDefault(name, 0L) * KIB;
    }
}
