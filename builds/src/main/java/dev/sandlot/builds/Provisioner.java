package dev.sandlot.builds;

import dev.sandlot.images.Digest;
import dev.sandlot.images.LayerRecord;
import dev.sandlot.images.LayerStore;
import dev.sandlot.images.MergedTree;
import dev.sandlot.protocol.BuildLogEntry;
import dev.sandlot.protocol.BuildPlan;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Makes an image fit for sandboxes (template-build.md 8.2): a script in a sandbox over its layers, and what that
 * changed as a layer on top.
 */
final class Provisioner {
    private static final Duration LIMIT = Duration.ofMinutes(5);
    private static final int KEPT_LINES = 30;
    private static final int OS_RELEASE_MAX_BYTES = 64 << 10;
    private static final int MIN_MEMORY_MB = 1024;
    private static final int MIN_CPUS = 2;
    private static final String SCRIPT = resource();

    private final LayerStore store;
    private final Workshop workshop;
    private final Duration limit;

    Provisioner(LayerStore store, Workshop workshop) {
        this(store, workshop, LIMIT);
    }

    Provisioner(LayerStore store, Workshop workshop, Duration limit) {
        this.store = store;
        this.workshop = workshop;
        this.limit = limit;
    }

    /** A digest of all that decides what provisioning does. */
    static Digest version() {
        return Digest.of(SCRIPT.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * The layers of an image with what sandboxes need.
     *
     * @throws BuildFailure of the step {@code base} when the distribution is not supported or the script fails
     */
    List<Digest> provision(List<Digest> layers, BuildPlan plan, BuildLog log)
            throws BuildFailure, IOException, InterruptedException {
        Distribution distribution = distribution(layers);
        if (distribution.guessed()) {
            log.warn(
                    PulledBases.STEP,
                    "unknown distribution '" + distribution.id() + "', provisioned as "
                            + distribution.family().key());
        }
        List<Digest> few = new FewLayers(store, BuildSettings.MOST_LAYERS).of(layers, log, PulledBases.STEP);
        log.info(PulledBases.STEP, "Provisioning " + distribution.id());
        Workshop.Order order = new Workshop.Order(
                plan.buildId(),
                plan.templateId(),
                few,
                Math.max(MIN_CPUS, plan.cpuCount()),
                Math.max(MIN_MEMORY_MB, plan.memoryMb()));
        try (WorkSandbox sandbox = workshop.open(order)) {
            run(distribution, sandbox, log);
            LayerRecord changes = sandbox.commit();
            log.info(PulledBases.STEP, "Provisioning was successful");
            return changes.entries() > 1 ? with(few, changes.diffId()) : few;
        }
    }

    private Distribution distribution(List<Digest> layers) throws BuildFailure, IOException {
        byte[] osRelease = new MergedTree(store, layers)
                .read("/etc/os-release", OS_RELEASE_MAX_BYTES)
                .orElseThrow(Distribution::undeclared);
        return Distribution.of(new String(osRelease, StandardCharsets.UTF_8));
    }

    private void run(Distribution distribution, WorkSandbox sandbox, BuildLog log)
            throws BuildFailure, InterruptedException {
        String family = distribution.family().key();
        String group = distribution.family().adminGroup();
        WorkSandbox.Command command = new WorkSandbox.Command(
                List.of("/bin/sh", "-c", SCRIPT, "provision", family, group), "root", "/", Map.of(), limit);
        LastLines last =
                new LastLines(new LoggedLines(log, BuildLogEntry.Level.DEBUG, PulledBases.STEP, "base"), KEPT_LINES);
        String why;
        try {
            WorkSandbox.Ended ended = sandbox.run(command, last);
            if (ended.isOk()) {
                return;
            }
            why = "exit status " + ended.exitCode();
        } catch (IOException e) {
            why = String.valueOf(e.getMessage());
        }
        throw new BuildFailure(PulledBases.STEP, last.after("provisioning failed (" + why + ")"));
    }

    private static List<Digest> with(List<Digest> layers, Digest top) {
        List<Digest> all = new ArrayList<>(layers);
        all.add(top);
        return all;
    }

    private static String resource() {
        try (InputStream in = Provisioner.class.getResourceAsStream("provision.sh")) {
            if (in == null) {
                throw new IllegalStateException("provision.sh is missing from the program");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new IllegalStateException("provision.sh cannot be read", e);
        }
    }
}
