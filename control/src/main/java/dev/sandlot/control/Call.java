package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
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

/** A request as an operation sees it: authenticated, with its parameters. */
final class Call {
    /** The largest body that is read (public-api.md 1.1). */
    static final int BODY_LIMIT = 16 << 20;

    private final Exchange exchange;
    private final Map<String, String> rawParameters;
    private final Caller caller;
    private byte @Nullable [] bytes;

    Call(Exchange exchange, Map<String, String> rawParameters, Caller caller) {
        this.exchange = exchange;
        this.rawParameters = rawParameters;
        this.caller = caller;
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
            read = exchange.requestBody().readNBytes(BODY_LIMIT + 1);
            bytes = read;
        }
        if (read.length > BODY_LIMIT) {
            throw bodyTooLarge();
        }
        return read;
    }

    static ApiException bodyTooLarge() {
        return new ApiException(ErrorKind.TOO_LARGE, "the body of the request is larger than " + BODY_LIMIT + " bytes");
    }
}
