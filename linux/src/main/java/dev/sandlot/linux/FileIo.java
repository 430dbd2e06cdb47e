package dev.sandlot.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** Bytes of files that are always ready: read, write, cut. */
public final class FileIo {
    private static final MethodHandle MALLOC = Native.call("malloc", Native.POINTER, Native.LONG);
    private static final MethodHandle FREE = Native.call("free", Native.LONG, Native.POINTER);

    private FileIo() {}

    /** Reads at the file's position; -1 at the end. */
    public static int read(Fd file, byte[] into, int offset, int length) throws LinuxException {
        return read(Syscall.READ, file, into, offset, length, 0);
    }

    /** Reads at a position of the caller's; -1 at the end. */
    public static int readAt(Fd file, long position, byte[] into, int offset, int length) throws LinuxException {
        return read(Syscall.PREAD64, file, into, offset, length, position);
    }

    /** Writes all of it at the file's position, in one call unless the kernel takes less. */
    public static void write(Fd file, byte[] from, int offset, int length) throws LinuxException {
        MemorySegment buffer = allocate(length);
        try {
            MemorySegment.copy(from, offset, buffer, ValueLayout.JAVA_BYTE, 0, length);
            long done = 0;
            while (done < length) {
                done += Syscall.WRITE.call("", file.number(), buffer.address() + done, length - done);
            }
        } finally {
            free(buffer);
        }
    }

    /** Writes all of it at a position of the caller's; the file's stays where it is. */
    public static void writeAt(Fd file, long position, byte[] from) throws LinuxException {
        MemorySegment buffer = allocate(from.length);
        try {
            MemorySegment.copy(from, 0, buffer, ValueLayout.JAVA_BYTE, 0, from.length);
            long done = 0;
            while (done < from.length) {
                done += Syscall.PWRITE64.call(
                        "", file.number(), buffer.address() + done, from.length - done, position + done);
            }
        } finally {
            free(buffer);
        }
    }

    /** Cuts or extends a file. */
    public static void truncate(Fd file, long size) throws LinuxException {
        Syscall.FTRUNCATE.call("", file.number(), size);
    }

    private static int read(Syscall call, Fd file, byte[] into, int offset, int length, long position)
            throws LinuxException {
        MemorySegment buffer = allocate(length);
        try {
            int count = (int) call.call("", file.number(), buffer.address(), length, position);
            MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, 0, into, offset, count);
            return count == 0 && length > 0 ? -1 : count;
        } finally {
            free(buffer);
        }
    }

    private static MemorySegment allocate(int length) {
        try {
            MemorySegment out = (MemorySegment) MALLOC.invokeExact(Math.max(1L, length));
            if (out.address() == 0) {
                throw new OutOfMemoryError("malloc " + length);
            }
            return out.reinterpret(length);
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    private static void free(MemorySegment buffer) {
        try {
            long _ = (long) FREE.invokeExact(buffer);
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }
}
