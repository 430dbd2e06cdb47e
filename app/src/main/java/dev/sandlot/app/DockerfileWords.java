package dev.sandlot.app;

import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/** The words of an instruction, as they are written, and those of its JSON form. */
final class DockerfileWords {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final TypeReference<List<String>> STRINGS = new TypeReference<>() {};

    private DockerfileWords() {}

    /** The words with their quotes and escapes, or the strings of the JSON list that the text is. */
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
        int begun = -1;
        char quote = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (quote == 0 && Character.isWhitespace(c)) {
                if (begun >= 0) {
                    words.add(text.substring(begun, i));
                }
                begun = -1;
                continue;
            }
            begun = begun < 0 ? i : begun;
            if (c == escape && quote != '\'') {
                i++;
            } else if (quote == 0 && (c == '"' || c == '\'')) {
                quote = c;
            } else if (c == quote) {
                quote = 0;
            }
        }
        if (begun >= 0) {
            words.add(text.substring(begun));
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
}
