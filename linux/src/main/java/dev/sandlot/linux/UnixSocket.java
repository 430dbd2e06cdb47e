package dev.sandlot.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A stream socket of the local machine that carries descriptors and the sender's identity besides bytes. It never
 * blocks; use an {@link EventLoop} to wait for it. Not for several threads at once, except that one may send while
 * another receives.
 */
public final class UnixSocket implements AutoCloseable {
    /** The most descriptors that one {@link #send} may attach. */
    public static final int MAX_DESCRIPTORS = 64;

    private static final int AF_UNIX = 1;
    private static final int SOCK_STREAM_NONBLOCK_CLOEXEC = 1 | 0x800 | 0x80000;
    private static final int SOCK_NONBLOCK_CLOEXEC = 0x800 | 0x80000;
    private static final int SOL_SOCKET = 1;
    private static final int SO_PASSCRED = 16;
    private static final int SO_PEERCRED = 17;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int MAX_PATH_BYTES = 107;
    private static final int BACKLOG = 64;

    private final Fd fd;

    private UnixSocket(Fd fd) {
        this.fd = fd;
    }

    /** Who a process is, as the kernel vouches for it and this process's namespaces show it. */
    public record Credentials(int pid, int uid, int gid) {}

    /**
     * What one {@link #receive} brought.
     *
     * @param count bytes, {@link Io#END} or {@link Io#WOULD_BLOCK}
     * @param descriptors those attached; the receiver owns them
     * @param sender with {@link #passCredentials}, who sent it
     */
    public record Received(int count, List<Fd> descriptors, Optional<Credentials> sender) {}

    /** Makes a socket file and listens there. */
    public static UnixSocket listen(Path path) throws IOException {
        UnixSocket socket = create();
        try {
            socket.withAddress(path, Syscall.BIND);
            OwnerOnly.file(path);
            Syscall.LISTEN.call(path.toString(), socket.fd.number(), BACKLOG);
            return socket;
        } catch (IOException | RuntimeException e) {
            socket.close();
            throw e;
        }
    }

    /**
     * Connects to a listening socket, which need not have accepted yet when this returns. Identities of senders are
     * received from the first byte on.
     *
     * @throws LinuxException {@code EAGAIN} when too many wait to be accepted
     */
    public static UnixSocket connect(Path path) throws IOException {
        UnixSocket socket = create();
        try {
            socket.passCredentials();
            socket.withAddress(path, Syscall.CONNECT);
            return socket;
        } catch (IOException | RuntimeException e) {
            socket.close();
            throw e;
        }
    }

    /** Takes over a connected socket, which from now on does not block. */
    public static UnixSocket own(Fd connected) throws IOException {
        Io.setNonBlocking(connected, true);
        return new UnixSocket(connected);
    }

    /** The next connection to this listening socket, if one waits. */
    public Optional<UnixSocket> accept() throws IOException {
        long accepted = Syscall.ACCEPT4.attempt(fd.number(), 0, 0, SOCK_NONBLOCK_CLOEXEC, 0);
        if (Syscall.wouldBlock(accepted)) {
            return Optional.empty();
        }
        return Optional.of(new UnixSocket(Fd.own((int) Syscall.ACCEPT4.check("", accepted))));
    }

    /** The descriptor, to wait for or to pass on; this stays its owner. */
    public Fd fd() {
        return fd;
    }

    /** Asks the kernel to tell with each {@link #receive} who sent it. */
    public void passCredentials() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment on = arena.allocateFrom(Native.INT, 1);
            Syscall.SETSOCKOPT.call("SO_PASSCRED", fd.number(), SOL_SOCKET, SO_PASSCRED, on.address(), 4);
        }
    }

    /** Who connected, or who listened when this end connected. A pid of 0 cannot be seen from here. */
    public Credentials peer() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment credentials = arena.allocate(Message.CREDENTIALS_BYTES, 4);
            MemorySegment length = arena.allocateFrom(Native.INT, (int) Message.CREDENTIALS_BYTES);
            Syscall.GETSOCKOPT.call(
                    "SO_PEERCRED", fd.number(), SOL_SOCKET, SO_PEERCRED, credentials.address(), length.address());
            return Message.credentials(credentials);
        }
    }

    /**
     * Sends what the socket takes of the buffer, with the descriptors on its first byte. The descriptors stay open
     * here.
     *
     * @return how many bytes, or {@link Io#WOULD_BLOCK}, and then the descriptors are not sent either
     */
    public int send(ByteBuffer from, List<Fd> descriptors) throws IOException {
        if (descriptors.size() > MAX_DESCRIPTORS || !from.hasRemaining()) {
            throw new IllegalArgumentException("needs at least a byte and at most 64 descriptors");
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment message = Message.toSend(arena, bytes(arena, from), descriptors);
            long n = Syscall.SENDMSG.attempt(fd.number(), message.address(), MSG_NOSIGNAL);
            if (Syscall.wouldBlock(n)) {
                return Io.WOULD_BLOCK;
            }
            int sent = (int) Syscall.SENDMSG.check("", n);
            from.position(from.position() + sent);
            return sent;
        }
    }

    /**
     * Receives once into the buffer, which must have room and be direct.
     *
     * @throws LinuxException {@code EPROTO} when descriptors were lost for want of room or of free numbers
     */
    public Received receive(ByteBuffer into) throws IOException {
        if (!into.isDirect() || !into.hasRemaining()) {
            throw new IllegalArgumentException("needs a direct buffer with room");
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment message = Message.toReceive(arena, MemorySegment.ofBuffer(into));
            long n = Syscall.RECVMSG.attempt(fd.number(), message.address(), Message.CLOSE_ON_EXEC);
            if (Syscall.wouldBlock(n)) {
                return new Received(Io.WOULD_BLOCK, List.of(), Optional.empty());
            }
            int count = (int) Syscall.RECVMSG.check("", n);
            into.position(into.position() + count);
            return received(count == 0 ? Io.END : count, message);
        }
    }

    @Override
    public void close() {
        fd.close();
    }

    private static Received received(int count, MemorySegment message) throws IOException {
        List<Fd> descriptors = new ArrayList<>();
        Optional<Credentials> sender = Message.readControl(message, descriptors);
        if (Message.isTruncated(message)) {
            descriptors.forEach(Fd::close);
            throw new LinuxException("recvmsg", "descriptors", Errno.EPROTO.number());
        }
        return new Received(count, List.copyOf(descriptors), sender);
    }

    private static MemorySegment bytes(Arena arena, ByteBuffer from) {
        if (from.isDirect()) {
            return MemorySegment.ofBuffer(from);
        }
        MemorySegment copy = arena.allocate(from.remaining());
        copy.copyFrom(MemorySegment.ofBuffer(from));
        return copy;
    }

    private static UnixSocket create() throws IOException {
        return new UnixSocket(Syscall.SOCKET.open("AF_UNIX", AF_UNIX, SOCK_STREAM_NONBLOCK_CLOEXEC, 0, 0));
    }

    /** Addresses hold 107 bytes; a longer path is named through its open directory. */
    private void withAddress(Path path, Syscall call) throws IOException {
        if (encoded(path).length <= MAX_PATH_BYTES) {
            callWith(path, path, call);
            return;
        }
        Path parent = path.toAbsolutePath().resolveSibling("");
        try (Fd directory = FileTree.directory(parent.toString())) {
            callWith(Path.of(directory.procPath()).resolve(path.getFileName()), path, call);
        }
    }

    private void callWith(Path address, Path shown, Syscall call) throws IOException {
        byte[] bytes = encoded(address);
        if (bytes.length > MAX_PATH_BYTES) {
            throw call.failure(shown.toString(), Errno.ENAMETOOLONG.number());
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment segment = arena.allocate(2 + bytes.length + 1, 2);
            segment.set(ValueLayout.JAVA_SHORT, 0, (short) AF_UNIX);
            MemorySegment.copy(bytes, 0, segment, ValueLayout.JAVA_BYTE, 2, bytes.length);
            call.call(shown.toString(), fd.number(), segment.address(), segment.byteSize());
        }
    }

    private static byte[] encoded(Path path) {
        return path.toString().getBytes(StandardCharsets.UTF_8);
    }
}
