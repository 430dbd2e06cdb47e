package dev.sandlot.protocol;

import com.google.protobuf.Message;
import java.io.IOException;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A service of the Connect protocol: its full name and, for each method, the kind of call and who answers it. */
public final class ConnectService {
    /** Answers a call of one request and one response. */
    @FunctionalInterface
    public interface Unary<Q extends Message> {
        /** @throws IOException when the client is gone */
        Message answer(ConnectCall call, Q request) throws ConnectException, IOException;
    }

    /** Answers one request with any number of messages. */
    @FunctionalInterface
    public interface ServerStream<Q extends Message> {
        /** @throws IOException when the client is gone */
        void answer(ConnectCall call, Q request, Responses out) throws ConnectException, IOException;
    }

    /** Answers any number of requests with one message. */
    @FunctionalInterface
    public interface ClientStream<Q extends Message> {
        /** @throws IOException when the client is gone */
        Message answer(ConnectCall call, Requests<Q> in) throws ConnectException, IOException;
    }

    /** The messages of a server stream, on their way out. Used by the thread that answers the call. */
    public interface Responses {
        /** Sends a message at once. */
        void send(Message message) throws IOException;

        /** Writes the last message, which goes out together with the end of the stream. */
        void sendLast(Message message) throws IOException;
    }

    /** The messages of a client stream, as they come in. */
    public interface Requests<Q extends Message> {
        /** The next message, waiting for it; empty when the client has ended the stream. */
        Optional<Q> next() throws ConnectException, IOException;
    }

    /** How one method is called. */
    sealed interface Method {
        record UnaryMethod<Q extends Message>(Q prototype, Unary<Q> handler) implements Method {}

        record ServerStreamMethod<Q extends Message>(Q prototype, ServerStream<Q> handler) implements Method {}

        record ClientStreamMethod<Q extends Message>(Q prototype, ClientStream<Q> handler) implements Method {}
    }

    private final String name;
    private final Map<String, Method> methods = new LinkedHashMap<>();
    private final Set<String> inputs = new HashSet<>();

    /** @param name package and service, for example {@code process.Process} */
    public ConnectService(String name) {
        this.name = name;
    }

    /** Adds a unary method. */
    public <Q extends Message> ConnectService unary(String method, Q prototype, Unary<Q> handler) {
        methods.put(method, new Method.UnaryMethod<>(prototype, handler));
        return this;
    }

    /** Adds a method that answers with a stream. */
    public <Q extends Message> ConnectService serverStream(String method, Q prototype, ServerStream<Q> handler) {
        methods.put(method, new Method.ServerStreamMethod<>(prototype, handler));
        return this;
    }

    /** Adds a method that takes a stream. */
    public <Q extends Message> ConnectService clientStream(String method, Q prototype, ClientStream<Q> handler) {
        methods.put(method, new Method.ClientStreamMethod<>(prototype, handler));
        return this;
    }

    /** Says that messages of a method are bytes for somebody and little else, and so may be large. */
    public ConnectService input(String method) {
        inputs.add(method);
        return this;
    }

    String name() {
        return name;
    }

    Set<String> inputs() {
        return inputs;
    }

    Map<String, Method> methods() {
        return methods;
    }
}
