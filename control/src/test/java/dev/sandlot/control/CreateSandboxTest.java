package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import dev.sandlot.protocol.SandboxId;
import dev.sandlot.protocol.SandboxSpec;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Creating sandboxes (public-api.md 7). */
class CreateSandboxTest {
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

    private SandboxSpec spec(String id) {
        return server.node.running.get(new SandboxId(id));
    }

    private Duration life(String id) {
        return Duration.between(Instant.now(), server.endAt(id));
    }

    private String refused(int status, String body) {
        TestServer.Answer answer = server.call("POST", "/v2/sandboxes", body).expect(status);
        assertThat(server.node.running).isEmpty();
        assertThat(server.rows()).isEmpty();
        return answer.message();
    }

    private static String with(String properties) {
        return "{\"templateID\":\"base\"," + properties + "}";
    }

    /** 6.2, 7.1: the smallest request of the newest clients. */
    @Test
    void aTemplateAloneIsEnough() throws Exception {
        JsonNode made = server.call("POST", "/v2/sandboxes", "{\"templateID\":\"base\"}")
                .expect(201)
                .json();
        String id = made.get("sandboxID").stringValue();
        assertThat(made.propertyNames())
                .containsExactlyInAnyOrder(
                        "templateID", "sandboxID", "clientID", "envdVersion", "alias", "envdAccessToken");
        assertThat(id).matches("i[a-z0-9]{20}");
        assertThat(made.get("templateID").stringValue()).isEqualTo(server.templateId);
        assertThat(made.get("clientID").stringValue()).isEqualTo("6532622b");
        assertThat(made.get("alias").stringValue()).isEqualTo("base");
        assertThat(made.get("envdVersion").stringValue()).isEqualTo("0.6.13");
        assertThat(made.get("envdAccessToken").stringValue()).isEqualTo(hmac(TestServer.SEED, id));
        assertThat(life(id)).isBetween(Duration.ofSeconds(295), Duration.ofSeconds(300));
        assertThat(server.rows()).containsExactly(new SandboxId(id));
    }

    private static String hmac(String key, String message) throws Exception {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
        return HexFormat.of().formatHex(mac.doFinal(message.getBytes(StandardCharsets.UTF_8)));
    }

    /** 7.1, 7.3: v1 lives 15 s by default and is secured whatever it says. */
    @Test
    void theOldCreateIsSecuredAndShort() {
        for (String body : new String[] {"{\"templateID\":\"base\"}", with("\"secure\":false")}) {
            JsonNode made = server.call("POST", "/sandboxes", body).expect(201).json();
            assertThat(made.get("envdAccessToken").stringValue()).hasSize(64);
            assertThat(life(made.get("sandboxID").stringValue()))
                    .isBetween(Duration.ofSeconds(10), Duration.ofSeconds(15));
        }
    }

    /** 7.1: what clients up to 2.50 and the CLI always send. */
    @Test
    void theBodyOfOlderClientsIsTaken() {
        String body = with("""
                "timeout":300,"secure":true,"allow_internet_access":true,"autoPause":false,
                "autoResume":{"enabled":false},"metadata":{},"envVars":{},"network":{"allowPublicTraffic":true},
                "mcp":null,"volumeMounts":[],"iam":{},"somethingNew":{"a":[1]}
                """);
        server.call("POST", "/sandboxes", body).expect(201);
        server.call("POST", "/v2/sandboxes", body).expect(201);
    }

    /** platform.md 3.2: the node is told all it needs. */
    @Test
    void theNodeGetsTheBuildAndTheWishes() {
        String id = server.create(with("\"envVars\":{\"A\":\"1\"},\"allow_internet_access\":false,\"timeout\":60"));
        SandboxSpec spec = spec(id);
        assertThat(spec.layers()).containsExactly("sha256:a", "sha256:b");
        assertThat(spec.envVars()).containsEntry("A", "1");
        assertThat(spec.allowInternetAccess()).isFalse();
        assertThat(spec.cpuCount()).isEqualTo(2);
        assertThat(spec.memoryMb()).isEqualTo(512);
        assertThat(spec.envdAccessToken()).hasSize(64);
        assertThat(spec.teamId()).isEqualTo(server.team().id());
        assertThat(Duration.between(Instant.now(), spec.endAt()))
                .isBetween(Duration.ofSeconds(55), Duration.ofSeconds(60));
    }

    /** 7.2, check 1: types. */
    @Test
    void wrongTypesAreRefused() {
        for (String body : new String[] {
            "",
            "null",
            "[]",
            "{",
            "{} x",
            "{}",
            "{\"templateID\":7}",
            "{\"templateID\":null}",
            "{\"templateID\":\"base\",\"timeout\":\"300\"}",
            "{\"templateID\":\"base\",\"timeout\":1.5}",
            "{\"templateID\":\"base\",\"timeout\":4294967297}",
            "{\"templateID\":\"base\",\"timeout\":0}",
            "{\"templateID\":\"base\",\"timeout\":-1}",
            "{\"templateID\":\"base\",\"metadata\":{\"a\":1}}",
            "{\"templateID\":\"base\",\"metadata\":{\"a\":null}}",
            "{\"templateID\":\"base\",\"metadata\":[]}",
            "{\"templateID\":\"base\",\"envVars\":{\"a\":true}}",
            "{\"templateID\":\"base\",\"envVars\":{\"\":\"a\"}}",
            "{\"templateID\":\"base\",\"envVars\":{\"A=B\":\"a\"}}",
            "{\"templateID\":\"base\",\"envVars\":{\"A\":\"b\\u0000\"}}",
            "{\"templateID\":\"base\",\"envVars\":\"A=1\"}",
            "{\"templateID\":\"base\",\"autoPause\":\"no\"}",
            "{\"templateID\":\"base\",\"autoResume\":true}",
            "{\"templateID\":\"base\",\"autoResume\":{}}",
            "{\"templateID\":\"base\",\"allow_internet_access\":0}",
            "{\"templateID\":\"base\",\"network\":[]}",
            "{\"templateID\":\"base\",\"network\":{\"allowOut\":\"x\"}}",
            "{\"templateID\":\"base\",\"network\":{\"httpsPorts\":[\"x\"]}}",
            "{\"templateID\":\"base\",\"network\":{\"rules\":[]}}",
            "{\"templateID\":\"base\",\"volumeMounts\":{}}",
            "{\"templateID\":\"base\",\"volumeMounts\":[{\"name\":\"v\"}]}",
            "{\"templateID\":\"base\",\"mcp\":\"x\"}",
            "{\"templateID\":\"base\",\"secure\":1}"
        }) {
            refused(400, body);
        }
    }

    /** What cannot be honoured yet is refused and named, not dropped. */
    @Test
    void whatIsNotSupportedYetIsRefusedByName() {
        for (String properties : new String[] {
            "\"autoPause\":true",
            "\"autoPause\":true,\"autoPauseMemory\":false",
            "\"autoResume\":{\"enabled\":true}",
            "\"network\":{\"allowPublicTraffic\":false}",
            "\"network\":{\"denyOut\":[\"0.0.0.0/0\"]}",
            "\"network\":{\"allowOut\":[\"1.1.1.1\"]}",
            "\"network\":{\"egressProxy\":{\"address\":\"a:1\"}}",
            "\"network\":{\"maskRequestHost\":\"a\"}",
            "\"network\":{\"httpsPorts\":[443]}",
            "\"network\":{\"rules\":{\"a.b\":[]}}",
            "\"volumeMounts\":[{\"name\":\"v\",\"path\":\"/v\"}]",
            "\"iam\":{\"tokens\":{\"t\":{\"audience\":\"a\",\"tokenType\":\"JWT-SVID\"}}}"
        }) {
            assertThat(refused(400, with(properties))).endsWith("is not supported yet by this server");
        }
    }

    /** 7.2, checks 5 and 6. */
    @Test
    void contradictingPauseOptionsAreRefused() {
        assertThat(refused(400, with("\"autoPauseMemory\":false"))).contains("needs autoPause");
        assertThat(refused(400, with("\"autoPause\":true,\"autoPauseMemory\":false,\"autoResume\":{\"enabled\":true}")))
                .contains("excludes autoResume");
    }

    /** 3.2, 3.3. */
    @Test
    void templateNamesAreResolvedByTheirGrammar() {
        assertThat(refused(400, "{\"templateID\":\"a b\"}")).startsWith("Invalid template reference: ");
        for (String bad : new String[] {"", "/a", "a/", "a:", ":t", "a/b/c", "a:b:c", "ä"}) {
            refused(400, "{\"templateID\":\"" + bad + "\"}");
        }
        assertThat(refused(404, "{\"templateID\":\"nothing\"}")).isEqualTo("template 'nothing' not found");
        assertThat(refused(404, "{\"templateID\":\"base:v9\"}"))
                .isEqualTo("tag 'v9' does not exist for template 'base'");
        server.create("{\"templateID\":\" BASE:default \"}");
        server.create("{\"templateID\":\"" + server.templateId + "\"}");
    }

    /** 3.2: a build's UUID stands in for a tag. */
    @Test
    void aBuildIsReachedByItsId() {
        TemplateBuild old = TestServer.build("0.5.0");
        server.control.templates().registerBuild(null, "two", old);
        server.control.templates().registerBuild(null, "two", TestServer.build("0.6.13"));
        assertThat(spec(server.create("{\"templateID\":\"two:" + old.id() + "\"}"))
                        .buildId())
                .isEqualTo(old.id());
        assertThat(spec(server.create("{\"templateID\":\"two\"}")).buildId()).isNotEqualTo(old.id());
        server.call("POST", "/v2/sandboxes", "{\"templateID\":\"two:" + UUID.randomUUID() + "\"}")
                .expect(404);
    }

    /** 3.3: private templates of others do not exist; one's own come before the promoted ones. */
    @Test
    void templatesOfOtherTeamsAreInvisible() {
        String other = server.otherTeam("other");
        UUID otherId = server.store.teams().bySlug("other").orElseThrow().id();
        String secret = server.control.templates().registerBuild(otherId, "secret", TestServer.build("0.6.13"));
        String own = server.control.templates().registerBuild(otherId, "base", TestServer.build("0.6.13"));
        for (String name : new String[] {"secret", "other/secret", secret}) {
            refused(404, "{\"templateID\":\"" + name + "\"}");
        }
        for (String name : new String[] {"secret", "other/secret", secret, "base"}) {
            MemoryExchange exchange = new MemoryExchange("POST", "/v2/sandboxes")
                    .header("X-API-Key", other)
                    .body(("{\"templateID\":\"" + name + "\"}").getBytes(StandardCharsets.UTF_8));
            String used =
                    server.send(exchange).expect(201).json().get("templateID").stringValue();
            assertThat(used).isEqualTo(name.equals("base") ? own : secret);
        }
    }

    /** 7.2, check 4; 7.3. */
    @Test
    void theTimeoutIsHeldAgainstThePlan() {
        assertThat(server.call("POST", "/sandboxes", with("\"timeout\":0"))
                        .expect(400)
                        .message())
                .isEqualTo("Timeout must be greater than 0");
        assertThat(refused(400, with("\"timeout\":86401"))).isEqualTo("Timeout cannot be greater than 24 hours");
        assertThat(life(server.create(with("\"timeout\":86400")))).isGreaterThan(Duration.ofSeconds(86_390));
        assertThat(life(server.create(with("\"timeout\":1")))).isLessThanOrEqualTo(Duration.ofSeconds(1));
    }

    /** 7.2: what is wrong first is told first. */
    @Test
    void checksComeInTheirOrder() {
        assertThat(refused(404, "{\"templateID\":\"none\",\"timeout\":86401,\"autoPause\":true}"))
                .contains("not found");
        assertThat(refused(400, with("\"timeout\":86401,\"autoPause\":true"))).contains("Timeout");
    }

    /** 7.2, check 7. */
    @Test
    void templatesTooOldToBeSecuredAreRefused() {
        server.control.templates().registerBuild(null, "old", TestServer.build("0.1.9"));
        server.control.templates().registerBuild(null, "unknown", TestServer.build(""));
        assertThat(refused(400, "{\"templateID\":\"old\"}")).contains("0.1.9");
        assertThat(refused(400, "{\"templateID\":\"unknown\"}")).contains("build it again");
    }

    /** 1.3: failures of the node have codes, and leave nothing. */
    @Test
    void aFailedStartLeavesNothingAndSaysWhy() {
        server.node.createFailure = new ApiException(ErrorKind.UNAVAILABLE, "no room");
        expectFailure(503, "sandbox_capacity_unavailable");
        server.node.createFailure = new ApiException(ErrorKind.TIMED_OUT, "too slow");
        expectFailure(504, "sandbox_placement_timeout");
        server.node.createFailure = new ApiException(ErrorKind.NOT_FOUND, "no such layer");
        expectFailure(500, "sandbox_create_failed");
        server.node.createFailure = null;
        server.node.createCrash = new IllegalStateException("bug");
        expectFailure(500, "sandbox_create_failed");
        server.node.createCrash = null;
        server.create();
    }

    /** 1.3, and no Retry-After (1.6): nobody knows when there will be room. */
    @Test
    void aCreateForWhichTheDiskHasNoRoomChangesNothingAndSaysWhy() {
        server.node.noRoom = new ApiException(ErrorKind.NO_SPACE, "the disk of node memory is nearly full");
        expectFailure(503, "sandbox_capacity_unavailable");
        assertThat(refused(503, "{\"templateID\":\"base\"}")).contains("disk of node memory is nearly full");
        assertThat(server.node.creating).hasValue(0);
        assertThat(server.store.sandboxes().all()).isEmpty();
        server.node.noRoom = null;
        server.create();
    }

    private void expectFailure(int status, String code) {
        TestServer.Answer answer = server.call("POST", "/v2/sandboxes", "{\"templateID\":\"base\"}")
                .expect(status);
        assertThat(answer.json().get("error_code").stringValue()).isEqualTo(code);
        assertThat(answer.message()).startsWith("Failed to place sandbox: ");
        assertThat(answer.headers().has("Retry-After")).isFalse();
        assertThat(server.rows()).isEmpty();
    }

    /** 7.2, check 12; 24.2: starts in flight count. */
    @Test
    @Timeout(30)
    void startsInFlightCountForTheLimit() throws Exception {
        server.close();
        server = TestServer.open(directory, ControlSettings.withSeed("s").withLimits(5, 1));
        CountDownLatch gate = new CountDownLatch(1);
        server.node.createGate = gate;
        var calls = IntStream.range(0, 20)
                .mapToObj(i -> CompletableFuture.supplyAsync(
                        () -> server.call("POST", "/v2/sandboxes", "{\"templateID\":\"base\"}"),
                        task -> Thread.ofVirtual().start(task)))
                .toList();
        while (calls.stream().filter(CompletableFuture::isDone).count() < 15) {
            Thread.sleep(1);
        }
        assertThat(server.node.creating).hasValue(5);
        gate.countDown();
        var answers = calls.stream().map(CompletableFuture::join).toList();
        assertThat(answers.stream().filter(answer -> answer.status() == 201)).hasSize(5);
        assertThat(answers.stream().filter(answer -> answer.status() == 429))
                .hasSize(15)
                .allSatisfy(answer -> {
                    assertThat(answer.message()).contains("maximum number of concurrent E2B sandboxes (5)");
                    assertThat(answer.headers().has("Retry-After")).isFalse();
                    assertThat(answer.json().has("error_code")).isFalse();
                });
        String one = server.node.running.keySet().iterator().next().value();
        server.call("DELETE", "/sandboxes/" + one).expect(204);
        server.create();
    }

    /** A node that fails gives the places back. */
    @Test
    void failedStartsGiveTheirPlaceBack() throws ApiException {
        server.close();
        server = TestServer.open(directory, ControlSettings.withSeed("s").withLimits(1, 1));
        server.node.createFailure = new ApiException(ErrorKind.INTERNAL, "broken");
        IntStream.range(0, 3).forEach(i -> expectFailure(500, "sandbox_create_failed"));
        server.node.createFailure = null;
        server.create();
    }

    /** 7.3: the end is counted from the moment the sandbox answers. */
    @Test
    @Timeout(30)
    void aSlowStartDoesNotEatTheTimeout() throws Exception {
        CountDownLatch gate = new CountDownLatch(1);
        server.node.createGate = gate;
        CompletableFuture<String> call = CompletableFuture.supplyAsync(() -> server.create(with("\"timeout\":60")));
        while (server.node.creating.get() == 0) {
            Thread.sleep(1);
        }
        server.clock.forward(Duration.ofSeconds(30));
        gate.countDown();
        String id = call.join();
        Duration life = Duration.between(server.clock.instant(), server.endAt(id));
        assertThat(life).isBetween(Duration.ofSeconds(50), Duration.ofSeconds(60));
    }

    /** A sandbox that dies while it starts is a failed start. */
    @Test
    @Timeout(30)
    void aSandboxThatEndsWhileStartingIsNotAnswered() throws Exception {
        CountDownLatch gate = new CountDownLatch(1);
        server.node.createGate = gate;
        CompletableFuture<TestServer.Answer> call =
                CompletableFuture.supplyAsync(() -> server.call("POST", "/v2/sandboxes", "{\"templateID\":\"base\"}"));
        while (server.node.creating.get() == 0) {
            Thread.sleep(1);
        }
        SandboxId id = server.rows().getFirst();
        server.call("GET", "/sandboxes/" + id).expect(404);
        server.call("DELETE", "/sandboxes/" + id).expect(404);
        server.control.sandboxEnded(
                id, server.store.sandboxes().all().getFirst().executionId());
        while (!server.rows().isEmpty()) {
            Thread.sleep(1);
        }
        gate.countDown();
        assertThat(call.join().expect(500).json().get("error_code").stringValue())
                .isEqualTo("sandbox_create_failed");
        assertThat(server.node.running).isEmpty();
    }

    /** 1.1: 16 MiB, with and without a declared length; a body without one is taken. */
    @Test
    void bodiesAreReadWithoutALengthAndLimited() {
        byte[] small = "{\"templateID\":\"base\"}".getBytes(StandardCharsets.UTF_8);
        byte[] large = new byte[Call.BODY_LIMIT + 1];
        Arrays.fill(large, (byte) ' ');
        server.send(keyed().body(new ByteArrayInputStream(small), -1)).expect(201);
        server.send(keyed().body(new ByteArrayInputStream(large), -1)).expect(413);
        server.send(keyed().body(large)).expect(413);
        server.send(keyed().body(InputStream.nullInputStream(), -1)).expect(400);
    }

    private MemoryExchange keyed() {
        return new MemoryExchange("POST", "/v2/sandboxes").header("x-api-key", server.key);
    }

    @Test
    void metadataAndVariablesAreBoundedInAll() {
        String half = "x".repeat(32 << 10);
        assertThat(refused(
                        400, "{\"templateID\":\"base\",\"metadata\":{\"a\":\"" + half + "\",\"b\":\"" + half + "\"}}"))
                .isEqualTo(
                        "validation error: property \"metadata\" is larger than 65536 bytes, names and values together");
        String variables = IntStream.range(0, 33)
                .mapToObj(i -> "\"v" + i + "\":\"" + half + "\"")
                .collect(Collectors.joining(","));
        assertThat(refused(400, "{\"templateID\":\"base\",\"envVars\":{" + variables + "}}"))
                .contains("\"envVars\" is larger than 1048576 bytes");
    }

    @Test
    void aBodyOfTooManyValuesIsRefused() {
        String many = "[]" + ",[]".repeat(60_000);
        assertThat(refused(400, "{\"templateID\":\"base\",\"x\":[" + many + "]}"))
                .isEqualTo(
                        "validation error: the body is nested too deeply, has too many values, or has a name or number"
                                + " that is too long");
    }
}
