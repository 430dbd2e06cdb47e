package dev.sandlot.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Instant;

/**
 * What statx tells of a file.
 *
 * @param mode the permission bits with setuid, setgid and sticky (07777)
 * @param uid owner, as the kernel numbers it for this process
 * @param size bytes
 * @param modified time of the last change of content, kept within the years 1 to 9999
 * @param changed time of the last change of anything
 * @param links how many names it has
 * @param isWhiteout whether it is a character device 0:0, which overlayfs takes for a deleted name
 */
public record FileStatus(
        FileKind kind,
        int mode,
        int uid,
        int gid,
        long size,
        Instant modified,
        Instant changed,
        long inode,
        long device,
        int links,
        boolean isWhiteout) {
    /** Size of {@code struct statx}. */
    static final int STRUCT_SIZE = 256;

    private static final long FIRST_SECOND = -62135596800L;
    private static final long LAST_SECOND = 253402300799L;

    /** Reads {@code struct statx} (linux/stat.h). */
    static FileStatus read(MemorySegment statx) {
        int mode = statx.get(ValueLayout.JAVA_SHORT, 28) & 0xFFFF;
        FileKind kind = FileKind.ofMode(mode);
        long device = ((long) statx.get(Native.INT, 136) << 32) | (statx.get(Native.INT, 140) & 0xFFFFFFFFL);
        return new FileStatus(
                kind,
                mode & 07777,
                statx.get(Native.INT, 20),
                statx.get(Native.INT, 24),
                statx.get(Native.LONG, 40),
                time(statx, 112),
                time(statx, 96),
                statx.get(Native.LONG, 32),
                device,
                statx.get(Native.INT, 16),
                kind == FileKind.CHARACTER_DEVICE
                        && statx.get(Native.INT, 128) == 0
                        && statx.get(Native.INT, 132) == 0);
    }

    public boolean isDirectory() {
        return kind == FileKind.DIRECTORY;
    }

    public boolean isRegular() {
        return kind == FileKind.REGULAR;
    }

    public boolean isSymlink() {
        return kind == FileKind.SYMLINK;
    }

    /** Whether both are the same file. */
    public boolean isSameFile(FileStatus other) {
        return inode == other.inode && device == other.device;
    }

    /** The same with another owner and group. */
    public FileStatus ownedBy(int newUid, int newGid) {
        return new FileStatus(kind, mode, newUid, newGid, size, modified, changed, inode, device, links, isWhiteout);
    }

    private static Instant time(MemorySegment statx, long offset) {
        long seconds = Math.clamp(statx.get(Native.LONG, offset), FIRST_SECOND, LAST_SECOND);
        return Instant.ofEpochSecond(seconds, Math.clamp(statx.get(Native.INT, offset + 8), 0, 999_999_999));
    }
}
