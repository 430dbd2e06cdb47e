package dev.sandlot.builds;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sandlot.images.ContentStore;
import dev.sandlot.images.Digest;
import dev.sandlot.images.LayerStore;
import dev.sandlot.images.LocalImages;
import dev.sandlot.images.MergedTree;
import dev.sandlot.images.RegistryLimits;
import dev.sandlot.images.StagedTree;
import dev.sandlot.images.UnpackLimits;
import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.BuildContext;
import dev.sandlot.protocol.BuildLogEntry;
import dev.sandlot.protocol.BuildOrigin;
import dev.sandlot.protocol.BuildPlan;
import dev.sandlot.protocol.BuildPlan.Semantics;
import dev.sandlot.protocol.BuildPlan.Step;
import dev.sandlot.protocol.BuildState;
import dev.sandlot.protocol.BuiltTemplate;
import dev.sandlot.protocol.ErrorKind;
import dev.sandlot.protocol.ImageCredentials;
import dev.sandlot.protocol.TemplateStart;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What builds do, without real sandboxes. */
class BuildEngineTest {
    private static final UUID TEAM = UUID.randomUUID();
    private static final String HASH = "ab".repeat(32);
    private static final Duration SHORT = Duration.ofMillis(300);

    @TempDir
    Path data;

    private LayerStore layers;
    private FakeWorkshop workshop;
    private BuildEngine engine;
    private Digest root;
    private String provisioning = "1";
    private int bases;
    private @Nullable BuildFailure baseFailure;
    private FileCopy copy = (_, _) -> {};

    @BeforeEach
    void open() throws Exception {
        layers = LayerStore.open(data.resolve("pool"), UnpackLimits.DEFAULT);
        workshop = new FakeWorkshop(layers);
        try (StagedTree tree = layers.stage()) {
            Files.writeString(tree.path().resolve("base"), "base");
            root = layers.commit(tree).diffId();
        }
        begin();
    }

    /** Set before {@link #begin}. */
    private int mostLayers = 100;

    /** The same. */
    private long freeBytes;

    private void begin() throws IOException {
        begin(2, Duration.ofMinutes(1));
    }

    private void begin(int workers, Duration buildLimit) throws IOException {
        BuildSettings.Limits limits = new BuildSettings.Limits(
                buildLimit, SHORT.multipliedBy(10), SHORT.multipliedBy(10), SHORT, SHORT, Duration.ofMillis(20));
        BuildSettings settings =
                new BuildSettings(data.resolve("builder"), workers, 1 << 20, 1000, 2000, freeBytes, mostLayers, limits);
        engine = BuildEngine.open(
                settings,
                new BuildParts(
                        workshop,
                        layers,
                        new FakeBases(),
                        (request, box) -> copy.copy(request, box),
                        images(),
                        List.of()));
    }

    private LocalImages images() throws IOException {
        return LocalImages.open(ContentStore.open(layers, RegistryLimits.DEFAULT), layers);
    }

    @AfterEach
    void close() throws Exception {
        engine.close();
        assertThat(workshop.open()).as("sandboxes that are left").isZero();
        layers.close();
    }

    @Test
    void layersThatAreNotThereAreNotExported() throws Exception {
        begin();
        String missing = "sha256:" + "0".repeat(64);
        assertThatThrownBy(() -> engine.storage().root(List.of(missing)))
                .isInstanceOfSatisfying(
                        ApiException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.NOT_FOUND));
    }

    @Test
    void anArchiveOfImagesThatBreaksOffIsTheSendersFault() {
        InputStream cut = new InputStream() {
            @Override
            public int read() throws IOException {
                throw new IOException("connection reset");
            }
        };
        assertThatThrownBy(() -> engine.images().add(cut, Optional.empty()))
                .isInstanceOfSatisfying(
                        ApiException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INVALID))
                .hasMessageContaining("broke off");
    }

    private final class FakeBases implements ImageBases {
        @Override
        public String provisioning() {
            return provisioning;
        }

        @Override
        public BuildBase make(BuildPlan plan, BuildLog log) throws BuildFailure {
            if (baseFailure != null) {
                throw baseFailure;
            }
            bases++;
            return new BuildBase(List.of(root), Map.of("IMAGE", "yes"));
        }
    }

    private static Step step(String type, String... args) {
        return new Step(type, List.of(args), null, false);
    }

    private static Step forced(String type, String... args) {
        return new Step(type, List.of(args), null, true);
    }

    /** A plan that tests change a little. */
    private record Plan(
            UUID team,
            Semantics semantics,
            BuildOrigin origin,
            List<Step> steps,
            @Nullable String start,
            @Nullable String ready,
            boolean force) {
        static Plan of(Step... steps) {
            return new Plan(
                    TEAM, Semantics.V2_1, new BuildOrigin.Image("debian:12", null), List.of(steps), null, null, false);
        }

        Plan of(UUID otherTeam) {
            return new Plan(otherTeam, semantics, origin, steps, start, ready, force);
        }

        Plan by(Semantics other) {
            return new Plan(team, other, origin, steps, start, ready, force);
        }

        Plan from(BuildOrigin other) {
            return new Plan(team, semantics, other, steps, start, ready, force);
        }

        Plan starting(@Nullable String startCommand, @Nullable String readyCommand) {
            return new Plan(team, semantics, origin, steps, startCommand, readyCommand, force);
        }

        Plan withForce() {
            return new Plan(team, semantics, origin, steps, start, ready, true);
        }

        BuildPlan plan() {
            return new BuildPlan(
                    UUID.randomUUID(), "template", team, 2, 512, 0, semantics, origin, steps, start, ready, force);
        }
    }

    private BuildState end(BuildPlan plan) throws Exception {
        engine.start(plan);
        return await(plan.buildId());
    }

    private BuildState await(UUID build) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (true) {
            Optional<BuildState> state = engine.state(build);
            if (state.isPresent() && !(state.get() instanceof BuildState.Running)) {
                return state.get();
            }
            assertThat(System.nanoTime()).as("build does not end").isLessThan(deadline);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(2));
        }
    }

    private BuiltTemplate ready(BuildPlan plan) throws Exception {
        BuildState state = end(plan);
        assertThat(state).as(String.valueOf(engine.log(plan.buildId()))).isInstanceOf(BuildState.Ready.class);
        return ((BuildState.Ready) state).built();
    }

    private BuildState.Failed failed(BuildPlan plan) throws Exception {
        BuildState state = end(plan);
        assertThat(state).isInstanceOf(BuildState.Failed.class);
        return (BuildState.Failed) state;
    }

    private List<String> log(BuildPlan plan) throws Exception {
        return engine.log(plan.buildId()).stream().map(BuildLogEntry::message).toList();
    }

    private List<BuildLogEntry> entries(BuildPlan plan, String containing) throws Exception {
        return engine.log(plan.buildId()).stream()
                .filter(entry -> entry.message().contains(containing))
                .toList();
    }

    /** Section 5: the type's case does not matter. */
    @Test
    void stepsRunInTheirOrderAndEachThatChangesFilesIsALayer() throws Exception {
        BuiltTemplate built =
                ready(Plan.of(step("run", "one"), step("Run", "two")).plan());

        assertThat(workshop.commands()).containsExactly("one", "two");
        assertThat(built.layers()).hasSize(4).startsWith(root.toString());
    }

    @Test
    void anUnknownStepFailsAndIsNamed() throws Exception {
        assertThat(failed(Plan.of(step("RUN", "one"), step("EXPOSE", "80")).plan()))
                .isEqualTo(new BuildState.Failed("step type 'EXPOSE' is not implemented", "2"));
    }

    /** Sections 5.1 and 13. */
    @Test
    void aFailingCommandFailsItsStepAndSaysCommandAndStatus() throws Exception {
        workshop.answers.put("make", (_, lines) -> {
            lines.stderr("no rule");
            return 2;
        });
        BuildPlan plan = Plan.of(step("RUN", "true"), step("RUN", "make")).plan();

        assertThat(failed(plan)).isEqualTo(new BuildState.Failed("failed to run command 'make': exit status 2", "2"));
        BuildLogEntry last = engine.log(plan.buildId()).getLast();
        assertThat(last.level()).isEqualTo(BuildLogEntry.Level.ERROR);
        assertThat(last.step()).isEqualTo("2");
        assertThat(last.message()).isEqualTo("failed to run command 'make': exit status 2");
        assertThat(entries(plan, "[builder 2/2] [stderr]: no rule")).hasSize(1);
    }

    /** Section 5.1: user argument, workdir, environment, login shell, limit. */
    @Test
    void aCommandRunsWithTheContextAndTheUserOfItsStep() throws Exception {
        ready(Plan.of(
                        step("ENV", "A", "1", "B", "2"),
                        step("WORKDIR", "/srv"),
                        step("RUN", "mine"),
                        step("RUN", "roots", "root"))
                .plan());

        WorkSandbox.Command mine = command("mine");
        assertThat(mine.user()).isEqualTo("user");
        assertThat(mine.workdir()).isEqualTo("/srv");
        assertThat(mine.env()).containsOnly(Map.entry("IMAGE", "yes"), Map.entry("A", "1"), Map.entry("B", "2"));
        assertThat(mine.arguments()).startsWith("/bin/bash", "-l", "-c");
        assertThat(command("roots").user()).isEqualTo("root");
    }

    private WorkSandbox.Command command(String text) {
        return workshop.ran.stream()
                .filter(command -> FakeWorkshop.text(command).equals(text))
                .findFirst()
                .orElseThrow();
    }

    /** Section 5.1: the system's directories follow a PATH of the context. */
    @Test
    void aPathOfTheContextIsFollowedByTheSystemsDirectories() throws Exception {
        ready(Plan.of(step("ENV", "PATH", "/opt/it's/bin"), step("RUN", "tool")).plan());

        WorkSandbox.Command command = command("tool");
        assertThat(command.env().get("PATH"))
                .isEqualTo("/opt/it's/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        assertThat(command.arguments().get(3)).contains("PATH='/opt/it'\\''s/bin':\"$PATH\"");
    }

    /** Section 5.2. */
    @Test
    void variablesNeedPairs() throws Exception {
        assertThat(failed(Plan.of(step("ENV")).plan()).message()).isEqualTo("ENV needs at least one name and value");
        assertThat(failed(Plan.of(step("ARG", "A", "1", "B")).plan()).message())
                .isEqualTo("ARG needs a value for every name");
    }

    /** Section 5.2: only {@code $NAME} and ${NAME} mean anything. */
    @Test
    void valuesKeepEverythingButReferencesToVariables() throws Exception {
        String odd = "-e \\ \" ' `id` $(id) ${A:-x} $1 $$ \n ${} end$";
        BuiltTemplate built =
                ready(Plan.of(step("ENV", "A", "one", "ODD", odd), step("ENV", "B", "<$A:${A}>", "ODDER", "\\$A$A_$A"))
                        .plan());

        assertThat(built.context().env())
                .containsEntry("ODD", odd)
                .containsEntry("B", "<one:one>")
                .containsEntry("ODDER", "\\oneone");
    }

    @Test
    void aVariableThatTheContextLacksIsAskedOfAShellOfRoot() throws Exception {
        BuildPlan plan = Plan.of(step("ENV", "A", "$HOME and $NONE")).plan();
        ready(plan);

        WorkSandbox.Command asked = workshop.ran.stream()
                .filter(command -> command.arguments().contains("HOME"))
                .findFirst()
                .orElseThrow();
        assertThat(asked.user()).isEqualTo("root");
        assertThat(asked.arguments()).startsWith("/bin/bash", "-l", "-c").endsWith("HOME", "NONE");
    }

    /** Section 5.3. */
    @Test
    void aRelativeDirectoryIsJoinedToTheOneBefore() throws Exception {
        assertThat(ready(Plan.of(step("WORKDIR", "srv"), step("WORKDIR", "./a/../b"))
                                .plan())
                        .context()
                        .workdir())
                .isEqualTo("/srv/b");
    }

    /** As the clients send what a Dockerfile says; what no step has set stays as it is written. */
    @Test
    void pathsAndUsersMayNameVariablesOfTheBuild() throws Exception {
        Step env = step("ENV", "APP", "/opt/app", "WHO", "worker");
        BuiltTemplate built = ready(Plan.of(env, step("WORKDIR", "${APP}/$X/$WHO"), step("USER", "$WHO:0"))
                .plan());
        assertThat(built.context().workdir()).isEqualTo("/opt/app/$X/worker");
        assertThat(built.defaultUser()).isEqualTo("worker:0");
        BuildPlan other =
                Plan.of(step("ENV", "APP", "/srv"), step("WORKDIR", "${APP}")).plan();
        assertThat(ready(other).context().workdir()).isEqualTo("/srv");
    }

    /** Section 5.4. */
    @Test
    void aUserIsMadeAndBecomesTheDefault() throws Exception {
        BuiltTemplate built = ready(
                Plan.of(step("USER", "worker", "true"), step("RUN", "whoami")).plan());

        assertThat(command("whoami").user()).isEqualTo("worker");
        assertThat(built.defaultUser()).isEqualTo("worker");
        assertThat(workshop.ran)
                .anyMatch(command -> command.user().equals("root")
                        && command.arguments()
                                .subList(3, command.arguments().size())
                                .equals(List.of("sandlot", "worker", "true")));
    }

    @Test
    void aUsersNameIsNoOption() throws Exception {
        assertThat(failed(Plan.of(step("USER", "-o root")).plan()).message()).startsWith("'-o root' is not a user");
        assertThat(failed(Plan.of(step("RUN", "x", "$(id)")).plan()).message()).startsWith("'$(id)' is not a user");
    }

    /** Section 5.4, where it is silent as Docker has it. */
    @Test
    void aUserMayBeANumberAndHaveAGroup() throws Exception {
        for (String user : List.of("1000", "1000:1000", "0", "65534:07", "worker:0", "worker:")) {
            BuiltTemplate built =
                    ready(Plan.of(step("USER", user), step("RUN", "as " + user)).plan());
            assertThat(command("as " + user).user()).isEqualTo(user);
            assertThat(built.defaultUser()).isEqualTo(user);
        }
        BuiltTemplate _ = ready(Plan.of(step("RUN", "x", "7:8")).plan());
        assertThat(command("x").user()).isEqualTo("7:8");
        assertThat(workshop.ran.stream()
                        .map(WorkSandbox.Command::arguments)
                        .filter(arguments -> arguments.contains("sandlot"))
                        .map(arguments -> arguments.get(4)))
                .containsOnly("user", "worker");
    }

    @Test
    void usersAndGroupsThatCannotBeAreRefused() throws Exception {
        for (String user : List.of("65535", "1:65535", "1:2:3", "a b", ":root", "99999999999", "-1")) {
            assertThat(failed(Plan.of(step("USER", user)).plan()).message()).startsWith("'" + user + "' is not a user");
        }
        assertThat(failed(Plan.of(step("USER", "worker:nobody")).plan()).message())
                .isEqualTo("'worker:nobody' names a group that is not known to the sandbox");
        assertThat(failed(Plan.of(step("USER", "1000", "true")).plan()).message())
                .isEqualTo("'1000' is a number; an administrator needs a name");
    }

    /** Sections 5.5 and 6. */
    @Test
    void copyGetsTheUploadAndTheContext() throws Exception {
        List<FileCopy.Request> requests = new ArrayList<>();
        copy = (request, _) -> requests.add(request);
        engine.storeFiles(TEAM, HASH, new ByteArrayInputStream("tar".getBytes(StandardCharsets.UTF_8)), 3);
        ready(Plan.of(
                        step("WORKDIR", "/srv"),
                        new Step("COPY", List.of("src/*", "dst", "", "0644"), HASH, false),
                        new Step("ADD", List.of("a", "b", "root:root"), HASH, false))
                .plan());

        assertThat(requests).hasSize(2);
        FileCopy.Request request = requests.getFirst();
        assertThat(Files.readString(request.archive())).isEqualTo("tar");
        assertThat(request.source()).isEqualTo("src/*");
        assertThat(request.target()).isEqualTo("dst");
        assertThat(request.owner()).isEmpty();
        assertThat(request.mode()).isEqualTo("0644");
        assertThat(request.user()).isEqualTo("user");
        assertThat(request.workdir()).isEqualTo("/srv");
        assertThat(requests.getLast().owner()).isEqualTo("root:root");
    }

    @Test
    void copyFailsItsStepForWantOfFilesHashArgumentsOrSource() throws Exception {
        assertThat(failed(Plan.of(new Step("COPY", List.of("a", "b"), HASH, false))
                                .plan())
                        .message())
                .isEqualTo("the files of 'a' were not uploaded: " + HASH);
        assertThat(failed(Plan.of(step("COPY", "a", "b")).plan()).message())
                .isEqualTo("COPY needs the hash of its uploaded files");
        assertThat(failed(Plan.of(new Step("COPY", List.of("a"), HASH, false)).plan())
                        .message())
                .isEqualTo("COPY needs a source and a target");
        copy = (_, _) -> {
            throw new BuildFailure(null, "'a' is not among the files");
        };
        engine.storeFiles(TEAM, HASH, new ByteArrayInputStream(new byte[0]), 0);
        assertThat(failed(Plan.of(step("RUN", "x"), new Step("COPY", List.of("a", "b"), HASH, false))
                        .plan()))
                .isEqualTo(new BuildState.Failed("'a' is not among the files", "2"));
    }

    /** Sections 7 and 11. */
    @Test
    void anUnchangedBuildRunsNothingAndSaysSo() throws Exception {
        Plan plan = Plan.of(step("ENV", "A", "1"), step("RUN", "one"), step("WORKDIR", "/w"), step("RUN", "two"));
        BuiltTemplate first = ready(plan.plan());
        workshop.ran.clear();
        workshop.opened.clear();
        BuildPlan again = plan.plan();

        BuiltTemplate second = ready(again);

        assertThat(workshop.ran).isEmpty();
        assertThat(workshop.opened).isEmpty();
        assertThat(bases).isEqualTo(1);
        assertThat(second.context()).isEqualTo(first.context());
        assertThat(second.layers().subList(0, second.layers().size() - 1))
                .isEqualTo(first.layers().subList(0, first.layers().size() - 1));
        assertThat(log(again).stream().filter(line -> line.startsWith("CACHED [")))
                .hasSize(6)
                .anyMatch(line -> line.matches("CACHED \\[base] FROM debian:12 \\[[0-9a-f]{64}]"))
                .anyMatch(line -> line.matches("CACHED \\[builder 2/4] RUN one \\[[0-9a-f]{64}]"));
    }

    @Test
    void whatComesAfterAChangeRunsAgain() throws Exception {
        ready(Plan.of(step("RUN", "one"), step("RUN", "two"), step("RUN", "three"))
                .plan());
        workshop.ran.clear();

        ready(Plan.of(step("RUN", "one"), step("RUN", "2"), step("RUN", "three"))
                .plan());

        assertThat(workshop.commands()).containsExactly("2", "three");
    }

    @Test
    void forceRunsEverythingAndForceOfAStepWhatFollows() throws Exception {
        Plan plan = Plan.of(step("RUN", "one"), step("RUN", "two"));
        ready(plan.plan());
        workshop.ran.clear();
        ready(plan.withForce().plan());
        assertThat(workshop.commands()).containsExactly("one", "two");
        assertThat(bases).isEqualTo(2);
        workshop.ran.clear();
        ready(Plan.of(step("RUN", "one"), forced("RUN", "two"), step("RUN", "three"))
                .plan());
        assertThat(workshop.commands()).containsExactly("two", "three");
    }

    /** Section 7: credentials and sizes are not hashed, the reference's text is. */
    @Test
    void theCacheLooksAtTheReferenceAndNotAtCredentials() throws Exception {
        ready(Plan.of(step("RUN", "one")).plan());
        workshop.ran.clear();
        ImageCredentials secret = new ImageCredentials.Basic("me", "hunter2");
        BuildPlan plan = Plan.of(step("RUN", "one"))
                .from(new BuildOrigin.Image("debian:12", secret))
                .plan();
        ready(plan);
        assertThat(workshop.commands()).isEmpty();
        ready(Plan.of(step("RUN", "one"))
                .from(new BuildOrigin.Image("debian:13", secret))
                .plan());
        assertThat(workshop.commands()).containsExactly("one");
        try (Stream<Path> files = Files.walk(data.resolve("builder"))) {
            assertThat(files.filter(Files::isRegularFile).map(BuildEngineTest::text))
                    .isNotEmpty()
                    .noneMatch(text -> text.contains("hunter2"));
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void teamsShareNoCacheAndChangedProvisioningIsAnotherBase() throws Exception {
        Plan plan = Plan.of(step("RUN", "one"));
        ready(plan.plan());
        workshop.ran.clear();
        ready(plan.of(UUID.randomUUID()).plan());
        assertThat(workshop.commands()).containsExactly("one");
        provisioning = "2";
        ready(plan.plan());
        assertThat(bases).isEqualTo(3);
    }

    @Test
    void anEntryWhoseLayersAreGoneOrThatIsDamagedIsNone() throws Exception {
        Plan plan = Plan.of(step("RUN", "one"));
        BuiltTemplate built = ready(plan.plan());
        workshop.ran.clear();
        layers.remove(Digest.parse(built.layers().get(1)));
        ready(plan.plan());
        assertThat(workshop.commands()).containsExactly("one");
        workshop.ran.clear();
        try (Stream<Path> files = Files.walk(data.resolve("builder/cache"))) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Files.writeString(file, "{");
            }
        }
        ready(plan.plan());
        assertThat(workshop.commands()).containsExactly("one");
    }

    /** Section 9. */
    @Test
    void theVersionsDifferInUserAndDirectory() throws Exception {
        Step own = step("USER", "worker");
        Step there = step("WORKDIR", "/w");
        BuiltTemplate newest = ready(Plan.of(own, there).plan());
        assertThat(newest.defaultUser()).isEqualTo("worker");
        assertThat(newest.defaultWorkdir()).isEqualTo("/w");
        BuiltTemplate older = ready(Plan.of(own, there).by(Semantics.V2_0).plan());
        assertThat(older.defaultUser()).isEqualTo("user");
        assertThat(older.defaultWorkdir()).isEmpty();
        assertThat(ready(Plan.of().plan()).context()).isEqualTo(new BuildContext("user", "", Map.of("IMAGE", "yes")));
        assertThat(ready(Plan.of().by(Semantics.V2_0).plan()).context().user()).isEqualTo("root");
        assertThat(ready(Plan.of().by(Semantics.V1_0).plan()).context())
                .isEqualTo(new BuildContext("root", "/home/user", Map.of("IMAGE", "yes")));
    }

    /** Sections 9 and 10: three generations. */
    @Test
    void aChildGoesOnWhereItsParentEndedAndInheritsWhatItStarts() throws Exception {
        BuiltTemplate first = ready(Plan.of(step("ENV", "A", "1"), step("USER", "worker"), step("WORKDIR", "/w"))
                .starting("serve", "probe")
                .plan());
        BuiltTemplate second = ready(Plan.of(step("ENV", "B", "2"), step("RUN", "child"))
                .from(parent(first))
                .plan());
        BuiltTemplate third =
                ready(Plan.of(step("ENV", "C", "3")).from(parent(second)).plan());

        assertThat(command("child").user()).isEqualTo("worker");
        assertThat(command("child").workdir()).isEqualTo("/w");
        assertThat(third.context().env()).containsKeys("IMAGE", "A", "B", "C");
        assertThat(second.layers()).containsAll(first.layers());
        assertThat(third.start()).isEqualTo(first.start());
        assertThat(first.start()).isEqualTo(new TemplateStart("serve", "probe", first.context()).seenOn(List.of()));
        BuiltTemplate other =
                ready(Plan.of().from(parent(second)).starting(null, "other").plan());
        assertThat(other.start()).isEqualTo(new TemplateStart("", "other", second.context()).seenOn(List.of()));
    }

    @Test
    void stacksThatGrowTooHighOverThreeGenerationsAreMergedAndLoseNothing() throws Exception {
        engine.close();
        mostLayers = 6;
        begin();
        BuiltTemplate built = null;
        for (int generation = 0; generation < 3; generation++) {
            List<Step> steps = new ArrayList<>();
            for (int i = 0; i < 7; i++) {
                steps.add(step("RUN", "step " + generation + " " + i));
            }
            Plan plan = Plan.of(steps.toArray(Step[]::new));
            built = ready((built == null ? plan : plan.from(parent(built))).plan());
            assertThat(built.layers()).hasSizeLessThanOrEqualTo(mostLayers + 1).startsWith(root.toString());
        }
        MergedTree tree = new MergedTree(
                layers,
                Objects.requireNonNull(built).layers().stream()
                        .map(Digest::parse)
                        .toList());
        for (int generation = 0; generation < 3; generation++) {
            for (int i = 0; i < 7; i++) {
                byte[] text = ("step " + generation + " " + i).getBytes(StandardCharsets.UTF_8);
                assertThat(tree.read("/" + Digest.of(text).hex(), 100)).contains(text);
            }
        }
        assertThat(workshop.opened)
                .allSatisfy(order -> assertThat(order.layers()).hasSizeLessThan(mostLayers));
    }

    @Test
    void aBuildForWhichTheDiskHasNoRoomSaysSo() throws Exception {
        workshop.answers.put("fills the disk", (_, _) -> {
            throw new IOException("could not write", new FileSystemException("f", null, "No space left on device"));
        });
        assertThat(failed(Plan.of(step("RUN", "fills the disk")).plan()).message())
                .endsWith("(no room is left on the disk of the node)");
        workshop.answers.remove("fills the disk");
        ready(Plan.of(step("RUN", "fills the disk")).plan());
    }

    @Test
    void aBuildIsRefusedWithAReasonWhileTheDiskIsFullerThanItMayBe() throws Exception {
        BuildPlan plan = Plan.of(step("RUN", "one")).plan();
        engine.close();
        freeBytes = Long.MAX_VALUE / 2;
        begin();
        assertThatThrownBy(() -> engine.start(plan)).isInstanceOfSatisfying(ApiException.class, refused -> {
            assertThat(refused.kind()).isEqualTo(ErrorKind.UNAVAILABLE);
            assertThat(refused.text()).contains("disk is nearly full", "MiB are free");
        });
        assertThat(engine.state(plan.buildId())).isEmpty();
        engine.close();
        freeBytes = 0;
        begin();
        ready(plan);
    }

    private static BuildOrigin parent(BuiltTemplate built) {
        return new BuildOrigin.Parent("parent", UUID.randomUUID(), built);
    }

    @Test
    void aMissingOrIncompleteParentFailsTheBase() throws Exception {
        assertThat(failed(Plan.of()
                        .from(new BuildOrigin.Missing("template 'x' not found"))
                        .plan()))
                .isEqualTo(new BuildState.Failed("template 'x' not found", "base"));
        BuiltTemplate built = ready(Plan.of(step("RUN", "one")).plan());
        layers.remove(Digest.parse(built.layers().get(1)));
        assertThat(failed(Plan.of().from(parent(built)).plan()))
                .isEqualTo(new BuildState.Failed(
                        "the template 'parent' is no longer complete: please rebuild it first", "base"));
    }

    @Test
    void aBaseThatCannotBeMadeFailsWithItsReason() throws Exception {
        baseFailure = new BuildFailure("base", "image 'debian:12' or its tag is missing in the registry");
        assertThat(failed(Plan.of().plan()))
                .isEqualTo(new BuildState.Failed("image 'debian:12' or its tag is missing in the registry", "base"));
    }

    /** Section 10. */
    @Test
    void theReadyCommandIsAskedUntilItSaysYes() throws Exception {
        workshop.answers.put("serve", workshop.blocking());
        List<String> asked = new ArrayList<>();
        workshop.answers.put("probe", (_, lines) -> {
            asked.add("x");
            lines.stdout("try");
            return asked.size() < 3 ? 1 : 0;
        });
        BuildPlan plan =
                Plan.of(step("ENV", "PORT", "80")).starting("serve", "probe").plan();

        ready(plan);

        assertThat(asked).hasSize(3);
        assertThat(command("serve").env()).containsEntry("PORT", "80");
        assertThat(entries(plan, "[ready] [stdout]: try"))
                .hasSize(3)
                .allMatch(entry -> entry.level() == BuildLogEntry.Level.DEBUG);
    }

    @Test
    void aStartCommandThatFailsBeforeThatFailsTheBuild() throws Exception {
        workshop.answers.put("serve", (_, lines) -> {
            lines.stdout("port is taken");
            return 3;
        });
        workshop.answers.put("probe", (_, _) -> 1);
        BuildPlan plan = Plan.of().starting("serve", "probe").plan();
        assertThat(failed(plan))
                .isEqualTo(
                        new BuildState.Failed("the start command failed: exit status 3:\nport is taken", "finalize"));
        assertThat(entries(plan, "[start] [stdout]: port is taken")).hasSize(1);
    }

    @Test
    void aStartCommandMayEndWellAndWithoutAReadyCommandItIsGivenTime() throws Exception {
        ready(Plan.of().starting("serve", "probe").plan());
        long begun = System.nanoTime();
        ready(Plan.of().starting("serve", null).plan());
        assertThat(Duration.ofNanos(System.nanoTime() - begun)).isGreaterThanOrEqualTo(SHORT);
        workshop.answers.put("bad", (_, _) -> 1);
        assertThat(failed(Plan.of().starting("bad", null).plan()).step()).isEqualTo("finalize");
    }

    @Test
    void aReadyCommandThatNeverSaysYesFailsTheBuildWithTheTime() throws Exception {
        workshop.answers.put("probe", (_, _) -> 1);
        BuildState.Failed failed = failed(Plan.of().starting(null, "probe").plan());
        assertThat(failed.step()).isEqualTo("finalize");
        assertThat(failed.message()).matches("the ready command did not succeed within \\d+ seconds");
    }

    /** Section 12. */
    @Test
    void aBlockedBuildCanBeCancelledAndLeavesNothing() throws Exception {
        workshop.answers.put("sleep", workshop.blocking());
        BuildPlan plan = Plan.of(step("RUN", "sleep")).plan();
        engine.start(plan);
        workshop.awaitBlocked();
        assertThat(engine.state(plan.buildId())).contains(new BuildState.Running());

        assertThat(engine.cancel(plan.buildId(), "superseded")).isTrue();

        assertThat(engine.state(plan.buildId())).contains(new BuildState.Failed("superseded", null));
        assertThat(workshop.open()).isZero();
        assertThat(engine.cancel(plan.buildId(), "again")).isFalse();
    }

    @Test
    void aBuildThatWaitsForAWorkerCanBeCancelledToo() throws Exception {
        engine.close();
        begin(1, Duration.ofMinutes(1));
        workshop.answers.put("sleep", workshop.blocking());
        BuildPlan first = Plan.of(step("RUN", "sleep")).plan();
        BuildPlan second = Plan.of(step("RUN", "other")).plan();
        engine.start(first);
        workshop.awaitBlocked();
        engine.start(second);
        assertThat(engine.cancel(second.buildId(), "no more")).isTrue();
        assertThat(engine.state(second.buildId())).contains(new BuildState.Failed("no more", null));
        assertThat(workshop.commands()).containsExactly("sleep");
    }

    @Test
    void aBuildThatTakesTooLongFails() throws Exception {
        engine.close();
        begin(1, SHORT);
        workshop.answers.put("sleep", workshop.blocking());
        assertThat(failed(Plan.of(step("RUN", "sleep")).plan()).message()).startsWith("The build took longer than");
    }

    @Test
    void whatIsKnownOfABuildOutlivesARestart() throws Exception {
        BuildPlan good = Plan.of(step("RUN", "one")).plan();
        BuiltTemplate built = ready(good);
        BuildPlan bad = Plan.of(step("NONE")).plan();
        BuildState.Failed failed = failed(bad);
        List<BuildLogEntry> log = engine.log(good.buildId());
        engine.close();
        begin();

        assertThat(engine.state(good.buildId())).contains(new BuildState.Ready(built));
        assertThat(engine.state(bad.buildId())).contains(failed);
        assertThat(engine.log(good.buildId()))
                .extracting(BuildLogEntry::message)
                .isEqualTo(log.stream().map(BuildLogEntry::message).toList());
        workshop.ran.clear();
        ready(Plan.of(step("RUN", "one")).plan());
        assertThat(workshop.ran).isEmpty();
        engine.start(good);
        assertThat(engine.state(good.buildId())).contains(new BuildState.Ready(built));
    }

    @Test
    void aBuildThatWasCutOffHasFailedAfterTheRestart() throws Exception {
        BuildPlan plan = Plan.of(step("RUN", "one")).plan();
        ready(plan);
        Files.delete(data.resolve("builder/builds")
                .resolve(plan.buildId().toString())
                .resolve("state.json"));
        engine.close();
        begin();

        assertThat(engine.state(plan.buildId()).orElseThrow())
                .isInstanceOfSatisfying(
                        BuildState.Failed.class,
                        failed -> assertThat(failed.message()).contains("cut off"));
        assertThat(engine.log(plan.buildId()).getLast().level()).isEqualTo(BuildLogEntry.Level.ERROR);
    }

    @Test
    void theEndIsToldAndAForgottenBuildIsUnknown() throws Exception {
        List<UUID> told = new java.util.concurrent.CopyOnWriteArrayList<>();
        engine.onEnd((build, _) -> told.add(build));
        BuildPlan plan = Plan.of().plan();
        ready(plan);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (told.isEmpty() && System.nanoTime() < deadline) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(2));
        }
        assertThat(told).containsExactly(plan.buildId());
        engine.forget(plan.buildId());
        assertThat(engine.state(plan.buildId())).isEmpty();
        assertThat(engine.log(plan.buildId())).isEmpty();
        assertThat(engine.state(UUID.randomUUID())).isEmpty();
    }

    /** Section 7: what nothing needs goes, what a ready build or the cache needs stays. */
    @Test
    void layersThatNothingNeedsAreCollected() throws Exception {
        BuildPlan plan = Plan.of(step("RUN", "one")).plan();
        BuiltTemplate built = ready(plan);
        Digest mark = Digest.parse(built.layers().getLast());
        assertThat(engine.collector().collect(Duration.ZERO).layers()).isZero();
        engine.forget(plan.buildId());
        assertThat(collectedOnceTheBuildLetGo()).isEqualTo(1);
        assertThat(layers.has(mark)).isFalse();
        assertThat(engine.cache().usage().entries()).isEqualTo(4);
        assertThat(engine.cache().prune(0)).isEqualTo(4);
        engine.collector().collect(Duration.ZERO);
        assertThat(layers.list()).isEmpty();
    }

    /** A build's end can be seen a moment before it lets go of the layers. */
    private int collectedOnceTheBuildLetGo() throws IOException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        int collected = engine.collector().collect(Duration.ZERO).layers();
        while (collected == 0 && System.nanoTime() < deadline) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(2));
            collected = engine.collector().collect(Duration.ZERO).layers();
        }
        return collected;
    }

    @Test
    void nothingIsCollectedWhileABuildIsAtWork() throws Exception {
        workshop.answers.put("sleep", workshop.blocking());
        BuildPlan plan = Plan.of(step("RUN", "sleep")).plan();
        engine.start(plan);
        workshop.awaitBlocked();
        engine.cache().prune(0);
        assertThat(engine.collector().collect(Duration.ZERO).layers()).isZero();
        assertThat(layers.has(root)).isTrue();
        assertThat(engine.cancel(plan.buildId(), "enough")).isTrue();
    }

    @Test
    void theCacheForgetsWhatWasUsedLeastLately() throws Exception {
        ready(Plan.of(step("RUN", "old")).plan());
        ready(Plan.of(step("RUN", "new")).plan());
        long all = engine.cache().usage().bytes();
        assertThat(engine.cache().prune(all - 1)).isPositive();
        workshop.ran.clear();
        ready(Plan.of(step("RUN", "new")).plan());
        assertThat(workshop.commands()).isEmpty();
    }

    @Test
    void filesOfOthersInItsDirectoriesDoNotHurt() throws Exception {
        ready(Plan.of(step("RUN", "one")).plan());
        engine.close();
        for (String directory : List.of("builds", "cache", "uploads")) {
            Files.createDirectory(data.resolve("builder").resolve(directory).resolve("lost+found"));
            Files.writeString(data.resolve("builder").resolve(directory).resolve("notes"), "x");
        }
        begin();
        assertThat(engine.cache().usage().entries()).isEqualTo(4);
        engine.storeFiles(TEAM, HASH, new ByteArrayInputStream(new byte[0]), 0);
        engine.tidy();
    }

    /** Section 6. */
    @Test
    void uploadsAreKeptEntirelyOrNotAtAll() throws Exception {
        assertThat(engine.hasFiles(TEAM, HASH)).isFalse();
        assertKind(ErrorKind.INVALID, 3, "four");
        assertKind(ErrorKind.INVALID, 5, "four");
        assertKind(ErrorKind.TOO_LARGE, 1001, "");
        assertThat(engine.hasFiles(TEAM, HASH)).isFalse();
        engine.storeFiles(TEAM, HASH, new ByteArrayInputStream("four".getBytes(StandardCharsets.UTF_8)), 4);
        assertThat(engine.hasFiles(TEAM, HASH)).isTrue();
        assertThat(engine.hasFiles(UUID.randomUUID(), HASH)).isFalse();
        assertThat(engine.hasFiles(TEAM, "../" + HASH.substring(3))).isFalse();
    }

    private void assertKind(ErrorKind kind, long length, String content) {
        assertThatThrownBy(() -> engine.storeFiles(
                        TEAM, HASH, new ByteArrayInputStream(content.getBytes(StandardCharsets.UTF_8)), length))
                .isInstanceOfSatisfying(
                        ApiException.class, e -> assertThat(e.kind()).isEqualTo(kind));
    }

    @Test
    void aNoisyCommandDoesNotFillTheDisk() throws Exception {
        String line = "x".repeat(10_000);
        workshop.answers.put("yes", (_, lines) -> {
            for (int i = 0; i < 3000; i++) {
                lines.stdout(line);
            }
            return 1;
        });
        BuildPlan plan = Plan.of(step("RUN", "yes")).plan();
        failed(plan);
        assertThat(entries(plan, "the log is full")).hasSize(1);
        assertThat(engine.log(plan.buildId()).getLast().level()).isEqualTo(BuildLogEntry.Level.ERROR);
        assertThat(engine.log(plan.buildId())).hasSizeLessThan(2000);
    }
}
