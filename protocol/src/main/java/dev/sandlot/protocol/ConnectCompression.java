package dev.sandlot.protocol;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.GZIPInputStream;

/** How request messages are packed: not at all, or by gzip. Answers are never packed. */
enum ConnectCompression {
    IDENTITY,
    GZIP;

    /** Reads the field that declares it. */
    static ConnectCompression declared(Headers headers, String field) throws ConnectException {
        String name = headers.first(field).orElse("identity");
        return switch (name) {
            case "", "identity" -> IDENTITY;
            case "gzip" -> GZIP;
            default ->
                throw new ConnectException(
                        ConnectCode.UNIMPLEMENTED,
                        "unknown compression \"" + name + "\": supported encodings are gzip");
        };
    }

    /** Unpacks a payload, to at most {@code maxBytes}, into memory of the lease. */
    byte[] unpack(byte[] packed, int maxBytes, BodyBudget.Lease memory) throws ConnectException, BodyBudget.Exceeded {
        if (this == IDENTITY) {
            throw new ConnectException(
                    ConnectCode.INTERNAL, "protocol error: sent compressed message without compression support");
        }
        try (InputStream in = new GZIPInputStream(new ByteArrayInputStream(packed))) {
            byte[] bytes = memory.read(in, maxBytes + 1);
            if (bytes.length > maxBytes) {
                throw ConnectEnvelope.tooLarge(maxBytes);
            }
            return bytes;
        } catch (BodyBudget.Exceeded e) {
            throw e;
        } catch (IOException e) {
            throw new ConnectException(ConnectCode.INVALID_ARGUMENT, "decompress: " + e.getMessage(), e);
        }
    }
}
