package dev.sandlot.linux;

import static dev.sandlot.linux.Native.INT;
import static dev.sandlot.linux.Native.LONG;
import static dev.sandlot.linux.Native.POINTER;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.time.Duration;

/** A hold on one process: its number may be given to another one later, this is not. */
public final class Pidfd implements AutoCloseable {
    private static final long PIDFD_SEND_SIGNAL = 424;
    private static final long PIDFD_OPEN = 434;

    private static final short POLLIN = 1;
    private static final MethodHandle POLL = Native.errnoCall("poll", INT, POINTER, LONG, INT);
    private static final MethodHandle WAITID = Native.errnoCall("waitid", INT, INT, INT, POINTER, INT, POINTER);
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
        int number = IoCalls.check(IoCalls.syscall(PIDFD_OPEN, pid, 0, 0, 0), "pidfd_open", Integer.toString(pid));
        return new Pidfd(Fd.own(number), pid);
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
        int result = IoCalls.syscall(PIDFD_SEND_SIGNAL, fd.number(), signal, 0, 0);
        IoCalls.check(result, "pidfd_send_signal", Integer.toString(pid));
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
        long deadline = System.nanoTime() + limit.toNanos();
        try (Arena arena = Arena.ofConfined()) {
            // struct pollfd { int fd; short events; short revents; }
            MemorySegment entry = arena.allocate(8, 4);
            entry.set(INT, 0, fd.number());
            entry.set(ValueLayout.JAVA_SHORT, 4, POLLIN);
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

    /** Reaps the process if it has ended and is, or has become, a child of this one; else does nothing. */
    public void reap() throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = arena.allocate(SIGINFO_SIZE, Long.BYTES);
            int result = (int) WAITID.invokeExact(
                    Native.errnoSlot(), P_PIDFD, fd.number(), info, WEXITED_NOHANG, MemorySegment.NULL);
            if (result < 0 && Native.lastErrno() != Errno.ECHILD.number()) {
                throw new LinuxException("waitid", "pidfd of " + pid, Native.lastErrno());
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
