package dev.sandlot.linux;

import static dev.sandlot.linux.Native.INT;
import static dev.sandlot.linux.Native.LONG;
import static dev.sandlot.linux.Native.POINTER;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.time.Duration;

/** A process that cannot be mistaken for a later one of the same number. */
public final class PidFd implements AutoCloseable {
    private static final int SIGKILL = 9;
    private static final short POLLIN = 1;
    private static final MethodHandle POLL = Native.errnoCall("poll", INT, POINTER, LONG, INT);

    private final int pid;
    private final Fd fd;

    private PidFd(int pid, Fd fd) {
        this.pid = pid;
        this.fd = fd;
    }

    /** @throws LinuxException {@code ESRCH} when there is no such process */
    public static PidFd open(int pid) throws LinuxException {
        String subject = Integer.toString(pid);
        return new PidFd(
                pid, Fd.own((int) Syscall.PIDFD_OPEN.call(subject, pid, 0)));
    }

    /** The process number in this process's namespace. */
    public int pid() {
        return pid;
    }

    /** Kills the process; one that has ended already is no failure. */
    public void kill() throws LinuxException {
        try {
            Syscall.PIDFD_SEND_SIGNAL.call("" + pid, fd.number(), SIGKILL, 0, 0);
        } catch (LinuxException e) {
            if (!e.is(Errno.ESRCH)) {
                throw e;
            }
        }
    }

    /** Waits for the end on a platform thread; false when it is still there after the time. */
    public boolean awaitEnd(Duration limit) throws LinuxException {
        long deadline = System.nanoTime() + limit.toNanos();
        try (Arena arena = Arena.ofConfined()) {
            // struct pollfd { int fd; short events; short revents; }
            MemorySegment entry = arena.allocate(8, 4);
            entry.set(INT, 0, fd.number());
            entry.set(java.lang.foreign.ValueLayout.JAVA_SHORT, 4, POLLIN);
            while (true) {
                long left = Math.max(0, (deadline - System.nanoTime()) / 1_000_000);
                int ready = (int) POLL.invokeExact(Native.errnoSlot(), entry, 1L, (int) left);
                if (ready >= 0) {
                    return ready > 0;
                }
                if (Native.lastErrno() != Errno.EINTR.number()) {
                    throw new LinuxException("poll", "pidfd of " + pid, Native.lastErrno());
                }
            }
        } catch (LinuxException e) {
            throw e;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    @Override
    public void close() {
        fd.close();
    }
}
