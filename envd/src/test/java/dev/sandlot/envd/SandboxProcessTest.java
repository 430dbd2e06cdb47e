package dev.sandlot.envd;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.sandlot.linux.Io;
import dev.sandlot.protocol.process.ProcessEvent;
import dev.sandlot.protocol.process.StartRequest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@InProcessOnly("the object alone")
class SandboxProcessTest {
    private static final int LINE_BYTES = 8;
    private static final int LINES_AT_ONCE = 1_000;
    private static final long COOKIE = 7;

    @TempDir
    Path directory;

    private final ByteBuffer scratch = ByteBuffer.allocateDirect(LINE_BYTES * LINES_AT_ONCE);
    private int written;

    /** What is written after the subscription pushes out what it begins with; what it was told stays true of it. */
    @Test
    void what_was_lost_is_counted_to_the_first_byte_of_the_replay() throws Exception {
        SandboxProcess process = durable();
        try (Io.Pipe pipe = Io.pipe()) {
            writeAtLeast(process, pipe, 3 * KeptOutput.KEPT_BYTES);
            try (Subscription subscription = process.subscribe(true)) {
                writeAtLeast(process, pipe, 2 * KeptOutput.KEPT_BYTES);
                assertThat(subscription.lostBytes()).isPositive();
                long from = Math.ceilDiv(subscription.lostBytes(), LINE_BYTES);
                int skipped = Math.toIntExact(from * LINE_BYTES - subscription.lostBytes());
                ByteString first = subscription
                        .next(0)
                        .orElseThrow()
                        .getData()
                        .getStdout()
                        .substring(skipped, skipped + LINE_BYTES);
                assertThat(first.toStringUtf8()).isEqualTo(line(from));
            }
        }
    }

    @Test
    void who_does_not_ask_for_the_replay_misses_nothing() throws Exception {
        SandboxProcess process = durable();
        try (Io.Pipe pipe = Io.pipe()) {
            writeAtLeast(process, pipe, 3 * KeptOutput.KEPT_BYTES);
            try (Subscription subscription = process.subscribe()) {
                assertThat(subscription.lostBytes()).isZero();
                Optional<ProcessEvent> none = subscription.next(0);
                assertThat(none).isEmpty();
            }
        }
    }

    private SandboxProcess durable() throws IOException {
        ProcessJournal.Entry entry = new ProcessJournal.Entry(COOKIE, StartRequest.getDefaultInstance(), null, true);
        return new SandboxProcess(1, entry, null, KeptOutput.of(directory, COOKIE), ended -> {});
    }

    private void writeAtLeast(SandboxProcess process, Io.Pipe pipe, int bytes) throws IOException {
        for (int sent = 0; sent < bytes; sent += LINE_BYTES * LINES_AT_ONCE) {
            StringBuilder lines = new StringBuilder();
            for (int i = 0; i < LINES_AT_ONCE; i++) {
                lines.append(line(written++));
            }
            Io.write(pipe.writeEnd(), ByteBuffer.wrap(lines.toString().getBytes(StandardCharsets.US_ASCII)));
            for (int moved = 0; moved < lines.length(); ) {
                moved += process.pass(pipe.readEnd(), OutputPump.Kind.STDOUT, scratch.clear());
            }
        }
    }

    private static String line(long number) {
        return "%07d\n".formatted(number);
    }
}
