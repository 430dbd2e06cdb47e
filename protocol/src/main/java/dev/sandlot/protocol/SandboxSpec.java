package dev.sandlot.protocol;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What a node needs to start one sandbox (platform.md 9, create message).
 *
 * @param id the sandbox
 * @param executionId this run of it
 * @param teamId who owns it
 * @param templateId the template it comes from
 * @param buildId the build of that template
 * @param layers the build's layers, lowest first, as digests of the node's layer store
 * @param cpuCount processors it may use
 * @param memoryMb memory it may use, in MiB
 * @param diskMb disk it may fill, in MiB; 0 for no limit
 * @param envVars variables for every process that clients start
 * @param envdAccessToken the token that file and process calls must carry, or null when open to all
 * @param defaultUser who runs commands when the caller does not say
 * @param defaultWorkdir where commands run when the caller does not say; empty for the user's home
 * @param allowInternetAccess whether connections to the outside are let through
 * @param start what the template starts in every sandbox before it counts as created, or null
 * @param endAt when the control plane means to end it
 */
public record SandboxSpec(
        SandboxId id,
        UUID executionId,
        UUID teamId,
        String templateId,
        UUID buildId,
        List<String> layers,
        int cpuCount,
        int memoryMb,
        int diskMb,
        Map<String, String> envVars,
        @Nullable String envdAccessToken,
        String defaultUser,
        String defaultWorkdir,
        boolean allowInternetAccess,
        @Nullable TemplateStart start,
        Instant endAt) {
    public SandboxSpec {
        layers = List.copyOf(layers);
        envVars = Map.copyOf(envVars);
    }
}
