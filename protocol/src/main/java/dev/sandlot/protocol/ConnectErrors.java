package dev.sandlot.protocol;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.protobuf.Any;
import java.io.IOException;
import java.util.Base64;
import java.util.Optional;

/** Writes errors as the protocol wants them: a body of their own for unary calls, the last frame for streams. */
public final class ConnectErrors {
    private ConnectErrors() {}

    /**
     * Refuses a request that no handler has seen, in the form its {@code Content-Type} asks for: an end frame for
     * streams, else a JSON body with the status of the code.
     */
    public static void refuse(Exchange exchange, ConnectException error) throws IOException {
        Optional<ConnectContentType> stream = ConnectContentType.of(exchange).filter(ConnectContentType::streaming);
        if (stream.isPresent()) {
            exchange.responseHeaders().set("Content-Type", stream.get().value());
            exchange.send(200, endFrame(error, new Headers()));
        } else {
            sendUnary(exchange, error);
        }
    }

    static void sendUnary(Exchange exchange, ConnectException error) throws IOException {
        exchange.responseHeaders().set("Content-Type", "application/json");
        exchange.send(error.code().httpStatus(), JsonText.bytes(json(error)));
    }

    /** The frame that ends a stream well. */
    static byte[] endFrame(Headers trailers) {
        return frame(new JsonObject(), trailers);
    }

    /** The frame that ends a stream with an error. */
    static byte[] endFrame(ConnectException error, Headers trailers) {
        JsonObject end = new JsonObject();
        end.add("error", json(error));
        return frame(end, trailers);
    }

    private static byte[] frame(JsonObject end, Headers trailers) {
        JsonObject metadata = new JsonObject();
        trailers.forEach((name, value) -> values(metadata, name).add(value));
        if (metadata.size() > 0) {
            end.add("metadata", metadata);
        }
        byte[] payload = JsonText.bytes(end);
        return ConnectEnvelope.frame(ConnectEnvelope.END_OF_STREAM, payload);
    }

    private static JsonArray values(JsonObject metadata, String name) {
        if (!metadata.has(name)) {
            metadata.add(name, new JsonArray());
        }
        return metadata.getAsJsonArray(name);
    }

    private static JsonObject json(ConnectException error) {
        JsonObject object = new JsonObject();
        object.addProperty("code", error.code().wireName());
        if (!error.text().isEmpty()) {
            object.addProperty("message", error.text());
        }
        if (!error.details().isEmpty()) {
            JsonArray details = new JsonArray();
            error.details().forEach(detail -> details.add(json(detail)));
            object.add("details", details);
        }
        return object;
    }

    private static JsonObject json(Any detail) {
        String type = detail.getTypeUrl();
        byte[] value = detail.getValue().toByteArray();
        JsonObject object = new JsonObject();
        object.addProperty("type", type.substring(type.lastIndexOf('/') + 1));
        object.addProperty("value", Base64.getEncoder().withoutPadding().encodeToString(value));
        return object;
    }
}
