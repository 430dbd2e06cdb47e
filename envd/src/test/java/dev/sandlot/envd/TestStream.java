package dev.sandlot.envd;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import dev.sandlot.protocol.ExchangeHandler;
import dev.sandlot.protocol.MemoryExchange;
import dev.sandlot.protocol.process.ProcessEvent;
import dev.sandlot.protocol.process.StartResponse;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** The client's side of a stream of process events. */
final class TestStream implements AutoCloseable {
    private final MemoryExchange exchange;
    private final DataInputStream in;
    private final Thread server;
    private String end = "";

    private TestStream(MemoryExchange exchange, Thread server) {
        this.exchange = exchange;
        this.in = new DataInputStream(exchange.responseBody());
        this.server = server;
    }

    static TestStream open(ExchangeHandler handler, String path, String json, String... fields) {
        MemoryExchange exchange =
                MemoryExchange.of("POST", path, frame(json)).header("Content-Type", "application/connect+json");
        for (int i = 0; i < fields.length; i += 2) {
            exchange.header(fields[i], fields[i + 1]);
        }
        Thread server = Thread.startVirtualThread(() -> {
            try {
                handler.handle(exchange);
            } catch (IOException _) {
                exchange.abort();
            }
        });
        return new TestStream(exchange, server);
    }

    static byte[] frame(String json) {
        byte[] payload = json.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(5 + payload.length)
                .put((byte) 0)
                .putInt(payload.length)
                .put(payload)
                .array();
    }

    MemoryExchange exchange() {
        return exchange;
    }

    /** The next event; fails when the stream ends instead. */
    ProcessEvent next() throws IOException {
        ProcessEvent event = read();
        if (event == null) {
            throw new EOFException("stream ended: " + end);
        }
        return event;
    }

    /** The number in the start event, which must come first. */
    int pid() throws IOException {
        ProcessEvent first = next();
        assertThat(first.hasStart()).as("%s", first).isTrue();
        return first.getStart().getPid();
    }

    /** The payload of the last frame, after all events were passed over. */
    String end() throws IOException {
        while (read() != null) {}
        return end;
    }

    /** Reads on to the end event; what comes before is collected. */
    Result result() throws IOException {
        ByteArrayOutputStream stdout = new ByteArrayOutputStream();
        ByteArrayOutputStream stderr = new ByteArrayOutputStream();
        ByteArrayOutputStream pty = new ByteArrayOutputStream();
        for (ProcessEvent event = next(); ; event = next()) {
            if (event.hasEnd()) {
                assertThat(read()).isNull();
                return new Result(text(stdout), text(stderr), text(pty), event.getEnd(), end);
            }
            event.getData().getStdout().writeTo(stdout);
            event.getData().getStderr().writeTo(stderr);
            event.getData().getPty().writeTo(pty);
        }
    }

    /** Reads terminal or standard output until the text has come. */
    String until(String text) throws IOException {
        StringBuilder seen = new StringBuilder();
        while (seen.indexOf(text) < 0) {
            ProcessEvent.DataEvent data = next().getData();
            seen.append(data.getStdout().toStringUtf8()).append(data.getPty().toStringUtf8());
        }
        return seen.toString();
    }

    /** Reads standard output until the stream ends, however it does. */
    String untilEnd() throws IOException {
        StringBuilder seen = new StringBuilder();
        for (ProcessEvent event = read(); event != null; event = read()) {
            seen.append(event.getData().getStdout().toStringUtf8());
        }
        return seen.toString();
    }

    /** What a process gave in all. */
    record Result(String stdout, String stderr, String pty, ProcessEvent.EndEvent event, String end) {}

    /** Goes away as a client does. */
    @Override
    public void close() {
        exchange.abort();
    }

    /** Waits until the server's side has ended. */
    boolean serverEnds() throws InterruptedException {
        return server.join(Duration.ofSeconds(10));
    }

    private ProcessEvent read() throws IOException {
        int flags = in.read();
        if (flags < 0) {
            throw new EOFException("no end frame");
        }
        byte[] payload = in.readNBytes(in.readInt());
        String json = new String(payload, StandardCharsets.UTF_8);
        if (flags == 2) {
            end = json;
            assertThat(in.read()).isEqualTo(-1);
            return null;
        }
        return event(json);
    }

    private static ProcessEvent event(String json) throws InvalidProtocolBufferException {
        StartResponse.Builder response = StartResponse.newBuilder();
        JsonFormat.parser().merge(json, response);
        return response.getEvent();
    }

    private static String text(ByteArrayOutputStream bytes) {
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
