package dev.sandlot.runtime;

import dev.sandlot.linux.Cgroups;
import dev.sandlot.linux.FileLease;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Tells leaks from outside of the process that has the runtime open, if there is one. It only reads: a sandbox runs
 * when it is in the journal and its group has a process with the users of its slot; an idle slot is known by its
 * entry among the {@link SlotRecords}, which counts only while the runtime is open.
 */
final class LeakReport {
    /** A start or a removal under way takes less. */
    private static final Duration UNDER_WAY = Duration.ofMinutes(1);

    private final RuntimeConfig config;
    private final Cgroups cgroups;
    private final Journal journal;
    private final LeakScan scan;

    LeakReport(RuntimeConfig config) throws IOException {
        this.config = config;
        this.cgroups = Cgroups.look(config.cgroupParent());
        this.journal = new Journal(config.sandboxes());
        this.scan = new LeakScan(config, cgroups);
    }

    List<Leak> run() throws IOException {
        boolean open = isOpen(config);
        List<Leak> leaks = new ArrayList<>(scan.run(known(open), forgotten(open)));
        if (!Files.exists(config.runDirectory())) {
            leaks.addAll(foundations());
        }
        return leaks;
    }

    /** Whether a process has the runtime open. */
    static boolean isOpen(RuntimeConfig config) throws IOException {
        if (!Files.exists(config.lock())) {
            return false;
        }
        Optional<FileLease> lease = FileLease.tryTake(config.lock());
        lease.ifPresent(FileLease::close);
        return lease.isEmpty();
    }

    /** The IDs of sandboxes with living processes. */
    Set<String> running() throws IOException {
        return known(false).sandboxes();
    }

    private LeakScan.Known known(boolean open) throws IOException {
        Set<String> sandboxes = new HashSet<>();
        Set<Integer> slots = new HashSet<>(open ? new SlotRecords(config.slots()).numbers() : Set.of());
        for (String id : journal.ids()) {
            Optional<Journal.Entry> entry =
                    journal.read(id).filter(e -> isAlive(e) || (open && isFresh(e.startedAt())));
            entry.ifPresent(found -> {
                sandboxes.add(id);
                slots.add(found.slot());
            });
        }
        return new LeakScan.Known(sandboxes, slots);
    }

    private boolean isAlive(Journal.Entry entry) {
        try {
            return cgroups.group(entry.spec().id()).processes().stream()
                    .anyMatch(pid -> scan.slotOf(pid).orElse(-1) == entry.slot());
        } catch (IOException e) {
            return false; // the group went while we looked
        }
    }

    /** What lies in the trash; an open runtime is about to remove it. */
    private List<String> forgotten(boolean open) throws IOException {
        List<String> found = new ArrayList<>();
        for (String name : Journal.names(config.trash())) {
            Path path = config.trash().resolve(name);
            if (!open || !isBeingRemoved(path)) {
                found.add(path.toString());
            }
        }
        return found;
    }

    private static boolean isBeingRemoved(Path path) throws IOException {
        try {
            FileTime changed = (FileTime) Files.getAttribute(path, "unix:ctime", LinkOption.NOFOLLOW_LINKS);
            return isFresh(changed.toInstant());
        } catch (NoSuchFileException e) {
            return true;
        }
    }

    private static boolean isFresh(Instant since) {
        return since.isAfter(Instant.now().minus(UNDER_WAY));
    }

    /** What stands as long as there is a run directory, and must be gone with it. */
    private List<Leak> foundations() throws IOException {
        List<Leak> leaks = new ArrayList<>();
        if (cgroups.parentExists()) {
            leaks.add(new Leak(Leak.Kind.CGROUP, config.cgroupParent()));
        }
        Optional<Tool> nft = Tool.find("nft");
        if (nft.isPresent() && new Firewall(config, nft.get()).isRaised()) {
            leaks.add(new Leak(Leak.Kind.RULES, "nftables table inet " + Firewall.table(config)));
        }
        return leaks;
    }
}
