package dev.sandlot.linux;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * An open file descriptor with one owner, who closes it. Safe to close from any thread and more than once; the
 * number is never used again after the first close.
 */
public final class Fd implements AutoCloseable {
    private static final int CLOSED = -1;

    private final AtomicInteger number;

    private Fd(int number) {
        this.number = new AtomicInteger(number);
    }

    /** Takes ownership of a raw descriptor number. */
    public static Fd own(int number) {
        if (number < 0) {
            throw new IllegalArgumentException("not a descriptor: " + number);
        }
        return new Fd(number);
    }

    /**
     * The raw number, for a system call while the owner keeps this open.
     *
     * @throws IllegalStateException when already closed or released
     */
    public int number() {
        int n = number.get();
        if (n == CLOSED) {
            throw new IllegalStateException("descriptor is closed");
        }
        return n;
    }

    /** Whether this still holds a descriptor. */
    public boolean isOpen() {
        return number.get() != CLOSED;
    }

    /** Gives the descriptor away: the caller owns the returned number and this becomes closed. */
    public int release() {
        int n = number.getAndSet(CLOSED);
        if (n == CLOSED) {
            throw new IllegalStateException("descriptor is closed");
        }
        return n;
    }

    /** A path under which the C library and the JDK can reach what this descriptor refers to, while it is open. */
    public String procPath() {
        return "/proc/self/fd/" + number();
    }

    @Override
    public void close() {
        int n = number.getAndSet(CLOSED);
        if (n != CLOSED) {
            long _ = Syscall.CLOSE.attempt(n, 0, 0);
        }
    }

    @Override
    public String toString() {
        return "fd " + number.get();
    }
}
