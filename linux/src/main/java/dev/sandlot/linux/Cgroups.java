package dev.sandlot.linux;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/** The control groups under one parent of ours, for cgroup v1 (hybrid too) or v2. */
public interface Cgroups {
    /**
     * Finds out the version and makes the parent.
     *
     * @param parent name of the parent below the root of the hierarchy
     * @throws UnsupportedOperationException when memory, cpu or pids cannot be limited here
     */
    static Cgroups open(String parent) throws IOException {
        List<MountEntry> mounts = MountEntry.ofThisProcess();
        return CgroupsV1.isComplete(mounts) ? CgroupsV1.open(mounts, parent) : CgroupsV2.open(mounts, parent);
    }

    /**
     * Looks at the groups below a parent, which need not be there; makes nothing.
     *
     * @throws UnsupportedOperationException when no control groups are mounted
     */
    static Cgroups look(String parent) throws IOException {
        List<MountEntry> mounts = MountEntry.ofThisProcess();
        return CgroupsV1.isComplete(mounts) ? CgroupsV1.at(mounts, parent) : CgroupsV2.at(mounts, parent);
    }

    /** 1 or 2. */
    int version();

    /** Whether a single thread can be moved, and so {@link Cgroup#enter} and {@link #leave} can be used. */
    boolean movesThreads();

    /** Moves the calling thread back to where this process was when this was opened. */
    void leave() throws IOException;

    /** Makes a group, or takes the one that is there, and sets its limits. */
    Cgroup create(String name, CgroupLimits limits) throws IOException;

    /** The group of a name, which may not exist. */
    Cgroup group(String name);

    /** The names of all groups there are, in any hierarchy. */
    Set<String> names() throws IOException;

    /** Whether the parent is there, in any hierarchy. */
    boolean parentExists();

    /** Removes the parent; its groups must be gone. */
    void removeParent() throws IOException;

    /** Mount points a launcher must take out of its own mount namespace before it starts an OCI runtime. */
    List<Path> disturbingMounts();
}
