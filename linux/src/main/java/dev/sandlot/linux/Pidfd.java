package dev.sandlot.linux;

import static dev.sandlot.linux.Native.INT;
import static dev.sandlot.linux.Native.LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;

/** A hold on one process: its number may be given to another one later, this is not. */
public final class Pidfd implements AutoCloseable {
    private static final short POLLIN = 1;
    private static final int P_PIDFD = 3;
    private static final int WEXITED_NOHANG = 4 | 1;
    private static final int SIGINFO_SIZE = 128;

    private final Fd fd;
    private final int pid;

    private Pidfd(Fd fd, int pid) {
        this.fd = fd;
        this.pid = pid;
    }

    /**
     * Takes hold of the process that has this number now.
     *
     * @throws LinuxException {@code ESRCH} when there is none
     */
    public static Pidfd open(int pid) throws IOException {
        return new Pidfd(Syscall.PIDFD_OPEN.open(Integer.toString(pid), pid, 0, 0, 0), pid);
    }

    /** The number the process was found by. */
    public int pid() {
        return pid;
    }

    /** The descriptor, readable once the process has ended. */
    public Fd fd() {
        return fd;
    }

    /**
     * Sends a signal; 0 only asks whether it could be sent.
     *
     * @throws LinuxException {@code ESRCH} when the process has ended and its parent knows
     */
    public void signal(int signal) throws IOException {
        Syscall.PIDFD_SEND_SIGNAL.call(Integer.toString(pid), fd.number(), signal);
    }

    /** Runs the action once, on the loop's thread, when the process has ended. */
    public EventLoop.Registration onExit(EventLoop loop, Runnable action) throws IOException {
        return loop.register(fd, EventLoop.READ, (registration, _) -> {
            registration.close();
            action.run();
        });
    }

    /** Waits for the end on a platform thread; false when it is still there after the time. */
    public boolean awaitEnd(Duration limit) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            // struct pollfd { int fd; short events; short revents; }
            MemorySegment entry = arena.allocate(8, 4);
            entry.set(INT, 0, fd.number());
            entry.set(ValueLayout.JAVA_SHORT, 4, POLLIN);
            // struct timespec { s64 seconds; s64 nanos; }, in which the kernel leaves what is left when interrupted
            long nanos = Math.max(0, limit.toNanos());
            MemorySegment left = arena.allocateFrom(LONG, nanos / 1_000_000_000, nanos % 1_000_000_000);
            return Syscall.PPOLL.call("pidfd of " + pid, entry.address(), 1, left.address()) > 0;
        }
    }

    /** Reaps the process if it has ended and is, or has become, a child of this one; else does nothing. */
    public void reap() throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = arena.allocate(SIGINFO_SIZE, Long.BYTES);
            long result = Syscall.WAITID.attempt(P_PIDFD, fd.number(), info.address(), WEXITED_NOHANG, 0);
            if (result != -Errno.ECHILD.number()) {
                Syscall.WAITID.check("pidfd of " + pid, result);
            }
        }
    }

    @Override
    public void close() {
        fd.close();
    }
}
