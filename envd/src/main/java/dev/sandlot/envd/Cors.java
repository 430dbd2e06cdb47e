package dev.sandlot.envd;

import dev.sandlot.protocol.Exchange;
import dev.sandlot.protocol.Headers;
import java.io.IOException;
import java.util.Optional;
import java.util.Set;

/** Lets browsers from anywhere in (envd.md 1.2). */
final class Cors {
    private static final Set<String> METHODS = Set.of("HEAD", "GET", "POST", "PUT", "PATCH", "DELETE");
    private static final String EXPOSED =
            "Grpc-Status, Grpc-Message, Grpc-Status-Details-Bin, Location, Cache-Control, X-Content-Type-Options";

    private Cors() {}

    /** Sets the fields of the answer; answers itself, and returns true, when the request only asks for leave. */
    static boolean handled(Exchange exchange) throws IOException {
        Optional<String> wanted = exchange.requestHeaders().first("Access-Control-Request-Method");
        if (exchange.method().equals("OPTIONS") && wanted.isPresent()) {
            allow(exchange, wanted.get());
            exchange.send(204, new byte[0]);
            return true;
        }
        exchange.responseHeaders().set("Vary", "Origin");
        if (exchange.requestHeaders().has("Origin")) {
            exchange.responseHeaders()
                    .set("Access-Control-Allow-Origin", "*")
                    .set("Access-Control-Expose-Headers", EXPOSED);
        }
        return false;
    }

    private static void allow(Exchange exchange, String method) {
        Headers answer = exchange.responseHeaders();
        answer.set("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
        if (!exchange.requestHeaders().has("Origin") || !METHODS.contains(method)) {
            return;
        }
        answer.set("Access-Control-Allow-Origin", "*").set("Access-Control-Allow-Methods", method);
        exchange.requestHeaders()
                .first("Access-Control-Request-Headers")
                .ifPresent(names -> answer.set("Access-Control-Allow-Headers", names));
        answer.set("Access-Control-Max-Age", "7200");
    }
}
