package dev.sandlot.app;

import dev.sandlot.runtime.Leak;
import dev.sandlot.runtime.OciRuntime;
import dev.sandlot.runtime.RunningSandbox;
import dev.sandlot.runtime.RuntimeFailure;
import java.io.IOException;
import java.util.List;

/** Housekeeping by the runtime itself: it finds what it journalled, and what the machine has under its names. */
final class MachineHousekeeping implements Housekeeping {
    @Override
    public int endSandboxes(Settings settings, Progress progress) throws IOException {
        try (OciRuntime runtime = open(settings)) {
            List<RunningSandbox> running = runtime.running();
            for (RunningSandbox sandbox : running) {
                progress.step("ending sandbox " + sandbox.id());
                runtime.kill(sandbox.id());
            }
            return running.size();
        } catch (RuntimeFailure e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    private static OciRuntime open(Settings settings) throws IOException {
        return OciRuntime.open(Composition.runtimeConfig(settings), (id, pid, status) -> {});
    }

    @Override
    public List<String> leftovers(Settings settings) throws IOException {
        try (OciRuntime runtime = open(settings)) {
            return runtime.leaks().stream().map(MachineHousekeeping::line).toList();
        }
    }

    private static String line(Leak leak) {
        return leak.kind().name().toLowerCase(java.util.Locale.ROOT) + " " + leak.what();
    }

    @Override
    public void removeAll(Settings settings, Progress progress) throws IOException {
        endSandboxes(settings, progress);
        progress.step("removing networks, rules and control groups");
        OciRuntime.purge(Composition.runtimeConfig(settings));
    }
}
