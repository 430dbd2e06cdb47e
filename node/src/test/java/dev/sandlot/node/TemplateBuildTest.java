package dev.sandlot.node;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.builds.BuildBase;
import dev.sandlot.builds.BuildEngine;
import dev.sandlot.builds.BuildLog;
import dev.sandlot.builds.BuildParts;
import dev.sandlot.builds.BuildSettings;
import dev.sandlot.builds.ImageBases;
import dev.sandlot.images.Digest;
import dev.sandlot.images.LayerStore;
import dev.sandlot.images.UnpackLimits;
import dev.sandlot.protocol.BuildLogEntry;
import dev.sandlot.protocol.BuildOrigin;
import dev.sandlot.protocol.BuildPlan;
import dev.sandlot.protocol.BuildPlan.Semantics;
import dev.sandlot.protocol.BuildPlan.Step;
import dev.sandlot.protocol.BuildState;
import dev.sandlot.protocol.BuiltTemplate;
import dev.sandlot.runtime.AddressPlan;
import dev.sandlot.runtime.OciRuntime;
import dev.sandlot.runtime.RuntimeConfig;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Builds in real sandboxes. */
@Tag("kernel")
class TemplateBuildTest {
    private static final UUID TEAM = UUID.randomUUID();

    private Path data;
    private RuntimeConfig config;
    private LayerStore layers;
    private Digest root;
    private NodeAgent node;
    private BuildEngine engine;

    @BeforeEach
    void open() throws Exception {
        data = Files.createTempDirectory(Path.of("/var/tmp"), "sandlot-builds-test");
        RuntimeConfig defaults = RuntimeConfig.defaults(data);
        config = new RuntimeConfig(
                defaults.dataDirectory(),
                defaults.runDirectory(),
                defaults.ociRuntime(),
                AddressPlan.parse("10.219.64.0/20"),
                0x5000_0000,
                2,
                64,
                2);
        layers = LayerStore.open(data.resolve("pool"), UnpackLimits.DEFAULT);
        root = TestRoot.in(layers);
        begin();
    }

    private void begin() throws Exception {
        node = NodeAgent.open(NodeSettings.of("test", "0", 16), config, layers, (_, _) -> {});
        engine = BuildEngine.open(
                BuildSettings.defaults(data.resolve("builder")),
                new BuildParts(node.workshop(), layers, new RootBases(), (_, _) -> {}, List.of()));
    }

    @AfterEach
    void purge() throws Exception {
        engine.close();
        node.close();
        layers.close();
        OciRuntime.purge(config);
        TestRoot.deleteTree(data);
    }

    /** Every image is the small root. */
    private final class RootBases implements ImageBases {
        @Override
        public String provisioning() {
            return "none";
        }

        @Override
        public BuildBase make(BuildPlan plan, BuildLog log) {
            return new BuildBase(List.of(root), Map.of("IMAGE", "yes"));
        }
    }

    static Step run(String command) {
        return new Step("RUN", List.of(command), null, false);
    }

    private static BuildPlan plan(List<Step> steps, @Nullable String start, @Nullable String ready) {
        return plan(new BuildOrigin.Image("small", null), steps, start, ready);
    }

    private static BuildPlan plan(
            BuildOrigin origin, List<Step> steps, @Nullable String start, @Nullable String ready) {
        return new BuildPlan(
                UUID.randomUUID(), "template", TEAM, 1, 256, 0, Semantics.V2_1, origin, steps, start, ready, false);
    }

    private BuildState end(BuildPlan plan) throws Exception {
        engine.start(plan);
        long deadline = System.nanoTime() + Duration.ofSeconds(120).toNanos();
        while (true) {
            Optional<BuildState> state = engine.state(plan.buildId());
            if (state.isPresent() && !(state.get() instanceof BuildState.Running)) {
                return state.get();
            }
            assertThat(System.nanoTime()).as(log(plan).toString()).isLessThan(deadline);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(2));
        }
    }

    private BuiltTemplate ready(BuildPlan plan) throws Exception {
        BuildState state = end(plan);
        assertThat(state).as(log(plan).toString()).isInstanceOf(BuildState.Ready.class);
        return ((BuildState.Ready) state).built();
    }

    private BuildState.Failed failed(BuildPlan plan) throws Exception {
        BuildState state = end(plan);
        assertThat(state).as(log(plan).toString()).isInstanceOf(BuildState.Failed.class);
        return (BuildState.Failed) state;
    }

    private List<String> log(BuildPlan plan) throws Exception {
        return engine.log(plan.buildId()).stream().map(BuildLogEntry::message).toList();
    }

    /** The topmost file of a path among layers. */
    private Path file(BuiltTemplate built, String path) throws Exception {
        for (String layer : built.layers().reversed()) {
            Path candidate = layers.path(Digest.parse(layer)).resolve(path);
            if (Files.exists(candidate, LinkOption.NOFOLLOW_LINKS)) {
                return candidate;
            }
        }
        throw new AssertionError(path + " is in no layer of " + built.layers());
    }

    @Test
    void aRunStepBecomesALayerWithContainerOwnersAndNothingOfTheSandbox() throws Exception {
        BuildPlan plan = plan(List.of(run("echo out; echo err >&2; echo hello > ~/greeting")), null, null);

        BuiltTemplate built = ready(plan);

        Path greeting = file(built, "home/user/greeting");
        assertThat(Files.readString(greeting)).isEqualTo("hello\n");
        assertThat(Files.getAttribute(greeting, "unix:uid")).isEqualTo(1000);
        Path layer = layers.path(Digest.parse(built.layers().get(1)));
        assertThat(names(layer)).containsExactly("home", "home/user", "home/user/greeting");
        assertThat(log(plan)).contains("[builder 1/1] [stdout]: out", "[builder 1/1] [stderr]: err");
        assertThat(Files.readString(file(built, ".e2b")))
                .isEqualTo("ENV_ID=template\nTEMPLATE_ID=template\nBUILD_ID=" + plan.buildId() + "\n");
        assertThat(node.list()).isEmpty();
    }

    private static List<String> names(Path layer) throws Exception {
        List<String> names = new ArrayList<>();
        try (var all = Files.walk(layer)) {
            all.skip(1).map(path -> layer.relativize(path).toString()).sorted().forEach(names::add);
        }
        return names;
    }
}
