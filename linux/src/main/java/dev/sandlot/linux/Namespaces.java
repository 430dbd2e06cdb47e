package dev.sandlot.linux;

import java.io.IOException;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/** Namespaces of other processes and of single threads of this one. */
public final class Namespaces {
    /** A kind of namespace, by its name under {@code /proc/PID/ns}. */
    public enum Kind {
        USER("user", 0x10000000),
        NET("net", 0x40000000),
        MNT("mnt", 0x00020000),
        PID("pid", 0x20000000);

        private final String file;
        private final int flag;

        Kind(String file, int flag) {
            this.file = file;
            this.flag = flag;
        }
    }

    private Namespaces() {}

    /** Opens the namespace of a kind that a process is in; it lives at least as long as the descriptor. */
    public static Fd open(int pid, Kind kind) throws LinuxException {
        return FileTree.open("/proc/" + pid + "/ns/" + kind.file, Open.READ);
    }

    /** Opens the root directory of a process as a path descriptor, through its own mounts. */
    public static Fd rootOf(int pid) throws LinuxException {
        return FileTree.open("/proc/" + pid + "/root", Open.PATH);
    }

    /**
     * Runs an action on a thread of its own inside a namespace; the thread ends with the action, so nothing else is
     * ever run there. Not for user namespaces, which a process with several threads cannot enter.
     */
    public static <T> T inside(Fd namespace, Kind kind, Callable<T> action) throws IOException {
        FutureTask<T> task = new FutureTask<>(() -> {
            enter(namespace, kind);
            return action.call();
        });
        Thread.ofPlatform().name("in-namespace").start(task);
        try {
            return task.get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException io ? io : new IOException("action in namespace", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted in namespace", e);
        }
    }

    /** Gives the calling thread a mount namespace of its own, for as long as it lives. Platform threads only. */
    public static void unshareMounts() throws LinuxException {
        Syscall.UNSHARE.call("mounts", Kind.MNT.flag, 0);
    }

    private static void enter(Fd namespace, Kind kind) throws LinuxException {
        Syscall.SETNS.call(kind.file, namespace.number(), kind.flag);
    }
}
