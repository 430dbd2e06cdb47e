package dev.sandlot.linux;

import static dev.sandlot.linux.Native.INT;
import static dev.sandlot.linux.Native.LONG;
import static dev.sandlot.linux.Native.POINTER;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** Calls the C library has no wrapper for, by number; the numbers used here are the same on every architecture. */
final class Syscall {
    static final long OPEN_TREE = 428;
    static final long MOVE_MOUNT = 429;
    static final long MOUNT_SETATTR = 442;

    private static final int O_CLOEXEC = 0x80000;
    private static final MethodHandle SYSCALL =
            Native.errnoVariadic("syscall", 1, LONG, LONG, LONG, LONG, LONG, LONG, LONG);
    private static final MethodHandle OPEN = Native.errnoVariadic("open", 2, INT, POINTER, INT, INT);

    private Syscall() {}

    static long call(String name, String subject, long number, long a, long b, long c, long d, long e)
            throws LinuxException {
        long result;
        try {
            result = (long) SYSCALL.invokeExact(Native.errnoSlot(), number, a, b, c, d, e);
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
        if (result < 0) {
            throw new LinuxException(name, subject, Native.lastErrno());
        }
        return result;
    }

    static Fd open(String path, int flags) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocateFrom(path);
            return Fd.own(check("open", path, (int) OPEN.invokeExact(Native.errnoSlot(), text, flags | O_CLOEXEC, 0)));
        } catch (LinuxException e) {
            throw e;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Turns a negative result into the exception that names the call. */
    static int check(String name, String subject, int result) throws LinuxException {
        if (result < 0) {
            throw new LinuxException(name, subject, Native.lastErrno());
        }
        return result;
    }
}
