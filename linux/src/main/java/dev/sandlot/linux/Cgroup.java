package dev.sandlot.linux;

import java.io.IOException;
import java.util.List;

/** One control group, whatever version and however many hierarchies it takes on this machine. */
public interface Cgroup {
    /** Moves a process in. The kernel may take 10 ms for it; see {@link #enter}. */
    void add(int pid) throws IOException;

    /**
     * Moves the calling thread in, so that what it starts is born there; cheap. Only where
     * {@link Cgroups#movesThreads()}.
     */
    void enter() throws IOException;

    /** The processes in the group. */
    List<Integer> processes() throws IOException;

    /** Stops all processes of the group, and waits until they have stopped. */
    void freeze() throws IOException;

    /** Lets them go on. */
    void thaw() throws IOException;

    /** Kills all processes of the group but this one, frozen ones and those just being forked too. */
    void kill() throws IOException;

    /** What it uses now. */
    CgroupUsage usage() throws IOException;

    /** Removes the group once its processes have ended; waits a little for that. A group that is gone is fine. */
    void remove() throws IOException;
}
