package dev.sandlot.images;

import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.InstantSource;
import java.util.Base64;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Exchanges a Google service account for a login: a JWT signed with its key (RFC 7523) goes to the token service that
 * the account's own document names, and the access token is the registry's password.
 */
public final class GcpLogin {
    private static final String GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    private static final String SCOPE = "https://www.googleapis.com/auth/cloud-platform";
    private static final String USER = "oauth2accesstoken";
    private static final int LIFE_SECONDS = 3600;
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final RegistryAccess access;
    private final InstantSource clock;

    public GcpLogin(RegistryAccess access, InstantSource clock) {
        this.access = access;
        this.clock = clock;
    }

    /**
     * Asks for a login.
     *
     * @throws ImageRefusedException when the document is no service account, or is not accepted
     */
    public RegistryCredentials login(String serviceAccountJson) throws IOException, InterruptedException {
        JsonNode account = account(serviceAccountJson);
        URI service = service(account);
        String body =
                "grant_type=" + URLEncoder.encode(GRANT, StandardCharsets.UTF_8) + "&assertion=" + assertion(account);
        LoginRequest.Answer answer = new LoginRequest(access)
                .post(service, Map.of("content-type", "application/x-www-form-urlencoded"), body);
        String token = answer.body().path("access_token").asString("");
        if (answer.status() != 200 || token.isEmpty()) {
            throw new ImageRefusedException(
                    "access denied: the service account was not accepted (status " + answer.status() + ")");
        }
        return new RegistryCredentials(USER, token);
    }

    private static JsonNode account(String json) throws ImageRefusedException {
        try {
            JsonNode account = JSON.readTree(json);
            if (account.isObject()) {
                return account;
            }
        } catch (JacksonException e) {
            throw unusable("it is no JSON");
        }
        throw unusable("it is no JSON object");
    }

    private static URI service(JsonNode account) throws ImageRefusedException {
        try {
            return URI.create(text(account, "token_uri"));
        } catch (IllegalArgumentException e) {
            throw unusable("its token_uri is no address");
        }
    }

    private String assertion(JsonNode account) throws ImageRefusedException {
        ObjectNode header = JSON.createObjectNode().put("alg", "RS256").put("typ", "JWT");
        header.put("kid", account.path("private_key_id").asString(""));
        long now = clock.instant().getEpochSecond();
        ObjectNode claims = JSON.createObjectNode()
                .put("iss", text(account, "client_email"))
                .put("scope", SCOPE)
                .put("aud", text(account, "token_uri"))
                .put("iat", now)
                .put("exp", now + LIFE_SECONDS);
        String signed = encoded(JSON.writeValueAsBytes(header)) + "." + encoded(JSON.writeValueAsBytes(claims));
        return signed + "." + encoded(signature(text(account, "private_key"), signed));
    }

    private static byte[] signature(String pem, String text) throws ImageRefusedException {
        try {
            String base64 = pem.replaceAll("-----[A-Z ]+-----", "").replaceAll("\\s", "");
            PrivateKey key = KeyFactory.getInstance("RSA")
                    .generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(base64)));
            Signature signature = Signature.getInstance("SHA256withRSA");
            signature.initSign(key);
            signature.update(text.getBytes(StandardCharsets.US_ASCII));
            return signature.sign();
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            throw unusable("its private_key is no RSA key");
        }
    }

    private static String text(JsonNode account, String field) throws ImageRefusedException {
        String text = account.path(field).asString("");
        if (text.isEmpty()) {
            throw unusable("it has no " + field);
        }
        return text;
    }

    private static String encoded(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    private static ImageRefusedException unusable(String why) {
        return new ImageRefusedException("the service account cannot be used: " + why);
    }
}
