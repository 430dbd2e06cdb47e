package dev.sandlot.app;

import dev.sandlot.app.DockerfileWord.Part;
import dev.sandlot.app.DockerfileWord.Text;
import dev.sandlot.app.DockerfileWord.Variable;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads one {@link DockerfileWord}. For one use. */
final class DockerfileWordReader {
    private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");
    private static final Pattern MODIFIER = Pattern.compile(":?[-+?]");
    /** No character: the end of the text. */
    private static final int END = -1;

    private final String text;
    private final char escape;
    private int at;

    DockerfileWordReader(String text, char escape) {
        this.text = text;
        this.escape = escape;
    }

    /** Reads all of the text. */
    DockerfileWord read() {
        return until(END);
    }

    /** What stands before an end that is not quoted; the end is passed over. */
    private DockerfileWord until(int end) {
        Parts parts = new Parts();
        while (at < text.length()) {
            char c = text.charAt(at++);
            if (c == end) {
                return parts.word();
            } else if (c == '\'') {
                singleQuoted(parts);
            } else if (c == '"') {
                doubleQuoted(parts);
            } else if (c == '$') {
                variable(parts);
            } else if (c != escape) {
                parts.add(c);
            } else if (at < text.length()) {
                parts.add(text.charAt(at++));
            }
        }
        if (end != END) {
            throw unclosed("${");
        }
        return parts.word();
    }

    private void singleQuoted(Parts parts) {
        while (at < text.length()) {
            char c = text.charAt(at++);
            if (c == '\'') {
                return;
            }
            parts.add(c);
        }
        throw unclosed("'");
    }

    /** An escape is one before a quote, a dollar or itself alone. */
    private void doubleQuoted(Parts parts) {
        while (at < text.length()) {
            char c = text.charAt(at++);
            if (c == '"') {
                return;
            } else if (c == '$') {
                variable(parts);
            } else if (c == escape && at < text.length() && isEscapedInQuotes(text.charAt(at))) {
                parts.add(text.charAt(at++));
            } else {
                parts.add(c);
            }
        }
        throw unclosed("\"");
    }

    private boolean isEscapedInQuotes(char c) {
        return c == '"' || c == '$' || c == escape;
    }

    private void variable(Parts parts) {
        boolean braced = at < text.length() && text.charAt(at) == '{';
        if (braced) {
            at++;
        }
        String name = next(NAME);
        if (braced) {
            parts.add(braced(name));
        } else if (name.isEmpty()) {
            parts.add('$');
        } else {
            parts.add(new Variable(name, "", new DockerfileWord(List.of())));
        }
    }

    private Variable braced(String name) {
        String modifier = next(MODIFIER);
        int begun = at;
        DockerfileWord word = until('}');
        if (name.isEmpty() || (modifier.isEmpty() && at != begun + 1)) {
            throw new IllegalArgumentException("'" + text + "' has a variable in a form that is not supported");
        }
        return new Variable(name, modifier, word);
    }

    private String next(Pattern pattern) {
        Matcher matcher = pattern.matcher(text).region(at, text.length());
        if (!matcher.lookingAt()) {
            return "";
        }
        at = matcher.end();
        return matcher.group();
    }

    private IllegalArgumentException unclosed(String what) {
        return new IllegalArgumentException("'" + text + "' has a " + what + " that is not closed");
    }

    private static final class Parts {
        private final List<Part> parts = new ArrayList<>();
        private final StringBuilder literal = new StringBuilder();

        void add(char c) {
            literal.append(c);
        }

        void add(Variable variable) {
            flush();
            parts.add(variable);
        }

        DockerfileWord word() {
            flush();
            return new DockerfileWord(parts);
        }

        private void flush() {
            if (!literal.isEmpty()) {
                parts.add(new Text(literal.toString()));
                literal.setLength(0);
            }
        }
    }
}
