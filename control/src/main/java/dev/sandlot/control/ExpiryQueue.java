package dev.sandlot.control;

import dev.sandlot.protocol.SandboxId;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * Calls back for each sandbox when its end time has come. One thread sleeps until the earliest end; there is one
 * entry for each sandbox, however often its end is moved. The callback runs on that thread and must not block.
 */
final class ExpiryQueue implements AutoCloseable {
    /** The longest sleep, after which the clock is read anew: it may have been set. */
    private static final long LONGEST_SLEEP_NANOS = TimeUnit.SECONDS.toNanos(1);

    private record Entry(Instant at, SandboxId id) {}

    private final InstantSource clock;
    private final Consumer<SandboxId> expired;
    private final Thread thread;

    /** Guards all fields below. */
    private final ReentrantLock lock = new ReentrantLock();

    private final Condition changed = lock.newCondition();
    private final TreeSet<Entry> queue = new TreeSet<>(
            Comparator.comparing(Entry::at).thenComparing(entry -> entry.id().value()));
    private final Map<SandboxId, Entry> entries = new HashMap<>();
    private boolean closed;

    ExpiryQueue(InstantSource clock, Consumer<SandboxId> expired) {
        this.clock = clock;
        this.expired = expired;
        this.thread = Thread.ofPlatform().name("sandbox-expiry").daemon().start(this::run);
    }

    /** Sets when the sandbox ends, in place of what was set before. */
    void schedule(SandboxId id, Instant at) {
        lock.lock();
        try {
            remove(id);
            Entry entry = new Entry(at, id);
            entries.put(id, entry);
            queue.add(entry);
            changed.signal();
        } finally {
            lock.unlock();
        }
    }

    void cancel(SandboxId id) {
        lock.lock();
        try {
            remove(id);
        } finally {
            lock.unlock();
        }
    }

    private void remove(SandboxId id) {
        Entry entry = entries.remove(id);
        if (entry != null) {
            queue.remove(entry);
        }
    }

    private void run() {
        lock.lock();
        try {
            while (!closed) {
                long left = nanosToFirst();
                if (left > 0) {
                    changed.awaitNanos(Math.min(left, LONGEST_SLEEP_NANOS));
                } else {
                    expireFirst();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
    }

    private long nanosToFirst() {
        return queue.isEmpty()
                ? LONGEST_SLEEP_NANOS
                : Duration.between(clock.instant(), queue.first().at()).toNanos();
    }

    private void expireFirst() {
        SandboxId id = queue.first().id();
        remove(id);
        expired.accept(id);
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            changed.signal();
        } finally {
            lock.unlock();
        }
        thread.interrupt();
    }
}
