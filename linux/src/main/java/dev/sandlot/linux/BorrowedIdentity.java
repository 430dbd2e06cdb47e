package dev.sandlot.linux;

import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * Runs calls as another user, on a platform thread of its own that ends at {@link #close}. No other thread of the
 * process changes.
 */
public final class BorrowedIdentity implements AutoCloseable {
    private static final int PR_SET_SECUREBITS = 28;
    private static final int NO_SETUID_FIXUP = 1 << 2;

    private final ExecutorService thread = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().name("identity").daemon().factory());

    private BorrowedIdentity(Callable<Boolean> become) throws LinuxException {
        try {
            call(become);
        } catch (LinuxException e) {
            close();
            throw e;
        }
    }

    /**
     * The user, with no group but the given one and no capability, for good.
     *
     * @throws LinuxException when this process may not take the identity
     */
    public static BorrowedIdentity of(int uid, int gid) throws LinuxException {
        return new BorrowedIdentity(() -> become(uid, gid));
    }

    /**
     * The user as far as new files are concerned, whose owner it is; all rights stay. A file system that was mounted
     * in a user namespace takes new files only from users of that namespace, others get {@code EOVERFLOW}.
     *
     * @throws LinuxException when this process may not take the identity
     */
    public static BorrowedIdentity ofNewFiles(int uid, int gid) throws LinuxException {
        return new BorrowedIdentity(() -> own(uid, gid));
    }

    /** Runs an action on the thread and waits for it, whatever interrupts. */
    public <T> T call(Callable<T> action) throws LinuxException {
        Future<T> result = thread.submit(action);
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return result.get();
                } catch (InterruptedException _) {
                    interrupted = true;
                } catch (ExecutionException e) {
                    throw rethrow(e.getCause());
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public void close() {
        thread.shutdown();
    }

    /** The system calls change the calling thread alone; it is the C library that would change all of them. */
    private static boolean become(int uid, int gid) throws LinuxException {
        Syscall.SETGROUPS.call("", 0, 0);
        Syscall.SETRESGID.call("", gid, gid, gid);
        Syscall.SETRESUID.call("", uid, uid, uid);
        return true;
    }

    private static boolean own(int uid, int gid) throws LinuxException {
        Syscall.PRCTL.call("PR_SET_SECUREBITS", PR_SET_SECUREBITS, NO_SETUID_FIXUP);
        Syscall.SETFSGID.call("", gid, 0);
        Syscall.SETFSUID.call("", uid, 0);
        if (Syscall.SETFSUID.call("", -1, 0) != uid || Syscall.SETFSGID.call("", -1, 0) != gid) {
            throw Syscall.SETFSUID.failure(Integer.toString(uid), Errno.EPERM.number());
        }
        return true;
    }

    private static LinuxException rethrow(@Nullable Throwable cause) {
        return switch (cause) {
            case LinuxException e -> e;
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            case null, default -> throw new IllegalStateException(cause);
        };
    }
}
