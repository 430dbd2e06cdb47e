package dev.sandlot.linux;

import java.lang.foreign.MemoryLayout;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.Locale;

/**
 * System calls, by number: every argument is a machine word, so one method handle serves them all.
 * An interrupted call is repeated.
 */
enum Syscall {
    READ(0, 63),
    WRITE(1, 64),
    PREAD64(17, 67),
    FTRUNCATE(77, 46),
    FCHMOD(91, 52),
    SETGROUPS(116, 159),
    SETRESUID(117, 147),
    SETRESGID(119, 149),
    FSTATFS(138, 44),
    FSETXATTR(190, 7),
    GETXATTR(191, 8),
    LGETXATTR(192, 9),
    FGETXATTR(193, 10),
    LISTXATTR(194, 11),
    LLISTXATTR(195, 12),
    FLISTXATTR(196, 13),
    FREMOVEXATTR(199, 16),
    GETDENTS64(217, 61),
    INOTIFY_ADD_WATCH(254, 27),
    INOTIFY_RM_WATCH(255, 28),
    MKDIRAT(258, 34),
    FCHOWNAT(260, 54),
    UNLINKAT(263, 35),
    READLINKAT(267, 78),
    INOTIFY_INIT1(294, 26),
    RENAMEAT2(316, 276),
    STATX(332, 291),
    OPEN_TREE(428, 428),
    MOVE_MOUNT(429, 429),
    OPENAT2(437, 437),
    MOUNT_SETATTR(442, 442);

    private static final MethodHandle CALL = handle();
    private static final int EINTR = Errno.EINTR.number();

    private final long number;

    Syscall(int x86, int arm) {
        this.number = Open.ARM ? arm : x86;
    }

    /** Makes the call; the arguments that it does not take are zero. */
    long call(String subject, long a, long b, long c, long d, long e) throws LinuxException {
        while (true) {
            long result = invoke(a, b, c, d, e);
            if (result >= 0) {
                return result;
            }
            int errno = Native.lastErrno();
            if (errno != EINTR) {
                throw new LinuxException(name().toLowerCase(Locale.ROOT), subject, errno);
            }
        }
    }

    long call(String subject, long a, long b, long c, long d) throws LinuxException {
        return call(subject, a, b, c, d, 0);
    }

    long call(String subject, long a, long b, long c) throws LinuxException {
        return call(subject, a, b, c, 0, 0);
    }

    long call(String subject, long a, long b) throws LinuxException {
        return call(subject, a, b, 0, 0, 0);
    }

    private long invoke(long a, long b, long c, long d, long e) {
        try {
            return (long) CALL.invokeExact(Native.errnoSlot(), number, a, b, c, d, e);
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    private static MethodHandle handle() {
        MemoryLayout[] words = new MemoryLayout[6];
        Arrays.fill(words, Native.LONG);
        return Native.errnoVariadic("syscall", 1, Native.LONG, words);
    }
}
