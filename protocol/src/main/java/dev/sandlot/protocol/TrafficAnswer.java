package dev.sandlot.protocol;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What is said to a client of sandbox traffic when the sandbox itself cannot answer (platform.md 14.2): JSON with
 * a fixed set of keys, or a page when a person looks at it.
 */
public final class TrafficAnswer {
    private final int status;
    private final String message;
    private final Map<String, Object> fields = new LinkedHashMap<>();

    private TrafficAnswer(int status, String message) {
        this.status = status;
        this.message = message;
    }

    /** No such sandbox, or it cannot be woken. */
    public static TrafficAnswer sandboxNotFound(SandboxId id) {
        return about(id, 502, "The sandbox was not found");
    }

    /** The sandbox runs, but nothing listens on the port. */
    public static TrafficAnswer portNotOpen(SandboxId id, int port) {
        return about(id, 502, "The sandbox is running but port is not open").with("port", port);
    }

    /** Something listens on the port, but did not answer as HTTP asks. */
    public static TrafficAnswer noValidAnswer(SandboxId id, int port) {
        return about(id, 502, "The service on the port gave no valid HTTP answer")
                .with("port", port);
    }

    /** The sandbox would have to be resumed, and the request does not carry what that takes. */
    public static TrafficAnswer resumeRefused(SandboxId id) {
        return about(id, 403, "The sandbox is paused and this request may not resume it");
    }

    /** The sandbox was about to change its state for too long. */
    public static TrafficAnswer stillChanging(SandboxId id) {
        return about(id, 409, "The sandbox is changing its state; try again later");
    }

    /** The port is private, and the request's token is missing or wrong. */
    public static TrafficAnswer trafficTokenRefused(SandboxId id) {
        return about(id, 403, "The header e2b-traffic-access-token is missing or wrong");
    }

    /** The sandbox serves as many connections as it may. */
    public static TrafficAnswer tooManyConnections(SandboxId id, int limit) {
        return about(id, 429, "The sandbox has too many open connections").with("connectionLimit", limit);
    }

    /** Resuming the sandbox would take its team over the number it may run. */
    public static TrafficAnswer teamLimitReached(SandboxId id) {
        return about(id, 429, "The team runs as many sandboxes as it may; the sandbox was not resumed");
    }

    /** A path of envd that only the platform may call (platform.md 14.3). */
    public static TrafficAnswer reservedPath(String path) {
        return new TrafficAnswer(404, "The path " + path + " is reserved for the E2B control plane")
                .withMessage()
                .with("path", path);
    }

    private static TrafficAnswer about(SandboxId id, int status, String message) {
        return new TrafficAnswer(status, message).with("sandboxId", id.value()).withMessage();
    }

    private TrafficAnswer withMessage() {
        return with("message", message);
    }

    private TrafficAnswer with(String name, Object value) {
        fields.put(name, value);
        return this;
    }

    /** The HTTP status. */
    public int status() {
        return status;
    }

    /** Answers the exchange, which must not have been started. */
    public void send(Exchange exchange) throws IOException {
        boolean page = Audience.of(exchange.requestHeaders()) == Audience.PERSON;
        exchange.responseHeaders()
                .set("Content-Type", page ? "text/html; charset=utf-8" : "application/json; charset=utf-8");
        exchange.send(status, (page ? page() : json()).getBytes(StandardCharsets.UTF_8));
    }

    private String json() {
        JsonObject body = new JsonObject();
        fields.forEach((name, value) -> {
            if (value instanceof Number number) {
                body.addProperty(name, number);
            } else {
                body.addProperty(name, value.toString());
            }
        });
        body.addProperty("code", status);
        return JsonText.of(body);
    }

    private String page() {
        StringBuilder rows = new StringBuilder();
        fields.forEach((name, value) -> {
            if (!name.equals("message")) {
                rows.append("<dt>%s</dt><dd>%s</dd>".formatted(name, escape(value.toString())));
            }
        });
        return """
                <!doctype html>
                <html lang="en">
                <head>
                <meta charset="utf-8">
                <meta name="viewport" content="width=device-width, initial-scale=1">
                <title>%1$d %2$s</title>
                <style>
                :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
                main { max-width: 36rem; margin: 15vh auto 0; padding: 0 1.5rem }
                dt { float: left; clear: left; width: 6rem; opacity: .7 }
                </style>
                </head>
                <body><main><h1>%1$d</h1><p>%2$s</p><dl>%3$s</dl></main></body>
                </html>
                """.formatted(status, escape(message), rows);
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }
}
