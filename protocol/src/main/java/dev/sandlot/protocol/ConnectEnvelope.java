package dev.sandlot.protocol;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * A framed message: one byte of flags, four bytes of length (big-endian), the payload (envd.md 5.4).
 */
final class ConnectEnvelope {
    static final int COMPRESSED = 1;
    static final int END_OF_STREAM = 2;
    static final int HEADER_BYTES = 5;

    private final int flags;
    private final byte[] payload;

    private ConnectEnvelope(int flags, byte[] payload) {
        this.flags = flags;
        this.payload = payload;
    }

    int flags() {
        return flags;
    }

    byte[] payload() {
        return payload;
    }

    /** The whole frame of a payload. */
    static byte[] frame(int flags, byte[] payload) {
        return ByteBuffer.allocate(HEADER_BYTES + payload.length)
                .put((byte) flags)
                .putInt(payload.length)
                .put(payload)
                .array();
    }

    /** Reads the next frame into memory of the lease; empty at the end of the body. */
    static Optional<ConnectEnvelope> read(InputStream in, int maxBytes, BodyBudget.Lease memory)
            throws ConnectException, IOException {
        byte[] header = in.readNBytes(HEADER_BYTES);
        if (header.length == 0) {
            return Optional.empty();
        }
        if (header.length < HEADER_BYTES) {
            throw invalid("protocol error: incomplete envelope");
        }
        long length = Integer.toUnsignedLong(ByteBuffer.wrap(header).getInt(1));
        if (length > maxBytes) {
            throw tooLarge(maxBytes);
        }
        byte[] payload = memory.read(in, (int) length);
        if (payload.length < length) {
            throw invalid("protocol error: promised " + length + " bytes in enveloped message, got " + payload.length
                    + " bytes");
        }
        return Optional.of(new ConnectEnvelope(header[0], payload));
    }

    static ConnectException tooLarge(int maxBytes) {
        return new ConnectException(
                ConnectCode.RESOURCE_EXHAUSTED, "message is larger than configured max " + maxBytes + " bytes");
    }

    private static ConnectException invalid(String text) {
        return new ConnectException(ConnectCode.INVALID_ARGUMENT, text);
    }
}
