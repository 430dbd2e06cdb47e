package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.SandboxId;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A sandbox in memory, and the rule that one caller at a time may change it.
 *
 * <p>Short changes of a running sandbox (its end time) happen under {@link #change}. A change that ends a state is
 * a {@link Transition}: the first caller to ask owns it and must complete it, later callers who want the same join
 * it and share its outcome. Readers take {@link #record} without waiting.
 */
final class LiveSandbox {
    private final ReentrantLock lock = new ReentrantLock();

    /** Written under the lock. */
    private volatile SandboxRecord record;

    /** Guarded by the lock. */
    private @Nullable Transition leaving;

    /** Complete once nobody works on a start of this sandbox any more, however it ended. */
    private final CompletableFuture<@Nullable Void> startOver = new CompletableFuture<>();

    LiveSandbox(SandboxRecord record) {
        this.record = record;
    }

    /** A change of state under way. */
    static final class Transition {
        private final CompletableFuture<@Nullable ApiException> outcome = new CompletableFuture<>();
        private final boolean cutsStart;

        private Transition(boolean cutsStart) {
            this.cutsStart = cutsStart;
        }

        /** Whether the sandbox was still starting; then its start fails, and whoever works on it undoes it. */
        boolean cutsStart() {
            return cutsStart;
        }

        /** Tells those who joined that it is over, and how; null when it succeeded. */
        void complete(@Nullable ApiException failure) {
            outcome.complete(failure);
        }

        /** Waits until it is over and fails as it failed. */
        void join() throws ApiException {
            ApiException failure = outcome.join();
            if (failure != null) {
                throw new ApiException(failure.kind(), failure.text(), failure.errorCode(), failure);
            }
        }
    }

    /** A transition, and whether the caller is to carry it out. */
    record Entered(Transition transition, boolean owned) {}

    /** Something to do with a sandbox that nobody else changes meanwhile. */
    @FunctionalInterface
    interface Change {
        /** Returns the record as it is to be from now on. */
        SandboxRecord apply(SandboxRecord current) throws ApiException;
    }

    SandboxId id() {
        return record.id();
    }

    SandboxRecord record() {
        return record;
    }

    boolean isRunning() {
        return record.state() == SandboxState.RUNNING;
    }

    /** Whether somebody ends it, or ended it. */
    boolean isLeaving() {
        return record.state() == SandboxState.KILLING;
    }

    /** Tells those who wait that the start came to its end. */
    void endStart() {
        startOver.complete(null);
    }

    /** Waits until nobody works on the start of this sandbox. */
    void awaitEndOfStart() {
        var _ = startOver.join();
    }

    /** Changes the record while no one else does. */
    SandboxRecord change(Change change) throws ApiException {
        lock.lock();
        try {
            record = change.apply(record);
            return record;
        } finally {
            lock.unlock();
        }
    }

    /** Enters {@code killing}, or joins whoever did. */
    Entered enterKilling() {
        lock.lock();
        try {
            return leaving == null ? new Entered(leave(), true) : new Entered(leaving, false);
        } finally {
            lock.unlock();
        }
    }

    /** Enters {@code killing} if the sandbox runs, its time is over and nothing else happens to it. */
    Optional<Transition> enterKillingIfOver(Instant now) {
        lock.lock();
        try {
            return isRunning() && !record.endAt().isAfter(now) ? Optional.of(leave()) : Optional.empty();
        } finally {
            lock.unlock();
        }
    }

    private Transition leave() {
        Transition transition = new Transition(record.state() == SandboxState.STARTING);
        leaving = transition;
        record = record.in(SandboxState.KILLING);
        return transition;
    }
}
