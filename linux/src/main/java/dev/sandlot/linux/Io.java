package dev.sandlot.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/**
 * Bytes through descriptors. Made for descriptors that do not block: then every call is fit for virtual threads and
 * for an {@link EventLoop}. Direct buffers are read and written in place, others through a copy.
 */
public final class Io {
    /** What {@link #read} gives at the end of the file. */
    public static final int END = -1;

    /** What {@link #read} and {@link #write} give when the call would have to wait. */
    public static final int WOULD_BLOCK = 0;

    private static final int SPLICE_F_NONBLOCK = 2;
    private static final int COPY_BYTES = 64 * 1024;
    private static final int F_GETFL = 3;
    private static final int F_SETFL = 4;
    private static final int F_DUPFD_CLOEXEC = 1030;

    /** The two ends of a pipe. */
    public record Pipe(Fd readEnd, Fd writeEnd) implements AutoCloseable {
        @Override
        public void close() {
            readEnd.close();
            writeEnd.close();
        }
    }

    private Io() {}

    /**
     * Reads once into the buffer, which must have room.
     *
     * @return how many bytes, {@link #END}, or {@link #WOULD_BLOCK}
     * @throws LinuxException {@code EIO} from a terminal's controlling side means that its other side is closed
     */
    public static int read(Fd fd, ByteBuffer into) throws IOException {
        requireRemaining(into);
        return into.isDirect() ? readDirect(fd, into) : readCopied(fd, into);
    }

    /**
     * Writes once from the buffer, which must not be empty.
     *
     * @return how many bytes, or {@link #WOULD_BLOCK}
     */
    public static int write(Fd fd, ByteBuffer from) throws IOException {
        requireRemaining(from);
        return from.isDirect() ? writeDirect(fd, from) : writeCopied(fd, from);
    }

    /**
     * Moves bytes from a pipe to a file, at the file's position, without a moment at which they are in neither: should
     * this program be killed, the file has exactly what the pipe no longer has.
     *
     * @return how many bytes, {@link #END}, or {@link #WOULD_BLOCK}
     */
    public static int splice(Fd pipe, Fd file, int most) throws IOException {
        long n = Syscall.SPLICE.attempt(pipe.number(), 0, file.number(), 0, most, SPLICE_F_NONBLOCK);
        if (Syscall.wouldBlock(n)) {
            return WOULD_BLOCK;
        }
        return n == 0 ? END : (int) Syscall.SPLICE.check(pipe.toString(), n);
    }

    /** Makes a pipe, closed on exec; both ends block. */
    public static Pipe pipe() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment ends = arena.allocate(Native.INT, 2);
            Syscall.PIPE2.call("", ends.address(), Open.CLOEXEC);
            return new Pipe(Fd.own(ends.getAtIndex(Native.INT, 0)), Fd.own(ends.getAtIndex(Native.INT, 1)));
        }
    }

    /** Makes calls on the descriptor, and on all its duplicates, return instead of wait; or wait again. */
    public static void setNonBlocking(Fd fd, boolean nonBlocking) throws IOException {
        long flags = Syscall.FCNTL.call("F_GETFL", fd.number(), F_GETFL);
        long wanted = nonBlocking ? flags | Open.NONBLOCK : flags & ~Open.NONBLOCK;
        Syscall.FCNTL.call("F_SETFL", fd.number(), F_SETFL, wanted);
    }

    /** A second descriptor for the same open file, closed on exec. */
    public static Fd duplicate(Fd fd) throws IOException {
        return duplicate(fd, 0);
    }

    /** As {@link #duplicate(Fd)}, with a number that is not below {@code lowest}. */
    static Fd duplicate(Fd fd, int lowest) throws LinuxException {
        return Syscall.FCNTL.open(fd.toString(), fd.number(), F_DUPFD_CLOEXEC, lowest, 0);
    }

    private static int readDirect(Fd fd, ByteBuffer into) throws IOException {
        int n = readInto(fd, MemorySegment.ofBuffer(into), into.remaining());
        if (n > 0) {
            into.position(into.position() + n);
        }
        return n;
    }

    private static int readCopied(Fd fd, ByteBuffer into) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment copy = arena.allocate(Math.min(into.remaining(), COPY_BYTES));
            int n = readInto(fd, copy, copy.byteSize());
            if (n > 0) {
                into.put(copy.asSlice(0, n).asByteBuffer());
            }
            return n;
        }
    }

    private static int readInto(Fd fd, MemorySegment into, long length) throws IOException {
        long n = Syscall.READ.attempt(fd.number(), into.address(), length);
        if (Syscall.wouldBlock(n)) {
            return WOULD_BLOCK;
        }
        return n == 0 ? END : (int) Syscall.READ.check(fd.toString(), n);
    }

    private static int writeDirect(Fd fd, ByteBuffer from) throws IOException {
        int n = writeFrom(fd, MemorySegment.ofBuffer(from), from.remaining());
        from.position(from.position() + n);
        return n;
    }

    private static int writeCopied(Fd fd, ByteBuffer from) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            int length = Math.min(from.remaining(), COPY_BYTES);
            MemorySegment copy = arena.allocate(length);
            copy.asByteBuffer().put(from.duplicate().limit(from.position() + length));
            int n = writeFrom(fd, copy, length);
            from.position(from.position() + n);
            return n;
        }
    }

    private static int writeFrom(Fd fd, MemorySegment from, long length) throws IOException {
        long n = Syscall.WRITE.attempt(fd.number(), from.address(), length);
        return Syscall.wouldBlock(n) ? WOULD_BLOCK : (int) Syscall.WRITE.check(fd.toString(), n);
    }

    private static void requireRemaining(ByteBuffer buffer) {
        if (!buffer.hasRemaining()) {
            throw new IllegalArgumentException("the buffer has no room");
        }
    }
}
