package dev.sandlot.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/** Version 2: one tree; controllers are handed down level by level, and processes live in its leaves. */
final class CgroupsV2 implements Cgroups {
    private static final List<String> CONTROLLERS = List.of("memory", "cpu", "pids");

    private final Path parent;

    private CgroupsV2(Path parent) {
        this.parent = parent;
    }

    static CgroupsV2 open(List<MountEntry> mounts, String parent) throws IOException {
        Path root = root(mounts);
        List<String> offered = Arrays.asList(
                CgroupFiles.read(root.resolve("cgroup.controllers")).split(" "));
        if (!offered.containsAll(CONTROLLERS)) {
            throw new UnsupportedOperationException(
                    "cgroup2 at " + root + " offers " + offered + ", needed are " + CONTROLLERS);
        }
        Path ours = root.resolve(parent);
        handDown(root);
        Files.createDirectories(ours);
        handDown(ours);
        return new CgroupsV2(ours);
    }

    /** The same without making anything. */
    static CgroupsV2 at(List<MountEntry> mounts, String parent) {
        return new CgroupsV2(root(mounts).resolve(parent));
    }

    @Override
    public int version() {
        return 2;
    }

    @Override
    public boolean movesThreads() {
        return false;
    }

    @Override
    public void leave() {
        throw new UnsupportedOperationException("threads cannot be moved in cgroup v2");
    }

    @Override
    public Cgroup create(String name, CgroupLimits limits) throws IOException {
        CgroupV2 group = group(name);
        group.create(limits);
        return group;
    }

    @Override
    public CgroupV2 group(String name) {
        return new CgroupV2(parent.resolve(name));
    }

    @Override
    public Set<String> names() throws IOException {
        return CgroupFiles.children(parent);
    }

    @Override
    public boolean parentExists() {
        return Files.exists(parent);
    }

    @Override
    public void removeParent() throws IOException {
        CgroupFiles.remove(parent);
    }

    @Override
    public List<Path> disturbingMounts() {
        return List.of();
    }

    private static Path root(List<MountEntry> mounts) {
        return mounts.stream()
                .filter(m -> m.type().equals("cgroup2"))
                .map(MountEntry::target)
                .findFirst()
                .orElseThrow(() -> new UnsupportedOperationException("no cgroup file system is mounted"));
    }

    private static void handDown(Path directory) throws IOException {
        for (String controller : CONTROLLERS) {
            CgroupFiles.write(directory.resolve("cgroup.subtree_control"), "+" + controller);
        }
    }
}
