package dev.sandlot.linux;

import java.io.IOException;

/** A hold on one process: its number may be given to another one later, this is not. */
public final class Pidfd implements AutoCloseable {
    private static final long PIDFD_SEND_SIGNAL = 424;
    private static final long PIDFD_OPEN = 434;

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

    @Override
    public void close() {
        fd.close();
    }
}
