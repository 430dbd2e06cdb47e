package dev.sandlot.images;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The operator's credentials in the form that a registry asks for, known before a request is sent, since the body of
 * a push cannot be sent twice. Credentials go to the registry's own host, and to a token service over HTTPS.
 */
final class UpstreamAuthorization {
    private static final Pattern PARAMETER = Pattern.compile("([A-Za-z_]+)=\"([^\"]*)\"");
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Duration SHORTEST = Duration.ofSeconds(60);
    private static final Duration CHALLENGE_LIFE = Duration.ofMinutes(10);
    private static final int MAX_ANSWER = 1 << 20;
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private record Kept(String value, Instant end) {
        boolean isFresh() {
            return Instant.now().isBefore(end);
        }
    }

    private final HttpClient http;
    private final URI base;
    private final @Nullable RegistryCredentials credentials;
    private final Map<String, Kept> tokens = new ConcurrentHashMap<>();
    private volatile @Nullable Kept challenge;

    UpstreamAuthorization(HttpClient http, URI base, @Nullable RegistryCredentials credentials) {
        this.http = http;
        this.base = base;
        this.credentials = credentials;
    }

    /** The value of {@code Authorization} for a scope; empty when the registry asks for none. */
    Optional<String> header(String scope) throws IOException, InterruptedException {
        String asked = challenge();
        if (asked.regionMatches(true, 0, "Bearer ", 0, 7)) {
            return Optional.of("Bearer " + token(asked, scope));
        }
        RegistryCredentials known = credentials;
        return asked.isEmpty() || known == null ? Optional.empty() : Optional.of(known.basic());
    }

    private String challenge() throws IOException, InterruptedException {
        Kept kept = challenge;
        if (kept == null || !kept.isFresh()) {
            HttpResponse<Void> answer = http.send(
                    HttpRequest.newBuilder(base.resolve("/v2/"))
                            .timeout(PATIENCE)
                            .build(),
                    HttpResponse.BodyHandlers.discarding());
            String asked = answer.statusCode() == 401
                    ? answer.headers().firstValue("Www-Authenticate").orElse("")
                    : "";
            kept = new Kept(asked, Instant.now().plus(CHALLENGE_LIFE));
            challenge = kept;
        }
        return kept.value();
    }

    private String token(String asked, String scope) throws IOException, InterruptedException {
        Kept kept = tokens.get(scope);
        if (kept == null || !kept.isFresh()) {
            tokens.values().removeIf(old -> !old.isFresh());
            kept = fetched(parameters(asked), scope);
            tokens.put(scope, kept);
        }
        return kept.value();
    }

    private Kept fetched(Map<String, String> asked, String scope) throws IOException, InterruptedException {
        URI realm = URI.create(asked.getOrDefault("realm", "") + "?service="
                + encoded(asked.getOrDefault("service", "")) + "&scope=" + encoded(scope));
        boolean own = base.getAuthority().equals(realm.getAuthority());
        if (realm.getHost() == null || !("https".equals(realm.getScheme()) || own)) {
            throw new IOException("the registry " + base.getAuthority() + " points to a token service without HTTPS");
        }
        HttpRequest.Builder request = HttpRequest.newBuilder(realm).timeout(PATIENCE);
        RegistryCredentials known = credentials;
        if (known != null) {
            request.header("Authorization", known.basic());
        }
        HttpResponse<InputStream> answer = http.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
        try (InputStream in = answer.body()) {
            if (answer.statusCode() != 200) {
                throw new IOException("the token service of " + base.getAuthority() + " answered " + answer.statusCode()
                        + " to the operator's credentials");
            }
            JsonNode tree = JSON.readTree(in.readNBytes(MAX_ANSWER));
            Duration life = Duration.ofSeconds(tree.path("expires_in").asLong(60));
            Instant end = Instant.now().plus(life.compareTo(SHORTEST) < 0 ? SHORTEST : life);
            String token = tree.path("token").asString(tree.path("access_token").asString(""));
            return new Kept(token, end.minus(SHORTEST.dividedBy(2)));
        } catch (JacksonException e) {
            throw new IOException("the token service of " + base.getAuthority() + " gave no token", e);
        }
    }

    private static Map<String, String> parameters(String asked) {
        Map<String, String> found = new HashMap<>();
        Matcher m = PARAMETER.matcher(asked);
        while (m.find()) {
            found.put(m.group(1), m.group(2));
        }
        return found;
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
