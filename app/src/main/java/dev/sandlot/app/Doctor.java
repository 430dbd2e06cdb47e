package dev.sandlot.app;

import java.util.ArrayList;
import java.util.List;

/** Looks at everything this machine must or may have. Changes nothing that outlives the look. */
final class Doctor {
    private final List<Checkup> checkups;
    private final boolean isRoot;

    /** One area of the machine. */
    interface Checkup {
        /** What {@code up} cannot do without; quick to tell. */
        List<Finding> required();

        /** All the rest; may try things out. */
        List<Finding> further(boolean isRoot);
    }

    Doctor(Machine machine, Settings settings, boolean isRoot) {
        this.isRoot = isRoot;
        this.checkups = List.of(
                new KernelCheckup(machine),
                new ControlGroupCheckup(machine),
                new NetworkCheckup(machine),
                new ProgramCheckup(machine, settings),
                new StorageCheckup(settings),
                new StartCacheCheckup(),
                new StoreCheckup(settings.store(), settings.api().rateStore()),
                new RegistryCheckup(settings.registry()),
                new LimitCheckup(machine, settings));
    }

    List<Finding> required() {
        return checkups.stream()
                .flatMap(checkup -> checkup.required().stream())
                .map(Finding::asRequired)
                .toList();
    }

    List<Finding> all() {
        List<Finding> all = new ArrayList<>();
        for (Checkup checkup : checkups) {
            checkup.required().forEach(finding -> all.add(finding.asRequired()));
            all.addAll(checkup.further(isRoot));
        }
        return all;
    }
}
