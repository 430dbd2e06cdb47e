package dev.sandlot.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class ScriptCountsTest {
    private final ScriptCounts counts = new ScriptCounts("acceptance/run");

    private void read(String output) {
        output.lines().forEach(counts::read);
    }

    @Test
    void the_last_counts_hold_and_what_failed_or_was_skipped_is_named_once() {
        read("""
                == one part
                FAILED  files are there
                1 passed, 1 failed, 0 skipped
                  FAILED  in the middle of a text
                skipped: there is no npm
                FAILED  files are there

                20 passed, 1 failed, 1 skipped
                """);
        assertThat(counts.tally())
                .contains(new Tally(20, 1, 1, List.of("FAILED  files are there", "skipped there is no npm")));
    }

    @Test
    void what_has_no_name_is_counted() {
        read("2 passed, 3 failed, 4 skipped");
        assertThat(counts.tally())
                .contains(new Tally(
                        2,
                        3,
                        4,
                        List.of(
                                "FAILED  3 of acceptance/run; see its output above",
                                "skipped 4 of acceptance/run; see its output above")));
    }

    @Test
    void without_counts_there_is_no_tally() {
        read("FAILED  all");
        assertThat(counts.tally()).isEmpty();
    }
}
