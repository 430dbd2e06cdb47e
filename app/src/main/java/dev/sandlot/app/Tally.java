package dev.sandlot.app;

import java.util.ArrayList;
import java.util.List;

/** Counted tests, with one note for each that failed or was skipped. */
record Tally(int passed, int failed, int skipped, List<String> notes) {
    static final Tally NONE = new Tally(0, 0, 0, List.of());

    Tally {
        notes = List.copyOf(notes);
    }

    static Tally failure(String note) {
        return new Tally(0, 1, 0, List.of("FAILED  " + note));
    }

    static Tally skip(String note) {
        return new Tally(0, 0, 1, List.of("skipped " + note));
    }

    Tally plus(Tally other) {
        List<String> all = new ArrayList<>(notes);
        all.addAll(other.notes);
        return new Tally(passed + other.passed, failed + other.failed, skipped + other.skipped, all);
    }

    /** The line that every test run ends with. */
    String asLine() {
        return passed + " passed, " + failed + " failed, " + skipped + " skipped";
    }
}
