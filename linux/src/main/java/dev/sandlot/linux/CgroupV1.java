package dev.sandlot.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;

final class CgroupV1 implements Cgroup {
    private static final int SIGKILL = 9;
    private static final int KILL_ROUNDS = 1000;
    private static final long KILL_PAUSE_NANOS = 500_000;
    private static final int CPU_PERIOD_MICROS = 100_000;
    private static final long FREEZE_PAUSE_NANOS = 1_000_000;

    private final Map<String, Path> directories;

    CgroupV1(Map<String, Path> directories) {
        this.directories = directories;
    }

    void create(CgroupLimits limits) throws IOException {
        for (Path directory : all()) {
            Files.createDirectories(directory);
        }
        String memory = Long.toString(limits.memoryBytes());
        CgroupFiles.write(file("memory", "memory.limit_in_bytes"), memory);
        Path withSwap = file("memory", "memory.memsw.limit_in_bytes");
        if (Files.exists(withSwap)) {
            CgroupFiles.write(withSwap, memory);
        }
        CgroupFiles.write(file("cpu", "cpu.cfs_quota_us"), Long.toString((long) (limits.cpus() * CPU_PERIOD_MICROS)));
        CgroupFiles.write(file("pids", "pids.max"), Integer.toString(limits.pids()));
    }

    @Override
    public void add(int pid) throws IOException {
        for (Path directory : all()) {
            CgroupFiles.write(directory.resolve("cgroup.procs"), Integer.toString(pid));
        }
    }

    @Override
    public void enter() throws IOException {
        for (Path directory : all()) {
            CgroupFiles.write(directory.resolve("tasks"), "0");
        }
    }

    @Override
    public List<Integer> processes() throws IOException {
        Set<Integer> pids = new LinkedHashSet<>();
        for (Path directory : all()) {
            pids.addAll(CgroupFiles.numbers(directory.resolve("cgroup.procs")));
        }
        return List.copyOf(pids);
    }

    @Override
    public void freeze() throws IOException {
        Path state = file("freezer", "freezer.state");
        CgroupFiles.write(state, "FROZEN");
        while (!CgroupFiles.read(state).equals("FROZEN")) {
            LockSupport.parkNanos(FREEZE_PAUSE_NANOS);
        }
    }

    @Override
    public void thaw() throws IOException {
        CgroupFiles.write(file("freezer", "freezer.state"), "THAWED");
    }

    /**
     * Again until none is left, as some may be forking; a frozen process does not die before it is thawed. This
     * process is named too while a thread of it is in the group, and is spared.
     */
    @Override
    public void kill() throws IOException {
        List<Integer> left = others();
        for (int round = 0; !left.isEmpty() && round < KILL_ROUNDS; round++) {
            for (int pid : left) {
                kill(pid);
            }
            thaw();
            LockSupport.parkNanos(KILL_PAUSE_NANOS);
            left = others();
        }
    }

    private List<Integer> others() throws IOException {
        int own = Math.toIntExact(ProcessHandle.current().pid());
        return processes().stream().filter(pid -> pid != own).toList();
    }

    private static void kill(int pid) throws IOException {
        try (Pidfd process = Pidfd.open(pid)) {
            process.signal(SIGKILL);
        } catch (LinuxException e) {
            if (!e.is(Errno.ESRCH)) {
                throw e;
            }
        }
    }

    @Override
    public CgroupUsage usage() throws IOException {
        return new CgroupUsage(
                Long.parseLong(CgroupFiles.read(file("memory", "memory.usage_in_bytes"))),
                CgroupFiles.value(file("memory", "memory.stat"), "total_cache"),
                Duration.ofNanos(Long.parseLong(CgroupFiles.read(file("cpuacct", "cpuacct.usage")))),
                Long.parseLong(CgroupFiles.read(file("pids", "pids.current"))),
                CgroupFiles.value(file("memory", "memory.oom_control"), "oom_kill"));
    }

    @Override
    public void remove() throws IOException {
        for (Path directory : all()) {
            CgroupFiles.remove(directory);
        }
    }

    private Set<Path> all() {
        return new LinkedHashSet<>(directories.values());
    }

    private Path file(String controller, String name) {
        Path directory = directories.get(controller);
        if (directory == null) {
            throw new IllegalArgumentException(controller);
        }
        return directory.resolve(name);
    }
}
