package dev.sandlot.envd;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.sandlot.protocol.Exchange;
import dev.sandlot.protocol.JsonText;
import java.io.IOException;
import java.util.Map;

/** Answers of the plain endpoints. */
final class Json {
    private Json() {}

    /** Answers 200 with an object that is not to be cached. */
    static void send(Exchange exchange, JsonElement body) throws IOException {
        exchange.responseHeaders().set("Content-Type", "application/json").set("Cache-Control", "no-store");
        exchange.send(200, JsonText.bytes(body));
    }

    /** A map as an object of texts. */
    static JsonObject object(Map<String, String> values) {
        JsonObject object = new JsonObject();
        values.forEach(object::addProperty);
        return object;
    }
}
