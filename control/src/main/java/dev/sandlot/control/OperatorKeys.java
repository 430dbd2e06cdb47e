package dev.sandlot.control;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * The key set whose tokens make an operator (public-api.md 2.1, scheme M).
 *
 * @param issuer what the tokens name as issuer
 * @param audiences of which a token must name at least one
 * @param address where the keys are, or null when they are given here
 * @param keys the keys as JSON web keys; empty when they are fetched
 * @param cacheDuration how long fetched keys are kept
 */
public record OperatorKeys(
        String issuer, List<String> audiences, @Nullable URI address, String keys, Duration cacheDuration) {
    public OperatorKeys {
        audiences = List.copyOf(audiences);
    }

    /**
     * Reads the setting {@code api.operator-keys}: an object of {@code issuer}, {@code audiences}, either {@code
     * jwksURL} or {@code keys}, and {@code cacheDuration}. Null when it is empty.
     *
     * @throws IllegalArgumentException that says what is wrong with it
     */
    public static @Nullable OperatorKeys parse(String json) {
        if (json.isBlank()) {
            return null;
        }
        JsonNode root = read(json);
        String issuer = root.path("issuer").asString("");
        List<String> audiences = root.path("audiences")
                .valueStream()
                .map(audience -> audience.asString(""))
                .filter(audience -> !audience.isEmpty())
                .toList();
        String url = root.path("jwksURL").asString("");
        JsonNode keys = root.path("keys");
        require(!issuer.isEmpty(), "issuer is missing");
        require(!audiences.isEmpty(), "audiences is missing");
        require(url.isEmpty() == keys.isArray(), "either jwksURL or keys must be there");
        return new OperatorKeys(
                issuer,
                audiences,
                url.isEmpty() ? null : IdentityProvider.address(url),
                keys.isArray()
                        ? Json.MAPPER.createObjectNode().set("keys", keys).toString()
                        : "",
                IdentityProvider.duration(root.path("cacheDuration").asString("")));
    }

    private static JsonNode read(String json) {
        try {
            return Json.MAPPER.readTree(json);
        } catch (JacksonException e) {
            throw new IllegalArgumentException("the operators' key set is not JSON", e);
        }
    }

    private static void require(boolean holds, String problem) {
        if (!holds) {
            throw new IllegalArgumentException("operators' key set: " + problem);
        }
    }

    /** Whether a token of one of these providers' people could pass for an operator's. */
    public boolean isConfusedWith(List<IdentityProvider> providers) {
        return providers.stream()
                .anyMatch(provider -> provider.issuer().equals(issuer)
                        && provider.audiences().stream().anyMatch(audiences::contains));
    }

    JsonNode read() throws IOException {
        return address == null ? Json.MAPPER.readTree(keys) : KeySet.read(address);
    }
}
