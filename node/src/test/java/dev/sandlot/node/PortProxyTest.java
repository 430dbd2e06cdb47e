package dev.sandlot.node;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.edge.FrontDoor;
import dev.sandlot.edge.FrontListener;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class PortProxyTest {
    private final PortProxy proxy = new PortProxy();
    private final BlockingQueue<String> heads = new LinkedBlockingQueue<>();
    private final AtomicInteger connections = new AtomicInteger();
    private final CountDownLatch refused = new CountDownLatch(1);
    private final AtomicInteger inside = new AtomicInteger();
    private ServerSocket service;
    private FrontDoor door;

    @FunctionalInterface
    interface Service {
        void serve(String head, InputStream in, OutputStream out) throws Exception;
    }

    @BeforeEach
    void openDoor() throws IOException {
        service = new ServerSocket(0, 1000, InetAddress.getLoopbackAddress());
        door = new FrontDoor(
                List.of(new FrontListener("127.0.0.1", 0, FrontListener.Kind.ALL)),
                exchange -> exchange.send(404, new byte[0]),
                (id, port, exchange) -> proxy.forward(
                        exchange,
                        id.value(),
                        new ServicePort(
                                new InetSocketAddress(InetAddress.getLoopbackAddress(), port), this::openInside),
                        "run"));
        door.start();
    }

    private SocketChannel openInside() throws IOException {
        inside.incrementAndGet();
        refused.countDown();
        return SocketChannel.open();
    }

    @AfterEach
    void close() throws IOException {
        door.close();
        proxy.close();
        service.close();
    }

    /** Serves each connection on a thread of its own, request after request. */
    private void start(Service behaviour) {
        Thread.startVirtualThread(() -> {
            while (!service.isClosed()) {
                try {
                    Socket socket = service.accept();
                    connections.incrementAndGet();
                    Thread.startVirtualThread(() -> serve(socket, behaviour));
                } catch (IOException e) {
                    return;
                }
            }
        });
    }

    private void serve(Socket socket, Service behaviour) {
        try (socket) {
            for (String head = readHead(socket.getInputStream());
                    !head.isEmpty();
                    head = readHead(socket.getInputStream())) {
                heads.add(head);
                behaviour.serve(head, socket.getInputStream(), socket.getOutputStream());
            }
        } catch (Exception e) {
            heads.add("failed: " + e);
        }
    }

    private static String readHead(InputStream in) throws IOException {
        StringBuilder head = new StringBuilder();
        for (int next = in.read(); next >= 0; next = in.read()) {
            head.append((char) next);
            if (next == '\n' && head.indexOf("\r\n\r\n") >= 0) {
                return head.toString();
            }
        }
        return "";
    }

    private static void write(OutputStream out, String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    private Socket client() throws IOException {
        Socket socket = new Socket("127.0.0.1", door.port(0));
        socket.setSoTimeout(20_000);
        return socket;
    }

    private String host() {
        return service.getLocalPort() + "-iabc.example.com";
    }

    private static String readAnswer(InputStream in) throws IOException {
        String head = readHead(in);
        int at = head.indexOf("Content-Length: ");
        int length = at < 0 ? 0 : Integer.parseInt(head.substring(at + 16, head.indexOf("\r\n", at)));
        return head + new String(in.readNBytes(length), StandardCharsets.ISO_8859_1);
    }

    private static String readAll(InputStream in) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        in.transferTo(all);
        return all.toString(StandardCharsets.ISO_8859_1);
    }

    @Test
    void aRequestArrivesUnchangedAndNothingIsAdded() throws Exception {
        start((head, in, out) -> write(
                out,
                "HTTP/1.1 201 Made\r\nX-A: 1\r\nX-A: 2\r\nKeep-Alive: timeout=5\r\n" + "Content-Length: 2\r\n\r\nok"));
        try (Socket client = client()) {
            write(
                    client.getOutputStream(),
                    "DELETE /a%2Fb//c?x=%20&y HTTP/1.1\r\nHost: " + host() + "\r\n"
                            + "Connection: X-Hop\r\nX-Hop: 1\r\nTE: trailers\r\nX-Keep: 1\r\nCookie: a=b\r\n\r\n");
            String answer = readAnswer(client.getInputStream());
            assertThat(answer)
                    .startsWith("HTTP/1.1 201")
                    .contains("X-A: 1\r\nX-A: 2")
                    .endsWith("ok");
            assertThat(answer).doesNotContain("Keep-Alive", "Via", "Server");
        }
        String head = heads.take();
        assertThat(head).startsWith("DELETE /a%2Fb//c?x=%20&y HTTP/1.1\r\nHost: " + host() + "\r\n");
        assertThat(head).contains("X-Keep: 1", "Cookie: a=b");
        assertThat(head).doesNotContainIgnoringCase("x-hop");
        assertThat(head).doesNotContainIgnoringCase("connection:");
        assertThat(head).doesNotContainIgnoringCase("forwarded");
        assertThat(head).doesNotContainIgnoringCase("content-length");
        assertThat(head).doesNotContain("TE:");
    }

    @Test
    void connectionsAreReusedWithinARunAndDroppedWithIt() throws Exception {
        start((head, in, out) -> write(out, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
        try (Socket client = client()) {
            for (int i = 0; i < 5; i++) {
                get(client);
            }
            assertThat(connections.get()).isEqualTo(1);
            proxy.drop("run");
            get(client);
            assertThat(connections.get()).isEqualTo(2);
        }
    }

    private void get(Socket client) throws IOException {
        write(client.getOutputStream(), "GET / HTTP/1.1\r\nHost: " + host() + "\r\n\r\n");
        assertThat(readAnswer(client.getInputStream()))
                .startsWith("HTTP/1.1 200")
                .endsWith("ok");
    }

    @Test
    void aConnectionThatTheServiceClosedIsNotUsedAgain() throws Exception {
        AtomicInteger served = new AtomicInteger();
        start((head, in, out) -> {
            write(out, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            if (served.incrementAndGet() % 2 == 1) {
                throw new IOException("closes without a word");
            }
        });
        try (Socket client = client()) {
            for (int i = 0; i < 20; i++) {
                get(client);
            }
        }
    }

    @Test
    void aClosedPortIsAnsweredWith502AfterASecond() throws Exception {
        service.close();
        long begun = System.nanoTime();
        try (Socket client = client()) {
            write(client.getOutputStream(), "GET / HTTP/1.1\r\nHost: " + host() + "\r\n\r\n");
            assertThat(readAnswer(client.getInputStream()))
                    .startsWith("HTTP/1.1 502")
                    .endsWith("{\"sandboxId\":\"iabc\",\"message\":\"The sandbox is running but port is not open\","
                            + "\"port\":" + service.getLocalPort() + ",\"code\":502}");
            assertThat(Duration.ofNanos(System.nanoTime() - begun))
                    .isBetween(Duration.ofMillis(900), Duration.ofMillis(1500));
            write(
                    client.getOutputStream(),
                    "GET / HTTP/1.1\r\nHost: " + host() + "\r\nSec-Fetch-Mode: navigate\r\n\r\n");
            assertThat(readAnswer(client.getInputStream()))
                    .startsWith("HTTP/1.1 502")
                    .contains("text/html; charset=utf-8", "<!doctype html>");
        }
    }

    @Test
    void aServiceThatHasJustBeenStartedIsReached() throws Exception {
        int port = service.getLocalPort();
        service.close();
        try (Socket client = client()) {
            write(client.getOutputStream(), "GET / HTTP/1.1\r\nHost: " + host() + "\r\n\r\n");
            assertThat(refused.await(10, TimeUnit.SECONDS)).isTrue();
            service = new ServerSocket(port, 100, InetAddress.getLoopbackAddress());
            start((head, in, out) -> write(out, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
            assertThat(readAnswer(client.getInputStream())).endsWith("ok");
        }
    }

    @Test
    void I21_aServiceOnTheIpv6LoopbackAloneIsReachedFromInside() throws Exception {
        service.close();
        service = new ServerSocket(0, 100, InetAddress.ofLiteral("::1"));
        start((head, in, out) -> write(out, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nv6"));
        try (Socket client = client()) {
            for (int i = 0; i < 3; i++) {
                write(client.getOutputStream(), "GET / HTTP/1.1\r\nHost: " + host() + "\r\n\r\n");
                assertThat(readAnswer(client.getInputStream())).endsWith("v6");
            }
        }
        assertThat(inside).as("sockets made inside, for three requests").hasValue(1);
    }

    @Test
    void I21_noSocketIsMadeInsideForAServiceThatIsReachedFromOutside() throws Exception {
        start((head, in, out) -> write(out, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nv4"));
        try (Socket client = client()) {
            write(client.getOutputStream(), "GET / HTTP/1.1\r\nHost: " + host() + "\r\n\r\n");
            assertThat(readAnswer(client.getInputStream())).endsWith("v4");
        }
        assertThat(inside).hasValue(0);
    }

    @Test
    void eventsArriveOneByOne() throws Exception {
        BlockingQueue<String> events = new LinkedBlockingQueue<>();
        start((head, in, out) -> {
            write(out, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
            for (String event = events.take(); !event.equals("end"); event = events.take()) {
                write(out, Integer.toHexString(event.length()) + "\r\n" + event + "\r\n");
            }
            write(out, "0\r\n\r\n");
        });
        try (Socket client = client()) {
            write(client.getOutputStream(), "GET / HTTP/1.1\r\nHost: " + host() + "\r\n\r\n");
            assertThat(readHead(client.getInputStream())).contains("text/event-stream");
            for (int i = 0; i < 3; i++) {
                events.add("event" + i);
                String part = new String(client.getInputStream().readNBytes(i == 0 ? 9 : 11), StandardCharsets.UTF_8);
                assertThat(part).endsWith("event" + i);
            }
            events.add("end");
            assertThat(new String(client.getInputStream().readNBytes(7), StandardCharsets.UTF_8))
                    .isEqualTo("\r\n0\r\n\r\n");
        }
    }

    @Test
    void anAnswerMayBeginBeforeTheRequestEnds() throws Exception {
        start((head, in, out) -> {
            assertThat(head).contains("Transfer-Encoding: chunked").doesNotContain("Content-Length");
            write(out, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            byte[] chunk = in.readNBytes(8);
            write(out, "8\r\n" + new String(chunk, StandardCharsets.UTF_8) + "\r\n");
            in.readNBytes(5);
            write(out, "0\r\n\r\n");
        });
        try (Socket client = client()) {
            write(
                    client.getOutputStream(),
                    "POST / HTTP/1.1\r\nHost: " + host() + "\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
            assertThat(readHead(client.getInputStream())).startsWith("HTTP/1.1 200");
            assertThat(new String(client.getInputStream().readNBytes(11), StandardCharsets.UTF_8))
                    .isEqualTo("8\r\n3\r\nabc\r\n");
            write(client.getOutputStream(), "0\r\n\r\n");
            assertThat(new String(client.getInputStream().readNBytes(7), StandardCharsets.UTF_8))
                    .isEqualTo("\r\n0\r\n\r\n");
        }
    }

    @Test
    void aHundredMegabytesGoUpAndDown() throws Exception {
        long size = 100L << 20;
        start((head, in, out) -> {
            if (head.startsWith("PUT")) {
                in.skipNBytes(size);
                write(out, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            } else {
                write(out, "HTTP/1.1 200 OK\r\nContent-Length: " + size + "\r\n\r\n");
                byte[] block = new byte[1 << 16];
                for (long left = size; left > 0; left -= block.length) {
                    out.write(block);
                }
            }
        });
        long before = used();
        try (Socket client = client()) {
            write(
                    client.getOutputStream(),
                    "PUT / HTTP/1.1\r\nHost: " + host() + "\r\nContent-Length: " + size + "\r\n\r\n");
            byte[] block = new byte[1 << 16];
            for (long left = size; left > 0; left -= block.length) {
                client.getOutputStream().write(block);
            }
            assertThat(readAnswer(client.getInputStream())).endsWith("ok");
            write(client.getOutputStream(), "GET / HTTP/1.1\r\nHost: " + host() + "\r\n\r\n");
            assertThat(readHead(client.getInputStream())).contains("Content-Length: " + size);
            client.getInputStream().skipNBytes(size / 2);
            assertThat(used() - before).isLessThan(30L << 20);
            client.getInputStream().skipNBytes(size / 2);
        }
    }

    private static long used() {
        System.gc();
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }

    @Test
    void aSlowClientHoldsTheServiceBack() throws Exception {
        AtomicInteger written = new AtomicInteger();
        CountDownLatch all = new CountDownLatch(1);
        start((head, in, out) -> {
            write(out, "HTTP/1.1 200 OK\r\nContent-Length: " + (200 << 20) + "\r\n\r\n");
            byte[] block = new byte[1 << 20];
            for (int i = 0; i < 200; i++) {
                out.write(block);
                written.incrementAndGet();
            }
            all.countDown();
        });
        try (Socket client = client()) {
            write(client.getOutputStream(), "GET / HTTP/1.1\r\nHost: " + host() + "\r\n\r\n");
            readHead(client.getInputStream());
            assertThat(all.await(1, TimeUnit.SECONDS)).isFalse();
            assertThat(written.get()).isLessThan(60);
        }
    }

    @Test
    void aWebSocketEchoes() throws Exception {
        start(PortProxyTest::webSocketEcho);
        BlockingQueue<String> received = new LinkedBlockingQueue<>();
        try (HttpClient http = HttpClient.newHttpClient()) {
            WebSocket socket = http.newWebSocketBuilder()
                    .header("E2b-Sandbox-Id", "iabc")
                    .header("E2b-Sandbox-Port", Integer.toString(service.getLocalPort()))
                    .buildAsync(URI.create("ws://127.0.0.1:" + door.port(0) + "/ws"), new WebSocket.Listener() {
                        @Override
                        public CompletionStage<?> onText(WebSocket socket, CharSequence text, boolean last) {
                            received.add(text.toString());
                            socket.request(1);
                            return null;
                        }
                    })
                    .get(10, TimeUnit.SECONDS);
            socket.sendText("hello", true).get(5, TimeUnit.SECONDS);
            assertThat(received.poll(5, TimeUnit.SECONDS)).isEqualTo("hello");
            socket.sendText("again", true).get(5, TimeUnit.SECONDS);
            assertThat(received.poll(5, TimeUnit.SECONDS)).isEqualTo("again");
            socket.abort();
        }
        assertThat(heads.take()).contains("Upgrade: websocket", "Connection: Upgrade");
    }

    /** Greets in the same packet as the 101, then sends back each short masked text frame. */
    private static void webSocketEcho(String head, InputStream in, OutputStream out) throws Exception {
        int at = head.toLowerCase(java.util.Locale.ROOT).indexOf("sec-websocket-key: ") + 19;
        String key = head.substring(at, head.indexOf("\r\n", at));
        byte[] digest = MessageDigest.getInstance("SHA-1")
                .digest((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").getBytes(StandardCharsets.UTF_8));
        write(
                out,
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        + "Sec-WebSocket-Accept: " + Base64.getEncoder().encodeToString(digest) + "\r\n\r\n");
        while (true) {
            int first = in.read();
            if (first < 0) {
                return;
            }
            int length = in.read() & 0x7f;
            byte[] mask = in.readNBytes(4);
            byte[] text = in.readNBytes(length);
            for (int i = 0; i < length; i++) {
                text[i] ^= mask[i % 4];
            }
            out.write(ByteBuffer.allocate(2 + length)
                    .put((byte) first)
                    .put((byte) length)
                    .put(text)
                    .array());
        }
    }

    @Test
    void aTunnelPassesOnEachSidesEnd() throws Exception {
        CountDownLatch ended = new CountDownLatch(1);
        start((head, in, out) -> {
            write(out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: raw\r\nConnection: Upgrade\r\n\r\nfirst");
            byte[] all = in.readAllBytes();
            ended.countDown();
            write(out, "got " + new String(all, StandardCharsets.UTF_8));
            throw new IOException("done");
        });
        try (Socket client = client()) {
            write(
                    client.getOutputStream(),
                    "GET / HTTP/1.1\r\nHost: " + host() + "\r\nConnection: upgrade\r\nUpgrade: raw\r\n\r\nearly");
            assertThat(readHead(client.getInputStream()))
                    .startsWith("HTTP/1.1 101")
                    .contains("Upgrade: raw");
            assertThat(new String(client.getInputStream().readNBytes(5), StandardCharsets.UTF_8))
                    .isEqualTo("first");
            write(client.getOutputStream(), "later");
            client.shutdownOutput();
            assertThat(ended.await(5, TimeUnit.SECONDS)).isTrue();
            assertThat(readAll(client.getInputStream())).isEqualTo("got earlylater");
        }
    }

    @Test
    void aRefusedUpgradeIsAnOrdinaryAnswer() throws Exception {
        start((head, in, out) -> write(out, "HTTP/1.1 426 No\r\nContent-Length: 2\r\n\r\nno"));
        try (Socket client = client()) {
            write(
                    client.getOutputStream(),
                    "GET / HTTP/1.1\r\nHost: " + host() + "\r\nConnection: upgrade\r\nUpgrade: raw\r\n\r\n");
            assertThat(readAnswer(client.getInputStream()))
                    .startsWith("HTTP/1.1 426")
                    .endsWith("no");
        }
    }

    @Test
    void streamsOfADroppedRunAreCut() throws Exception {
        start((head, in, out) -> {
            write(out, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n");
            in.read();
        });
        try (Socket client = client()) {
            write(client.getOutputStream(), "GET / HTTP/1.1\r\nHost: " + host() + "\r\n\r\n");
            assertThat(readHead(client.getInputStream())).startsWith("HTTP/1.1 200");
            client.getInputStream().readNBytes(5);
            proxy.drop("run");
            assertThat(readAll(client.getInputStream())).doesNotContain("0\r\n");
        }
    }

    @Test
    void aClientThatGoesAwayEndsTheConnectionToTheService() throws Exception {
        CountDownLatch gone = new CountDownLatch(1);
        start((head, in, out) -> {
            write(out, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            if (in.read() < 0) {
                gone.countDown();
            }
        });
        Socket client = client();
        write(client.getOutputStream(), "GET / HTTP/1.1\r\nHost: " + host() + "\r\n\r\n");
        readHead(client.getInputStream());
        client.close();
        assertThat(gone.await(5, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void anAnswerThatIsCutIsCutForTheClientToo() throws Exception {
        start((head, in, out) -> {
            write(out, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab");
            throw new IOException("cut");
        });
        try (Socket client = client()) {
            write(client.getOutputStream(), "GET / HTTP/1.1\r\nHost: " + host() + "\r\n\r\n");
            assertThat(readAll(client.getInputStream())).contains("ab").doesNotContain("0\r\n\r\n");
        }
    }

    @Test
    void anAnswerWithoutLengthEndsWithItsConnection() throws Exception {
        start((head, in, out) -> {
            write(out, "HTTP/1.0 200 OK\r\n\r\nold style");
            throw new IOException("end");
        });
        try (Socket client = client()) {
            write(client.getOutputStream(), "GET / HTTP/1.1\r\nHost: " + host() + "\r\nConnection: close\r\n\r\n");
            assertThat(readAll(client.getInputStream())).endsWith("\r\n\r\nold style");
        }
    }

    @Test
    void anEarlyAnswerToABigBodyReachesTheClient() throws Exception {
        start((head, in, out) -> {
            write(out, "HTTP/1.1 413 Too large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig");
            throw new IOException("end");
        });
        try (Socket client = client()) {
            int size = 20 << 20;
            write(
                    client.getOutputStream(),
                    "PUT / HTTP/1.1\r\nHost: " + host() + "\r\nContent-Length: " + size + "\r\n\r\n");
            client.getOutputStream().write(new byte[size]);
            assertThat(readAnswer(client.getInputStream())).matches("(?s)HTTP/1.1 (413|502).*");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "garbage\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
                "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nab",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nab",
                "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
                "HTTP/1.1 200 OK\r\nX : a\r\n\r\n",
                "HTTP/1.1 101 Hm\r\n\r\n",
                ""
            })
    void malformedAnswersBecome502(String answer) throws Exception {
        start((head, in, out) -> {
            write(out, answer);
            throw new IOException("end");
        });
        try (Socket client = client()) {
            write(client.getOutputStream(), "GET / HTTP/1.1\r\nHost: " + host() + "\r\n\r\n");
            assertThat(readAnswer(client.getInputStream()))
                    .startsWith("HTTP/1.1 502")
                    .contains("\"code\":502");
        }
    }

    @Test
    void headAnswersHaveNoBodyAndKeepTheirLength() throws Exception {
        start((head, in, out) -> write(out, "HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n"));
        try (Socket client = client()) {
            for (int i = 0; i < 2; i++) {
                write(client.getOutputStream(), "HEAD / HTTP/1.1\r\nHost: " + host() + "\r\n\r\n");
                assertThat(readHead(client.getInputStream())).contains("Content-Length: 77");
            }
        }
        assertThat(connections.get()).isEqualTo(1);
    }
}
