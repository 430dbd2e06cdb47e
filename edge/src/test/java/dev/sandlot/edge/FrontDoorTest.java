package dev.sandlot.edge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sandlot.protocol.Exchange;
import dev.sandlot.protocol.ExchangeHandler;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class FrontDoorTest {
    private FrontDoor door;

    private int serve(ExchangeHandler api) throws IOException {
        door = new FrontDoor(
                List.of(new FrontListener("127.0.0.1", 0, FrontListener.Kind.ALL)),
                api,
                (id, port, exchange) -> text(exchange, 200, id + ":" + port + " " + exchange.rawPath()));
        door.start();
        return door.port(0);
    }

    @AfterEach
    void close() {
        if (door != null) {
            door.close();
        }
    }

    private static void text(Exchange exchange, int status, String text) throws IOException {
        exchange.send(status, text.getBytes(StandardCharsets.UTF_8));
    }

    private static void await(CountDownLatch latch) throws IOException {
        try {
            if (!latch.await(20, TimeUnit.SECONDS)) {
                throw new IOException("Waited too long");
            }
        } catch (InterruptedException e) {
            throw (IOException) new InterruptedIOException().initCause(e);
        }
    }

    @Test
    void anAbortedChunkedAnswerHasNoLastChunk() throws Exception {
        int port = serve(exchange -> {
            OutputStream out = exchange.start(200, -1);
            out.write("hello".getBytes(StandardCharsets.UTF_8));
            out.flush();
            exchange.abort();
        });
        try (RawClient client = new RawClient(port)) {
            String all =
                    client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").readAll();
            assertThat(all).contains("Transfer-Encoding: chunked").endsWith("5\r\nhello");
        }
    }

    @Test
    void anAnswerThatIsNeverClosedIsCut() throws Exception {
        int port = serve(exchange -> {
            OutputStream out = exchange.start(200, -1);
            out.write("hello".getBytes(StandardCharsets.UTF_8));
            out.flush();
        });
        try (RawClient client = new RawClient(port)) {
            assertThat(client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").readAll())
                    .endsWith("5\r\nhello");
        }
    }

    @Test
    void anAnswerShortOfItsLengthIsCut() throws Exception {
        int port = serve(exchange -> {
            try (OutputStream out = exchange.start(200, 10)) {
                out.write("hello".getBytes(StandardCharsets.UTF_8));
                out.flush();
            }
        });
        try (RawClient client = new RawClient(port)) {
            assertThat(client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").readAll())
                    .contains("Content-Length: 10")
                    .endsWith("\r\n\r\nhello");
        }
    }

    @Test
    void abortFromAnotherThreadCutsAnIdleStreamAndAWaitingHandler() throws Exception {
        BlockingQueue<Exchange> exchanges = new LinkedBlockingQueue<>();
        CountDownLatch failed = new CountDownLatch(1);
        int port = serve(exchange -> {
            exchange.onFailure(failed::countDown);
            exchange.start(200, -1).flush();
            exchanges.add(exchange);
            await(failed);
        });
        try (RawClient client = new RawClient(port)) {
            client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").readUntil("\r\n\r\n");
            exchanges.take().abort();
            assertThat(client.readAll()).isEmpty();
            assertThat(failed.await(5, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void abortBeforeTheAnswerBeganSendsNothing() throws Exception {
        int port = serve(Exchange::abort);
        try (RawClient client = new RawClient(port)) {
            assertThat(client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").readAll())
                    .isEmpty();
        }
    }

    @Test
    void abortWakesAReaderAndAWriter() throws Exception {
        BlockingQueue<Exchange> exchanges = new LinkedBlockingQueue<>();
        BlockingQueue<String> seen = new LinkedBlockingQueue<>();
        int port = serve(exchange -> {
            exchanges.add(exchange);
            try {
                if (exchange.method().equals("POST")) {
                    exchange.requestBody().readAllBytes();
                } else {
                    OutputStream out = exchange.start(200, -1);
                    byte[] block = new byte[1 << 20];
                    for (int i = 0; i < 1000; i++) {
                        out.write(block);
                    }
                }
                seen.add("ended");
            } catch (IOException e) {
                seen.add("failed");
                throw e;
            }
        });
        try (RawClient reader = new RawClient(port);
                RawClient writer = new RawClient(port)) {
            reader.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nabc");
            Exchange reading = exchanges.take();
            writer.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").readBytes(1000);
            Exchange writing = exchanges.take();
            assertThat(seen.poll(200, TimeUnit.MILLISECONDS)).isNull();
            reading.abort();
            assertThat(seen.poll(5, TimeUnit.SECONDS)).isEqualTo("failed");
            writing.abort();
            assertThat(seen.poll(5, TimeUnit.SECONDS)).isEqualTo("failed");
        }
    }

    @Test
    void theClientsGoingAwayIsNoticedDuringAnIdleStream() throws Exception {
        CountDownLatch failed = new CountDownLatch(1);
        int port = serve(exchange -> {
            exchange.onFailure(failed::countDown);
            exchange.requestBody().readAllBytes();
            exchange.start(200, -1).flush();
            await(failed);
        });
        RawClient client = new RawClient(port);
        client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nab")
                .readUntil("\r\n\r\n");
        client.close();
        assertThat(failed.await(5, TimeUnit.SECONDS)).isTrue();
    }

    /** Until the server has taken what a client sent out of the kernel's queue: {@code local remote state tx:rx}. */
    private static void awaitRead(int port, int clientPort) throws Exception {
        String line = ".*:%04X \\S+:%04X 01 \\S+:00000000 .*".formatted(port, clientPort);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (Stream.of("tcp", "tcp6").flatMap(FrontDoorTest::connections).noneMatch(entry -> entry.matches(line))) {
            assertThat(System.nanoTime()).as("time is up").isLessThan(deadline);
            TimeUnit.MILLISECONDS.sleep(5);
        }
    }

    private static Stream<String> connections(String protocol) {
        try {
            return Files.readAllLines(Path.of("/proc/net", protocol)).stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void aWatchedConnectionStillServesThePipelinedAndTheNextRequest() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch watched = new CountDownLatch(1);
        int port = serve(exchange -> {
            switch (exchange.rawPath()) {
                case "/slow" -> {
                    begun.countDown();
                    await(go);
                }
                case "/left" -> {
                    exchange.onFailure(watched::countDown);
                    await(watched);
                }
                default -> {}
            }
            text(exchange, 200, exchange.rawPath());
        });
        try (RawClient client = new RawClient(port)) {
            client.send("GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n");
            await(begun);
            new RawClient(port)
                    .send("GET /left HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    .close();
            assertThat(watched.await(20, TimeUnit.SECONDS))
                    .as("a younger exchange is watched")
                    .isTrue();
            client.send("GET /pipelined HTTP/1.1\r\nHost: localhost\r\n\r\n");
            awaitRead(port, client.socket.getLocalPort());
            go.countDown();
            assertThat(client.readAnswer()).endsWith("/slow");
            assertThat(client.readAnswer()).endsWith("/pipelined");
            assertThat(client.send("GET /next HTTP/1.1\r\nHost: localhost\r\n\r\n")
                            .readAnswer())
                    .endsWith("/next");
        }
        try (RawClient client = new RawClient(port)) {
            CountDownLatch unused = go;
            assertThat(unused.getCount()).isZero();
            assertThat(client.send("GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
                            .readAnswer())
                    .endsWith("/slow");
        }
    }

    @Test
    void aConnectionSurvivesAnEarlyAnswerToABigBody() throws Exception {
        int port = serve(exchange -> text(exchange, exchange.method().equals("GET") ? 200 : 404, "early"));
        try (RawClient client = new RawClient(port)) {
            byte[] block = new byte[1 << 20];
            client.send("PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + 20 * block.length + "\r\n\r\n");
            for (int i = 0; i < 20; i++) {
                client.socket.getOutputStream().write(block);
            }
            assertThat(client.readAnswer()).startsWith("HTTP/1.1 404").endsWith("early");
            assertThat(client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").readAnswer())
                    .startsWith("HTTP/1.1 200");
        }
    }

    /** Answers 408 while another thread waits for the body, as a handler does whose work takes too long. */
    private int serveImpatiently(BlockingQueue<Exchange> begun, Duration drainTime, boolean interrupting)
            throws IOException {
        ExchangeHandler api = exchange -> {
            if (exchange.method().equals("GET")) {
                text(exchange, 200, "next");
                return;
            }
            BlockingQueue<IOException> ended = new LinkedBlockingQueue<>();
            Thread reader = Thread.startVirtualThread(() -> read(exchange, ended));
            awaitWaiting(reader);
            if (interrupting) {
                reader.interrupt();
                assertThat(poll(ended)).isInstanceOf(InterruptedIOException.class);
            }
            begun.add(exchange);
            text(exchange, 408, "late");
        };
        return serve(api, drainTime);
    }

    private int serve(ExchangeHandler api, Duration drainTime) throws IOException {
        return serve(api, drainTime, FrontConnector.HEAD_TIME);
    }

    private int serve(ExchangeHandler api, Duration drainTime, Duration headTime) throws IOException {
        return serve(api, drainTime, headTime, Integer.MAX_VALUE);
    }

    private int serve(ExchangeHandler api, Duration drainTime, Duration headTime, int mostConnections)
            throws IOException {
        door = new FrontDoor(
                List.of(new FrontListener("127.0.0.1", 0, FrontListener.Kind.ALL)),
                api,
                api,
                (id, port, exchange) -> exchange.abort(),
                drainTime,
                headTime,
                mostConnections);
        door.start();
        return door.port(0);
    }

    @Test
    void connectionsBeyondTheLimitWaitUntilOthersEnd() throws Exception {
        int port = serve(exchange -> text(exchange, 200, "here"), Duration.ofSeconds(30), FrontConnector.HEAD_TIME, 2);
        String request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
        try (RawClient first = new RawClient(port);
                RawClient second = new RawClient(port)) {
            assertThat(first.send(request).readAnswer()).startsWith("HTTP/1.1 200");
            assertThat(second.send(request).readAnswer()).startsWith("HTTP/1.1 200");
            try (RawClient third = new RawClient(port)) {
                third.send(request);
                third.socket.setSoTimeout(200);
                assertThatThrownBy(third::readAnswer).isInstanceOf(SocketTimeoutException.class);
                assertThat(first.send(request).readAnswer()).startsWith("HTTP/1.1 200");
                first.close();
                third.socket.setSoTimeout(20_000);
                assertThat(third.readAnswer()).startsWith("HTTP/1.1 200");
            }
        }
    }

    private static void read(Exchange exchange, BlockingQueue<IOException> ended) {
        try {
            exchange.requestBody().readAllBytes();
        } catch (IOException e) {
            ended.add(e);
        }
    }

    private static <T> T poll(BlockingQueue<T> queue) throws IOException {
        try {
            return queue.poll(10, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            throw (IOException) new InterruptedIOException().initCause(e);
        }
    }

    private static void awaitWaiting(Thread thread) {
        while (thread.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aRequestWhoseBodyDoesNotComeEndsWithItsAnswerAndItsConnection(boolean interrupting) throws Exception {
        CountDownLatch failed = new CountDownLatch(1);
        BlockingQueue<Exchange> begun = new LinkedBlockingQueue<>();
        int port = serveImpatiently(begun, Duration.ofMillis(200), interrupting);
        try (RawClient client = new RawClient(port)) {
            client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\na");
            begun.take().onFailure(failed::countDown);
            assertThat(client.readAnswer()).startsWith("HTTP/1.1 408").endsWith("late");
            assertThat(client.readAll()).isEmpty();
            assertThat(failed.await(10, TimeUnit.SECONDS)).isTrue();
            assertThat(door.stop(Duration.ofSeconds(10)))
                    .as("no exchange is left")
                    .isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aConnectionSurvivesABodyThatComesAfterItsReaderGaveUp(boolean interrupting) throws Exception {
        int port = serveImpatiently(new LinkedBlockingQueue<>(), Duration.ofSeconds(30), interrupting);
        try (RawClient client = new RawClient(port)) {
            client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\na");
            assertThat(client.readAnswer()).startsWith("HTTP/1.1 408").endsWith("late");
            client.send("b".repeat(50)).send("c".repeat(49));
            assertThat(client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").readAnswer())
                    .startsWith("HTTP/1.1 200")
                    .endsWith("next");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"P", "POST /a", "POST / HTTP/1.1\r\nHost: x\r\nX-A"})
    void aHeadThatIsNotCompletedIsCutAndNothingElse(String begun) throws Exception {
        Duration headTime = Duration.ofMillis(300);
        int port = serve(
                exchange -> {
                    exchange.requestBody().readAllBytes();
                    text(exchange, 200, "whole");
                },
                Duration.ofSeconds(30),
                headTime);
        try (RawClient silent = new RawClient(port);
                RawClient slowBody = new RawClient(port);
                RawClient between = new RawClient(port);
                RawClient slowHead = new RawClient(port);
                RawClient second = new RawClient(port)) {
            slowBody.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n");
            String get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
            assertThat(between.send(get).readAnswer()).endsWith("whole");
            assertThat(second.send(get).readAnswer()).endsWith("whole");
            long start = System.nanoTime();
            slowHead.send(begun);
            second.send(begun);
            assertThat(slowHead.readAll()).isEmpty();
            assertThat(second.readAll()).isEmpty();
            assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(headTime.toNanos());
            assertThat(silent.send(get).readAnswer()).endsWith("whole");
            assertThat(slowBody.send("a").readAnswer()).endsWith("whole");
            assertThat(between.send(get).readAnswer()).endsWith("whole");
        }
    }

    @Test
    void bytesNowAndThenGiveAHeadNoMoreTime() throws Exception {
        int port = serve(exchange -> text(exchange, 200, "whole"), Duration.ofSeconds(30), Duration.ofMillis(300));
        try (RawClient client = new RawClient(port)) {
            client.send("GET / HTTP/1.1\r\nHost: x\r\nX-A: ");
            client.socket.setSoTimeout(50);
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
            while (isOpen(client)) {
                assertThat(System.nanoTime()).as("time is up").isLessThan(deadline);
                client.send("a");
            }
        } catch (SocketException e) {
            assertThat(e).as("cut while it sent").hasMessageMatching("Broken pipe|Connection reset");
        }
    }

    /** Whether the server has not closed within the client's patience. */
    private static boolean isOpen(RawClient client) throws IOException {
        try {
            assertThat(client.readAll()).isEmpty();
            return false;
        } catch (SocketTimeoutException e) {
            return true;
        }
    }

    @Test
    void aReaderThatOutlastsItsExchangeFails() throws Exception {
        BlockingQueue<IOException> ended = new LinkedBlockingQueue<>();
        int port = serve(
                exchange -> {
                    awaitWaiting(Thread.startVirtualThread(() -> read(exchange, ended)));
                    text(exchange, 408, "late");
                },
                Duration.ofMillis(200));
        try (RawClient client = new RawClient(port)) {
            client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\na");
            assertThat(client.readAll()).startsWith("HTTP/1.1 408").endsWith("late");
            assertThat(poll(ended)).hasMessage("The exchange is over");
        }
    }

    @Test
    void expectContinueIsAnsweredWhenTheBodyIsWanted() throws Exception {
        int port = serve(exchange ->
                text(exchange, 200, new String(exchange.requestBody().readAllBytes(), StandardCharsets.UTF_8)));
        try (RawClient client = new RawClient(port)) {
            client.send("POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
            assertThat(client.readUntil("\r\n\r\n")).startsWith("HTTP/1.1 100");
            assertThat(client.send("abc").readAnswer())
                    .startsWith("HTTP/1.1 200")
                    .endsWith("abc");
        }
    }

    @Test
    void expectContinueIsNotAnsweredWhenTheBodyIsNotWanted() throws Exception {
        int port = serve(exchange -> text(exchange, 403, "no"));
        try (RawClient client = new RawClient(port)) {
            client.send("POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
            assertThat(client.readAll()).startsWith("HTTP/1.1 403").endsWith("no");
        }
    }

    @Test
    void chunkedRequestsAreDecodedAndStreamed() throws Exception {
        BlockingQueue<String> parts = new LinkedBlockingQueue<>();
        int port = serve(exchange -> {
            InputStream body = exchange.requestBody();
            byte[] buffer = new byte[100];
            for (int n = body.read(buffer); n >= 0; n = body.read(buffer)) {
                parts.add(new String(buffer, 0, n, StandardCharsets.UTF_8));
            }
            exchange.send(204, new byte[0]);
        });
        try (RawClient client = new RawClient(port)) {
            client.send("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
            assertThat(parts.poll(5, TimeUnit.SECONDS)).isEqualTo("abc");
            client.send("2\r\nde\r\n0\r\n\r\n");
            assertThat(parts.poll(5, TimeUnit.SECONDS)).isEqualTo("de");
            assertThat(client.readAnswer()).startsWith("HTTP/1.1 204").doesNotContain("Content-Length");
        }
    }

    @Test
    void headAnswersCarryTheLengthButNoBody() throws Exception {
        int port = serve(exchange -> {
            try (OutputStream out = exchange.start(200, 5)) {
                out.write("hello".getBytes(StandardCharsets.UTF_8));
            }
        });
        try (RawClient client = new RawClient(port)) {
            String head =
                    client.send("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n").readUntil("\r\n\r\n");
            assertThat(head).contains("Content-Length: 5").doesNotContain("Server:");
            assertThat(client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").readAnswer())
                    .startsWith("HTTP/1.1 200");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
                "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\nabc",
                "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\nabc",
                "GET / HTTP/1.1\r\nHost: h\r\nX-A: a\r\n b\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: h\r\nX-A : a\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n",
                "GET / HTTP/1.1\r\n\r\n",
                "GET /a/../../b HTTP/1.1\r\nHost: h\r\n\r\n",
                "GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n",
                "GET /a%00b HTTP/1.1\r\nHost: h\r\n\r\n"
            })
    void ambiguousRequestsAreRefused(String request) throws Exception {
        AtomicInteger served = new AtomicInteger();
        int port = serve(exchange -> {
            served.incrementAndGet();
            exchange.requestBody().readAllBytes();
            text(exchange, 200, "served");
        });
        try (RawClient client = new RawClient(port)) {
            client.send(request).socket.shutdownOutput();
            assertThat(client.readAll()).startsWith("HTTP/1.1 400").contains("{\"code\":400,\"message\":\"");
        }
        assertThat(served.get()).isZero();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/templates/team%2Fname%3Atag",
                "/a/../b",
                "/%2e/x",
                "/a//b/./c",
                "/a;b=c",
                "/a%5Cb",
                "/a\\b",
                "/x?y=%2F&z"
            })
    void pathsArriveAsTheyCame(String target) throws Exception {
        int port = serve(exchange -> text(
                exchange, 200, exchange.rawPath() + (exchange.rawQuery().isEmpty() ? "" : "?" + exchange.rawQuery())));
        try (RawClient client = new RawClient(port)) {
            assertThat(client.send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n")
                            .readAnswer())
                    .endsWith("\r\n\r\n" + target);
        }
    }

    @Test
    void aTunnelCarriesBytesBothWaysFromTheFirst() throws Exception {
        Pipe pipe = new Pipe();
        int port = serve(exchange -> {
            exchange.responseHeaders().set("Connection", "Upgrade").set("Upgrade", "echo");
            exchange.tunnel(pipe);
        });
        try (RawClient client = new RawClient(port)) {
            client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly");
            assertThat(client.readUntil("\r\n\r\n"))
                    .startsWith("HTTP/1.1 101")
                    .contains("Upgrade: echo")
                    .doesNotContain("chunked");
            assertThat(client.readBytes(5)).isEqualTo("early");
            assertThat(client.send("later").readBytes(5)).isEqualTo("later");
            pipe.close();
            assertThat(client.readAll()).isEmpty();
        }
    }

    @Test
    void aTunnelEndsWithItsClient() throws Exception {
        Pipe pipe = new Pipe();
        int port = serve(exchange -> exchange.tunnel(pipe));
        try (RawClient client = new RawClient(port)) {
            client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
                    .readUntil("\r\n\r\n");
        }
        assertThat(pipe.closed.await(5, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void aThousandIdleStreamsTakeNoPlatformThreads() throws Exception {
        CountDownLatch begun = new CountDownLatch(1000);
        CountDownLatch go = new CountDownLatch(1);
        int port = serve(exchange -> {
            OutputStream out = exchange.start(200, -1);
            out.write('a');
            out.flush();
            begun.countDown();
            await(go);
            out.close();
        });
        int before = Thread.activeCount();
        List<RawClient> clients = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            clients.add(new RawClient(port).send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        }
        assertThat(begun.await(20, TimeUnit.SECONDS)).isTrue();
        assertThat(Thread.getAllStackTraces().keySet().stream()
                        .filter(thread -> thread.getName().startsWith("front"))
                        .count())
                .isLessThan(12);
        assertThat(Thread.activeCount() - before).isLessThan(12);
        go.countDown();
        for (RawClient client : clients) {
            assertThat(client.readUntil("0\r\n\r\n")).contains("1\r\na\r\n");
            client.close();
        }
    }

    @Test
    void stopLetsExchangesEndWithinThePatience() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        int port = serve(exchange -> {
            begun.countDown();
            await(go);
            text(exchange, 200, "late");
        });
        try (RawClient client = new RawClient(port)) {
            client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
            begun.await();
            LinkedBlockingQueue<Boolean> stopped = new LinkedBlockingQueue<>();
            Thread.startVirtualThread(() -> {
                try {
                    stopped.add(door.stop(Duration.ofSeconds(20)));
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
            while (canConnect(port)) {
                TimeUnit.MILLISECONDS.sleep(10);
            }
            assertThat(stopped).isEmpty();
            go.countDown();
            assertThat(client.readAll()).contains("HTTP/1.1 200").endsWith("late");
            assertThat(stopped.poll(5, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void stopCutsWhatOutlastsThePatience() throws Exception {
        CountDownLatch failed = new CountDownLatch(1);
        int port = serve(exchange -> {
            exchange.onFailure(failed::countDown);
            exchange.start(200, -1).flush();
            await(failed);
        });
        try (RawClient client = new RawClient(port)) {
            client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").readUntil("\r\n\r\n");
            assertThat(door.stop(Duration.ofMillis(200))).isFalse();
            assertThat(client.readAll()).isEmpty();
        }
    }

    private static boolean canConnect(int port) {
        try (RawClient client = new RawClient(port)) {
            return client.socket.isConnected();
        } catch (IOException e) {
            return false;
        }
    }

    @Test
    void aHandlerThatThrowsIsAnsweredWith500() throws Exception {
        int port = serve(exchange -> {
            throw new IllegalStateException("on purpose");
        });
        try (RawClient client = new RawClient(port)) {
            assertThat(client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").readAnswer())
                    .startsWith("HTTP/1.1 500")
                    .contains("\"code\":500");
        }
    }

    @Test
    void connectIsRefusedInTheFormOfTheApi() throws Exception {
        int port = serve(exchange -> text(exchange, 200, "api"));
        try (RawClient client = new RawClient(port)) {
            assertThat(client.send("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n")
                            .readAnswer())
                    .startsWith("HTTP/1.1 501")
                    .contains("application/json", "\"code\":501");
        }
    }

    @Test
    void reservedPathsAreRefusedOnTheEnvdPortAlone() throws Exception {
        int port = serve(exchange -> text(exchange, 200, "api"));
        try (RawClient client = new RawClient(port)) {
            String reserved = client.send("POST /./%69nit/ HTTP/1.1\r\nHost: 49983-iabc.example.com\r\n"
                            + "Content-Length: 0\r\n\r\n")
                    .readAnswer();
            assertThat(reserved)
                    .startsWith("HTTP/1.1 404")
                    .contains("application/json; charset=utf-8")
                    .endsWith("{\"message\":\"The path /init is reserved for the E2B control plane\","
                            + "\"path\":\"/init\",\"code\":404}");
            assertThat(client.send("GET /init HTTP/1.1\r\nHost: 3000-iabc.example.com:8080\r\n\r\n")
                            .readAnswer())
                    .endsWith("iabc:3000 /init");
            assertThat(client.send("GET /init HTTP/1.1\r\nHost: api.example.com\r\n\r\n")
                            .readAnswer())
                    .endsWith("api");
        }
    }

    /** A peer that gives back what it gets. */
    private static final class Pipe implements ByteChannel {
        private final LinkedBlockingQueue<byte[]> parts = new LinkedBlockingQueue<>();
        final CountDownLatch closed = new CountDownLatch(1);

        @Override
        public int read(ByteBuffer buffer) throws IOException {
            try {
                byte[] part = parts.take();
                buffer.put(part);
                return part.length == 0 ? -1 : part.length;
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
        }

        @Override
        public int write(ByteBuffer buffer) {
            byte[] part = new byte[buffer.remaining()];
            buffer.get(part);
            if (part.length > 0) {
                parts.add(part);
            }
            return part.length;
        }

        @Override
        public boolean isOpen() {
            return closed.getCount() > 0;
        }

        @Override
        public void close() {
            closed.countDown();
            parts.add(new byte[0]);
        }
    }
}
