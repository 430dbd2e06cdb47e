package dev.sandlot.app;

import java.io.IOException;
import java.util.List;

/**
 * What sandboxes leave on the machine, seen without a running server. No method may be called while a server of the
 * same data directory runs; {@link #leftovers} excepted.
 */
public interface Housekeeping {
    /**
     * Ends all sandboxes of the data directory that still run.
     *
     * @return how many there were
     */
    int endSandboxes(Settings settings, Progress progress) throws IOException;

    /**
     * All that this program made outside its directories and that no running sandbox accounts for: mounts,
     * namespaces, control groups, links, nftables tables, processes. One line each; empty when there is none.
     */
    List<String> leftovers(Settings settings) throws IOException;

    /** Removes all that {@link #leftovers} reports, and the mounts below the data and run directories. */
    void removeAll(Settings settings, Progress progress) throws IOException;
}
