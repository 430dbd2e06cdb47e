package dev.sandlot.app;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A word of an instruction as Docker reads it: quotes taken off, escapes undone, and which {@code $} begin a variable.
 *
 * <p>Variables are given by their names: one that is not there is not set; one without a value is set, but to what is
 * only known where the template is built.
 */
record DockerfileWord(List<Part> parts) {
    /** Where the server would take a variable to begin (template-build.md 5.2). */
    private static final Pattern DOLLAR = Pattern.compile("\\$(?=[A-Za-z_{])");

    /** A {@code $} for the server: between it and its name stands nothing, and what is put in is not read again. */
    private static final String DOLLAR_ALONE = Matcher.quoteReplacement("$${SANDLOT_NOTHING}");

    /** A piece of a word. */
    sealed interface Part {}

    /** Stands for itself, whatever is in it. */
    record Text(String text) implements Part {}

    /**
     * Stands for the value of a variable.
     *
     * @param modifier {@code -}, {@code +} or {@code ?}, perhaps after a colon; empty for none
     * @param word what goes with the modifier
     */
    record Variable(String name, String modifier, DockerfileWord word) implements Part {}

    DockerfileWord {
        parts = List.copyOf(parts);
    }

    /**
     * Reads a word.
     *
     * @throws IllegalArgumentException with the reason when it cannot be read
     */
    static DockerfileWord of(String text, char escape) {
        return new DockerfileWordReader(text, escape).read();
    }

    /** The text as a word in which nothing means anything. */
    static DockerfileWord literal(String text) {
        return new DockerfileWord(List.of(new Text(text)));
    }

    /** With the values of its variables; nothing when one is not known, or needed and not set. */
    Optional<String> expand(Map<String, Optional<String>> variables) {
        return joined(text -> text, variable -> value(variable, variables));
    }

    /**
     * As the server takes a value in an ENV step, which knows the variables of the image and puts them in itself;
     * nothing when that would need to know them here.
     */
    Optional<String> forServer(Map<String, Optional<String>> variables) {
        return joined(
                DockerfileWord::alone,
                variable -> isPlain(variable)
                        ? Optional.of("${" + variable.name() + "}")
                        : value(variable, variables).map(DockerfileWord::alone));
    }

    private static String alone(String text) {
        return DOLLAR.matcher(text).replaceAll(DOLLAR_ALONE);
    }

    /** Nothing instead of nothing is no modifier. */
    private static boolean isPlain(Variable variable) {
        boolean isNothing =
                variable.modifier().endsWith("-") && variable.word().parts().isEmpty();
        return variable.modifier().isEmpty() || isNothing;
    }

    private Optional<String> joined(Function<String, String> texts, Function<Variable, Optional<String>> values) {
        StringBuilder all = new StringBuilder();
        for (Part part : parts) {
            Optional<String> piece = switch (part) {
                case Text text -> Optional.of(texts.apply(text.text()));
                case Variable variable -> values.apply(variable);
            };
            if (piece.isEmpty()) {
                return Optional.empty();
            }
            all.append(piece.get());
        }
        return Optional.of(all.toString());
    }

    private static Optional<String> value(Variable variable, Map<String, Optional<String>> variables) {
        Optional<String> known = Objects.requireNonNullElse(variables.get(variable.name()), Optional.empty());
        boolean isSet = variables.containsKey(variable.name());
        if (variable.modifier().startsWith(":")) {
            if (isSet && known.isEmpty()) {
                return Optional.empty();
            }
            isSet = !known.orElse("").isEmpty();
        }
        return switch (variable.modifier().replace(":", "")) {
            case "-" -> isSet ? known : variable.word().expand(variables);
            case "+" -> isSet ? variable.word().expand(variables) : Optional.of("");
            default -> isSet ? known : Optional.empty();
        };
    }
}
