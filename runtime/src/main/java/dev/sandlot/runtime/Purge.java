package dev.sandlot.runtime;

import dev.sandlot.linux.Errno;
import dev.sandlot.linux.LinuxException;
import dev.sandlot.linux.Netlink;
import dev.sandlot.linux.TreeRemoval;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Ends all sandboxes of a runtime that is not open and takes everything of it off the machine. */
final class Purge {
    private static final int ENODEV = Errno.ENODEV.number();

    private final Machine machine;

    Purge(Machine machine) {
        this.machine = machine;
    }

    void run() throws IOException {
        Remains remains = new Remains(machine);
        for (String id : remains.ids()) {
            remains.remove(id);
        }
        removeLinks();
        new Firewall(machine.config(), machine.nft()).remove();
        machine.cgroups().removeParent();
        machine.trash().close();
        removeDirectories();
    }

    /** What cannot be removed in one of them does not keep the others. */
    private void removeDirectories() throws IOException {
        RuntimeConfig config = machine.config();
        @Nullable IOException failure = null;
        for (Path directory : List.of(config.trash(), config.sandboxes(), config.runDirectory())) {
            try {
                TreeRemoval.remove(directory);
            } catch (IOException e) {
                failure = failure == null ? e : failure;
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    /** The kernel may be faster: a link goes with its network. */
    private void removeLinks() throws IOException {
        try (Netlink netlink = Netlink.open()) {
            for (String link : new LeakScan(machine).links()) {
                deleteLink(netlink, link);
            }
        }
    }

    static void deleteLink(Netlink netlink, String link) throws IOException {
        try {
            netlink.deleteLink(link);
        } catch (LinuxException e) {
            if (e.number() != ENODEV) {
                throw e;
            }
        }
    }
}
