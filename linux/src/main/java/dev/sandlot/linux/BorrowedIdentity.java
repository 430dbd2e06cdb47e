package dev.sandlot.linux;

import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * Runs calls as another user: on a platform thread of its own that has given up every group and capability for
 * good and ends at {@link #close}. No other thread of the process changes.
 */
public final class BorrowedIdentity implements AutoCloseable {
    private final ExecutorService thread = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().name("identity").daemon().factory());

    /** @throws LinuxException when this process may not take the identity */
    public BorrowedIdentity(int uid, int gid) throws LinuxException {
        try {
            call(() -> become(uid, gid));
        } catch (LinuxException e) {
            close();
            throw e;
        }
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

    private static LinuxException rethrow(@Nullable Throwable cause) {
        return switch (cause) {
            case LinuxException e -> e;
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            case null, default -> throw new IllegalStateException(cause);
        };
    }
}
