package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.BuildLogEntry.Level;
import dev.sandlot.protocol.BuildOrigin;
import dev.sandlot.protocol.BuildPlan;
import dev.sandlot.protocol.BuildState;
import dev.sandlot.protocol.ErrorKind;
import dev.sandlot.protocol.ImageCredentials;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Builds from the request to the end (public-api.md 13.2, 13.4 to 13.6, template-build.md 2 to 4, 11 to 16). */
class BuildsTest {
    private static final String FROM_IMAGE = "{\"fromImage\":\"debian:stable\"}";

    @TempDir
    Path directory;

    private TestServer server;

    @BeforeEach
    void open() throws ApiException {
        server = TestServer.open(directory);
    }

    @AfterEach
    void close() {
        server.close();
    }

    /** A build that was asked for. */
    private record Asked(String templateId, UUID buildId) {
        String path() {
            return "/templates/" + templateId + "/builds/" + buildId;
        }
    }

    private Asked ask(String body) {
        JsonNode json = server.call("POST", "/v3/templates", body).expect(202).json();
        return new Asked(
                json.get("templateID").stringValue(),
                UUID.fromString(json.get("buildID").stringValue()));
    }

    private Asked askFor(String name) {
        return ask("{\"name\":\"" + name + "\"}");
    }

    private void start(Asked build, String body) {
        assertThat(server.call("POST", "/v2" + build.path(), body).expect(202).text())
                .isEmpty();
    }

    private Asked started(String name) {
        Asked build = askFor(name);
        start(build, FROM_IMAGE);
        return build;
    }

    private Asked ready(String name) {
        Asked build = started(name);
        server.builder.end(build.buildId(), new BuildState.Ready(MemoryBuilder.built("sha256:" + name)));
        return build;
    }

    private JsonNode status(Asked build, String query) {
        return server.call("GET", build.path() + "/status" + query).expect(200).json();
    }

    private String state(Asked build) {
        return status(build, "").get("status").stringValue();
    }

    private static List<String> texts(JsonNode list) {
        return list.valueStream().map(JsonNode::stringValue).toList();
    }

    private static List<String> messages(JsonNode entries) {
        return entries.valueStream()
                .map(entry -> entry.get("message").stringValue())
                .toList();
    }

    private void waitFor(Asked build, String state) throws InterruptedException {
        Instant patience = Instant.now().plusSeconds(10);
        while (!state(build).equals(state)) {
            assertThat(Instant.now()).isBefore(patience);
            Thread.sleep(10);
        }
    }

    /** 13.2. */
    @Test
    void aBuildIsAskedForByNameAndTags() {
        JsonNode asked = server.call("POST", "/v3/templates", "{\"name\":\"Mine:V1\",\"tags\":[\"v2\",\"v1\"]}")
                .expect(202)
                .json();
        assertThat(asked.propertyNames())
                .containsExactlyInAnyOrder("templateID", "buildID", "public", "names", "tags", "aliases");
        assertThat(texts(asked.get("names"))).containsExactly("local/mine");
        assertThat(texts(asked.get("aliases"))).containsExactly("mine");
        assertThat(texts(asked.get("tags"))).containsExactly("v1", "v2");
        assertThat(asked.get("public").booleanValue()).isFalse();
        Asked again = askFor("local/mine");
        assertThat(again.templateId()).isEqualTo(asked.get("templateID").stringValue());
        assertThat(again.buildId().toString()).isNotEqualTo(asked.get("buildID").stringValue());
        assertThat(texts(server.call("POST", "/v3/templates", "{\"alias\":\"other\"}")
                        .expect(202)
                        .json()
                        .get("tags")))
                .containsExactly("default");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{} | Name is required",
                "{\"name\":\" \"} | Name is required",
                "{\"name\":\"a b\"} | Invalid template reference",
                "{\"name\":\"other/mine\"} | namespace 'other' must match your team 'local'",
                "{\"name\":\"mine\",\"tags\":[\"\"]} | Invalid tag",
                "{\"name\":\"mine:00000000-0000-0000-0000-000000000001\"} | a tag cannot be a UUID",
                "{\"name\":\"mine\",\"cpuCount\":0} | must be at least 1",
                "{\"name\":\"mine\",\"cpuCount\":3} | CPU count must be 1 or an even number",
                "{\"name\":\"mine\",\"cpuCount\":10} | CPU count can't be higher than 8 (if you need",
                "{\"name\":\"mine\",\"cpuCount\":34} | CPU count must be at most 32",
                "{\"name\":\"mine\",\"memoryMB\":127} | must be at least 128",
                "{\"name\":\"mine\",\"memoryMB\":513} | Memory must be divisible by 2",
                "{\"name\":\"mine\",\"memoryMB\":8194} | Memory can't be higher than 8192 MiB (if you need",
                "{\"name\":\"mine\",\"minFreeDiskMb\":-1} | must be at least 0",
            })
    void requestsThatCannotBeAreRefusedAndChangeNothing(String body, String text) {
        assertThat(server.call("POST", "/v3/templates", body).expect(400).message())
                .contains(text);
        assertThat(server.call("GET", "/templates").json()).isEmpty();
    }

    @Test
    void sizesAreThoseAskedForOrTheDefaults() {
        Asked plain = started("plain");
        BuildPlan plan = server.builder.plans.get(plain.buildId());
        assertThat(plan.cpuCount()).isEqualTo(2);
        assertThat(plan.memoryMb()).isEqualTo(1024);
        assertThat(plan.diskMb()).isEqualTo(512);
        Asked sized = ask("{\"name\":\"sized\",\"cpuCount\":1,\"memoryMB\":256,\"minFreeDiskMb\":2000}");
        start(sized, FROM_IMAGE);
        BuildPlan other = server.builder.plans.get(sized.buildId());
        assertThat(List.of(other.cpuCount(), other.memoryMb(), other.diskMb())).containsExactly(1, 256, 2000);
        assertThat(other.teamId()).isEqualTo(server.team().id());
        assertThat(other.templateId()).isEqualTo(sized.templateId());
    }

    /** 13.2: 409 for an ID, 403 for a promoted name of another team. */
    @Test
    void namesThatAreTakenAreRefused() {
        assertThat(server.call("POST", "/v3/templates", "{\"name\":\"" + server.templateId + "\"}")
                        .expect(409)
                        .message())
                .isEqualTo("Alias '" + server.templateId + "' is already used");
        assertThat(server.call("POST", "/v3/templates", "{\"name\":\"base\"}")
                        .expect(403)
                        .message())
                .isEqualTo("Alias 'base' already used");
        String other = server.otherTeam("other");
        server.callAs(other, "POST", "/v3/templates", "{\"name\":\"mine\"}").expect(202);
        askFor("mine");
    }

    /** 13.2: not those of the same template with an overlapping tag. */
    @Test
    void aTeamHasNoMoreBuildsAtOnceThanItsPlanSays() {
        server.store
                .teams()
                .putOverrides(server.team().id(), new TeamStore.Overrides(null, null, null, null, 2, null, null, null));
        Asked first = started("first");
        askFor("second");
        TestServer.Answer refused = server.call("POST", "/v3/templates", "{\"name\":\"third\"}");
        assertThat(refused.expect(429).message()).contains("concurrent template builds (2)");
        assertThat(refused.headers().has("Retry-After")).isFalse();
        askFor("first");
        server.call("POST", "/v3/templates", "{\"name\":\"first:v2\"}").expect(429);
        server.builder.end(first.buildId(), new BuildState.Failed("no", null));
    }

    /** 13.2: older pending builds with an overlapping tag become failed. */
    @Test
    void aNewerRequestTakesThePlaceOfOlderOnesThatWait() {
        Asked both = ask("{\"name\":\"mine\",\"tags\":[\"a\",\"b\"]}");
        Asked other = ask("{\"name\":\"mine\",\"tags\":[\"c\"]}");
        Asked newer = ask("{\"name\":\"mine\",\"tags\":[\"b\",\"d\"]}");
        JsonNode old = status(both, "");
        assertThat(old.get("status").stringValue()).isEqualTo("error");
        assertThat(old.get("reason").get("message").stringValue()).contains("superseded by a newer one");
        assertThat(old.get("reason").has("step")).isFalse();
        assertThat(state(other)).isEqualTo("waiting");
        assertThat(state(newer)).isEqualTo("waiting");
        server.call("POST", "/v2" + both.path(), FROM_IMAGE).expect(400);
    }

    /** Template-build.md 12: the start of a build cancels other running ones of the same template and tags. */
    @Test
    void aStartEndsOlderBuildsOfTheSameTemplateAndTag() throws Exception {
        Asked old = started("mine");
        Asked otherTag = started("mine:v2");
        Asked otherTemplate = started("other");
        Asked newer = started("mine");
        waitFor(old, "error");
        assertThat(status(old, "").get("reason").get("message").stringValue()).contains("superseded");
        assertThat(server.builder.states.get(old.buildId())).isInstanceOf(BuildState.Failed.class);
        assertThat(state(otherTag)).isEqualTo("building");
        assertThat(state(otherTemplate)).isEqualTo("building");
        assertThat(state(newer)).isEqualTo("building");
    }

    @Test
    void thePlanIsWhatTheRequestSaysAndFurtherKeysAreIgnored() {
        Asked build = askFor("mine");
        start(build, """
                {"fromImage":"python:3","force":true,"startCmd":"run","readyCmd":"true","more":1,
                 "fromImageRegistry":{"type":"registry","username":"u","password":"p4ssw0rd"},
                 "steps":[
                   {"type":"copy","args":["a","/b","",""],"filesHash":"%s","forceUpload":true,"resolveSymlinks":false,
                    "gzip":true},
                   {"type":"RUN","args":["true","root"],"force":true},
                   {"type":"nonsense"}]}
                """.formatted("0f".repeat(32)));
        BuildPlan plan = server.builder.plans.get(build.buildId());
        assertThat(plan.origin())
                .isEqualTo(new BuildOrigin.Image("python:3", new ImageCredentials.Basic("u", "p4ssw0rd")));
        assertThat(plan.steps())
                .containsExactly(
                        new BuildPlan.Step("copy", List.of("a", "/b", "", ""), "0f".repeat(32), false),
                        new BuildPlan.Step("RUN", List.of("true", "root"), null, true),
                        new BuildPlan.Step("nonsense", List.of(), null, false));
        assertThat(plan.startCommand()).isEqualTo("run");
        assertThat(plan.readyCommand()).isEqualTo("true");
        assertThat(plan.force()).isTrue();
    }

    /** Template-build.md 4: secrets only for the duration of the build. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"type\":\"registry\",\"username\":\"u\",\"password\":\"Xq7secret\"}",
                "{\"type\":\"aws\",\"awsAccessKeyId\":\"k\",\"awsSecretAccessKey\":\"Xq7secret\",\"awsRegion\":\"r\"}",
                "{\"type\":\"gcp\",\"serviceAccountJson\":\"{\\\"Xq7secret\\\":1}\"}"
            })
    void credentialsReachTheBuilderAndNothingElse(String registry) throws IOException {
        Asked build = askFor("mine");
        start(build, "{\"fromImage\":\"a\",\"fromImageRegistry\":" + registry + "}");
        BuildPlan plan = server.builder.plans.get(build.buildId());
        assertThat(((BuildOrigin.Image) plan.origin()).credentials()).isNotNull();
        assertThat(plan.toString()).doesNotContain("Xq7secret");
        server.builder.end(build.buildId(), new BuildState.Failed("no", "base"));
        try (var files = Files.list(directory)) {
            for (Path file : files.toList()) {
                assertThat(new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1))
                        .doesNotContain("Xq7secret");
            }
        }
    }

    /** 13.4. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{}",
                "{\"fromImage\":\"a\",\"fromTemplate\":\"b\"}",
                "{\"fromImage\":\"\"}",
                "{\"fromImage\":\"a\",\"fromImageRegistry\":{\"type\":\"else\"}}",
                "{\"fromImage\":\"a\",\"fromImageRegistry\":{\"type\":\"registry\",\"username\":\"u\"}}",
                "{\"fromImage\":\"a\",\"steps\":[{\"args\":[]}]}",
                "{\"fromImage\":\"a\",\"steps\":[{\"type\":\"COPY\",\"filesHash\":\"../../etc\"}]}",
            })
    void startsThatCannotBeAreRefusedAndTheBuildWaitsOn(String body) {
        Asked build = askFor("mine");
        server.call("POST", "/v2" + build.path(), body).expect(400);
        assertThat(state(build)).isEqualTo("waiting");
        assertThat(server.builder.plans).isEmpty();
    }

    @Test
    void onlyABuildThatWaitsIsStarted() {
        Asked build = started("mine");
        assertThat(server.call("POST", "/v2" + build.path(), FROM_IMAGE)
                        .expect(400)
                        .message())
                .contains("not in the waiting state");
        String id = build.templateId();
        server.call("POST", "/v2/templates/" + id + "/builds/x", FROM_IMAGE).expect(400);
        server.call("POST", "/v2/templates/" + id + "/builds/" + UUID.randomUUID(), FROM_IMAGE)
                .expect(404);
        server.call("POST", "/v2/templates/else/builds/" + build.buildId(), FROM_IMAGE)
                .expect(404);
        Asked waiting = askFor("other");
        server.callAs(server.otherTeam("other"), "POST", "/v2" + waiting.path(), FROM_IMAGE)
                .expect(403);
    }

    /** 13.4, 21.3. */
    @ParameterizedTest
    @CsvSource({
        "e2b-js-sdk/2.51.0, V2_1",
        "e2b-python-sdk/2.3.0, V2_1",
        "e2b-js-sdk/2.2.9, V2_0",
        "e2b-js-sdk/2.3.0-beta.1, V2_0",
        "e2b-python-sdk/1.9.0, V2_0",
        "e2b-js-sdk/2.49.0 e2b-cli/2.19.0, V2_1",
        "curl/8.0, V2_1",
        "'', V2_1",
    })
    void theRulesOfABuildAreThoseOfTheSdkThatAsks(String agent, BuildPlan.Semantics semantics) {
        Asked build = askFor("mine");
        server.send(new MemoryExchange("POST", "/v2" + build.path())
                        .header("X-API-Key", server.key)
                        .header("User-Agent", agent)
                        .body(FROM_IMAGE.getBytes(StandardCharsets.UTF_8)))
                .expect(202);
        assertThat(server.builder.plans.get(build.buildId()).semantics()).isEqualTo(semantics);
    }

    @Test
    void anSdkWithoutAVersionIsRefused() {
        Asked build = askFor("mine");
        server.send(new MemoryExchange("POST", "/v2" + build.path())
                        .header("X-API-Key", server.key)
                        .header("User-Agent", "e2b-js-sdk/latest")
                        .body(FROM_IMAGE.getBytes(StandardCharsets.UTF_8)))
                .expect(400);
        assertThat(state(build)).isEqualTo("waiting");
    }

    /** 13.4: a missing parent is accepted, and the build fails. */
    @Test
    void aTemplateIsBuiltOnTheNewestReadyBuildOfAnother() {
        Asked parent = ready("parent");
        started("parent");
        Asked child = askFor("child");
        start(child, "{\"fromTemplate\":\"parent\"}");
        assertThat(server.builder.plans.get(child.buildId()).origin())
                .isEqualTo(new BuildOrigin.Parent("parent", parent.buildId(), MemoryBuilder.built("sha256:parent")));
        Asked onBase = askFor("on-base");
        start(onBase, "{\"fromTemplate\":\"base\"}");
        BuildOrigin.Parent base =
                (BuildOrigin.Parent) server.builder.plans.get(onBase.buildId()).origin();
        assertThat(base.built().context().user()).isEqualTo("user");
        for (String missing : List.of("nothing", "parent:v9", "a/b/c", "other/secret")) {
            Asked orphan = askFor("orphan");
            start(orphan, "{\"fromTemplate\":\"" + missing + "\"}");
            assertThat(server.builder.plans.get(orphan.buildId()).origin()).isInstanceOf(BuildOrigin.Missing.class);
        }
    }

    @Test
    void whenTheBuilderTakesNoneTheBuildWaitsOn() {
        Asked build = askFor("mine");
        server.builder.refusal = new ApiException(ErrorKind.UNAVAILABLE, "no builder is available");
        server.call("POST", "/v2" + build.path(), FROM_IMAGE).expect(503);
        server.builder.refusal = null;
        assertThat(state(build)).isEqualTo("waiting");
        start(build, FROM_IMAGE);
        assertThat(state(build)).isEqualTo("building");
    }

    @Test
    void aReadyBuildIsWhatSandboxesAreMadeOf() {
        Asked build = askFor("mine");
        server.call("POST", "/v2/sandboxes", "{\"templateID\":\"mine\"}").expect(404);
        start(build, FROM_IMAGE);
        server.call("POST", "/v2/sandboxes", "{\"templateID\":\"mine\"}").expect(404);
        assertThat(server.call("GET", "/templates")
                        .json()
                        .get(0)
                        .get("buildStatus")
                        .stringValue())
                .isEqualTo("building");
        server.builder.end(build.buildId(), new BuildState.Ready(MemoryBuilder.built("sha256:mine")));
        assertThat(state(build)).isEqualTo("ready");
        server.create("{\"templateID\":\"mine\"}");
        var spec = server.node.running.values().iterator().next();
        assertThat(spec.layers()).containsExactly("sha256:a", "sha256:mine");
        assertThat(spec.buildId()).isEqualTo(build.buildId());
        assertThat(spec.memoryMb()).isEqualTo(1024);
        assertThat(spec.defaultWorkdir()).isEqualTo("/app");
        JsonNode listed = server.call("GET", "/templates").json().get(0);
        assertThat(listed.get("buildStatus").stringValue()).isEqualTo("ready");
        assertThat(listed.get("memoryMB").intValue()).isEqualTo(1024);
        assertThat(server.control.layersInUse()).contains("sha256:mine");
    }

    /** Template-build.md 16: a failed rebuild leaves the old build current, and a rebuild keeps the ID. */
    @Test
    void aFailedRebuildLeavesTheOldBuildCurrent() {
        Asked first = ready("mine");
        Asked second = started("mine");
        server.builder.end(second.buildId(), new BuildState.Failed("no", "1"));
        assertThat(second.templateId()).isEqualTo(first.templateId());
        server.create("{\"templateID\":\"mine\"}");
        assertThat(server.node.running.values().iterator().next().buildId()).isEqualTo(first.buildId());
        JsonNode listed = server.call("GET", "/templates").json().get(0);
        assertThat(listed.get("buildStatus").stringValue()).isEqualTo("error");
        assertThat(listed.get("buildID").stringValue())
                .isEqualTo(first.buildId().toString());
        JsonNode builds = server.call("GET", "/templates/" + first.templateId()).json();
        assertThat(builds.get("builds")).hasSize(2);
    }

    /** Template-build.md 3: the offset counts after the level was applied; at most 100 entries. */
    @Test
    void aStatusTellsTheLogPageByPage() {
        Asked build = started("mine");
        for (int i = 0; i < 150; i++) {
            server.builder.log(build.buildId(), i % 2 == 0 ? Level.DEBUG : Level.INFO, "1", "line " + i, 1000 + i);
        }
        assertThat(status(build, "").get("logEntries")).hasSize(100);
        assertThat(status(build, "?logsOffset=100").get("logEntries")).hasSize(50);
        assertThat(status(build, "?logsOffset=150").get("logEntries")).isEmpty();
        assertThat(status(build, "?logsOffset=2147483647").get("logEntries")).isEmpty();
        assertThat(messages(status(build, "?level=info&logsOffset=73&limit=1").get("logEntries")))
                .containsExactly("line 147");
        assertThat(status(build, "?level=warn").get("logEntries")).isEmpty();
        assertThat(status(build, "?limit=0").get("logEntries")).isEmpty();
        assertThat(status(build, "").get("logs")).isEmpty();
        JsonNode entry = status(build, "?limit=1").get("logEntries").get(0);
        assertThat(entry.get("timestamp").stringValue()).isEqualTo("1970-01-01T00:00:01.000Z");
        assertThat(entry.get("level").stringValue()).isEqualTo("debug");
        assertThat(entry.get("step").stringValue()).isEqualTo("1");
        for (String query : List.of("logsOffset=-1", "limit=101", "limit=-1", "level=loud")) {
            server.call("GET", build.path() + "/status?" + query).expect(400);
        }
    }

    /** Template-build.md 11: entries of the page, of the failing step, warnings and errors. */
    @Test
    void aFailureSaysWhyAndWhere() {
        Asked build = started("mine");
        server.builder.log(build.buildId(), Level.WARN, "1", "other step", 1);
        server.builder.log(build.buildId(), Level.INFO, "2", "output", 2);
        server.builder.log(build.buildId(), Level.ERROR, "2", "boom", 3);
        server.builder.end(build.buildId(), new BuildState.Failed("boom", "2"));
        JsonNode status = status(build, "");
        assertThat(status.get("status").stringValue()).isEqualTo("error");
        assertThat(status.get("reason").get("message").stringValue()).isEqualTo("boom");
        assertThat(status.get("reason").get("step").stringValue()).isEqualTo("2");
        assertThat(messages(status.get("reason").get("logEntries"))).containsExactly("boom");
        assertThat(status(build, "?logsOffset=3").get("reason").get("logEntries"))
                .isEmpty();
    }

    /** 13.5: 400 for an unknown build and a bad UUID, 403 for another team's. */
    @Test
    void buildsThatAreNotThereAreTold() {
        Asked build = started("mine");
        String id = build.templateId();
        for (String what : List.of("/status", "/logs")) {
            assertThat(server.call("GET", "/templates/" + id + "/builds/x" + what)
                            .expect(400)
                            .message())
                    .isEqualTo("Invalid build id");
            UUID unknown = UUID.randomUUID();
            assertThat(server.call("GET", "/templates/" + id + "/builds/" + unknown + what)
                            .expect(400)
                            .message())
                    .isEqualTo("Build '" + unknown + "' not found");
            server.call("GET", "/templates/else/builds/" + build.buildId() + what)
                    .expect(400);
        }
        String other = server.otherTeam("other");
        server.callAs(other, "GET", build.path() + "/status").expect(403);
        server.callAs(other, "GET", build.path() + "/logs").expect(403);
    }

    /** 13.6. */
    @Test
    void theLogIsReadInBothDirections() {
        Asked build = started("mine");
        for (int i = 0; i < 5; i++) {
            server.builder.log(build.buildId(), i == 3 ? Level.ERROR : Level.INFO, "1", "l" + i, 1000 + i);
        }
        String path = build.path() + "/logs";
        assertThat(messages(server.call("GET", path).json().get("logs"))).containsExactly("l0", "l1", "l2", "l3", "l4");
        assertThat(messages(
                        server.call("GET", path + "?cursor=1002&limit=2").json().get("logs")))
                .containsExactly("l2", "l3");
        assertThat(messages(server.call("GET", path + "?direction=backward&cursor=1003")
                        .json()
                        .get("logs")))
                .containsExactly("l3", "l2", "l1", "l0");
        assertThat(messages(server.call("GET", path + "?direction=backward&limit=1")
                        .json()
                        .get("logs")))
                .containsExactly("l4");
        for (String source : List.of("temporary", "persistent")) {
            assertThat(messages(server.call("GET", path + "?level=error&source=" + source)
                            .json()
                            .get("logs")))
                    .containsExactly("l3");
        }
        for (String query : List.of("cursor=x", "direction=up", "source=else", "limit=101", "level=x")) {
            server.call("GET", path + "?" + query).expect(400);
        }
    }

    /** 13.5: waiting over 40 minutes is a failure. */
    @Test
    void aBuildThatIsNeverStartedFails() {
        Asked build = askFor("mine");
        server.clock.forward(Duration.ofMinutes(39));
        server.control.reconcileBuilds();
        assertThat(state(build)).isEqualTo("waiting");
        server.clock.forward(Duration.ofMinutes(2));
        server.control.reconcileBuilds();
        assertThat(state(build)).isEqualTo("error");
        server.call("POST", "/v2" + build.path(), FROM_IMAGE).expect(400);
    }

    /** 13.5: a build takes an hour at most. */
    @Test
    void aBuildThatTakesTooLongIsEnded() {
        Asked build = started("mine");
        server.clock.forward(Duration.ofMinutes(59));
        server.control.reconcileBuilds();
        assertThat(state(build)).isEqualTo("building");
        server.clock.forward(Duration.ofMinutes(2));
        server.control.reconcileBuilds();
        assertThat(state(build)).isEqualTo("error");
        assertThat(status(build, "").get("reason").get("message").stringValue()).contains("longer than 60 minutes");
        assertThat(server.builder.states.get(build.buildId())).isInstanceOf(BuildState.Failed.class);
    }

    @Test
    void anEndThatNobodyReportedIsSeenByWhoLooksAndByTheReconciliation() {
        server.builder.silent = true;
        Asked looked = started("looked");
        Asked reconciled = started("reconciled");
        server.builder.end(looked.buildId(), new BuildState.Ready(MemoryBuilder.built("sha256:1")));
        server.builder.end(reconciled.buildId(), new BuildState.Ready(MemoryBuilder.built("sha256:2")));
        assertThat(state(looked)).isEqualTo("ready");
        server.call("POST", "/v2/sandboxes", "{\"templateID\":\"reconciled\"}").expect(404);
        server.control.reconcileBuilds();
        server.create("{\"templateID\":\"reconciled\"}");
    }

    @Test
    void afterARestartBuildsGoOnOrHaveAReason() throws ApiException {
        server.builder.silent = true;
        Asked running = started("running");
        Asked done = started("done");
        Asked lost = started("lost");
        Asked waiting = askFor("waiting");
        server.builder.end(done.buildId(), new BuildState.Ready(MemoryBuilder.built("sha256:done")));
        server.builder.forget(lost.buildId());
        server = server.restart();
        server.builder.silent = false;
        assertThat(state(running)).isEqualTo("building");
        assertThat(state(done)).isEqualTo("ready");
        assertThat(state(waiting)).isEqualTo("waiting");
        JsonNode status = status(lost, "");
        assertThat(status.get("status").stringValue()).isEqualTo("error");
        assertThat(status.get("reason").get("message").stringValue()).contains("does not know the build");
        server.builder.end(running.buildId(), new BuildState.Ready(MemoryBuilder.built("sha256:r")));
        assertThat(state(running)).isEqualTo("ready");
    }

    /** 13.8, template-build.md 16. */
    @Test
    void aDeletedTemplateTakesItsBuildsWithIt() throws Exception {
        Asked done = ready("mine");
        Asked running = started("mine:v2");
        Asked waiting = askFor("mine:v3");
        assertThat(server.control.layersInUse()).contains("sha256:mine");
        server.call("DELETE", "/templates/mine").expect(204);
        assertThat(server.control.layersInUse()).doesNotContain("sha256:mine");
        Instant patience = Instant.now().plusSeconds(10);
        while (!server.builder.states.isEmpty()) {
            assertThat(Instant.now()).isBefore(patience);
            Thread.sleep(10);
        }
        for (Asked build : List.of(done, running, waiting)) {
            server.call("GET", build.path() + "/status").expect(400);
            server.call("POST", "/v2" + build.path(), FROM_IMAGE).expect(404);
        }
        assertThat(askFor("mine").templateId()).isNotEqualTo(done.templateId());
    }

    @Test
    void whatTheBuilderCouldNotForgetIsForgottenLater() throws Exception {
        Asked done = ready("mine");
        server.builder.refusal = new ApiException(ErrorKind.UNAVAILABLE, "not now");
        server.call("DELETE", "/templates/mine").expect(204);
        server.control.reconcileBuilds();
        assertThat(server.builder.states).containsKey(done.buildId());
        server.builder.refusal = null;
        server.control.reconcileBuilds();
        assertThat(server.builder.states).isEmpty();
    }

    /** 17.1. */
    @Test
    void anOperatorEndsTheBuildsOfATeam() {
        Asked running = started("one");
        Asked waiting = askFor("two");
        ready("three");
        JsonNode counts = server.send(
                        server.operator("POST", "/admin/teams/" + server.team().id() + "/builds/cancel"))
                .expect(200)
                .json();
        assertThat(counts.get("cancelledCount").intValue()).isEqualTo(2);
        assertThat(counts.get("failedCount").intValue()).isZero();
        assertThat(Map.of("one", state(running), "two", state(waiting)))
                .isEqualTo(Map.of("one", "error", "two", "error"));
    }
}
