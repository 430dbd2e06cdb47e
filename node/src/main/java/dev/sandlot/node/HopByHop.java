package dev.sandlot.node;

import dev.sandlot.protocol.Headers;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import java.util.function.BiConsumer;

/** Tells the fields that are about one connection from those that travel on (RFC 9110, 7.6.1). */
final class HopByHop {
    private static final Set<String> ALWAYS = Set.of(
            "connection",
            "content-length",
            "http2-settings",
            "keep-alive",
            "proxy-connection",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade");

    private HopByHop() {}

    /** Calls with each field that travels on. */
    static void forEachOther(Headers headers, BiConsumer<String, String> action) {
        Set<String> named = connectionTokens(headers);
        headers.forEach((name, value) -> {
            String lower = name.toLowerCase(Locale.ROOT);
            if (!ALWAYS.contains(lower) && !named.contains(lower)) {
                action.accept(name, value);
            }
        });
    }

    /** What the {@code Connection} fields list, in lower case. */
    static Set<String> connectionTokens(Headers headers) {
        Set<String> tokens = new HashSet<>();
        for (String value : headers.all("Connection")) {
            Arrays.stream(value.split(",", -1))
                    .map(token -> token.strip().toLowerCase(Locale.ROOT))
                    .forEach(tokens::add);
        }
        return tokens;
    }
}
