package dev.sandlot.builds;

import dev.sandlot.images.Digest;
import java.io.IOException;
import java.util.List;
import java.util.UUID;

/** Where builds get their sandboxes. Safe for many threads. */
public interface Workshop {
    /**
     * What to work in.
     *
     * @param buildId the build; every sandbox of it ends when the build does, after a crash too
     * @param layers lowest first
     * @param templateId shown to the sandbox
     * @param cpuCount processors
     * @param memoryMb memory in MiB
     */
    record Order(UUID buildId, String templateId, List<Digest> layers, int cpuCount, int memoryMb) {
        public Order {
            layers = List.copyOf(layers);
        }
    }

    /**
     * Starts a sandbox over layers.
     *
     * @throws IOException when it cannot be started; nothing is left behind then
     */
    WorkSandbox open(Order order) throws IOException;
}
