package dev.sandlot.edge;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.protocol.Exchange;
import dev.sandlot.protocol.ExchangeHandler;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpURI;
import org.eclipse.jetty.http.HttpVersion;
import org.eclipse.jetty.http.MetaData;
import org.eclipse.jetty.http2.ErrorCode;
import org.eclipse.jetty.http2.api.Session;
import org.eclipse.jetty.http2.api.Stream;
import org.eclipse.jetty.http2.client.HTTP2Client;
import org.eclipse.jetty.http2.frames.DataFrame;
import org.eclipse.jetty.http2.frames.HeadersFrame;
import org.eclipse.jetty.http2.frames.ResetFrame;
import org.eclipse.jetty.http2.frames.SettingsFrame;
import org.eclipse.jetty.util.Callback;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class Http2Test {
    private final HTTP2Client client = new HTTP2Client();
    private final BlockingQueue<String> events = new LinkedBlockingQueue<>();
    private final BlockingQueue<Map<Integer, Integer>> settings = new LinkedBlockingQueue<>();
    private FrontDoor door;
    private Session session;

    @BeforeEach
    void startClient() throws Exception {
        client.start();
    }

    @AfterEach
    void stop() throws Exception {
        client.stop();
        door.close();
    }

    private void serve(ExchangeHandler api) throws Exception {
        door = new FrontDoor(
                List.of(new FrontListener("127.0.0.1", 0, FrontListener.Kind.ALL)),
                api,
                (id, port, exchange) -> exchange.send(200, (id + ":" + port).getBytes(StandardCharsets.UTF_8)));
        door.start();
        session = client.connect(new InetSocketAddress("127.0.0.1", door.port(0)), new Session.Listener() {
                    @Override
                    public void onSettings(Session session, SettingsFrame frame) {
                        settings.add(frame.getSettings());
                    }
                })
                .get(5, TimeUnit.SECONDS);
    }

    private Stream request(String method, String authority, boolean ended) throws Exception {
        MetaData.Request request = new MetaData.Request(
                method, HttpURI.from("http://" + authority + "/path"), HttpVersion.HTTP_2, HttpFields.EMPTY);
        return session.newStream(new HeadersFrame(request, null, ended), new Recorder())
                .get(5, TimeUnit.SECONDS);
    }

    private String event() throws InterruptedException {
        return events.poll(10, TimeUnit.SECONDS);
    }

    private final class Recorder implements Stream.Listener {
        @Override
        public void onHeaders(Stream stream, HeadersFrame frame) {
            events.add("status " + ((MetaData.Response) frame.getMetaData()).getStatus());
            if (frame.isEndStream()) {
                events.add("end");
            }
            stream.demand();
        }

        @Override
        public void onDataAvailable(Stream stream) {
            Stream.Data data = stream.readData();
            if (data == null) {
                stream.demand();
                return;
            }
            if (data.frame().remaining() > 0) {
                events.add(StandardCharsets.UTF_8
                        .decode(data.frame().getByteBuffer())
                        .toString());
            }
            boolean last = data.frame().isEndStream();
            data.release();
            if (last) {
                events.add("end");
            } else {
                stream.demand();
            }
        }

        @Override
        public void onReset(Stream stream, ResetFrame frame, Callback callback) {
            events.add("reset");
            callback.succeeded();
        }
    }

    @Test
    void manyStreamsAreAnnounced() throws Exception {
        serve(exchange -> exchange.send(200, new byte[0]));
        assertThat(settings.poll(5, TimeUnit.SECONDS).get(SettingsFrame.MAX_CONCURRENT_STREAMS))
                .isGreaterThanOrEqualTo(1000);
    }

    @Test
    void requestsAreRoutedByAuthority() throws Exception {
        serve(exchange -> exchange.send(200, exchange.authority().getBytes(StandardCharsets.UTF_8)));
        request("GET", "3000-iabc.example.com", true);
        assertThat(List.of(event(), event(), event())).containsExactly("status 200", "iabc:3000", "end");
        request("GET", "api.example.com:77", true);
        assertThat(List.of(event(), event(), event())).containsExactly("status 200", "api.example.com:77", "end");
    }

    @Test
    void anAnswerIsStreamedAtEachFlush() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        serve(exchange -> {
            OutputStream out = exchange.start(200, -1);
            out.write("one".getBytes(StandardCharsets.UTF_8));
            out.flush();
            await(go);
            out.write("two".getBytes(StandardCharsets.UTF_8));
            out.close();
        });
        request("GET", "localhost", true);
        assertThat(List.of(event(), event())).containsExactly("status 200", "one");
        go.countDown();
        assertThat(List.of(event(), event())).containsExactly("two", "end");
    }

    @Test
    void abortResetsTheStreamWithoutAnEnd() throws Exception {
        BlockingQueue<Exchange> exchanges = new LinkedBlockingQueue<>();
        CountDownLatch failed = new CountDownLatch(1);
        serve(exchange -> {
            exchange.onFailure(failed::countDown);
            OutputStream out = exchange.start(200, -1);
            out.write("one".getBytes(StandardCharsets.UTF_8));
            out.flush();
            exchanges.add(exchange);
            await(failed);
        });
        request("GET", "localhost", true);
        assertThat(List.of(event(), event())).containsExactly("status 200", "one");
        exchanges.take().abort();
        assertThat(event()).isEqualTo("reset");
        assertThat(failed.await(5, TimeUnit.SECONDS)).isTrue();
        assertThat(session.isClosed()).isFalse();
    }

    @Test
    void abortBeforeTheAnswerAndWhileReadingResetsTheStream() throws Exception {
        BlockingQueue<Exchange> exchanges = new LinkedBlockingQueue<>();
        BlockingQueue<String> seen = new LinkedBlockingQueue<>();
        serve(exchange -> {
            exchanges.add(exchange);
            try {
                exchange.requestBody().readAllBytes();
            } catch (IOException e) {
                seen.add("failed");
                throw e;
            }
        });
        request("POST", "localhost", false);
        Exchange reading = exchanges.take();
        assertThat(seen.poll(100, TimeUnit.MILLISECONDS)).isNull();
        reading.abort();
        assertThat(event()).isEqualTo("reset");
        assertThat(seen.poll(5, TimeUnit.SECONDS)).isEqualTo("failed");
    }

    @Test
    void abortWakesAWriterThatWaitsForTheWindow() throws Exception {
        BlockingQueue<String> seen = new LinkedBlockingQueue<>();
        BlockingQueue<Exchange> exchanges = new LinkedBlockingQueue<>();
        serve(exchange -> {
            exchanges.add(exchange);
            try (OutputStream out = exchange.start(200, -1)) {
                byte[] block = new byte[1 << 20];
                for (int i = 0; i < 100; i++) {
                    out.write(block);
                }
            } catch (IOException e) {
                seen.add("failed");
                throw e;
            }
        });
        MetaData.Request request =
                new MetaData.Request("GET", HttpURI.from("http://localhost/"), HttpVersion.HTTP_2, HttpFields.EMPTY);
        session.newStream(new HeadersFrame(request, null, true), new Stream.Listener() {
                    @Override
                    public void onDataAvailable(Stream stream) {
                        // A client that takes nothing: the window stays shut.
                    }
                })
                .get(5, TimeUnit.SECONDS);
        Exchange writing = exchanges.take();
        assertThat(seen.poll(300, TimeUnit.MILLISECONDS)).isNull();
        writing.abort();
        assertThat(seen.poll(5, TimeUnit.SECONDS)).isEqualTo("failed");
    }

    @Test
    void aResetByTheClientIsNoticedWhileIdleAndWhileReading() throws Exception {
        CountDownLatch failed = new CountDownLatch(2);
        CountDownLatch begun = new CountDownLatch(2);
        serve(exchange -> {
            exchange.onFailure(failed::countDown);
            begun.countDown();
            exchange.requestBody().readAllBytes();
            exchange.start(200, -1).flush();
            await(failed);
        });
        Stream idle = request("GET", "localhost", true);
        Stream reading = request("POST", "localhost", false);
        assertThat(begun.await(5, TimeUnit.SECONDS)).isTrue();
        idle.reset(new ResetFrame(idle.getId(), ErrorCode.CANCEL_STREAM_ERROR.code), Callback.NOOP);
        reading.reset(new ResetFrame(reading.getId(), ErrorCode.CANCEL_STREAM_ERROR.code), Callback.NOOP);
        assertThat(failed.await(5, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void anEarlyAnswerToABodyStillComingIsWhole() throws Exception {
        serve(exchange -> exchange.send(404, "early".getBytes(StandardCharsets.UTF_8)));
        Stream stream = request("POST", "localhost", false);
        assertThat(List.of(event(), event(), event())).containsExactly("status 404", "early", "end");
        stream.data(new DataFrame(stream.getId(), ByteBuffer.allocate(1000), true))
                .get(5, TimeUnit.SECONDS);
        assertThat(events.poll(300, TimeUnit.MILLISECONDS)).isNull();
    }

    @Test
    void http1CanBeUpgradedToHttp2() throws Exception {
        serve(exchange -> exchange.send(200, "x".getBytes(StandardCharsets.UTF_8)));
        try (RawClient raw = new RawClient(door.port(0))) {
            raw.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                    + "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n");
            assertThat(raw.readUntil("\r\n\r\n")).startsWith("HTTP/1.1 101").contains("h2c");
        }
    }

    private static void await(CountDownLatch latch) throws IOException {
        try {
            if (!latch.await(20, TimeUnit.SECONDS)) {
                throw new IOException("Waited too long");
            }
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }
}
