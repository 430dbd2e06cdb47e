package dev.sandlot.linux;

/** The error numbers of Linux (asm-generic) that this program tells apart; every other number is {@link #OTHER}. */
public enum Errno {
    EPERM(1),
    ENOENT(2),
    ESRCH(3),
    EINTR(4),
    EIO(5),
    ENXIO(6),
    E2BIG(7),
    ENOEXEC(8),
    EBADF(9),
    ECHILD(10),
    EAGAIN(11),
    ENOMEM(12),
    EACCES(13),
    EFAULT(14),
    EBUSY(16),
    EEXIST(17),
    EXDEV(18),
    ENODEV(19),
    ENOTDIR(20),
    EISDIR(21),
    EINVAL(22),
    ENFILE(23),
    EMFILE(24),
    ENOTTY(25),
    ETXTBSY(26),
    EFBIG(27),
    ENOSPC(28),
    ESPIPE(29),
    EROFS(30),
    EMLINK(31),
    EPIPE(32),
    ERANGE(34),
    ENAMETOOLONG(36),
    ENOSYS(38),
    ENOTEMPTY(39),
    ELOOP(40),
    ENODATA(61),
    EPROTO(71),
    EOVERFLOW(75),
    EOPNOTSUPP(95),
    EADDRINUSE(98),
    ENETDOWN(100),
    ENETUNREACH(101),
    ECONNRESET(104),
    ENOTCONN(107),
    ETIMEDOUT(110),
    ECONNREFUSED(111),
    EHOSTUNREACH(113),
    EINPROGRESS(115),
    ESTALE(116),
    EDQUOT(122),
    OTHER(-1);

    private static final Errno[] BY_NUMBER = new Errno[134];

    static {
        for (Errno e : values()) {
            if (e.number >= 0) {
                BY_NUMBER[e.number] = e;
            }
        }
    }

    private final int number;

    Errno(int number) {
        this.number = number;
    }

    /** The number the kernel uses, or -1 for {@link #OTHER}. */
    public int number() {
        return number;
    }

    /** The constant of a number; {@link #OTHER} for one that is not told apart. */
    public static Errno of(int number) {
        Errno found = number >= 0 && number < BY_NUMBER.length ? BY_NUMBER[number] : null;
        return found == null ? OTHER : found;
    }
}
