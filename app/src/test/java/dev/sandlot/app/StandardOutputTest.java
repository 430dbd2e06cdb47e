package dev.sandlot.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class StandardOutputTest {
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    @Test
    void whatCouldNotBeWrittenIsAFailure() {
        assertThat(codeAfter("No space left on device", ExitCode.OK)).isEqualTo(ExitCode.FAILED);
        assertThat(err.toString(StandardCharsets.UTF_8))
                .isEqualToIgnoringNewLines("sandlot: could not write to standard output: No space left on device");
    }

    @Test
    void aReaderThatWentAwayIsToldNothing() {
        assertThat(codeAfter("Broken pipe", ExitCode.OK)).isEqualTo(141);
        assertThat(err.size()).isZero();
    }

    @Test
    void aFailureOfTheCommandComesFirst() {
        assertThat(codeAfter("Broken pipe", ExitCode.NOT_RUNNING)).isEqualTo(ExitCode.NOT_RUNNING);
    }

    @Test
    void whatWasWrittenIsNoFailure() {
        ByteArrayOutputStream written = new ByteArrayOutputStream();
        StandardOutput out = new StandardOutput(written);
        out.print().println("\u00e4");

        assertThat(written.toString(StandardCharsets.UTF_8)).isEqualTo("\u00e4" + System.lineSeparator());
        assertThat(out.exitCode(ExitCode.OK, new PrintStream(err))).isZero();
    }

    private int codeAfter(String failure, int code) {
        StandardOutput out = new StandardOutput(new OutputStream() {
            @Override
            public void write(int one) throws IOException {
                throw new IOException(failure);
            }
        });
        out.print().println("x");
        return out.exitCode(code, new PrintStream(err, true, StandardCharsets.UTF_8));
    }
}
