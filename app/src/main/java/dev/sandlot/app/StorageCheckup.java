package dev.sandlot.app;

import dev.sandlot.linux.DiskFloor;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.util.List;

/** Where layers and writable file systems are kept. */
final class StorageCheckup implements Doctor.Checkup {
    private static final long COMFORTABLE_BYTES = 5L << 30;
    private static final String SPACE = "disk space";

    private final Settings settings;

    StorageCheckup(Settings settings) {
        this.settings = settings;
    }

    @Override
    public List<Finding> required() {
        return List.of();
    }

    @Override
    public List<Finding> further(boolean isRoot) {
        try {
            DiskFloor floor = settings.diskFloor();
            FileStore store = Files.getFileStore(floor.place());
            return List.of(pool(store), quota(store), room(floor));
        } catch (IOException e) {
            return List.of(Finding.missing("disk", String.valueOf(e.getMessage()), "choose another --data-dir"));
        }
    }

    private Finding pool(FileStore store) {
        String where = store.type() + " at " + settings.dataDir();
        return switch (store.type()) {
            case "xfs", "btrfs" -> Finding.ok("disk pool", where);
            case "overlay", "overlayfs" ->
                Finding.missing("disk pool", where + ": overlay cannot stand on overlay", "put --data-dir on a volume");
            case "nfs", "nfs4", "cifs" ->
                Finding.missing("disk pool", where + ": not a local disk", "put --data-dir on a local disk");
            default ->
                Finding.degraded(
                        "disk pool", where + ": no copies that share their blocks", "put --data-dir on XFS or btrfs");
        };
    }

    private static Finding quota(FileStore store) {
        String why = store.type().equals("xfs")
                ? "not in this version"
                : "not in this version, and " + store.type() + " has no quota that it could use";
        return Finding.note("disk limit", why + ": a sandbox can fill the disk");
    }

    private static Finding room(DiskFloor floor) {
        if (floor.forbids(0)) {
            return Finding.missing(
                    SPACE,
                    floor.text() + ": new sandboxes, builds and uploads are refused",
                    "end sandboxes that fill it, or free some; disk.min-free-mb is what is left alone");
        }
        String found = (floor.freeBytes() >> 30) + " GiB free";
        return floor.freeBytes() >= COMFORTABLE_BYTES
                ? Finding.ok(SPACE, found)
                : Finding.degraded(SPACE, found, "free some; the base template alone takes about 1 GiB");
    }
}
