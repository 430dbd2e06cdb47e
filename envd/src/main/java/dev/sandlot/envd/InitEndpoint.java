package dev.sandlot.envd;

import dev.sandlot.protocol.Exchange;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * {@code POST /init}: the control plane tells a sandbox its variables, token and defaults (envd.md 8.1). The clock
 * of the sandbox is the machine's own and needs no setting. Volumes and certificates are refused, not ignored.
 */
final class InitEndpoint {

    /** Made at the first request: it is not on the way to the first answer of a new program. */
    private static final class Mapper {
        static final JsonMapper JSON = new JsonMapper();
    }

    private static final int MAX_BODY_BYTES = 16 << 20;

    /** What a request asks for; absent fields are null. */
    private record Request(
            @Nullable Instant timestamp,
            @Nullable Map<String, String> envVars,
            @Nullable String token,
            String user,
            String workdir,
            String eventsAddress) {}

    /** Why a request is turned down. */
    private static final class Refused extends Exception {
        private static final long serialVersionUID = 1L;
        private final int status;

        Refused(int status, String text) {
            super(text);
            this.status = status;
        }

        byte[] body() {
            return String.valueOf(getMessage()).getBytes(StandardCharsets.UTF_8);
        }
    }

    private final EnvdSettings settings;
    private final ReentrantLock lock = new ReentrantLock();
    // Guarded by lock.
    private Instant newest = Instant.MIN;

    InitEndpoint(EnvdSettings settings) {
        this.settings = settings;
    }

    void answer(Exchange exchange) throws IOException {
        exchange.responseHeaders().set("X-Envd-Version", EnvdSandbox.VERSION);
        try {
            apply(parse(exchange.requestBody().readNBytes(MAX_BODY_BYTES)));
        } catch (Refused e) {
            exchange.send(e.status, e.body());
            return;
        }
        exchange.responseHeaders().set("Cache-Control", "no-store");
        exchange.send(204, new byte[0]);
    }

    private void apply(Request request) throws Refused {
        lock.lock();
        try {
            authorize(request.token());
            Instant timestamp = request.timestamp();
            if (timestamp != null && !timestamp.isAfter(newest)) {
                return;
            }
            newest = timestamp == null ? newest : timestamp;
            settings.replace(next(settings.state(), request));
        } finally {
            lock.unlock();
        }
    }

    private void authorize(@Nullable String token) throws Refused {
        Optional<String> current = settings.token();
        if (current.isEmpty()) {
            return;
        }
        if (token == null) {
            throw new Refused(401, "access token reset not authorized");
        }
        if (!AccessToken.same(current.get(), token)) {
            throw new Refused(401, "access token validation failed");
        }
    }

    private static EnvdSettings.State next(EnvdSettings.State now, Request request) {
        Map<String, String> internal = new HashMap<>(now.internal());
        if (!request.eventsAddress().isEmpty()) {
            internal.put("E2B_EVENTS_ADDRESS", "http://" + request.eventsAddress());
        }
        Map<String, String> variables = request.envVars();
        return new EnvdSettings.State(
                internal,
                variables == null ? now.envVars() : variables,
                request.token(),
                request.user().isEmpty() ? now.user() : request.user(),
                request.workdir().isEmpty() ? now.workdir() : request.workdir());
    }

    private static Request parse(byte[] body) throws Refused {
        try {
            JsonNode json = body.length == 0 ? Mapper.JSON.createObjectNode() : Mapper.JSON.readTree(body);
            if (!json.isObject()) {
                throw new Refused(400, "");
            }
            requireEmpty(json, "volumeMounts", "volumes cannot be mounted in this sandbox");
            requireEmpty(json, "caBundle", "certificates cannot be installed in this sandbox");
            return new Request(
                    timestamp(json),
                    variables(json.path("envVars")),
                    token(json.path("accessToken")),
                    text(json.path("defaultUser")),
                    text(json.path("defaultWorkdir")),
                    text(json.path("hyperloopIP")));
        } catch (JacksonException | DateTimeException _) {
            throw new Refused(400, "");
        }
    }

    private static void requireEmpty(JsonNode json, String field, String refusal) throws Refused {
        JsonNode value = json.path(field);
        boolean empty = absent(value)
                || (value.isContainer() ? value.isEmpty() : value.asString().isEmpty());
        if (!empty) {
            throw new Refused(400, refusal);
        }
    }

    private static @Nullable Instant timestamp(JsonNode json) throws Refused {
        JsonNode value = json.path("timestamp");
        return absent(value) ? null : OffsetDateTime.parse(text(value)).toInstant();
    }

    private static @Nullable Map<String, String> variables(JsonNode value) throws Refused {
        if (absent(value)) {
            return null;
        }
        if (!value.isObject()) {
            throw new Refused(400, "");
        }
        Map<String, String> variables = new HashMap<>();
        for (Map.Entry<String, JsonNode> entry : value.properties()) {
            variables.put(entry.getKey(), text(entry.getValue()));
        }
        return variables;
    }

    private static @Nullable String token(JsonNode value) throws Refused {
        if (absent(value)) {
            return null;
        }
        String token = text(value);
        if (token.isEmpty() || token.indexOf('\\') >= 0) {
            throw new Refused(400, "");
        }
        return token;
    }

    private static String text(JsonNode value) throws Refused {
        if (absent(value)) {
            return "";
        }
        if (!value.isString()) {
            throw new Refused(400, "");
        }
        return value.stringValue();
    }

    private static boolean absent(JsonNode value) {
        return value.isMissingNode() || value.isNull();
    }
}
