package dev.sandlot.protocol;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Bounds the memory that bodies of requests take while they are in hand, whoever sends them and however slowly.
 *
 * <p>Memory is taken as bytes arrive, whatever length was announced, and given back when the request ends. Nobody may
 * hold more than is then left free: one owner alone has half at most, each of N an even part of N+1, and as much as
 * that is left for the next. The first {@link #SMALL_BYTES} of each body are taken from a pool of their own, so large
 * bodies are never in the way of small ones. What lies beyond counts several times, by what it may become while it is
 * in use. Safe for several threads.
 */
public final class BodyBudget {
    /** What is small: every sensible request but files, builds and input of processes. */
    public static final int SMALL_BYTES = 64 << 10;

    /** For bodies of few values, whose text, decoded form and value are in memory beside each other. */
    public static final int TEXT = 4;

    /** For bodies that may be full of small values, each an object that takes many times its bytes. */
    public static final int VALUES = 32;

    /** What {@link InputStream#readNBytes(int)} has at hand before a byte came. */
    private static final int READ_BYTES = 16 << 10;

    private final Pool small;
    private final Pool large;

    /** @param bytes of memory, a quarter of it for small bodies */
    public BodyBudget(long bytes) {
        small = new Pool(bytes / 4);
        large = new Pool(bytes - bytes / 4);
    }

    /** A part of the heap that this program may have: one of so many. */
    public static BodyBudget ofHeap(int parts) {
        return new BodyBudget(Runtime.getRuntime().maxMemory() / parts);
    }

    /** The memory that is held now. */
    public long held() {
        return small.held() + large.held();
    }

    /**
     * For one request, to be closed when nothing of its body is in use any more.
     *
     * @param weight {@link #TEXT} or {@link #VALUES}
     */
    public Lease lease(String owner, int weight) {
        return new Lease(owner, weight);
    }

    /** There is no memory for more of a body; what was read of it is to be forgotten. */
    public static final class Exceeded extends IOException {
        private static final long serialVersionUID = 1L;
        private final boolean forEver;

        Exceeded(boolean forEver) {
            super(
                    forEver
                            ? "the body of the request is larger than the memory that this server has for one"
                            : "the server holds as much of your requests as it has memory for; try again");
            this.forEver = forEver;
        }

        /** {@link ErrorKind#UNAVAILABLE}, or {@link ErrorKind#TOO_LARGE} where waiting does not help. */
        public ErrorKind kind() {
            return forEver ? ErrorKind.TOO_LARGE : ErrorKind.UNAVAILABLE;
        }

        /** What it says. */
        public String text() {
            return Objects.requireNonNull(getMessage());
        }
    }

    /** Memory that owners hold. */
    private static final class Pool {
        private final long bytes;
        private final ReentrantLock lock = new ReentrantLock();
        // Guarded by lock.
        private final Map<String, Long> owners = new HashMap<>();
        private long held;

        Pool(long bytes) {
            this.bytes = bytes;
        }

        boolean take(String owner, long more) {
            lock.lock();
            try {
                long own = owners.getOrDefault(owner, 0L) + more;
                if (own > bytes - held - more) {
                    return false;
                }
                owners.put(owner, own);
                held += more;
                return true;
            } finally {
                lock.unlock();
            }
        }

        void give(String owner, long less) {
            lock.lock();
            try {
                owners.computeIfPresent(owner, (_, own) -> own == less ? null : own - less);
                held -= less;
            } finally {
                lock.unlock();
            }
        }

        long held() {
            lock.lock();
            try {
                return held;
            } finally {
                lock.unlock();
            }
        }
    }

    /** What one request holds. Used by one thread at a time. */
    public final class Lease implements AutoCloseable {
        private final String owner;
        private final int weight;
        private long smallHeld;
        private long largeHeld;

        private Lease(String owner, int weight) {
            this.owner = owner;
            this.weight = weight;
        }

        /**
         * Reads up to so many bytes, all that there are if they are fewer, and holds what they take.
         *
         * @throws Exceeded when there is no memory for them
         */
        public byte[] read(InputStream in, int most) throws IOException {
            takeSmall(READ_BYTES);
            try {
                return new Counted(in).readNBytes(most);
            } finally {
                giveSmall(READ_BYTES);
            }
        }

        private void take(int count) throws Exceeded {
            long first = Math.min(count, Math.max(0, SMALL_BYTES - smallHeld + READ_BYTES));
            takeSmall(first);
            long beyond = (count - first) * weight;
            if (!large.take(owner, beyond)) {
                throw new Exceeded(largeHeld + beyond > large.bytes / 2);
            }
            largeHeld += beyond;
        }

        private void takeSmall(long count) throws Exceeded {
            if (!small.take(owner, count)) {
                throw new Exceeded(false);
            }
            smallHeld += count;
        }

        private void giveSmall(long count) {
            small.give(owner, count);
            smallHeld -= count;
        }

        /** Gives all back; there may be more readings afterwards. */
        @Override
        public void close() {
            giveSmall(smallHeld);
            large.give(owner, largeHeld);
            largeHeld = 0;
        }

        /** Counts what is read. */
        private final class Counted extends FilterInputStream {
            Counted(InputStream in) {
                super(in);
            }

            @Override
            public int read() throws IOException {
                byte[] one = new byte[1];
                return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
            }

            @Override
            public int read(byte[] bytes, int offset, int length) throws IOException {
                int count = super.read(bytes, offset, length);
                take(Math.max(0, count));
                return count;
            }
        }
    }
}
