package dev.sandlot.runtime;

import dev.sandlot.linux.CgroupUsage;
import dev.sandlot.linux.Fd;
import dev.sandlot.supervisor.Supervisor;
import java.io.IOException;
import java.net.Inet4Address;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Set;

/** A sandbox that runs. What it hands out stays the runtime's to close. */
public interface RunningSandbox {
    /** Its ID. */
    String id();

    /** What it was started from. */
    RuntimeSpec spec();

    /** The connection to its PID 1. */
    Supervisor supervisor();

    /** Its root directory, with all its mounts, for {@code openat2} and {@code /proc/self/fd}. */
    Fd root();

    /** What its user 0 is on this machine; its other users follow. */
    int uidBase();

    /** A directory on disk that goes with it and that it does not see; others use names of their own in it. */
    Path directory();

    /** Where this machine reaches its ports, those bound to 127.0.0.1 included. */
    Inet4Address address();

    /**
     * A new TCP socket of the sandbox's own network, not connected: it reaches what listens on the sandbox's own
     * addresses alone, such as {@code ::1}. The caller's to close.
     */
    SocketChannel openSocket() throws IOException;

    /** The TCP ports on which something in it listens. */
    Set<Integer> listening() throws IOException;

    /** When it was started. */
    Instant startedAt();

    /** What its control group uses now. */
    CgroupUsage usage() throws IOException;

    /** Stops all its processes where they are. */
    void freeze() throws IOException;

    /** Lets them go on. */
    void thaw() throws IOException;

    /** Runs the action once it has ended, however that came; at once if it has. */
    void onEnd(Runnable action);
}
