package dev.sandlot.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.Locale;

/**
 * System calls, by number: every argument is a machine word, so one method handle serves them all. An interrupted
 * call is repeated, except {@link #CLOSE}, which has then closed. Arguments that a call does not take are zero.
 *
 * <p>The error number is written to a segment: one that a platform thread keeps, or one for the call alone on a
 * virtual thread, which may be one of very many and make no other call.
 */
enum Syscall {
    READ(0, 63),
    WRITE(1, 64),
    CLOSE(3, 57),
    IOCTL(16, 29),
    PREAD64(17, 67),
    PWRITE64(18, 68),
    SOCKET(41, 198),
    CONNECT(42, 203),
    SENDMSG(46, 211),
    RECVMSG(47, 212),
    BIND(49, 200),
    LISTEN(50, 201),
    SETSOCKOPT(54, 208),
    GETSOCKOPT(55, 209),
    WAIT4(61, 260),
    FCNTL(72, 25),
    FLOCK(73, 32),
    FTRUNCATE(77, 46),
    FCHMOD(91, 52),
    SETGROUPS(116, 159),
    SETRESUID(117, 147),
    SETRESGID(119, 149),
    SETFSUID(122, 151),
    SETFSGID(123, 152),
    FSTATFS(138, 44),
    PRCTL(157, 167),
    MOUNT(165, 40),
    UMOUNT2(166, 39),
    LSETXATTR(189, 6),
    FSETXATTR(190, 7),
    GETXATTR(191, 8),
    LGETXATTR(192, 9),
    LISTXATTR(194, 11),
    LLISTXATTR(195, 12),
    FREMOVEXATTR(199, 16),
    GETDENTS64(217, 61),
    EPOLL_CTL(233, 21),
    WAITID(247, 95),
    INOTIFY_ADD_WATCH(254, 27),
    INOTIFY_RM_WATCH(255, 28),
    MKDIRAT(258, 34),
    MKNODAT(259, 33),
    FCHOWNAT(260, 54),
    UNLINKAT(263, 35),
    LINKAT(265, 37),
    SYMLINKAT(266, 36),
    READLINKAT(267, 78),
    FCHMODAT(268, 53),
    PPOLL(271, 73),
    UNSHARE(272, 97),
    SPLICE(275, 76),
    UTIMENSAT(280, 88),
    EPOLL_PWAIT(281, 22),
    ACCEPT4(288, 242),
    EVENTFD2(290, 19),
    EPOLL_CREATE1(291, 20),
    PIPE2(293, 59),
    INOTIFY_INIT1(294, 26),
    SYNCFS(306, 267),
    SETNS(308, 268),
    RENAMEAT2(316, 276),
    MEMFD_CREATE(319, 279),
    STATX(332, 291),
    PIDFD_SEND_SIGNAL(424, 424),
    OPEN_TREE(428, 428),
    MOVE_MOUNT(429, 429),
    FSOPEN(430, 430),
    FSCONFIG(431, 431),
    FSMOUNT(432, 432),
    PIDFD_OPEN(434, 434),
    OPENAT2(437, 437),
    MOUNT_SETATTR(442, 442);

    private static final StructLayout CAPTURED = Linker.Option.captureStateLayout();
    private static final long ERRNO = CAPTURED.byteOffset(PathElement.groupElement("errno"));
    private static final ThreadLocal<MemorySegment> OF_PLATFORM_THREAD =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(CAPTURED));
    private static final MethodHandle CALL = handle();

    private final long number;

    Syscall(int x86, int arm) {
        this.number = Open.ARM ? arm : x86;
    }

    /** Makes the call; {@code subject} is what a failure is said to be about. */
    long call(String subject, long a, long b, long c, long d, long e) throws LinuxException {
        return check(subject, attempt(a, b, c, d, e));
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

    /** Makes a call that gives a descriptor. */
    Fd open(String subject, long a, long b, long c, long d) throws LinuxException {
        return Fd.own((int) call(subject, a, b, c, d, 0));
    }

    /** Makes the call; a failure is the negated error number. */
    long attempt(long a, long b, long c, long d, long e, long f) {
        if (!Thread.currentThread().isVirtual()) {
            return attempt(OF_PLATFORM_THREAD.get(), a, b, c, d, e, f);
        }
        try (Arena arena = Arena.ofConfined()) {
            return attempt(arena.allocate(CAPTURED), a, b, c, d, e, f);
        }
    }

    long attempt(long a, long b, long c, long d, long e) {
        return attempt(a, b, c, d, e, 0);
    }

    long attempt(long a, long b, long c) {
        return attempt(a, b, c, 0, 0);
    }

    /** The result of {@link #attempt} when it is one. */
    long check(String subject, long result) throws LinuxException {
        if (result < 0) {
            throw failure(subject, (int) -result);
        }
        return result;
    }

    /** What {@link #call} throws for an error number. */
    LinuxException failure(String subject, int errno) {
        return new LinuxException(name().toLowerCase(Locale.ROOT), subject, errno);
    }

    /** Whether the result of {@link #attempt} means that the call would have had to wait. */
    static boolean wouldBlock(long result) {
        return result == -Errno.EAGAIN.number();
    }

    private long attempt(MemorySegment captured, long a, long b, long c, long d, long e, long f) {
        long result;
        do {
            result = invoke(captured, a, b, c, d, e, f);
        } while (result == -Errno.EINTR.number() && this != CLOSE);
        return result;
    }

    private long invoke(MemorySegment captured, long a, long b, long c, long d, long e, long f) {
        try {
            long result = (long) CALL.invokeExact(captured, number, a, b, c, d, e, f);
            return result == -1 ? -captured.get(Native.INT, ERRNO) : result;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    private static MethodHandle handle() {
        MemoryLayout[] words = new MemoryLayout[7];
        Arrays.fill(words, Native.LONG);
        return Native.callWithErrno("syscall", 1, Native.LONG, words);
    }
}
