package dev.sandlot.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SurefireReportsTest {
    @TempDir
    private Path root;

    @BeforeEach
    void write() throws IOException {
        Path directory = Files.createDirectories(root.resolve("edge/target/surefire-reports"));
        Files.writeString(directory.resolve("TEST-a.xml"), """
                <testsuite><testcase classname="A" name="good"/>
                <testcase classname="A" name="bad"><failure message="was 1&#10;more">x</failure></testcase>
                <testcase classname="A" name="worse"><error type="E">x</error></testcase>
                <testcase classname="A" name="later"><skipped message="no KVM"/></testcase></testsuite>
                """);
        Files.writeString(directory.resolve("a.txt"), "not a report");
    }

    @Test
    void testsAreCountedWithTheirReasons() throws IOException {
        Tally tally = new SurefireReports(root).read();

        assertThat(tally.asLine()).isEqualTo("1 passed, 2 failed, 1 skipped");
        assertThat(tally.notes()).containsExactly("FAILED  A.bad: was 1", "FAILED  A.worse", "skipped A.later: no KVM");
    }

    @Test
    void anEarlierRunIsForgotten() throws IOException {
        SurefireReports reports = new SurefireReports(root);

        reports.clear();

        assertThat(reports.read()).isEqualTo(Tally.NONE);
    }
}
