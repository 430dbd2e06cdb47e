package dev.sandlot.control;

import dev.sandlot.control.BuildStore.Build;
import dev.sandlot.control.BuildStore.Outcome;
import dev.sandlot.control.BuildStore.Reason;
import dev.sandlot.control.BuildStore.Request;
import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.BuildLogEntry;
import dev.sandlot.protocol.BuildPlan;
import dev.sandlot.protocol.BuildService;
import dev.sandlot.protocol.BuildState;
import dev.sandlot.protocol.BuiltTemplate;
import dev.sandlot.protocol.ErrorKind;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The life of every build from the request to its end (template-build.md 12).
 *
 * <p>Invariants: a build is written down as at work before the builder is asked, so that one which the builder does
 * not know was cut and has failed; {@code handingOver} holds those that the builder is being asked to take. An end is
 * written down once, whoever sees it first: the builder's report, a caller who looks, or the reconciliation.
 *
 * <p>Callers' threads do their own work. Builds that a newer one takes the place of, and those of deleted templates,
 * are ended on virtual threads of this class.
 */
final class Builds implements AutoCloseable {
    static final Duration LONGEST_WAIT = Duration.ofMinutes(40);
    static final Duration LONGEST_BUILD = Duration.ofHours(1);
    static final Reason SUPERSEDED =
            new Reason("The build was superseded by a newer one of the same template and tag", null);
    static final String CANCELLED = "The build was cancelled";
    private static final Logger LOG = LoggerFactory.getLogger(Builds.class);
    private static final Reason NOT_STARTED =
            new Reason("The build was not started within " + LONGEST_WAIT.toMinutes() + " minutes", null);
    private static final Reason LOST =
            new Reason("The builder does not know the build any more; ask for a new one", null);
    private static final Reason DELETED = new Reason("The template was deleted", null);
    private static final String TOO_LONG = "The build took longer than " + LONGEST_BUILD.toMinutes() + " minutes";

    private final BuildStore store;
    private final BuildService builder;
    private final InstantSource clock;
    private final Set<UUID> handingOver = ConcurrentHashMap.newKeySet();
    private final ExecutorService tasks = Executors.newVirtualThreadPerTaskExecutor();

    Builds(BuildStore store, BuildService builder, InstantSource clock) {
        this.store = store;
        this.builder = builder;
        this.clock = clock;
        builder.onEnd(this::ended);
    }

    /** How many builds were ended and how many could not be. */
    record Cancelled(int done, int failed) {}

    /** Writes a build down that waits to be started. */
    Outcome request(Request request) {
        return store.request(request, SUPERSEDED, Moments.now(clock));
    }

    /** A build of a template that is not deleted, as it is now. */
    Optional<Build> find(UUID buildId) {
        return store.find(buildId);
    }

    /** The same; what its builder alone knows of its end is written down first. */
    Optional<Build> look(UUID buildId) throws ApiException {
        Optional<Build> found = store.find(buildId);
        if (found.isEmpty() || found.get().status() != BuildStatus.BUILDING) {
            return found;
        }
        Optional<BuildState> state = builder.state(buildId);
        return state.isPresent() && finish(buildId, state.get()) ? store.find(buildId) : found;
    }

    /** The log of a build so far. */
    List<BuildLogEntry> log(UUID buildId) throws ApiException {
        return builder.log(buildId);
    }

    /**
     * Hands a waiting build to the builder; older ones of the same template and tag are ended.
     *
     * @throws ApiException {@code INVALID} when it does not wait any more; as the builder says when that takes none,
     *     and the build waits on
     */
    void start(Build build, BuildPlan plan) throws ApiException {
        handingOver.add(build.id());
        try {
            if (!store.start(build.id(), plan.semantics(), Moments.now(clock))) {
                throw notWaiting(build.id());
            }
            handOver(plan);
        } finally {
            handingOver.remove(build.id());
        }
        inBackground(() -> endOlder(build));
    }

    static ApiException notWaiting(UUID buildId) {
        return new ApiException(ErrorKind.INVALID, "Build '" + buildId + "' is not in the waiting state");
    }

    private void handOver(BuildPlan plan) throws ApiException {
        boolean taken = false;
        try {
            builder.start(plan);
            taken = true;
        } finally {
            if (!taken) {
                store.putBack(plan.buildId());
            }
        }
    }

    private void endOlder(Build build) {
        store.active().stream()
                .filter(other -> other.templateId().equals(build.templateId())
                        && !other.id().equals(build.id())
                        && other.status() == BuildStatus.BUILDING
                        && !other.createdAt().isAfter(build.createdAt())
                        && other.sharesTag(build.tags()))
                .forEach(other -> end(other, SUPERSEDED));
    }

    /** Ends all builds of a team. */
    Cancelled cancelAll(UUID teamId) {
        List<Build> all = store.active().stream()
                .filter(build -> teamId.equals(build.teamId()))
                .toList();
        int failed = (int) all.stream()
                .filter(build -> !end(build, new Reason(CANCELLED, null)))
                .count();
        return new Cancelled(all.size() - failed, failed);
    }

    /** Ends and forgets the builds of templates that were deleted. Returns at once. */
    void templateDeleted() {
        inBackground(this::forgetDeleted);
    }

    private void forgetDeleted() {
        List<UUID> left = store.unforgotten();
        for (UUID buildId : left) {
            try {
                builder.cancel(buildId, DELETED.message());
                store.fail(buildId, DELETED, Moments.now(clock));
                builder.forget(buildId);
                store.forgotten(buildId, Moments.now(clock));
            } catch (ApiException | RuntimeException e) {
                LOG.warn("could not forget build {} of a deleted template; it is tried again", buildId, e);
            }
        }
    }

    /** Says whether the build is at its end now. */
    private boolean end(Build build, Reason reason) {
        try {
            builder.cancel(build.id(), reason.message());
            store.fail(build.id(), reason, Moments.now(clock));
            return true;
        } catch (ApiException | RuntimeException e) {
            LOG.warn("could not end build {}", build.id(), e);
            return false;
        }
    }

    private void ended(UUID buildId, BuildState state) {
        try {
            finish(buildId, state);
        } catch (RuntimeException e) {
            LOG.error("could not write down how build {} ended; it is tried again", buildId, e);
        }
    }

    /** Writes an end down; says whether this is news. */
    private boolean finish(UUID buildId, BuildState state) {
        Instant now = Moments.now(clock);
        return switch (state) {
            case BuildState.Running() -> false;
            case BuildState.Ready(BuiltTemplate built) -> store.finish(buildId, built, now);
            case BuildState.Failed(String message, String step) -> store.fail(buildId, new Reason(message, step), now);
        };
    }

    /** Makes the books and the builder agree, and ends what waits or works for too long. */
    void reconcile() {
        for (Build build : store.active()) {
            try {
                reconcile(build);
            } catch (ApiException | RuntimeException e) {
                LOG.warn("could not learn how build {} is; it is tried again", build.id(), e);
            }
        }
        forgetDeleted();
    }

    private void reconcile(Build build) throws ApiException {
        if (build.status() == BuildStatus.WAITING) {
            if (isOver(build.createdAt(), LONGEST_WAIT)) {
                store.fail(build.id(), NOT_STARTED, Moments.now(clock));
            }
            return;
        }
        if (handingOver.contains(build.id())) {
            return;
        }
        Optional<BuildState> state = builder.state(build.id());
        if (state.isEmpty()) {
            store.fail(build.id(), LOST, Moments.now(clock));
        } else if (!finish(build.id(), state.get()) && isOver(startOf(build), LONGEST_BUILD)) {
            end(build, new Reason(TOO_LONG, null));
        }
    }

    private static Instant startOf(Build build) {
        Instant started = build.startedAt();
        return started == null ? build.createdAt() : started;
    }

    private boolean isOver(Instant since, Duration longest) {
        return since.plus(longest).isBefore(clock.instant());
    }

    private void inBackground(Runnable task) {
        try {
            tasks.execute(() -> {
                try {
                    task.run();
                } catch (RuntimeException e) {
                    LOG.warn("could not end builds that are not wanted any more", e);
                }
            });
        } catch (RejectedExecutionException e) {
            LOG.debug("builds are left to the next start while closing", e);
        }
    }

    @Override
    public void close() {
        tasks.close();
    }
}
