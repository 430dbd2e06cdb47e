package dev.sandlot.node;

import dev.sandlot.builds.WorkSandbox;
import dev.sandlot.builds.Workshop;
import dev.sandlot.envd.EnvdHost;
import dev.sandlot.envd.EnvdSandbox;
import dev.sandlot.envd.ProcessJournal;
import dev.sandlot.envd.SandboxFiles;
import dev.sandlot.images.Digest;
import dev.sandlot.images.LayerStore;
import dev.sandlot.protocol.SandboxId;
import dev.sandlot.protocol.SandboxSpec;
import dev.sandlot.runtime.RunningSandbox;
import dev.sandlot.runtime.RuntimeFailure;
import dev.sandlot.runtime.RuntimeSpec;
import dev.sandlot.runtime.SandboxRuntime;
import dev.sandlot.supervisor.Supervisor;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * The sandboxes that builds work in: made like those of users, but marked in the runtime's journal, so that those of
 * a program that crashed are ended by the next one, and known to nobody but their build.
 *
 * @param exits where the ends of a sandbox's processes are told, by its ID
 */
record NodeWorkshop(
        SandboxRuntime runtime,
        EnvdHost envds,
        LayerStore layers,
        NodeSettings settings,
        Map<String, Supervisor.ExitListener> exits)
        implements Workshop {
    private static final String LABEL = "sandlot.build";
    private static final String ROOT = "root";

    /** Whether a sandbox was made for a build. */
    static boolean owns(RunningSandbox running) {
        return running.spec().labels().containsKey(LABEL);
    }

    @Override
    public WorkSandbox open(Order order) throws IOException {
        SandboxId id = SandboxId.random();
        RunningSandbox running = start(id, order);
        try {
            return host(id, order, running);
        } catch (IOException | RuntimeException e) {
            forget(running.id());
            throw e;
        }
    }

    private RunningSandbox start(SandboxId id, Order order) throws IOException {
        List<Path> paths = new ArrayList<>(order.layers().size());
        for (Digest layer : order.layers()) {
            paths.add(layers.path(layer));
        }
        try {
            return runtime.start(new RuntimeSpec(
                    id.value(),
                    order.templateId(),
                    paths,
                    order.cpuCount(),
                    order.memoryMb(),
                    settings.pidsPerSandbox(),
                    id.value(),
                    true,
                    Map.of(LABEL, order.buildId().toString())));
        } catch (RuntimeFailure e) {
            throw new IOException("a sandbox for the build could not be started: " + e.getMessage(), e);
        }
    }

    private WorkSandbox host(SandboxId id, Order order, RunningSandbox running) throws IOException {
        EnvdSandbox.SupervisorLink link = listener -> {
            exits.put(running.id(), listener);
            return running.supervisor();
        };
        SandboxFiles files = HostedSandbox.files(running);
        EnvdSandbox envd = HostedSandbox.envd(envds, spec(id, order), running, link, files, ProcessJournal.none());
        return new NodeWorkSandbox(this, running, envd, files);
    }

    private static SandboxSpec spec(SandboxId id, Order order) {
        return new SandboxSpec(
                id,
                UUID.randomUUID(),
                order.buildId(),
                order.templateId(),
                order.buildId(),
                order.layers().stream().map(Digest::toString).toList(),
                order.cpuCount(),
                order.memoryMb(),
                0,
                Map.of(),
                null,
                ROOT,
                "",
                true,
                null,
                Instant.MAX);
    }

    /** Ends a sandbox, if it has not ended, and keeps nothing of it. */
    void forget(String id) throws IOException {
        exits.remove(id);
        try {
            boolean _ = runtime.kill(id);
        } catch (RuntimeFailure e) {
            throw new IOException("a build's sandbox could not be ended: " + e.getMessage(), e);
        }
    }
}
