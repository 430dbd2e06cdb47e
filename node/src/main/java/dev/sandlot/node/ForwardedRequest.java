package dev.sandlot.node;

import dev.sandlot.protocol.Exchange;
import dev.sandlot.protocol.Headers;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * A request as a service in a sandbox gets it: {@code Host} and path unchanged, nothing added, and exactly one
 * framing of the body, decided here (platform.md 14.4).
 *
 * @param head request line and fields, with the empty line
 * @param length bytes of the body, 0 for none, -1 for chunks
 * @param upgrade the protocol that the client wants to change to
 * @param repeatable whether it may be sent once more when a reused connection turns out to be dead
 */
record ForwardedRequest(String head, long length, Optional<String> upgrade, boolean repeatable) {
    private static final Set<String> OWN = Set.of("host", "expect", "cookie");
    private static final Set<String> BODIED = Set.of("POST", "PUT", "PATCH");
    private static final Set<String> SAFE = Set.of("GET", "HEAD", "OPTIONS");

    /** @throws IllegalArgumentException when a part of the request cannot stand in HTTP/1.1 */
    static ForwardedRequest of(Exchange exchange) {
        Headers headers = exchange.requestHeaders();
        long length = exchange.requestLength();
        Optional<String> upgrade = upgrade(headers, length);
        StringBuilder head = new StringBuilder(512);
        head.append(HttpText.token(exchange.method()))
                .append(' ')
                .append(target(exchange))
                .append(" HTTP/1.1\r\n");
        field(head, "Host", exchange.authority());
        if (headers.has("Cookie")) {
            field(head, "Cookie", String.join("; ", headers.all("Cookie")));
        }
        HopByHop.forEachOther(headers, (name, value) -> {
            if (!OWN.contains(name.toLowerCase(Locale.ROOT))) {
                field(head, name, value);
            }
        });
        upgrade.ifPresent(protocol -> {
            field(head, "Connection", "Upgrade");
            field(head, "Upgrade", protocol);
        });
        framing(head, exchange, length);
        head.append("\r\n");
        return new ForwardedRequest(
                head.toString(), length, upgrade, length == 0 && upgrade.isEmpty() && SAFE.contains(exchange.method()));
    }

    private static void framing(StringBuilder head, Exchange exchange, long length) {
        if (length < 0) {
            field(head, "Transfer-Encoding", "chunked");
        } else if (length > 0
                || BODIED.contains(exchange.method())
                || exchange.requestHeaders().has("Content-Length")) {
            field(head, "Content-Length", Long.toString(length));
        }
    }

    private static Optional<String> upgrade(Headers headers, long length) {
        if (length != 0 || !HopByHop.connectionTokens(headers).contains("upgrade")) {
            return Optional.empty();
        }
        return headers.first("Upgrade")
                .filter(protocol -> !protocol.toLowerCase(Locale.ROOT).contains("h2c"));
    }

    private static String target(Exchange exchange) {
        String query = exchange.rawQuery();
        String text = query.isEmpty() ? exchange.rawPath() : exchange.rawPath() + "?" + query;
        return HttpText.target(new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1));
    }

    private static void field(StringBuilder head, String name, String value) {
        head.append(HttpText.token(name))
                .append(": ")
                .append(HttpText.value(value))
                .append("\r\n");
    }

    ByteBuffer headBytes() {
        return SandboxSocket.bytes(head);
    }
}
