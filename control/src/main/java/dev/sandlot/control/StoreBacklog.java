package dev.sandlot.control;

import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.Queue;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the store has yet to be told of sandboxes that have ended: it is tried again from time to time, in the order in
 * which it happened, until the store has taken it. What is left when the server ends is seen by the next start. Safe
 * for many threads.
 */
final class StoreBacklog {
    private static final Logger LOG = LoggerFactory.getLogger(StoreBacklog.class);
    private static final int MOST = 100_000;

    private record Entry(String what, Runnable write) {}

    private final ReentrantLock lock = new ReentrantLock();

    /** Guarded by the lock. */
    private final Queue<Entry> waiting = new ArrayDeque<>();

    /**
     * Writes something down, now or when the store takes it.
     *
     * @param what it is, for the log
     * @param write does it; may be run again, also when it is not known whether it was done
     */
    void write(String what, Runnable write) {
        try {
            write.run();
        } catch (StoreAwayException e) {
            LOG.debug("{} cannot be written down now; it is tried again", what, e);
            add(new Entry(what, write));
        } catch (RuntimeException e) {
            LOG.error("could not write down {}; it is tried again", what, e);
            add(new Entry(what, write));
        }
    }

    private void add(Entry entry) {
        lock.lock();
        try {
            if (waiting.size() < MOST) {
                waiting.add(entry);
            } else {
                LOG.error("{} is not written down before the next start: too much waits for the store", entry.what());
            }
        } finally {
            lock.unlock();
        }
    }

    /** Tries again what waits. An entry that fails alone stays and does not keep up the others. */
    void retry() {
        lock.lock();
        try {
            int before = waiting.size();
            Iterator<Entry> entries = waiting.iterator();
            while (entries.hasNext() && taken(entries.next(), entries)) {}
            if (waiting.size() < before) {
                LOG.info("wrote down {} ends of sandboxes that had waited for the store", before - waiting.size());
            }
        } finally {
            lock.unlock();
        }
    }

    /** Says whether the store answers. */
    private static boolean taken(Entry entry, Iterator<Entry> entries) {
        try {
            entry.write().run();
            entries.remove();
            return true;
        } catch (StoreAwayException e) {
            return false;
        } catch (RuntimeException e) {
            LOG.debug("could not write down {} again", entry.what(), e);
            return true;
        }
    }
}
