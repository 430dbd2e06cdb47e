package dev.sandlot.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Attributes of files as chattr(1) shows them. */
final class FileAttributes {
    /** linux/fs.h: FS_IOC_GETFLAGS and FS_IOC_SETFLAGS, whose argument is an int whatever their number says. */
    private static final long GET_FLAGS = 0x80086601L;

    private static final long SET_FLAGS = 0x40086602L;
    private static final int IMMUTABLE = 0x10;
    private static final int APPEND_ONLY = 0x20;
    private static final int PROTECTING = IMMUTABLE | APPEND_ONLY;
    private static final int READ = Open.READ | Open.NOFOLLOW | Open.NONBLOCK;

    private FileAttributes() {}

    /** Takes from an entry what keeps it from being changed and removed; false when it has nothing of that. */
    static boolean unprotect(Fd directory, String name) throws LinuxException {
        FileStatus status = FileTree.status(directory, name);
        if (!status.isRegular() && !status.isDirectory()) {
            return false;
        }
        try (Fd file = FileTree.open(directory, name, READ, 0, Open.PLAIN | Open.NO_MOUNTS);
                Arena arena = Arena.ofConfined()) {
            MemorySegment flags = arena.allocate(Native.LONG);
            Syscall.IOCTL.call("FS_IOC_GETFLAGS", file.number(), GET_FLAGS, flags.address());
            int old = flags.get(Native.INT, 0);
            if ((old & PROTECTING) == 0) {
                return false;
            }
            flags.set(Native.INT, 0, old & ~PROTECTING);
            Syscall.IOCTL.call("FS_IOC_SETFLAGS", file.number(), SET_FLAGS, flags.address());
            return true;
        }
    }
}
