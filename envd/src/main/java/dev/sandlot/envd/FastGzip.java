package dev.sandlot.envd;

import java.io.IOException;
import java.io.OutputStream;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;

/** Compresses for a client that waits: fast rather than small. */
final class FastGzip extends GZIPOutputStream {
    private static final int BUFFER_SIZE = 64 * 1024;

    FastGzip(OutputStream out) throws IOException {
        super(out, BUFFER_SIZE);
        def.setLevel(Deflater.BEST_SPEED);
    }

    /** Frees the compressor, also of a stream that is not closed because the answer was cut. */
    void release() {
        def.end();
    }
}
