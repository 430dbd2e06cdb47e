package dev.sandlot.linux;

import static dev.sandlot.linux.Native.INT;
import static dev.sandlot.linux.Native.POINTER;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** A listening unix stream socket, to be handed to another program. */
public final class UnixListener {
    private static final int AF_UNIX = 1;
    private static final int STREAM_CLOEXEC = 1 | 0x80000;
    private static final int BACKLOG = 16;
    private static final int ADDRESS_SIZE = 110;
    private static final int LONGEST_PATH = 107;

    private static final MethodHandle SOCKET = Native.errnoCall("socket", INT, INT, INT, INT);
    private static final MethodHandle BIND = Native.errnoCall("bind", INT, INT, POINTER, INT);
    private static final MethodHandle LISTEN = Native.errnoCall("listen", INT, INT, INT);

    private UnixListener() {}

    /** Makes the socket's file, which must not exist, and listens on it. */
    public static Fd listen(Path path) throws LinuxException {
        byte[] name = path.toString().getBytes(StandardCharsets.UTF_8);
        if (name.length > LONGEST_PATH) {
            throw new LinuxException("bind", path.toString(), Errno.ENAMETOOLONG.number());
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(ADDRESS_SIZE, 2);
            address.set(ValueLayout.JAVA_SHORT, 0, (short) AF_UNIX);
            MemorySegment.copy(name, 0, address, ValueLayout.JAVA_BYTE, 2, name.length);
            int number = (int) SOCKET.invokeExact(Native.errnoSlot(), AF_UNIX, STREAM_CLOEXEC, 0);
            return listening(Fd.own(Syscall.check("socket", "unix", number)), path.toString(), address);
        } catch (LinuxException e) {
            throw e;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    private static Fd listening(Fd socket, String path, MemorySegment address) throws Throwable {
        try {
            int bound = (int) BIND.invokeExact(Native.errnoSlot(), socket.number(), address, ADDRESS_SIZE);
            Syscall.check("bind", path, bound);
            Syscall.check("listen", path, (int) LISTEN.invokeExact(Native.errnoSlot(), socket.number(), BACKLOG));
            return socket;
        } catch (Throwable t) {
            socket.close();
            throw t;
        }
    }
}
