package dev.sandlot.linux;

import static dev.sandlot.linux.Native.INT;
import static dev.sandlot.linux.Native.POINTER;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** Opens host paths, and turns the failures of C library calls into exceptions. */
final class Calls {
    private static final int O_CLOEXEC = 0x80000;
    private static final MethodHandle OPEN = Native.errnoVariadic("open", 2, INT, POINTER, INT, INT);

    private Calls() {}

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
