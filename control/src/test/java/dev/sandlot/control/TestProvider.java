package dev.sandlot.control;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.interfaces.RSAPublicKey;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;

/** An identity provider on this machine that signs what it is asked to. */
final class TestProvider implements AutoCloseable {
    private final HttpServer http;
    private final KeyPair pair;
    final String issuer;

    TestProvider() throws IOException, GeneralSecurityException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(2048);
        pair = generator.generateKeyPair();
        http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        issuer = "http://localhost:" + http.getAddress().getPort();
        serve(
                "/.well-known/openid-configuration",
                "{\"issuer\":\"" + issuer + "\",\"jwks_uri\":\"" + issuer + "/keys\"}");
        RSAPublicKey key = (RSAPublicKey) pair.getPublic();
        serve(
                "/keys",
                "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"r\",\"use\":\"sig\",\"n\":\"%s\",\"e\":\"%s\"}]}"
                        .formatted(base64(unsigned(key.getModulus())), base64(unsigned(key.getPublicExponent()))));
        http.start();
    }

    private void serve(String path, String json) {
        http.createContext(path, exchange -> {
            byte[] body = json.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            try (exchange) {
                exchange.getResponseBody().write(body);
            }
        });
    }

    private static byte[] unsigned(BigInteger number) {
        byte[] bytes = number.toByteArray();
        return bytes[0] == 0 ? Arrays.copyOfRange(bytes, 1, bytes.length) : bytes;
    }

    private static String base64(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    List<IdentityProvider> setting() {
        return IdentityProvider.parse("{\"jwt\":[{\"issuer\":{\"url\":\"" + issuer
                + "\",\"audiences\":[\"sandlot\"],\"audienceMatchPolicy\":\"MatchAny\"},\"cacheDuration\":\"5m\"}]}");
    }

    String token(String subject) {
        String claims = "{\"iss\":\"%s\",\"sub\":\"%s\",\"aud\":\"sandlot\",\"exp\":%d}"
                .formatted(issuer, subject, Instant.now().getEpochSecond() + 3600);
        String signed = base64("{\"alg\":\"RS256\",\"kid\":\"r\"}".getBytes(StandardCharsets.UTF_8)) + "."
                + base64(claims.getBytes(StandardCharsets.UTF_8));
        try {
            Signature signature = Signature.getInstance("SHA256withRSA");
            signature.initSign(pair.getPrivate());
            signature.update(signed.getBytes(StandardCharsets.US_ASCII));
            return signed + "." + base64(signature.sign());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java runtime signs with RSA", e);
        }
    }

    @Override
    public void close() {
        http.stop(0);
    }
}
