package dev.sandlot.envd;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.sandlot.linux.EventLoop;
import dev.sandlot.linux.Io;
import dev.sandlot.protocol.process.ProcessConfig;
import dev.sandlot.protocol.process.ProcessEvent;
import dev.sandlot.protocol.process.StartRequest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What waits for a reader is bounded, and then the process waits (envd.md 7.5, P15). */
@Timeout(60)
@InProcessOnly("one process alone, over a pipe")
class BackpressureTest {
    private static final int PIPE_BYTES = 64 << 10;
    private static final int BLOCK = 4096;
    private static final StartRequest REQUEST = StartRequest.newBuilder()
            .setProcess(ProcessConfig.newBuilder().setCmd("writer"))
            .build();

    private EventLoop loop;
    private EnvdHost host;
    private Io.Pipe pipe;
    private SandboxProcess process;
    private long written;

    @BeforeEach
    void open() throws IOException {
        loop = EventLoop.start("test-loop");
        host = new EnvdHost(loop);
        pipe = Io.pipe();
        Io.setNonBlocking(pipe.readEnd(), true);
        Io.setNonBlocking(pipe.writeEnd(), true);
        process = new SandboxProcess(1, new ProcessJournal.Entry(1, REQUEST, null, false), null, null, _ -> {});
        process.hold();
        new OutputPump(host, pipe.readEnd(), OutputPump.Kind.STDOUT, process);
    }

    @AfterEach
    void close() {
        process.closeStreams();
        host.close();
        loop.close();
        pipe.close();
    }

    /** Writes until the pipe is full and the loop, which has looked at it since, left it so. */
    private void writeUntilStalled() throws Exception {
        int stalled = 0;
        while (stalled < 2) {
            if (writeBlock() == Io.WOULD_BLOCK) {
                stalled++;
                awaitLoop();
            } else {
                stalled = 0;
            }
        }
    }

    private int writeBlock() throws IOException {
        byte[] block = new byte[BLOCK];
        for (int i = 0; i < BLOCK; i++) {
            block[i] = (byte) ((written + i) % 251);
        }
        int count = Io.write(pipe.writeEnd(), ByteBuffer.wrap(block));
        written += count;
        return count;
    }

    /** A whole turn of the loop: what was ready before the mark is called before it. */
    private void awaitLoop() throws Exception {
        CompletableFuture<Boolean> turn = new CompletableFuture<>();
        try (Io.Pipe mark = Io.pipe();
                EventLoop.Registration _ = loop.register(mark.readEnd(), EventLoop.READ, (registration, _) -> {
                    registration.interest(0);
                    turn.complete(true);
                })) {
            Io.write(mark.writeEnd(), ByteBuffer.wrap(new byte[] {1}));
            turn.get(10, TimeUnit.SECONDS);
        }
    }

    private static int read(Subscription subscription, long from) throws InterruptedException {
        Optional<ProcessEvent> event = subscription.next(TimeUnit.SECONDS.toNanos(10));
        ByteString bytes = event.orElseThrow().getData().getStdout();
        for (int i = 0; i < bytes.size(); i++) {
            assertThat(bytes.byteAt(i)).isEqualTo((byte) ((from + i) % 251));
        }
        return bytes.size();
    }

    @Test
    void P15_what_waits_for_a_reader_is_bounded_and_the_process_waits_then() throws Exception {
        try (Subscription slow = process.subscribe()) {
            writeUntilStalled();
            assertThat(slow.full()).isTrue();
            assertThat(written)
                    .isGreaterThanOrEqualTo(PIPE_BYTES + Subscription.CAPACITY)
                    .isLessThanOrEqualTo(PIPE_BYTES + (long) Subscription.CAPACITY * OutputPump.MAX_CHUNK_BYTES);
            long read = 0;
            for (int round = 0; round < 50; round++) {
                long before = written;
                int taken = read(slow, read);
                read += taken;
                awaitLoop();
                writeUntilStalled();
                assertThat(slow.full()).isTrue();
                assertThat(written - before).isLessThanOrEqualTo(OutputPump.MAX_CHUNK_BYTES);
            }
            assertThat(written).isGreaterThan(read);
        }
    }

    @Test
    void P15_a_reader_that_leaves_holds_up_nobody_and_the_others_miss_nothing() throws Exception {
        Subscription slow = process.subscribe();
        try (Subscription good = process.subscribe()) {
            writeUntilStalled();
            long read = 0;
            while (good.full()) {
                read += read(good, read);
            }
            awaitLoop();
            assertThat(writeBlock()).as("the slow one still holds it up").isEqualTo(Io.WOULD_BLOCK);
            slow.close();
            writeUntilStalled();
            while (read < written) {
                read += read(good, read);
            }
            assertThat(read).isEqualTo(written);
        }
    }
}
