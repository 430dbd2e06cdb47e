package dev.sandlot.edge;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.Objects;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Blocker;

/**
 * The body of an answer as a blocking stream. Small writes are gathered until a flush; large ones go out at once.
 * Nothing is kept between flushes, so an idle stream holds no buffer.
 */
final class AnswerBody extends OutputStream {
    private static final int GATHER = 16 * 1024;
    private static final int FIRST_GATHER = 512;
    private static final byte[] NONE = {};

    private final Response response;
    private final long length;
    private final Runnable cut;
    private byte[] gathered = NONE;
    private int count;
    private long written;
    private boolean headSent;
    private boolean closed;
    private volatile boolean complete;

    /**
     * @param length bytes that must follow, or -1 when not known
     * @param cut run when the answer cannot be finished
     */
    AnswerBody(Response response, long length, Runnable cut) {
        this.response = response;
        this.length = length;
        this.cut = cut;
    }

    /** Whether the answer was sent to its proper end. */
    boolean isComplete() {
        return complete;
    }

    /** Sends the whole answer when no body may follow; what is written of an unknown length is then dropped. */
    void sendHead() throws IOException {
        send(true, NONE, 0, 0);
        complete = true;
    }

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int size) throws IOException {
        Objects.checkFromIndexSize(offset, size, bytes.length);
        if (closed) {
            throw new IOException("The answer is closed");
        }
        if (size == 0 || (complete && length < 0)) {
            return;
        }
        if (length >= 0 && written + size > length) {
            throw new IOException("More bytes than the answer's length of " + length);
        }
        written += size;
        if (count + size > GATHER) {
            sendGathered(false);
        }
        if (size >= GATHER) {
            send(false, bytes, offset, size);
        } else {
            gather(bytes, offset, size);
        }
    }

    private void gather(byte[] bytes, int offset, int size) {
        if (count + size > gathered.length) {
            int room = Math.max(FIRST_GATHER, Integer.highestOneBit(count + size - 1) << 1);
            byte[] larger = new byte[Math.min(room, GATHER)];
            System.arraycopy(gathered, 0, larger, 0, count);
            gathered = larger;
        }
        System.arraycopy(bytes, offset, gathered, count, size);
        count += size;
    }

    @Override
    public void flush() throws IOException {
        if (!complete && (count > 0 || !headSent)) {
            sendGathered(false);
        }
    }

    private void sendGathered(boolean last) throws IOException {
        byte[] bytes = gathered;
        int size = count;
        gathered = NONE;
        count = 0;
        if (size > 0 || last || !headSent) {
            send(last, bytes, 0, size);
        }
    }

    private void send(boolean last, byte[] bytes, int offset, int size) throws IOException {
        headSent = true;
        try (Blocker.Callback sent = Blocker.callback()) {
            response.write(last, ByteBuffer.wrap(bytes, offset, size), sent);
            sent.block();
        } catch (IllegalStateException e) {
            throw new IOException("The exchange is over", e);
        }
    }

    @Override
    public void close() throws IOException {
        if (closed) {
            return;
        }
        closed = true;
        if (complete) {
            return;
        }
        if (length >= 0 && written != length) {
            cut.run();
            throw new IOException("The answer ended after " + written + " of " + length + " bytes");
        }
        sendGathered(true);
        complete = true;
    }
}
