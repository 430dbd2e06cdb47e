package dev.sandlot.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** Moves bytes between arrays and open files through one native buffer. Used by one thread at a time. */
public final class FdTransfer implements AutoCloseable {
    private static final MethodHandle READ =
            Native.errnoCall("read", Native.LONG, Native.INT, Native.POINTER, Native.LONG);
    private static final MethodHandle WRITE =
            Native.errnoCall("write", Native.LONG, Native.INT, Native.POINTER, Native.LONG);

    private final Arena arena = Arena.ofShared();
    private final MemorySegment buffer;

    public FdTransfer(int bufferBytes) {
        buffer = arena.allocate(bufferBytes);
    }

    /** Writes all the given bytes. */
    public void write(Fd fd, byte[] bytes, int offset, int length) throws IOException {
        int done = 0;
        while (done < length) {
            int chunk = (int) Math.min(buffer.byteSize(), length - done);
            MemorySegment.copy(bytes, offset + done, buffer, ValueLayout.JAVA_BYTE, 0, chunk);
            done += transfer("write", WRITE, fd, chunk);
        }
    }

    /** Reads up to the length of the array; 0 at the end of the file. */
    public int read(Fd fd, byte[] bytes) throws IOException {
        int count = transfer("read", READ, fd, (int) Math.min(buffer.byteSize(), bytes.length));
        MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, 0, bytes, 0, count);
        return count;
    }

    @Override
    public void close() {
        arena.close();
    }

    private int transfer(String name, MethodHandle call, Fd fd, int length) throws IOException {
        long result;
        do {
            result = invoke(call, fd, length);
        } while (result < 0 && Native.lastErrno() == Errno.EINTR.number());
        if (result < 0) {
            throw new LinuxException(name, fd.toString(), Native.lastErrno());
        }
        return (int) result;
    }

    private long invoke(MethodHandle call, Fd fd, int length) {
        try {
            return (long) call.invokeExact(Native.errnoSlot(), fd.number(), buffer, (long) length);
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }
}
