package dev.sandlot.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What the kernel says about one file.
 *
 * @param mode type and permission bits, as in {@code st_mode}
 * @param device the device's major and minor number in one, for telling files apart
 * @param links how many names it has
 * @param size bytes of content
 * @param seconds modification time, since 1970
 * @param nanos modification time, the fraction
 * @param isDeviceZero whether it is a device 0:0
 */
public record FileStat(
        int mode,
        int uid,
        int gid,
        long device,
        long inode,
        int links,
        long size,
        long seconds,
        int nanos,
        boolean isDeviceZero) {
    static final int TYPE = 0170000;
    static final int FIFO = 0010000;
    static final int CHARACTER_DEVICE = 0020000;
    static final int DIRECTORY = 0040000;
    static final int REGULAR = 0100000;
    static final int SYMLINK = 0120000;
    static final int SOCKET = 0140000;

    /** struct statx, by the offsets of linux/stat.h. */
    static FileStat ofStatx(MemorySegment s) {
        int rdevMajor = s.get(Native.INT, 128);
        int rdevMinor = s.get(Native.INT, 132);
        long device = ((long) s.get(Native.INT, 136) << 32) | s.get(Native.INT, 140);
        return new FileStat(
                Short.toUnsignedInt(s.get(ValueLayout.JAVA_SHORT, 28)),
                s.get(Native.INT, 20),
                s.get(Native.INT, 24),
                device,
                s.get(Native.LONG, 32),
                s.get(Native.INT, 16),
                s.get(Native.LONG, 40),
                s.get(Native.LONG, 112),
                s.get(Native.INT, 120),
                rdevMajor == 0 && rdevMinor == 0);
    }

    public boolean isDirectory() {
        return (mode & TYPE) == DIRECTORY;
    }

    public boolean isRegular() {
        return (mode & TYPE) == REGULAR;
    }

    public boolean isSymlink() {
        return (mode & TYPE) == SYMLINK;
    }

    public boolean isFifo() {
        return (mode & TYPE) == FIFO;
    }

    public boolean isSocket() {
        return (mode & TYPE) == SOCKET;
    }

    /** Whether overlayfs takes this for a deleted name. */
    public boolean isWhiteout() {
        return (mode & TYPE) == CHARACTER_DEVICE && isDeviceZero;
    }

    /** The twelve permission bits. */
    public int permissions() {
        return mode & 07777;
    }
}
