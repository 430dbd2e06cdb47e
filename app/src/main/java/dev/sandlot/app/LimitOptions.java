package dev.sandlot.app;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Limits on the command line; -1 lifts one. */
final class LimitOptions {
    @Option(names = "--sandboxes", paramLabel = "N", description = "Sandboxes at once.")
    private @Nullable Integer concurrentSandboxes;

    @Option(names = "--hours", paramLabel = "N", description = "How long a sandbox may live.")
    private @Nullable Integer maxLengthHours;

    @Option(names = "--vcpu", paramLabel = "N", description = "Processors of a template.")
    private @Nullable Integer maxVcpu;

    @Option(names = "--ram-mb", paramLabel = "N", description = "Memory of a template in MiB.")
    private @Nullable Integer maxRamMb;

    @Option(names = "--builds", paramLabel = "N", description = "Template builds at once.")
    private @Nullable Integer concurrentBuilds;

    @Option(names = "--events-days", paramLabel = "N", description = "How long events are kept.")
    private @Nullable Integer eventsTtlDays;

    @Option(names = "--free-disk-mb", paramLabel = "N", description = "Free disk of a template that asks for none.")
    private @Nullable Integer defaultFreeDiskMb;

    @Option(names = "--disk-mb", paramLabel = "N", description = "The largest disk in MiB.")
    private @Nullable Integer maxDiskMb;

    /** Those that were told. */
    Map<String, Object> told() {
        Map<String, Object> told = new LinkedHashMap<>();
        AdminGroup.put(told, "concurrentSandboxes", concurrentSandboxes);
        AdminGroup.put(told, "maxLengthHours", maxLengthHours);
        AdminGroup.put(told, "maxVcpu", maxVcpu);
        AdminGroup.put(told, "maxRamMb", maxRamMb);
        AdminGroup.put(told, "concurrentBuilds", concurrentBuilds);
        AdminGroup.put(told, "eventsTtlDays", eventsTtlDays);
        AdminGroup.put(told, "defaultFreeDiskMb", defaultFreeDiskMb);
        AdminGroup.put(told, "maxDiskMb", maxDiskMb);
        return told;
    }
}
