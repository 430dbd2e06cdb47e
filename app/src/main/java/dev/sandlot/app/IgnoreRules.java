package dev.sandlot.app;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A {@code .dockerignore}: the last rule that matches a path, or a directory above it, says whether it is left out. */
final class IgnoreRules {
    private record Rule(PathPattern pattern, boolean leavesOut) {}

    private final List<Rule> rules;

    private IgnoreRules(List<Rule> rules) {
        this.rules = List.copyOf(rules);
    }

    /** The rules of a directory; none when it has no such file. */
    static IgnoreRules of(Path directory) throws IOException {
        try {
            return parse(Files.readAllLines(directory.resolve(".dockerignore")));
        } catch (NoSuchFileException e) {
            return new IgnoreRules(List.of());
        }
    }

    static IgnoreRules parse(List<String> lines) {
        List<Rule> rules = new ArrayList<>();
        for (String line : lines) {
            String text = line.strip();
            if (text.isEmpty() || text.startsWith("#")) {
                continue;
            }
            boolean leavesOut = !text.startsWith("!");
            String pattern = Path.of("/", leavesOut ? text : text.substring(1).strip())
                    .normalize()
                    .toString()
                    .substring(1);
            if (!pattern.isEmpty()) {
                rules.add(new Rule(PathPattern.of(pattern), leavesOut));
            }
        }
        return new IgnoreRules(rules);
    }

    boolean leavesOut(String path) {
        boolean out = false;
        for (Rule rule : rules) {
            if (rule.leavesOut() != out && isMatched(rule, path)) {
                out = rule.leavesOut();
            }
        }
        return out;
    }

    private static boolean isMatched(Rule rule, String path) {
        for (int end = path.length(); end > 0; end = path.lastIndexOf('/', end - 1)) {
            if (rule.pattern().matches(path.substring(0, end))) {
                return true;
            }
        }
        return false;
    }

    /** Whether something below a directory that is left out may be kept all the same. */
    boolean hasExceptions() {
        return rules.stream().anyMatch(rule -> !rule.leavesOut());
    }
}
