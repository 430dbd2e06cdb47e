package dev.sandlot.node;

import dev.sandlot.envd.SandboxMetrics;
import dev.sandlot.linux.CgroupUsage;
import dev.sandlot.runtime.RunningSandbox;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;

/** The figures of one sandbox from its control group and its root file system. */
record SandboxFigures(RunningSandbox sandbox, int memoryMb, int cpuCount) implements SandboxMetrics {
    private static final long MIB = 1024L * 1024;

    @Override
    public Reading read() throws IOException {
        CgroupUsage usage = sandbox.usage();
        FileStore disk = Files.getFileStore(Path.of(sandbox.root().procPath()));
        return new Reading(
                cpuCount,
                usage.cpu().toNanos(),
                memoryMb * MIB,
                usage.memoryBytes() - usage.cacheBytes(),
                usage.cacheBytes(),
                disk.getTotalSpace(),
                disk.getTotalSpace() - disk.getUsableSpace());
    }
}
