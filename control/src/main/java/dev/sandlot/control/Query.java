package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The parameters of a query, unescaped once. */
final class Query {
    private final Map<String, List<String>> values = new TreeMap<>();

    private Query() {}

    static Query parse(String rawQuery) throws ApiException {
        Query query = new Query();
        for (String pair : rawQuery.split("&")) {
            if (!pair.isEmpty()) {
                query.add(pair);
            }
        }
        return query;
    }

    private void add(String pair) throws ApiException {
        int equals = pair.indexOf('=');
        String name = Escapes.form(equals < 0 ? pair : pair.substring(0, equals));
        String value = equals < 0 ? "" : Escapes.form(pair.substring(equals + 1));
        values.computeIfAbsent(name, n -> new ArrayList<>(1)).add(value);
    }

    Optional<String> text(String name) {
        return Optional.ofNullable(values.get(name)).map(List::getFirst);
    }

    /** The items of a comma list, which may also be spread over several parameters of one name; empty when absent. */
    List<String> items(String name) {
        return values.getOrDefault(name, List.of()).stream()
                .flatMap(value -> List.of(value.split(",", -1)).stream())
                .toList();
    }

    /** A whole number within bounds. */
    int number(String name, int fallback, int min, int max) throws ApiException {
        Optional<String> text = text(name);
        if (text.isEmpty()) {
            return fallback;
        }
        try {
            int number = Integer.parseInt(text.get());
            if (number >= min && number <= max) {
                return number;
            }
        } catch (NumberFormatException e) {
            throw invalid(name, "is not a whole number");
        }
        throw invalid(name, "must be from " + min + " to " + max);
    }

    static ApiException invalid(String name, String problem) {
        return new ApiException(ErrorKind.INVALID, "validation error: parameter \"" + name + "\" " + problem);
    }
}
