package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.BodyBudget;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Bodies that are sent but for their last byte: {@link BodyBudget}. */
class BodyFloodTest {
    private static final int MEGABYTE = 1 << 20;

    @TempDir
    Path directory;

    /** Gives zeros, then waits, then ends. */
    private static final class HalfSent extends InputStream {
        private final CountDownLatch last;
        private final CountDownLatch stalled;
        private int left;

        HalfSent(int bytes, CountDownLatch stalled, CountDownLatch last) {
            this.left = bytes;
            this.stalled = stalled;
            this.last = last;
        }

        @Override
        public int read() {
            throw new UnsupportedOperationException();
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            if (left > 0) {
                int count = Math.min(left, length);
                Arrays.fill(bytes, offset, offset + count, (byte) 0);
                left -= count;
                return count;
            }
            stalled.countDown();
            try {
                last.await();
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
            return -1;
        }
    }

    @Test
    @Timeout(60)
    void manyHalfSentBodiesLeaveMemoryAndOtherRequests() throws ApiException, InterruptedException {
        int each = (int) Math.min(15L * MEGABYTE, Runtime.getRuntime().maxMemory() / 64);
        int bodies = 64;
        CountDownLatch last = new CountDownLatch(1);
        CountDownLatch settled = new CountDownLatch(bodies);
        BlockingQueue<TestServer.Answer> answers = new LinkedBlockingQueue<>();
        List<Thread> senders = new ArrayList<>();
        try (TestServer server = TestServer.open(directory)) {
            for (int i = 0; i < bodies; i++) {
                senders.add(Thread.startVirtualThread(() -> {
                    try {
                        answers.add(server.send(new MemoryExchange("POST", "/v2/sandboxes")
                                .header("X-API-KEY", server.key)
                                .body(new HalfSent(each, settled, last), each + 1L)));
                    } finally {
                        settled.countDown();
                    }
                }));
            }
            settled.await();
            assertThat(answers).isNotEmpty().allSatisfy(answer -> {
                assertThat(answer.status()).isEqualTo(503);
                assertThat(answer.headers().first("Retry-After")).contains("1");
            });
            server.call("POST", "/v2/sandboxes", "{\"templateID\":\"base\"}").expect(201);
            last.countDown();
            for (Thread sender : senders) {
                sender.join();
            }
            assertThat(answers).hasSize(bodies);
        }
    }
}
