package dev.sandlot.app;

import java.io.IOException;

/**
 * The server of {@code sandlot up}: everything in one process. Its one implementation is the composition root. It is
 * started in two steps, of which the first may be given up at any time.
 */
@FunctionalInterface
public interface ServerProgram {
    /**
     * Opens what the server stands on: store, layers and the base template, which the first start makes in minutes.
     * The caller holds the lock of the data directory.
     *
     * @param newStore whether the store may be another one than the data directory's
     * @throws IOException when something of it cannot be had; nothing is left open then
     * @throws InterruptedException when the thread was interrupted; what was begun is gone then
     */
    Prepared prepare(Settings settings, boolean newStore, Progress progress) throws IOException, InterruptedException;

    /** A server that can start. */
    interface Prepared {
        /**
         * Starts all parts, takes over the sandboxes that still run, and returns once requests are answered. Its
         * thread must not be interrupted.
         *
         * @throws IOException when it cannot serve; nothing that was started or prepared is left open then
         */
        RunningServer start() throws IOException;

        /** Closes what was prepared, in place of a start. */
        void close() throws IOException;
    }
}
