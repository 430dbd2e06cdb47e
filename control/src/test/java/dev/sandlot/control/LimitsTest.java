package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import dev.sandlot.protocol.SandboxId;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Limits of teams and rates, keys of requests, deadlines (public-api.md 1.6, 1.7, 22). */
class LimitsTest {
    private static final String NEW = "{\"templateID\":\"base\"}";

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

    private void reopen(ApiSettings api) throws ApiException {
        server.close();
        server = TestServer.open(
                directory,
                ControlSettings.withSeed(TestServer.SEED)
                        .withAdminToken(TestServer.ADMIN_TOKEN)
                        .withApi(api));
    }

    private Team.Limits limits() {
        return server.team().limits();
    }

    private void override(Integer sandboxes) {
        server.store
                .teams()
                .putOverrides(
                        server.team().id(),
                        new TeamStore.Overrides(sandboxes, null, null, null, null, null, null, null));
    }

    private static TeamStore.Addon addon(UUID team, Instant from, Instant to) {
        return new TeamStore.Addon(UUID.randomUUID(), team, "more", 5, 6, 7, 8, 9, from, to);
    }

    @Test
    void addonsAddToTheTierWhileTheyAreValid() {
        Team.Limits before = limits();
        UUID team = server.team().id();
        Instant now = Instant.now();
        server.store.teams().addAddon(addon(team, now.minusSeconds(9), null));
        server.store.teams().addAddon(addon(team, now.minusSeconds(9), now.plusSeconds(900)));
        server.store.teams().addAddon(addon(team, now.minusSeconds(9), now.minusSeconds(1)));
        server.store.teams().addAddon(addon(team, now.plusSeconds(900), null));
        assertThat(limits().concurrentSandboxes()).isEqualTo(before.concurrentSandboxes() + 10);
        assertThat(limits().concurrentBuilds()).isEqualTo(before.concurrentBuilds() + 12);
        assertThat(limits().maxVcpu()).isEqualTo(before.maxVcpu() + 14);
        assertThat(limits().maxLengthHours()).isEqualTo(before.maxLengthHours());
    }

    @Test
    void aTeamsOwnLimitsWinAndCanBeLifted() {
        server.store.teams().addAddon(addon(server.team().id(), Instant.EPOCH, null));
        override(2);
        assertThat(limits().concurrentSandboxes()).isEqualTo(2);
        assertThat(limits().maxVcpu()).isEqualTo(15);
        server.store.teams().putOverrides(server.team().id(), TeamStore.Overrides.LIFTED);
        assertThat(limits().maxLengthHours()).isEqualTo(Team.Limits.LIFTED);
        assertThat(limits().concurrentSandboxes()).isEqualTo(Team.Limits.LIFTED);
        server.create("{\"templateID\":\"base\",\"timeout\":2000000000}");
        server.store.teams().putOverrides(server.team().id(), TeamStore.Overrides.NONE);
        assertThat(limits().maxLengthHours()).isEqualTo(24);
    }

    /** 7.2: the concurrency limit has no Retry-After, as waiting does not cure it. */
    @Test
    void theConcurrencyLimitIsTheTeamsOwn() throws ApiException {
        override(1);
        server.create();
        TestServer.Answer refused = server.call("POST", "/v2/sandboxes", NEW).expect(429);
        assertThat(refused.headers().has("Retry-After")).isFalse();
        assertThat(refused.headers().has("RateLimit-Limit")).isFalse();
    }

    /** 1.6. */
    @Test
    void ratesAreCountedForEachTeamAndOperation() throws ApiException {
        reopen(ApiSettings.DEFAULT.withRates(RateLimits.parse("list=2/60s, POST /v2/sandboxes=1/60s")));
        String other = server.otherTeam("other");
        assertThat(server.call("GET", "/v2/sandboxes").headers().first("RateLimit-Remaining"))
                .contains("1");
        server.call("GET", "/v2/sandboxes").expect(200);
        TestServer.Answer refused = server.call("GET", "/v2/sandboxes").expect(429);
        assertThat(refused.message()).isEqualTo("Rate limit exceeded");
        assertThat(refused.headers().first("RateLimit-Limit")).contains("2");
        assertThat(refused.headers().first("RateLimit-Remaining")).contains("0");
        assertThat(Integer.parseInt(refused.headers().first("RateLimit-Reset").orElseThrow()))
                .isBetween(1, 60);
        assertThat(Integer.parseInt(refused.headers().first("Retry-After").orElseThrow()))
                .isBetween(1, 60);
        server.call("GET", "/sandboxes").expect(200);
        server.callAs(other, "GET", "/v2/sandboxes").expect(200);
        String id = server.create();
        assertThat(server.call("GET", "/sandboxes/" + id).headers().has("RateLimit-Limit"))
                .isFalse();
        server.call("POST", "/v2/sandboxes", NEW).expect(429);
    }

    /** 1.6: 429 is described for all operations but events and webhooks. */
    @Test
    void eventsAreInNoGroup() throws ApiException {
        reopen(ApiSettings.DEFAULT.withRates(RateLimits.parse("list=1/60s, delete=1/60s")));
        for (int i = 0; i < 3; i++) {
            server.call("GET", "/events/webhooks").expect(501);
            server.call("DELETE", "/events/webhooks/x").expect(501);
        }
    }

    @Test
    void ratesAreOffUnlessSetAndTheSettingIsChecked() {
        assertThat(server.call("GET", "/v2/sandboxes").headers().has("RateLimit-Limit"))
                .isFalse();
        assertThat(RateLimits.parse("")).isEqualTo(RateLimits.NONE);
        for (String bad : new String[] {"list", "list=0/1s", "list=1/1h", "other=1/1s", "GET=1/1s"}) {
            assertThatThrownBy(() -> RateLimits.parse(bad)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    private TestServer.Answer keyed(String key, String body) {
        return server.send(new MemoryExchange("POST", "/v2/sandboxes")
                .header("X-API-Key", server.key)
                .header("Idempotency-Key", key)
                .body(body.getBytes(StandardCharsets.UTF_8)));
    }

    /** 1.7. */
    @Test
    void aRepeatedCreateIsCarriedOutOnce() throws ApiException {
        TestServer.Answer first = keyed("abc-1", NEW).expect(201);
        TestServer.Answer again = keyed("abc-1", NEW).expect(201);
        assertThat(again.text()).isEqualTo(first.text());
        assertThat(server.node.running).hasSize(1);
        assertThat(code(keyed("abc-1", "{\"templateID\":\"base\",\"timeout\":9}")
                        .expect(409)))
                .isEqualTo("idempotency_request_mismatch");
        keyed("abc-2", NEW).expect(201);
        server = server.restart();
        assertThat(server.node.running).hasSize(2);
    }

    private static String code(TestServer.Answer answer) {
        return answer.json().get("error_code").stringValue();
    }

    @Test
    void errorsAreRepeatedToo() {
        String wrong = "{\"templateID\":\"nothing\"}";
        keyed("k", wrong).expect(404);
        server.control.templates().registerBuild(null, "nothing", TestServer.build("0.6.13"));
        keyed("k", wrong).expect(404);
        keyed("k2", wrong).expect(201);
    }

    @Test
    void keysOfOneTeamAreNotThoseOfAnother() {
        keyed("same", NEW).expect(201);
        String other = server.otherTeam("other");
        server.send(new MemoryExchange("POST", "/v2/sandboxes")
                        .header("X-API-Key", other)
                        .header("Idempotency-Key", "same")
                        .body(NEW.getBytes(StandardCharsets.UTF_8)))
                .expect(201);
        assertThat(server.node.running).hasSize(2);
    }

    @Test
    void malformedKeysAreRefused() {
        for (String key : new String[] {"", "A", "a b", "x".repeat(256)}) {
            keyed(key, NEW).expect(400);
        }
        server.send(new MemoryExchange("POST", "/v2/sandboxes")
                        .header("X-API-Key", server.key)
                        .header("Idempotency-Key", "a")
                        .header("Idempotency-Key", "b")
                        .body(NEW.getBytes(StandardCharsets.UTF_8)))
                .expect(400);
        assertThat(server.node.running).isEmpty();
    }

    @Test
    void aRequestUnderWayIsNotStartedAgain() throws Exception {
        server.node.createGate = new CountDownLatch(1);
        CompletableFuture<TestServer.Answer> first = CompletableFuture.supplyAsync(() -> keyed("slow", NEW));
        Instant patience = Instant.now().plusSeconds(10);
        while (server.node.creating.get() == 0) {
            assertThat(Instant.now()).isBefore(patience);
            Thread.onSpinWait();
        }
        assertThat(code(keyed("slow", NEW).expect(409))).isEqualTo("idempotency_in_progress");
        server.clock.forward(Duration.ofSeconds(71));
        assertThat(code(keyed("slow", NEW).expect(422))).isEqualTo("idempotency_outcome_unknown");
        server.node.createGate.countDown();
        first.get().expect(201);
        keyed("slow", NEW).expect(201);
        assertThat(server.node.running).hasSize(1);
    }

    /** 1.7, platform.md 4: killed after the sandbox ran and before its answer was written down. */
    @Test
    void aRepeatFindsTheSandboxWhoseAnswerWasLost() throws ApiException {
        TestServer.Answer first = keyed("lost", NEW).expect(201);
        loseAnswer("lost");
        server = server.restart();
        assertThat(keyed("lost", NEW).expect(201).text()).isEqualTo(first.text());
        assertThat(keyed("lost", NEW).expect(201).text()).isEqualTo(first.text());
        assertThat(server.node.running).hasSize(1);
    }

    /** Killed before there was a sandbox: the repeat makes it, once, however many repeat. */
    @Test
    void aRequestThatARestartCutIsCarriedOutAnew() throws Exception {
        String cut = keyed("cut", NEW).expect(201).json().get("sandboxID").stringValue();
        loseAnswer("cut");
        server.call("DELETE", "/sandboxes/" + cut).expect(204);
        server = server.restart();
        try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<TestServer.Answer>> answers = IntStream.range(0, 20)
                    .mapToObj(i -> callers.submit(() -> keyed("cut", NEW)))
                    .toList();
            for (Future<TestServer.Answer> answer : answers) {
                assertThat(answer.get().status()).isIn(201, 409);
            }
        }
        assertThat(server.node.running).hasSize(1);
        String made = keyed("cut", NEW).expect(201).json().get("sandboxID").stringValue();
        assertThat(server.rows()).containsExactly(new SandboxId(made));
    }

    private void loseAnswer(String key) throws ApiException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + directory.resolve("control.db"));
                Statement statement = connection.createStatement()) {
            assertThat(statement.executeUpdate(
                            "UPDATE idempotent_requests SET status = NULL, headers = NULL, body = NULL"
                                    + " WHERE idempotency_key = '" + key + "'"))
                    .isEqualTo(1);
        } catch (SQLException e) {
            throw new ApiException(ErrorKind.INTERNAL, "the books cannot be changed", e);
        }
    }

    @Test
    void whenOffTheKeyIsIgnored() throws ApiException {
        reopen(ApiSettings.DEFAULT.withIdempotencyKept(Duration.ZERO));
        keyed("NOT A KEY", NEW).expect(201);
    }

    /** 1.1: 408 when the server gives up; nothing is left of what it was about to make. */
    @Test
    void aRequestThatTakesTooLongIsGivenUp() throws Exception {
        reopen(ApiSettings.DEFAULT.withRequestDeadline(Duration.ofMillis(300)));
        server.node.createGate = new CountDownLatch(1);
        JsonNode told = server.call("POST", "/v2/sandboxes", NEW).expect(408).json();
        assertThat(told.get("code").intValue()).isEqualTo(408);
        server.node.createGate = new CountDownLatch(0);
        Instant patience = Instant.now().plusSeconds(10);
        while (!server.rows().isEmpty()) {
            assertThat(Instant.now()).isBefore(patience);
            Thread.sleep(10);
        }
        assertThat(server.call("GET", "/v2/sandboxes").expect(200).json()).isEmpty();
    }
}
