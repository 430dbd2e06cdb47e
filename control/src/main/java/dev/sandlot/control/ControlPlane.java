package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ExchangeHandler;
import dev.sandlot.protocol.NodeService;
import dev.sandlot.protocol.SandboxId;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The control plane of one server: its REST API and the life of its sandboxes. Make it, {@link #recover()}, serve
 * {@link #api()}, close it. Closing leaves the sandboxes running; the next start finds them again. The store and the
 * node belong to the caller and are closed after it.
 */
public final class ControlPlane implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ControlPlane.class);
    private static final long RECONCILE_MINUTES = 1;
    private static final long FORGET_HOURS = 1;

    private final ControlSettings settings;
    private final Store store;
    private final InstantSource clock;
    private final Lifecycle lifecycle;
    private final Reconciliation reconciliation;
    private final ApiHandler api;
    private final ExecutorService background = Executors.newVirtualThreadPerTaskExecutor();
    private final ScheduledExecutorService housekeeping = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("control-housekeeping").daemon().factory());
    private volatile boolean ready;

    public ControlPlane(ControlSettings settings, Store store, NodeService node) {
        this(settings, store, node, InstantSource.system());
    }

    ControlPlane(ControlSettings settings, Store store, NodeService node, InstantSource clock) {
        this.settings = settings;
        this.store = store;
        this.clock = clock;
        AccessTokens tokens = new AccessTokens(settings.accessTokenSeed());
        this.lifecycle = new Lifecycle(store.sandboxes(), node, tokens, clock);
        this.reconciliation = new Reconciliation(store.sandboxes(), node, lifecycle, clock);
        Authenticator authenticator = new Authenticator(store.teams(), settings.adminToken(), background);
        this.api = new ApiHandler(routes(tokens), authenticator, () -> ready);
    }

    private List<Route> routes(AccessTokens tokens) {
        Templates templates = new Templates(store.templates());
        Answers answers = new Answers(tokens);
        List<Route> routes = new ArrayList<>(LaterOperations.routes());
        routes.add(new Route("GET", "/health", Access.OPEN, true, call -> health()));
        routes.addAll(new SandboxEndpoints(lifecycle, templates, answers).routes());
        routes.addAll(new SandboxLists(lifecycle, templates, answers).routes());
        return routes;
    }

    private Reply health() {
        return ready ? Reply.text(200, "Health check successful") : Reply.text(503, "Service is unavailable");
    }

    /**
     * Takes up the sandboxes that ran before a restart; from then on requests are answered. To be called once.
     *
     * @throws ApiException when the node cannot be asked what it runs
     */
    public void recover() throws ApiException {
        reconciliation.recover();
        ready = true;
        every(RECONCILE_MINUTES, TimeUnit.MINUTES, reconciliation::reconcile);
        every(FORGET_HOURS, TimeUnit.HOURS, this::forgetEndings);
    }

    /** Something done now and then. */
    @FunctionalInterface
    private interface Chore {
        void run() throws ApiException;
    }

    private void every(long period, TimeUnit unit, Chore chore) {
        var _ = housekeeping.scheduleWithFixedDelay(() -> run(chore), period, period, unit);
    }

    private static void run(Chore chore) {
        try {
            chore.run();
        } catch (ApiException | RuntimeException e) {
            LOG.warn("housekeeping failed; it is tried again later", e);
        }
    }

    private void forgetEndings() {
        int forgotten = store.sandboxes().forgetEndings(clock.instant().minus(settings.endingsKept()));
        LOG.debug("forgot {} ended sandboxes", forgotten);
    }

    /** Answers the REST API. */
    public ExchangeHandler api() {
        return api;
    }

    /** Takes in templates that are ready to be started. */
    public TemplateRegistry templates() {
        return new TemplateRegistry(store);
    }

    /** Takes note that a sandbox no longer runs on its node; for the node to call. Returns at once. */
    public void sandboxEnded(SandboxId id) {
        lifecycle.sandboxEnded(id);
    }

    /** A sandbox that runs: which run of it, and whose it is. */
    public record RunningSandbox(SandboxId id, UUID executionId, UUID teamId) {}

    /** The sandbox of that name, if it runs. From memory; never waits. */
    public Optional<RunningSandbox> running(SandboxId id) {
        return lifecycle
                .running(id)
                .map(sandbox -> new RunningSandbox(sandbox.id(), sandbox.executionId(), sandbox.teamId()));
    }

    @Override
    public void close() {
        ready = false;
        housekeeping.shutdownNow();
        lifecycle.close();
        background.close();
    }
}
