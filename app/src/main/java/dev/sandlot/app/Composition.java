package dev.sandlot.app;

import dev.sandlot.builds.BuildEngine;
import dev.sandlot.control.ApiSettings;
import dev.sandlot.control.Bootstrap;
import dev.sandlot.control.ControlPlane;
import dev.sandlot.control.ControlSettings;
import dev.sandlot.control.Resources;
import dev.sandlot.control.Store;
import dev.sandlot.control.StoreException;
import dev.sandlot.control.StoreLocation;
import dev.sandlot.control.StoreUse;
import dev.sandlot.control.TemplateBuild;
import dev.sandlot.edge.FrontDoor;
import dev.sandlot.edge.FrontListener;
import dev.sandlot.edge.FrontListener.Kind;
import dev.sandlot.envd.EnvdSandbox;
import dev.sandlot.images.BaseTemplate;
import dev.sandlot.images.Digest;
import dev.sandlot.images.LayerStore;
import dev.sandlot.images.TemplateRecord;
import dev.sandlot.images.UnpackLimits;
import dev.sandlot.linux.HostFiles;
import dev.sandlot.linux.OwnerOnly;
import dev.sandlot.node.NodeAgent;
import dev.sandlot.node.NodeSettings;
import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ExchangeHandler;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;

/**
 * The composition root of {@code sandlot up}: makes every part of the server from the settings, in the order they
 * need each other, and closes what it made when a later one fails.
 */
final class Composition implements ServerProgram {
    private static final int MAX_SANDBOX_HOURS = 24;
    private static final int SECRET_BYTES = 32;

    @Override
    public Prepared prepare(Settings settings, boolean newStore, Progress progress)
            throws IOException, InterruptedException {
        Closing opened = new Closing();
        try {
            var _ = opened.add(DiskWatch.begin(settings.diskFloor()));
            Store store = opened.add(store(settings, newStore));
            LayerStore layers =
                    opened.add(LayerStore.open(new Layout(settings.dataDir()).pool(), UnpackLimits.DEFAULT));
            TemplateRecord base = BaseTemplate.ensure(
                    layers,
                    Builder.base(settings.images()),
                    (step, share) -> progress.step("%s (%.0f %%)".formatted(step, share * 100)));
            return new Standing(settings, progress, opened, layers, store, base);
        } catch (IOException | InterruptedException | RuntimeException e) {
            opened.closeAll(e);
            throw e;
        }
    }

    /** What a server stands on. */
    private record Standing(
            Settings settings, Progress progress, Closing opened, LayerStore layers, Store store, TemplateRecord base)
            implements Prepared {
        @Override
        public RunningServer start() throws IOException {
            try {
                return assemble(this);
            } catch (IOException | RuntimeException e) {
                opened.closeAll(e);
                throw e;
            }
        }

        @Override
        public void close() throws IOException {
            IOException failure = new IOException("the server's parts did not close");
            opened.closeAll(failure);
            if (failure.getSuppressed().length > 0) {
                throw failure;
            }
        }
    }

    private static RunningServer assemble(Standing on) throws IOException {
        Settings settings = on.settings();
        LayerStore layers = on.layers();
        Store store = on.store();
        TemplateRecord base = on.base();
        Closing opened = on.opened();
        Layout layout = new Layout(settings.dataDir());
        ControlSettings controlSettings = controlSettings(settings, layout);
        String apiKey = apiKey(new Bootstrap(store), controlSettings, layout);

        RegistryPart registry =
                opened.add(RegistryPart.open(settings.registry(), layers, controlSettings.accessTokenSeed()));

        on.progress().step("taking over what still runs");
        CompletableFuture<ControlPlane> ready = new CompletableFuture<>();
        NodeAgent node = opened.add(NodeAgent.open(
                NodeSettings.of("local", Version.current(), settings.isolation().maxSandboxes())
                        .withFreeBytes(settings.disk().minFreeBytes())
                        .withReady(Duration.ofSeconds(settings.sandbox().readySeconds())),
                RuntimeSettings.of(settings).claim(),
                layers,
                (id, executionId) -> {
                    var _ = ready.thenAccept(control -> control.sandboxEnded(id, executionId));
                }));
        BuildEngine builder = opened.add(Builder.open(layout, layers, node, settings, registry.images(), base, ready));
        ControlPlane control = opened.add(new ControlPlane(controlSettings, store, node, builder));
        control.templates().registerBuild(null, BaseTemplate.NAME, build(base, layers, settings.sandbox()));
        recover(control);
        ready.complete(control);

        ExchangeHandler pushes = registry.door(control.pushRights(), control.api());
        FrontDoor door = opened.add(new FrontDoor(listeners(settings), control.api(), pushes, node));
        door.start();
        door.unbound().forEach((listener, why) -> RegistryPart.tellUnbound(listener.port(), why, on.progress()));
        return new UpServer(settings.listen(), apiKey, door, node, opened);
    }

    /** Opened before anything else: a store that is not this data directory's leaves all as it was. */
    private static Store store(Settings settings, boolean newStore) throws IOException {
        StoreLocation location = settings.store();
        StoreMark mark = new Layout(settings.dataDir()).storeMark();
        try {
            StoreUse use = new StoreUse(settings.dataDir(), newStore ? null : mark.read());
            location.require(use);
            if (location instanceof StoreLocation.SqliteFile sqlite) {
                HostFiles.overwrittenInPlace(sqlite.files());
                narrow(sqlite);
            }
            Store store = location.open(use);
            mark.write(location, store);
            return store;
        } catch (StoreException e) {
            throw new CommandException(ExitCode.FAILED, String.valueOf(e.getMessage()));
        }
    }

    /** SQLite gives the files beside the database, which come and go, the database's own mode. */
    private static void narrow(StoreLocation.SqliteFile sqlite) throws IOException {
        for (Path file : sqlite.files()) {
            OwnerOnly.file(file);
        }
        for (String beside : List.of("-wal", "-shm")) {
            Path file = sqlite.file().resolveSibling(sqlite.file().getFileName() + beside);
            if (Files.exists(file)) {
                OwnerOnly.file(file);
            }
        }
    }

    private static ControlSettings controlSettings(Settings settings, Layout layout) throws IOException {
        String fixed = settings.secrets().tokenSeed();
        String admin = settings.secrets().adminToken();
        return ControlSettings.withSeed(fixed == null ? kept(layout.tokenSeed()) : fixed)
                .withAdminToken(admin == null ? kept(layout.adminToken()) : admin)
                .withLimits(settings.isolation().maxSandboxes(), MAX_SANDBOX_HOURS)
                .withApi(ApiSettings.DEFAULT
                        .withProviders(settings.api().providers())
                        .withLegacy(settings.api().legacy())
                        .withRates(settings.api().rates())
                        .withRateStore(settings.api().rateStore())
                        .withOperators(settings.api().operators()));
    }

    /** The secret of that file, which is made at the first start. */
    private static String kept(SecretFile file) throws IOException {
        Optional<String> kept = file.read();
        if (kept.isPresent()) {
            return kept.get();
        }
        byte[] random = new byte[SECRET_BYTES];
        new SecureRandom().nextBytes(random);
        String secret = HexFormat.of().formatHex(random);
        file.write(secret);
        return secret;
    }

    /**
     * The key that was written down, or a new one when that is lost, was never written, or opens nothing: the store
     * may be another one than it was. A new one takes the place of the one that was made so before.
     */
    private static String apiKey(Bootstrap bootstrap, ControlSettings settings, Layout layout) throws IOException {
        SecretFile file = layout.apiKey();
        Optional<String> first = bootstrap.ensureDefaultTeam(settings);
        Optional<String> kept = first.isPresent() ? first : file.read().filter(bootstrap::isKeyOfDefaultTeam);
        String key = kept.isPresent() ? kept.get() : bootstrap.issueKey("made anew for " + layout.dataDir());
        file.write(key);
        return key;
    }

    private static TemplateBuild build(TemplateRecord base, LayerStore store, Settings.SandboxDefaults defaults)
            throws IOException {
        int diskMb = defaults.diskMb() == 0 ? sizeMb(base, store) : defaults.diskMb();
        Resources resources = new Resources(defaults.cpuCount(), defaults.memoryMb(), diskMb);
        List<String> layers = base.layers().stream().map(Digest::toString).toList();
        UUID id = UUID.nameUUIDFromBytes((layers + " " + resources).getBytes(StandardCharsets.UTF_8));
        return new TemplateBuild(id, layers, resources, EnvdSandbox.VERSION, base.defaultUser(), base.workdir(), null);
    }

    /** What the files of a template take up. */
    private static int sizeMb(TemplateRecord base, LayerStore store) throws IOException {
        return Math.toIntExact((store.bytes(base.layers()) + (1 << 20) - 1) >> 20);
    }

    private static void recover(ControlPlane control) throws IOException {
        try {
            control.recover();
        } catch (ApiException e) {
            throw new IOException("could not take over the sandboxes of the last run", e);
        }
    }

    private static List<FrontListener> listeners(Settings settings) {
        Settings.Listen listen = settings.listen();
        List<FrontListener> listeners = new ArrayList<>(List.of(
                new FrontListener(listen.address(), listen.apiPort(), Kind.ALL),
                new FrontListener(listen.address(), listen.trafficPort(), Kind.TRAFFIC),
                new FrontListener(listen.address(), listen.debugPort(), Kind.DEBUG)));
        if (settings.registry().enabled()) {
            listeners.add(
                    new FrontListener(listen.address(), settings.registry().port(), Kind.REGISTRY));
        }
        return listeners;
    }
}
