package dev.sandlot.runtime;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * What to start.
 *
 * @param id of the sandbox; letters, digits, dash, underscore
 * @param templateId shown to the sandbox
 * @param layers directories with container owners, the lowest first
 * @param cpuCount processors
 * @param memoryMb memory in MiB
 * @param pidsMax processes and threads
 * @param hostname its own name
 * @param allowInternet whether it may reach anything outside; private ranges stay closed either way
 * @param labels whatever the caller wants to find again after a restart
 */
public record RuntimeSpec(
        String id,
        String templateId,
        List<Path> layers,
        double cpuCount,
        int memoryMb,
        int pidsMax,
        String hostname,
        boolean allowInternet,
        Map<String, String> labels) {
    private static final Pattern ID = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,62}");
    private static final Pattern HOSTNAME = Pattern.compile("[A-Za-z0-9.-]{1,63}");

    public RuntimeSpec {
        layers = List.copyOf(layers);
        labels = Map.copyOf(labels);
        require(ID.matcher(id).matches(), "sandbox ID", id);
        require(HOSTNAME.matcher(hostname).matches(), "hostname", hostname);
        require(!layers.isEmpty() && layers.stream().allMatch(Path::isAbsolute), "layers", layers);
        require(cpuCount > 0 && memoryMb > 0 && pidsMax > 0, "limits", cpuCount + "/" + memoryMb + "/" + pidsMax);
    }

    private static void require(boolean condition, String what, Object value) {
        if (!condition) {
            throw new IllegalArgumentException("not usable as " + what + ": " + value);
        }
    }
}
