package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import tools.jackson.core.JacksonException;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.databind.JsonNode;

/**
 * A JSON object that a caller sent. Properties are checked as they are read: a wrong type is refused, unknown ones
 * are never looked at.
 */
final class Fields {
    private final JsonNode object;
    private final String where;

    private Fields(JsonNode object, String where) {
        this.object = object;
        this.where = where;
    }

    static Fields parse(byte[] body) throws ApiException {
        JsonNode root;
        try {
            root = Json.FOREIGN.readTree(body);
            Texts.requireKeepable(body, root);
        } catch (JacksonException e) {
            throw unreadable(e);
        }
        if (!root.isObject()) {
            throw new ApiException(ErrorKind.INVALID, "validation error: the body is not a JSON object");
        }
        return new Fields(root, "");
    }

    /** In words of our own: those of the parser are about itself. */
    private static ApiException unreadable(JacksonException e) {
        String problem = e instanceof StreamConstraintsException
                ? "the body is nested too deeply, has too many values, or has a name or number that is too long"
                : "the body is not JSON";
        TokenStreamLocation place = e.getLocation();
        String where = place == null || place.getLineNr() < 1
                ? ""
                : ", at line " + place.getLineNr() + ", column " + Math.max(place.getColumnNr(), 1);
        return new ApiException(ErrorKind.INVALID, "validation error: " + problem + where, e);
    }

    /** The object as it was sent. */
    JsonNode node() {
        return object;
    }

    /** Refuses properties of other names, where one that is mistyped would count as absent. */
    void refuseOthersThan(Set<String> known) throws ApiException {
        for (String name : object.propertyNames()) {
            if (!known.contains(name)) {
                throw invalid(name, "is unknown");
            }
        }
    }

    boolean isEmpty() {
        return object.isEmpty();
    }

    boolean has(String name) {
        return object.has(name);
    }

    String requiredText(String name) throws ApiException {
        return text(name).orElseThrow(() -> invalid(name, "is missing"));
    }

    Optional<String> text(String name) throws ApiException {
        return node(name, JsonNode::isString, "a string").map(JsonNode::stringValue);
    }

    Optional<Boolean> bool(String name) throws ApiException {
        return node(name, JsonNode::isBoolean, "true or false").map(JsonNode::booleanValue);
    }

    boolean requiredBool(String name) throws ApiException {
        return bool(name).orElseThrow(() -> invalid(name, "is missing"));
    }

    /** A whole number of at most 32 bits. */
    Optional<Integer> int32(String name, int min) throws ApiException {
        Optional<Integer> number = node(
                        name, node -> node.isIntegralNumber() && node.canConvertToInt(), "a whole number of 32 bits")
                .map(JsonNode::intValue);
        if (number.isPresent() && number.get() < min) {
            throw invalid(name, "must be at least " + min);
        }
        return number;
    }

    int requiredInt32(String name, int min) throws ApiException {
        return int32(name, min).orElseThrow(() -> invalid(name, "is missing"));
    }

    Optional<Fields> object(String name) throws ApiException {
        return node(name, JsonNode::isObject, "an object").map(node -> new Fields(node, where + name + "."));
    }

    /** An object that may also be null, which counts as absent. */
    Optional<Fields> nullableObject(String name) throws ApiException {
        return object.path(name).isNull() ? Optional.empty() : object(name);
    }

    Optional<Map<String, String>> stringMap(String name) throws ApiException {
        Optional<JsonNode> node = node(name, Fields::isStringMap, "an object whose values are strings");
        return node.map(map -> {
            Map<String, String> result = new LinkedHashMap<>();
            map.properties()
                    .forEach(
                            entry -> result.put(entry.getKey(), entry.getValue().stringValue()));
            return result;
        });
    }

    Optional<List<String>> strings(String name) throws ApiException {
        Optional<JsonNode> node = node(name, array -> isArrayOf(array, JsonNode::isString), "an array of strings");
        return node.map(array -> array.valueStream().map(JsonNode::stringValue).toList());
    }

    Optional<List<Integer>> int32s(String name) throws ApiException {
        Optional<JsonNode> node =
                node(name, array -> isArrayOf(array, JsonNode::canConvertToInt), "an array of whole numbers");
        return node.map(array -> array.valueStream().map(JsonNode::intValue).toList());
    }

    Optional<List<Fields>> objects(String name) throws ApiException {
        Optional<JsonNode> node = node(name, array -> isArrayOf(array, JsonNode::isObject), "an array of objects");
        List<Fields> items = new ArrayList<>();
        node.ifPresent(array -> array.forEach(item -> items.add(new Fields(item, where + name + "[]."))));
        return node.map(array -> items);
    }

    private static boolean isStringMap(JsonNode node) {
        return node.isObject() && node.valueStream().allMatch(JsonNode::isString);
    }

    private static boolean isArrayOf(JsonNode node, Predicate<JsonNode> item) {
        return node.isArray() && node.valueStream().allMatch(item);
    }

    private Optional<JsonNode> node(String name, Predicate<JsonNode> shape, String expected) throws ApiException {
        JsonNode node = object.path(name);
        if (node.isMissingNode()) {
            return Optional.empty();
        }
        if (!shape.test(node)) {
            throw invalid(name, "is not " + expected);
        }
        return Optional.of(node);
    }

    /** A refusal of a property. */
    ApiException invalid(String name, String problem) {
        return new ApiException(ErrorKind.INVALID, "validation error: property \"" + where + name + "\" " + problem);
    }
}
