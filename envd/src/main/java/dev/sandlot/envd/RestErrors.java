package dev.sandlot.envd;

import com.google.gson.JsonObject;
import dev.sandlot.protocol.Exchange;
import dev.sandlot.protocol.JsonText;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** The answers that tell of a failure outside Connect (envd.md 3). */
public final class RestErrors {
    private RestErrors() {}

    /** Answers with {@code {"code", "message"}} and a newline. */
    public static void send(Exchange exchange, int status, String message) throws IOException {
        JsonObject body = new JsonObject();
        body.addProperty("code", status);
        body.addProperty("message", message);
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
