package dev.sandlot.control;

import java.util.List;
import tools.jackson.databind.JsonNode;

/**
 * What became of a statement.
 *
 * @param rows the rows that came back, each an object whose properties are in the order of the columns
 * @param touched how many rows a statement without rows wrote
 * @param digest the same for the same outcome
 */
record RestOutcome(boolean hasRows, List<JsonNode> rows, int touched, String digest) {
    RestOutcome {
        rows = List.copyOf(rows);
    }
}
