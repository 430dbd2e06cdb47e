package dev.sandlot.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.TypeRegistry;
import dev.sandlot.protocol.process.ConnectRequest;
import dev.sandlot.protocol.process.ConnectResponse;
import dev.sandlot.protocol.process.ListResponse;
import dev.sandlot.protocol.process.ProcessEvent;
import dev.sandlot.protocol.process.ProcessInfo;
import dev.sandlot.protocol.process.ProcessSelector;
import dev.sandlot.protocol.process.SendInputRequest;
import dev.sandlot.protocol.process.SendInputResponse;
import dev.sandlot.protocol.process.SendSignalRequest;
import dev.sandlot.protocol.process.StreamInputRequest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The protocol on the wire, byte for byte (envd.md 5). */
class ConnectRouterTest {
    private static final String UNARY = "application/json";
    private static final String STREAM = "application/connect+json";

    private final ConnectRouter router = new ConnectRouter(new ConnectService("t.T")
            .unary("Echo", SendSignalRequest.getDefaultInstance(), (call, request) -> echo(request))
            .unary("Fail", SendSignalRequest.getDefaultInstance(), (call, request) -> {
                throw new ConnectException(ConnectCode.NOT_FOUND, "no \"such\" thing");
            })
            .unary("Mute", SendSignalRequest.getDefaultInstance(), (call, request) -> {
                throw new ConnectException(ConnectCode.INTERNAL, "");
            })
            .unary("Break", SendSignalRequest.getDefaultInstance(), (call, request) -> {
                throw new IllegalStateException("secret");
            })
            .unary("Input", SendInputRequest.getDefaultInstance(), (call, request) -> {
                assertThat(request.getInput().getStdin()).isEqualTo(ByteString.copyFrom(new byte[] {-1, -2, -3, -4}));
                return SendInputResponse.getDefaultInstance();
            })
            .serverStream("Twice", ConnectRequest.getDefaultInstance(), (call, request, out) -> {
                out.send(start(request.getProcess().getPid()));
                out.sendLast(start(7));
            })
            .serverStream("Late", ConnectRequest.getDefaultInstance(), (call, request, out) -> {
                out.send(start(1));
                throw new ConnectException(ConnectCode.DEADLINE_EXCEEDED, "too late");
            })
            .serverStream("Never", ConnectRequest.getDefaultInstance(), (call, request, out) -> {
                throw new ConnectException(ConnectCode.NOT_FOUND, "nobody");
            })
            .clientStream("Count", StreamInputRequest.getDefaultInstance(), (call, in) -> count(in)));

    @Test
    void answersAUnaryCallInTheTypeItCameIn() throws Exception {
        MemoryExchange exchange = call("Echo", UNARY, "{\"process\":{\"pid\":5},\"signal\":15,\"x\":[1]}");
        assertThat(exchange.status()).isEqualTo(200);
        assertThat(body(exchange)).isEqualTo("{\"processes\":[{\"config\":{\"cmd\":\"SIGNAL_SIGTERM\"},\"pid\":5}]}");
        assertThat(exchange.responseHeaders().first("Content-Type")).contains(UNARY);
        assertThat(exchange.responseHeaders().first("Accept-Encoding")).contains("gzip");
    }

    @ParameterizedTest
    @ValueSource(strings = {"application/json; charset=utf-8", "Application/JSON;charset=UTF-8", "application/json;"})
    void acceptsACharset(String type) throws Exception {
        assertThat(call("Echo", type, "{}").status()).isEqualTo(200);
    }

    @Test
    void speaksBinary() throws Exception {
        byte[] request = SendSignalRequest.newBuilder()
                .setProcess(ProcessSelector.newBuilder().setPid(9))
                .build()
                .toByteArray();
        MemoryExchange exchange = call("Echo", "application/proto", request);
        ListResponse answer = ListResponse.parseFrom(exchange.responseBody().readAllBytes());
        assertThat(answer.getProcesses(0).getPid()).isEqualTo(9);
        assertThat(exchange.responseHeaders().first("Content-Type")).contains("application/proto");
    }

    @ParameterizedTest
    @CsvSource({
        "Fail, 404, '{\"code\":\"not_found\",\"message\":\"no \\\"such\\\" thing\"}'",
        "Mute, 500, '{\"code\":\"internal\"}'",
        "Break, 500, '{\"code\":\"internal\",\"message\":\"internal error\"}'"
    })
    void tellsAUnaryErrorInTheBodyAndTheStatus(String method, int status, String body) throws Exception {
        MemoryExchange exchange = call(method, UNARY, "{}");
        assertThat(exchange.status()).isEqualTo(status);
        assertThat(exchange.responseHeaders().first("Content-Type")).contains("application/json");
        assertThat(body(exchange)).isEqualTo(body);
    }

    @Test
    void tellsDetailsAndTrailersWithAnError() throws Exception {
        Any detail = Any.pack(ProcessSelector.newBuilder().setPid(5).build());
        ConnectRouter detailed = new ConnectRouter(new ConnectService("t.T")
                .unary("Echo", SendSignalRequest.getDefaultInstance(), (call, request) -> {
                    call.responseTrailers().add("X-Cost", "1").add("X-Cost", "2");
                    throw new ConnectException(ConnectCode.NOT_FOUND, "", List.of(detail));
                })
                .serverStream("Twice", ConnectRequest.getDefaultInstance(), (call, request, out) -> {
                    call.responseTrailers().add("X-Cost", "1").add("X-Cost", "2");
                    throw new ConnectException(ConnectCode.NOT_FOUND, "", List.of(detail));
                }));
        String error =
                "{\"code\":\"not_found\",\"details\":[{\"type\":\"process.ProcessSelector\",\"value\":\"CAU\"}]}";
        MemoryExchange unary = request("Echo", UNARY, bytes("{}"));
        detailed.serve(unary);
        assertThat(body(unary)).isEqualTo(error);
        assertThat(unary.responseHeaders().all("Trailer-X-Cost")).containsExactly("1", "2");
        MemoryExchange stream = request("Twice", STREAM, frame(0, "{}"));
        detailed.serve(stream);
        assertThat(stream.responseBody().readAllBytes())
                .isEqualTo(frame(2, "{\"error\":" + error + ",\"metadata\":{\"X-Cost\":[\"1\",\"2\"]}}"));
    }

    @Test
    void refusesMessagesOverItsLimit() throws Exception {
        ConnectRouter.Options small = new ConnectRouter.Options(TypeRegistry.getEmptyTypeRegistry(), 10);
        ConnectRouter limited = new ConnectRouter(
                small,
                new ConnectService("t.T").unary("Echo", SendSignalRequest.getDefaultInstance(), (_, q) -> echo(q)));
        MemoryExchange exchange = request("Echo", UNARY, bytes("{\"signal\":15}"));
        limited.serve(exchange);
        assertThat(exchange.status()).isEqualTo(429);
    }

    @Test
    void refusesAnEmptyJsonBody() throws Exception {
        MemoryExchange exchange = call("Echo", UNARY, "");
        assertThat(exchange.status()).isEqualTo(400);
        assertThat(body(exchange)).startsWith("{\"code\":\"invalid_argument\",\"message\":");
    }

    @ParameterizedTest
    @ValueSource(strings = {"//79/A==", "__79_A==", "//79/A", "__79_A"})
    void readsEveryFormOfBase64(String text) throws Exception {
        assertThat(call("Input", UNARY, "{\"input\":{\"stdin\":\"" + text + "\"}}")
                        .status())
                .isEqualTo(200);
    }

    @Test
    void refusesOtherMethodsAndTypes() throws Exception {
        MemoryExchange get = MemoryExchange.of("GET", "/t.T/Echo", new byte[0]);
        router.serve(get);
        assertThat(get.status()).isEqualTo(405);
        assertThat(get.responseHeaders().first("Allow")).contains("POST");
        assertThat(get.responseBody().readAllBytes()).isEmpty();

        for (String type : new String[] {"text/plain", STREAM, "application/json; charset=latin-1", ""}) {
            MemoryExchange exchange = call("Echo", type, "{}");
            assertThat(exchange.status()).isEqualTo(415);
            assertThat(exchange.responseHeaders().first("Accept-Post"))
                    .contains("application/json, application/json; charset=utf-8, application/proto");
            assertThat(exchange.responseBody().readAllBytes()).isEmpty();
        }
        assertThat(call("Twice", UNARY, "{}").status()).isEqualTo(415);
    }

    @ParameterizedTest
    @CsvSource({
        "Connect-Protocol-Version, 2, 400",
        "Connect-Protocol-Version, 1, 200",
        "Connect-Timeout-Ms, x, 400",
        "Connect-Timeout-Ms, -1, 400",
        "Connect-Timeout-Ms, '', 400",
        "Connect-Timeout-Ms, 12345678901, 400",
        "Connect-Timeout-Ms, 1234567890, 200",
        "Connect-Timeout-Ms, 0, 200",
        "Content-Encoding, br, 501",
        "Content-Encoding, identity, 200",
        "Content-Encoding, gzip, 400"
    })
    void checksTheProtocolsFields(String name, String value, int status) throws Exception {
        MemoryExchange exchange = request("Echo", UNARY, bytes("{}")).header(name, value);
        router.serve(exchange);
        assertThat(exchange.status()).isEqualTo(status);
    }

    @Test
    void unpacksAGzippedUnaryBody() throws Exception {
        MemoryExchange exchange =
                request("Echo", UNARY, gzip("{\"process\":{\"pid\":3}}")).header("Content-Encoding", "gzip");
        router.serve(exchange);
        assertThat(body(exchange)).contains("\"pid\":3");
    }

    @Test
    void streamsFramesAndEndsThem() throws Exception {
        MemoryExchange exchange = call("Twice", STREAM, frame(0, "{\"process\":{\"pid\":4}}"));
        assertThat(exchange.status()).isEqualTo(200);
        assertThat(exchange.responseHeaders().first("Content-Type")).contains(STREAM);
        assertThat(exchange.responseBody().readAllBytes())
                .isEqualTo(join(
                        frame(0, "{\"event\":{\"start\":{\"pid\":4}}}"),
                        frame(0, "{\"event\":{\"start\":{\"pid\":7}}}"),
                        frame(2, "{}")));
        assertThat(exchange.ended()).isTrue();
    }

    @Test
    void endsAStreamWithItsError() throws Exception {
        MemoryExchange exchange = call("Late", STREAM, frame(0, "{}"));
        assertThat(exchange.responseBody().readAllBytes())
                .isEqualTo(join(
                        frame(0, "{\"event\":{\"start\":{\"pid\":1}}}"),
                        frame(2, "{\"error\":{\"code\":\"deadline_exceeded\",\"message\":\"too late\"}}")));

        MemoryExchange never = call("Never", STREAM, frame(0, "{}"));
        assertThat(never.status()).isEqualTo(200);
        assertThat(never.responseBody().readAllBytes())
                .isEqualTo(frame(2, "{\"error\":{\"code\":\"not_found\",\"message\":\"nobody\"}}"));
    }

    @Test
    void unpacksAGzippedFrameOnlyWhenDeclared() throws Exception {
        byte[] packed = ConnectEnvelope.frame(1, gzip("{\"process\":{\"pid\":4}}"));
        MemoryExchange exchange = request("Twice", STREAM, packed).header("Connect-Content-Encoding", "gzip");
        router.serve(exchange);
        assertThat(body(exchange)).contains("\"pid\":4");
        assertThat(body(call("Twice", STREAM, packed))).contains("\"code\":\"internal\"");

        MemoryExchange unknown = request("Twice", STREAM, packed).header("Connect-Content-Encoding", "zstd");
        router.serve(unknown);
        assertThat(body(unknown)).contains("\"code\":\"unimplemented\"");
    }

    @Test
    void wantsExactlyOneRequestForAServerStream() throws Exception {
        assertThat(body(call("Twice", STREAM, ""))).contains("\"code\":\"unimplemented\"");
        assertThat(body(call("Twice", STREAM, join(frame(0, "{}"), frame(0, "{}")))))
                .contains("\"code\":\"unimplemented\"");
        assertThat(body(call("Twice", STREAM, frame(2, "{}")))).contains("\"code\":\"invalid_argument\"");
    }

    @Test
    void refusesAMessageThatDeclaresTooMuch() throws Exception {
        byte[] header = ByteBuffer.allocate(5).put((byte) 0).putInt(-1).array();
        assertThat(body(call("Twice", STREAM, header))).contains("\"code\":\"resource_exhausted\"");
    }

    @Test
    void takesAClientStream() throws Exception {
        byte[] keepalive = frame(0, "{\"keepalive\":{}}");
        MemoryExchange exchange = call("Count", STREAM, join(keepalive, keepalive, keepalive));
        assertThat(exchange.responseBody().readAllBytes())
                .isEqualTo(join(frame(0, "{\"processes\":[{\"pid\":3}]}"), frame(2, "{}")));
    }

    @Test
    void refusesInTheFormTheTypeAsksFor() throws Exception {
        ConnectException error = new ConnectException(ConnectCode.UNAUTHENTICATED, "who");
        MemoryExchange stream = request("Twice", STREAM, frame(0, "{}"));
        ConnectErrors.refuse(stream, error);
        assertThat(stream.status()).isEqualTo(200);
        assertThat(stream.responseBody().readAllBytes())
                .isEqualTo(frame(2, "{\"error\":{\"code\":\"unauthenticated\",\"message\":\"who\"}}"));

        MemoryExchange plain = MemoryExchange.of("GET", "/files", new byte[0]);
        ConnectErrors.refuse(plain, error);
        assertThat(plain.status()).isEqualTo(401);
        assertThat(body(plain)).isEqualTo("{\"code\":\"unauthenticated\",\"message\":\"who\"}");
    }

    private static ListResponse echo(SendSignalRequest request) {
        return ListResponse.newBuilder()
                .addProcesses(ProcessInfo.newBuilder()
                        .setPid(request.getProcess().getPid())
                        .setConfig(dev.sandlot.protocol.process.ProcessConfig.newBuilder()
                                .setCmd(request.getSignal().name())))
                .build();
    }

    private static ListResponse count(ConnectService.Requests<StreamInputRequest> in)
            throws ConnectException, IOException {
        int count = 0;
        for (Optional<StreamInputRequest> next = in.next(); next.isPresent(); next = in.next()) {
            count++;
        }
        return ListResponse.newBuilder()
                .addProcesses(ProcessInfo.newBuilder().setPid(count))
                .build();
    }

    private static ConnectResponse start(int pid) {
        return ConnectResponse.newBuilder()
                .setEvent(ProcessEvent.newBuilder()
                        .setStart(ProcessEvent.StartEvent.newBuilder().setPid(pid)))
                .build();
    }

    private MemoryExchange call(String method, String type, String body) throws IOException {
        return call(method, type, bytes(body));
    }

    private MemoryExchange call(String method, String type, byte[] body) throws IOException {
        MemoryExchange exchange = request(method, type, body);
        router.serve(exchange);
        return exchange;
    }

    private static MemoryExchange request(String method, String type, byte[] body) {
        return MemoryExchange.of("POST", "/t.T/" + method, body).header("Content-Type", type);
    }

    private static String body(MemoryExchange exchange) throws IOException {
        return new String(exchange.responseBody().readAllBytes(), StandardCharsets.UTF_8);
    }

    private static byte[] frame(int flags, String payload) {
        byte[] bytes = bytes(payload);
        return ByteBuffer.allocate(5 + bytes.length)
                .put((byte) flags)
                .putInt(bytes.length)
                .put(bytes)
                .array();
    }

    private static byte[] join(byte[]... parts) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            out.write(part);
        }
        return out.toByteArray();
    }

    private static byte[] gzip(String text) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(bytes(text));
        }
        return out.toByteArray();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
