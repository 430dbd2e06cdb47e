package dev.sandlot.app;

import java.util.List;
import java.util.OptionalLong;

/** Limits of the kernel and of this process that many sandboxes run into. */
final class LimitCheckup implements Doctor.Checkup {
    private static final long OPEN_FILES = 65_536;
    private static final long INOTIFY_INSTANCES = 1_024;
    private static final long INOTIFY_WATCHES = 65_536;

    private final Machine machine;
    private final Settings settings;

    LimitCheckup(Machine machine, Settings settings) {
        this.machine = machine;
        this.settings = settings;
    }

    @Override
    public List<Finding> required() {
        return List.of();
    }

    @Override
    public List<Finding> further(boolean isRoot) {
        return List.of(
                openFiles(),
                sysctl(
                        "inotify instances",
                        "fs.inotify.max_user_instances",
                        INOTIFY_INSTANCES,
                        "few sandboxes can watch files"),
                sysctl(
                        "inotify watches",
                        "fs.inotify.max_user_watches",
                        INOTIFY_WATCHES,
                        "large trees cannot be watched"),
                sysctl("pid_max", "kernel.pid_max", 32L * settings.isolation().maxSandboxes(), "processes may run out"),
                sysctl("keys", "kernel.keys.root_maxkeys", 1_000, "containers may be refused session keys"));
    }

    /** The hard limit in {@code /proc/self/limits}, which a process may raise itself to. */
    private Finding openFiles() {
        long most = machine.read("/proc/self/limits")
                .orElse("")
                .lines()
                .filter(line -> line.startsWith("Max open files"))
                .map(line -> line.split("\\s+")[4])
                .mapToLong(text -> text.equals("unlimited") ? Long.MAX_VALUE : Long.parseLong(text))
                .findFirst()
                .orElse(0);
        return most >= OPEN_FILES
                ? Finding.ok("open files", "up to " + most)
                : Finding.degraded(
                        "open files",
                        "up to " + most + "; each sandbox takes several",
                        "ulimit -Hn 1048576 before `up`");
    }

    private Finding sysctl(String name, String key, long wanted, String lost) {
        OptionalLong value = machine.number("/proc/sys/" + key.replace('.', '/'));
        if (value.isEmpty()) {
            return Finding.note(name, key + " cannot be read");
        }
        return value.getAsLong() >= wanted
                ? Finding.ok(name, String.valueOf(value.getAsLong()))
                : Finding.degraded(name, value.getAsLong() + "; " + lost, "sysctl -w " + key + "=" + wanted);
    }
}
