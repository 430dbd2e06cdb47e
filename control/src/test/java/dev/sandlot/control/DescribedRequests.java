package dev.sandlot.control;

import java.nio.charset.StandardCharsets;
import java.util.UUID;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Requests made from the description: as small as it allows, for things that are not there. */
final class DescribedRequests {
    private DescribedRequests() {}

    static boolean isForTeams(String operation) {
        return AnswerRecord.operations()
                .get(operation)
                .node()
                .get("security")
                .valueStream()
                .anyMatch(scheme -> scheme.has("TeamAuth"));
    }

    /** A request that is as described, for things that are not there. */
    static MemoryExchange exchange(String operation) {
        return withBody(operation, new MemoryExchange(method(operation), target(operation)));
    }

    static String method(String operation) {
        return operation.substring(0, operation.indexOf(' '));
    }

    static String target(String operation) {
        String path = operation.substring(operation.indexOf(' ') + 1).replaceAll("\\{[^}]*}", "x");
        String query = AnswerRecord.operations()
                .get(operation)
                .node()
                .path("parameters")
                .valueStream()
                .filter(parameter -> parameter.get("in").stringValue().equals("query")
                        && parameter.path("required").asBoolean(false))
                .map(parameter -> parameter.get("name").stringValue() + "=" + text(least(parameter.get("schema"))))
                .collect(Collectors.joining("&"));
        return query.isEmpty() ? path : path + "?" + query;
    }

    private static String text(JsonNode value) {
        return value.isArray() ? text(value.get(0)) : value.asString();
    }

    /** Adds the body that the description asks for. */
    static MemoryExchange withBody(String operation, MemoryExchange exchange) {
        JsonNode body = AnswerRecord.operations().get(operation).node().path("requestBody");
        if (body.path("content").has("application/x-tar")) {
            exchange.body("archive".getBytes(StandardCharsets.UTF_8));
        } else if (!body.isMissingNode()) {
            JsonNode schema = body.get("content").get("application/json").get("schema");
            exchange.body(least(schema).toString().getBytes(StandardCharsets.UTF_8));
        }
        return exchange;
    }

    /** A small value that the schema takes. */
    static JsonNode least(JsonNode schema) {
        if (schema.has("$ref")) {
            return least(ApiDescription.load()
                    .document()
                    .at(schema.get("$ref").stringValue().substring(1)));
        }
        if (schema.has("enum")) {
            return schema.get("enum").get(0);
        }
        return switch (schema.path("type").asString("")) {
            case "integer" ->
                Json.MAPPER.getNodeFactory().numberNode(schema.path("minimum").asInt(1));
            case "boolean" -> Json.MAPPER.getNodeFactory().booleanNode(true);
            case "array" -> leastList(schema);
            case "object" -> leastObject(schema);
            default -> Json.MAPPER.getNodeFactory().stringNode(leastText(schema));
        };
    }

    static ArrayNode leastList(JsonNode schema) {
        return Json.MAPPER.createArrayNode().add(least(schema.get("items")));
    }

    static ObjectNode leastObject(JsonNode schema) {
        ObjectNode object = Json.MAPPER.createObjectNode();
        for (JsonNode name : schema.path("required")) {
            object.set(name.stringValue(), least(schema.get("properties").get(name.stringValue())));
        }
        return object;
    }

    static String leastText(JsonNode schema) {
        return switch (schema.path("format").asString("")) {
            case "uuid" -> new UUID(0, 1).toString();
            case "date-time" -> "2026-01-31T12:00:00Z";
            default -> "x";
        };
    }
}
