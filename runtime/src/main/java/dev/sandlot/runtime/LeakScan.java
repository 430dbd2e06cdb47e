package dev.sandlot.runtime;

import dev.sandlot.linux.Cgroups;
import dev.sandlot.linux.ProcFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Looks everywhere on the machine for what belongs to this runtime and to no sandbox or slot that is known. It only
 * reads.
 */
final class LeakScan {
    private final RuntimeConfig config;
    private final Cgroups cgroups;

    /**
     * What accounts for things on the machine.
     *
     * @param sandboxes IDs of those that run, start or end
     * @param slots numbers of those that exist, with or without a sandbox
     */
    record Known(Set<String> sandboxes, Collection<Integer> slots) {}

    LeakScan(Machine machine) {
        this(machine.config(), machine.cgroups());
    }

    LeakScan(RuntimeConfig config, Cgroups cgroups) {
        this.config = config;
        this.cgroups = cgroups;
    }

    /** @param forgotten what lies in the trash and is not being removed */
    List<Leak> run(Known known, Collection<String> forgotten) throws IOException {
        List<Leak> leaks = new ArrayList<>();
        Set<String> running = known.sandboxes();
        add(leaks, Leak.Kind.CGROUP, cgroups.names(), name -> !running.contains(name));
        for (Path directory : List.of(config.sandboxes(), config.runSandboxes(), config.ociState())) {
            add(leaks, Leak.Kind.DIRECTORY, under(directory), path -> !running.contains(lastName(path)));
        }
        add(leaks, Leak.Kind.DIRECTORY, forgotten, _ -> true);
        add(leaks, Leak.Kind.LINK, links(), name -> !isLinkOf(known.slots(), name));
        add(leaks, Leak.Kind.MOUNT, mounts(), _ -> true);
        strays(known.slots()).forEach(pid -> leaks.add(new Leak(Leak.Kind.PROCESS, Integer.toString(pid))));
        return leaks;
    }

    /** Names of the links there are. */
    List<String> links() throws IOException {
        return Journal.names(Path.of("/sys/class/net")).stream()
                .filter(name -> name.startsWith(config.linkPrefix()))
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

    private boolean isLinkOf(Collection<Integer> slots, String link) {
        String number = link.substring(config.linkPrefix().length());
        return number.matches("\\d{1,9}") && slots.contains(Integer.valueOf(number));
    }

    private List<String> mounts() throws IOException {
        String data = " " + config.dataDirectory() + "/";
        String run = " " + config.runDirectory() + "/";
        return ProcFile.lines(Path.of("/proc/self/mountinfo")).stream()
                .filter(line -> line.contains(data) || line.contains(run))
                .toList();
    }

    /**
     * The processes of slots that are not in use. A process is ours when its users are those of a slot and our
     * supervisor is mounted where it lives.
     */
    List<Integer> strays(Collection<Integer> slots) throws IOException {
        try (Stream<Path> entries = Files.list(Path.of("/proc"))) {
            return entries.map(p -> lastName(p.toString()))
                    .filter(name -> Character.isDigit(name.charAt(0)))
                    .map(Integer::valueOf)
                    .filter(pid -> isStray(pid, slots))
                    .toList();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private boolean isStray(int pid, Collection<Integer> slots) {
        OptionalInt slot = slotOf(pid);
        return slot.isPresent() && !slots.contains(slot.getAsInt()) && seesOurSupervisor(pid);
    }

    private boolean seesOurSupervisor(int pid) {
        Path supervisor = config.supervisor();
        String tail = config.runDirectory().getFileName() + "/" + supervisor.getFileName() + " ";
        try {
            return ProcFile.lines(Path.of("/proc/" + pid + "/mountinfo")).stream()
                    .anyMatch(line -> line.contains(tail));
        } catch (IOException e) {
            return false; // ended while we looked
        }
    }

    /** The slot whose users a process has, when it is alive. */
    OptionalInt slotOf(int pid) {
        try {
            String map = ProcFile.read(Path.of("/proc/" + pid + "/uid_map")).strip();
            long outside = map.isEmpty() ? 0 : Long.parseLong(map.split("\\s+")[1]);
            long slot = (outside - config.uidBase()) / RuntimeConfig.UIDS_PER_SLOT;
            boolean inRange = outside >= config.uidBase() && slot < config.maxSlots();
            return inRange ? OptionalInt.of((int) slot) : OptionalInt.empty();
        } catch (IOException e) {
            return OptionalInt.empty();
        }
    }
}
