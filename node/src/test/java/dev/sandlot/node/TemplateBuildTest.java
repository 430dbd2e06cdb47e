package dev.sandlot.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sandlot.builds.BuildEngine;
import dev.sandlot.builds.WorkSandbox;
import dev.sandlot.builds.Workshop;
import dev.sandlot.images.Digest;
import dev.sandlot.images.LayerStore;
import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.BuildLogEntry;
import dev.sandlot.protocol.BuildOrigin;
import dev.sandlot.protocol.BuildPlan;
import dev.sandlot.protocol.BuildPlan.Semantics;
import dev.sandlot.protocol.BuildPlan.Step;
import dev.sandlot.protocol.BuildState;
import dev.sandlot.protocol.BuiltTemplate;
import dev.sandlot.protocol.MemoryExchange;
import dev.sandlot.protocol.SandboxId;
import dev.sandlot.protocol.SandboxSpec;
import dev.sandlot.protocol.TemplateStart;
import dev.sandlot.runtime.OciRuntime;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
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
    private BuildBench bench;
    private LayerStore layers;
    private NodeAgent node;
    private BuildEngine engine;

    @BeforeEach
    void open() throws Exception {
        data = Files.createTempDirectory(Path.of("/var/tmp"), "sandlot-builds-test");
        begin();
    }

    private void begin() throws Exception {
        bench = BuildBench.open(data);
        layers = bench.layers;
        node = bench.node;
        engine = bench.engine;
    }

    @AfterEach
    void purge() throws Exception {
        bench.close();
        OciRuntime.purge(bench.config);
        TestRoot.deleteTree(data);
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

    /** Sections 5.1 to 5.4. */
    @Test
    void contextTravelsFromStepToStep() throws Exception {
        String odd = "-n \\t '\"' `id` $(touch /tmp/pwned) \n end";
        BuildPlan plan = plan(
                List.of(
                        new Step("ENV", List.of("ODD", odd, "PATH", "/opt/tools:$PATH"), null, false),
                        new Step("ENV", List.of("PATH", "/opt/more:${PATH}", "HOME_OF", "<$HOME>"), null, false),
                        run("[[ \"$PATH\" == /opt/more:/opt/tools:*/usr/bin* ]] || { echo \"$PATH\"; exit 1; }"),
                        run("printf %s \"$ODD\" > ~/odd; echo \"$IMAGE $HOME_OF\" > ~/more; [ ! -e /tmp/pwned ]"),
                        new Step("USER", List.of("worker"), null, false),
                        new Step("WORKDIR", List.of("/srv/app"), null, false),
                        new Step("WORKDIR", List.of("deep/er"), null, false),
                        run("id -un > who; pwd >> who"),
                        new Step("RUN", List.of("id -un > /whoami", "root"), null, false)),
                null,
                null);

        BuiltTemplate built = ready(plan);

        assertThat(Files.readString(file(built, "home/user/odd"))).isEqualTo(odd);
        assertThat(Files.readString(file(built, "home/user/more"))).isEqualTo("yes </root>\n");
        assertThat(Files.readString(file(built, "srv/app/deep/er/who"))).isEqualTo("worker\n/srv/app/deep/er\n");
        assertThat(Files.readString(file(built, "whoami"))).isEqualTo("root\n");
        assertThat(Files.getAttribute(file(built, "srv/app"), "unix:uid")).isEqualTo(1001);
        assertThat(built.defaultUser()).isEqualTo("worker");
        assertThat(built.defaultWorkdir()).isEqualTo("/srv/app/deep/er");
    }

    @Test
    void whatAStepDeletesOrMovesIsGoneForTheNext() throws Exception {
        ready(plan(
                List.of(
                        run("mkdir -p ~/a/b && echo one > ~/a/b/file && echo two > ~/other"),
                        run("rm ~/other && rm -r ~/a/b && mkdir ~/a/b && touch ~/a/b/fresh"),
                        run("[ ! -e ~/other ] && [ \"$(ls ~/a/b)\" = fresh ]"),
                        new Step("RUN", List.of("cp -r /home/user/a /srv && chown -R user /srv", "root"), null, false),
                        run("mv /srv/b ~/moved && rm -r ~/a"),
                        run("[ ! -e ~/a ] && [ -e ~/moved/fresh ] && [ ! -e /srv/b ]")),
                null,
                null));
    }

    @Test
    void aLayerKeepsWhatFilesAreAndDropsSockets() throws Exception {
        BuiltTemplate built = ready(plan(List.of(new Step("RUN", List.of("""
                                cp /bin/true /usr/bin/set && chmod 6755 /usr/bin/set
                                ln /usr/bin/set /usr/bin/same
                                ln -s /etc/passwd /root/out
                                mkfifo /root/pipe
                                chown user:user /root/pipe
                                """, "root"), null, false)), null, null));

        Path set = file(built, "usr/bin/set");
        assertThat((int) Files.getAttribute(set, "unix:mode") & 07777).isEqualTo(06755);
        assertThat(Files.getAttribute(set, "unix:uid")).isEqualTo(0);
        assertThat(Files.getAttribute(set, "unix:nlink")).isEqualTo(2);
        assertThat(Files.isSameFile(set, file(built, "usr/bin/same"))).isTrue();
        Path out = file(built, "root/out");
        assertThat(Files.readSymbolicLink(out)).isEqualTo(Path.of("/etc/passwd"));
        assertThat(Files.getAttribute(out, "unix:uid", LinkOption.NOFOLLOW_LINKS))
                .isEqualTo(0);
        assertThat(Files.getAttribute(file(built, "root/pipe"), "unix:uid")).isEqualTo(1000);
    }

    @Test
    void aStepThatChangesNothingMakesNoLayer() throws Exception {
        BuiltTemplate built = ready(plan(
                List.of(
                        run("true"),
                        new Step("WORKDIR", List.of("/tmp"), null, false),
                        new Step("USER", List.of("user", "true"), null, false)),
                null,
                null));

        assertThat(built.layers()).hasSize(2);
    }

    @Test
    void aStepWhoseChildHoldsItsOutputEndsAllTheSame() throws Exception {
        long begun = System.nanoTime();
        ready(plan(List.of(run("sleep 1000 & echo started")), null, null));
        assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(60));
    }

    @Test
    void aFailingCommandAndAMissingUserFailTheirStep() throws Exception {
        BuildPlan plan = plan(List.of(run("true"), run("echo broken >&2; exit 42")), null, null);
        assertThat(failed(plan))
                .isEqualTo(
                        new BuildState.Failed("failed to run command 'echo broken >&2; exit 42': exit status 42", "2"));
        assertThat(log(plan)).contains("[builder 2/2] [stderr]: broken");
        assertThat(failed(plan(List.of(new Step("RUN", List.of("id", "nobodyhere"), null, false)), null, null)))
                .isEqualTo(new BuildState.Failed("failed to run command 'id': user 'nobodyhere' does not exist", "1"));
    }

    /** Section 12. */
    @Test
    void aBlockedCommandIsEndedByACancelWithItsSandbox() throws Exception {
        BuildPlan plan = plan(List.of(run("echo here; sleep 1000")), null, null);
        engine.start(plan);
        awaitTrue(() -> log(plan).stream().anyMatch(line -> line.endsWith(": here")));
        assertThat(OciRuntime.alive(bench.config)).hasSize(1);
        assertThat(node.list()).isEmpty();
        assertThat(node.status().sandboxes()).isZero();
        long begun = System.nanoTime();

        assertThat(engine.cancel(plan.buildId(), "superseded")).isTrue();

        assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(10));
        assertThat(OciRuntime.alive(bench.config)).isEmpty();
        assertThat(engine.state(plan.buildId())).contains(new BuildState.Failed("superseded", null));
    }

    /** Section 12: nothing stays at work when the program is killed. */
    @Test
    void afterAKillTheBuildHasFailedItsSandboxIsGoneAndTheCacheIsUsed() throws Exception {
        bench.close();
        UUID build = UUID.randomUUID();
        Process killed = building(build);
        try (BufferedReader said = killed.inputReader()) {
            assertThat(said.readLine()).isEqualTo(BuildingNode.BLOCKED);
        }
        killed.destroyForcibly().waitFor();
        assertThat(OciRuntime.alive(bench.config)).hasSize(1);
        begin();

        assertThat(engine.state(build).orElseThrow())
                .isInstanceOfSatisfying(
                        BuildState.Failed.class,
                        failed -> assertThat(failed.message()).contains("cut off"));
        assertThat(OciRuntime.alive(bench.config)).isEmpty();
        BuildPlan again = BuildingNode.plan(UUID.randomUUID(), TEAM, "cat ~/kept");
        ready(again);
        assertThat(log(again))
                .anyMatch(line -> line.startsWith("CACHED [builder 1/2] "))
                .contains("[builder 2/2] [stdout]: kept");
    }

    private Process building(UUID build) throws Exception {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        return new ProcessBuilder(
                        java,
                        "--enable-native-access=ALL-UNNAMED",
                        "-XX:+UseSerialGC",
                        "-Xmx256m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        BuildingNode.class.getName(),
                        data.toString(),
                        build.toString(),
                        TEAM.toString())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    private interface Check {
        boolean holds() throws Exception;
    }

    private static void awaitTrue(Check check) throws Exception {
        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (!check.holds()) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
        }
    }

    /** Section 10: at the end of the build, and in every sandbox. */
    @Test
    void startAndReadyCommandsRunInTheBuildAndInEverySandbox() throws Exception {
        BuiltTemplate built = ready(plan(
                List.of(new Step("ENV", List.of("GREETING", "hi"), null, false)),
                "echo \"$GREETING $(id -un)\" > ~/started; exec sleep 1000",
                "[ -s ~/started ]"));
        assertThat(built.layers())
                .allSatisfy(layer -> assertThat(layers.path(Digest.parse(layer)).resolve("home/user/started"))
                        .doesNotExist());

        SandboxSpec spec = spec(built);
        node.create(spec);

        assertThat(call(spec, "GET", "/files?path=/home/user/started", "")).isEqualTo("hi user\n");
        assertThat(call(spec, "POST", "/process.Process/List", "{}")).contains("sleep 1000");
        assertThat(node.kill(spec.id())).isTrue();
    }

    @Test
    void aSandboxWhoseTemplateDoesNotStartIsNotCreated() throws Exception {
        BuiltTemplate built = ready(plan(List.of(), null, null));
        TemplateStart start = new TemplateStart("echo no port >&2; exit 3", "false", built.context());
        SandboxSpec spec = spec(new BuiltTemplate(
                built.layers(), built.context(), "user", "", start, built.envdVersion(), built.sizeBytes()));

        assertThatThrownBy(() -> node.create(spec))
                .isInstanceOfSatisfying(
                        ApiException.class,
                        e -> assertThat(e.text()).isEqualTo("the start command failed: exit status 3: no port"));

        assertThat(node.list()).isEmpty();
        assertThat(OciRuntime.alive(bench.config)).isEmpty();
    }

    @Test
    void aSandboxOfABuildHasEndedWhateverInterruptsItsEnd() throws Exception {
        List<Digest> root = List.of(layers.list().getFirst().diffId());
        for (int round = 0; round < 3; round++) {
            WorkSandbox sandbox = node.workshop().open(new Workshop.Order(UUID.randomUUID(), "template", root, 1, 256));
            Thread closing = Thread.ofPlatform().start(sandbox::close);
            while (closing.isAlive()) {
                closing.interrupt();
            }
            assertThat(data.resolve("sandboxes")).isEmptyDirectory();
        }
    }

    /** The services of sandboxes let go of their supervisors one by one, which is not the end of the sandboxes. */
    @Test
    void sandboxesOutliveANodeThatIsClosed() throws Exception {
        BuiltTemplate built = ready(plan(List.of(), null, null));
        Set<String> all = new HashSet<>();
        for (int i = 0; i < 6; i++) {
            SandboxSpec spec = spec(built);
            node.create(spec);
            all.add(spec.id().value());
        }
        for (int round = 0; round < 3; round++) {
            bench.close();
            assertThat(OciRuntime.alive(bench.config)).isEqualTo(all);
            begin();
            assertThat(node.list()).hasSize(all.size());
        }
    }

    private static SandboxSpec spec(BuiltTemplate built) {
        return new SandboxSpec(
                SandboxId.random(),
                UUID.randomUUID(),
                TEAM,
                "template",
                UUID.randomUUID(),
                built.layers(),
                1,
                256,
                0,
                Map.of(),
                null,
                built.defaultUser(),
                built.defaultWorkdir(),
                true,
                built.start(),
                Instant.now().plusSeconds(600));
    }

    private String call(SandboxSpec spec, String method, String target, String body) throws Exception {
        MemoryExchange exchange = MemoryExchange.of(method, target, body.getBytes(StandardCharsets.UTF_8))
                .header("Content-Type", "application/json");
        Thread.startVirtualThread(() -> {
            try {
                node.serve(spec.id(), 49983, exchange);
            } catch (IOException e) {
                exchange.abort();
            }
        });
        return new String(exchange.responseBody().readAllBytes(), StandardCharsets.UTF_8);
    }

    @Test
    void aCommandThatTakesLongerThanItMayIsKilled() throws Exception {
        try (WorkSandbox sandbox = workSandbox()) {
            assertThatThrownBy(() -> sandbox.run(command("sleep 1000", Duration.ofMillis(300)), new Said()))
                    .hasMessage("the command took longer than 0 seconds");
            Said said = new Said();
            assertThat(sandbox.run(command("kill -9 $$", Duration.ofSeconds(30)), said))
                    .isEqualTo(new WorkSandbox.Ended(137));
        }
        assertThat(OciRuntime.alive(bench.config)).isEmpty();
    }

    @Test
    void aSandboxWhoseChangesFindNoPlaceIsEndedAllTheSame() throws Exception {
        Digest root = layers.list().getFirst().diffId();
        Path staging = data.resolve("pool/staging");
        Path aside = data.resolve("pool/aside");
        try (WorkSandbox sandbox =
                node.workshop().open(new Workshop.Order(UUID.randomUUID(), "template", List.of(root), 1, 256))) {
            Files.move(staging, aside);
            Files.createFile(staging);
            assertThatThrownBy(sandbox::commit).isInstanceOf(IOException.class);
        } finally {
            Files.delete(staging);
            Files.move(aside, staging);
        }
        assertThat(data.resolve("sandboxes")).isEmptyDirectory();
    }

    @Test
    void aCommandThatGoesOnEndsWithItsSandbox() throws Exception {
        WorkSandbox sandbox = workSandbox();
        Said said = new Said();
        CompletableFuture<WorkSandbox.Ended> ended =
                sandbox.start(command("echo up; sleep 1000", Duration.ofHours(1)), said);
        awaitTrue(() -> said.lines.contains("up"));
        sandbox.close();
        assertThat(ended).failsWithin(Duration.ofSeconds(30));
        assertThat(OciRuntime.alive(bench.config)).isEmpty();
    }

    private WorkSandbox workSandbox() throws Exception {
        Digest root = layers.list().getFirst().diffId();
        return node.workshop().open(new Workshop.Order(UUID.randomUUID(), "template", List.of(root), 1, 256));
    }

    private static WorkSandbox.Command command(String text, Duration limit) {
        return new WorkSandbox.Command(List.of("/bin/bash", "-c", text), "user", "", Map.of(), limit);
    }

    private static final class Said implements WorkSandbox.Lines {
        private final List<String> lines = new CopyOnWriteArrayList<>();

        @Override
        public void stdout(String line) {
            lines.add(line);
        }

        @Override
        public void stderr(String line) {
            lines.add(line);
        }
    }
}
