import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import com.google.protobuf.TypeRegistry;
import connectrpc.conformance.v1.ServerCompat.*;
import connectrpc.conformance.v1.Service;
import connectrpc.conformance.v1.Service.*;
import dev.sandlot.edge.FrontDoor;
import dev.sandlot.edge.FrontListener;
import dev.sandlot.protocol.ConnectCall;
import dev.sandlot.protocol.ConnectCode;
import dev.sandlot.protocol.ConnectException;
import dev.sandlot.protocol.ConnectRouter;
import dev.sandlot.protocol.ConnectService;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The server that the public conformance suite of the Connect protocol tests: its service on our router and door. */
public final class ConformanceServer {
    private ConformanceServer() {}

    public static void main(String[] args) throws Exception {
        ServerCompatRequest wanted = read();
        ConnectRouter router = new ConnectRouter(options(wanted), service());
        FrontDoor door = new FrontDoor(
                List.of(new FrontListener("127.0.0.1", 0, FrontListener.Kind.ALL)),
                exchange -> {
                    if (router.knows(exchange.rawPath())) {
                        router.serve(exchange);
                    } else {
                        exchange.send(404, new byte[0]);
                    }
                },
                (id, port, exchange) -> exchange.send(502, new byte[0]));
        door.start();
        write(ServerCompatResponse.newBuilder()
                .setHost("127.0.0.1")
                .setPort(door.port(0))
                .build());
        Thread.currentThread().join();
    }

    private static ConnectRouter.Options options(ServerCompatRequest wanted) {
        TypeRegistry types = TypeRegistry.newBuilder()
                .add(Service.getDescriptor().getMessageTypes())
                .build();
        int limit = wanted.getMessageReceiveLimit();
        return new ConnectRouter.Options(types, limit == 0 ? ConnectRouter.MAX_MESSAGE_BYTES : limit);
    }

    private static ServerCompatRequest read() throws IOException {
        DataInputStream in = new DataInputStream(System.in);
        return ServerCompatRequest.parseFrom(in.readNBytes(in.readInt()));
    }

    private static void write(ServerCompatResponse answer) throws IOException {
        DataOutputStream out = new DataOutputStream(System.out);
        byte[] bytes = answer.toByteArray();
        out.writeInt(bytes.length);
        out.write(bytes);
        out.flush();
    }

    private static ConnectService service() {
        return new ConnectService("connectrpc.conformance.v1.ConformanceService")
                .unary("Unary", UnaryRequest.getDefaultInstance(), (call, request) -> UnaryResponse.newBuilder()
                        .setPayload(unary(call, request.getResponseDefinition(), List.of(request)))
                        .build())
                .unary(
                        "IdempotentUnary",
                        IdempotentUnaryRequest.getDefaultInstance(),
                        (call, request) -> IdempotentUnaryResponse.newBuilder()
                                .setPayload(unary(call, request.getResponseDefinition(), List.of(request)))
                                .build())
                .unary("Unimplemented", UnimplementedRequest.getDefaultInstance(), (call, request) -> {
                    throw new ConnectException(ConnectCode.UNIMPLEMENTED, "not implemented");
                })
                .serverStream("ServerStream", ServerStreamRequest.getDefaultInstance(), ConformanceServer::stream)
                .clientStream("ClientStream", ClientStreamRequest.getDefaultInstance(), ConformanceServer::collect);
    }

    private static Message collect(ConnectCall call, ConnectService.Requests<ClientStreamRequest> in)
            throws ConnectException, IOException {
        List<ClientStreamRequest> requests = new ArrayList<>();
        for (Optional<ClientStreamRequest> next = in.next(); next.isPresent(); next = in.next()) {
            requests.add(next.get());
        }
        UnaryResponseDefinition wanted = requests.isEmpty()
                ? UnaryResponseDefinition.getDefaultInstance()
                : requests.getFirst().getResponseDefinition();
        return ClientStreamResponse.newBuilder()
                .setPayload(unary(call, wanted, requests))
                .build();
    }

    private static ConformancePayload unary(
            ConnectCall call, UnaryResponseDefinition wanted, List<? extends Message> requests)
            throws ConnectException, IOException {
        metadata(call, wanted.getResponseHeadersList(), wanted.getResponseTrailersList());
        ConformancePayload.RequestInfo info = info(call, requests);
        delay(wanted.getResponseDelayMs());
        if (wanted.hasError()) {
            throw error(wanted.getError(), Optional.of(info));
        }
        return ConformancePayload.newBuilder()
                .setData(wanted.getResponseData())
                .setRequestInfo(info)
                .build();
    }

    private static void stream(ConnectCall call, ServerStreamRequest request, ConnectService.Responses out)
            throws ConnectException, IOException {
        StreamResponseDefinition wanted = request.getResponseDefinition();
        metadata(call, wanted.getResponseHeadersList(), wanted.getResponseTrailersList());
        Optional<ConformancePayload.RequestInfo> info = Optional.of(info(call, List.of(request)));
        for (ByteString data : wanted.getResponseDataList()) {
            delay(wanted.getResponseDelayMs());
            ConformancePayload.Builder payload = ConformancePayload.newBuilder().setData(data);
            info.ifPresent(payload::setRequestInfo);
            info = Optional.empty();
            out.send(ServerStreamResponse.newBuilder().setPayload(payload).build());
        }
        if (wanted.hasError()) {
            throw error(wanted.getError(), info);
        }
    }

    private static void metadata(ConnectCall call, List<Header> headers, List<Header> trailers) {
        headers.forEach(h -> h.getValueList().forEach(v -> call.responseHeaders().add(h.getName(), v)));
        trailers.forEach(h -> h.getValueList().forEach(v -> call.responseTrailers().add(h.getName(), v)));
    }

    private static ConformancePayload.RequestInfo info(ConnectCall call, List<? extends Message> requests) {
        ConformancePayload.RequestInfo.Builder info = ConformancePayload.RequestInfo.newBuilder();
        Map<String, Header.Builder> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        call.requestHeaders()
                .forEach((name, value) -> headers.computeIfAbsent(
                                name, added -> Header.newBuilder().setName(added))
                        .addValue(value));
        headers.values().forEach(info::addRequestHeaders);
        call.timeout().ifPresent(timeout -> info.setTimeoutMs(timeout.toMillis()));
        requests.forEach(request -> info.addRequests(Any.pack(request)));
        return info.build();
    }

    private static ConnectException error(
            Service.Error wanted, Optional<ConformancePayload.RequestInfo> info) {
        List<Any> details = new ArrayList<>(wanted.getDetailsList());
        info.ifPresent(present -> details.add(Any.pack(present)));
        ConnectCode code = ConnectCode.values()[wanted.getCodeValue() - 1];
        return new ConnectException(code, wanted.getMessage(), details);
    }

    private static void delay(int millis) throws IOException {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            throw new InterruptedIOException("interrupted");
        }
    }
}
