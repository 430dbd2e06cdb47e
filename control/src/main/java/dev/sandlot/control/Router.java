package dev.sandlot.control;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Finds the operation of a path by its raw, still escaped segments, so that {@code team%2Fname} is one segment
 * (public-api.md 1.1). A literal segment is preferred to a parameter. Parameters are handed on escaped.
 */
final class Router {
    /** An operation with the parameters of the path, still escaped. */
    record Match(Route route, Map<String, String> rawParameters) {}

    private static final class Branch {
        final Map<String, Branch> literals = new HashMap<>();
        final Map<String, Route> routes = new HashMap<>();

        @Nullable Branch parameter;
    }

    private final Branch root = new Branch();

    Router(List<Route> routes) {
        routes.forEach(this::add);
    }

    private void add(Route route) {
        Branch branch = root;
        for (String segment : segments(route.template())) {
            branch = isParameter(segment) ? parameterOf(branch) : literalOf(branch, segment);
        }
        if (branch.routes.put(route.method(), route) != null) {
            throw new IllegalArgumentException("two operations for " + route.method() + " " + route.template());
        }
    }

    private static Branch parameterOf(Branch branch) {
        Branch next = branch.parameter;
        if (next == null) {
            next = new Branch();
            branch.parameter = next;
        }
        return next;
    }

    private static Branch literalOf(Branch branch, String segment) {
        return branch.literals.computeIfAbsent(segment, s -> new Branch());
    }

    private static boolean isParameter(String segment) {
        return segment.startsWith("{");
    }

    private static List<String> segments(String path) {
        return List.of(path.substring(1).split("/", -1));
    }

    /** The operation of that method and path. */
    Optional<Match> find(String method, String rawPath) {
        if (!rawPath.startsWith("/")) {
            return Optional.empty();
        }
        List<String> segments = segments(rawPath);
        return find(root, segments, method).map(route -> new Match(route, parameters(route, segments)));
    }

    /** Whether some method has an operation at that path. */
    boolean knows(String rawPath) {
        return rawPath.startsWith("/") && knows(root, segments(rawPath));
    }

    private static Optional<Route> find(Branch branch, List<String> segments, String method) {
        if (segments.isEmpty()) {
            return Optional.ofNullable(branch.routes.get(method));
        }
        return next(branch, segments).stream()
                .flatMap(next -> find(next, segments.subList(1, segments.size()), method).stream())
                .findFirst();
    }

    private static boolean knows(Branch branch, List<String> segments) {
        if (segments.isEmpty()) {
            return !branch.routes.isEmpty();
        }
        return next(branch, segments).stream().anyMatch(next -> knows(next, segments.subList(1, segments.size())));
    }

    private static List<Branch> next(Branch branch, List<String> segments) {
        String segment = segments.getFirst();
        Branch literal = branch.literals.get(segment);
        Branch parameter = segment.isEmpty() ? null : branch.parameter;
        if (literal == null) {
            return parameter == null ? List.of() : List.of(parameter);
        }
        return parameter == null ? List.of(literal) : List.of(literal, parameter);
    }

    private static Map<String, String> parameters(Route route, List<String> segments) {
        Map<String, String> parameters = new LinkedHashMap<>();
        List<String> template = segments(route.template());
        for (int i = 0; i < template.size(); i++) {
            String name = template.get(i);
            if (isParameter(name)) {
                parameters.put(name.substring(1, name.length() - 1), segments.get(i));
            }
        }
        return parameters;
    }
}
