package dev.sandlot.app;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Control groups: which version is mounted where, and which controllers there are. */
final class ControlGroupCheckup implements Doctor.Checkup {
    private static final List<String> WANTED = List.of("cpu", "memory", "pids");
    private static final String FIX = "boot with the memory, cpu and pids controllers on"
            + " (kernel parameter cgroup_enable=memory on some machines)";

    private final Set<String> versions = new TreeSet<>();
    private final Set<String> controllers = new TreeSet<>();
    private final Machine machine;

    ControlGroupCheckup(Machine machine) {
        this.machine = machine;
        machine.read("/proc/self/mounts").orElse("").lines().forEach(this::look);
    }

    @Override
    public List<Finding> required() {
        List<String> missing = new ArrayList<>(WANTED);
        missing.removeAll(controllers);
        String found = layout() + " with " + String.join(", ", controllers);
        return List.of(
                missing.isEmpty()
                        ? Finding.ok("control groups", found)
                        : Finding.missing("control groups", found + "; without " + String.join(", ", missing), FIX));
    }

    @Override
    public List<Finding> further(boolean isRoot) {
        return List.of(
                controllers.contains("freezer") || versions.contains("v2")
                        ? Finding.ok("freezer", "sandboxes can be frozen")
                        : Finding.degraded("freezer", "sandboxes cannot be frozen", FIX));
    }

    private String layout() {
        return versions.isEmpty()
                ? "none"
                : versions.size() == 2
                        ? "hybrid (v1 and v2)"
                        : versions.iterator().next();
    }

    /** A line of {@code /proc/self/mounts}: device, mount point, type, options. */
    private void look(String line) {
        String[] fields = line.split(" ");
        if (fields.length < 4) {
            return;
        }
        if (fields[2].equals("cgroup2")) {
            versions.add("v2");
            machine.read(fields[1] + "/cgroup.controllers")
                    .ifPresent(text -> controllers.addAll(text.isEmpty() ? List.of() : List.of(text.split(" "))));
        } else if (fields[2].equals("cgroup")) {
            versions.add("v1");
            for (String option : fields[3].split(",")) {
                if (WANTED.contains(option) || option.equals("freezer")) {
                    controllers.add(option);
                }
            }
        }
    }
}
