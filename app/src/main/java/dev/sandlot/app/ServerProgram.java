package dev.sandlot.app;

import java.io.IOException;

/** The server of {@code sandlot up}: everything in one process. Its one implementation is the composition root. */
@FunctionalInterface
public interface ServerProgram {
    /**
     * Starts all parts and returns once requests are answered. The first start prepares the base template; a later
     * one re-adopts the sandboxes that still run. The caller holds the lock of the data directory.
     *
     * @param newStore whether the store may be another one than the data directory's
     * @throws IOException when it cannot serve; nothing that was started is left then
     */
    RunningServer start(Settings settings, boolean newStore, Progress progress) throws IOException;
}
