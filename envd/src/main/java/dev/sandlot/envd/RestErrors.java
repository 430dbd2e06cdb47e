package dev.sandlot.envd;

import dev.sandlot.protocol.Exchange;
import dev.sandlot.protocol.JsonText;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The answers that tell of a failure outside Connect (envd.md 3). */
public final class RestErrors {
    private static final JsonMapper JSON = JsonMapper.shared();

    private RestErrors() {}

    /** Answers with {@code {"code", "message"}} and a newline. */
    public static void send(Exchange exchange, int status, String message) throws IOException {
        ObjectNode body = JSON.createObjectNode().put("code", status).put("message", message);
        exchange.responseHeaders()
                .set("Content-Type", "application/json; charset=utf-8")
                .set("X-Content-Type-Options", "nosniff");
        exchange.send(status, (JsonText.of(body) + "\n").getBytes(StandardCharsets.UTF_8));
    }

    /** Answers with one line of plain text, as for a parameter that cannot be read. */
    public static void sendText(Exchange exchange, int status, String line) throws IOException {
        exchange.responseHeaders()
                .set("Content-Type", "text/plain; charset=utf-8")
                .set("X-Content-Type-Options", "nosniff");
        exchange.send(status, (line + "\n").getBytes(StandardCharsets.UTF_8));
    }
}
