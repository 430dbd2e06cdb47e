package dev.sandlot.supervisor;

import dev.sandlot.linux.Fd;
import java.nio.ByteBuffer;
import java.util.List;

/** What came back for a request: an errno and a step, or what was asked for. */
record Answer(int error, int step, ByteBuffer body, List<Fd> descriptors) implements AutoCloseable {
    boolean isFailure() {
        return error != 0;
    }

    /** Gives the descriptors back when nobody wants them. */
    @Override
    public void close() {
        descriptors.forEach(Fd::close);
    }
}
