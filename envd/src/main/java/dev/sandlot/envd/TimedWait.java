package dev.sandlot.envd;

import java.util.concurrent.locks.Condition;
import java.util.function.BooleanSupplier;

/** Waiting for a state that a lock guards. */
final class TimedWait {
    private TimedWait() {}

    /**
     * Waits until the state is reached or the time is over; which of both, the caller sees from its state.
     *
     * @param changed signalled when the state may have been reached; its lock is held by the caller
     */
    static void until(BooleanSupplier reached, Condition changed, long nanos) throws InterruptedException {
        long left = nanos;
        while (!reached.getAsBoolean() && left > 0) {
            left = changed.awaitNanos(left);
        }
    }
}
