package dev.sandlot.app;

import dev.sandlot.linux.ProcFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A process that cannot be mistaken for a later one with the same number: the start time in clock ticks since boot
 * (proc(5), field 22 of {@code stat}) and the boot it belongs to.
 */
record ProcessIdentity(long pid, long startTicks, String bootId) {
    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");
    private static final int START_TIME_AFTER_NAME = 22 - 3;

    /** The process with the number, if there is one. */
    static Optional<ProcessIdentity> of(long pid) {
        try {
            String stat = ProcFile.read(Path.of("/proc/" + pid + "/stat"));
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            if (fields[0].equals("Z")) {
                return Optional.empty();
            }
            return Optional.of(new ProcessIdentity(
                    pid,
                    Long.parseLong(fields[START_TIME_AFTER_NAME]),
                    ProcFile.read(BOOT_ID).strip()));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** This process. */
    static ProcessIdentity current() {
        return of(ProcessHandle.current().pid())
                .orElseThrow(() -> new IllegalStateException("/proc does not show this process"));
    }

    /** Whether it still runs. */
    boolean isAlive() {
        return of(pid).filter(this::equals).isPresent();
    }
}
