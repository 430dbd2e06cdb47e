package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.Headers;
import dev.sandlot.protocol.SandboxId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import tools.jackson.databind.JsonNode;

/**
 * A control plane over a SQLite file and a node in memory. Every answer is checked against the rules that hold for
 * all of them: no nulls, errors of one form, empty bodies without a type (public-api.md 1.2, 6.1, 24.2).
 */
final class TestServer implements AutoCloseable {
    static final String ADMIN_TOKEN = "the operator's secret";
    static final String SEED = "seed";
    private static final Set<String> NULLABLE = Set.of("createdBy", "lastSpawnedAt", "email");
    final MemoryNode node;
    final MemoryBuilder builder;
    final SqlStore store;
    final TestClock clock;
    final ControlPlane control;
    final String key;
    final String templateId;
    private final Path directory;

    private TestServer(
            Path directory, MemoryNode node, MemoryBuilder builder, TestClock clock, ControlSettings settings)
            throws ApiException {
        this(directory, SqlStore.openSqlite(directory.resolve("control.db")), node, builder, clock, settings);
    }

    private TestServer(
            Path directory,
            SqlStore store,
            MemoryNode node,
            MemoryBuilder builder,
            TestClock clock,
            ControlSettings settings)
            throws ApiException {
        this.directory = directory;
        this.node = node;
        this.builder = builder;
        this.clock = clock;
        this.store = store;
        Bootstrap bootstrap = new Bootstrap(store);
        this.key = bootstrap.ensureDefaultTeam(settings).orElseGet(() -> bootstrap.issueKey("next"));
        this.control = new ControlPlane(settings, store, node, builder, clock);
        this.templateId = control.templates().registerBuild(null, "base", build("0.6.13"));
        control.recover();
    }

    static TestServer open(Path directory) throws ApiException {
        return open(directory, ControlSettings.withSeed(SEED).withAdminToken(ADMIN_TOKEN));
    }

    static TestServer open(Path directory, ControlSettings settings) throws ApiException {
        return new TestServer(directory, new MemoryNode(), new MemoryBuilder(), new TestClock(), settings);
    }

    /** A server on that store. */
    static TestServer open(Path directory, SqlStore store) throws ApiException {
        return new TestServer(
                directory,
                store,
                new MemoryNode(),
                new MemoryBuilder(),
                new TestClock(),
                ControlSettings.withSeed(SEED).withAdminToken(ADMIN_TOKEN));
    }

    /** Ends the server as a crash would, save for its threads, and starts another on its data and node. */
    TestServer restart() throws ApiException {
        close();
        return new TestServer(
                directory, node, builder, clock, ControlSettings.withSeed(SEED).withAdminToken(ADMIN_TOKEN));
    }

    static TemplateBuild build(String envdVersion) {
        return new TemplateBuild(
                UUID.randomUUID(), List.of("sha256:a", "sha256:b"), Resources.DEFAULT, envdVersion, "user", "", null);
    }

    /** A clock that tests may put forward. */
    static final class TestClock implements InstantSource {
        private volatile Duration ahead = Duration.ZERO;

        void forward(Duration by) {
            ahead = ahead.plus(by);
        }

        @Override
        public Instant instant() {
            return Instant.now().plus(ahead);
        }
    }

    /** A checked answer. */
    record Answer(int status, Headers headers, String text) {
        JsonNode json() {
            return Json.MAPPER.readTree(text);
        }

        String message() {
            return json().get("message").stringValue();
        }

        Answer expect(int expected) {
            assertThat(status).as(text).isEqualTo(expected);
            return this;
        }
    }

    Answer call(String method, String target) {
        return send(keyed(method, target));
    }

    Answer call(String method, String target, String body) {
        return send(keyed(method, target).body(body.getBytes(StandardCharsets.UTF_8)));
    }

    private MemoryExchange keyed(String method, String target) {
        return new MemoryExchange(method, target).header("X-API-KEY", key);
    }

    Answer send(MemoryExchange exchange) {
        return send(control, exchange);
    }

    /** Has a control plane answer that need not be ready yet. */
    static Answer send(ControlPlane control, MemoryExchange exchange) {
        try {
            control.api().handle(exchange);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Answer answer = new Answer(
                exchange.status(), exchange.responseHeaders(), new String(exchange.answer(), StandardCharsets.UTF_8));
        if (!exchange.method().equals("HEAD")) {
            check(answer);
        }
        AnswerRecord.operation(exchange.method(), exchange.rawPath()).ifPresent(operation -> record(operation, answer));
        return answer;
    }

    /** Every answer is one that the description has. */
    private static void record(String operation, Answer answer) {
        assertThat(AnswerRecord.statuses(operation))
                .as("%s: %s", operation, answer.text())
                .contains(Integer.toString(answer.status()));
        AnswerRecord.add(operation, answer.status());
    }

    private static void check(Answer answer) {
        assertThat(answer.headers().first("X-Request-ID")).isPresent();
        if (answer.text().isEmpty()) {
            assertThat(answer.headers().has("Content-Type")).isFalse();
        } else if (answer.headers().first("Content-Type").orElseThrow().startsWith("application/json")) {
            assertNoNulls(answer.json());
        }
        if (answer.status() == 204) {
            assertThat(answer.text()).isEmpty();
        }
        if (answer.status() >= 400 && !answer.text().startsWith("Service")) {
            assertThat(answer.json().get("code").intValue()).isEqualTo(answer.status());
            assertThat(answer.message()).isNotBlank();
            assertThat(answer.json().propertyNames()).isSubsetOf("code", "message", "error_code");
        }
    }

    private static void assertNoNulls(JsonNode node) {
        node.properties().stream()
                .filter(property -> !NULLABLE.contains(property.getKey()))
                .forEach(property -> assertThat(property.getValue().isNull())
                        .as(property.getKey())
                        .isFalse());
        node.forEach(TestServer::assertNoNulls);
    }

    /** Creates a sandbox with that body and returns its name. */
    String create(String body) {
        return call("POST", "/v2/sandboxes", body)
                .expect(201)
                .json()
                .get("sandboxID")
                .stringValue();
    }

    String create() {
        return create("{\"templateID\":\"base\"}");
    }

    Instant endAt(String id) {
        return Instant.parse(
                call("GET", "/sandboxes/" + id).expect(200).json().get("endAt").stringValue());
    }

    Team team() {
        return store.teams().byId(new Bootstrap(store).defaultTeamId()).orElseThrow();
    }

    MemoryExchange operator(String method, String target) {
        return new MemoryExchange(method, target).header("X-Admin-Token", ADMIN_TOKEN);
    }

    MemoryExchange operator(String method, String target, String body) {
        return operator(method, target).body(body.getBytes(StandardCharsets.UTF_8));
    }

    Answer callAs(String otherKey, String method, String target) {
        return send(new MemoryExchange(method, target).header("X-API-Key", otherKey));
    }

    Answer callAs(String otherKey, String method, String target, String body) {
        return send(new MemoryExchange(method, target)
                .header("X-API-Key", otherKey)
                .body(body.getBytes(StandardCharsets.UTF_8)));
    }

    /** Makes a ready template of the default team and returns its ID. */
    String ownTemplate(String alias) {
        return control.templates().registerBuild(team().id(), alias, build("0.6.13"));
    }

    /** Makes another team and returns its key. */
    String otherTeam(String slug) {
        UUID id = UUID.randomUUID();
        store.teams().ensureTeam(new TeamStore.NewTeam(id, slug, slug, "local", UUID.randomUUID()));
        ApiKeys.Minted minted = ApiKeys.mint();
        store.teams().addKey(new TeamStore.StoredKey(UUID.randomUUID(), id, "key", minted));
        return minted.raw();
    }

    List<SandboxId> rows() {
        return store.sandboxes().all().stream().map(SandboxRecord::id).toList();
    }

    @Override
    public void close() {
        control.close();
        store.close();
    }
}
