package dev.sandlot.protocol;

import com.google.protobuf.Any;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Optional;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

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
        exchange.send(error.code().httpStatus(), JsonText.of(json(error)).getBytes(StandardCharsets.UTF_8));
    }

    /** The frame that ends a stream well. */
    static byte[] endFrame(Headers trailers) {
        return frame(JsonNodeFactory.instance.objectNode(), trailers);
    }

    /** The frame that ends a stream with an error. */
    static byte[] endFrame(ConnectException error, Headers trailers) {
        ObjectNode end = JsonNodeFactory.instance.objectNode();
        end.set("error", json(error));
        return frame(end, trailers);
    }

    private static byte[] frame(ObjectNode end, Headers trailers) {
        ObjectNode metadata = JsonNodeFactory.instance.objectNode();
        trailers.forEach((name, value) -> metadata.withArray(name).add(value));
        if (!metadata.isEmpty()) {
            end.set("metadata", metadata);
        }
        byte[] payload = JsonText.of(end).getBytes(StandardCharsets.UTF_8);
        return ConnectEnvelope.frame(ConnectEnvelope.END_OF_STREAM, payload);
    }

    private static ObjectNode json(ConnectException error) {
        ObjectNode object = JsonNodeFactory.instance.objectNode();
        object.put("code", error.code().wireName());
        if (!error.text().isEmpty()) {
            object.put("message", error.text());
        }
        if (!error.details().isEmpty()) {
            ArrayNode details = object.putArray("details");
            error.details().forEach(detail -> details.add(json(detail)));
        }
        return object;
    }

    private static ObjectNode json(Any detail) {
        String type = detail.getTypeUrl();
        return JsonNodeFactory.instance
                .objectNode()
                .put("type", type.substring(type.lastIndexOf('/') + 1))
                .put(
                        "value",
                        Base64.getEncoder()
                                .withoutPadding()
                                .encodeToString(detail.getValue().toByteArray()));
    }
}
