package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.BodyBudget;
import dev.sandlot.protocol.ErrorKind;
import dev.sandlot.protocol.Exchange;
import dev.sandlot.protocol.SandboxId;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A request as an operation sees it: authenticated, with its parameters. What its body takes of the memory for bodies
 * is given back when it is closed.
 */
final class Call implements AutoCloseable {
    /** The largest body that is read (public-api.md 1.1). */
    static final int BODY_LIMIT = 16 << 20;

    private static final String RETRY_SECONDS = "1";

    private final Exchange exchange;
    private final Map<String, String> rawParameters;
    private final Caller caller;
    private final BodyBudget.Lease memory;
    private byte @Nullable [] bytes;

    Call(Exchange exchange, Map<String, String> rawParameters, Caller caller, BodyBudget bodies) {
        this.exchange = exchange;
        this.rawParameters = rawParameters;
        this.caller = caller;
        this.memory = bodies.lease(caller.name(), BodyBudget.TEXT);
    }

    Caller caller() {
        return caller;
    }

    /** The team that calls; there is one wherever the operation asks for one. */
    Team team() {
        Team team = caller.team();
        if (team == null) {
            throw new IllegalStateException("no team was asked for on " + exchange.rawPath());
        }
        return team;
    }

    /** The person that calls, where it is one. */
    Optional<UUID> person() {
        return Optional.ofNullable(caller.person());
    }

    /** What the request carries under a key, if anything. */
    List<String> headers(String name) {
        return exchange.requestHeaders().all(name);
    }

    /** The first value of a header. */
    Optional<String> header(String name) {
        return exchange.requestHeaders().first(name);
    }

    /** {@code http} or {@code https}, as the client connected. */
    String scheme() {
        return exchange.scheme();
    }

    /** The host and port that the client asked for; may be empty. */
    String authority() {
        return exchange.authority();
    }

    /** A UUID in the path. */
    UUID uuid(String name, String what) throws ApiException {
        return Uuids.required(parameter(name), what);
    }

    /** A parameter of the path, unescaped. */
    String parameter(String name) throws ApiException {
        String raw = rawParameters.get(name);
        if (raw == null) {
            throw new IllegalStateException("the path has no parameter " + name);
        }
        return Escapes.path(raw);
    }

    /** The sandbox that the path names. */
    SandboxId sandboxId() throws ApiException {
        return SandboxId.parse(parameter("sandboxID"))
                .orElseThrow(() -> new ApiException(ErrorKind.INVALID, "Invalid sandbox ID"));
    }

    Query query() throws ApiException {
        return Query.parse(exchange.rawQuery());
    }

    /** The body, which must be a JSON object. */
    Fields body() throws ApiException, IOException {
        return presentBody()
                .orElseThrow(() -> new ApiException(ErrorKind.INVALID, "validation error: the body is missing"));
    }

    /** The body, or an empty object where there is none. */
    Fields optionalBody() throws ApiException, IOException {
        Optional<Fields> body = presentBody();
        return body.isPresent() ? body.get() : Fields.parse(new byte[] {'{', '}'});
    }

    private Optional<Fields> presentBody() throws ApiException, IOException {
        byte[] bytes = bytes();
        return bytes.length == 0 ? Optional.empty() : Optional.of(Fields.parse(bytes));
    }

    /** The body of an upload, which is read by nobody else. */
    InputStream stream() throws IOException {
        return exchange.requestBody();
    }

    /** How long the body is; -1 when the request does not say. */
    long length() {
        return exchange.requestLength();
    }

    /** The body as it came, read once. */
    byte[] bytes() throws ApiException, IOException {
        byte[] read = bytes;
        if (read == null) {
            read = read();
            bytes = read;
        }
        if (read.length > BODY_LIMIT) {
            throw bodyTooLarge();
        }
        return read;
    }

    private byte[] read() throws ApiException, IOException {
        try {
            return memory.read(exchange.requestBody(), BODY_LIMIT + 1);
        } catch (BodyBudget.Exceeded e) {
            if (e.kind() == ErrorKind.UNAVAILABLE) {
                exchange.responseHeaders().set("Retry-After", RETRY_SECONDS);
            }
            throw new ApiException(e.kind(), e.text(), e);
        }
    }

    @Override
    public void close() {
        bytes = null;
        memory.close();
    }

    static ApiException bodyTooLarge() {
        return new ApiException(ErrorKind.TOO_LARGE, "the body of the request is larger than " + BODY_LIMIT + " bytes");
    }
}
