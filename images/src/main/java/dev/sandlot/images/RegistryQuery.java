package dev.sandlot.images;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The query of a request. Parameters that are not percent-encoded text are as if they were not there. */
record RegistryQuery(List<Parameter> parameters) {
    record Parameter(String name, String value) {}

    static RegistryQuery parse(String rawQuery) {
        List<Parameter> found = new ArrayList<>();
        for (String part : rawQuery.split("&")) {
            int mark = part.indexOf('=');
            Optional<String> name = mark < 0 ? Optional.empty() : decoded(part.substring(0, mark));
            Optional<String> value = mark < 0 ? Optional.empty() : decoded(part.substring(mark + 1));
            if (name.isPresent() && value.isPresent()) {
                found.add(new Parameter(name.get(), value.get()));
            }
        }
        return new RegistryQuery(List.copyOf(found));
    }

    private static Optional<String> decoded(String text) {
        try {
            return Optional.of(URLDecoder.decode(text, StandardCharsets.UTF_8));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    Optional<String> first(String name) {
        return all(name).stream().findFirst();
    }

    List<String> all(String name) {
        return parameters.stream()
                .filter(one -> one.name().equals(name))
                .map(Parameter::value)
                .toList();
    }
}
