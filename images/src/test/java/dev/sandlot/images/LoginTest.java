package dev.sandlot.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** template-build.md 4: logins of AWS and Google, against services of this machine that check what they are sent. */
class LoginTest {
    private static final String REGISTRY = "123456789012.dkr.ecr.eu-west-1.example.test";
    private static final String SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    private static final Instant NOW = Instant.parse("2026-08-01T12:00:00Z");
    private static final JsonMapper JSON = JsonMapper.builder().build();

    final List<URI> asked = new CopyOnWriteArrayList<>();
    final List<String> problems = new CopyOnWriteArrayList<>();
    HttpServer server;
    KeyPair key;

    @BeforeEach
    void start() throws Exception {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::answerAws);
        server.createContext("/token", this::answerGcp);
        server.start();
        KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(2048);
        key = generator.generateKeyPair();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    @Test
    void aws_keys_become_a_login_by_a_signed_request() throws Exception {
        RegistryCredentials login = aws().login(REGISTRY, "AKIDEXAMPLE", SECRET, "eu-west-1");
        assertThat(problems).isEmpty();
        assertThat(login).isEqualTo(new RegistryCredentials("AWS", "short:lived"));
        assertThat(asked).containsExactly(URI.create("https://api.ecr.eu-west-1.example.test/"));
    }

    @Test
    void a_wrong_aws_secret_is_denied_and_not_told() {
        assertThatThrownBy(() -> aws().login(REGISTRY, "AKIDEXAMPLE", "another" + SECRET, "eu-west-1"))
                .isInstanceOf(ImageRefusedException.class)
                .hasMessageContaining("access denied")
                .hasMessageContaining("InvalidSignatureException")
                .hasMessageNotContaining(SECRET);
    }

    @Test
    void aws_credentials_only_fit_registries_of_aws() {
        assertThatThrownBy(() -> aws().login("registry.example.test", "A", "B", "eu-west-1"))
                .hasMessageContaining("is no private registry of AWS");
        assertThatThrownBy(() -> aws().login(REGISTRY, "A", "B", "us-east-1"))
                .hasMessageContaining("is in the region eu-west-1 and not in us-east-1");
        assertThat(asked).isEmpty();
    }

    @Test
    void a_service_account_becomes_a_login_by_a_signed_assertion() throws Exception {
        RegistryCredentials login = gcp(RegistryAccess.ANY).login(account("builder@example.test", url("/token")));
        assertThat(problems).isEmpty();
        assertThat(login).isEqualTo(new RegistryCredentials("oauth2accesstoken", "ya29.token"));
    }

    @Test
    void service_accounts_that_are_not_accepted_or_unusable_are_told() {
        GcpLogin gcp = gcp(RegistryAccess.ANY);
        assertThatThrownBy(() -> gcp.login(account("stranger@example.test", url("/token"))))
                .hasMessageContaining("access denied: the service account was not accepted (status 401)");
        assertThatThrownBy(() -> gcp.login("[]")).hasMessageContaining("no JSON object");
        assertThatThrownBy(() -> gcp.login("{")).hasMessageContaining("no JSON");
        assertThatThrownBy(() -> gcp.login("{\"token_uri\":\"" + url("/token") + "\"}"))
                .hasMessageContaining("has no client_email");
        assertThatThrownBy(() ->
                        gcp.login(account("builder@example.test", url("/token")).replaceAll("BEGIN.*END", "")))
                .hasMessageContaining("private_key is no RSA key")
                .hasMessageNotContaining("MII");
    }

    /** The document is the user's, who must not make this machine ask its own network. */
    @Test
    void a_service_account_cannot_name_a_private_address() {
        assertThatThrownBy(() -> gcp(RegistryAccess.PUBLIC).login(account("a@b", url("/token"))))
                .isInstanceOf(ImageRefusedException.class);
        assertThatThrownBy(() -> gcp(RegistryAccess.PUBLIC).login(account("a@b", "https://169.254.169.254/token")))
                .hasMessageContaining("private address");
        assertThatThrownBy(() -> gcp(RegistryAccess.PUBLIC).login(account("a@b", "https://[::ffff:10.0.0.1]/token")))
                .hasMessageContaining("private address");
    }

    private AwsLogin aws() {
        return new AwsLogin(
                RegistryAccess.ANY,
                uri -> {
                    asked.add(uri);
                    return URI.create(url("/"));
                },
                InstantSource.fixed(NOW));
    }

    private static GcpLogin gcp(RegistryAccess access) {
        return new GcpLogin(access, InstantSource.fixed(NOW));
    }

    private String url(String path) {
        return "http://127.0.0.1:" + server.getAddress().getPort() + path;
    }

    private String account(String email, String service) {
        String pem = "-----BEGIN PRIVATE KEY-----\n"
                + Base64.getMimeEncoder().encodeToString(key.getPrivate().getEncoded())
                + "\n-----END PRIVATE KEY-----\n";
        return JSON.writeValueAsString(Map.of(
                "type",
                "service_account",
                "client_email",
                email,
                "private_key_id",
                "k1",
                "private_key",
                pem,
                "token_uri",
                service));
    }

    /** Signature Version 4, worked out anew from what came, in the order of AWS's own description. */
    private void answerAws(HttpExchange exchange) throws IOException {
        byte[] body = exchange.getRequestBody().readAllBytes();
        String authorization = exchange.getRequestHeaders().getFirst("Authorization");
        Matcher m = Pattern.compile("AWS4-HMAC-SHA256 Credential=([A-Z]+)/(\\d{8})/([a-z0-9-]+)/ecr/aws4_request,"
                        + " SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})")
                .matcher(authorization);
        if (!m.matches() || !signature(exchange, body, m).equals(m.group(5))) {
            send(exchange, 400, "{\"__type\":\"com.example#InvalidSignatureException\"}");
            return;
        }
        check(m.group(1).equals("AKIDEXAMPLE"), "key");
        check(
                "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"
                        .equals(exchange.getRequestHeaders().getFirst("X-Amz-Target")),
                "target");
        check(m.group(4).contains("host") && m.group(4).contains("x-amz-target"), "signed headers");
        String token = Base64.getEncoder().encodeToString("AWS:short:lived".getBytes(StandardCharsets.UTF_8));
        send(exchange, 200, "{\"authorizationData\":[{\"authorizationToken\":\"" + token + "\"}]}");
    }

    private static String signature(HttpExchange exchange, byte[] body, Matcher m) throws IOException {
        Map<String, String> headers = new TreeMap<>();
        for (String name : m.group(4).split(";")) {
            headers.put(name, exchange.getRequestHeaders().getFirst(name).strip());
        }
        String lines = headers.entrySet().stream()
                .map(header -> header.getKey() + ":" + header.getValue() + "\n")
                .collect(Collectors.joining());
        String canonical = String.join(
                "\n",
                exchange.getRequestMethod(),
                exchange.getRequestURI().getRawPath(),
                "",
                lines,
                m.group(4),
                Digest.of(body).hex());
        String time = headers.get("x-amz-date");
        String scope = m.group(2) + "/" + m.group(3) + "/ecr/aws4_request";
        String toSign = "AWS4-HMAC-SHA256\n" + time + "\n" + scope + "\n"
                + Digest.of(canonical.getBytes(StandardCharsets.UTF_8)).hex();
        byte[] signing = ("AWS4" + SECRET).getBytes(StandardCharsets.UTF_8);
        for (String part : List.of(m.group(2), m.group(3), "ecr", "aws4_request", toSign)) {
            signing = hmac(signing, part);
        }
        return HexFormat.of().formatHex(signing);
    }

    private static byte[] hmac(byte[] key, String text) throws IOException {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
        } catch (GeneralSecurityException e) {
            throw new IOException(e);
        }
    }

    private void answerGcp(HttpExchange exchange) throws IOException {
        Map<String, String> form =
                List.of(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8).split("&"))
                        .stream()
                        .map(pair -> pair.split("=", 2))
                        .collect(Collectors.toMap(
                                pair -> pair[0], pair -> URLDecoder.decode(pair[1], StandardCharsets.UTF_8)));
        check("urn:ietf:params:oauth:grant-type:jwt-bearer".equals(form.get("grant_type")), "grant");
        String[] jwt = form.getOrDefault("assertion", "..").split("\\.");
        JsonNode header = JSON.readTree(Base64.getUrlDecoder().decode(jwt[0]));
        JsonNode claims = JSON.readTree(Base64.getUrlDecoder().decode(jwt[1]));
        check(header.path("alg").asString("").equals("RS256") && verifies(jwt), "signature");
        check(header.path("kid").asString("").equals("k1"), "key ID");
        check(claims.path("aud").asString("").equals(url("/token")), "audience");
        check(claims.path("iat").asLong(0) == NOW.getEpochSecond(), "time");
        check(claims.path("exp").asLong(0) == NOW.getEpochSecond() + 3600, "end");
        boolean known = claims.path("iss").asString("").equals("builder@example.test");
        send(exchange, known ? 200 : 401, known ? "{\"access_token\":\"ya29.token\"}" : "{\"error\":\"x\"}");
    }

    private boolean verifies(String[] jwt) throws IOException {
        try {
            Signature signature = Signature.getInstance("SHA256withRSA");
            signature.initVerify(key.getPublic());
            signature.update((jwt[0] + "." + jwt[1]).getBytes(StandardCharsets.US_ASCII));
            return signature.verify(Base64.getUrlDecoder().decode(jwt[2]));
        } catch (GeneralSecurityException e) {
            throw new IOException(e);
        }
    }

    private void check(boolean holds, String what) {
        if (!holds) {
            problems.add(what);
        }
    }

    private static void send(HttpExchange exchange, int status, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }
}
