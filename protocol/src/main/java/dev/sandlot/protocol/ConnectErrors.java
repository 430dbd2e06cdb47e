package dev.sandlot.protocol;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Writes errors as the protocol wants them: a body of their own for unary calls, the last frame for streams. */
public final class ConnectErrors {
    private static final byte[] CLEAN_END = "{}".getBytes(StandardCharsets.UTF_8);

    private ConnectErrors() {}

    /**
     * Refuses a request that no handler has seen, in the form its {@code Content-Type} asks for: an end frame for
     * streams, else a JSON body with the status of the code.
     */
    public static void refuse(Exchange exchange, ConnectException error) throws IOException {
        Optional<ConnectContentType> stream = ConnectContentType.of(exchange).filter(ConnectContentType::streaming);
        if (stream.isPresent()) {
            exchange.responseHeaders().set("Content-Type", stream.get().value());
            exchange.send(200, endFrame(error));
        } else {
            sendUnary(exchange, error);
        }
    }

    static void sendUnary(Exchange exchange, ConnectException error) throws IOException {
        exchange.responseHeaders().set("Content-Type", "application/json");
        exchange.send(error.code().httpStatus(), JsonText.of(json(error)).getBytes(StandardCharsets.UTF_8));
    }

    /** The frame that ends a stream well. */
    static byte[] endFrame() {
        return ConnectEnvelope.frame(ConnectEnvelope.END_OF_STREAM, CLEAN_END);
    }

    /** The frame that ends a stream with an error. */
    static byte[] endFrame(ConnectException error) {
        ObjectNode end = JsonNodeFactory.instance.objectNode();
        end.set("error", json(error));
        byte[] payload = JsonText.of(end).getBytes(StandardCharsets.UTF_8);
        return ConnectEnvelope.frame(ConnectEnvelope.END_OF_STREAM, payload);
    }

    private static ObjectNode json(ConnectException error) {
        ObjectNode object = JsonNodeFactory.instance.objectNode();
        object.put("code", error.code().wireName());
        if (!error.text().isEmpty()) {
            object.put("message", error.text());
        }
        return object;
    }
}
