package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import dev.sandlot.protocol.SandboxId;
import java.io.IOException;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;

/** What an operator does to teams and sandboxes (public-api.md 17.1). */
final class OperatorEndpoints {
    private static final int KILLS_AT_ONCE = 10;

    private final Lifecycle lifecycle;
    private final TeamStore teams;
    private final SandboxStore sandboxes;
    private final TeamKeys keys;
    private final Builds builds;

    OperatorEndpoints(Lifecycle lifecycle, Store store, TeamKeys keys, Builds builds) {
        this.lifecycle = lifecycle;
        this.builds = builds;
        this.teams = store.teams();
        this.sandboxes = store.sandboxes();
        this.keys = keys;
    }

    private record KillCounts(int killedCount, int failedCount) {}

    private record CancelCounts(int cancelledCount, int failedCount) {}

    private record AdminSandbox(String sandboxID, UUID teamID, String state) {}

    List<Route> routes() {
        return List.of(
                Route.operator("POST", "/admin/teams/{teamID}/sandboxes/kill", this::killAll),
                Route.operator("GET", "/admin/sandboxes/running-counts", this::counts),
                Route.operator("GET", "/admin/sandboxes", this::sandboxes),
                Route.operator("GET", "/admin/sandboxes/{sandboxID}", this::sandbox),
                Route.operator("DELETE", "/admin/sandboxes/{sandboxID}", this::kill),
                Route.operator("POST", "/admin/teams/{teamID}/builds/cancel", this::cancelBuilds),
                Route.operator("POST", "/admin/teams/{teamID}/api-keys", this::createKey),
                Route.operator("DELETE", "/admin/teams/{teamID}/api-keys/{apiKeyID}", this::deleteKey));
    }

    private Team team(Call call) throws ApiException {
        return teams.required(ProjectIds.required(call.parameter("teamID")));
    }

    private Reply killAll(Call call) throws ApiException {
        Team team = team(call);
        List<SandboxId> all = lifecycle.startingOrRunning(team);
        int failed = kill(team, all);
        return Reply.json(200, new KillCounts(all.size() - failed, failed));
    }

    /** Returns how many could not be ended. */
    private int kill(Team team, List<SandboxId> all) {
        Semaphore free = new Semaphore(KILLS_AT_ONCE);
        AtomicInteger failed = new AtomicInteger();
        try (ExecutorService pool = Executors.newVirtualThreadPerTaskExecutor()) {
            all.forEach(id -> {
                free.acquireUninterruptibly();
                pool.execute(() -> {
                    failed.addAndGet(isKilled(team, id) ? 0 : 1);
                    free.release();
                });
            });
        }
        return failed.get();
    }

    /** One that ended by itself meanwhile is as good as killed. */
    private boolean isKilled(Team team, SandboxId id) {
        try {
            lifecycle.killForOperator(team, id);
            return true;
        } catch (ApiException e) {
            return e.kind() == ErrorKind.NOT_FOUND;
        } catch (RuntimeException e) {
            return false;
        }
    }

    private Reply counts(Call call) {
        Map<String, Long> counts = lifecycle
                .running()
                .collect(Collectors.groupingBy(
                        sandbox -> sandbox.teamId().toString(), TreeMap::new, Collectors.counting()));
        return Reply.json(200, counts);
    }

    private Reply sandbox(Call call) throws ApiException {
        SandboxId id = call.sandboxId();
        Optional<AdminSandbox> found = lifecycle
                .running(id)
                .map(sandbox -> new AdminSandbox(id.value(), sandbox.teamId(), "running"))
                .or(() -> sandboxes.ending(id).map(end -> new AdminSandbox(id.value(), end.teamId(), "killed")));
        return Reply.json(
                200,
                found.orElseThrow(() -> new ApiException(ErrorKind.NOT_FOUND, "Sandbox \"" + id + "\" not found")));
    }

    private record ListedSandbox(
            String sandboxID,
            UUID teamID,
            String templateID,
            String alias,
            int cpuCount,
            int memoryMB,
            String startedAt,
            String endAt) {}

    /** Our own: all that run, the newest first. */
    private Reply sandboxes(Call call) {
        return Reply.json(
                200,
                lifecycle
                        .running()
                        .sorted(Comparator.comparing(SandboxRecord::startedAt).reversed())
                        .map(OperatorEndpoints::listed)
                        .toList());
    }

    private static ListedSandbox listed(SandboxRecord sandbox) {
        return new ListedSandbox(
                sandbox.id().value(),
                sandbox.teamId(),
                sandbox.origin().templateId(),
                sandbox.origin().alias(),
                sandbox.resources().cpuCount(),
                sandbox.resources().memoryMb(),
                Moments.text(sandbox.startedAt()),
                Moments.text(sandbox.endAt()));
    }

    /** Our own. */
    private Reply kill(Call call) throws ApiException {
        SandboxId id = call.sandboxId();
        ApiException unknown = new ApiException(ErrorKind.NOT_FOUND, "Sandbox \"" + id + "\" not found");
        SandboxRecord sandbox = lifecycle.running(id).orElseThrow(() -> unknown);
        lifecycle.killForOperator(teams.byId(sandbox.teamId()).orElseThrow(() -> unknown), id);
        return Reply.empty(204);
    }

    private Reply cancelBuilds(Call call) throws ApiException {
        Builds.Cancelled cancelled = builds.cancelAll(team(call).id());
        return Reply.json(200, new CancelCounts(cancelled.done(), cancelled.failed()));
    }

    private Reply createKey(Call call) throws ApiException, IOException {
        Team team = team(call);
        team.standing().requireGood();
        return Reply.json(201, keys.create(team.id(), Names.required(call.body()), Optional.empty()));
    }

    private Reply deleteKey(Call call) throws ApiException {
        UUID keyId = call.uuid("apiKeyID", "API key ID");
        keys.delete(team(call).id(), keyId, "API key not found");
        return Reply.empty(204);
    }
}
