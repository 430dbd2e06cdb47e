package dev.sandlot.app;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A Dockerfile as its instructions: comments gone, lines that go on joined.
 *
 * @param escape the character that ends a line which goes on
 */
record Dockerfile(List<Instruction> instructions, char escape) {
    private static final String BYTE_ORDER_MARK = "\uFEFF";
    private static final Pattern DIRECTIVE =
            Pattern.compile("#\\s*escape\\s*=\\s*([\\\\`])\\s*", Pattern.CASE_INSENSITIVE);
    private static final Pattern ANY_DIRECTIVE = Pattern.compile("#\\s*[A-Za-z]+\\s*=.*");
    private static final Pattern FLAG = Pattern.compile("--([a-z-]+)(?:=(\\S*))?(?:\\s+|$)");
    private static final Pattern HEREDOC = Pattern.compile("(?:^|\\s)<<-?[\"']?[A-Za-z_]");

    /** A flag such as {@code --chown=user}. */
    record Flag(String name, String value) {}

    /**
     * One instruction.
     *
     * @param line where it begins, from 1
     * @param name in capitals
     * @param flags what stands before its arguments
     * @param arguments as written
     */
    record Instruction(int line, String name, List<Flag> flags, String arguments) {
        Instruction {
            flags = List.copyOf(flags);
        }
    }

    Dockerfile {
        instructions = List.copyOf(instructions);
    }

    /**
     * Reads a Dockerfile.
     *
     * @throws IllegalArgumentException with line and reason when it cannot be read
     */
    static Dockerfile parse(String text) {
        String unmarked = text.startsWith(BYTE_ORDER_MARK) ? text.substring(1) : text;
        List<String> lines = unmarked.lines().toList();
        char escape = escapeOf(lines);
        List<Instruction> found = new ArrayList<>();
        StringBuilder joined = new StringBuilder();
        int begun = 0;
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            if (line.isBlank() || line.stripLeading().startsWith("#")) {
                continue;
            }
            begun = joined.isEmpty() ? i + 1 : begun;
            String bare = line.stripTrailing();
            boolean goesOn = !bare.isEmpty() && bare.charAt(bare.length() - 1) == escape;
            joined.append(goesOn ? bare.substring(0, bare.length() - 1) : line);
            if (!goesOn) {
                found.add(instruction(begun, joined.toString().strip()));
                joined.setLength(0);
            }
        }
        if (!joined.isEmpty()) {
            found.add(instruction(begun, joined.toString().strip()));
        }
        return new Dockerfile(found, escape);
    }

    private static char escapeOf(List<String> lines) {
        for (String line : lines) {
            Matcher matcher = DIRECTIVE.matcher(line.strip());
            if (matcher.matches()) {
                return matcher.group(1).charAt(0);
            }
            if (!ANY_DIRECTIVE.matcher(line.strip()).matches()) {
                break;
            }
        }
        return '\\';
    }

    private static Instruction instruction(int line, String text) {
        String[] parts = text.split("\\s+", 2);
        String name = parts[0].toUpperCase(Locale.ROOT);
        String rest = parts.length == 1 ? "" : parts[1];
        if ((name.equals("RUN") || name.equals("COPY") || name.equals("ADD"))
                && HEREDOC.matcher(rest).find()) {
            throw problem(line, name + " with a here-document is not supported; use several commands or a file");
        }
        List<Flag> flags = new ArrayList<>();
        Matcher flag = FLAG.matcher(rest);
        while (takesFlags(name) && flag.lookingAt()) {
            flags.add(new Flag(flag.group(1), flag.group(2) == null ? "" : flag.group(2)));
            rest = rest.substring(flag.end());
            flag.reset(rest);
        }
        return new Instruction(line, name, flags, rest);
    }

    private static boolean takesFlags(String name) {
        return switch (name) {
            case "FROM", "RUN", "COPY", "ADD", "HEALTHCHECK" -> true;
            default -> false;
        };
    }

    static IllegalArgumentException problem(int line, String text) {
        return new IllegalArgumentException("line " + line + ": " + text);
    }
}
