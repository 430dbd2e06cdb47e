package dev.sandlot.app;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What the output of a test script tells: lines {@code FAILED  NAME} and {@code skipped: NAME} among others, and lines
 * of counts, the last of which is of the whole script.
 */
final class ScriptCounts {
    private static final Pattern COUNTS = Pattern.compile("(\\d+) passed, (\\d+) failed, (\\d+) skipped");
    private static final Pattern FAILED = Pattern.compile("FAILED  (.*)");
    private static final Pattern SKIPPED = Pattern.compile("skipped: (.*)");

    private final String script;
    private final Set<String> failed = new LinkedHashSet<>();
    private final Set<String> skipped = new LinkedHashSet<>();
    private @Nullable Matcher counts;

    /**
     * @param script its name, for what it does not name
     */
    ScriptCounts(String script) {
        this.script = script;
    }

    void read(String line) {
        name(FAILED, line).ifPresent(failed::add);
        name(SKIPPED, line).ifPresent(skipped::add);
        Matcher matcher = COUNTS.matcher(line);
        if (matcher.matches()) {
            counts = matcher;
        }
    }

    /** The counts with the names; nothing when there was no line of counts. */
    Optional<Tally> tally() {
        return Optional.ofNullable(counts).map(found -> {
            int failures = Integer.parseInt(found.group(2));
            int skips = Integer.parseInt(found.group(3));
            List<String> notes = new ArrayList<>(notes("FAILED  ", failures, failed));
            notes.addAll(notes("skipped ", skips, skipped));
            return new Tally(Integer.parseInt(found.group(1)), failures, skips, notes);
        });
    }

    private List<String> notes(String kind, int count, Set<String> names) {
        return count > 0 && names.isEmpty()
                ? List.of(kind + count + " of " + script + "; see its output above")
                : names.stream().map(kind::concat).toList();
    }

    private static Optional<String> name(Pattern kind, String line) {
        Matcher matcher = kind.matcher(line);
        return matcher.matches() ? Optional.of(matcher.group(1)) : Optional.empty();
    }
}
