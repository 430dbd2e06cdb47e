package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.BuildStorage;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.StreamWriteFeature;

/**
 * An answer before it is sent; nobody changes the body. An empty body has no content type (public-api.md 24.2).
 *
 * @param archive in the place of a body, made while it is sent; or null
 */
@SuppressWarnings("ArrayRecordComponent")
record Reply(int status, Map<String, String> headers, byte[] body, BuildStorage.@Nullable Archive archive) {
    private static final String JSON_TYPE = "application/json; charset=utf-8";

    Reply(int status, Map<String, String> headers, byte[] body) {
        this(status, headers, body, null);
    }

    /** The body of every refusal (public-api.md 1.2). */
    private record ErrorBody(
            int code, String message, @Nullable String error_code) {}

    static Reply empty(int status) {
        return new Reply(status, Map.of(), new byte[0]);
    }

    static Reply json(int status, Object body) {
        return typed(status, JSON_TYPE, Json.MAPPER.writeValueAsBytes(body));
    }

    /** JSON that is made while it is sent, since it may be large and its reader slow. */
    static Reply streamed(Object body) {
        return new Reply(
                200,
                Map.of("Content-Type", JSON_TYPE),
                new byte[0],
                out -> Json.MAPPER
                        .writer()
                        .without(StreamWriteFeature.AUTO_CLOSE_TARGET)
                        .writeValue(out, body));
    }

    /** A body that is JSON already. */
    static Reply rawJson(int status, byte[] body) {
        return typed(status, JSON_TYPE, body);
    }

    static Reply text(int status, String body) {
        return typed(status, "text/plain; charset=utf-8", body.getBytes(StandardCharsets.UTF_8));
    }

    /** An archive, as long as it turns out to be. */
    static Reply tar(BuildStorage.Archive archive) {
        return new Reply(200, Map.of("Content-Type", "application/x-tar"), new byte[0], archive);
    }

    static Reply error(ApiException e) {
        int status = e.kind().httpStatus();
        return json(status, new ErrorBody(status, e.text(), e.errorCode()));
    }

    /** A refusal with a status that no kind of failure has. */
    static Reply refusal(int status, String message) {
        return json(status, new ErrorBody(status, message, null));
    }

    private static Reply typed(int status, String type, byte[] body) {
        return new Reply(status, Map.of("Content-Type", type), body);
    }

    /** The same with one more field. */
    Reply with(String name, String value) {
        Map<String, String> more = new TreeMap<>(headers);
        more.put(name, value);
        return new Reply(status, more, body, archive);
    }
}
