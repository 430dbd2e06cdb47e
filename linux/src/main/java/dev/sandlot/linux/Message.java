package dev.sandlot.linux;

import dev.sandlot.linux.UnixSocket.Credentials;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/**
 * The layout of {@code struct msghdr} and its control messages on 64-bit Linux:
 *
 * <pre>
 * msghdr:  name 0, namelen 8, iov 16, iovlen 24, control 32, controllen 40, flags 48; 56 bytes
 * iovec:   base 0, len 8
 * cmsghdr: len 0, level 8, type 12, data 16; each begins at a multiple of 8
 * ucred:   pid 0, uid 4, gid 8
 * </pre>
 */
final class Message {
    static final int CLOSE_ON_EXEC = 0x40000000;
    static final long CREDENTIALS_BYTES = 12;

    private static final int TRUNCATED = 0x8;
    private static final int SOL_SOCKET = 1;
    private static final int SCM_RIGHTS = 1;
    private static final int SCM_CREDENTIALS = 2;
    private static final long HEADER_BYTES = 56;
    private static final long IOVEC_BYTES = 16;
    private static final long IOV = 16;
    private static final long IOV_LENGTH = 24;
    private static final long CONTROL = 32;
    private static final long CONTROL_LENGTH = 40;
    private static final long FLAGS = 48;
    private static final long CONTROL_HEADER_BYTES = 16;
    private static final long CONTROL_BYTES =
            CONTROL_HEADER_BYTES + UnixSocket.MAX_DESCRIPTORS * 4L + CONTROL_HEADER_BYTES + aligned(CREDENTIALS_BYTES);

    private Message() {}

    static MemorySegment toSend(Arena arena, MemorySegment bytes, List<Fd> descriptors) {
        MemorySegment message = withBytes(arena, bytes);
        if (!descriptors.isEmpty()) {
            long length = CONTROL_HEADER_BYTES + descriptors.size() * 4L;
            MemorySegment control = arena.allocate(aligned(length), 8);
            control.set(Native.LONG, 0, length);
            control.set(Native.INT, 8, SOL_SOCKET);
            control.set(Native.INT, 12, SCM_RIGHTS);
            for (int i = 0; i < descriptors.size(); i++) {
                control.set(
                        Native.INT,
                        CONTROL_HEADER_BYTES + i * 4L,
                        descriptors.get(i).number());
            }
            setControl(message, control);
        }
        return message;
    }

    static MemorySegment toReceive(Arena arena, MemorySegment bytes) {
        MemorySegment message = withBytes(arena, bytes);
        setControl(message, arena.allocate(CONTROL_BYTES, 8));
        return message;
    }

    static boolean isTruncated(MemorySegment message) {
        return (message.get(Native.INT, FLAGS) & TRUNCATED) != 0;
    }

    /** Adds the descriptors received and gives the sender when told. */
    static Optional<Credentials> readControl(MemorySegment message, List<Fd> descriptors) {
        long length = message.get(Native.LONG, CONTROL_LENGTH);
        MemorySegment control = message.get(Native.POINTER, CONTROL).reinterpret(length);
        Optional<Credentials> sender = Optional.empty();
        for (long at = 0; at + CONTROL_HEADER_BYTES <= length; ) {
            long size = control.get(Native.LONG, at);
            MemorySegment data = control.asSlice(at + CONTROL_HEADER_BYTES, size - CONTROL_HEADER_BYTES);
            if (control.get(Native.INT, at + 8) == SOL_SOCKET) {
                switch (control.get(Native.INT, at + 12)) {
                    case SCM_RIGHTS -> addDescriptors(data, descriptors);
                    case SCM_CREDENTIALS -> sender = Optional.of(credentials(data));
                    default -> {}
                }
            }
            at += aligned(size);
        }
        return sender;
    }

    static Credentials credentials(MemorySegment data) {
        return new Credentials(data.get(Native.INT, 0), data.get(Native.INT, 4), data.get(Native.INT, 8));
    }

    private static void addDescriptors(MemorySegment data, List<Fd> descriptors) {
        for (long at = 0; at + 4 <= data.byteSize(); at += 4) {
            descriptors.add(Fd.own(data.get(Native.INT, at)));
        }
    }

    private static MemorySegment withBytes(Arena arena, MemorySegment bytes) {
        MemorySegment vector = arena.allocate(IOVEC_BYTES, 8);
        vector.set(Native.POINTER, 0, bytes);
        vector.set(Native.LONG, 8, bytes.byteSize());
        MemorySegment message = arena.allocate(HEADER_BYTES, 8);
        message.set(Native.POINTER, IOV, vector);
        message.set(Native.LONG, IOV_LENGTH, 1);
        return message;
    }

    private static void setControl(MemorySegment message, MemorySegment control) {
        message.set(Native.POINTER, CONTROL, control);
        message.set(Native.LONG, CONTROL_LENGTH, control.byteSize());
    }

    private static long aligned(long length) {
        return (length + 7) & ~7L;
    }
}
