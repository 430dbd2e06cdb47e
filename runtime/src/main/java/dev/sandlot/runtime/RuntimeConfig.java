package dev.sandlot.runtime;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.zip.CRC32;

/**
 * Settings of the {@code oci} runtime. Two runtimes on one machine need different directories, addresses and users.
 *
 * @param dataDirectory keeps the journal and the changed files of sandboxes; absolute
 * @param runDirectory keeps sockets and bundles, gone after a reboot; absolute and short
 * @param ociRuntime name or path of the OCI runtime program
 * @param addresses where the sandboxes' networks are taken from
 * @param uidBase first user number of this machine given to sandboxes, 65536 for each slot
 * @param readySlots networks kept ready
 * @param maxSlots sandboxes at once, at most
 * @param concurrentStarts sandboxes being started at the same time; the others wait
 */
public record RuntimeConfig(
        Path dataDirectory,
        Path runDirectory,
        String ociRuntime,
        AddressPlan addresses,
        int uidBase,
        int readySlots,
        int maxSlots,
        int concurrentStarts) {
    static final int UIDS_PER_SLOT = 65536;
    private static final int DEFAULT_UID_BASE = 0x7000_0000;
    private static final String DEFAULT_ADDRESSES = "10.201.0.0/16";

    public RuntimeConfig {
        long lastUid = uidBase + (long) maxSlots * UIDS_PER_SLOT;
        if (uidBase < UIDS_PER_SLOT || maxSlots < 1 || lastUid > 1L << 31) {
            throw new IllegalArgumentException("no room for " + maxSlots + " ranges of users from " + uidBase);
        }
        if (maxSlots > addresses.slots()) {
            throw new IllegalArgumentException(addresses.cidr() + " has no room for " + maxSlots + " sandboxes");
        }
        if (readySlots < 0 || concurrentStarts < 1) {
            throw new IllegalArgumentException("readySlots and concurrentStarts must be positive");
        }
    }

    /** The defaults over a data directory. */
    public static RuntimeConfig defaults(Path dataDirectory) {
        Path data = dataDirectory.toAbsolutePath().normalize();
        return new RuntimeConfig(
                data,
                Path.of("/run/sandlot", instanceOf(data)),
                "crun",
                AddressPlan.parse(DEFAULT_ADDRESSES),
                DEFAULT_UID_BASE,
                32,
                4096,
                4);
    }

    /** Short name, the same for the same data directory, that is part of every name given on the machine. */
    String instance() {
        return instanceOf(dataDirectory);
    }

    String linkPrefix() {
        return linkPrefix(dataDirectory);
    }

    static String linkPrefix(Path data) {
        return "sl" + instanceOf(data) + "-";
    }

    String linkName(int slot) {
        return linkPrefix() + slot;
    }

    String cgroupParent() {
        return "sandlot-" + instance();
    }

    int uidBase(int slot) {
        return uidBase + slot * UIDS_PER_SLOT;
    }

    Path sandboxes() {
        return dataDirectory.resolve("sandboxes");
    }

    Path trash() {
        return dataDirectory.resolve("trash");
    }

    Path runSandboxes() {
        return runDirectory.resolve("sandboxes");
    }

    Path ociState() {
        return runDirectory.resolve("oci");
    }

    Path supervisor() {
        return runDirectory.resolve("sandlot-supervisor");
    }

    /** Locked by the process that has the runtime open. */
    Path lock() {
        return runDirectory.resolve("runtime.lock");
    }

    Path slots() {
        return runDirectory.resolve("slots");
    }

    Path mountPoints() {
        return runDirectory.resolve("roots");
    }

    static String instanceOf(Path data) {
        CRC32 sum = new CRC32();
        sum.update(data.toString().getBytes(StandardCharsets.UTF_8));
        return String.format("%04x", sum.getValue() & 0xffff);
    }
}
