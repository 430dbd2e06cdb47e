package dev.sandlot.protocol;

import com.google.protobuf.Message;
import com.google.protobuf.TypeRegistry;
import java.io.IOException;
import java.io.OutputStream;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers the calls of some services by the Connect protocol (envd.md 5): unary, server streams and client streams,
 * in JSON or binary. Safe for several threads; each call is answered wholly on the thread that brings it.
 */
public final class ConnectRouter {
    /** The largest message a client may send to a method that takes {@linkplain ConnectService#input input}. */
    public static final int MAX_MESSAGE_BYTES = 16 << 20;

    /** The largest message to other methods: more than the kernel takes for a command with its variables. */
    static final int MAX_CALL_BYTES = 2 << 20;

    private static final Logger LOG = LoggerFactory.getLogger(ConnectRouter.class);

    /**
     * How calls are read and written.
     *
     * @param types what an {@code Any} in JSON may hold
     * @param maxMessageBytes the largest message a client may send
     * @param bodies the memory for messages
     * @param owner in whose name that memory is held
     */
    public record Options(TypeRegistry types, int maxMessageBytes, BodyBudget bodies, String owner) {
        /** With a quarter of the heap for messages, and one owner of all. */
        public Options(TypeRegistry types, int maxMessageBytes) {
            this(types, maxMessageBytes, BodyBudget.ofHeap(4), "");
        }

        /** No {@code Any}, messages up to {@link #MAX_MESSAGE_BYTES}. */
        public static Options of(BodyBudget bodies, String owner) {
            return new Options(TypeRegistry.getEmptyTypeRegistry(), MAX_MESSAGE_BYTES, bodies, owner);
        }
    }

    private final Map<String, ConnectService.Method> methods = new HashMap<>();
    private final ConnectJson json;
    private final Set<String> inputs = new HashSet<>();
    private final Options options;

    public ConnectRouter(ConnectService... services) {
        this(new Options(TypeRegistry.getEmptyTypeRegistry(), MAX_MESSAGE_BYTES), services);
    }

    public ConnectRouter(Options options, ConnectService... services) {
        json = ConnectJson.of(options.types());
        this.options = options;
        for (ConnectService service : services) {
            service.methods().forEach((name, method) -> methods.put("/" + service.name() + "/" + name, method));
            service.inputs().forEach(name -> inputs.add("/" + service.name() + "/" + name));
        }
    }

    /** Whether the path is that of a method. */
    public boolean knows(String rawPath) {
        return methods.containsKey(rawPath);
    }

    /**
     * Answers the exchange, whose path must be {@linkplain #knows known}.
     *
     * @throws IOException when the client is gone
     */
    public void serve(Exchange exchange) throws IOException {
        ConnectService.Method method = methods.get(exchange.rawPath());
        if (method == null) {
            throw new IllegalArgumentException("no method at " + exchange.rawPath());
        }
        if (!exchange.method().equals("POST")) {
            exchange.responseHeaders().set("Allow", "POST");
            exchange.send(405, new byte[0]);
            return;
        }
        boolean unary = method instanceof ConnectService.Method.UnaryMethod<?>;
        Optional<ConnectContentType> type =
                ConnectContentType.of(exchange).filter(candidate -> candidate.streaming() != unary);
        if (type.isEmpty()) {
            exchange.responseHeaders()
                    .set("Accept-Post", unary ? ConnectContentType.ACCEPTED_UNARY : ConnectContentType.ACCEPTED_STREAM);
            exchange.send(415, new byte[0]);
            return;
        }
        new Answer(exchange, type.get()).give(method);
    }

    /** One call on its way. */
    private final class Answer implements ConnectService.Responses {
        private final Exchange exchange;
        private final ConnectContentType type;
        private Headers trailers = new Headers();
        private final int maxBytes;
        private final BodyBudget.Lease memory;
        private @Nullable OutputStream out;

        Answer(Exchange exchange, ConnectContentType type) {
            this.exchange = exchange;
            this.type = type;
            boolean isInput = inputs.contains(exchange.rawPath());
            this.maxBytes = isInput ? options.maxMessageBytes() : Math.min(options.maxMessageBytes(), MAX_CALL_BYTES);
            this.memory = options.bodies().lease(options.owner(), isInput ? BodyBudget.TEXT : BodyBudget.VALUES);
        }

        void give(ConnectService.Method method) throws IOException {
            try (memory) {
                ConnectCall call = ConnectCall.of(exchange);
                trailers = call.responseTrailers();
                dispatch(method, call);
            } catch (ConnectException e) {
                fail(e);
            } catch (BodyBudget.Exceeded e) {
                fail(new ConnectException(ConnectCode.RESOURCE_EXHAUSTED, e.text(), e));
            } catch (RuntimeException e) {
                LOG.error("call of {} failed", exchange.rawPath(), e);
                fail(new ConnectException(ConnectCode.INTERNAL, "internal error", e));
            }
        }

        private void dispatch(ConnectService.Method method, ConnectCall call) throws ConnectException, IOException {
            switch (method) {
                case ConnectService.Method.UnaryMethod<?> unary -> answerUnary(call, unary);
                case ConnectService.Method.ServerStreamMethod<?> stream -> answerStream(call, stream);
                case ConnectService.Method.ClientStreamMethod<?> stream -> answerClientStream(call, stream);
            }
        }

        private <Q extends Message> void answerUnary(ConnectCall call, ConnectService.Method.UnaryMethod<Q> method)
                throws ConnectException, IOException {
            Q request = type.codec().decode(unaryBody(), method.prototype(), json);
            byte[] body = type.codec().encode(method.handler().answer(call, request), json);
            exchange.responseHeaders().set("Content-Type", type.value()).set("Accept-Encoding", "gzip");
            sendTrailersAsHeaders();
            exchange.send(200, body);
        }

        private void sendTrailersAsHeaders() {
            trailers.forEach((name, value) -> exchange.responseHeaders().add("Trailer-" + name, value));
        }

        private byte[] unaryBody() throws ConnectException, IOException {
            ConnectCompression compression = ConnectCompression.declared(exchange.requestHeaders(), "Content-Encoding");
            byte[] body = memory.read(exchange.requestBody(), maxBytes + 1);
            if (body.length > maxBytes) {
                throw ConnectEnvelope.tooLarge(maxBytes);
            }
            return compression == ConnectCompression.IDENTITY || body.length == 0
                    ? body
                    : compression.unpack(body, maxBytes, memory);
        }

        private <Q extends Message> void answerStream(
                ConnectCall call, ConnectService.Method.ServerStreamMethod<Q> method)
                throws ConnectException, IOException {
            Incoming<Q> in = incoming(method.prototype());
            Q request = in.next().orElseThrow(() -> messages("zero"));
            if (in.next().isPresent()) {
                throw messages("multiple");
            }
            method.handler().answer(call, request, this);
            end(ConnectErrors.endFrame(trailers));
        }

        private static ConnectException messages(String count) {
            return new ConnectException(ConnectCode.UNIMPLEMENTED, "unary request has " + count + " messages");
        }

        private <Q extends Message> void answerClientStream(
                ConnectCall call, ConnectService.Method.ClientStreamMethod<Q> method)
                throws ConnectException, IOException {
            Incoming<Q> in = incoming(method.prototype());
            sendLast(method.handler().answer(call, () -> {
                memory.close();
                return in.next();
            }));
            end(ConnectErrors.endFrame(trailers));
        }

        private <Q extends Message> Incoming<Q> incoming(Q prototype) throws ConnectException {
            ConnectCompression compression =
                    ConnectCompression.declared(exchange.requestHeaders(), "Connect-Content-Encoding");
            return new Incoming<>(this, compression, prototype);
        }

        @Override
        public void send(Message message) throws IOException {
            sendLast(message);
            stream().flush();
        }

        @Override
        public void sendLast(Message message) throws IOException {
            stream().write(ConnectEnvelope.frame(0, type.codec().encode(message, json)));
        }

        private OutputStream stream() throws IOException {
            if (out == null) {
                exchange.responseHeaders().set("Content-Type", type.value()).set("Connect-Accept-Encoding", "gzip");
                out = exchange.start(200, -1);
            }
            return out;
        }

        private void fail(ConnectException error) throws IOException {
            if (type.streaming()) {
                end(ConnectErrors.endFrame(error, trailers));
            } else if (exchange.started()) {
                exchange.abort();
            } else {
                sendTrailersAsHeaders();
                ConnectErrors.sendUnary(exchange, error);
            }
        }

        private void end(byte[] frame) throws IOException {
            OutputStream stream = stream();
            stream.write(frame);
            stream.close();
        }
    }

    /** The framed messages of a request body. */
    private final class Incoming<Q extends Message> implements ConnectService.Requests<Q> {
        private final Answer answer;
        private final ConnectCompression compression;
        private final Q prototype;

        Incoming(Answer answer, ConnectCompression compression, Q prototype) {
            this.answer = answer;
            this.compression = compression;
            this.prototype = prototype;
        }

        @Override
        public Optional<Q> next() throws ConnectException, IOException {
            Optional<ConnectEnvelope> envelope =
                    ConnectEnvelope.read(answer.exchange.requestBody(), answer.maxBytes, answer.memory);
            return envelope.isPresent() ? Optional.of(message(envelope.get())) : Optional.empty();
        }

        private Q message(ConnectEnvelope envelope) throws ConnectException, BodyBudget.Exceeded {
            ConnectCodec codec = answer.type.codec();
            return switch (envelope.flags()) {
                case 0 -> codec.decode(envelope.payload(), prototype, json);
                case ConnectEnvelope.COMPRESSED ->
                    codec.decode(
                            compression.unpack(envelope.payload(), answer.maxBytes, answer.memory), prototype, json);
                default ->
                    throw new ConnectException(
                            ConnectCode.INVALID_ARGUMENT, "protocol error: invalid envelope flags " + envelope.flags());
            };
        }
    }
}
