package dev.sandlot.protocol;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BiConsumer;

/** HTTP header fields: names compare without case, values keep their order. Not safe for several threads. */
public final class Headers {
    private final Map<String, List<String>> fields = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);

    /** The first value of a field. */
    public Optional<String> first(String name) {
        List<String> values = fields.get(name);
        return values == null ? Optional.empty() : Optional.of(values.getFirst());
    }

    /** All values of a field, in order; empty when it is absent. */
    public List<String> all(String name) {
        return Collections.unmodifiableList(fields.getOrDefault(name, List.of()));
    }

    /** Whether the field is there at all. */
    public boolean has(String name) {
        return fields.containsKey(name);
    }

    /** Replaces every value of a field. */
    public Headers set(String name, String value) {
        List<String> values = new ArrayList<>(1);
        values.add(value);
        fields.put(name, values);
        return this;
    }

    /** Adds a value after those that are there. */
    public Headers add(String name, String value) {
        fields.computeIfAbsent(name, n -> new ArrayList<>(1)).add(value);
        return this;
    }

    /** Removes a field. */
    public Headers remove(String name) {
        fields.remove(name);
        return this;
    }

    /** Calls with each name and value. */
    public void forEach(BiConsumer<String, String> action) {
        fields.forEach((name, values) -> values.forEach(value -> action.accept(name, value)));
    }
}
