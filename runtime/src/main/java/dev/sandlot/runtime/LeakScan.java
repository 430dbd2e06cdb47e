package dev.sandlot.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** Looks everywhere on the machine for what belongs to this runtime and to no sandbox or slot that is known. */
final class LeakScan {
    private final Machine machine;

    LeakScan(Machine machine) {
        this.machine = machine;
    }

    List<Leak> run(Set<String> running, Collection<Integer> slots) throws IOException {
        List<Leak> leaks = new ArrayList<>();
        RuntimeConfig config = machine.config();
        add(leaks, Leak.Kind.CGROUP, machine.cgroups().names(), name -> !running.contains(name));
        for (Path directory : List.of(config.sandboxes(), config.runSandboxes(), config.ociState())) {
            add(leaks, Leak.Kind.DIRECTORY, under(directory), path -> !running.contains(lastName(path)));
        }
        add(leaks, Leak.Kind.DIRECTORY, machine.trash().forgotten(), _ -> true);
        add(leaks, Leak.Kind.LINK, links(), name -> !slots.contains(slotOf(name)));
        add(leaks, Leak.Kind.MOUNT, mounts(), _ -> true);
        strays(slots).forEach(pid -> leaks.add(new Leak(Leak.Kind.PROCESS, Integer.toString(pid))));
        return leaks;
    }

    /** Slot numbers of the links there are. */
    List<String> links() throws IOException {
        String prefix = machine.config().linkPrefix();
        return Journal.names(Path.of("/sys/class/net")).stream()
                .filter(name -> name.startsWith(prefix))
                .toList();
    }

    private static void add(List<Leak> to, Leak.Kind kind, Collection<String> all, Predicate<String> isLeak) {
        all.stream().filter(isLeak).forEach(what -> to.add(new Leak(kind, what)));
    }

    private static List<String> under(Path directory) throws IOException {
        return Journal.names(directory).stream()
                .filter(name -> !name.startsWith("."))
                .map(name -> directory.resolve(name).toString())
                .toList();
    }

    private static String lastName(String path) {
        return path.substring(path.lastIndexOf('/') + 1);
    }

    private int slotOf(String link) {
        return Integer.parseInt(link.substring(machine.config().linkPrefix().length()));
    }

    private List<String> mounts() throws IOException {
        String data = " " + machine.config().dataDirectory() + "/";
        String run = " " + machine.config().runDirectory() + "/";
        return Files.readAllLines(Path.of("/proc/self/mountinfo")).stream()
                .filter(line -> line.contains(data) || line.contains(run))
                .toList();
    }

    /**
     * The processes of slots that are not in use. A process is ours when its users are those of a slot and our
     * supervisor is mounted where it lives.
     */
    List<Integer> strays(Collection<Integer> slots) throws IOException {
        try (Stream<Path> entries = Files.list(Path.of("/proc"))) {
            return entries.filter(p -> Character.isDigit(lastName(p.toString()).charAt(0)))
                    .filter(p -> isStray(p, slots))
                    .map(p -> Integer.valueOf(lastName(p.toString())))
                    .toList();
        }
    }

    private boolean isStray(Path process, Collection<Integer> slots) {
        int slot = slotOfProcess(process);
        return slot >= 0 && !slots.contains(slot) && seesOurSupervisor(process);
    }

    private boolean seesOurSupervisor(Path process) {
        Path supervisor = machine.config().supervisor();
        String tail = machine.config().runDirectory().getFileName() + "/" + supervisor.getFileName() + " ";
        try {
            return Files.readString(process.resolve("mountinfo")).contains(tail);
        } catch (IOException e) {
            return false; // ended while we looked
        }
    }

    private int slotOfProcess(Path process) {
        try {
            String map = Files.readString(process.resolve("uid_map")).strip();
            long outside = map.isEmpty() ? 0 : Long.parseLong(map.split("\\s+")[1]);
            long slot = (outside - machine.config().uidBase()) / RuntimeConfig.UIDS_PER_SLOT;
            return outside >= machine.config().uidBase()
                            && slot < machine.config().maxSlots()
                    ? (int) slot
                    : -1;
        } catch (IOException e) {
            return -1; // ended while we looked
        }
    }
}
