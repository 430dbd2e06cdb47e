package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.Headers;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Routing, credentials and what holds for every request (public-api.md 1, 2). */
class ApiHandlerTest {
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

    private TestServer.Answer keyless(String method, String target) {
        return server.send(new MemoryExchange(method, target));
    }

    private TestServer.Answer with(String method, String target, String header, String value) {
        return server.send(new MemoryExchange(method, target).header(header, value));
    }

    /** 17.3. */
    @Test
    void healthNeedsNoKeyAndKnowsWhetherTheServerIsReady() {
        TestServer.Answer healthy = keyless("GET", "/health").expect(200);
        assertThat(healthy.text()).isEqualTo("Health check successful");
        assertThat(keyless("GET", "/ready").expect(200).text()).isEqualTo("Health check successful");
        server.control.close();
        assertThat(keyless("GET", "/ready").expect(503).text()).isEqualTo("Service is unavailable");
        assertThat(keyless("GET", "/health").expect(503).text()).isEqualTo("Service is unavailable");
        server.call("GET", "/v2/sandboxes").expect(503);
    }

    /** 1.4. */
    @ParameterizedTest
    @ValueSource(
            strings = {"/", "/nothing", "/sandboxes/", "/sandboxes//timeout", "/v3/sandboxes", "/v2", "/a%2Fb", ""})
    void unknownPathsAreTold(String path) {
        assertThat(keyless("GET", path).expect(404).message()).contains("no matching operation was found");
    }

    /** In words of our own, with the place. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"templateID":NaN}                  | the body is not JSON, at line 1, column
            {"templateID":+1}                   | the body is not JSON, at line 1, column
            {"templateID":'base'}               | the body is not JSON, at line 1, column
            {"templateID":                      | the body is not JSON, at line 1, column
            """)
    void aBodyThatIsNoJsonIsToldWithThePlace(String body, String expected) {
        String message = server.call("POST", "/v2/sandboxes", body).expect(400).message();
        assertThat(message).startsWith("validation error: " + expected).doesNotContain("Feature", "Jackson");
    }

    @Test
    void thePlaceOfAMistakeIsItsLine() {
        assertThat(server.call("POST", "/v2/sandboxes", "{\n  \"templateID\": nope\n}")
                        .expect(400)
                        .message())
                .startsWith("validation error: the body is not JSON, at line 2, column ");
    }

    @Test
    void whatIsTooMuchForTheParserIsToldInOurWords() {
        for (String body : List.of("[".repeat(2000), "{\"x\":" + "9".repeat(2000) + "}")) {
            assertThat(server.call("POST", "/v2/sandboxes", body).expect(400).message())
                    .startsWith(
                            "validation error: the body is nested too deeply, has too many values, or has a name or number")
                    .doesNotContain("StreamReadConstraints", "Feature");
        }
    }

    @Test
    void encodedBodiesAreRefusedByName() {
        MemoryExchange gzip = new MemoryExchange("POST", "/v2/sandboxes")
                .header("X-API-Key", server.key)
                .header("Content-Encoding", "gzip")
                .body(new byte[] {0x1f, (byte) 0x8b, 8});
        assertThat(server.send(gzip).expect(415).message()).contains("Content-Encoding gzip");
        server.send(new MemoryExchange("POST", "/v2/sandboxes")
                        .header("X-API-Key", server.key)
                        .header("Content-Encoding", "identity")
                        .body("{\"templateID\":\"base\"}".getBytes(StandardCharsets.UTF_8)))
                .expect(201);
    }

    /** 1.4: 404, not 405. */
    @ParameterizedTest
    @CsvSource({
        "PUT,/sandboxes",
        "GET,/sandboxes/i1/timeout",
        "POST,/health",
        "PATCH,/v2/sandboxes",
        "OPTIONS,/sandboxes",
        "GET,/access-tokens"
    })
    void wrongMethodsAreTold(String method, String path) {
        assertThat(keyless(method, path).expect(404).message()).contains("method not allowed");
    }

    /** 1.4. */
    @ParameterizedTest
    @ValueSource(strings = {"/instances", "/instances/x", "/envs", "/envs/a/builds"})
    void theOldestPathsAreCalledDeprecated(String path) {
        assertThat(keyless("POST", path).expect(404).message()).contains("deprecated");
    }

    /** 5.5: 410 whatever the credentials. */
    @ParameterizedTest
    @CsvSource({"POST,/v2/templates", "POST,/templates", "POST,/templates/abc", "POST,/templates/abc/builds/def"})
    void removedOperationsAreGoneWhereOlderClientsAreNotServed(String method, String path) throws ApiException {
        server.close();
        server = TestServer.open(
                directory, ControlSettings.withSeed(TestServer.SEED).withApi(ApiSettings.DEFAULT.withLegacy(false)));
        keyless(method, path).expect(410);
        server.call(method, path).expect(410);
    }

    /** 5.1 to 5.4: known, so 501 and not 404; but only to those who may call them. */
    @Test
    void laterOperationsAreKnownToThoseWhoMayCallThem() {
        for (Route route : LaterOperations.routes()) {
            String path = route.template().replaceAll("\\{[^}]*}", "x%2Fy%3Az");
            keyless(route.method(), path).expect(401);
            MemoryExchange operator = new MemoryExchange(route.method(), path)
                    .header("X-Admin-Token", TestServer.ADMIN_TOKEN)
                    .header("X-Team-ID", server.team().id().toString());
            server.send(operator).expect(501);
            server.call(route.method(), path).expect(route.access() == Access.OPERATOR ? 401 : 501);
        }
    }

    /** 1.1: the raw path decides, the segment is unescaped afterwards. */
    @Test
    void escapedSlashesStayInTheirSegment() {
        Route route = Route.harmless(
                "GET", "/templates/{templateID}/tags", call -> Reply.text(200, call.parameter("templateID")));
        Route literal = Route.harmless("GET", "/templates/aliases/{alias}", call -> Reply.empty(204));
        Router router = new Router(List.of(route, literal));
        Router.Match match =
                router.find("GET", "/templates/team%2Fname%3Atag/tags").orElseThrow();
        assertThat(match.route()).isEqualTo(route);
        assertThat(match.rawParameters()).containsEntry("templateID", "team%2Fname%3Atag");
        assertThat(router.find("GET", "/templates/team/name/tags")).isEmpty();
        assertThat(router.find("GET", "/templates/aliases/tags").orElseThrow().route())
                .isEqualTo(literal);
        assertThat(router.find("GET", "/templates//tags")).isEmpty();
    }

    /** 2.5. */
    @Test
    void credentialsThatAreMissingOrWrongAreTold() {
        assertThat(keyless("GET", "/v2/sandboxes").expect(401).message()).isEqualTo("authorization header is missing");
        assertThat(with("GET", "/v2/sandboxes", "X-API-Key", "sk_1").expect(401).message())
                .isEqualTo("authorization header is malformed");
        for (String key : new String[] {"e2b_", "e2b_xyz", "e2b_abc", "e2b_" + "0".repeat(40)}) {
            assertThat(with("GET", "/v2/sandboxes", "X-API-Key", key)
                            .expect(401)
                            .message())
                    .startsWith("Invalid API key, please visit https://e2b.dev/docs/api-key for more information.\n");
        }
        assertThat(with("GET", "/v2/sandboxes", "Authorization", "Bearer x.y.z")
                        .expect(401)
                        .message())
                .startsWith("Invalid auth provider token.");
        with("GET", "/v2/sandboxes", "Authorization", "Basic x").expect(401);
    }

    /** 1.4: security before the body. */
    @Test
    void theKeyIsCheckedBeforeTheBody() {
        server.send(new MemoryExchange("POST", "/v2/sandboxes").body("{".getBytes(StandardCharsets.UTF_8)))
                .expect(401);
    }

    /** 2.1, 2.5: an operator acts for any team. */
    @Test
    void anOperatorNamesTheTeam() {
        String id = server.create();
        String path = "/sandboxes/" + id;
        String team = server.team().id().toString();
        server.send(operator(path, TestServer.ADMIN_TOKEN).header("X-Team-ID", team))
                .expect(200);
        assertThat(server.send(operator(path, "wrong").header("X-Team-ID", team))
                        .expect(401)
                        .message())
                .isEqualTo("Invalid Access token.");
        assertThat(server.send(operator(path, TestServer.ADMIN_TOKEN))
                        .expect(400)
                        .message())
                .isEqualTo("Invalid team ID");
        server.send(operator(path, TestServer.ADMIN_TOKEN).header("X-Team-ID", "1-1-1-1-1"))
                .expect(400);
        String nobody = UUID.randomUUID().toString();
        assertThat(server.send(operator(path, TestServer.ADMIN_TOKEN).header("X-Team-ID", nobody))
                        .expect(404)
                        .message())
                .isEqualTo("Team not found");
        server.send(operator(path, "wrong").header("X-API-Key", server.key)).expect(200);
        server.send(operator(path, TestServer.ADMIN_TOKEN)
                        .header("X-Team-ID", team)
                        .header("X-API-Key", "no"))
                .expect(200);
    }

    private static MemoryExchange operator(String path, String token) {
        return new MemoryExchange("GET", path).header("X-Admin-Token", token);
    }

    /** 2.1: without a configured secret nobody is an operator. */
    @Test
    void withoutASecretThereIsNoOperator() throws ApiException {
        server.close();
        server = TestServer.open(directory, ControlSettings.withSeed("s"));
        with("GET", "/nodes", "X-Admin-Token", "").expect(401);
        with("GET", "/nodes", "X-Admin-Token", "null").expect(401);
    }

    /** 2.3, 2.4. */
    @Test
    void blockedTeamsMayReadAndCleanUpAndBannedOnesNothing() {
        String id = server.create();
        standing(new Team.Standing(false, true, "unpaid"));
        server.send(asOperator("GET", "/v2/sandboxes")).expect(200);
        server.send(asOperator("GET", "/sandboxes/" + id)).expect(200);
        assertThat(server.send(asOperator("POST", "/v2/sandboxes")
                                .body("{\"templateID\":\"base\"}".getBytes(StandardCharsets.UTF_8)))
                        .expect(403)
                        .message())
                .isEqualTo("team is blocked: unpaid");
        server.send(asOperator("POST", "/sandboxes/" + id + "/timeout")
                        .body("{\"timeout\":1}".getBytes(StandardCharsets.UTF_8)))
                .expect(403);
        server.send(asOperator("DELETE", "/sandboxes/" + id)).expect(204);
        standing(new Team.Standing(true, false, null));
        assertThat(server.send(asOperator("GET", "/v2/sandboxes")).expect(403).message())
                .isEqualTo("team is banned");
    }

    private void standing(Team.Standing standing) {
        server.store.teams().setStanding(server.team().id(), standing);
    }

    private MemoryExchange asOperator(String method, String path) {
        return new MemoryExchange(method, path)
                .header("X-Admin-Token", TestServer.ADMIN_TOKEN)
                .header("X-Team-ID", server.team().id().toString());
    }

    /** 2.3: a key is remembered, until it is deleted. */
    @Test
    void aDeletedKeyOpensNothing() throws Exception {
        ApiKeys.Minted key = ApiKeys.mint();
        UUID keyId = UUID.randomUUID();
        UUID team = server.team().id();
        server.store.teams().addKey(new TeamStore.StoredKey(keyId, team, "k", key));
        Authenticator authenticator = new Authenticator(
                server.store,
                new Authenticator.Settings(
                        Operators.of(null, null, InstantSource.system()),
                        IdentityProviders.of(List.of(), InstantSource.system()),
                        true),
                Runnable::run);
        Headers headers = new Headers().set("x-api-KEY", key.raw());
        assertThat(authenticator.authenticate(headers, Access.TEAM).team().id()).isEqualTo(team);
        String hash = server.store.teams().deleteKey(team, keyId).orElseThrow();
        assertThat(authenticator.authenticate(headers, Access.TEAM).team()).isNotNull();
        authenticator.forgetKey(hash);
        assertThatThrownBy(() -> authenticator.authenticate(headers, Access.TEAM))
                .isInstanceOf(ApiException.class)
                .hasMessageStartingWith("Invalid API key");
    }

    /** 1.5. */
    @Test
    void pagesOfBrowsersMayCall() {
        MemoryExchange preflight = new MemoryExchange("OPTIONS", "/v2/sandboxes").header("Origin", "http://a.b");
        TestServer.Answer allowed = server.send(preflight).expect(204);
        assertThat(allowed.headers().first("Access-Control-Allow-Origin")).contains("*");
        assertThat(allowed.headers().first("Access-Control-Allow-Headers").orElseThrow())
                .contains("X-API-Key", "lang_version", "sdk_runtime", "package_version", "browser");
        assertThat(allowed.headers().first("Access-Control-Allow-Methods").orElseThrow())
                .contains("PATCH", "DELETE");
        TestServer.Answer refused =
                with("GET", "/v2/sandboxes", "Origin", "http://a.b").expect(401);
        assertThat(refused.headers().first("Access-Control-Allow-Origin")).contains("*");
        assertThat(refused.headers().first("Access-Control-Expose-Headers").orElseThrow())
                .contains("X-Next-Token", "X-Total-Running");
    }

    @Test
    void theRequestIdOfTheCallerIsKeptIfItIsSane() {
        assertThat(with("GET", "/health", "X-Request-ID", "abc-1").headers().first("X-Request-ID"))
                .contains("abc-1");
        assertThat(with("GET", "/health", "X-Request-ID", "a\tb")
                        .headers()
                        .first("X-Request-ID")
                        .orElseThrow())
                .hasSize(36);
    }

    /** 1.1. */
    @Test
    void answersAboutSecretsAreNotStored() {
        assertThat(keyless("GET", "/secrets").headers().first("Cache-Control")).contains("no-store");
    }

    /** 1.1: the limit comes before the credentials. */
    @Test
    void tooLargeBodiesAreRefusedUnread() {
        server.send(new MemoryExchange("POST", "/v2/sandboxes").body(InputStream.nullInputStream(), 1L << 30))
                .expect(413);
    }
}
