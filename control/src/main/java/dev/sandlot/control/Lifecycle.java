package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import dev.sandlot.protocol.NodeService;
import dev.sandlot.protocol.SandboxId;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The life of every sandbox from its start to its end (public-api.md 8, platform.md 4 and 7).
 *
 * <p>Invariants: a sandbox that a node was asked to start has a row and a place in memory before the node is asked;
 * both go only after the node was asked to end it, or said that it ended. A place of the quota is held exactly as
 * long as the place in memory. The end time in memory, store and expiry queue changes only under the sandbox's lock.
 *
 * <p>Callers' threads do their own work. Ends that nobody waits for (time over, reports of nodes) run on virtual
 * threads of this class.
 */
final class Lifecycle implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Lifecycle.class);
    private static final int EVICTIONS_AT_ONCE = 256;

    private final SandboxStore store;
    private final NodeService node;
    private final TemplateStore templates;
    private final TeamStore teams;
    private final Nodes nodes;
    private final InstantSource clock;
    private final LiveSandboxes live = new LiveSandboxes();
    private final Quota quota = new Quota();
    private final ExecutorService tasks = Executors.newVirtualThreadPerTaskExecutor();
    private final Semaphore evictions = new Semaphore(EVICTIONS_AT_ONCE);
    private final StoreBacklog backlog = new StoreBacklog();
    private final ExpiryQueue expiry;
    private final SandboxStart starts;

    Lifecycle(Store store, NodeService node, AccessTokens tokens, InstantSource clock) {
        this.store = store.sandboxes();
        this.templates = store.templates();
        this.teams = store.teams();
        this.node = node;
        this.nodes = new Nodes(node, store.operations(), clock);
        this.clock = clock;
        this.expiry = new ExpiryQueue(clock, id -> tasks.execute(() -> evict(id)));
        this.starts = new SandboxStart(store, backlog, nodes, node, tokens, clock);
    }

    /**
     * Starts a sandbox and returns when it answers.
     *
     * @throws ApiException {@code LIMITED} when the team holds as many as it may; {@code FORBIDDEN} when it was banned
     *     or blocked meanwhile; else as the node failed, with a code of public-api.md 1.3. Nothing is left of it then
     */
    SandboxRecord start(SandboxStart.Request request) throws ApiException {
        quota.reserve(request.team());
        requireRoom(request.team());
        LiveSandbox sandbox = new LiveSandbox(starts.intent(request));
        live.add(sandbox);
        SandboxRecord running;
        boolean started = false;
        try {
            running = run(sandbox, request);
            expiry.schedule(running.id(), running.endAt());
            started = true;
        } finally {
            if (!started) {
                starts.undo(sandbox);
                leaveMemory(sandbox);
            }
            sandbox.endStart();
        }
        keepOnlyForGoodTeam(sandbox);
        count(running);
        return running;
    }

    /** An operator who ended it meanwhile mostly did so because of its team; then that is what the caller is told. */
    private SandboxRecord run(LiveSandbox sandbox, SandboxStart.Request request) throws ApiException {
        try {
            return starts.run(sandbox, request);
        } catch (ApiException e) {
            if (sandbox.isLeaving()) {
                requireGood(sandbox.record().teamId());
            }
            throw e;
        }
    }

    /**
     * Looks at the team once more, now that operators see the sandbox. So a ban comes either before this look, or
     * finds the sandbox running.
     */
    private void keepOnlyForGoodTeam(LiveSandbox sandbox) throws ApiException {
        try {
            requireGood(sandbox.record().teamId());
        } catch (ApiException | RuntimeException e) {
            endRefused(sandbox, e);
            throw e;
        }
    }

    private void endRefused(LiveSandbox sandbox, Exception cause) {
        try {
            kill(sandbox, KillReason.ADMIN);
        } catch (ApiException e) {
            cause.addSuppressed(e);
            LOG.error("could not end sandbox {}, whose team is refused; it is out of the books", sandbox.id(), e);
        }
    }

    private void requireGood(UUID teamId) throws ApiException {
        teams.required(teamId).standing().requireGood();
    }

    private void requireRoom(Team team) throws ApiException {
        boolean found = false;
        try {
            starts.requireRoom();
            found = true;
        } finally {
            if (!found) {
                quota.release(team.id());
            }
        }
    }

    /** Nobody waits for the count, and a failure costs no more than that. */
    private void count(SandboxRecord running) {
        try {
            tasks.execute(() -> countNow(running));
        } catch (RejectedExecutionException e) {
            LOG.debug("the start of {} is not counted while closing", running.id(), e);
        }
    }

    private void countNow(SandboxRecord running) {
        try {
            templates.spawned(running.origin().templateId(), running.startedAt());
        } catch (StoreAwayException e) {
            LOG.debug("the start of {} is not counted", running.id(), e);
        }
    }

    /** Tells the store of the ends that it could not be told of. */
    void recordEnds() {
        backlog.retry();
    }

    /** Whether a sandbox of that template is there, or about to be. */
    boolean uses(String templateId) {
        return live.all().anyMatch(sandbox -> sandbox.origin().templateId().equals(templateId));
    }

    /** The nodes that sandboxes are placed on. */
    Nodes nodes() {
        return nodes;
    }

    /** A sandbox of the team that runs. */
    SandboxRecord running(Team team, SandboxId id) throws ApiException {
        return Optional.of(find(team, id).record())
                .filter(sandbox -> sandbox.state() == SandboxState.RUNNING)
                .orElseThrow(() -> unknown(id));
    }

    /** Any sandbox that runs, whoever owns it. */
    Optional<SandboxRecord> running(SandboxId id) {
        return live.find(id).map(LiveSandbox::record).filter(sandbox -> sandbox.state() == SandboxState.RUNNING);
    }

    /** The sandboxes of the team that run. */
    Stream<SandboxRecord> running(Team team) {
        return live.running(team.id());
    }

    /** Ends a sandbox of the team; several calls at once share one outcome. */
    void kill(Team team, SandboxId id) throws ApiException {
        kill(find(team, id), KillReason.REQUEST);
    }

    /** The sandboxes of the team that run or are about to. */
    List<SandboxId> startingOrRunning(Team team) {
        return live.all()
                .filter(sandbox -> sandbox.teamId().equals(team.id()))
                .filter(sandbox -> sandbox.state() == SandboxState.STARTING || sandbox.state() == SandboxState.RUNNING)
                .map(SandboxRecord::id)
                .toList();
    }

    /** Ends a sandbox because an operator wants it so, also one that is still starting. */
    void killForOperator(Team team, SandboxId id) throws ApiException {
        kill(findInAnyState(team, id), KillReason.ADMIN);
    }

    /** Sets the end to so long from now, within the longest life that the team's tier grants. */
    void setTimeout(Team team, SandboxId id, Duration timeout) throws ApiException {
        moveEnd(team, id, current -> Moments.earlier(now().plus(timeout), lastEnd(team, current)));
    }

    /** Moves the end to at least so long from now, within the longest life. */
    void refresh(Team team, SandboxId id, Duration duration) throws ApiException {
        moveEnd(team, id, current -> extended(current, duration, lastEnd(team, current)));
    }

    /** Makes sure that a running sandbox lives at least so long from now, as far as its tier allows. */
    SandboxRecord connect(Team team, SandboxId id, Duration timeout) throws ApiException {
        return moveEnd(team, id, current -> extended(current, timeout, cap(team, current)));
    }

    @FunctionalInterface
    private interface NewEnd {
        Instant of(SandboxRecord current) throws ApiException;
    }

    private SandboxRecord moveEnd(Team team, SandboxId id, NewEnd end) throws ApiException {
        return find(team, id).change(current -> {
            requireRunning(current);
            return moveEnd(current, end.of(current));
        });
    }

    private SandboxRecord moveEnd(SandboxRecord current, Instant end) throws ApiException {
        if (end.equals(current.endAt())) {
            return current;
        }
        if (!store.moveEnd(current.id(), current.executionId(), end)) {
            throw new ApiException(ErrorKind.INTERNAL, "the record of sandbox " + current.id() + " is gone");
        }
        expiry.schedule(current.id(), end);
        return current.endingAt(end);
    }

    private static void requireRunning(SandboxRecord current) throws ApiException {
        if (current.state() != SandboxState.RUNNING) {
            throw new ApiException(ErrorKind.CONFLICT, "Sandbox \"" + current.id() + "\" is being killed");
        }
    }

    private Instant extended(SandboxRecord current, Duration duration, Instant cap) {
        return Moments.later(current.endAt(), Moments.earlier(now().plus(duration), cap));
    }

    private Instant lastEnd(Team team, SandboxRecord current) throws ApiException {
        Instant cap = cap(team, current);
        if (!cap.isAfter(now())) {
            throw new ApiException(ErrorKind.INVALID, "Max instance length exceeded");
        }
        return cap;
    }

    private static Instant cap(Team team, SandboxRecord current) {
        return current.startedAt().plus(team.limits().maxLength());
    }

    private LiveSandbox find(Team team, SandboxId id) throws ApiException {
        return Optional.of(findInAnyState(team, id))
                .filter(sandbox -> sandbox.record().state() != SandboxState.STARTING)
                .orElseThrow(() -> unknown(id));
    }

    private LiveSandbox findInAnyState(Team team, SandboxId id) throws ApiException {
        return live.find(id)
                .filter(sandbox -> sandbox.record().teamId().equals(team.id()))
                .orElseThrow(() -> unknown(id));
    }

    private static ApiException unknown(SandboxId id) {
        return new ApiException(
                ErrorKind.NOT_FOUND, "Sandbox \"" + id + "\" doesn't exist or you don't have access to it");
    }

    /** Takes note that a run of a sandbox is no longer on its node. Returns at once. */
    void sandboxEnded(SandboxId id, UUID executionId) {
        try {
            tasks.execute(() -> live.find(id)
                    .filter(sandbox -> sandbox.record().executionId().equals(executionId))
                    .ifPresent(this::lost));
        } catch (RejectedExecutionException e) {
            LOG.debug("sandbox {} ended while closing; the next start will see it", id, e);
        }
    }

    /** The sandboxes of all teams that run. */
    Stream<SandboxRecord> running() {
        return live.running();
    }

    /** Whether memory holds a sandbox of that name, in whatever state. */
    boolean knows(SandboxId id) {
        return live.find(id).isPresent();
    }

    /** Takes in a sandbox that runs already. */
    void adopt(SandboxRecord running) {
        quota.adopt(running.teamId());
        live.add(new LiveSandbox(running));
        expiry.schedule(running.id(), running.endAt());
    }

    private void evict(SandboxId id) {
        evictions.acquireUninterruptibly();
        try {
            Optional<LiveSandbox> sandbox = live.find(id);
            if (sandbox.isPresent()) {
                evict(sandbox.get());
            }
        } catch (ApiException e) {
            LOG.error("could not end sandbox {} whose time is over; it is out of the books", id, e);
        } finally {
            evictions.release();
        }
    }

    private void evict(LiveSandbox sandbox) throws ApiException {
        Optional<LiveSandbox.Transition> transition = sandbox.enterKillingIfOver(now());
        if (transition.isPresent()) {
            end(sandbox, transition.get(), KillReason.TIMEOUT);
        } else if (sandbox.isRunning()) {
            expiry.schedule(sandbox.id(), sandbox.record().endAt());
        }
    }

    private void kill(LiveSandbox sandbox, KillReason reason) throws ApiException {
        LiveSandbox.Entered entered = sandbox.enterKilling();
        if (entered.owned()) {
            end(sandbox, entered.transition(), reason);
        } else {
            entered.transition().join();
        }
    }

    private void end(LiveSandbox sandbox, LiveSandbox.Transition transition, KillReason reason) throws ApiException {
        ApiException failure = killOnNode(sandbox.id());
        if (transition.cutsStart()) {
            sandbox.awaitEndOfStart();
            failure = killOnNode(sandbox.id());
        } else {
            forget(sandbox, reason);
        }
        transition.complete(failure);
        if (failure != null) {
            throw failure;
        }
    }

    private @Nullable ApiException killOnNode(SandboxId id) {
        try {
            node.kill(id);
            return null;
        } catch (ApiException e) {
            return e;
        } catch (RuntimeException e) {
            return new ApiException(ErrorKind.INTERNAL, "could not end sandbox " + id, e);
        }
    }

    private void lost(LiveSandbox sandbox) {
        LiveSandbox.Entered entered = sandbox.enterKilling();
        if (entered.owned()) {
            forget(sandbox, KillReason.UNKNOWN);
            entered.transition().complete(null);
        }
    }

    private void forget(LiveSandbox sandbox, KillReason reason) {
        SandboxRecord record = sandbox.record();
        Instant ended = now();
        backlog.write(
                "the end of sandbox " + record.id(), () -> store.end(record.id(), record.executionId(), reason, ended));
        leaveMemory(sandbox);
    }

    private void leaveMemory(LiveSandbox sandbox) {
        expiry.cancel(sandbox.id());
        if (live.remove(sandbox)) {
            quota.release(sandbox.record().teamId());
        }
    }

    private Instant now() {
        return Moments.now(clock);
    }

    /** Stops the timers. The sandboxes run on, to be found again at the next start. */
    @Override
    public void close() {
        expiry.close();
        tasks.close();
        backlog.retry();
    }
}
