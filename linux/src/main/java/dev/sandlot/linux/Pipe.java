package dev.sandlot.linux;

import static dev.sandlot.linux.Native.INT;
import static dev.sandlot.linux.Native.POINTER;

import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** A pipe; neither end is inherited unless it is handed over. */
public record Pipe(Fd reading, Fd writing) implements AutoCloseable {
    private static final int O_CLOEXEC = 0x80000;
    private static final MethodHandle PIPE2 = Native.errnoCall("pipe2", INT, POINTER, INT);

    /** Makes one. */
    public static Pipe open() throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment ends = arena.allocate(INT, 2);
            Calls.check("pipe2", "", (int) PIPE2.invokeExact(Native.errnoSlot(), ends, O_CLOEXEC));
            return new Pipe(Fd.own(ends.getAtIndex(INT, 0)), Fd.own(ends.getAtIndex(INT, 1)));
        } catch (LinuxException e) {
            throw e;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** Reads from the reading end through a descriptor of its own. */
    public InputStream input() throws IOException {
        return new FileInputStream(reading.procPath());
    }

    /** Writes to the writing end through a descriptor of its own. */
    public OutputStream output() throws IOException {
        return new FileOutputStream(writing.procPath());
    }

    @Override
    public void close() {
        reading.close();
        writing.close();
    }
}
