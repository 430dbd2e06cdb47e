package dev.sandlot.app;

import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * A pattern of paths: {@code *} and {@code ?} within a name, {@code **} over names, {@code [a-z]}, {@code \x}. Paths
 * are relative, with forward slashes.
 */
final class PathPattern {
    private final Pattern regex;

    private PathPattern(Pattern regex) {
        this.regex = regex;
    }

    /** @throws IllegalArgumentException when the pattern is none */
    static PathPattern of(String text) {
        StringBuilder regex = new StringBuilder();
        int i = 0;
        while (i < text.length()) {
            char c = text.charAt(i);
            if (text.startsWith("**/", i)) {
                regex.append("(?:[^/]+/)*");
                i += 3;
            } else if (text.startsWith("**", i)) {
                regex.append(".*");
                i += 2;
            } else {
                i += one(text, i, c, regex);
            }
        }
        try {
            return new PathPattern(Pattern.compile(regex.toString(), Pattern.DOTALL));
        } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException("'" + text + "' is not a pattern of paths", e);
        }
    }

    /** Appends what stands at a place and tells how long that is. */
    private static int one(String text, int at, char c, StringBuilder regex) {
        switch (c) {
            case '*' -> regex.append("[^/]*");
            case '?' -> regex.append("[^/]");
            case '\\' -> {
                if (at + 1 < text.length()) {
                    regex.append(Pattern.quote(text.substring(at + 1, at + 2)));
                    return 2;
                }
                regex.append("\\\\");
            }
            case '[' -> {
                int end = text.indexOf(']', at + 1);
                if (end < 0) {
                    throw new IllegalArgumentException("'" + text + "' has a [ without its ]");
                }
                String set = text.substring(at + 1, end).replace("\\", "\\\\").replace("[", "\\[");
                regex.append('[')
                        .append(set.startsWith("!") ? "^" + set.substring(1) : set)
                        .append(']');
                return end - at + 1;
            }
            default -> regex.append(Pattern.quote(String.valueOf(c)));
        }
        return 1;
    }

    static boolean isPattern(String text) {
        return text.chars().anyMatch(c -> c == '*' || c == '?' || c == '[');
    }

    boolean matches(String path) {
        return regex.matcher(path).matches();
    }
}
