package dev.sandlot.runtime;

import dev.sandlot.linux.Netlink;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps slots ready. Slots are made on the pool's own threads, as many as are wanted: those that wait for one and the
 * reserve. A slot that was given back rests, so that what still travels to its last address finds nobody, and is then
 * used again, before any is made anew.
 *
 * <p>Invariant: a number is in {@code taken} from before its slot is made until after it is closed.
 */
final class SlotPool implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SlotPool.class);
    private static final Duration REST = Duration.ofMillis(500);
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(30);
    private static final int MAKERS = 2;
    private static final int SPARE_FACTOR = 8;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    // Guarded by lock.
    private final Deque<Slot> ready = new ArrayDeque<>();
    private final Deque<Slot> resting = new ArrayDeque<>();
    private final BitSet taken = new BitSet();
    private int waiting;
    private int making;
    private boolean closed;
    private @Nullable IOException lastFailure;

    private final RuntimeConfig config;
    private final SlotMaker maker;
    private final SlotRecords records;
    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("slot-clock").factory());
    private final java.util.concurrent.ExecutorService makers = Executors.newFixedThreadPool(
            MAKERS, Thread.ofPlatform().daemon().name("slot-maker-", 0).factory());

    /** @param used numbers of slots that running sandboxes have */
    SlotPool(RuntimeConfig config, SlotMaker maker, SlotRecords records, Iterable<Integer> used) {
        this.config = config;
        this.maker = maker;
        this.records = records;
        used.forEach(taken::set);
        lock.lock();
        try {
            makeWanted();
        } finally {
            lock.unlock();
        }
    }

    /** A slot for a sandbox, which must give it back. */
    Slot claim() throws IOException {
        long left = LONGEST_WAIT.toNanos();
        lock.lock();
        try {
            waiting++;
            makeWanted();
            while (ready.isEmpty()) {
                if (closed || left <= 0 || (making == 0 && resting.isEmpty())) {
                    throw none();
                }
                left = changed.awaitNanos(left);
            }
            return ready.removeFirst();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while waiting for a network slot", e);
        } finally {
            waiting--;
            makeWanted();
            lock.unlock();
        }
    }

    /** Takes a slot back once no process is in it. */
    void giveBack(Slot slot) {
        lock.lock();
        try {
            if (closed || ready.size() + resting.size() >= SPARE_FACTOR * Math.max(config.readySlots(), 1)) {
                drop(slot);
                return;
            }
            resting.add(slot);
            ScheduledFuture<?> _ = clock.schedule(this::endRest, REST.toMillis(), TimeUnit.MILLISECONDS);
        } finally {
            lock.unlock();
        }
    }

    int readyCount() {
        lock.lock();
        try {
            return ready.size();
        } finally {
            lock.unlock();
        }
    }

    int freeCount() {
        lock.lock();
        try {
            return config.maxSlots() - taken.cardinality() + ready.size() + resting.size();
        } finally {
            lock.unlock();
        }
    }

    /** Numbers of the slots that exist, with or without a sandbox. */
    List<Integer> numbers() {
        lock.lock();
        try {
            return taken.stream().boxed().toList();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        List<Slot> idle;
        lock.lock();
        try {
            closed = true;
            idle = new ArrayList<>(ready);
            idle.addAll(resting);
            ready.clear();
            resting.clear();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        idle.forEach(Slot::close);
        clock.shutdownNow();
        makers.close();
    }

    private void endRest() {
        Slot slot;
        lock.lock();
        try {
            slot = resting.pollFirst();
        } finally {
            lock.unlock();
        }
        if (slot != null) {
            reuse(slot, forgotten(slot));
        }
    }

    private void reuse(Slot slot, boolean clean) {
        lock.lock();
        try {
            if (clean && !closed) {
                ready.addLast(slot);
                changed.signal();
            } else {
                drop(slot);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Whether the machine no longer takes packets for answers to the last sandbox of the slot. */
    private static boolean forgotten(Slot slot) {
        try {
            Netlink.forgetConnections(slot.address());
            return true;
        } catch (IOException e) {
            LOG.warn("slot {} is not used again", slot.number(), e);
            return false;
        }
    }

    /** Under the lock. */
    private void makeWanted() {
        int wanted = config.readySlots() + waiting;
        while (!closed && ready.size() + making < wanted && taken.cardinality() < config.maxSlots()) {
            int number = taken.nextClearBit(0);
            taken.set(number);
            making++;
            makers.execute(() -> make(number));
        }
    }

    private void make(int number) {
        Slot slot = null;
        IOException failure = null;
        try {
            records.add(number);
            slot = maker.make(number);
        } catch (IOException e) {
            LOG.warn("{}", e.getMessage());
            failure = e;
            forget(number);
        }
        lock.lock();
        try {
            making--;
            lastFailure = failure;
            if (slot == null) {
                taken.clear(number);
            } else if (closed) {
                drop(slot);
            } else {
                ready.addLast(slot);
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Under the lock; on a closed pool the kernel does it when the last descriptor goes. */
    private void drop(Slot slot) {
        if (closed) {
            slot.close();
            return;
        }
        makers.execute(() -> {
            maker.unmake(slot);
            forget(slot.number());
            lock.lock();
            try {
                taken.clear(slot.number());
            } finally {
                lock.unlock();
            }
        });
    }

    private void forget(int number) {
        try {
            records.remove(number);
        } catch (IOException e) {
            LOG.warn("could not remove the record of slot {}", number, e);
        }
    }

    private IOException none() {
        String reason = taken.cardinality() >= config.maxSlots() ? "all " + config.maxSlots() + " are in use" : "";
        return new IOException("no network slot is free " + reason, lastFailure);
    }
}
