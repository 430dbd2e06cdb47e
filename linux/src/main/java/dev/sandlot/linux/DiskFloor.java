package dev.sandlot.linux;

import java.nio.file.Path;

/**
 * How much of a disk is left free by everything that could as well be refused. Safe for many threads.
 *
 * @param place where the disk is mounted, or anything on it
 * @param bytes what is left free; 0 for nothing
 */
public record DiskFloor(Path place, long bytes) {
    private static final int MIB = 20;

    public DiskFloor {
        if (bytes < 0) {
            throw new IllegalArgumentException("a disk cannot have less than nothing left");
        }
    }

    /** What others than root may still write, in bytes; 0 where that cannot be told. */
    public long freeBytes() {
        return place.toFile().getUsableSpace();
    }

    /** Whether so many bytes more would make the disk fuller than it may be. */
    public boolean forbids(long more) {
        return freeBytes() - more < bytes;
    }

    /** How it stands, for people. */
    public String text() {
        return (freeBytes() >> MIB) + " MiB are free, and " + (bytes >> MIB) + " MiB are left alone";
    }
}
