package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import dev.sandlot.protocol.NodeService;
import dev.sandlot.protocol.SandboxId;
import dev.sandlot.protocol.SandboxSpec;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Starts one sandbox: writes the intent, asks the node, records the result (platform.md 3.2). */
final class SandboxStart {
    private static final Logger LOG = LoggerFactory.getLogger(SandboxStart.class);

    private final SandboxStore store;
    private final StoreBacklog backlog;
    private final Nodes nodes;

    private final NodeService node;
    private final AccessTokens tokens;
    private final InstantSource clock;

    SandboxStart(
            Store store,
            StoreBacklog backlog,
            Nodes nodes,
            NodeService node,
            AccessTokens tokens,
            InstantSource clock) {
        this.store = store.sandboxes();
        this.backlog = backlog;
        this.nodes = nodes;
        this.node = node;
        this.tokens = tokens;
        this.clock = clock;
    }

    /** What to start under which name, for whom, and for how long from the moment it answers. */
    record Request(
            SandboxId id,
            Team team,
            Templates.Resolved from,
            SandboxRecord.Options options,
            Map<String, String> envVars,
            Duration timeout) {}

    /** Refuses what no node has room for; nothing has been done then. */
    void requireRoom() throws ApiException {
        try {
            nodes.requireRoom();
        } catch (ApiException e) {
            throw placementFailure(e);
        }
    }

    /** The record of a sandbox that is about to start. */
    SandboxRecord intent(Request request) {
        Template template = request.from().template();
        TemplateBuild build = request.from().build();
        Instant now = Moments.now(clock);
        return new SandboxRecord(
                request.id(),
                UUID.randomUUID(),
                request.team().id(),
                new SandboxRecord.Origin(template.id(), build.id(), template.alias(), build.envdVersion()),
                build.resources(),
                request.options(),
                SandboxState.STARTING,
                now,
                now.plus(timeout(request)));
    }

    /** Carries the intent out and returns the record of the running sandbox. */
    SandboxRecord run(LiveSandbox sandbox, Request request) throws ApiException {
        SandboxRecord intent = sandbox.record();
        store.begin(intent);
        create(spec(intent, request));
        return sandbox.change(current -> started(current, request));
    }

    private void create(SandboxSpec spec) throws ApiException {
        try {
            nodes.create(spec);
        } catch (ApiException e) {
            throw placementFailure(e);
        } catch (RuntimeException e) {
            throw placementFailure(new ApiException(ErrorKind.INTERNAL, "the node failed", e));
        }
    }

    private SandboxRecord started(SandboxRecord current, Request request) throws ApiException {
        Instant now = Moments.now(clock);
        SandboxRecord running = current.running(now, now.plus(timeout(request)));
        if (current.state() != SandboxState.STARTING || !store.started(running)) {
            throw placementFailure(new ApiException(ErrorKind.INTERNAL, "the sandbox ended while it was starting"));
        }
        return running;
    }

    private static Duration timeout(Request request) {
        Duration longest = request.team().limits().maxLength();
        return request.timeout().compareTo(longest) < 0 ? request.timeout() : longest;
    }

    private SandboxSpec spec(SandboxRecord intent, Request request) {
        TemplateBuild build = request.from().build();
        return new SandboxSpec(
                intent.id(),
                intent.executionId(),
                intent.teamId(),
                intent.origin().templateId(),
                build.id(),
                build.layers(),
                build.resources().cpuCount(),
                build.resources().memoryMb(),
                build.resources().diskMb(),
                request.envVars(),
                tokens.envd(intent.id()),
                build.defaultUser(),
                build.defaultWorkdir(),
                request.options().internetAccessAllowed(),
                build.start(),
                intent.endAt());
    }

    private static ApiException placementFailure(ApiException cause) {
        String message = "Failed to place sandbox: " + cause.text();
        return switch (cause.kind()) {
            case UNAVAILABLE, LIMITED, NO_SPACE ->
                new ApiException(ErrorKind.UNAVAILABLE, message, "sandbox_capacity_unavailable", cause);
            case TIMED_OUT -> new ApiException(ErrorKind.TIMED_OUT, message, "sandbox_placement_timeout", cause);
            default -> new ApiException(ErrorKind.INTERNAL, message, "sandbox_create_failed", cause);
        };
    }

    /** Removes what a failed start may have left. */
    void undo(LiveSandbox sandbox) {
        SandboxRecord record = sandbox.record();
        try {
            node.kill(record.id());
        } catch (ApiException | RuntimeException e) {
            LOG.warn("could not make sure that sandbox {}, whose start failed, does not run", record.id(), e);
        }
        backlog.write(
                "that sandbox " + record.id() + " did not start",
                () -> store.abandon(record.id(), record.executionId()));
    }
}
