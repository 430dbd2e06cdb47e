package dev.sandlot.supervisor;

import dev.sandlot.linux.Fd;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** Cuts what arrives into frames and keeps the descriptors that came along until they are asked for. */
final class FrameReader implements AutoCloseable {
    /** The longest that is ever sent to us is a list of all processes. */
    static final int MAX_PAYLOAD_BYTES = 1 << 20;

    private static final int MAX_WAITING_DESCRIPTORS = 1024;

    private final Consumer consumer;
    private final Deque<Fd> descriptors = new ArrayDeque<>();
    private byte[] rest = {};

    /** Takes one frame; the payload is its own. */
    @FunctionalInterface
    interface Consumer {
        void frame(int type, long number, ByteBuffer payload) throws IOException;
    }

    FrameReader(Consumer consumer) {
        this.consumer = consumer;
    }

    void add(ByteBuffer bytes, List<Fd> received) throws IOException {
        descriptors.addAll(received);
        if (descriptors.size() > MAX_WAITING_DESCRIPTORS) {
            throw new ProtocolException("descriptors that no frame speaks of");
        }
        ByteBuffer all = joined(bytes).order(ByteOrder.LITTLE_ENDIAN);
        while (all.remaining() >= Wire.HEADER_BYTES && takeFrame(all)) {}
        rest = new byte[all.remaining()];
        all.get(rest);
    }

    /** The next descriptors in the order they came. */
    List<Fd> takeDescriptors(int count) throws IOException {
        if (descriptors.size() < count) {
            throw new ProtocolException("a frame came without its descriptors");
        }
        List<Fd> taken = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            taken.add(descriptors.remove());
        }
        return taken;
    }

    @Override
    public void close() {
        descriptors.forEach(Fd::close);
        descriptors.clear();
    }

    private boolean takeFrame(ByteBuffer all) throws IOException {
        int length = all.getInt(all.position());
        if (length < 0 || length > MAX_PAYLOAD_BYTES) {
            throw new ProtocolException("a frame of " + Integer.toUnsignedString(length) + " bytes");
        }
        if (all.remaining() < Wire.HEADER_BYTES + length) {
            return false;
        }
        all.getInt();
        int type = all.getInt();
        long number = all.getLong();
        byte[] payload = new byte[length];
        all.get(payload);
        consumer.frame(type, number, Wire.littleEndian(payload));
        return true;
    }

    private ByteBuffer joined(ByteBuffer bytes) {
        if (rest.length == 0) {
            return bytes;
        }
        ByteBuffer joined = ByteBuffer.allocate(rest.length + bytes.remaining());
        return joined.put(rest).put(bytes).flip();
    }
}
