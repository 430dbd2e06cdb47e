package dev.sandlot.node;

import java.io.EOFException;
import java.io.Flushable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/**
 * A connection to a service in a sandbox, in blocking style with a small read buffer. One thread reads and one
 * writes; any thread may close.
 */
final class SandboxSocket implements AutoCloseable {
    private static final int DIAL_MILLIS = 30_000;
    private static final int BUFFER_SIZE = 8 * 1024;

    private final ServicePort target;
    private final SocketChannel channel;
    private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER_SIZE).limit(0);
    private Flushable beforeWaiting = () -> {};

    private SandboxSocket(ServicePort target, SocketChannel channel) {
        this.target = target;
        this.channel = channel;
    }

    /** Connects a socket to one address of the target; waits up to 30 s (platform.md 14.4). */
    static SandboxSocket dial(ServicePort target, SocketChannel channel, InetSocketAddress address)
            throws IOException {
        try {
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            channel.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
            channel.socket().connect(address, DIAL_MILLIS);
            return new SandboxSocket(target, channel);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    ServicePort target() {
        return target;
    }

    /** The connection itself; what was read ahead is lost to its user. */
    SocketChannel channel() {
        return channel;
    }

    /** Has something flushed before each read that may have to wait. */
    void flushBeforeWaiting(Flushable output) {
        beforeWaiting = output;
    }

    /** Whether bytes were read that nobody has taken yet. */
    boolean hasBuffered() {
        return buffer.hasRemaining();
    }

    /** Whether an unused connection is still good: open, and with nothing to read. */
    boolean isQuiet() {
        try {
            channel.configureBlocking(false);
            int count = channel.read(ByteBuffer.allocate(1));
            channel.configureBlocking(true);
            return count == 0 && !buffer.hasRemaining();
        } catch (IOException e) {
            return false;
        }
    }

    void write(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    void write(ByteBuffer... bytes) throws IOException {
        while (bytes[bytes.length - 1].hasRemaining()) {
            channel.write(bytes);
        }
    }

    /** Reads what is there, at least one byte; -1 at the end. */
    int read(byte[] bytes, int offset, int length) throws IOException {
        if (!buffer.hasRemaining()) {
            if (length >= BUFFER_SIZE) {
                beforeWaiting.flush();
                return channel.read(ByteBuffer.wrap(bytes, offset, length));
            }
            if (fill(BUFFER_SIZE) < 0) {
                return -1;
            }
        }
        int count = Math.min(length, buffer.remaining());
        buffer.get(bytes, offset, count);
        return count;
    }

    private int fill(int atMost) throws IOException {
        beforeWaiting.flush();
        int count = channel.read(buffer.clear().limit(atMost));
        buffer.flip();
        return count;
    }

    /**
     * Reads a line, without its end (CRLF or LF).
     *
     * @param limit most bytes it may have
     * @param readAhead whether bytes after the line may be read into the buffer
     */
    String readLine(int limit, boolean readAhead) throws IOException {
        StringBuilder line = new StringBuilder();
        while (true) {
            if (!buffer.hasRemaining() && fill(readAhead ? BUFFER_SIZE : 1) < 0) {
                throw new EOFException("The service ended the connection");
            }
            char next = (char) (buffer.get() & 0xff);
            if (next == '\n') {
                int length = line.length();
                return length > 0 && line.charAt(length - 1) == '\r' ? line.substring(0, length - 1) : line.toString();
            }
            if (line.length() >= limit) {
                throw new MalformedAnswerException("A line of the answer is too long");
            }
            line.append(next);
        }
    }

    /** Bytes of a protocol text, one for each character. */
    static ByteBuffer bytes(String text) {
        return ByteBuffer.wrap(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            // The descriptor is gone either way.
            PortProxy.LOG.debug("Could not close the connection to {}", target.outside(), e);
        }
    }
}
