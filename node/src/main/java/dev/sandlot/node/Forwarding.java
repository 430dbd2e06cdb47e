package dev.sandlot.node;

import dev.sandlot.protocol.Exchange;
import dev.sandlot.protocol.SandboxId;
import dev.sandlot.protocol.TrafficAnswer;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.net.ConnectException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One exchange on its way to a service in a sandbox and back. */
final class Forwarding {
    /** Pauses between tries, so that a server which has just been started is reached (platform.md 14.4). */
    private static final int[] PAUSES_MILLIS = {100, 200, 300, 400};

    private static final int FIRST_BUFFER = 8 * 1024;
    private static final int LARGE_BUFFER = 64 * 1024;

    private final Exchange exchange;
    private final SandboxId sandbox;
    private final ServicePort target;
    private final RunConnections connections;
    private volatile @Nullable SandboxSocket current;
    private volatile boolean failed;
    private volatile boolean answered;

    Forwarding(Exchange exchange, SandboxId sandbox, ServicePort target, RunConnections connections) {
        this.exchange = exchange;
        this.sandbox = sandbox;
        this.target = target;
        this.connections = connections;
    }

    void run() throws IOException {
        ForwardedRequest request;
        try {
            request = ForwardedRequest.of(exchange);
        } catch (IllegalArgumentException e) {
            refuse(e);
            return;
        }
        Runnable cut = this::cut;
        if (!connections.enter(cut)) {
            TrafficAnswer.sandboxNotFound(sandbox).send(exchange);
            return;
        }
        try {
            exchange.onFailure(this::fail);
            forward(request);
        } finally {
            connections.leave(cut);
        }
    }

    private void refuse(IllegalArgumentException e) throws IOException {
        exchange.responseHeaders().set("Content-Type", "text/plain; charset=utf-8");
        exchange.send(400, (e.getMessage() + "\n").getBytes(StandardCharsets.UTF_8));
    }

    /** Ends the exchange with its run; an answer that is whole already is left to reach the client. */
    private void cut() {
        if (!answered) {
            exchange.abort();
        }
        fail();
    }

    private void fail() {
        failed = true;
        SandboxSocket socket = current;
        if (socket != null) {
            socket.close();
        }
    }

    private void forward(ForwardedRequest request) throws IOException {
        if (request.repeatable()) {
            Optional<SandboxSocket> idle = connections.take(target);
            if (idle.isPresent() && attempt(request, idle.get(), true)) {
                return;
            }
        }
        SandboxSocket fresh = dial();
        if (fresh == null) {
            TrafficAnswer.portNotOpen(sandbox, target.port()).send(exchange);
        } else {
            attempt(request, fresh, false);
        }
    }

    private @Nullable SandboxSocket dial() throws IOException {
        for (int attempt = 0; ; attempt++) {
            if (failed) {
                throw new IOException("The client is gone");
            }
            try {
                return target.dial();
            } catch (ConnectException e) {
                if (attempt == PAUSES_MILLIS.length) {
                    return null;
                }
                pause(PAUSES_MILLIS[attempt]);
            } catch (IOException e) {
                PortProxy.LOG.debug("Could not reach {}", target.outside(), e);
                return null;
            }
        }
    }

    private static void pause(int millis) throws IOException {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw (IOException) new InterruptedIOException("Interrupted").initCause(e);
        }
    }

    /** Sends the request and carries the answer back; false if the connection was dead and the answer has not begun. */
    private boolean attempt(ForwardedRequest request, SandboxSocket socket, boolean reused) throws IOException {
        use(socket);
        boolean reusable = false;
        try {
            ServiceAnswer answer;
            Upload upload = null;
            try {
                socket.write(request.headBytes());
                upload = Upload.start(exchange, socket, request.length());
                answer = ServiceAnswer.read(
                        socket, exchange.method(), request.upgrade().isEmpty());
            } catch (IOException e) {
                socket.close();
                if (upload != null) {
                    upload.end();
                }
                return !reused && giveUp(e);
            }
            reusable = relay(request, socket, answer, upload);
            return true;
        } finally {
            finish(socket, reusable);
        }
    }

    private void use(SandboxSocket socket) throws IOException {
        current = socket;
        if (failed) {
            socket.close();
            throw new IOException("The client is gone");
        }
    }

    private void finish(SandboxSocket socket, boolean reusable) {
        current = null;
        if (reusable && !failed) {
            connections.giveBack(socket);
        } else {
            socket.close();
        }
    }

    private boolean giveUp(IOException cause) throws IOException {
        if (failed) {
            throw cause;
        }
        PortProxy.LOG.debug("No valid answer from {}", target.outside(), cause);
        TrafficAnswer.noValidAnswer(sandbox, target.port()).send(exchange);
        return true;
    }

    /** Whether the connection may carry another request afterwards. */
    private boolean relay(ForwardedRequest request, SandboxSocket socket, ServiceAnswer answer, Upload upload)
            throws IOException {
        HopByHop.forEachOther(answer.headers(), exchange.responseHeaders()::add);
        if (answer.status() == 101) {
            upgrade(request, socket, answer);
            return false;
        }
        try {
            relayBody(new ServiceBody(socket, answer), socket, answer);
        } finally {
            if (!upload.isComplete()) {
                socket.close();
            }
            upload.end();
        }
        return answer.persistent() && upload.isComplete() && !socket.hasBuffered();
    }

    private void upgrade(ForwardedRequest request, SandboxSocket socket, ServiceAnswer answer) throws IOException {
        if (request.upgrade().isEmpty()) {
            giveUp(new MalformedAnswerException("101 without being asked"));
            return;
        }
        exchange.responseHeaders()
                .set("Connection", "Upgrade")
                .set(
                        "Upgrade",
                        answer.headers()
                                .first("Upgrade")
                                .orElse(request.upgrade().get()));
        exchange.tunnel(socket.channel());
    }

    private void relayBody(ServiceBody body, SandboxSocket socket, ServiceAnswer answer) throws IOException {
        boolean none = answer.framing() == ServiceAnswer.Framing.NONE;
        OutputStream out = exchange.start(answer.status(), none ? declaredLength(answer) : answer.length());
        socket.flushBeforeWaiting(out);
        byte[] buffer = new byte[FIRST_BUFFER];
        for (int count = body.read(buffer); count >= 0; count = body.read(buffer)) {
            out.write(buffer, 0, count);
            if (count == buffer.length && count < LARGE_BUFFER) {
                buffer = new byte[LARGE_BUFFER];
            }
        }
        socket.flushBeforeWaiting(() -> {});
        answered = true;
        out.close();
    }

    private long declaredLength(ServiceAnswer answer) {
        return exchange.method().equals("HEAD") ? answer.length() : Math.max(answer.length(), 0);
    }
}
