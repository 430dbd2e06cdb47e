package dev.sandlot.envd;

import dev.sandlot.protocol.process.ProcessEvent;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** One reader of a process's events. All state is guarded by the lock of the process. */
final class Subscription implements AutoCloseable {
    /** How many events may wait for the reader before the process's output does. */
    static final int CAPACITY = 64;

    private final SandboxProcess process;
    private final ReentrantLock lock;
    private final Condition changed;
    private final long lostBytes;
    private final ArrayDeque<ProcessEvent> events = new ArrayDeque<>();
    private boolean closed;
    private boolean woken;

    /**
     * @param lostBytes how much of the output before the first event is no longer kept
     */
    Subscription(SandboxProcess process, ReentrantLock lock, long lostBytes) {
        this.process = process;
        this.lock = lock;
        this.changed = lock.newCondition();
        this.lostBytes = lostBytes;
    }

    /** How much output came before what is replayed; 0 when nothing is. */
    long lostBytes() {
        return lostBytes;
    }

    /** Adds an event, even over the capacity. */
    void offer(ProcessEvent event) {
        events.add(event);
        changed.signal();
    }

    boolean full() {
        return events.size() >= CAPACITY;
    }

    /** Has the reader look again at what it watches besides. */
    void wake() {
        woken = true;
        changed.signal();
    }

    /** The next event; nothing when none came in time, when closed or when woken. */
    Optional<ProcessEvent> next(long timeoutNanos) throws InterruptedException {
        lock.lock();
        try {
            TimedWait.until(() -> !events.isEmpty() || closed || woken, changed, timeoutNanos);
            woken = false;
            ProcessEvent event = events.poll();
            if (events.size() == CAPACITY - 1) {
                process.roomMade();
            }
            return Optional.ofNullable(event);
        } finally {
            lock.unlock();
        }
    }

    boolean closed() {
        lock.lock();
        try {
            return closed;
        } finally {
            lock.unlock();
        }
    }

    /** Ends the subscription; from any thread, more than once. */
    @Override
    public void close() {
        lock.lock();
        try {
            if (!closed) {
                closed = true;
                events.clear();
                process.unsubscribe(this);
                changed.signal();
            }
        } finally {
            lock.unlock();
        }
    }
}
