package dev.sandlot.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

final class CgroupV2 implements Cgroup {
    private static final int CPU_PERIOD_MICROS = 100_000;
    private static final long FREEZE_PAUSE_NANOS = 1_000_000;

    private final Path directory;

    CgroupV2(Path directory) {
        this.directory = directory;
    }

    void create(CgroupLimits limits) throws IOException {
        Files.createDirectories(directory);
        write("memory.max", Long.toString(limits.memoryBytes()));
        if (Files.exists(directory.resolve("memory.swap.max"))) {
            write("memory.swap.max", "0");
        }
        write("cpu.max", (long) (limits.cpus() * CPU_PERIOD_MICROS) + " " + CPU_PERIOD_MICROS);
        write("pids.max", Integer.toString(limits.pids()));
    }

    @Override
    public void add(int pid) throws IOException {
        write("cgroup.procs", Integer.toString(pid));
    }

    @Override
    public void enter() {
        throw new UnsupportedOperationException("threads cannot be moved in cgroup v2");
    }

    @Override
    public List<Integer> processes() throws IOException {
        return CgroupFiles.numbers(directory.resolve("cgroup.procs"));
    }

    @Override
    public void freeze() throws IOException {
        write("cgroup.freeze", "1");
        while (CgroupFiles.value(directory.resolve("cgroup.events"), "frozen") == 0) {
            LockSupport.parkNanos(FREEZE_PAUSE_NANOS);
        }
    }

    @Override
    public void thaw() throws IOException {
        write("cgroup.freeze", "0");
    }

    @Override
    public void kill() throws IOException {
        if (Files.exists(directory)) {
            write("cgroup.kill", "1");
        }
    }

    @Override
    public CgroupUsage usage() throws IOException {
        return new CgroupUsage(
                Long.parseLong(CgroupFiles.read(directory.resolve("memory.current"))),
                CgroupFiles.value(directory.resolve("memory.stat"), "file"),
                Duration.ofNanos(1000 * CgroupFiles.value(directory.resolve("cpu.stat"), "usage_usec")),
                Long.parseLong(CgroupFiles.read(directory.resolve("pids.current"))),
                CgroupFiles.value(directory.resolve("memory.events"), "oom_kill"));
    }

    @Override
    public void remove() throws IOException {
        CgroupFiles.remove(directory);
    }

    private void write(String file, String value) throws IOException {
        CgroupFiles.write(directory.resolve(file), value);
    }
}
