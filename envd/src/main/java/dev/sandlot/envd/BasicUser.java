package dev.sandlot.envd;

import dev.sandlot.protocol.Headers;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Optional;

/** The acting user that a request names by HTTP Basic; the password means nothing (envd.md 2.3). */
final class BasicUser {
    private static final String SCHEME = "basic ";

    private BasicUser() {}

    /** The name, which may be empty; nothing when the request has no such field or it cannot be read. */
    static Optional<String> named(Headers headers) {
        String value = headers.first("Authorization").orElse("");
        if (!value.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
            return Optional.empty();
        }
        try {
            byte[] decoded = Base64.getDecoder().decode(value.substring(SCHEME.length()));
            String pair = new String(decoded, StandardCharsets.UTF_8);
            int colon = pair.indexOf(':');
            return colon < 0 ? Optional.empty() : Optional.of(pair.substring(0, colon));
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
    }
}
