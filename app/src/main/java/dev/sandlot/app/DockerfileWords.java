package dev.sandlot.app;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/** The words of an instruction: quotes taken off, escapes undone, JSON lists read. */
final class DockerfileWords {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final TypeReference<List<String>> STRINGS = new TypeReference<>() {};
    private static final Pattern VARIABLE =
            Pattern.compile("\\$(?:\\{(?<braced>[A-Za-z_][A-Za-z0-9_]*)}|(?<bare>[A-Za-z_][A-Za-z0-9_]*))");

    private static final Pattern REFERENCE = Pattern.compile("\\$(?:\\{(?<braced>[A-Za-z_][A-Za-z0-9_]*)"
            + "(?::(?<kind>[-+])(?<word>[^{}]*))?}|(?<bare>[A-Za-z_][A-Za-z0-9_]*))");

    private DockerfileWords() {}

    /** The words, or the strings of the JSON list that the text is. */
    static List<String> of(String text, char escape) {
        List<String> list = list(text);
        return list.isEmpty() ? split(text, escape) : list;
    }

    /** The strings of a JSON list; none when the text is no such list. */
    static List<String> list(String text) {
        if (!text.startsWith("[")) {
            return List.of();
        }
        try {
            return JSON.readValue(text, STRINGS);
        } catch (JacksonException e) {
            return List.of();
        }
    }

    private static List<String> split(String text, char escape) {
        List<String> words = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        boolean isWord = false;
        char quote = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (quote == 0 && Character.isWhitespace(c)) {
                if (isWord) {
                    words.add(word.toString());
                }
                word.setLength(0);
                isWord = false;
                continue;
            }
            isWord = true;
            if (c == escape && quote != '\'' && i + 1 < text.length()) {
                i++;
                word.append(text.charAt(i));
            } else if (quote == 0 && (c == '"' || c == '\'')) {
                quote = c;
            } else if (c == quote) {
                quote = 0;
            } else {
                word.append(c);
            }
        }
        if (isWord) {
            words.add(word.toString());
        }
        return words;
    }

    /** One command line of the words, each quoted for a shell where it needs it. */
    static String shellLine(List<String> words) {
        return String.join(" ", words.stream().map(DockerfileWords::quoted).toList());
    }

    private static String quoted(String word) {
        return word.matches("[A-Za-z0-9_./:=@%+,-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
    }

    /**
     * The text with its variables put in, {@code ${A:-default}} and {@code ${A:+instead}} among them; nothing when it
     * refers to one that is not known, or in a form that is not.
     */
    static Optional<String> expandKnown(String text, Map<String, String> values) {
        StringBuilder result = new StringBuilder();
        Matcher matcher = REFERENCE.matcher(text);
        while (matcher.find()) {
            Optional<String> value = value(matcher, values);
            if (value.isEmpty()) {
                return Optional.empty();
            }
            matcher.appendReplacement(result, Matcher.quoteReplacement(value.get()));
        }
        int rest = result.length();
        matcher.appendTail(result);
        return result.indexOf("${", rest) >= 0 ? Optional.empty() : Optional.of(result.toString());
    }

    private static Optional<String> value(Matcher reference, Map<String, String> values) {
        String braced = reference.group("braced");
        String kind = reference.group("kind");
        String value = values.get(braced == null ? reference.group("bare") : braced);
        if (kind == null) {
            return Optional.ofNullable(value);
        }
        String word = Objects.requireNonNullElse(reference.group("word"), "");
        String known = Objects.requireNonNullElse(value, "");
        String unset = kind.equals("-") ? word : "";
        String set = kind.equals("-") ? known : word;
        return Optional.of(known.isEmpty() ? unset : set);
    }

    /** The text with its variables put in; one that is not known is empty. */
    static String expand(String text, Map<String, String> values) {
        Matcher matcher = VARIABLE.matcher(text);
        return matcher.replaceAll(found -> {
            String name = matcher.group("braced") == null ? matcher.group("bare") : matcher.group("braced");
            return Matcher.quoteReplacement(values.getOrDefault(name, ""));
        });
    }
}
