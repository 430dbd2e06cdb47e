package dev.sandlot.runtime;

import dev.sandlot.linux.TreeRemoval;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Removes what a sandbox has on the machine, from any point of its life, however often. */
final class Remains {
    private final Machine machine;

    Remains(Machine machine) {
        this.machine = machine;
    }

    /** Everything, the journal's entry last, so that a cut here is found again. */
    void remove(String id) throws IOException {
        List<IOException> failures = new ArrayList<>();
        attempt(failures, () -> machine.cgroups().group(id).kill());
        attempt(failures, () -> machine.cgroups().group(id).remove());
        attempt(failures, () -> TreeRemoval.remove(machine.config().ociState().resolve(id)));
        attempt(
                failures,
                () -> TreeRemoval.remove(machine.config().runSandboxes().resolve(id)));
        if (failures.isEmpty()) {
            attempt(failures, () -> machine.trash().discard(machine.journal().directory(id)));
        }
        if (!failures.isEmpty()) {
            IOException failure = new IOException(
                    "could not remove all of sandbox " + id + ": "
                            + failures.getFirst().getMessage(),
                    failures.getFirst());
            failures.stream().skip(1).forEach(failure::addSuppressed);
            throw failure;
        }
    }

    /** The IDs of all sandboxes of which anything is there. */
    Set<String> ids() throws IOException {
        Set<String> ids = new TreeSet<>(machine.journal().ids());
        ids.addAll(machine.cgroups().names());
        ids.addAll(Journal.names(machine.config().runSandboxes()));
        ids.addAll(Journal.names(machine.config().ociState()));
        ids.removeIf(name -> name.startsWith("."));
        return ids;
    }

    @FunctionalInterface
    private interface Step {
        void run() throws IOException;
    }

    private static void attempt(List<IOException> failures, Step step) {
        try {
            step.run();
        } catch (IOException e) {
            failures.add(e);
        }
    }
}
