package dev.sandlot.builds;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/** What a client sends; it tells a failure of the client from one of whoever keeps what is read. One thread at a time. */
final class ReceivedStream extends FilterInputStream {
    private boolean broken;

    ReceivedStream(InputStream in) {
        super(in);
    }

    /** Whether reading has failed. */
    boolean isBroken() {
        return broken;
    }

    @Override
    public int read() throws IOException {
        try {
            return super.read();
        } catch (IOException e) {
            broken = true;
            throw e;
        }
    }

    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
        try {
            return super.read(buffer, offset, length);
        } catch (IOException e) {
            broken = true;
            throw e;
        }
    }
}
