package dev.sandlot.edge;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.SocketChannel;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.eclipse.jetty.io.AbstractConnection;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.util.Blocker;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A client's connection after its upgrade: raw bytes both ways. Jetty opens it when the 101 answer is out; one
 * virtual thread then carries each direction.
 */
final class Tunnel extends AbstractConnection implements Connection.UpgradeTo {
    private static final Logger LOG = LoggerFactory.getLogger(Tunnel.class);
    private static final int BUFFER_SIZE = 16 * 1024;
    private static final int OPENING_SECONDS = 10;

    private final CountDownLatch opened = new CountDownLatch(1);
    private volatile ByteBuffer early = ByteBuffer.allocate(0);

    Tunnel(EndPoint endPoint, Executor executor) {
        super(endPoint, executor);
    }

    @Override
    public void onUpgradeTo(ByteBuffer unread) {
        ByteBuffer copy = ByteBuffer.allocate(unread.remaining());
        early = copy.put(unread).flip();
    }

    @Override
    public void onOpen() {
        super.onOpen();
        opened.countDown();
    }

    @Override
    public void onClose(Throwable cause) {
        super.onClose(cause);
        opened.countDown();
    }

    @Override
    public void onFillable() {
        throw new IllegalStateException("A tunnel reads by itself");
    }

    @Override
    public boolean onIdleExpired(TimeoutException timeout) {
        return false;
    }

    /** Carries bytes until both directions have ended, or one has failed; closes both sides. */
    void run(ByteChannel peer) throws IOException {
        try {
            if (!opened.await(OPENING_SECONDS, TimeUnit.SECONDS)) {
                throw new IOException("The connection was not handed over");
            }
            Thread upward = Thread.startVirtualThread(() -> carry(() -> toPeer(peer), peer));
            carry(() -> toClient(peer), peer);
            upward.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("Interrupted", e);
        } finally {
            getEndPoint().close();
            close(peer);
        }
    }

    @FunctionalInterface
    private interface Direction {
        void carry() throws IOException;
    }

    private void carry(Direction direction, ByteChannel peer) {
        try {
            direction.carry();
        } catch (IOException e) {
            getEndPoint().close();
            close(peer);
        }
    }

    private void toPeer(ByteChannel peer) throws IOException {
        writeFully(peer, early);
        early = ByteBuffer.allocate(0);
        ByteBuffer buffer = ByteBuffer.allocate(BUFFER_SIZE);
        while (readClient(buffer.clear().limit(0))) {
            writeFully(peer, buffer);
        }
        if (peer instanceof SocketChannel socket) {
            socket.shutdownOutput();
        } else {
            throw new IOException("The client has ended");
        }
    }

    private boolean readClient(ByteBuffer buffer) throws IOException {
        while (true) {
            int count = getEndPoint().fill(buffer);
            if (count != 0) {
                return count > 0;
            }
            try (Blocker.Callback readable = Blocker.callback()) {
                getEndPoint().fillInterested(readable);
                readable.block();
            }
        }
    }

    private void toClient(ByteChannel peer) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(BUFFER_SIZE);
        while (peer.read(buffer.clear()) >= 0) {
            try (Blocker.Callback written = Blocker.callback()) {
                getEndPoint().write(written, buffer.flip());
                written.block();
            }
        }
        if (!(peer instanceof SocketChannel)) {
            throw new IOException("The peer has ended");
        }
        getEndPoint().shutdownOutput();
    }

    private static void writeFully(ByteChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /** Closes a channel whose end is no news to anybody. */
    static void close(ByteChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            LOG.debug("Could not close {}", channel, e);
        }
    }
}
