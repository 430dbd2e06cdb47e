package dev.sandlot.envd;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.sandlot.linux.Io;
import dev.sandlot.protocol.process.ProcessEvent.DataEvent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@InProcessOnly("the files alone")
class KeptOutputTest {
    private static final long COOKIE = 0x1234;
    private static final int MOST = 32 << 10;

    @TempDir
    Path directory;

    private final ByteBuffer scratch = ByteBuffer.allocateDirect(MOST);
    private Io.Pipe pipe;

    @BeforeEach
    void open() throws IOException {
        pipe = Io.pipe();
    }

    @AfterEach
    void close() {
        pipe.close();
    }

    private KeptOutput kept() throws IOException {
        return KeptOutput.of(directory, COOKIE);
    }

    /** Sends bytes through the pipe, and gives what the taker was given. */
    private ByteString pass(KeptOutput kept, OutputPump.Kind kind, byte[] bytes) throws IOException {
        ByteString given = ByteString.EMPTY;
        Io.write(pipe.writeEnd(), ByteBuffer.wrap(bytes));
        while (given.size() < bytes.length) {
            assertThat(kept.take(pipe.readEnd(), kind, MOST, scratch.clear())).isPositive();
            given = given.concat(ByteString.copyFrom(scratch.flip()));
        }
        assertThat(given).isEqualTo(ByteString.copyFrom(bytes));
        return given;
    }

    private static ByteString all(List<DataEvent> events) {
        ByteString all = ByteString.EMPTY;
        for (DataEvent event : events) {
            all = all.concat(event.getStdout()).concat(event.getStderr()).concat(event.getPty());
        }
        return all;
    }

    private static byte[] random(Random random, int most) {
        byte[] bytes = new byte[random.nextInt(1, most)];
        random.nextBytes(bytes);
        return bytes;
    }

    @Test
    void the_newest_bytes_are_kept_in_order_and_the_lost_are_counted() throws Exception {
        Random random = new Random(5);
        KeptOutput kept = kept();
        ByteString written = ByteString.EMPTY;
        for (int i = 0; i < 400; i++) {
            OutputPump.Kind kind = OutputPump.Kind.values()[random.nextInt(3)];
            written = written.concat(pass(kept, kind, random(random, 5_000)));
            ByteString found = all(kept.events());
            assertThat(found.size()).isGreaterThanOrEqualTo(Math.min(written.size(), KeptOutput.KEPT_BYTES));
            assertThat(found.size()).isLessThanOrEqualTo(KeptOutput.KEPT_BYTES + 2 * KeptOutput.FILE_BYTES);
            assertThat(written.endsWith(found)).isTrue();
            assertThat(kept.lostBytes()).isEqualTo(written.size() - found.size());
        }
        assertThat(kept.lostBytes()).isPositive();
    }

    /** The program may be killed at any moment: then there is no close. */
    @Test
    void another_program_finds_it_all_and_goes_on() throws Exception {
        Random random = new Random(6);
        ByteString written = ByteString.EMPTY;
        for (int program = 0; program < 60; program++) {
            KeptOutput kept = kept();
            assertThat(written.endsWith(all(kept.events()))).isTrue();
            assertThat(kept.lostBytes() + all(kept.events()).size()).isEqualTo(written.size());
            for (int i = random.nextInt(4); i > 0; i--) {
                OutputPump.Kind kind = OutputPump.Kind.values()[random.nextInt(3)];
                written = written.concat(pass(kept, kind, random(random, 30_000)));
            }
            assertThat(all(kept.events()).size())
                    .isGreaterThanOrEqualTo(Math.min(written.size(), KeptOutput.KEPT_BYTES) / 4);
        }
    }

    @Test
    void streams_stay_apart_and_in_turn() throws Exception {
        KeptOutput kept = kept();
        pass(kept, OutputPump.Kind.STDOUT, new byte[] {'a'});
        pass(kept, OutputPump.Kind.STDOUT, new byte[] {'b'});
        pass(kept, OutputPump.Kind.STDERR, new byte[] {'c'});
        pass(kept, OutputPump.Kind.TERMINAL, new byte[] {'d'});
        for (KeptOutput each : List.of(kept, kept())) {
            assertThat(each.events())
                    .containsExactly(
                            OutputPump.Kind.STDOUT.event(ByteString.copyFromUtf8("ab")),
                            OutputPump.Kind.STDERR.event(ByteString.copyFromUtf8("c")),
                            OutputPump.Kind.TERMINAL.event(ByteString.copyFromUtf8("d")));
            assertThat(each.lostBytes()).isZero();
        }
    }

    @Test
    void the_disk_is_bounded_also_when_streams_alternate() throws Exception {
        KeptOutput kept = kept();
        for (int i = 0; i < 200_000; i++) {
            pass(kept, i % 2 == 0 ? OutputPump.Kind.STDOUT : OutputPump.Kind.STDERR, new byte[] {(byte) i});
        }
        long size = 0;
        List<Path> files = new ArrayList<>();
        try (var found = Files.list(directory)) {
            files.addAll(found.toList());
        }
        for (Path file : files) {
            size += Files.size(file);
        }
        assertThat(files).hasSizeLessThanOrEqualTo(KeptOutput.MAX_FILES);
        assertThat(size).isLessThanOrEqualTo((long) KeptOutput.MAX_FILES * KeptOutput.FILE_BYTES);
        assertThat(all(kept.events()).size()).isGreaterThan(100_000);
    }

    @Test
    void nothing_and_the_end_are_told_apart() throws Exception {
        KeptOutput kept = kept();
        assertThat(kept.take(pipe.readEnd(), OutputPump.Kind.STDOUT, MOST, scratch.clear()))
                .isEqualTo(Io.WOULD_BLOCK);
        pipe.writeEnd().close();
        assertThat(kept.take(pipe.readEnd(), OutputPump.Kind.STDOUT, MOST, scratch.clear()))
                .isEqualTo(Io.END);
        assertThat(kept.events()).isEmpty();
    }

    @Test
    void when_it_cannot_be_kept_it_still_passes_and_counts_as_lost() throws Exception {
        KeptOutput kept = kept();
        pass(kept, OutputPump.Kind.STDOUT, new byte[] {1, 2, 3});
        kept.close();
        try (var files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(directory);
        pass(kept, OutputPump.Kind.STDOUT, new byte[] {4, 5});
        pass(kept, OutputPump.Kind.TERMINAL, new byte[] {6});
        assertThat(kept.events()).isEmpty();
        assertThat(kept.lostBytes()).isEqualTo(6);
    }

    @Test
    void nothing_is_left_of_it_when_it_is_deleted_and_others_stay() throws Exception {
        KeptOutput other = KeptOutput.of(directory, COOKIE + 1);
        pass(other, OutputPump.Kind.STDOUT, new byte[] {9});
        KeptOutput kept = kept();
        pass(kept, OutputPump.Kind.STDOUT, new byte[] {1});
        kept.delete();
        try (var files = Files.list(directory)) {
            assertThat(files).extracting(KeptOutput::cookie).containsExactly(COOKIE + 1);
        }
        assertThat(all(other.events()).toByteArray()).containsExactly(9);
    }
}
