package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import dev.sandlot.protocol.SandboxId;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** What can be done with a sandbox that runs (public-api.md 8, 9.1). */
class SandboxOperationsTest {
    private static final String UNKNOWN = "i00000000000000000000";

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

    private Duration life(String id) {
        return Duration.between(server.clock.instant(), server.endAt(id));
    }

    private void assertLife(String id, int seconds) {
        assertThat(life(id)).isBetween(Duration.ofSeconds(seconds - 5), Duration.ofSeconds(seconds));
        assertThat(server.store.sandboxes().all().getFirst().endAt()).isEqualTo(server.endAt(id));
    }

    /** 6.3. */
    @Test
    void theDetailTellsAllThatIsKnown() {
        String id =
                server.create("{\"templateID\":\"base\",\"metadata\":{\"a\":\"b\"},\"allow_internet_access\":false}");
        JsonNode detail = server.call("GET", "/sandboxes/" + id).expect(200).json();
        assertThat(detail.propertyNames())
                .containsExactlyInAnyOrder(
                        "templateID",
                        "sandboxID",
                        "clientID",
                        "alias",
                        "startedAt",
                        "endAt",
                        "cpuCount",
                        "memoryMB",
                        "diskSizeMB",
                        "metadata",
                        "state",
                        "envdVersion",
                        "volumeMounts",
                        "envdAccessToken",
                        "allowInternetAccess",
                        "lifecycle");
        assertThat(detail.get("state").stringValue()).isEqualTo("running");
        assertThat(detail.get("metadata").get("a").stringValue()).isEqualTo("b");
        assertThat(detail.get("allowInternetAccess").booleanValue()).isFalse();
        assertThat(detail.get("memoryMB").intValue()).isEqualTo(512);
        assertThat(detail.get("lifecycle").get("onTimeout").stringValue()).isEqualTo("kill");
        assertThat(detail.get("endAt").stringValue()).matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z");
    }

    /** 6.3: absent when never set. */
    @Test
    void whatWasNeverSetIsAbsent() {
        JsonNode detail =
                server.call("GET", "/sandboxes/" + server.create()).expect(200).json();
        assertThat(detail.propertyNames()).doesNotContain("metadata", "allowInternetAccess", "network", "domain");
    }

    /** 8.8. */
    @Test
    void aKilledSandboxIsGoneEverywhere() {
        String id = server.create();
        TestServer.Answer answer = server.call("DELETE", "/sandboxes/" + id).expect(204);
        assertThat(answer.text()).isEmpty();
        server.call("DELETE", "/sandboxes/" + id).expect(404);
        server.call("GET", "/sandboxes/" + id).expect(404);
        assertThat(server.node.running).isEmpty();
        assertThat(server.rows()).isEmpty();
        assertThat(server.control.running(new SandboxId(id))).isEmpty();
        assertThat(server.store
                        .sandboxes()
                        .ending(new SandboxId(id))
                        .orElseThrow()
                        .reason())
                .isEqualTo(KillReason.REQUEST);
    }

    /** 8.1: the same transition twice is joined. */
    @Test
    @Timeout(30)
    void killsAtOnceShareOneOutcome() throws Exception {
        String id = server.create();
        CountDownLatch gate = new CountDownLatch(1);
        server.node.killGate = gate;
        List<CompletableFuture<TestServer.Answer>> calls = IntStream.range(0, 5)
                .mapToObj(i -> CompletableFuture.supplyAsync(
                        () -> server.call("DELETE", "/sandboxes/" + id),
                        task -> Thread.ofVirtual().start(task)))
                .toList();
        while (server.node.killing.get() == 0) {
            Thread.sleep(1);
        }
        server.call("GET", "/sandboxes/" + id).expect(404);
        server.call("POST", "/sandboxes/" + id + "/timeout", "{\"timeout\":9}").expect(409);
        server.call("POST", "/sandboxes/" + id + "/refreshes").expect(409);
        assertThat(server.call("POST", "/v2/sandboxes/" + id + "/connect")
                        .expect(409)
                        .message())
                .isEqualTo("Sandbox \"" + id + "\" is being killed");
        CompletableFuture<TestServer.Answer> late =
                CompletableFuture.supplyAsync(() -> server.call("DELETE", "/sandboxes/" + id));
        gate.countDown();
        assertThat(calls.stream().map(CompletableFuture::join)).allMatch(answer -> answer.status() == 204);
        assertThat(late.join().status()).isIn(204, 404);
        assertThat(server.node.kills).hasValue(1);
    }

    /** platform.md 4: a kill that fails is told, and takes the sandbox out of the books. */
    @Test
    void aFailedKillIsToldAndTheRecordGoes() {
        String id = server.create();
        server.node.killFailure = new ApiException(ErrorKind.INTERNAL, "stuck");
        server.call("DELETE", "/sandboxes/" + id).expect(500);
        server.call("GET", "/sandboxes/" + id).expect(404);
        assertThat(server.rows()).isEmpty();
    }

    /** 8.6. */
    @Test
    void theTimeoutIsSetAnew() {
        String id = server.create();
        String path = "/sandboxes/" + id + "/timeout";
        server.call("POST", path, "{\"timeout\":1000}").expect(204);
        assertLife(id, 1000);
        server.call("POST", path, "{\"timeout\":20}").expect(204);
        assertLife(id, 20);
        server.call("POST", path, "{\"timeout\":2147483647}").expect(204);
        assertLife(id, 24 * 3600);
    }

    /** 8.6: zero ends the sandbox. */
    @Test
    @Timeout(30)
    void aTimeoutOfZeroEndsTheSandbox() throws Exception {
        String id = server.create();
        server.call("POST", "/sandboxes/" + id + "/timeout", "{\"timeout\":0}").expect(204);
        while (server.node.running.containsKey(new SandboxId(id))
                || !server.rows().isEmpty()) {
            Thread.sleep(1);
        }
        assertThat(server.store
                        .sandboxes()
                        .ending(new SandboxId(id))
                        .orElseThrow()
                        .reason())
                .isEqualTo(KillReason.TIMEOUT);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{}", "{\"timeout\":-1}", "{\"timeout\":\"9\"}", "{\"timeout\":null}", "[]", "x"})
    void badTimeoutsAreRefused(String body) {
        String id = server.create();
        server.call("POST", "/sandboxes/" + id + "/timeout", body).expect(400);
        assertLife(id, 300);
    }

    /** 8.7. */
    @Test
    void refreshesOnlyExtend() {
        String id = server.create("{\"templateID\":\"base\",\"timeout\":30}");
        String path = "/sandboxes/" + id + "/refreshes";
        server.call("POST", path).expect(204);
        server.call("POST", path, "{}").expect(204);
        server.call("POST", path, "{\"duration\":5}").expect(204);
        assertLife(id, 30);
        server.call("POST", path, "{\"duration\":3600}").expect(204);
        assertLife(id, 3600);
        server.call("POST", path, "{\"duration\":3601}").expect(400);
        server.call("POST", path, "{\"duration\":-1}").expect(400);
    }

    /** 8.7: at least 15 seconds. */
    @Test
    void aRefreshGivesAtLeastFifteenSeconds() {
        String id = server.create("{\"templateID\":\"base\",\"timeout\":10}");
        server.call("POST", "/sandboxes/" + id + "/refreshes", "{\"duration\":0}")
                .expect(204);
        assertLife(id, 15);
    }

    /** 8.3. */
    @Test
    void connectAnswersARunningSandboxAndOnlyExtends() {
        String id = server.create();
        String v2 = "/v2/sandboxes/" + id + "/connect";
        for (String body : new String[] {"", "{}", "{\"timeout\":10}", "{\"memory\":false}"}) {
            JsonNode answer = server.call("POST", v2, body).expect(200).json();
            assertThat(answer.get("sandboxID").stringValue()).isEqualTo(id);
            assertThat(answer.get("envdAccessToken").stringValue()).hasSize(64);
            assertLife(id, 300);
        }
        server.call("POST", v2, "{\"timeout\":900}").expect(200);
        assertLife(id, 900);
        server.call("POST", "/sandboxes/" + id + "/connect", "{\"timeout\":0}").expect(200);
        server.call("POST", "/sandboxes/" + id + "/connect", "{\"timeout\":1800}")
                .expect(200);
        assertLife(id, 1800);
    }

    /** 8.3: bodies and bounds. */
    @Test
    void connectChecksItsBody() {
        String id = server.create();
        server.call("POST", "/v2/sandboxes/" + id + "/connect", "{\"timeout\":0}")
                .expect(400);
        server.call("POST", "/v2/sandboxes/" + id + "/connect", "{\"timeout\":86401}")
                .expect(400);
        server.call("POST", "/v2/sandboxes/" + id + "/connect", "{\"memory\":1}")
                .expect(400);
        server.call("POST", "/sandboxes/" + id + "/connect").expect(400);
        server.call("POST", "/sandboxes/" + id + "/connect", "{}").expect(400);
        server.call("POST", "/sandboxes/" + id + "/connect", "{\"timeout\":-1}").expect(400);
        server.call("POST", "/sandboxes/" + id + "/connect", "{\"timeout\":86401}")
                .expect(400);
    }

    /** 7.3: no extension goes beyond the longest life; past it, none is possible. */
    @Test
    void noExtensionPassesTheLongestLife() {
        String id = server.create("{\"templateID\":\"base\",\"timeout\":86400}");
        Instant end = server.endAt(id);
        server.clock.forward(Duration.ofHours(23));
        server.call("POST", "/sandboxes/" + id + "/timeout", "{\"timeout\":86400}")
                .expect(204);
        server.call("POST", "/v2/sandboxes/" + id + "/connect", "{\"timeout\":86400}")
                .expect(200);
        server.call("POST", "/sandboxes/" + id + "/refreshes", "{\"duration\":3600}")
                .expect(204);
        assertThat(server.endAt(id)).isEqualTo(end);
    }

    /** 8.6: past the longest life. */
    @Test
    @Timeout(30)
    void aSandboxPastItsLongestLifeCannotBeExtended() throws Exception {
        String id = server.create("{\"templateID\":\"base\",\"timeout\":86400}");
        CountDownLatch gate = new CountDownLatch(1);
        server.store.teams().putTier(new TeamStore.Tier("local", new Team.Limits(10, 1)));
        server.node.killGate = gate;
        server.clock.forward(Duration.ofHours(2));
        MemoryExchange exchange = new MemoryExchange("POST", "/sandboxes/" + id + "/timeout")
                .header("X-Admin-Token", TestServer.ADMIN_TOKEN)
                .header("X-Team-ID", server.team().id().toString())
                .body("{\"timeout\":5}".getBytes(StandardCharsets.UTF_8));
        assertThat(server.send(exchange).expect(400).message()).isEqualTo("Max instance length exceeded");
        gate.countDown();
    }

    /** 8.1, 3.1. */
    @ParameterizedTest
    @CsvSource({
        "GET,/sandboxes/%s",
        "DELETE,/sandboxes/%s",
        "POST,/sandboxes/%s/timeout",
        "POST,/sandboxes/%s/refreshes",
        "POST,/sandboxes/%s/connect",
        "POST,/v2/sandboxes/%s/connect"
    })
    void unknownForeignAndMalformedNamesAreTold(String method, String path) throws ApiException {
        String body = method.equals("POST") ? "{\"timeout\":100}" : "";
        String id = server.create();
        String stranger = server.otherTeam("stranger");
        MemoryExchange foreign = new MemoryExchange(method, path.formatted(id))
                .header("X-API-Key", stranger)
                .body(body.getBytes(StandardCharsets.UTF_8));
        assertThat(server.send(foreign).expect(404).message())
                .isEqualTo("Sandbox \"" + id + "\" doesn't exist or you don't have access to it");
        assertThat(server.call(method, path.formatted(UNKNOWN), body)
                        .expect(404)
                        .message())
                .isEqualTo("Sandbox \"" + UNKNOWN + "\" doesn't exist or you don't have access to it");
        for (String bad : new String[] {"A", "i%2F..", id + "-a-b", "i_1", "%00", "i%zz"}) {
            server.call(method, path.formatted(bad), body).expect(400);
        }
        server.call("GET", "/sandboxes/" + id).expect(200);
        assertThat(server.call(method, path.formatted(id + "-6532622b"), body).status())
                .isIn(200, 204);
    }

    /** A node that reports an end makes the sandbox unknown. */
    @Test
    @Timeout(30)
    void aSandboxThatEndedByItselfIsGone() throws Exception {
        String id = server.create();
        server.node.running.clear();
        UUID execution = server.store.sandboxes().all().getFirst().executionId();
        server.control.sandboxEnded(new SandboxId(id), execution);
        server.control.sandboxEnded(SandboxId.random(), execution);
        while (!server.rows().isEmpty()) {
            Thread.sleep(1);
        }
        server.call("GET", "/sandboxes/" + id).expect(404);
        assertThat(server.store
                        .sandboxes()
                        .ending(new SandboxId(id))
                        .orElseThrow()
                        .reason())
                .isEqualTo(KillReason.UNKNOWN);
    }

    /** A late report of an earlier run changes nothing. */
    @Test
    @Timeout(30)
    void theEndOfAnotherRunIsNotTheSandboxs() throws Exception {
        String stays = server.create();
        String ends = server.create();
        server.control.sandboxEnded(new SandboxId(stays), UUID.randomUUID());
        UUID execution =
                server.control.running(new SandboxId(ends)).orElseThrow().executionId();
        server.control.sandboxEnded(new SandboxId(ends), execution);
        while (server.rows().size() > 1) {
            Thread.sleep(1);
        }
        server.call("GET", "/sandboxes/" + stays).expect(200);
        server.call("GET", "/sandboxes/" + ends).expect(404);
    }

    /** What PostgreSQL cannot keep is refused with every store: U+0000, half of a surrogate pair. */
    @Test
    void textsThatNoStoreCouldKeepAreRefused() {
        for (String bad : new String[] {"\\u0000", "a\\u0000b", "\\ud800", "\\udc00x", "\\ud800\\ud800"}) {
            String metadata = "{\"templateID\":\"base\",\"metadata\":{\"%s\":\"%s\"}}";
            server.call("POST", "/v2/sandboxes", metadata.formatted("k", bad)).expect(400);
            server.call("POST", "/v2/sandboxes", metadata.formatted(bad, "v")).expect(400);
            server.call("POST", "/v2/sandboxes", "{\"templateID\":\"" + bad + "\"}")
                    .expect(400);
        }
        server.call("GET", "/v2/sandboxes?metadata=a%3D%2500").expect(400);
        server.call("GET", "/templates/aliases/a%00b").expect(400);
        assertThat(server.rows()).isEmpty();
        String pair = "{\"templateID\":\"base\",\"metadata\":{\"k\":\"\\ud83e\\uddc0 \\\\u0000\"}}";
        String id = server.create(pair);
        assertThat(server.call("GET", "/sandboxes/" + id)
                        .json()
                        .get("metadata")
                        .get("k")
                        .stringValue())
                .isEqualTo("🧀 \\u0000");
    }

    /** The front door finds what runs. */
    @Test
    void runningSandboxesAreFoundByName() {
        SandboxId id = new SandboxId(server.create());
        assertThat(server.control.running(id).orElseThrow().teamId())
                .isEqualTo(server.team().id());
        assertThat(server.control.running(SandboxId.random())).isEmpty();
    }
}
