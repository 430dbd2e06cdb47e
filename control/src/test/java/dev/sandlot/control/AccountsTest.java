package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import dev.sandlot.protocol.ApiException;
import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** People with tokens of an identity provider, their teams, keys and older tokens (public-api.md 2, 14). */
class AccountsTest {
    private static final String NAME = "{\"name\":\"ci\"}";

    @TempDir
    Path directory;

    private HttpServer provider;
    private final AtomicInteger fetches = new AtomicInteger();
    private KeyPair rsa;
    private KeyPair ec;
    private String issuer;
    private TestServer server;

    @BeforeEach
    void open() throws Exception {
        rsa = generate("RSA", 2048);
        ec = generate("EC", 256);
        provider = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        issuer = "http://localhost:" + provider.getAddress().getPort();
        serve(
                "/.well-known/openid-configuration",
                "{\"issuer\":\"" + issuer + "\",\"jwks_uri\":\"" + issuer + "/keys\"}");
        serve(
                "/keys",
                "{\"keys\":[" + jwk((RSAPublicKey) rsa.getPublic()) + "," + jwk((ECPublicKey) ec.getPublic()) + "]}");
        provider.start();
        server = TestServer.open(directory, settings(true));
    }

    private ControlSettings settings(boolean legacy) {
        String config = "{\"jwt\":[{\"issuer\":{\"url\":\"" + issuer
                + "\",\"audiences\":[\"sandlot\"],\"audienceMatchPolicy\":\"MatchAny\"},\"cacheDuration\":\"5m\"}]}";
        return ControlSettings.withSeed(TestServer.SEED)
                .withAdminToken(TestServer.ADMIN_TOKEN)
                .withApi(ApiSettings.DEFAULT
                        .withProviders(IdentityProvider.parse(config))
                        .withLegacy(legacy));
    }

    private static KeyPair generate(String algorithm, int size) throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm);
        generator.initialize(size);
        return generator.generateKeyPair();
    }

    private void serve(String path, String json) {
        provider.createContext(path, exchange -> {
            fetches.incrementAndGet();
            byte[] body = json.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            try (exchange) {
                exchange.getResponseBody().write(body);
            }
        });
    }

    private static String jwk(RSAPublicKey key) {
        return "{\"kty\":\"RSA\",\"kid\":\"r\",\"use\":\"sig\",\"n\":\"%s\",\"e\":\"%s\"}"
                .formatted(base64(unsigned(key.getModulus())), base64(unsigned(key.getPublicExponent())));
    }

    private static String jwk(ECPublicKey key) {
        return "{\"kty\":\"EC\",\"kid\":\"e\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\"}"
                .formatted(
                        base64(unsigned(key.getW().getAffineX())),
                        base64(unsigned(key.getW().getAffineY())));
    }

    private static byte[] unsigned(BigInteger number) {
        byte[] bytes = number.toByteArray();
        return bytes[0] == 0 ? java.util.Arrays.copyOfRange(bytes, 1, bytes.length) : bytes;
    }

    private static String base64(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    @AfterEach
    void close() {
        server.close();
        provider.stop(0);
    }

    private String token(String subject) throws Exception {
        return token("RS256", "r", claims(issuer, subject, "\"sandlot\"", 60), rsa);
    }

    private static String claims(String iss, String sub, String aud, long lifeSeconds) {
        return "{\"iss\":\"%s\",\"sub\":\"%s\",\"aud\":%s,\"exp\":%d}"
                .formatted(iss, sub, aud, Instant.now().getEpochSecond() + lifeSeconds);
    }

    private static String token(String algorithm, String keyId, String claims, KeyPair pair) throws Exception {
        String header = "{\"alg\":\"" + algorithm + "\",\"kid\":\"" + keyId + "\"}";
        String signed =
                base64(header.getBytes(StandardCharsets.UTF_8)) + "." + base64(claims.getBytes(StandardCharsets.UTF_8));
        Signature signature = Signature.getInstance(
                pair.getPrivate().getAlgorithm().equals("RSA") ? "SHA256withRSA" : "SHA256withECDSAinP1363Format");
        signature.initSign(pair.getPrivate());
        signature.update(signed.getBytes(StandardCharsets.US_ASCII));
        return signed + "." + base64(signature.sign());
    }

    private TestServer.Answer bearer(String method, String path, String token, String body) {
        return server.send(new MemoryExchange(method, path)
                .header("Authorization", "Bearer " + token)
                .header("X-Team-ID", server.team().id().toString())
                .body(body.getBytes(StandardCharsets.UTF_8)));
    }

    /** Puts the person of that subject into the default team. */
    private UUID member(String subject) {
        UUID person = server.store.people().personOf(new Identity(issuer, subject));
        server.store.people().addMember(server.team().id(), person);
        return person;
    }

    @Test
    void tokensOfBothAlgorithmsAreTaken() throws Exception {
        member("anna");
        bearer("GET", "/v2/sandboxes", token("anna"), "").expect(200);
        String claims = claims(issuer, "anna", "[\"other\",\"sandlot\"]", 60);
        bearer("GET", "/v2/sandboxes", token("ES256", "e", claims, ec), "").expect(200);
        assertThat(fetches).hasValue(2);
    }

    /** 2.5. */
    @Test
    void tokensThatDoNotHoldAreRefused() throws Exception {
        member("anna");
        String good = claims(issuer, "anna", "\"sandlot\"", 60);
        String[] parts = token("anna").split("\\.");
        List<String> bad = List.of(
                "x.y.z",
                "nothing",
                token("RS256", "r", claims(issuer, "anna", "\"sandlot\"", -60), rsa),
                token("RS256", "r", claims(issuer, "anna", "\"else\"", 60), rsa),
                token("RS256", "r", claims("http://else", "anna", "\"sandlot\"", 60), rsa),
                token("RS256", "r", claims(issuer, "", "\"sandlot\"", 60), rsa),
                token("RS256", "r", "{\"iss\":\"" + issuer + "\",\"sub\":\"anna\",\"aud\":\"sandlot\"}", rsa),
                token("RS256", "r", good, generate("RSA", 2048)),
                token("RS256", "unknown", good, rsa),
                token("none", "r", good, rsa),
                token("HS256", "r", good, rsa),
                token("RS256", "e", good, ec),
                parts[0] + "." + parts[1] + ".");
        for (String token : bad) {
            assertThat(bearer("GET", "/v2/sandboxes", token, "").expect(401).message())
                    .startsWith("Invalid auth provider token.\n");
        }
    }

    @Test
    void aPersonReachesOnlyTeamsOfTheirs() throws Exception {
        server.store.people().personOf(new Identity(issuer, "stranger"));
        assertThat(bearer("GET", "/v2/sandboxes", token("stranger"), "")
                        .expect(401)
                        .message())
                .startsWith("Invalid auth provider token teamID.\n");
        assertThat(server.send(new MemoryExchange("GET", "/teams").header("Authorization", "Bearer " + token("new")))
                        .expect(200)
                        .json())
                .isEmpty();
    }

    private static String claims(String iss, String more) {
        return "{\"iss\":\"%s\",\"aud\":\"sandlot\",\"exp\":%d,%s}"
                .formatted(iss, Instant.now().getEpochSecond() + 60, more);
    }

    private TestServer.Answer signIn(String claims) throws Exception {
        return server.send(new MemoryExchange("GET", "/teams")
                .header("Authorization", "Bearer " + token("RS256", "r", claims(issuer, claims), rsa)));
    }

    private JsonNode user(String subject) {
        return server.send(server.operator("GET", "/admin/users"))
                .json()
                .valueStream()
                .filter(user -> user.get("identities")
                        .valueStream()
                        .anyMatch(identity ->
                                identity.get("subject").stringValue().equals(subject)))
                .findFirst()
                .orElseThrow();
    }

    /** OpenID Connect Core 2. */
    @Test
    void subjectsAreStringsOfSomeLength() throws Exception {
        signIn("\"sub\":42").expect(401);
        signIn("\"sub\":[\"anna\"]").expect(401);
        signIn("\"sub\":\"" + "x".repeat(256) + "\"").expect(401);
        signIn("\"sub\":\"" + "x".repeat(255) + "\"").expect(200);
    }

    @Test
    void operatorsSeeWhoSignedIn() throws Exception {
        signIn("\"sub\":\"anna\",\"email\":\"anna@example.com\",\"email_verified\":true")
                .expect(200);
        JsonNode anna = user("anna");
        assertThat(anna.get("email").stringValue()).isEqualTo("anna@example.com");
        assertThat(anna.get("identities").toString())
                .isEqualTo("[{\"issuer\":\"" + issuer + "\",\"subject\":\"anna\",\"email\":\"anna@example.com\"}]");
        for (String claims : List.of(
                "\"sub\":\"bob\"",
                "\"sub\":\"bob\",\"email\":\"bob@example.com\"",
                "\"sub\":\"bob\",\"email\":\"bob@example.com\",\"email_verified\":false",
                "\"sub\":\"bob\",\"email\":7,\"email_verified\":true",
                "\"sub\":\"bob\",\"email\":\"no address\",\"email_verified\":true")) {
            signIn(claims).expect(200);
            assertThat(user("bob").has("email")).isFalse();
        }
        signIn("\"sub\":\"bob\",\"email\":\"bob@example.com\",\"email_verified\":\"true\"")
                .expect(200);
        assertThat(user("bob").get("email").stringValue()).isEqualTo("bob@example.com");
        signIn("\"sub\":\"bob\",\"email\":\"robert@example.com\",\"email_verified\":true")
                .expect(200);
        assertThat(user("bob").get("email").stringValue()).isEqualTo("robert@example.com");
        signIn("\"sub\":\"bob\"").expect(200);
        assertThat(user("bob").get("email").stringValue()).isEqualTo("robert@example.com");
    }

    /** Who signs in with a mail address that another user has gets in, and no user is named by that of another. */
    @Test
    void aMailAddressThatIsTakenLetsItsOwnerIn() throws Exception {
        String made = "{\"email\":\"anna@example.com\"}";
        server.send(server.operator("POST", "/admin/users", made)).expect(201);
        signIn("\"sub\":\"anna\",\"email\":\"anna@example.com\",\"email_verified\":true")
                .expect(200);
        JsonNode anna = user("anna");
        assertThat(anna.has("email")).isFalse();
        assertThat(anna.get("identities").get(0).get("email").stringValue()).isEqualTo("anna@example.com");
        signIn("\"sub\":\"eve\",\"email\":\"eve@example.com\",\"email_verified\":true")
                .expect(200);
        server.send(server.operator("POST", "/admin/users", "{\"email\":\"eve@example.com\"}"))
                .expect(409);
    }

    /** At a rotation of keys people come with the new one at once; names of keys that are not there cost few fetches. */
    @Test
    void aNewKeyIsFoundAtOnceAndAFloodOfUnknownOnesFetchesLittle() throws Exception {
        List<String> keyNames = new CopyOnWriteArrayList<>(List.of("a"));
        AtomicInteger reads = new AtomicInteger();
        TestServer.TestClock clock = new TestServer.TestClock();
        KeySet set = new KeySet(
                "issuer",
                Duration.ofMinutes(5),
                () -> {
                    reads.incrementAndGet();
                    String keys = keyNames.stream()
                            .map(name -> jwk((RSAPublicKey) rsa.getPublic()).replace("\"r\"", "\"" + name + "\""))
                            .collect(Collectors.joining(","));
                    return Json.MAPPER.readTree("{\"keys\":[" + keys + "]}");
                },
                clock);
        assertThat(set.find("a")).isPresent();
        keyNames.add("b");
        assertThat(set.find("b")).isPresent();
        assertThat(reads).hasValue(2);
        for (int i = 0; i < 1000; i++) {
            assertThat(set.find("none" + i)).isEmpty();
        }
        assertThat(reads.get()).isBetween(4, 5);
        keyNames.add("c");
        clock.forward(Duration.ofSeconds(3));
        assertThat(set.find("c")).isPresent();
        assertThat(reads.get()).isBetween(5, 6);
    }

    @Test
    void manyWithANewKeyFetchItOnce() throws Exception {
        AtomicInteger reads = new AtomicInteger();
        KeySet set = new KeySet(
                "issuer",
                Duration.ofMinutes(5),
                () -> {
                    reads.incrementAndGet();
                    return Json.MAPPER.readTree("{\"keys\":[" + jwk((RSAPublicKey) rsa.getPublic()) + "]}");
                },
                new TestServer.TestClock());
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 50; i++) {
                threads.submit(() -> set.find("r"));
            }
        }
        assertThat(set.find("r")).isPresent();
        assertThat(reads).hasValue(1);
    }

    @Test
    void theIdentityProviderSettingIsChecked() {
        assertThat(IdentityProvider.parse("")).isEmpty();
        for (String bad : List.of(
                "{",
                "{\"issuer\":{}}",
                "{\"issuer\":{\"url\":\"https://a.example\"}}",
                "{\"issuer\":{\"url\":\"http://192.0.2.1\",\"audiences\":[\"a\"]}}",
                "{\"issuer\":{\"url\":\"https://a.example\",\"audiences\":[\"a\"]},\"cacheDuration\":\"soon\"}",
                "{\"issuer\":{\"url\":\"https://a.example\",\"audiences\":[\"a\"],\"audienceMatchPolicy\":\"All\"}}")) {
            assertThatThrownBy(() -> IdentityProvider.parse(bad)).isInstanceOf(IllegalArgumentException.class);
        }
        IdentityProvider parsed = IdentityProvider.parse(
                        "[{\"issuer\":{\"url\":\"https://a.example/x/\",\"audiences\":[\"a\"]},\"cacheDuration\":\"1h\"}]")
                .getFirst();
        assertThat(parsed.discovery()).hasToString("https://a.example/x/.well-known/openid-configuration");
        assertThat(parsed.cacheDuration()).isEqualTo(Duration.ofHours(1));
    }

    /** 14: keys of a team, shown in full once, and the CLI's login. */
    @Test
    void aLoginListsTeamsWithAFreshKeyEach() throws Exception {
        UUID person = member("anna");
        TestServer.Answer answer =
                server.send(new MemoryExchange("GET", "/teams").header("Authorization", "Bearer " + token("anna")));
        JsonNode team = answer.expect(200).json().get(0);
        assertThat(team.propertyNames()).containsExactlyInAnyOrder("teamID", "name", "apiKey", "isDefault");
        assertThat(team.get("isDefault").booleanValue()).isTrue();
        String key = team.get("apiKey").stringValue();
        assertThat(key).matches("e2b_[0-9a-f]{40}");
        server.callAs(key, "GET", "/v2/sandboxes").expect(200);
        JsonNode listed =
                bearer("GET", "/api-keys", token("anna"), "").expect(200).json();
        assertThat(listed).hasSize(2);
        JsonNode fresh = listed.valueStream()
                .filter(item -> item.has("createdBy"))
                .findFirst()
                .orElseThrow();
        assertThat(fresh.get("createdBy").get("id").stringValue()).isEqualTo(person.toString());
        assertThat(fresh.get("createdBy").get("email").isNull()).isTrue();
        JsonNode mask = fresh.get("mask");
        assertThat(mask.get("prefix").stringValue()).isEqualTo("e2b_");
        assertThat(mask.get("valueLength").intValue()).isEqualTo(40);
        assertThat(mask.get("maskedValuePrefix").stringValue()).isEqualTo(key.substring(4, 6));
        assertThat(mask.get("maskedValueSuffix").stringValue()).isEqualTo(key.substring(40));
        assertThat(listed.toString()).doesNotContain(key);
    }

    /** 24.3, keys: rename 202, deletion takes effect at once, another team's key 404. */
    @Test
    void keysAreMadeRenamedAndDeletedWithEffectAtOnce() throws Exception {
        member("anna");
        String token = token("anna");
        JsonNode made = bearer("POST", "/api-keys", token, NAME).expect(201).json();
        assertThat(bearer("GET", "/api-keys", token, "").expect(200).json().valueStream())
                .anySatisfy(listed -> {
                    assertThat(listed.get("id")).isEqualTo(made.get("id"));
                    assertThat(listed.get("createdAt")).isEqualTo(made.get("createdAt"));
                });
        String path = "/api-keys/" + made.get("id").stringValue();
        String key = made.get("key").stringValue();
        server.callAs(key, "GET", "/v2/sandboxes").expect(200);
        bearer("PATCH", path, token, "{\"name\":\"renamed\"}").expect(202);
        assertThat(bearer("GET", "/api-keys", token, "").text()).contains("renamed");
        bearer("DELETE", path, token, "").expect(204);
        server.callAs(key, "GET", "/v2/sandboxes").expect(401);
        bearer("DELETE", path, token, "").expect(404);
        bearer("PATCH", path, token, NAME).expect(404);
        bearer("PATCH", "/api-keys/x", token, NAME).expect(400);
        bearer("POST", "/api-keys", token, "{}").expect(400);
        server.call("POST", "/api-keys", NAME).expect(401);
        server.call("GET", "/api-keys").expect(401);
    }

    @Test
    void keysOfOtherTeamsAreUnknown() throws Exception {
        member("anna");
        server.otherTeam("other");
        UUID other = server.store.teams().bySlug("other").orElseThrow().id();
        UUID foreign = server.store.teams().keys(other).getFirst().id();
        bearer("DELETE", "/api-keys/" + foreign, token("anna"), "").expect(404);
        bearer("PATCH", "/api-keys/" + foreign, token("anna"), NAME).expect(404);
        assertThat(server.store.teams().keys(other)).hasSize(1);
    }

    /** 2.1, 5.5: access tokens of older clients. */
    @Test
    void accessTokensAreServedForOlderClients() throws Exception {
        member("anna");
        JsonNode made = bearer("POST", "/access-tokens", token("anna"), NAME)
                .expect(201)
                .json();
        String token = made.get("token").stringValue();
        assertThat(token).matches("sk_e2b_[0-9a-f]{40}");
        TestServer.Answer teams =
                server.send(new MemoryExchange("GET", "/teams").header("Authorization", "Bearer " + token));
        assertThat(teams.expect(200).json()).hasSize(1);
        bearer("GET", "/templates", token, "").expect(200);
        bearer("GET", "/v2/sandboxes", token, "").expect(401);
        String path = "/access-tokens/" + made.get("id").stringValue();
        bearer("DELETE", path, token("bob"), "").expect(404);
        bearer("DELETE", path, token("anna"), "").expect(204);
        assertThat(bearer("GET", "/templates", token, "").expect(401).message()).contains("e2b auth login");
    }

    @Test
    void withoutTheSettingAccessTokensAreGone() throws Exception {
        server.close();
        server = TestServer.open(directory, settings(false));
        bearer("POST", "/access-tokens", token("anna"), NAME).expect(410);
        server.send(new MemoryExchange("DELETE", "/access-tokens/x")).expect(410);
        bearer("GET", "/templates", "sk_e2b_00", "").expect(401);
    }

    /** 2.3: what another program changes is followed. */
    @Test
    void aBanByAnotherProgramIsFollowed() throws Exception {
        server.call("GET", "/v2/sandboxes").expect(200);
        long before = server.store.teams().changes();
        server.store.teams().setStanding(server.team().id(), new Team.Standing(true, false, null));
        assertThat(server.store.teams().changes()).isGreaterThan(before);
        Instant patience = Instant.now().plusSeconds(10);
        while (server.call("GET", "/v2/sandboxes").status() != 403) {
            assertThat(Instant.now()).isBefore(patience);
            Thread.sleep(50);
        }
    }

    /** 17.1: with the admin token alone a key can be minted. */
    @Test
    void anOperatorMintsAndDeletesKeys() throws ApiException, IOException {
        String path = "/admin/teams/" + server.team().id() + "/api-keys";
        JsonNode made =
                server.send(server.operator("POST", path, NAME)).expect(201).json();
        String key = made.get("key").stringValue();
        server.callAs(key, "GET", "/v2/sandboxes").expect(200);
        String one = path + "/" + made.get("id").stringValue();
        server.send(server.operator("DELETE", one)).expect(204);
        server.callAs(key, "GET", "/v2/sandboxes").expect(401);
        assertThat(server.send(server.operator("DELETE", one)).expect(404).message())
                .isEqualTo("API key not found");
        String nobody = "/admin/teams/" + UUID.randomUUID() + "/api-keys";
        assertThat(server.send(server.operator("POST", nobody, NAME))
                        .expect(404)
                        .message())
                .isEqualTo("Team not found");
        server.send(server.operator("POST", "/admin/teams/x/api-keys", NAME)).expect(400);
        server.call("POST", path, NAME).expect(401);
        server.store.teams().setStanding(server.team().id(), new Team.Standing(false, true, "unpaid"));
        server.send(server.operator("POST", path, NAME)).expect(403);
    }

    private OperatorKeys operatorKeys(String audience) {
        return OperatorKeys.parse("{\"issuer\":\"" + issuer + "\",\"audiences\":[\"" + audience + "\"],\"keys\":["
                + jwk((RSAPublicKey) rsa.getPublic()) + "]}");
    }

    /** 2.1, scheme M: an operator by a token of the operators' key set, alone or with a team. */
    @Test
    void aTokenOfTheOperatorsKeySetMakesAnOperator() throws Exception {
        server.close();
        server = TestServer.open(
                directory, settings(true).withApi(settings(true).api().withOperators(operatorKeys("operators"))));
        String operator = token("RS256", "r", claims(issuer, "root", "\"operators\"", 60), rsa);
        bearer("GET", "/nodes", operator, "").expect(200);
        bearer("GET", "/v2/sandboxes", operator, "").expect(200);
        server.send(server.operator("GET", "/nodes")).expect(200);
        server.send(server.operator("GET", "/nodes").header("Authorization", "Bearer " + token("anna")))
                .expect(200);
        assertThat(bearer("GET", "/nodes", token("anna"), "").expect(401).message())
                .contains("audience");
        String old = token("RS256", "r", claims(issuer, "root", "\"operators\"", -60), rsa);
        bearer("GET", "/nodes", old, "").expect(401);
        String forged = token("RS256", "r", claims(issuer, "root", "\"operators\"", 60), generate("RSA", 2048));
        bearer("GET", "/nodes", forged, "").expect(401);
        bearer("GET", "/nodes", "not a token", "").expect(401);
        server.send(new MemoryExchange("GET", "/nodes")
                        .header("X-Admin-Token", "wrong")
                        .header("Authorization", "Bearer " + operator))
                .expect(401);
        member("anna");
        bearer("GET", "/v2/sandboxes", token("anna"), "").expect(200);
    }

    @Test
    void withoutAKeySetNoTokenMakesAnOperator() throws Exception {
        String operator = token("RS256", "r", claims(issuer, "root", "\"operators\"", 60), rsa);
        bearer("GET", "/nodes", operator, "").expect(401);
    }

    @Test
    void operatorsAndPeopleCannotHaveOneIssuerAndAudience() {
        assertThatThrownBy(() -> settings(true).api().withOperators(operatorKeys("sandlot")))
                .isInstanceOf(IllegalArgumentException.class);
        for (String bad : new String[] {"[", "{}", "{\"issuer\":\"i\",\"audiences\":[\"a\"]}"}) {
            assertThatThrownBy(() -> OperatorKeys.parse(bad)).isInstanceOf(IllegalArgumentException.class);
        }
    }
}
