package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import dev.sandlot.protocol.Headers;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * Every operation gives every answer that its description has, at least once (public-api.md 5). The answers that all
 * operations have are made here from the description, those of single operations one by one. This class comes last
 * (see {@code junit-platform.properties}), so that in a run of all tests what the others produced counts too.
 */
@Order(Integer.MAX_VALUE)
class DescribedAnswersTest {
    private static final String NOBODY = "iaaaaaaaaaaaaaaaaaaaa";
    private static final String NEW = "{\"templateID\":\"base\",\"timeout\":60}";
    private static final String NAME = "{\"name\":\"x\"}";
    private static final String FROM_IMAGE = "{\"fromImage\":\"debian\"}";

    /** What an operation that is not there yet answers all the same, and what before that for want of a team. */
    private static final List<String> ALSO_WHEN_LATER = List.of("401", "408", "413", "415", "429", "500", "501", "503");

    private static final List<String> WITHOUT_A_TEAM = List.of("400", "403", "404");

    /** Described answers that nothing produces, and why. */
    private static final Map<String, String> NEVER = Map.of(
            "POST /sandboxes/{sandboxID}/connect 201", "a paused sandbox is resumed: later",
            "POST /v2/sandboxes/{sandboxID}/connect 201", "a paused sandbox is resumed: later",
            "POST /sandboxes/{sandboxID}/connect 504", "no node for a resume: later",
            "POST /v2/sandboxes/{sandboxID}/connect 504", "no node for a resume: later");

    @TempDir
    static Path directory;

    private static TestProvider provider;
    private static int servers;

    @BeforeAll
    static void produce() throws Exception {
        provider = new TestProvider();
        try (TestServer server = open(ApiSettings.DEFAULT)) {
            sandboxes(server);
            templates(server);
            builds(server);
            olderBuilds(server);
            accounts(server);
            gone();
            tooLarge(server);
            encoded(server);
            administeredTeams(server);
            administeredPeople(server);
            operators(server);
        }
        withoutCredentialsAndByBanned();
        afterARefusedTeam();
        keyedCreates();
        failures();
        notReady();
        tooOften();
        tooSlow();
    }

    @AfterAll
    static void close() {
        provider.close();
    }

    private static TestServer open(ApiSettings api) throws Exception {
        Path place = Files.createDirectory(directory.resolve("server" + servers++));
        TestServer server = TestServer.open(place, settings(api));
        UUID anna = server.store.people().personOf(new Identity(provider.issuer, "anna"));
        server.store.people().addMember(server.team().id(), anna);
        return server;
    }

    private static ControlSettings settings(ApiSettings api) {
        return ControlSettings.withSeed(TestServer.SEED)
                .withAdminToken(TestServer.ADMIN_TOKEN)
                .withApi(api.withProviders(provider.setting()));
    }

    private static Stream<String> guarded() {
        return AnswerRecord.operations().keySet().stream()
                .filter(name -> !name.equals("GET /health") && !name.equals("GET /ready"));
    }

    private static MemoryExchange signed(MemoryExchange exchange, String key, UUID team) {
        return exchange.header("X-API-Key", key)
                .header("X-Admin-Token", TestServer.ADMIN_TOKEN)
                .header("X-Team-ID", team.toString())
                .header("Authorization", "Bearer " + provider.token("anna"));
    }

    private static MemoryExchange signed(TestServer server, String operation) {
        return signed(
                DescribedRequests.exchange(operation), server.key, server.team().id());
    }

    private static void withoutCredentialsAndByBanned() throws Exception {
        try (TestServer server = open(ApiSettings.DEFAULT)) {
            for (String operation : guarded().toList()) {
                server.send(DescribedRequests.exchange(operation)).expect(401);
            }
            for (String operation : guarded().filter(AnswerRecord::isLater).toList()) {
                server.send(signed(server, operation)).expect(501);
            }
            UUID team = server.team().id();
            server.store.teams().setStanding(team, new Team.Standing(true, false, null));
            for (String operation :
                    guarded().filter(DescribedRequests::isForTeams).toList()) {
                server.send(signed(DescribedRequests.exchange(operation), "none", team))
                        .expect(403);
            }
        }
    }

    private static boolean isForOperatorsToo(String operation) {
        return AnswerRecord.operations()
                .get(operation)
                .node()
                .get("security")
                .valueStream()
                .anyMatch(scheme -> scheme.has("AdminTokenAuth"));
    }

    /** 2.5: an operator who names no team, or none that there is. */
    private static void afterARefusedTeam() throws Exception {
        try (TestServer server = open(ApiSettings.DEFAULT)) {
            for (String operation : guarded()
                    .filter(DescribedRequests::isForTeams)
                    .filter(DescribedAnswersTest::isForOperatorsToo)
                    .toList()) {
                server.send(DescribedRequests.exchange(operation)
                                .header("X-Admin-Token", TestServer.ADMIN_TOKEN)
                                .header("X-Team-ID", UUID.randomUUID().toString()))
                        .expect(404);
                server.send(DescribedRequests.exchange(operation)
                                .header("X-Admin-Token", TestServer.ADMIN_TOKEN)
                                .header("X-Team-ID", "none"))
                        .expect(400);
            }
        }
    }

    private static boolean takesABody(String operation) {
        return AnswerRecord.operations().get(operation).node().has("requestBody");
    }

    /** 1.1: of whatever takes a body, also where the description has forgotten to say so. */
    private static void tooLarge(TestServer server) {
        guarded()
                .filter(operation -> takesABody(operation)
                        || AnswerRecord.statuses(operation).contains("413"))
                .forEach(operation -> server.send(
                                signed(server, operation).body(InputStream.nullInputStream(), tooMuch(operation)))
                        .expect(413));
    }

    private static void encoded(TestServer server) {
        guarded()
                .filter(operation -> AnswerRecord.statuses(operation).contains("415"))
                .forEach(operation -> server.send(signed(server, operation)
                                .body(new byte[] {0x1f, (byte) 0x8b})
                                .header("Content-Encoding", "gzip"))
                        .expect(415));
    }

    private static long tooMuch(String operation) {
        boolean archive = AnswerRecord.operations()
                .get(operation)
                .node()
                .path("requestBody")
                .path("content")
                .has("application/x-tar");
        return archive ? (60L << 30) + 1 : Call.BODY_LIMIT + 1L;
    }

    private static void sandboxes(TestServer server) throws Exception {
        server.call("GET", "/health").expect(200);
        server.call("GET", "/ready").expect(200);
        for (String create : List.of("/v2/sandboxes", "/sandboxes")) {
            server.call("POST", create, NEW).expect(201);
            server.call("POST", create, "{}").expect(400);
            server.call("POST", create, "{\"templateID\":\"none\"}").expect(404);
            server.node.createFailure = new ApiException(ErrorKind.TIMED_OUT, "no node answered");
            server.call("POST", create, NEW).expect(504);
            server.node.createFailure = null;
            server.call("GET", create).expect(200);
            server.call("GET", create + "?metadata=x").expect(400);
        }
        String id = server.create();
        for (String path : List.of("/sandboxes/" + id, "/sandboxes/" + NOBODY, "/sandboxes/A")) {
            int expected = path.endsWith(id) ? 200 : path.endsWith(NOBODY) ? 404 : 400;
            int empty = expected == 200 ? 204 : expected;
            server.call("GET", path).expect(expected);
            server.call("POST", path + "/connect", "{\"timeout\":60}").expect(expected);
            server.call("POST", "/v2" + path + "/connect", "{}").expect(expected);
            server.call("POST", path + "/timeout", "{\"timeout\":60}").expect(empty);
            server.call("POST", path + "/refreshes", "{}").expect(empty);
            server.call("DELETE", path).expect(empty);
        }
        whileKilled(server);
    }

    /** 8.2: the column of a sandbox that is being killed. */
    private static void whileKilled(TestServer server) throws Exception {
        String path = "/sandboxes/" + server.create();
        server.node.killGate = new CountDownLatch(1);
        CompletableFuture<TestServer.Answer> kill = CompletableFuture.supplyAsync(() -> server.call("DELETE", path));
        eventually(
                () -> server.node.killing.get() > 0 && server.call("GET", path).status() == 404);
        server.call("POST", path + "/connect", "{\"timeout\":60}").expect(409);
        server.call("POST", "/v2" + path + "/connect").expect(409);
        server.call("POST", path + "/timeout", "{\"timeout\":60}").expect(409);
        server.call("POST", path + "/refreshes").expect(409);
        server.node.killGate.countDown();
        kill.get().expect(204);
    }

    private interface Condition {
        boolean holds() throws Exception;
    }

    private static void eventually(Condition condition) throws Exception {
        Instant patience = Instant.now().plusSeconds(20);
        while (!condition.holds()) {
            assertThat(Instant.now()).isBefore(patience);
            Thread.sleep(5);
        }
    }

    private static void templates(TestServer server) {
        String own = server.ownTemplate("mine");
        for (String path : List.of("/templates", "/v2/templates")) {
            server.call("GET", path).expect(200);
            server.call("GET", path + "?teamID=" + UUID.randomUUID()).expect(400);
        }
        for (String[] row : new String[][] {{own, "200"}, {"none", "404"}, {server.templateId, "403"}}) {
            int status = Integer.parseInt(row[1]);
            server.call("GET", "/templates/" + row[0]).expect(status);
            server.call("GET", "/templates/" + row[0] + "/tags").expect(status);
            server.call("PATCH", "/v2/templates/" + row[0], "{\"public\":false}")
                    .expect(status);
            server.call("PATCH", "/templates/" + row[0], "{\"public\":false}").expect(status);
            server.call("POST", "/templates/tags", "{\"target\":\"" + row[0] + "\",\"tags\":[\"v\"]}")
                    .expect(status == 200 ? 201 : status);
            server.call("DELETE", "/templates/tags", "{\"name\":\"" + row[0] + "\",\"tags\":[\"v\"]}")
                    .expect(status == 200 ? 204 : status);
        }
        server.call("POST", "/templates/tags", "{\"target\":\"mine\",\"tags\":[]}")
                .expect(400);
        server.call("DELETE", "/templates/tags", "{\"name\":\"mine\",\"tags\":[]}")
                .expect(400);
        server.call("GET", "/templates/" + own + "?limit=0").expect(400);
        server.call("GET", "/templates/a%2Fb%2Fc/tags").expect(400);
        aliases(server);
        server.call("PATCH", "/templates/" + own, "{\"public\":1}").expect(400);
        server.call("PATCH", "/v2/templates/" + own, "{\"public\":1}").expect(400);
        String namesake = server.ownTemplate("base");
        server.call("PATCH", "/templates/" + namesake, "{\"public\":true}").expect(409);
        server.create("{\"templateID\":\"mine\"}");
        server.call("DELETE", "/templates/" + own).expect(400);
        server.call("DELETE", "/templates/" + namesake).expect(204);
        server.call("DELETE", "/templates/" + namesake).expect(404);
        server.call("DELETE", "/templates/" + server.templateId).expect(403);
    }

    private static void aliases(TestServer server) {
        String other = server.otherTeam("other");
        UUID stranger = server.store.teams().bySlug("other").orElseThrow().id();
        String foreign = server.control.templates().registerBuild(stranger, "theirs", TestServer.build("0.6.13"));
        server.callAs(other, "PATCH", "/templates/" + foreign, "{\"public\":true}")
                .expect(200);
        server.call("GET", "/templates/aliases/mine").expect(200);
        server.call("GET", "/templates/aliases/none").expect(404);
        server.call("GET", "/templates/aliases/" + foreign).expect(403);
        server.call("GET", "/templates/aliases/a%2Fb%2Fc").expect(400);
    }

    private static String template(JsonNode asked) {
        return "/templates/" + asked.get("templateID").stringValue();
    }

    private static String build(JsonNode asked) {
        return template(asked) + "/builds/" + asked.get("buildID").stringValue();
    }

    /** 13.2 to 13.6. */
    private static void builds(TestServer server) {
        String stranger = server.otherTeam("stranger");
        String files = "/files/" + "0f".repeat(32);
        server.call("POST", "/v3/templates", "{}").expect(400);
        server.call("POST", "/v3/templates", "{\"name\":\"base\"}").expect(403);
        server.call("POST", "/v3/templates", "{\"name\":\"" + server.templateId + "\"}")
                .expect(409);
        JsonNode asked = server.call("POST", "/v3/templates", NAME).expect(202).json();
        String build = build(asked);
        String unknown = template(asked) + "/builds/" + UUID.randomUUID();
        server.call("GET", template(asked) + files).expect(201);
        server.call("GET", template(asked) + "/files/x").expect(400);
        server.callAs(stranger, "GET", template(asked) + files).expect(404);
        server.call("POST", "/v2" + build, "{}").expect(400);
        server.callAs(stranger, "POST", "/v2" + build, FROM_IMAGE).expect(403);
        server.call("POST", "/v2" + unknown, FROM_IMAGE).expect(404);
        server.call("POST", "/v2" + build, FROM_IMAGE).expect(202);
        for (String what : List.of("/status", "/logs")) {
            server.call("GET", build + what).expect(200);
            server.call("GET", unknown + what).expect(400);
            server.callAs(stranger, "GET", build + what).expect(403);
        }
    }

    /** 13.12. */
    private static void olderBuilds(TestServer server) {
        String alias = "{\"dockerfile\":\"FROM debian\",\"alias\":\"%s\"}";
        String taken = alias.formatted(server.templateId);
        server.call("POST", "/v2/templates", alias.formatted("older")).expect(202);
        server.call("POST", "/v2/templates", "{}").expect(400);
        server.call("POST", "/v2/templates", taken).expect(409);
        JsonNode first = asAnna(server, "POST", "/templates", alias.formatted("oldest"))
                .expect(202)
                .json();
        asAnna(server, "POST", "/templates", "{}").expect(400);
        asAnna(server, "POST", "/templates", taken).expect(409);
        JsonNode again = asAnna(server, "POST", template(first), alias.formatted("oldest"))
                .expect(202)
                .json();
        asAnna(server, "POST", template(first), "{}").expect(400);
        asAnna(server, "POST", template(first), taken).expect(409);
        asAnna(server, "POST", "/templates/none", alias.formatted("oldest")).expect(404);
        asAnna(server, "POST", build(again), "").expect(202);
        asAnna(server, "POST", build(again), "").expect(400);
        asAnna(server, "POST", template(first) + "/builds/" + UUID.randomUUID(), "")
                .expect(404);
    }

    private static TestServer.Answer asAnna(TestServer server, String method, String target, String body) {
        return server.send(new MemoryExchange(method, target)
                .header("Authorization", "Bearer " + provider.token("anna"))
                .header("X-Team-ID", server.team().id().toString())
                .body(body.getBytes(StandardCharsets.UTF_8)));
    }

    private static void accounts(TestServer server) throws Exception {
        asAnna(server, "GET", "/teams", "").expect(200);
        asAnna(server, "GET", "/api-keys", "").expect(200);
        asAnna(server, "POST", "/api-keys", "{}").expect(400);
        for (String what : List.of("/api-keys", "/access-tokens")) {
            String id = asAnna(server, "POST", what, NAME)
                    .expect(201)
                    .json()
                    .get("id")
                    .stringValue();
            if (what.equals("/api-keys")) {
                asAnna(server, "PATCH", what + "/" + id, NAME).expect(202);
                asAnna(server, "PATCH", what + "/x", NAME).expect(400);
                asAnna(server, "PATCH", what + "/" + UUID.randomUUID(), NAME).expect(404);
            }
            asAnna(server, "POST", what, "{}").expect(400);
            asAnna(server, "DELETE", what + "/" + id, "").expect(204);
            asAnna(server, "DELETE", what + "/" + id, "").expect(404);
            asAnna(server, "DELETE", what + "/x", "").expect(400);
        }
    }

    /** 5.5. */
    private static void gone() throws Exception {
        try (TestServer newer = open(ApiSettings.DEFAULT.withLegacy(false))) {
            for (String operation : guarded()
                    .filter(operation -> AnswerRecord.statuses(operation).contains("410"))
                    .toList()) {
                newer.send(DescribedRequests.exchange(operation)).expect(410);
            }
        }
    }

    /** Our own. */
    private static void administeredTeams(TestServer server) {
        operator(server, "GET", "/admin/sandboxes", "").expect(200);
        String sandbox = "/admin/sandboxes/" + server.create();
        operator(server, "DELETE", sandbox, "").expect(204);
        operator(server, "DELETE", sandbox, "").expect(404);
        operator(server, "DELETE", "/admin/sandboxes/A", "").expect(400);
        operator(server, "GET", "/admin/tiers", "").expect(200);
        operator(server, "PUT", "/admin/tiers/large", "{}").expect(201);
        operator(server, "PUT", "/admin/tiers/large", "{}").expect(200);
        operator(server, "PUT", "/admin/tiers/A", "{}").expect(400);
        operator(server, "GET", "/admin/teams", "").expect(200);
        operator(server, "POST", "/admin/teams", "{}").expect(400);
        String slugged = "{\"name\":\"made\",\"slug\":\"made\"}";
        String made = "/admin/teams/" + text(operator(server, "POST", "/admin/teams", slugged), 201, "teamID");
        operator(server, "POST", "/admin/teams", slugged).expect(409);
        for (String team : List.of(made, "/admin/teams/" + UUID.randomUUID(), "/admin/teams/x")) {
            int status = team.equals(made) ? 200 : team.endsWith("x") ? 400 : 404;
            operator(server, "GET", team, "").expect(status);
            operator(server, "PATCH", team, "{\"isBanned\":false}").expect(status);
            operator(server, "PUT", team + "/limits", "{}").expect(status);
            operator(server, "GET", team + "/api-keys", "").expect(status);
            addons(server, team, status);
            operator(server, "DELETE", team, "").expect(status == 200 ? 204 : status);
        }
        server.create();
        operator(server, "DELETE", "/admin/teams/" + server.team().id(), "").expect(409);
    }

    private static void addons(TestServer server, String team, int status) {
        String more = "{\"name\":\"more\",\"extraMaxVcpu\":1}";
        TestServer.Answer made =
                operator(server, "POST", team + "/addons", more).expect(status == 200 ? 201 : status);
        operator(server, "GET", team + "/addons", "").expect(status);
        String id = status == 200
                ? made.json().get("addonID").stringValue()
                : UUID.randomUUID().toString();
        operator(server, "DELETE", team + "/addons/" + id, "").expect(status == 200 ? 204 : status);
        for (int made100 = 0; status == 200 && made100 < 100; made100++) {
            operator(server, "POST", team + "/addons", more).expect(201);
        }
        operator(server, "POST", team + "/addons", more).expect(status == 200 ? 409 : status);
    }

    /** Our own. */
    private static void administeredPeople(TestServer server) {
        operator(server, "GET", "/admin/users", "").expect(200);
        operator(server, "POST", "/admin/users", "{\"email\":\"nowhere\"}").expect(400);
        operator(server, "POST", "/admin/users", "{\"email\":\"eve@example.com\"}")
                .expect(201);
        operator(server, "POST", "/admin/users", "{\"email\":\"eve@example.com\"}")
                .expect(409);
        String person = text(operator(server, "POST", "/admin/users", ""), 201, "userID");
        String own = "/admin/teams/" + server.team().id();
        for (String team : List.of(own, "/admin/teams/" + UUID.randomUUID(), "/admin/teams/x")) {
            int status = team.equals(own) ? 204 : team.endsWith("x") ? 400 : 404;
            String member = team + "/members/" + person;
            operator(server, "PUT", member, "").expect(status == 204 ? 201 : status);
            operator(server, "PUT", member, "").expect(status);
            operator(server, "GET", team + "/members", "").expect(status == 204 ? 200 : status);
            if (status == 204) {
                operator(server, "DELETE", "/admin/users/" + person, "").expect(409);
            }
            operator(server, "DELETE", member, "").expect(status);
        }
        for (String user : List.of(person, UUID.randomUUID().toString(), "x")) {
            int status = user.equals(person) ? 200 : user.equals("x") ? 400 : 404;
            int empty = status == 200 ? 204 : status;
            String tokens = "/admin/users/" + user + "/access-tokens";
            operator(server, "GET", tokens, "").expect(status);
            TestServer.Answer token = operator(server, "POST", tokens, NAME).expect(status == 200 ? 201 : status);
            String id = status == 200
                    ? token.json().get("id").stringValue()
                    : UUID.randomUUID().toString();
            operator(server, "DELETE", tokens + "/" + id, "").expect(empty);
            operator(server, "DELETE", "/admin/users/" + user, "").expect(empty);
        }
    }

    private static String text(TestServer.Answer answer, int status, String name) {
        return answer.expect(status).json().get(name).stringValue();
    }

    private static void operators(TestServer server) throws Exception {
        String node = "/nodes/" + server.node.status().nodeId();
        operator(server, "GET", "/nodes", "").expect(200);
        operator(server, "GET", "/nodes?clusterID=x", "").expect(400);
        operator(server, "GET", node, "").expect(200);
        operator(server, "GET", node + "?clusterID=x", "").expect(400);
        operator(server, "GET", "/nodes/none", "").expect(404);
        operator(server, "POST", node, "{\"status\":\"draining\"}").expect(204);
        operator(server, "POST", node, "{\"status\":\"ready\"}").expect(204);
        operator(server, "POST", node, "{\"status\":\"unhealthy\"}").expect(409);
        operator(server, "POST", node, "{}").expect(400);
        operator(server, "POST", "/nodes/none", "{\"status\":\"ready\"}").expect(404);
        operator(server, "GET", "/admin/sandboxes/running-counts", "").expect(200);
        operator(server, "GET", "/admin/sandboxes/" + server.create(), "").expect(200);
        operator(server, "GET", "/admin/sandboxes/" + NOBODY, "").expect(404);
        operator(server, "GET", "/admin/sandboxes/A", "").expect(400);
        storage(server);
        String team = "/admin/teams/" + server.team().id();
        for (String root : List.of(team, "/admin/teams/" + UUID.randomUUID(), "/admin/teams/x")) {
            int status = root.equals(team) ? 200 : root.endsWith("x") ? 400 : 404;
            operator(server, "POST", root + "/sandboxes/kill", "").expect(status);
            operator(server, "POST", root + "/builds/cancel", "").expect(status);
            TestServer.Answer made = operator(server, "POST", root + "/api-keys", NAME);
            made.expect(status == 200 ? 201 : status);
            String key = status == 200
                    ? made.json().get("id").stringValue()
                    : UUID.randomUUID().toString();
            operator(server, "DELETE", root + "/api-keys/" + key, "").expect(status == 200 ? 204 : status);
        }
        server.store.teams().setStanding(server.team().id(), new Team.Standing(true, false, null));
        operator(server, "POST", team + "/api-keys", NAME).expect(403);
    }

    private static void storage(TestServer server) {
        operator(server, "GET", "/admin/cache", "").expect(200);
        operator(server, "POST", "/admin/cache/prune", "").expect(200);
        operator(server, "POST", "/admin/cache/prune?keepMB=-1", "").expect(400);
        operator(server, "POST", "/admin/images", "bad").expect(400);
        operator(server, "POST", "/admin/images", "while another one is read").expect(409);
        operator(server, "POST", "/admin/images", "too large for the disk").expect(507);
        operator(server, "POST", "/admin/images?name=host%3A5000%2Ftool%3A1", "archive")
                .expect(201);
        operator(server, "GET", "/admin/images", "").expect(200);
        for (int status : List.of(200, 400, 404)) {
            String image = status == 200 ? "host%3A5000%2Ftool%3A1" : status == 400 ? "a%20b" : "none";
            operator(server, "GET", "/admin/images/" + image + "/image.tar", "").expect(status);
            operator(server, "DELETE", "/admin/images/" + image, "").expect(status == 200 ? 204 : status);
        }
        for (String what : List.of("", "/rootfs.tar", "/image.tar")) {
            operator(server, "GET", "/admin/templates/base/export" + what, "").expect(200);
            operator(server, "GET", "/admin/templates/a%20b/export" + what, "").expect(400);
            operator(server, "GET", "/admin/templates/none/export" + what, "").expect(404);
        }
    }

    private static TestServer.Answer operator(TestServer server, String method, String target, String body) {
        return server.send(server.operator(method, target, body));
    }

    /** 1.7. */
    private static void keyedCreates() throws Exception {
        try (TestServer server = open(ApiSettings.DEFAULT)) {
            server.node.createGate = new CountDownLatch(1);
            CompletableFuture<TestServer.Answer> first = CompletableFuture.supplyAsync(() -> keyed(server));
            eventually(() -> server.node.creating.get() > 0);
            keyed(server).expect(409);
            server.clock.forward(ApiSettings.DEFAULT.requestDeadline().plusSeconds(1));
            keyed(server).expect(422);
            server.node.createGate.countDown();
            first.get().expect(201);
        }
    }

    private static TestServer.Answer keyed(TestServer server) {
        return server.send(new MemoryExchange("POST", "/v2/sandboxes")
                .header("X-API-Key", server.key)
                .header("Idempotency-Key", "once")
                .body(NEW.getBytes(StandardCharsets.UTF_8)));
    }

    /** Runs something when the fields of a request are read to see who asks. */
    private static MemoryExchange disturbed(String operation, Runnable disturbance) {
        return DescribedRequests.withBody(
                operation,
                new MemoryExchange(DescribedRequests.method(operation), DescribedRequests.target(operation)) {
                    @Override
                    public Headers requestHeaders() {
                        if (Thread.currentThread().getName().equals("request")) {
                            disturbance.run();
                        }
                        return super.requestHeaders();
                    }
                });
    }

    private static void failures() throws Exception {
        try (TestServer server = open(ApiSettings.DEFAULT)) {
            for (String operation : guarded().toList()) {
                server.send(disturbed(operation, () -> {
                            throw new IllegalStateException("a fault of ours");
                        }))
                        .expect(500);
            }
        }
    }

    private static void notReady() throws Exception {
        try (TestServer server = open(ApiSettings.DEFAULT);
                ControlPlane early = new ControlPlane(
                        settings(ApiSettings.DEFAULT), server.store, server.node, server.builder, server.clock)) {
            for (String operation : AnswerRecord.operations().keySet()) {
                TestServer.send(early, signed(server, operation)).expect(503);
            }
        }
    }

    /** 1.6: the first request of an operation passes, whatever its answer, the second does not. */
    private static void tooOften() throws Exception {
        List<String> limited = guarded()
                .filter(DescribedRequests::isForTeams)
                .filter(operation -> AnswerRecord.statuses(operation).contains("429"))
                .toList();
        String once = limited.stream().map(operation -> operation + "=1/3600s").collect(Collectors.joining(", "));
        try (TestServer server = open(ApiSettings.DEFAULT.withRates(RateLimits.parse(once)))) {
            for (String operation : limited) {
                server.send(signed(server, operation));
                TestServer.Answer refused =
                        server.send(signed(server, operation)).expect(429);
                assertThat(refused.headers().first("Retry-After")).isPresent();
            }
        }
    }

    private static void tooSlow() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        try (TestServer server = open(ApiSettings.DEFAULT.withRequestDeadline(Duration.ofMillis(500)));
                ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<TestServer.Answer>> answers = guarded()
                    .map(operation -> callers.submit(() -> server.send(disturbed(operation, () -> await(never)))))
                    .toList();
            for (Future<TestServer.Answer> answer : answers) {
                answer.get().expect(408);
            }
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException("given up", e);
        }
    }

    @TestFactory
    Stream<DynamicTest> everyDescribedAnswerIsGiven() {
        return AnswerRecord.operations().keySet().stream()
                .sorted()
                .map(operation -> DynamicTest.dynamicTest(
                        operation, () -> assertThat(missing(operation)).isEmpty()));
    }

    private static List<String> missing(String operation) {
        return AnswerRecord.statuses(operation).stream()
                .filter(status -> !AnswerRecord.isLater(operation) || isGivenWhenLater(operation, status))
                .filter(status -> !status.equals("429") || DescribedRequests.isForTeams(operation))
                .map(status -> operation + " " + status)
                .filter(pair -> !AnswerRecord.produced().contains(pair) && !NEVER.containsKey(pair))
                .sorted()
                .toList();
    }

    private static boolean isGivenWhenLater(String operation, String status) {
        return ALSO_WHEN_LATER.contains(status)
                || (DescribedRequests.isForTeams(operation) && WITHOUT_A_TEAM.contains(status));
    }

    @TestFactory
    Stream<DynamicTest> whatIsSaidNeverToBeGivenIsNot() {
        return NEVER.keySet().stream()
                .map(pair -> DynamicTest.dynamicTest(
                        pair, () -> assertThat(AnswerRecord.produced()).doesNotContain(pair)));
    }
}
