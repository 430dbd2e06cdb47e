package dev.sandlot.builds;

import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The builds that may be at work at the same time. A free place goes to the team that has the fewest at work, among
 * equals to the build that has waited longest: so the builds of one team do not keep those of others waiting until
 * all of them are done.
 */
final class Workers {
    private final ReentrantLock lock = new ReentrantLock();
    // Guarded by lock. Nobody waits while a place is free.
    private int free;
    private final Map<UUID, Integer> atWork = new HashMap<>();
    private final Deque<Waiting> waiting = new ArrayDeque<>();

    Workers(int count) {
        this.free = count;
    }

    /** Waits for a place; whoever gets one gives it back by {@link #release} of the same team. */
    void acquire(UUID team) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            if (free > 0) {
                take(team);
                return;
            }
            Waiting own = new Waiting(team, lock.newCondition());
            waiting.add(own);
            try {
                while (!own.granted) {
                    own.changed.await();
                }
            } catch (InterruptedException e) {
                if (own.granted) {
                    giveBack(team);
                } else {
                    waiting.remove(own);
                }
                throw e;
            }
        } finally {
            lock.unlock();
        }
    }

    void release(UUID team) {
        lock.lock();
        try {
            giveBack(team);
        } finally {
            lock.unlock();
        }
    }

    private void take(UUID team) {
        free--;
        atWork.merge(team, 1, Integer::sum);
    }

    private void giveBack(UUID team) {
        free++;
        atWork.computeIfPresent(team, (_, count) -> count == 1 ? null : count - 1);
        waiting.stream()
                .min(Comparator.comparingInt(each -> atWork.getOrDefault(each.team, 0)))
                .ifPresent(this::grant);
    }

    private void grant(Waiting next) {
        waiting.remove(next);
        take(next.team);
        next.granted = true;
        next.changed.signal();
    }

    private static final class Waiting {
        private final UUID team;
        private final Condition changed;
        private boolean granted;

        Waiting(UUID team, Condition changed) {
            this.team = team;
            this.changed = changed;
        }
    }
}
