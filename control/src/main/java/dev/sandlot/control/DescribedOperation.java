package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.BooleanNode;
import tools.jackson.databind.node.LongNode;
import tools.jackson.databind.node.StringNode;

/** One operation of the description. */
final class DescribedOperation {
    private final JsonNode operation;
    private final JsonSchemas schemas;

    DescribedOperation(JsonNode operation, JsonSchemas schemas) {
        this.operation = operation;
        this.schemas = schemas;
    }

    JsonNode node() {
        return operation;
    }

    /** Refuses a call whose parameters or body are not as described; what is not described is not looked at. */
    void check(Call call) throws ApiException, IOException {
        for (JsonNode parameter : operation.path("parameters")) {
            if (parameter.get("in").stringValue().equals("query")) {
                checkParameter(parameter, call.query());
            }
        }
        JsonNode body = operation.path("requestBody");
        if (body.path("content").has("application/json")) {
            checkBody(body, call);
        }
    }

    private void checkParameter(JsonNode parameter, Query query) throws ApiException {
        String name = parameter.get("name").stringValue();
        JsonNode schema = parameter.get("schema");
        Optional<String> text = query.text(name);
        if (text.isEmpty()) {
            if (parameter.path("required").asBoolean(false)) {
                throw Query.invalid(name, "is missing");
            }
            return;
        }
        JsonNode value = isList(schema) ? list(query.items(name)) : value(schema, text.get());
        Optional<JsonSchemas.Problem> problem = schemas.check(schema, value);
        if (problem.isPresent()) {
            throw Query.invalid(name, problem.get().text());
        }
    }

    private static boolean isList(JsonNode schema) {
        return schema.path("type").asString("").equals("array");
    }

    private static JsonNode list(List<String> items) {
        ArrayNode list = Json.MAPPER.createArrayNode();
        items.forEach(list::add);
        return list;
    }

    /** The value that the text means; text that means none stays text, which the schema then refuses. */
    private static JsonNode value(JsonNode schema, String text) {
        return switch (schema.path("type").asString("")) {
            case "integer" -> number(text);
            case "boolean" ->
                text.equals("true") || text.equals("false")
                        ? BooleanNode.valueOf(text.equals("true"))
                        : StringNode.valueOf(text);
            default -> StringNode.valueOf(text);
        };
    }

    private static JsonNode number(String text) {
        try {
            return LongNode.valueOf(Long.parseLong(text));
        } catch (NumberFormatException e) {
            return StringNode.valueOf(text);
        }
    }

    private void checkBody(JsonNode body, Call call) throws ApiException, IOException {
        Fields fields = body.get("required").booleanValue() ? call.body() : call.optionalBody();
        JsonNode schema = body.get("content").get("application/json").get("schema");
        Optional<JsonSchemas.Problem> problem = schemas.check(schema, fields.node());
        if (problem.isPresent()) {
            throw new ApiException(
                    ErrorKind.INVALID,
                    "validation error: property \"" + problem.get().where() + "\" "
                            + problem.get().text());
        }
    }
}
