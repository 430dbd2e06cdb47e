package dev.sandlot.builds;

import dev.sandlot.images.Digest;
import dev.sandlot.linux.DiskFloor;
import dev.sandlot.linux.FullDisk;
import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.BuildLogEntry;
import dev.sandlot.protocol.BuildPlan;
import dev.sandlot.protocol.BuildService;
import dev.sandlot.protocol.BuildState;
import dev.sandlot.protocol.BuildStorage;
import dev.sandlot.protocol.BuiltTemplate;
import dev.sandlot.protocol.ErrorKind;
import dev.sandlot.protocol.ImageStorage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The builder of a node (template-build.md 3 to 14).
 *
 * <p>A build is in {@code active} from {@link #start} until its end is on disk; then {@code shelf} knows it. Each has a
 * virtual thread, which waits for one of the workers first. It is ended by interrupting that thread. Builds that a
 * crash cut off have failed when the engine is opened again; what they had in the cache is used by the next.
 */
public final class BuildEngine implements BuildService, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(BuildEngine.class);
    private static final String CUT_OFF = "The build was cut off by a stop of the server; please start it again";
    private static final String STOPPED = "The build was ended because the server is stopping";
    private static final String FULL = "no room is left on the disk of the node";
    private static final Duration TIDY_INTERVAL = Duration.ofMinutes(10);

    private final BuildSettings settings;
    private final BuildTools tools;
    private final ImageBases bases;
    private final BuildShelf shelf;
    private final BuildCache cache;
    private final Uploads uploads;
    private final LayerCollector collector;
    private final DiskFloor floor;
    private final NodeStorage storage;
    private final NodeImages images;
    private final Workers workers;
    private final Map<UUID, ActiveBuild> active = new ConcurrentHashMap<>();
    /** Ends that could not be written down, for example as the disk was full; written down when they are asked for. */
    private final Map<UUID, BuildState> unnoted = new ConcurrentHashMap<>();

    private final List<BiConsumer<UUID, BuildState>> listeners = new CopyOnWriteArrayList<>();
    private final AtomicLong tidied = new AtomicLong(System.nanoTime());
    private final ScheduledThreadPoolExecutor timer = new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().daemon().name("build-timer").factory());

    /** Held while a build is taken on, so that none is twice. */
    private final ReentrantLock starts = new ReentrantLock();

    private volatile boolean closed;

    private BuildEngine(BuildSettings settings, BuildParts parts) throws IOException {
        Path directory = DurableFile.directory(settings.directory());
        this.settings = settings;
        this.shelf = new BuildShelf(directory.resolve("builds"));
        this.bases = parts.bases();
        this.cache = new BuildCache(directory.resolve("cache"), parts.layers());
        this.floor = new DiskFloor(directory, settings.freeBytes());
        this.uploads =
                Uploads.open(directory.resolve("uploads"), settings.uploadBytes(), settings.uploadsBytes(), floor);
        this.tools = new BuildTools(
                parts.workshop(),
                parts.layers(),
                parts.bases(),
                parts.copy(),
                cache,
                uploads,
                new FewLayers(parts.layers(), settings.mostLayers()),
                settings.limits());
        List<LayerCollector.References> references = new ArrayList<>(parts.references());
        references.add(cache::references);
        references.add(this::builtLayers);
        references.add(parts.images()::layers);
        this.collector = new LayerCollector(parts.layers(), references);
        this.storage = new NodeStorage(cache, parts.layers(), collector);
        this.images = new NodeImages(parts.images(), parts.layers(), collector, floor);
        this.workers = new Workers(settings.workers());
        timer.setRemoveOnCancelPolicy(true);
    }

    /** Opens the builder over its directory; builds that were cut off have failed when this returns. */
    public static BuildEngine open(BuildSettings settings, BuildParts parts) throws IOException {
        BuildEngine engine = new BuildEngine(settings, parts);
        for (UUID build : engine.shelf.all()) {
            if (engine.shelf.end(build).isEmpty()) {
                engine.fail(build);
            }
        }
        return engine;
    }

    private void fail(UUID build) throws IOException {
        try (LogFile log = shelf.log(build)) {
            log.error("", CUT_OFF);
        }
        shelf.finish(build, new BuildState.Failed(CUT_OFF, null));
    }

    /** What is in the cache. */
    public BuildCache cache() {
        return cache;
    }

    /** Removes layers that nothing needs; whoever else makes layers on this node takes part in it. */
    public LayerCollector collector() {
        return collector;
    }

    @Override
    public void start(BuildPlan plan) throws ApiException {
        starts.lock();
        try {
            if (closed) {
                throw new ApiException(ErrorKind.UNAVAILABLE, "The builder is stopping");
            }
            if (active.containsKey(plan.buildId()) || shelf.knows(plan.buildId())) {
                return;
            }
            requireRoom();
            shelf.begin(plan);
            ActiveBuild build = new ActiveBuild(plan, shelf.log(plan.buildId()));
            active.put(plan.buildId(), build);
            Thread.ofVirtual().name("build-" + plan.buildId()).start(() -> work(build));
        } catch (IOException e) {
            LOG.error("build {} could not be noted", plan.buildId(), e);
            throw new ApiException(ErrorKind.UNAVAILABLE, "The builder cannot keep a new build", e);
        } finally {
            starts.unlock();
        }
    }

    private void requireRoom() throws ApiException {
        if (floor.forbids(0)) {
            throw new ApiException(
                    ErrorKind.UNAVAILABLE, "The builder takes no new build: its disk is nearly full; " + floor.text());
        }
    }

    private void work(ActiveBuild build) {
        UUID team = build.plan().teamId();
        try {
            build.await(() -> workers.acquire(team));
        } catch (InterruptedException e) {
            finish(build, build.ended().orElse(new BuildState.Failed(STOPPED, null)));
            return;
        }
        try (LayerCollector.Use _ = collector.use()) {
            finish(build, workInTime(build));
        } finally {
            workers.release(team);
        }
        tidySometimes();
    }

    private BuildState workInTime(ActiveBuild build) {
        Duration limit = settings.limits().build();
        Future<?> deadline = timer.schedule(
                () -> build.end("The build took longer than " + limit.toMinutes() + " minutes"),
                limit.toNanos(),
                TimeUnit.NANOSECONDS);
        try {
            return attempt(build);
        } finally {
            deadline.cancel(false);
        }
    }

    private BuildState attempt(ActiveBuild build) {
        UUID id = build.plan().buildId();
        long begun = System.nanoTime();
        try {
            AtomicReference<BuiltTemplate> result = new AtomicReference<>();
            build.during(() -> result.set(new BuildRun(build.plan(), tools, build.log()).run()));
            double seconds = (System.nanoTime() - begun) / 1e9;
            build.log().info("", String.format(java.util.Locale.ROOT, "Build finished, took %.1fs", seconds));
            return new BuildState.Ready(Objects.requireNonNull(result.get()));
        } catch (BuildFailure e) {
            String full = FullDisk.caused(e) ? " (" + FULL + ")" : "";
            return build.ended().orElse(new BuildState.Failed(e.text() + full, e.step()));
        } catch (InterruptedException | IOException | RuntimeException | StackOverflowError e) {
            return build.ended().orElseGet(() -> internal(id, e));
        }
    }

    private static BuildState internal(UUID build, Throwable cause) {
        if (FullDisk.caused(cause)) {
            LOG.warn("build {} found no room on the disk: {}", build, cause.toString());
            return new BuildState.Failed("The build cannot go on: " + FULL, null);
        }
        LOG.error("build {} failed", build, cause);
        return new BuildState.Failed(
                "An internal error occurred during the build. If it happens again, quote build ID " + build, null);
    }

    private void finish(ActiveBuild build, BuildState end) {
        UUID id = build.plan().buildId();
        try (LogFile log = build.log()) {
            if (end instanceof BuildState.Failed failed) {
                log.error(failed.step() == null ? "" : failed.step(), failed.message());
            }
            shelf.finish(id, end);
        } catch (IOException e) {
            LOG.error("the end of build {} could not be noted; it is tried again", id, e);
            unnoted.put(id, end);
        } finally {
            active.remove(id);
            build.finished();
        }
        tell(id, end);
    }

    private void tell(UUID id, BuildState end) {
        for (BiConsumer<UUID, BuildState> listener : listeners) {
            try {
                listener.accept(id, end);
            } catch (RuntimeException e) {
                LOG.error("the end of build {} could not be told", id, e);
            }
        }
    }

    private void tidySometimes() {
        long last = tidied.get();
        long now = System.nanoTime();
        if (now - last > TIDY_INTERVAL.toNanos() && tidied.compareAndSet(last, now)) {
            try {
                tidy();
            } catch (IOException e) {
                LOG.warn("layers that nothing needs could not be removed", e);
            }
        }
    }

    /** Brings the cache to its size and removes layers that nothing needs, unless builds are at work. */
    public LayerCollector.Collected tidy() throws IOException {
        int gone = cache.prune(Math.max(1, settings.cacheBytes()));
        LayerCollector.Collected collected = collector.collect();
        LOG.info("{} cache entries and {} layers were removed", gone, collected.layers());
        return collected;
    }

    private Set<Digest> builtLayers() throws IOException {
        Set<Digest> all = new HashSet<>();
        for (UUID build : shelf.all()) {
            if (shelf.end(build).orElse(null) instanceof BuildState.Ready ready) {
                ready.built().layers().forEach(layer -> all.add(Digest.parse(layer)));
            }
        }
        return all;
    }

    @Override
    public Optional<BuildState> state(UUID buildId) throws ApiException {
        try {
            return active.containsKey(buildId) ? Optional.of(new BuildState.Running()) : ended(buildId);
        } catch (IOException e) {
            throw unreadable(buildId, e);
        }
    }

    private Optional<BuildState> ended(UUID buildId) throws IOException {
        BuildState end = unnoted.get(buildId);
        if (end == null) {
            return shelf.end(buildId);
        }
        try {
            shelf.finish(buildId, end);
            unnoted.remove(buildId);
        } catch (IOException e) {
            LOG.warn("the end of build {} still cannot be noted: {}", buildId, e.toString());
        }
        return Optional.of(end);
    }

    @Override
    public List<BuildLogEntry> log(UUID buildId) throws ApiException {
        ActiveBuild build = active.get(buildId);
        if (build != null) {
            return build.log().entries();
        }
        try {
            return shelf.entries(buildId);
        } catch (IOException e) {
            throw unreadable(buildId, e);
        }
    }

    private static ApiException unreadable(UUID buildId, IOException cause) {
        LOG.error("what is known of build {} cannot be read", buildId, cause);
        return new ApiException(ErrorKind.INTERNAL, "Build \"" + buildId + "\" cannot be read", cause);
    }

    @Override
    public boolean cancel(UUID buildId, String message) throws ApiException {
        ActiveBuild build = active.get(buildId);
        if (build == null) {
            return false;
        }
        build.end(message);
        try {
            build.awaitFinish();
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ApiException(ErrorKind.INTERNAL, "Interrupted while a build was ended", e);
        }
    }

    @Override
    public void forget(UUID buildId) throws ApiException {
        boolean _ = cancel(buildId, "The build was deleted");
        try {
            bases.forget(buildId);
            unnoted.remove(buildId);
            shelf.remove(buildId);
        } catch (IOException e) {
            throw new ApiException(ErrorKind.INTERNAL, "Build \"" + buildId + "\" could not be forgotten", e);
        }
    }

    @Override
    public boolean hasFiles(UUID teamId, String hash) throws ApiException {
        try {
            return Uploads.isHash(hash) && uploads.find(teamId, hash).isPresent();
        } catch (IOException e) {
            throw new ApiException(ErrorKind.INTERNAL, "Uploads cannot be read", e);
        }
    }

    @Override
    public void storeFiles(UUID teamId, String hash, InputStream content, long lengthBytes) throws ApiException {
        try {
            uploads.store(teamId, hash, content, lengthBytes);
        } catch (IOException e) {
            throw new ApiException(ErrorKind.INTERNAL, "The files could not be received", e);
        }
    }

    @Override
    public void onEnd(BiConsumer<UUID, BuildState> listener) {
        listeners.add(listener);
    }

    @Override
    public BuildStorage storage() {
        return storage;
    }

    @Override
    public ImageStorage images() {
        return images;
    }

    /** Ends the builds at work; they have failed when this returns. */
    @Override
    public void close() {
        starts.lock();
        try {
            closed = true;
        } finally {
            starts.unlock();
        }
        List<ActiveBuild> all = List.copyOf(active.values());
        all.forEach(build -> build.end(STOPPED));
        for (ActiveBuild build : all) {
            try {
                build.awaitFinish();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                break;
            }
        }
        timer.shutdownNow();
    }
}
