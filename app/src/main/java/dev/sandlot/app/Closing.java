package dev.sandlot.app;

import java.util.ArrayDeque;
import java.util.Deque;

/** Things to close, the last made first. */
final class Closing {
    private final Deque<AutoCloseable> made = new ArrayDeque<>();

    <T extends AutoCloseable> T add(T thing) {
        made.push(thing);
        return thing;
    }

    /** Closes everything; what fails in closing is added to the failure. */
    void closeAll(Exception failure) {
        while (!made.isEmpty()) {
            try {
                made.pop().close();
            } catch (Exception e) {
                failure.addSuppressed(e);
            }
        }
    }
}
