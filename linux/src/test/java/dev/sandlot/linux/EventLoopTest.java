package dev.sandlot.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class EventLoopTest {
    private EventLoop loop;
    private Io.Pipe pipe;

    @BeforeEach
    void start() throws IOException {
        loop = EventLoop.start("test");
        pipe = Io.pipe();
        Io.setNonBlocking(pipe.readEnd(), true);
    }

    @AfterEach
    void stop() {
        loop.close();
        pipe.close();
    }

    private void write(String text) throws IOException {
        Io.write(pipe.writeEnd(), ByteBuffer.wrap(text.getBytes()));
    }

    /** Returns after the loop has handled everything that was ready before. */
    private void settle() throws Exception {
        for (int i = 0; i < 2; i++) {
            CompletableFuture<Void> done = new CompletableFuture<>();
            loop.execute(() -> done.complete(null));
            done.get(10, TimeUnit.SECONDS);
        }
    }

    @Test
    void tellsAgainWhileBytesAreLeft() throws Exception {
        BlockingQueue<Byte> read = new LinkedBlockingQueue<>();
        write("abc");
        loop.register(pipe.readEnd(), EventLoop.READ, (_, _) -> {
            ByteBuffer one = ByteBuffer.allocate(1);
            Io.read(pipe.readEnd(), one);
            read.add(one.get(0));
        });
        assertThat(List.of(read.take(), read.take(), read.take())).containsExactly((byte) 'a', (byte) 'b', (byte) 'c');
    }

    @Test
    void interestCanBeSwitchedOffAndOnFromAnyThread() throws Exception {
        AtomicInteger calls = new AtomicInteger();
        CountDownLatch first = new CountDownLatch(1);
        var registration = loop.register(pipe.readEnd(), EventLoop.READ, (own, _) -> {
            calls.incrementAndGet();
            own.interest(0);
            first.countDown();
        });
        write("x");
        first.await();
        settle();
        assertThat(calls).hasValue(1);

        registration.interest(EventLoop.READ);
        while (calls.get() < 2) {
            Thread.onSpinWait();
        }
        settle();
        assertThat(calls).hasValue(2);
    }

    @Test
    void withoutInterestNotEvenTheEndIsTold() throws Exception {
        AtomicInteger calls = new AtomicInteger();
        var registration = loop.register(pipe.readEnd(), 0, (own, _) -> {
            calls.incrementAndGet();
            own.close();
        });
        pipe.writeEnd().close();
        settle();
        assertThat(calls).hasValue(0);

        registration.interest(EventLoop.READ);
        while (calls.get() == 0) {
            Thread.onSpinWait();
        }
        assertThat(calls).hasValue(1);
    }

    @Test
    void aFailingCallbackLosesOnlyItsOwnRegistration() throws Exception {
        AtomicInteger failures = new AtomicInteger();
        loop.register(pipe.readEnd(), EventLoop.READ, (_, _) -> {
            failures.incrementAndGet();
            throw new IllegalStateException("expected by the test");
        });
        write("x");
        try (Io.Pipe other = Io.pipe()) {
            CompletableFuture<Void> ready = new CompletableFuture<>();
            loop.register(other.writeEnd(), EventLoop.WRITE, (own, _) -> {
                own.close();
                ready.complete(null);
            });
            ready.get(10, TimeUnit.SECONDS);
        }
        while (failures.get() == 0) {
            Thread.onSpinWait();
        }
        settle();
        assertThat(failures).hasValue(1);
    }

    @Test
    void nothingIsToldAfterCloseOnTheLoopsThread() throws Exception {
        AtomicInteger calls = new AtomicInteger();
        write("x");
        loop.register(pipe.readEnd(), EventLoop.READ, (own, _) -> {
            own.close();
            calls.incrementAndGet();
        });
        while (calls.get() == 0) {
            Thread.onSpinWait();
        }
        settle();
        assertThat(calls).hasValue(1);
    }

    @Test
    void tasksRunInOrderOnTheLoopsThreadAndAllBeforeTheEnd() {
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            int number = i;
            loop.execute(() -> {
                assertThat(loop.isOwnThread()).isTrue();
                order.add(number);
            });
        }
        loop.close();
        assertThat(order).hasSize(1000).isSorted();
    }

    @Test
    void movesManyStreamsAtOnce() throws Exception {
        int streams = 100;
        CountDownLatch ended = new CountDownLatch(streams);
        List<Io.Pipe> pipes = new ArrayList<>();
        for (int i = 0; i < streams; i++) {
            Io.Pipe each = Io.pipe();
            pipes.add(each);
            Io.setNonBlocking(each.readEnd(), true);
            loop.register(each.readEnd(), EventLoop.READ, (own, _) -> {
                if (Io.read(each.readEnd(), ByteBuffer.allocate(100)) == Io.END) {
                    own.close();
                    ended.countDown();
                }
            });
        }
        for (Io.Pipe each : pipes) {
            Io.write(each.writeEnd(), ByteBuffer.allocate(5000));
            each.writeEnd().close();
        }
        assertThat(ended.await(10, TimeUnit.SECONDS)).isTrue();
        pipes.forEach(Io.Pipe::close);
    }
}
