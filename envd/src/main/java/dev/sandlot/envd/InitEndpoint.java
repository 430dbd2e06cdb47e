package dev.sandlot.envd;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import dev.sandlot.linux.LinuxException;
import dev.sandlot.protocol.Exchange;
import dev.sandlot.protocol.JsonText;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.InstantSource;
import java.time.OffsetDateTime;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code POST /init}: the control plane tells a sandbox its variables, token, defaults, certificates and where its
 * events go (envd.md 8.1). The clock of the sandbox is the machine's own, which nothing in a sandbox may set: one that
 * is off is told to the operator. Volumes are refused, not ignored.
 *
 * <p>Requests are applied one at a time; one whose caller goes away while it waits for its turn changes nothing.
 */
final class InitEndpoint {
    private static final Logger LOG = LoggerFactory.getLogger(InitEndpoint.class);
    private static final int MAX_BODY_BYTES = 16 << 20;
    private static final long TURN_MILLIS = 50;
    private static final Pattern ADDRESS = Pattern.compile("[0-9]{1,3}(\\.[0-9]{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]+");

    /** What a request asks for; absent fields are null. */
    private record Request(
            @Nullable Instant timestamp,
            @Nullable Map<String, String> envVars,
            @Nullable String token,
            String user,
            String workdir,
            String eventsAddress,
            String certificates) {}

    /** Why a request is turned down. */
    private static final class Refused extends Exception {
        private static final long serialVersionUID = 1L;
        private final int status;

        Refused(int status, String text) {
            super(text);
            this.status = status;
        }

        Refused(String text, LinuxException cause) {
            super(text + ": " + cause.getMessage(), cause);
            this.status = 400;
        }

        byte[] body() {
            return String.valueOf(getMessage()).getBytes(StandardCharsets.UTF_8);
        }
    }

    private final EnvdSettings settings;
    private final CertificateBundle certificates;
    private final EventsHost eventsHost;
    private final InstantSource clock;
    private final ReentrantLock lock = new ReentrantLock();
    // Guarded by lock.
    private Instant newest = Instant.MIN;

    InitEndpoint(EnvdSettings settings, SandboxFiles files, InstantSource clock) {
        this.settings = settings;
        this.certificates = new CertificateBundle(files);
        this.eventsHost = new EventsHost(files);
        this.clock = clock;
    }

    void answer(Exchange exchange) throws IOException {
        exchange.responseHeaders().set("X-Envd-Version", EnvdSandbox.VERSION);
        try {
            AtomicBoolean gone = new AtomicBoolean();
            exchange.onFailure(() -> gone.set(true));
            apply(parse(exchange.requestBody().readNBytes(MAX_BODY_BYTES)), gone);
        } catch (Refused e) {
            exchange.send(e.status, e.body());
            return;
        }
        exchange.responseHeaders().set("Cache-Control", "no-store");
        exchange.send(204, new byte[0]);
    }

    private void apply(Request request, AtomicBoolean gone) throws Refused, IOException {
        awaitTurn(gone);
        try {
            authorize(request.token());
            Instant timestamp = request.timestamp();
            if (timestamp != null && !timestamp.isAfter(newest)) {
                return;
            }
            install(request);
            settings.replace(next(settings.state(), request));
            if (timestamp != null) {
                newest = timestamp;
                watchClock(timestamp);
            }
        } finally {
            lock.unlock();
        }
    }

    private void awaitTurn(AtomicBoolean gone) throws Refused, IOException {
        try {
            while (!lock.tryLock(TURN_MILLIS, TimeUnit.MILLISECONDS)) {
                if (gone.get()) {
                    throw new Refused(503, "");
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while waiting for another request");
        }
    }

    private void watchClock(Instant timestamp) {
        Instant now = clock.instant();
        if (ClockDrift.tooLarge(now, timestamp)) {
            LOG.warn("the clock of this machine says {}, that of the control plane {}", now, timestamp);
        }
    }

    private void install(Request request) throws Refused {
        try {
            certificates.install(request.certificates());
        } catch (LinuxException e) {
            throw new Refused("certificates could not be installed", e);
        }
        if (request.eventsAddress().isEmpty()) {
            return;
        }
        try {
            eventsHost.leadTo(request.eventsAddress());
        } catch (LinuxException e) {
            LOG.warn("the events address could not be written to the hosts of the sandbox: {}", e.getMessage());
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
            JsonObject json = body.length == 0 ? new JsonObject() : object(JsonText.parse(body));
            requireEmpty(json, "volumeMounts", "volumes cannot be mounted in this sandbox");
            return new Request(
                    timestamp(json),
                    variables(json.get("envVars")),
                    token(json.get("accessToken")),
                    text(json.get("defaultUser")),
                    text(json.get("defaultWorkdir")),
                    address(text(json.get("hyperloopIP"))),
                    text(json.get("caBundle")));
        } catch (JsonText.Malformed | DateTimeException _) {
            throw new Refused(400, "");
        }
    }

    private static void requireEmpty(JsonObject json, String field, String refusal) throws Refused {
        boolean empty = switch (json.get(field)) {
            case null -> true;
            case JsonObject object -> object.size() == 0;
            case JsonArray array -> array.isEmpty();
            case JsonPrimitive value -> value.getAsString().isEmpty();
            default -> true;
        };
        if (!empty) {
            throw new Refused(400, refusal);
        }
    }

    private static JsonObject object(JsonElement value) throws Refused {
        if (value instanceof JsonObject object) {
            return object;
        }
        throw new Refused(400, "");
    }

    private static String address(String text) throws Refused {
        if (!text.isEmpty() && !ADDRESS.matcher(text).matches()) {
            throw new Refused(400, "");
        }
        return text;
    }

    private static @Nullable Instant timestamp(JsonObject json) throws Refused {
        JsonElement value = json.get("timestamp");
        return absent(value) ? null : OffsetDateTime.parse(text(value)).toInstant();
    }

    private static @Nullable Map<String, String> variables(@Nullable JsonElement value) throws Refused {
        if (value == null || value.isJsonNull()) {
            return null;
        }
        Map<String, String> variables = new HashMap<>();
        for (Map.Entry<String, JsonElement> entry : object(value).entrySet()) {
            variables.put(entry.getKey(), text(entry.getValue()));
        }
        return variables;
    }

    private static @Nullable String token(@Nullable JsonElement value) throws Refused {
        if (absent(value)) {
            return null;
        }
        String token = text(value);
        if (token.isEmpty() || token.indexOf('\\') >= 0) {
            throw new Refused(400, "");
        }
        return token;
    }

    private static String text(@Nullable JsonElement value) throws Refused {
        if (absent(value)) {
            return "";
        }
        if (value instanceof JsonPrimitive primitive && primitive.isString()) {
            return primitive.getAsString();
        }
        throw new Refused(400, "");
    }

    private static boolean absent(@Nullable JsonElement value) {
        return value == null || value.isJsonNull();
    }
}
