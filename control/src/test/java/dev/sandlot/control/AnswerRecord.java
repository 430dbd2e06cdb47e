package dev.sandlot.control;

import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/** Which described answers the tests of this run have produced: {@code GET /nodes 200}. */
final class AnswerRecord {
    private static final Map<String, DescribedOperation> OPERATIONS =
            ApiDescription.load().operations();
    private static final Router ROUTER = new Router(OPERATIONS.keySet().stream()
            .map(name -> name.split(" "))
            .map(name -> new Route(name[0], name[1], Access.OPEN, true, call -> Reply.empty(204)))
            .toList());
    private static final Set<String> PRODUCED = new ConcurrentSkipListSet<>();

    private AnswerRecord() {}

    static Map<String, DescribedOperation> operations() {
        return OPERATIONS;
    }

    /** The described operation that a request is for. */
    static Optional<String> operation(String method, String rawPath) {
        return ROUTER.find(method, rawPath)
                .map(match -> match.route().method() + " " + match.route().template());
    }

    static Set<String> statuses(String operation) {
        JsonNode node = OPERATIONS.get(operation).node();
        return node.get("responses").properties().stream()
                .map(Map.Entry::getKey)
                .collect(Collectors.toSet());
    }

    static boolean isLater(String operation) {
        return OPERATIONS.get(operation).node().has("x-sandlot-state");
    }

    static void add(String operation, int status) {
        PRODUCED.add(operation + " " + status);
    }

    static Set<String> produced() {
        return new TreeSet<>(PRODUCED);
    }
}
