package dev.sandlot.protocol;

import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * All that a builder needs for one build (template-build.md 4 and 21).
 *
 * @param buildId the build
 * @param templateId the template it is of
 * @param teamId whose cache and uploads it uses
 * @param cpuCount processors of its sandboxes
 * @param memoryMb memory of its sandboxes, in MiB
 * @param diskMb free disk its sandboxes shall have, in MiB
 * @param semantics which rules hold (template-build.md 9)
 * @param origin what it begins with
 * @param steps in order; {@code reason.step} counts them from 1
 * @param startCommand null when the request has none, so that the parent's may hold
 * @param readyCommand null when the request has none
 * @param force whether no layer is taken from the cache
 */
public record BuildPlan(
        UUID buildId,
        String templateId,
        UUID teamId,
        int cpuCount,
        int memoryMb,
        int diskMb,
        Semantics semantics,
        BuildOrigin origin,
        List<Step> steps,
        @Nullable String startCommand,
        @Nullable String readyCommand,
        boolean force) {
    /** The version of the build's rules, by who asked (template-build.md 1). */
    public enum Semantics {
        V1_0,
        V2_0,
        V2_1
    }

    /**
     * One step as the request has it; nothing of it is checked yet.
     *
     * @param type as written, in any case
     * @param filesHash names an upload of the team, or null
     * @param force whether this step and all after it run again
     */
    public record Step(
            String type, List<String> args, @Nullable String filesHash, boolean force) {
        public Step {
            args = List.copyOf(args);
        }
    }

    public BuildPlan {
        steps = List.copyOf(steps);
    }
}
