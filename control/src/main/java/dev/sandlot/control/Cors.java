package dev.sandlot.control;

import dev.sandlot.protocol.Exchange;
import dev.sandlot.protocol.Headers;

/** What browsers need to hear before they let a page call us (public-api.md 1.5). */
final class Cors {
    private static final String METHODS = "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS";
    private static final String REQUEST_HEADERS =
            "Origin, Content-Length, Content-Type, User-Agent, Authorization, X-API-Key, X-Team-ID, browser, lang,"
                    + " lang_version, machine, os, package_version, processor, publisher, release, sdk_runtime,"
                    + " system, Idempotency-Key";
    private static final String EXPOSED =
            "X-Next-Token, X-Total-Running, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After";
    private static final String DAY_SECONDS = "86400";

    private Cors() {}

    /** Whether a browser asks in advance, on behalf of a page. */
    static boolean isPreflight(Exchange exchange) {
        return exchange.method().equals("OPTIONS") && exchange.requestHeaders().has("Origin");
    }

    /** Adds the fields that the answer to a page's request carries. */
    static void apply(Exchange exchange) {
        if (exchange.requestHeaders().has("Origin")) {
            exchange.responseHeaders()
                    .set("Access-Control-Allow-Origin", "*")
                    .set("Access-Control-Expose-Headers", EXPOSED);
        }
    }

    /** Adds the fields that the answer in advance carries. */
    static void applyPreflight(Headers response) {
        response.set("Access-Control-Allow-Methods", METHODS)
                .set("Access-Control-Allow-Headers", REQUEST_HEADERS)
                .set("Access-Control-Max-Age", DAY_SECONDS);
    }
}
