package dev.sandlot.envd;

import dev.sandlot.protocol.SandboxId;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a sandbox's envd is told when it begins; {@code /init} may change all but the names later.
 *
 * @param owner whose sandbox it is: in that name memory is held for the bodies of requests
 * @param envVars variables of every process
 * @param accessToken what clients must show, or null when the sandbox is open to all
 * @param defaultUser who acts when a request names nobody
 * @param defaultWorkdir where empty paths lead, or empty for the acting user's home
 */
public record EnvdConfig(
        SandboxId sandboxId,
        String templateId,
        String owner,
        Map<String, String> envVars,
        @Nullable String accessToken,
        String defaultUser,
        String defaultWorkdir) {
    public EnvdConfig {
        envVars = Map.copyOf(envVars);
    }

    /** Of a sandbox that is its own owner. */
    public EnvdConfig(
            SandboxId sandboxId,
            String templateId,
            Map<String, String> envVars,
            @Nullable String accessToken,
            String defaultUser,
            String defaultWorkdir) {
        this(sandboxId, templateId, sandboxId.value(), envVars, accessToken, defaultUser, defaultWorkdir);
    }
}
