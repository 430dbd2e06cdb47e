package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.BodyBudget;
import dev.sandlot.protocol.BuildService;
import dev.sandlot.protocol.ExchangeHandler;
import dev.sandlot.protocol.NodeService;
import dev.sandlot.protocol.PushRights;
import dev.sandlot.protocol.SandboxId;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The control plane of one server: its REST API and the life of its sandboxes. Make it, {@link #recover()}, serve
 * {@link #api()}, close it. Closing leaves the sandboxes running; the next start finds them again. The store, the
 * node and the builder belong to the caller and are closed after it.
 */
public final class ControlPlane implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ControlPlane.class);
    private static final long RECONCILE_MINUTES = 1;
    private static final long FORGET_HOURS = 1;

    /** Bodies of requests have a quarter of the heap. */
    private static final int BODY_PARTS = 4;

    private final ControlSettings settings;
    private final Store store;
    private final InstantSource clock;
    private final Lifecycle lifecycle;
    private final Reconciliation reconciliation;
    private final BuildService builder;
    private final Builds builds;
    private final List<Route> routes;
    private final ApiHandler api;
    private final RateLimiter rates;
    private final Authenticator authenticator;
    private final ExecutorService background = Executors.newVirtualThreadPerTaskExecutor();
    private final ScheduledExecutorService housekeeping = Executors.newScheduledThreadPool(
            2, Thread.ofPlatform().name("control-housekeeping").daemon().factory());
    private volatile boolean ready;
    private volatile long changesSeen;

    public ControlPlane(ControlSettings settings, Store store, NodeService node, BuildService builder) {
        this(settings, store, node, builder, InstantSource.system());
    }

    ControlPlane(ControlSettings settings, Store store, NodeService node, BuildService builder, InstantSource clock) {
        this.settings = settings;
        this.store = store;
        this.clock = clock;
        AccessTokens tokens = new AccessTokens(settings.accessTokenSeed());
        this.lifecycle = new Lifecycle(store, node, tokens, clock);
        this.reconciliation = new Reconciliation(store.sandboxes(), node, lifecycle, clock);
        this.builder = builder;
        this.builds = new Builds(store.builds(), builder, clock);
        ApiSettings rules = settings.api();
        FileUploads uploads = new FileUploads(new UploadLinks(tokens, clock), builder, store.templates());
        this.authenticator = new Authenticator(
                store,
                new Authenticator.Settings(
                        operators(rules), IdentityProviders.of(rules.providers(), clock), rules.legacy()),
                background);
        this.routes = routes(tokens, uploads);
        RedisAddress rateStore = rules.rateStore();
        this.rates =
                new RateLimiter(rules.rates(), rateStore == null ? RateCounts.inMemory() : new RedisCounts(rateStore));
        this.api = new ApiHandler(
                routes,
                ApiDescription.load(),
                authenticator,
                rates,
                guard(rules),
                uploads,
                BodyBudget.ofHeap(BODY_PARTS));
    }

    private Operators operators(ApiSettings rules) {
        return Operators.of(settings.adminToken(), rules.operators(), clock);
    }

    private RequestGuard guard(ApiSettings rules) {
        return new RequestGuard(() -> ready, rules.requestDeadline());
    }

    private List<Route> routes(AccessTokens tokens, FileUploads uploads) {
        Templates templates = new Templates(store.templates());
        Answers answers = new Answers(tokens);
        TeamKeys keys = new TeamKeys(store.teams(), authenticator);
        Idempotency idempotency = new Idempotency(store.operations(), settings.api(), tokens, clock);
        List<Route> routes = new ArrayList<>(LaterOperations.routes());
        routes.add(new Route("GET", "/health", Access.OPEN, true, call -> health()));
        routes.add(new Route("GET", "/ready", Access.OPEN, true, call -> readiness()));
        routes.addAll(new SandboxEndpoints(lifecycle, templates, answers, idempotency).routes());
        routes.addAll(new SandboxLists(lifecycle, templates, answers).routes());
        routes.addAll(new TemplateEndpoints(lifecycle, templates, store.templates(), builds).routes());
        routes.addAll(new BuildEndpoints(
                        builds,
                        new BuildPlans(templates, store.builds()),
                        store,
                        clock,
                        settings.api().legacy())
                .routes());
        routes.addAll(new BuildLogEndpoints(builds).routes());
        routes.addAll(uploads.routes());
        routes.addAll(new AccountEndpoints(keys, store.people(), settings.api().legacy()).routes());
        routes.addAll(new OperatorEndpoints(lifecycle, store, keys, builds).routes());
        routes.addAll(new TeamAdministration(store, keys, authenticator).routes());
        routes.addAll(new TeamAddons(store.teams(), authenticator, clock).routes());
        routes.addAll(new PeopleAdministration(store.people()).routes());
        routes.addAll(new StorageEndpoints(builder, templates, store.templates(), store.builds()).routes());
        routes.addAll(new ImageEndpoints(builder).routes());
        routes.addAll(new NodeEndpoints(lifecycle.nodes(), lifecycle).routes());
        routes.addAll(ApiDescription.load().routes());
        return routes;
    }

    private Reply health() {
        return ready ? Reply.text(200, "Health check successful") : Reply.text(503, "Service is unavailable");
    }

    /** Whether requests can be answered, which takes the store too; {@link #health} says whether the server lives. */
    private Reply readiness() {
        return ready && store.trouble() != null
                ? Reply.text(503, "Service is unavailable: the store does not answer")
                : health();
    }

    /**
     * Takes up the sandboxes that ran before a restart; from then on requests are answered. To be called once.
     *
     * @throws ApiException when the node cannot be asked what it runs
     */
    public void recover() throws ApiException {
        lifecycle.nodes().recover();
        reconciliation.recover();
        builds.reconcile();
        ready = true;
        every(RECONCILE_MINUTES, TimeUnit.MINUTES, reconciliation::reconcile);
        every(RECONCILE_MINUTES, TimeUnit.MINUTES, builds::reconcile);
        every(FORGET_HOURS, TimeUnit.HOURS, this::forgetOldRecords);
        every(1, TimeUnit.SECONDS, this::followChanges);
        every(1, TimeUnit.SECONDS, lifecycle::recordEnds);
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
        } catch (StoreAwayException e) {
            LOG.debug("housekeeping waits for the store", e);
        } catch (ApiException | RuntimeException e) {
            LOG.warn("housekeeping failed; it is tried again later", e);
        }
    }

    /** Other programs and servers change keys and teams too; what is remembered of them goes within a second. */
    private void followChanges() {
        long now = store.teams().changes();
        if (now != changesSeen) {
            changesSeen = now;
            authenticator.forgetAll();
        }
    }

    private void forgetOldRecords() {
        store.operations().forgetRequests(clock.instant().minus(settings.api().idempotencyKept()));
        int forgotten = store.sandboxes().forgetEndings(clock.instant().minus(settings.endingsKept()));
        LOG.debug("forgot {} ended sandboxes", forgotten);
    }

    /** Makes the books of builds and the builder agree, as happens every minute. */
    void reconcileBuilds() {
        builds.reconcile();
    }

    /** The operations that are served. */
    List<Route> apiRoutes() {
        return routes;
    }

    /** Answers the REST API. */
    public ExchangeHandler api() {
        return api;
    }

    /** What the image registry asks about who may use it. */
    public PushRights pushRights() {
        return new RegistryRights(store, authenticator, settings.api().legacy());
    }

    /** The layers that no collector may take: those of templates, and of sandboxes that run. */
    public Set<String> layersInUse() {
        return store.builds().layersInUse();
    }

    /** Takes in templates that are ready to be started. */
    public TemplateRegistry templates() {
        return new TemplateRegistry(store);
    }

    /**
     * Takes note that a run of a sandbox is no longer on its node; for the node to call. Nothing happens when another
     * run has taken its place. Returns at once.
     */
    public void sandboxEnded(SandboxId id, UUID executionId) {
        lifecycle.sandboxEnded(id, executionId);
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
        builds.close();
        background.close();
        rates.close();
    }
}
