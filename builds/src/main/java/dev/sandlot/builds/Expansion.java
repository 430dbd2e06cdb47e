package dev.sandlot.builds;

import dev.sandlot.builds.WorkSandbox.Lines;
import dev.sandlot.protocol.BuildContext;
import dev.sandlot.protocol.BuildPlan;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Puts variables into the values of an ENV step (template-build.md 5.2): {@code $NAME} and <code>${NAME}</code>, of
 * the build's context first, else of a fresh login shell of root. Everything else stays as it is written: values are
 * never read by a shell.
 */
final class Expansion {
    private static final Pattern REFERENCE =
            Pattern.compile("\\$(?:([A-Za-z_][A-Za-z0-9_]*)|\\{([A-Za-z_][A-Za-z0-9_]*)})");
    private static final Duration LIMIT = Duration.ofMinutes(1);

    /** Tells each variable on a line of its own, after a word that the shell's own setup cannot have said. */
    private static final String TELL = """
            mark=$1; shift
            for name in "$@"; do
              value=${!name}
              value=${value//\\\\/\\\\\\\\}
              value=${value//$'\\n'/\\\\n}
              value=${value//$'\\r'/\\\\r}
              printf '%s%s=%s\\n' "$mark" "$name" "$value"
            done""";

    private final Map<String, String> values;

    Expansion(Map<String, String> values) {
        this.values = values;
    }

    /** The variables that a shell must be asked for. */
    Set<String> unknown(BuildContext context) {
        Set<String> names = new TreeSet<>();
        for (String value : values.values()) {
            Matcher matcher = REFERENCE.matcher(value);
            while (matcher.find()) {
                names.add(name(matcher));
            }
        }
        names.removeAll(context.env().keySet());
        return names;
    }

    /** Asks a sandbox for variables; those that it does not have are empty. */
    static Map<String, String> ask(WorkSandbox sandbox, Set<String> names) throws IOException, InterruptedException {
        String mark = UUID.randomUUID() + ":";
        List<String> arguments = new ArrayList<>(List.of("/bin/bash", "-l", "-c", TELL, "sandlot", mark));
        arguments.addAll(names);
        Map<String, String> found = new HashMap<>();
        Lines lines = new Lines() {
            @Override
            public void stdout(String line) {
                marked(line, mark).ifPresent(pair -> {
                    int equals = pair.indexOf('=');
                    found.put(pair.substring(0, equals), unescaped(pair.substring(equals + 1)));
                });
            }

            @Override
            public void stderr(String line) {}
        };
        WorkSandbox.Ended ended = sandbox.run(new WorkSandbox.Command(arguments, "root", "", Map.of(), LIMIT), lines);
        if (!ended.isOk()) {
            throw new IOException("the shell ended with " + ended.exitCode());
        }
        return found;
    }

    private static Optional<String> marked(String line, String mark) {
        int at = line.indexOf(mark);
        return at < 0 ? Optional.empty() : Optional.of(line.substring(at + mark.length()));
    }

    private static String unescaped(String text) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c != '\\' || i + 1 == text.length()) {
                out.append(c);
            } else {
                i++;
                out.append(plain(text.charAt(i)));
            }
        }
        return out.toString();
    }

    private static char plain(char escaped) {
        return switch (escaped) {
            case 'n' -> '\n';
            case 'r' -> '\r';
            default -> escaped;
        };
    }

    /** The values with all references replaced. */
    Map<String, String> apply(BuildContext context, Map<String, String> shell) {
        Map<String, String> result = new LinkedHashMap<>();
        values.forEach((name, value) -> result.put(
                name,
                REFERENCE.matcher(value).replaceAll(match -> Matcher.quoteReplacement(lookup(match, context, shell)))));
        return result;
    }

    /**
     * A step whose directory, user, target or owner has the variables of the build's context put in; others stay as they
     * are written. The official clients send them so from Dockerfiles.
     */
    static BuildPlan.Step inPaths(BuildPlan.Step step, BuildContext context) {
        List<Integer> where = switch (step.type().toUpperCase(Locale.ROOT)) {
            case "WORKDIR", "USER" -> List.of(0);
            case "COPY", "ADD" -> List.of(1, 2);
            default -> List.of();
        };
        List<String> args = new ArrayList<>(step.args());
        for (int index : where) {
            if (index < args.size()) {
                args.set(index, known(args.get(index), context.env()));
            }
        }
        return new BuildPlan.Step(step.type(), args, step.filesHash(), step.force());
    }

    private static String known(String text, Map<String, String> env) {
        return REFERENCE
                .matcher(text)
                .replaceAll(match -> Matcher.quoteReplacement(env.getOrDefault(name(match), match.group())));
    }

    private static String lookup(java.util.regex.MatchResult match, BuildContext context, Map<String, String> shell) {
        String name = name(match);
        String known = context.env().get(name);
        return known != null ? known : shell.getOrDefault(name, "");
    }

    private static String name(java.util.regex.MatchResult match) {
        String plain = match.group(1);
        return plain != null ? plain : match.group(2);
    }
}
