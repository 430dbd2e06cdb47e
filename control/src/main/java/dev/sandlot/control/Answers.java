package dev.sandlot.control;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The bodies that tell about sandboxes (public-api.md 6.2, 6.3). */
final class Answers {
    /** A fixed word that old clients still expect (3.1). */
    private static final String CLIENT_ID = "6532622b";

    private final AccessTokens tokens;

    Answers(AccessTokens tokens) {
        this.tokens = tokens;
    }

    private record Sandbox(
            String templateID,
            String sandboxID,
            String clientID,
            String envdVersion,
            String alias,
            String envdAccessToken) {}

    private record ListedSandbox(
            String templateID,
            String sandboxID,
            String clientID,
            String alias,
            String startedAt,
            String endAt,
            int cpuCount,
            int memoryMB,
            int diskSizeMB,
            @Nullable Map<String, String> metadata,
            String state,
            String envdVersion,
            List<VolumeMount> volumeMounts) {}

    private record VolumeMount(String name, String path) {}

    private record SandboxDetail(
            String templateID,
            String sandboxID,
            String clientID,
            String alias,
            String startedAt,
            String endAt,
            int cpuCount,
            int memoryMB,
            int diskSizeMB,
            @Nullable Map<String, String> metadata,
            String state,
            String envdVersion,
            List<VolumeMount> volumeMounts,
            String envdAccessToken,
            @Nullable Boolean allowInternetAccess,
            SandboxLifecycle lifecycle) {}

    private record SandboxLifecycle(boolean autoResume, String onTimeout) {
        static final SandboxLifecycle KILL = new SandboxLifecycle(false, "kill");
    }

    /** What create and connect answer. */
    Object sandbox(SandboxRecord sandbox) {
        return new Sandbox(
                sandbox.origin().templateId(),
                sandbox.id().value(),
                CLIENT_ID,
                sandbox.origin().envdVersion(),
                sandbox.origin().alias(),
                tokens.envd(sandbox.id()));
    }

    /** An item of a list. */
    Object listed(SandboxRecord sandbox) {
        return new ListedSandbox(
                sandbox.origin().templateId(),
                sandbox.id().value(),
                CLIENT_ID,
                sandbox.origin().alias(),
                Moments.text(sandbox.startedAt()),
                Moments.text(sandbox.endAt()),
                sandbox.resources().cpuCount(),
                sandbox.resources().memoryMb(),
                sandbox.resources().diskMb(),
                sandbox.options().metadata(),
                sandbox.state().text(),
                sandbox.origin().envdVersion(),
                List.of());
    }

    /** All that is told about one sandbox. */
    Object detail(SandboxRecord sandbox) {
        return new SandboxDetail(
                sandbox.origin().templateId(),
                sandbox.id().value(),
                CLIENT_ID,
                sandbox.origin().alias(),
                Moments.text(sandbox.startedAt()),
                Moments.text(sandbox.endAt()),
                sandbox.resources().cpuCount(),
                sandbox.resources().memoryMb(),
                sandbox.resources().diskMb(),
                sandbox.options().metadata(),
                sandbox.state().text(),
                sandbox.origin().envdVersion(),
                List.of(),
                tokens.envd(sandbox.id()),
                sandbox.options().allowInternetAccess(),
                SandboxLifecycle.KILL);
    }
}
