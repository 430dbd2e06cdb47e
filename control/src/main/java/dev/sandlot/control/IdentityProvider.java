package dev.sandlot.control;

import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * An OpenID Connect provider whose tokens are taken (public-api.md 2.3).
 *
 * @param issuer what its tokens name as issuer
 * @param discovery where its description is
 * @param audiences of which a token must name at least one
 * @param cacheDuration how long its keys are kept
 */
public record IdentityProvider(String issuer, URI discovery, List<String> audiences, Duration cacheDuration) {
    private static final String WELL_KNOWN = "/.well-known/openid-configuration";
    private static final Duration DEFAULT_CACHE = Duration.ofMinutes(5);
    private static final Pattern DURATION = Pattern.compile("(\\d{1,9})(ms|s|m|h)");

    public IdentityProvider {
        audiences = List.copyOf(audiences);
    }

    /**
     * Reads the setting {@code AUTH_PROVIDER_CONFIG}: an object whose list {@code jwt} holds objects of
     * {@code issuer} ({@code url}, {@code discoveryURL}, {@code audiences}, {@code audienceMatchPolicy}) and
     * {@code cacheDuration}; or such an object alone.
     *
     * @throws IllegalArgumentException that says what is wrong with it
     */
    public static List<IdentityProvider> parse(String json) {
        if (json.isBlank()) {
            return List.of();
        }
        JsonNode root = read(json);
        List<IdentityProvider> providers = new ArrayList<>();
        JsonNode list = root.isObject() && root.has("jwt") ? root.get("jwt") : root;
        if (list.isArray()) {
            list.forEach(item -> providers.add(provider(item)));
        } else {
            providers.add(provider(list));
        }
        return List.copyOf(providers);
    }

    private static JsonNode read(String json) {
        try {
            return Json.MAPPER.readTree(json);
        } catch (JacksonException e) {
            throw new IllegalArgumentException("the identity provider setting is not JSON", e);
        }
    }

    private static IdentityProvider provider(JsonNode node) {
        JsonNode issuer = node.path("issuer");
        String url = issuer.path("url").asString("");
        require(!url.isEmpty(), "issuer.url is missing");
        String discovery = issuer.path("discoveryURL").asString("");
        List<String> audiences = issuer.path("audiences")
                .valueStream()
                .map(audience -> audience.asString(""))
                .filter(audience -> !audience.isEmpty())
                .toList();
        require(!audiences.isEmpty(), "issuer.audiences is missing");
        String policy = issuer.path("audienceMatchPolicy").asString("");
        require(policy.isEmpty() || policy.equals("MatchAny"), "issuer.audienceMatchPolicy must be MatchAny");
        return new IdentityProvider(
                url,
                address(discovery.isEmpty() ? url.replaceAll("/+$", "") + WELL_KNOWN : discovery),
                audiences,
                duration(node.path("cacheDuration").asString("")));
    }

    /** A time like {@code 30s}, {@code 5m} or {@code 1h}; five minutes when it is empty. */
    static Duration duration(String text) {
        if (text.isEmpty()) {
            return DEFAULT_CACHE;
        }
        Matcher matcher = DURATION.matcher(text);
        require(matcher.matches(), "cacheDuration must be like 30s, 5m or 1h");
        long amount = Long.parseLong(matcher.group(1));
        return switch (matcher.group(2)) {
            case "ms" -> Duration.ofMillis(amount);
            case "s" -> Duration.ofSeconds(amount);
            case "m" -> Duration.ofMinutes(amount);
            default -> Duration.ofHours(amount);
        };
    }

    /** Keys travel encrypted, save from this machine. */
    static URI address(String text) {
        URI uri = URI.create(text);
        String host = uri.getHost();
        require(host != null, text + " names no host");
        require("https".equals(uri.getScheme()) || isLoopback(uri), text + " is not an https address");
        return uri;
    }

    private static boolean isLoopback(URI uri) {
        try {
            return "http".equals(uri.getScheme())
                    && InetAddress.getByName(uri.getHost()).isLoopbackAddress();
        } catch (UnknownHostException e) {
            return false;
        }
    }

    private static void require(boolean holds, String problem) {
        if (!holds) {
            throw new IllegalArgumentException("identity provider: " + problem);
        }
    }
}
