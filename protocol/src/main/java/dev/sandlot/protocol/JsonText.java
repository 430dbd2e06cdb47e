package dev.sandlot.protocol;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.JsonWriter;
import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * Trees of JSON and their text, by the small library that the messages' own JSON needs anyway: a guest is spared a
 * second one.
 */
public final class JsonText {
    private JsonText() {}

    /** Text that is not JSON; the message says where. */
    public static final class Malformed extends Exception {
        private static final long serialVersionUID = 1L;

        Malformed(String message) {
            super(message);
        }

        Malformed(Exception cause) {
            super(String.valueOf(cause.getMessage()), cause);
        }
    }

    /** A tree as text; members that are null are written. */
    public static String of(JsonElement tree) {
        StringWriter text = new StringWriter();
        JsonWriter out = new JsonWriter(text);
        try {
            write(out, tree);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return text.toString();
    }

    /** A tree as UTF-8. */
    public static byte[] bytes(JsonElement tree) {
        return of(tree).getBytes(StandardCharsets.UTF_8);
    }

    /** The one tree that a UTF-8 text holds, strictly; nested 255 deep at most, which is the reader's limit. */
    public static JsonElement parse(byte[] text) throws Malformed {
        JsonReader in = new JsonReader(new StringReader(new String(text, StandardCharsets.UTF_8)));
        in.setStrictness(Strictness.STRICT);
        try {
            JsonElement tree = read(in);
            if (in.peek() != JsonToken.END_DOCUMENT) {
                throw new Malformed("there is more after the end, at " + in.getPath());
            }
            return tree;
        } catch (IOException | NumberFormatException e) {
            throw new Malformed(e);
        }
    }

    private static void write(JsonWriter out, JsonElement element) throws IOException {
        switch (element) {
            case JsonObject object -> {
                out.beginObject();
                for (Map.Entry<String, JsonElement> member : object.entrySet()) {
                    out.name(member.getKey());
                    write(out, member.getValue());
                }
                out.endObject();
            }
            case JsonArray array -> {
                out.beginArray();
                for (JsonElement one : array) {
                    write(out, one);
                }
                out.endArray();
            }
            case JsonPrimitive value when value.isString() -> out.value(value.getAsString());
            case JsonPrimitive value when value.isBoolean() -> out.value(value.getAsBoolean());
            case JsonPrimitive value -> out.value(value.getAsNumber());
            default -> out.nullValue();
        }
    }

    private static JsonElement read(JsonReader in) throws IOException, Malformed {
        return switch (in.peek()) {
            case BEGIN_OBJECT -> object(in);
            case BEGIN_ARRAY -> array(in);
            case STRING -> new JsonPrimitive(in.nextString());
            case NUMBER -> new JsonPrimitive(new BigDecimal(in.nextString()));
            case BOOLEAN -> new JsonPrimitive(in.nextBoolean());
            case NULL -> {
                in.nextNull();
                yield JsonNull.INSTANCE;
            }
            default -> throw new Malformed("a value is missing at " + in.getPath());
        };
    }

    private static JsonObject object(JsonReader in) throws IOException, Malformed {
        JsonObject object = new JsonObject();
        in.beginObject();
        while (in.hasNext()) {
            object.add(in.nextName(), read(in));
        }
        in.endObject();
        return object;
    }

    private static JsonArray array(JsonReader in) throws IOException, Malformed {
        JsonArray array = new JsonArray();
        in.beginArray();
        while (in.hasNext()) {
            array.add(read(in));
        }
        in.endArray();
        return array;
    }
}
