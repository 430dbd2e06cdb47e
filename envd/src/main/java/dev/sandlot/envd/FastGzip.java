package dev.sandlot.envd;

import java.io.IOException;
import java.io.OutputStream;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;

/**
 * Compresses for a client that waits: fast rather than small. What does not become smaller is passed on as it is, which
 * is many times faster; now and then it is tried again.
 */
final class FastGzip extends GZIPOutputStream {
    static final int BLOCK_BYTES = 64 * 1024;

    /** How many blocks are stored before compressing is tried again. */
    private static final int STORED_BLOCKS = 31;

    private static final double WORTH_IT = 0.9;

    private int stored;
    private int inBlock;
    private long read;
    private long written;

    FastGzip(OutputStream out) throws IOException {
        super(out, BLOCK_BYTES);
        def.setLevel(Deflater.BEST_SPEED);
    }

    @Override
    public synchronized void write(byte[] bytes, int offset, int length) throws IOException {
        for (int done = 0; done < length; ) {
            int count = Math.min(length - done, BLOCK_BYTES - inBlock);
            super.write(bytes, offset + done, count);
            done += count;
            inBlock += count;
            if (inBlock == BLOCK_BYTES) {
                blockEnded();
            }
        }
    }

    private void blockEnded() {
        inBlock = 0;
        if (stored > 0) {
            stored--;
            if (stored == 0) {
                def.setLevel(Deflater.BEST_SPEED);
            }
        } else if (def.getBytesWritten() - written > WORTH_IT * (def.getBytesRead() - read)) {
            stored = STORED_BLOCKS;
            def.setLevel(Deflater.NO_COMPRESSION);
        }
        read = def.getBytesRead();
        written = def.getBytesWritten();
    }

    /** Frees the compressor, also of a stream that is not closed because the answer was cut. */
    void release() {
        def.end();
    }
}
