package dev.sandlot.linux;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** A line of {@code /proc/self/mountinfo} (proc_pid_mountinfo(5)). */
record MountEntry(Path target, String type, List<String> options) {
    static List<MountEntry> ofThisProcess() throws IOException {
        return ProcFile.lines(Path.of("/proc/self/mountinfo")).stream()
                .map(MountEntry::parse)
                .toList();
    }

    private static MountEntry parse(String line) {
        String[] fields = line.split(" ");
        int dash = List.of(fields).indexOf("-");
        String target = fields[4]
                .replace("\\040", " ")
                .replace("\\011", "\t")
                .replace("\\012", "\n")
                .replace("\\134", "\\");
        return new MountEntry(Path.of(target), fields[dash + 1], List.of(fields[dash + 3].split(",")));
    }
}
