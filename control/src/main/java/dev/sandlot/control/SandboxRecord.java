package dev.sandlot.control;

import dev.sandlot.protocol.SandboxId;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * One run of a sandbox, as memory and store hold it.
 *
 * @param id its name
 * @param executionId this run
 * @param teamId who owns it
 * @param origin what it was started from
 * @param resources what it may use
 * @param options what its creator asked for
 * @param state where it is in its life
 * @param startedAt when this run began, in whole milliseconds
 * @param endAt when it is to end, in whole milliseconds
 */
record SandboxRecord(
        SandboxId id,
        UUID executionId,
        UUID teamId,
        Origin origin,
        Resources resources,
        Options options,
        SandboxState state,
        Instant startedAt,
        Instant endAt) {

    /** The template and build, with what answers tell about them. */
    record Origin(String templateId, UUID buildId, String alias, String envdVersion) {}

    /** The choices that answers give back; null where the creator made none. */
    record Options(
            @Nullable Boolean allowInternetAccess, @Nullable Map<String, String> metadata) {
        static final Options NONE = new Options(null, null);

        Options {
            metadata = metadata == null ? null : Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
        }

        boolean internetAccessAllowed() {
            return allowInternetAccess == null || allowInternetAccess;
        }
    }

    SandboxRecord running(Instant started, Instant end) {
        return new SandboxRecord(
                id, executionId, teamId, origin, resources, options, SandboxState.RUNNING, started, end);
    }

    SandboxRecord endingAt(Instant end) {
        return new SandboxRecord(id, executionId, teamId, origin, resources, options, state, startedAt, end);
    }

    SandboxRecord in(SandboxState next) {
        return new SandboxRecord(id, executionId, teamId, origin, resources, options, next, startedAt, endAt);
    }
}
