package dev.sandlot.builds;

import dev.sandlot.protocol.BuildPlan;
import dev.sandlot.protocol.BuildState;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** A build that waits for a worker or is at work, on a virtual thread of its own. */
final class ActiveBuild {
    private final BuildPlan plan;
    private final LogFile log;
    private final CountDownLatch done = new CountDownLatch(1);
    private final ReentrantLock lock = new ReentrantLock();
    // Guarded by lock.
    private @Nullable Thread thread;
    private @Nullable String reason;

    ActiveBuild(BuildPlan plan, LogFile log) {
        this.plan = plan;
        this.log = log;
    }

    BuildPlan plan() {
        return plan;
    }

    LogFile log() {
        return log;
    }

    /** Work that {@link #end} interrupts. */
    @FunctionalInterface
    interface Work {
        void run() throws BuildFailure, IOException, InterruptedException;
    }

    /** Waits for something that {@link #end} interrupts. */
    @FunctionalInterface
    interface Wait {
        void run() throws InterruptedException;
    }

    /** Works; is interrupted at once when the build is to end already. The thread is as before when this returns. */
    void during(Work work) throws BuildFailure, IOException, InterruptedException {
        begin();
        try {
            work.run();
        } finally {
            over();
        }
    }

    /** As {@link #during}. */
    void await(Wait wait) throws InterruptedException {
        begin();
        try {
            wait.run();
        } finally {
            over();
        }
    }

    private void begin() {
        lock.lock();
        try {
            thread = Thread.currentThread();
            if (reason != null) {
                thread.interrupt();
            }
        } finally {
            lock.unlock();
        }
    }

    private void over() {
        lock.lock();
        try {
            thread = null;
            boolean _ = Thread.interrupted();
        } finally {
            lock.unlock();
        }
    }

    /** Has the work end, for a reason that its user is told; the first reason counts. */
    void end(String why) {
        lock.lock();
        try {
            if (reason == null) {
                reason = why;
            }
            if (thread != null) {
                thread.interrupt();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Why it was ended, if it was. */
    Optional<BuildState> ended() {
        lock.lock();
        try {
            return Optional.ofNullable(reason).map(why -> new BuildState.Failed(why, null));
        } finally {
            lock.unlock();
        }
    }

    /** Nothing of it runs any more and its state is written down. */
    void finished() {
        done.countDown();
    }

    void awaitFinish() throws InterruptedException {
        done.await();
    }
}
