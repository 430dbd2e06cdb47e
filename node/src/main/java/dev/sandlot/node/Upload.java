package dev.sandlot.node;

import dev.sandlot.protocol.Exchange;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.time.Duration;

/**
 * Carries the body of a request to the service, on a virtual thread of its own so that the answer may begin before
 * the request ends.
 */
final class Upload {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int BUFFER_SIZE = 32 * 1024;
    private static final byte[] LINE_END = {'\r', '\n'};

    private final Exchange exchange;
    private final SandboxSocket socket;
    private final long length;
    private final Thread thread;
    private volatile boolean complete;
    private volatile boolean answered;

    private Upload(Exchange exchange, SandboxSocket socket, long length) {
        this.exchange = exchange;
        this.socket = socket;
        this.length = length;
        this.thread = Thread.ofVirtual().unstarted(this::run);
    }

    static Upload start(Exchange exchange, SandboxSocket socket, long length) {
        Upload upload = new Upload(exchange, socket, length);
        if (length == 0) {
            upload.complete = true;
        } else {
            upload.thread.start();
        }
        return upload;
    }

    /** Whether the service was given the whole body. */
    boolean isComplete() {
        return complete;
    }

    private void run() {
        byte[] buffer = new byte[(int) (length < 0 ? BUFFER_SIZE : Math.min(BUFFER_SIZE, length))];
        InputStream body = exchange.requestBody();
        boolean taken = true;
        long sent = 0;
        try {
            for (int count = body.read(buffer); count >= 0 && !answered; count = body.read(buffer)) {
                taken = taken && send(buffer, count);
                sent += count;
            }
            complete = taken && !answered && sendEnd(sent);
        } catch (IOException e) {
            PortProxy.LOG.debug("The request to {} was cut", socket.target(), e);
            exchange.abort();
            socket.close();
        }
    }

    /** False when the service takes no more; it may have answered nevertheless, and the client is heard out. */
    private boolean send(byte[] bytes, int count) {
        try {
            ByteBuffer data = ByteBuffer.wrap(bytes, 0, count);
            if (length >= 0) {
                socket.write(data);
            } else {
                socket.write(SandboxSocket.bytes(Integer.toHexString(count) + "\r\n"), data, ByteBuffer.wrap(LINE_END));
            }
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private boolean sendEnd(long sent) throws IOException {
        if (length >= 0 && sent != length) {
            throw new IOException("The request ended after " + sent + " of " + length + " bytes");
        }
        if (length < 0) {
            socket.write(SandboxSocket.bytes("0\r\n\r\n"));
        }
        return true;
    }

    /** Ends the transfer when the answer is over; cuts the exchange if its client neither sends nor goes. */
    void end() {
        answered = true;
        try {
            if (!thread.getState().equals(Thread.State.NEW) && !thread.join(PATIENCE)) {
                exchange.abort();
                thread.join();
            }
        } catch (InterruptedException e) {
            exchange.abort();
            Thread.currentThread().interrupt();
        }
    }
}
