package dev.sandlot.control;

import java.time.DateTimeException;
import java.time.OffsetDateTime;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/** Checks JSON against the schemas of a document: the part of JSON Schema that our description uses. */
final class JsonSchemas {
    private static final String REFERENCE = "$ref";
    private final JsonNode document;
    private final Map<String, Pattern> patterns = new ConcurrentHashMap<>();

    JsonSchemas(JsonNode document) {
        this.document = document;
    }

    /**
     * What is wrong with a value.
     *
     * @param where the properties that lead to it; empty for the value itself
     */
    record Problem(String where, String text) {
        private Problem under(String name) {
            return new Problem(where.isEmpty() ? name : name + (where.startsWith("[") ? "" : ".") + where, text);
        }
    }

    /** The first problem that is found. */
    Optional<Problem> check(JsonNode schema, JsonNode value) {
        if (schema.has(REFERENCE)) {
            return check(document.at(schema.get(REFERENCE).stringValue().substring(1)), value);
        }
        if (schema.has("anyOf") || schema.has("oneOf")) {
            return checkAny(schema.path(schema.has("anyOf") ? "anyOf" : "oneOf"), value);
        }
        Optional<Problem> problem = checkType(schema, value);
        return problem.isPresent() || value.isNull() ? problem : checkContent(schema, value);
    }

    private Optional<Problem> checkAny(JsonNode alternatives, JsonNode value) {
        List<Optional<Problem>> found = alternatives
                .valueStream()
                .map(alternative -> check(alternative, value))
                .toList();
        return found.stream().anyMatch(Optional::isEmpty) ? Optional.empty() : found.getFirst();
    }

    private static Optional<Problem> checkType(JsonNode schema, JsonNode value) {
        JsonNode type = schema.path("type");
        List<String> types = type.isArray()
                ? type.valueStream().map(JsonNode::stringValue).toList()
                : Stream.of(type.asString("")).filter(name -> !name.isEmpty()).toList();
        if (types.isEmpty() || types.stream().anyMatch(name -> isOf(name, schema, value))) {
            return Optional.empty();
        }
        return problem("is not " + nameOf(types.getFirst(), schema));
    }

    private static boolean isOf(String type, JsonNode schema, JsonNode value) {
        return switch (type) {
            case "string" -> value.isString();
            case "boolean" -> value.isBoolean();
            case "number" -> value.isNumber();
            case "object" -> value.isObject();
            case "array" -> value.isArray();
            case "null" -> value.isNull();
            default ->
                value.isIntegralNumber()
                        && (schema.path("format").asString("").equals("int32")
                                ? value.canConvertToInt()
                                : value.canConvertToLong());
        };
    }

    private static String nameOf(String type, JsonNode schema) {
        return switch (type) {
            case "boolean" -> "true or false";
            case "integer" ->
                "a whole number of " + (schema.path("format").asString("").equals("int32") ? 32 : 64) + " bits";
            case "object", "array" -> "an " + type;
            default -> "a " + type;
        };
    }

    private Optional<Problem> checkContent(JsonNode schema, JsonNode value) {
        return Stream.of(
                        checkEnum(schema, value),
                        value.isNumber() ? checkRange(schema, value.doubleValue()) : none(),
                        value.isString() ? checkText(schema, value.stringValue()) : none(),
                        value.isArray() ? checkItems(schema, value) : none(),
                        value.isObject() ? checkProperties(schema, value) : none())
                .flatMap(Optional::stream)
                .findFirst();
    }

    private static Optional<Problem> checkEnum(JsonNode schema, JsonNode value) {
        JsonNode allowed = schema.path("enum");
        if (allowed.isMissingNode() || allowed.valueStream().anyMatch(value::equals)) {
            return none();
        }
        return problem("is none of "
                + String.join(
                        ", ", allowed.valueStream().map(JsonNode::stringValue).toList()));
    }

    private static Optional<Problem> checkRange(JsonNode schema, double value) {
        boolean tooSmall =
                schema.has("minimum") && value < schema.get("minimum").doubleValue();
        boolean tooLarge =
                schema.has("maximum") && value > schema.get("maximum").doubleValue();
        if (!tooSmall && !tooLarge) {
            return none();
        }
        if (schema.has("minimum") && schema.has("maximum")) {
            return problem("must be from " + schema.get("minimum") + " to " + schema.get("maximum"));
        }
        return problem(
                tooSmall ? "must be at least " + schema.get("minimum") : "must be at most " + schema.get("maximum"));
    }

    private Optional<Problem> checkText(JsonNode schema, String value) {
        int length = value.codePointCount(0, value.length());
        if (length < schema.path("minLength").asInt(0)) {
            return problem("is too short");
        }
        if (length > schema.path("maxLength").asInt(Integer.MAX_VALUE)) {
            return problem("is longer than " + schema.get("maxLength") + " characters");
        }
        String pattern = schema.path("pattern").asString("");
        if (!pattern.isEmpty()
                && !patterns.computeIfAbsent(pattern, Pattern::compile)
                        .matcher(value)
                        .find()) {
            return problem("does not match " + pattern);
        }
        return switch (schema.path("format").asString("")) {
            case "uuid" -> Uuids.parse(value).isPresent() ? none() : problem("is not a UUID");
            case "date-time" -> isMoment(value) ? none() : problem("is not a moment like 2026-01-31T12:00:00Z");
            default -> none();
        };
    }

    private static boolean isMoment(String text) {
        try {
            OffsetDateTime.parse(text);
            return true;
        } catch (DateTimeException e) {
            return false;
        }
    }

    private Optional<Problem> checkItems(JsonNode schema, JsonNode list) {
        if (list.size() > schema.path("maxItems").asInt(Integer.MAX_VALUE)) {
            return problem("has more than " + schema.get("maxItems") + " items");
        }
        Set<JsonNode> seen = new HashSet<>();
        for (JsonNode item : list) {
            Optional<Problem> found = check(schema.path("items"), item);
            if (found.isPresent()) {
                return found.map(problem -> problem.under("[]"));
            }
            if (!seen.add(item) && schema.path("uniqueItems").asBoolean(false)) {
                return problem("holds an item twice");
            }
        }
        return none();
    }

    private Optional<Problem> checkProperties(JsonNode schema, JsonNode object) {
        for (JsonNode required : schema.path("required")) {
            if (!object.has(required.stringValue())) {
                return Optional.of(new Problem(required.stringValue(), "is missing"));
            }
        }
        JsonNode properties = schema.path("properties");
        JsonNode others = schema.path("additionalProperties");
        return object.properties().stream()
                .flatMap(property -> check(
                        properties.has(property.getKey()) ? properties.get(property.getKey()) : others,
                        property.getValue())
                        .map(problem -> problem.under(property.getKey()))
                        .stream())
                .findFirst();
    }

    private static Optional<Problem> none() {
        return Optional.empty();
    }

    private static Optional<Problem> problem(String text) {
        return Optional.of(new Problem("", text));
    }
}
