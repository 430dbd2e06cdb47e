package dev.sandlot.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** Version 1: a group is a directory of the same name in the hierarchy of each controller. */
final class CgroupsV1 implements Cgroups {
    private static final List<String> CONTROLLERS = List.of("memory", "cpu", "cpuacct", "pids", "freezer");

    private final Map<String, Path> parents;
    private final List<Path> homes;
    private final List<Path> unified;

    private CgroupsV1(Map<String, Path> parents, List<Path> homes, List<Path> unified) {
        this.parents = parents;
        this.homes = homes;
        this.unified = unified;
    }

    static boolean isComplete(List<MountEntry> mounts) {
        return CONTROLLERS.stream().allMatch(c -> hierarchy(mounts, c).isPresent());
    }

    static CgroupsV1 open(List<MountEntry> mounts, String parent) throws IOException {
        CgroupsV1 groups = at(mounts, parent);
        for (Path ours : groups.parents.values()) {
            Files.createDirectories(ours);
        }
        return groups;
    }

    /** The same without making anything. */
    static CgroupsV1 at(List<MountEntry> mounts, String parent) throws IOException {
        Map<String, Path> parents = new LinkedHashMap<>();
        List<Path> homes = new ArrayList<>();
        for (String controller : CONTROLLERS) {
            Path root = hierarchy(mounts, controller).orElseThrow();
            Path ours = root.resolve(parent);
            parents.put(controller, ours);
            homes.add(root.resolve(home(controller)).resolve("tasks"));
        }
        List<Path> unified = mounts.stream()
                .filter(m -> m.type().equals("cgroup2"))
                .map(MountEntry::target)
                .toList();
        return new CgroupsV1(parents, homes.stream().distinct().toList(), unified);
    }

    @Override
    public int version() {
        return 1;
    }

    @Override
    public boolean movesThreads() {
        return true;
    }

    @Override
    public void leave() throws IOException {
        for (Path home : homes) {
            CgroupFiles.write(home, "0");
        }
    }

    @Override
    public Cgroup create(String name, CgroupLimits limits) throws IOException {
        CgroupV1 group = group(name);
        group.create(limits);
        return group;
    }

    @Override
    public CgroupV1 group(String name) {
        Map<String, Path> directories = new LinkedHashMap<>();
        parents.forEach((controller, parent) -> directories.put(controller, parent.resolve(name)));
        return new CgroupV1(directories);
    }

    @Override
    public Set<String> names() throws IOException {
        Set<String> names = new TreeSet<>();
        for (Path parent : parents.values()) {
            names.addAll(CgroupFiles.children(parent));
        }
        return names;
    }

    @Override
    public boolean parentExists() {
        return parents.values().stream().anyMatch(Files::exists);
    }

    @Override
    public void removeParent() throws IOException {
        for (Path parent : Set.copyOf(parents.values())) {
            CgroupFiles.remove(parent);
        }
    }

    @Override
    public List<Path> disturbingMounts() {
        return unified;
    }

    private static Optional<Path> hierarchy(List<MountEntry> mounts, String controller) {
        return mounts.stream()
                .filter(m -> m.type().equals("cgroup") && m.options().contains(controller))
                .map(MountEntry::target)
                .findFirst();
    }

    /** Where this process is: {@code 4:memory:/path} in {@code /proc/self/cgroup}. */
    private static String home(String controller) throws IOException {
        for (String line : ProcFile.lines(Path.of("/proc/self/cgroup"))) {
            String[] fields = line.split(":", 3);
            if (List.of(fields[1].split(",")).contains(controller)) {
                return fields[2].substring(1);
            }
        }
        return "";
    }
}
