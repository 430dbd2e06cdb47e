package dev.sandlot.app;

import dev.sandlot.images.LayerStore;
import dev.sandlot.runtime.Leak;
import dev.sandlot.runtime.OciRuntime;
import dev.sandlot.runtime.RunningSandbox;
import dev.sandlot.runtime.RuntimeConfig;
import dev.sandlot.runtime.RuntimeFailure;
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;

/** Housekeeping by the runtime itself: it finds what it journalled, and what the machine has under its names. */
final class MachineHousekeeping implements Housekeeping {
    private static final Duration SETTLING = Duration.ofSeconds(5);
    private static final Duration BETWEEN_LOOKS = Duration.ofMillis(100);

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
        return OciRuntime.open(RuntimeSettings.of(settings).known(), (id, pid, status) -> {});
    }

    /** What is being made or removed while we look is no leftover, so only what stays for a while is told. */
    @Override
    public List<String> leftovers(Settings settings) throws IOException {
        RuntimeConfig config = RuntimeSettings.of(settings).known();
        long deadline = System.nanoTime() + SETTLING.toNanos();
        Set<Leak> stayed = new LinkedHashSet<>(OciRuntime.leaks(config));
        while (!stayed.isEmpty() && System.nanoTime() < deadline) {
            LockSupport.parkNanos(BETWEEN_LOOKS.toNanos());
            stayed.retainAll(OciRuntime.leaks(config));
        }
        return stayed.stream().map(MachineHousekeeping::line).toList();
    }

    private static String line(Leak leak) {
        return leak.kind().name().toLowerCase(Locale.ROOT) + " " + leak.what();
    }

    @Override
    public void removeAll(Settings settings, Progress progress) throws IOException {
        endSandboxes(settings, progress);
        progress.step("removing networks, rules and control groups");
        OciRuntime.purge(RuntimeSettings.of(settings).known());
        RuntimeSettings.of(settings).release();
        LayerStore.detachLeftovers(new Layout(settings.dataDir()).pool());
    }
}
