package dev.sandlot.images;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Exchanges AWS keys for a login of a private registry (ECR, {@code GetAuthorizationToken}), the request signed by
 * AWS Signature Version 4. Where to ask follows from the registry's own name,
 * {@code ACCOUNT.dkr.ecr.REGION.SUFFIX}: {@code api.ecr.REGION.SUFFIX}.
 */
public final class AwsLogin {
    private static final Pattern REGISTRY = Pattern.compile("[0-9]{12}\\.dkr\\.ecr(-fips)?\\.([a-z0-9-]+)\\.([a-z.]+)");
    private static final Pattern REGION = Pattern.compile("[a-z0-9-]{1,40}");
    private static final String TARGET = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken";
    private static final String BODY = "{}";
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);

    private final RegistryAccess access;
    private final UnaryOperator<URI> endpoint;
    private final InstantSource clock;

    /** @param access which addresses may be asked */
    public AwsLogin(RegistryAccess access) {
        this(access, UnaryOperator.identity(), InstantSource.system());
    }

    /** @param endpoint gives another address to ask than the one that follows from the registry's name */
    public AwsLogin(RegistryAccess access, UnaryOperator<URI> endpoint, InstantSource clock) {
        this.access = access;
        this.endpoint = endpoint;
        this.clock = clock;
    }

    /**
     * Asks for a login.
     *
     * @throws ImageRefusedException when the registry is none of AWS, or the keys are not accepted
     */
    public RegistryCredentials login(String registry, String accessKeyId, String secretAccessKey, String region)
            throws IOException, InterruptedException {
        URI uri = endpoint.apply(endpoint(registry, region));
        LoginRequest.Answer answer =
                new LoginRequest(access).post(uri, headers(uri, accessKeyId, secretAccessKey, region), BODY);
        String token = answer.body()
                .path("authorizationData")
                .path(0)
                .path("authorizationToken")
                .asString("");
        if (answer.status() != 200 || token.isEmpty()) {
            throw new ImageRefusedException("access denied: AWS did not accept the credentials for " + registry
                    + " (status " + answer.status() + reason(answer) + ")");
        }
        return credentials(token, registry);
    }

    private static URI endpoint(String registry, String region) throws ImageRefusedException {
        Matcher m = REGISTRY.matcher(registry);
        if (!m.matches()) {
            throw new ImageRefusedException("the registry " + registry
                    + " is no private registry of AWS (ACCOUNT.dkr.ecr.REGION…), so AWS credentials do not fit");
        }
        if (!REGION.matcher(region).matches() || !m.group(2).equals(region)) {
            throw new ImageRefusedException(
                    "the registry " + registry + " is in the region " + m.group(2) + " and not in " + region);
        }
        String fips = m.group(1) == null ? "" : m.group(1);
        return URI.create("https://api.ecr" + fips + "." + region + "." + m.group(3) + "/");
    }

    private static String reason(LoginRequest.Answer answer) {
        String type = answer.body().path("__type").asString("");
        String plain = type.substring(type.lastIndexOf('#') + 1);
        return plain.matches("[A-Za-z]{1,60}") ? ", " + plain : "";
    }

    private static RegistryCredentials credentials(String token, String registry) throws ImageRefusedException {
        try {
            String[] parts = new String(Base64.getDecoder().decode(token), StandardCharsets.UTF_8).split(":", 2);
            return new RegistryCredentials(parts[0], parts[1]);
        } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
            throw new ImageRefusedException("AWS gave a login for " + registry + " that cannot be read", e);
        }
    }

    private Map<String, String> headers(URI uri, String keyId, String secret, String region) {
        String time = TIME.format(clock.instant());
        String day = time.substring(0, 8);
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put("content-type", "application/x-amz-json-1.1");
        headers.put("x-amz-date", time);
        headers.put("x-amz-target", TARGET);
        String signed = "content-type;host;x-amz-date;x-amz-target";
        String canonical = "POST\n/\n\ncontent-type:" + headers.get("content-type") + "\nhost:" + uri.getAuthority()
                + "\nx-amz-date:" + time + "\nx-amz-target:" + TARGET + "\n\n" + signed + "\n" + sha256(BODY);
        String scope = day + "/" + region + "/ecr/aws4_request";
        String toSign = "AWS4-HMAC-SHA256\n" + time + "\n" + scope + "\n" + sha256(canonical);
        byte[] key = hmac(("AWS4" + secret).getBytes(StandardCharsets.UTF_8), day);
        key = hmac(hmac(hmac(key, region), "ecr"), "aws4_request");
        headers.put(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=" + keyId.replaceAll("[^A-Za-z0-9]", "") + "/" + scope
                        + ", SignedHeaders=" + signed + ", Signature="
                        + HexFormat.of().formatHex(hmac(key, toSign)));
        return headers;
    }

    private static String sha256(String text) {
        return Digest.of(text.getBytes(StandardCharsets.UTF_8)).hex();
    }

    private static byte[] hmac(byte[] key, String text) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has HmacSHA256", e);
        }
    }
}
