package dev.sandlot.linux;

import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/**
 * Makes the method handles of libc functions that report through errno.
 *
 * <p>A handle made by {@link #errnoCall} takes the segment for the captured errno first; one segment per thread
 * is kept for that, see {@link #errnoSlot()}. The value is read with {@link #lastErrno()} right after the call,
 * on the same thread.
 */
final class Native {
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    static final AddressLayout POINTER = ValueLayout.ADDRESS;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final StructLayout CAPTURED = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = CAPTURED.varHandle(MemoryLayout.PathElement.groupElement("errno"));
    private static final ThreadLocal<MemorySegment> SLOT =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(CAPTURED));

    private Native() {}

    /** A libc function whose failure is told by errno. */
    static MethodHandle errnoCall(String name, MemoryLayout result, MemoryLayout... arguments) {
        return LINKER.downcallHandle(
                address(name), FunctionDescriptor.of(result, arguments), Linker.Option.captureCallState("errno"));
    }

    /** As {@link #errnoCall} for a C function with variable arguments, of which {@code fixed} are named. */
    static MethodHandle errnoVariadic(String name, int fixed, MemoryLayout result, MemoryLayout... arguments) {
        return LINKER.downcallHandle(
                address(name),
                FunctionDescriptor.of(result, arguments),
                Linker.Option.captureCallState("errno"),
                Linker.Option.firstVariadicArg(fixed));
    }

    /** A libc function that returns its error number itself, as the posix_spawn family does. */
    static MethodHandle call(String name, MemoryLayout result, MemoryLayout... arguments) {
        return LINKER.downcallHandle(address(name), FunctionDescriptor.of(result, arguments));
    }

    /** The calling thread's segment for the captured errno. */
    static MemorySegment errnoSlot() {
        return SLOT.get();
    }

    /** The errno of the last call on this thread that was given {@link #errnoSlot()}. */
    static int lastErrno() {
        return (int) ERRNO.get(SLOT.get(), 0L);
    }

    /** What to throw when a method handle itself fails, which a correct descriptor never does. */
    static RuntimeException unexpected(Throwable cause) {
        if (cause instanceof Error error) {
            throw error;
        }
        return new IllegalStateException("native call failed", cause);
    }

    private static MemorySegment address(String name) {
        return LINKER.defaultLookup()
                .find(name)
                .orElseThrow(() -> new UnsupportedOperationException("the C library has no " + name));
    }
}
