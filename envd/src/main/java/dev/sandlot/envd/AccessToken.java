package dev.sandlot.envd;

import dev.sandlot.protocol.Exchange;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Set;

/** The token that guards a sandbox (envd.md 2.1). */
final class AccessToken {
    private static final Set<String> EXEMPT = Set.of("GET /health", "GET /files", "POST /files", "POST /init");

    private AccessToken() {}

    /** Whether the request may pass: the sandbox is open, the path checks for itself, or the token is right. */
    static boolean admits(EnvdSettings settings, Exchange exchange) {
        if (EXEMPT.contains(exchange.method() + " " + exchange.rawPath())) {
            return true;
        }
        String given = exchange.requestHeaders().first("X-Access-Token").orElse("");
        return settings.token().map(token -> same(token, given)).orElse(true);
    }

    /** Compares in a time that does not depend on where the two differ. */
    static boolean same(String expected, String given) {
        return MessageDigest.isEqual(expected.getBytes(StandardCharsets.UTF_8), given.getBytes(StandardCharsets.UTF_8));
    }
}
