package dev.sandlot.envd;

import dev.sandlot.protocol.Exchange;
import dev.sandlot.protocol.JsonText;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import tools.jackson.databind.JsonNode;

/** Answers of the plain endpoints. */
final class Json {
    private Json() {}

    /** Answers 200 with an object that is not to be cached. */
    static void send(Exchange exchange, JsonNode body) throws IOException {
        exchange.responseHeaders().set("Content-Type", "application/json").set("Cache-Control", "no-store");
        exchange.send(200, bytes(body));
    }

    /** A tree as UTF-8. */
    static byte[] bytes(JsonNode tree) {
        return JsonText.of(tree).getBytes(StandardCharsets.UTF_8);
    }
}
