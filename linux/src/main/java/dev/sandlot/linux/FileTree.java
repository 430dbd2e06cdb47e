package dev.sandlot.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/**
 * Names in directories: open, look, make, move, remove. Every path is resolved from a directory handle; strings
 * are coded by {@link FileNames}.
 */
public final class FileTree {
    /** What {@link #find}, {@link #chown} and their like take for the directory itself. */
    public static final String SELF = ".";

    private static final int AT_FDCWD = -100;
    private static final int AT_SYMLINK_NOFOLLOW = 0x100;
    /** What {@link #tryRemove} takes for a directory. */
    static final int AT_REMOVEDIR = 0x200;

    private static final int AT_EMPTY_PATH = 0x1000;
    private static final int STATX_BASIC_STATS = 0x7FF;
    private static final int PATH_MAX = 4096;
    private static final int OPEN_HOW_SIZE = 24;
    private static final int MAX_RACES = 1000;
    private static final int FIFO = 0010600;
    private static final int CHARACTER_DEVICE = 0020600;

    private FileTree() {}

    /** Opens a directory of this machine as a handle. */
    public static Fd directory(String hostPath) throws LinuxException {
        return open(hostPath, Open.PATH | Open.DIRECTORY);
    }

    /** Opens a path of this machine, following links. */
    static Fd open(String hostPath, int flags) throws LinuxException {
        return openAt(AT_FDCWD, hostPath, flags, 0, 0);
    }

    /**
     * openat2: opens relative to a directory handle.
     *
     * @param flags of {@link Open}, the int ones; the descriptor is close-on-exec and never a controlling terminal
     * @param mode of a file that is created
     * @param resolve of {@link Open}, the long ones
     */
    public static Fd open(Fd directory, String path, int flags, int mode, long resolve) throws LinuxException {
        return openAt(directory.number(), path, flags, mode, resolve);
    }

    /** Opens again what a handle refers to, with other flags. */
    public static Fd reopen(Fd handle, int flags) throws LinuxException {
        return openAt(AT_FDCWD, handle.procPath(), flags, 0, 0);
    }

    /** The status of what a handle refers to. */
    public static FileStatus status(Fd handle) throws LinuxException {
        return statx(handle, "", AT_EMPTY_PATH);
    }

    /** The status of an entry of a directory; a link is not followed. */
    public static FileStatus status(Fd directory, String name) throws LinuxException {
        return statx(directory, name, AT_SYMLINK_NOFOLLOW);
    }

    /** The status of an entry of a directory, when there is one; a link is not followed. */
    public static Optional<FileStatus> find(Fd directory, String name) throws LinuxException {
        try {
            return Optional.of(status(directory, name));
        } catch (LinuxException e) {
            if (e.is(Errno.ENOENT)) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** The content of a link in a directory. */
    public static String readLink(Fd directory, String name) throws LinuxException {
        return readLinkAt(directory.number(), name);
    }

    /** The path under which this process would name what a handle refers to, as the kernel writes it. */
    public static String pathOf(Fd handle) throws LinuxException {
        return readLinkAt(AT_FDCWD, handle.procPath());
    }

    public static void makeDirectory(Fd directory, String name, int mode) throws LinuxException {
        onName(Syscall.MKDIRAT, directory, name, mode, 0, 0);
    }

    /** Makes a symbolic link; the target is stored as it is. */
    public static void makeLink(Fd directory, String name, String target) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            long content = pointer(arena, Syscall.SYMLINKAT, target);
            Syscall.SYMLINKAT.call(name, content, directory.number(), pointer(arena, Syscall.SYMLINKAT, name));
        }
    }

    /** Gives an existing file, itself no directory, another name; links are not followed. */
    public static void makeHardLink(Fd from, String existing, Fd to, String name) throws LinuxException {
        twoNames(Syscall.LINKAT, from, existing, to, name);
    }

    public static void makeFifo(Fd directory, String name) throws LinuxException {
        onName(Syscall.MKNODAT, directory, name, FIFO, 0, 0);
    }

    /** Makes what overlayfs takes for "this name is deleted". */
    public static void makeWhiteout(Fd directory, String name) throws LinuxException {
        onName(Syscall.MKNODAT, directory, name, CHARACTER_DEVICE, 0, 0);
    }

    /** Renames without following links; replaces a file that stands at the new name. */
    public static void rename(Fd from, String oldName, Fd to, String newName) throws LinuxException {
        twoNames(Syscall.RENAMEAT2, from, oldName, to, newName);
    }

    public static void unlink(Fd directory, String name) throws LinuxException {
        onName(Syscall.UNLINKAT, directory, name, 0, 0, 0);
    }

    public static void removeDirectory(Fd directory, String name) throws LinuxException {
        onName(Syscall.UNLINKAT, directory, name, AT_REMOVEDIR, 0, 0);
    }

    /** Removes a name without an exception; gives the kernel's error number, 0 for success. */
    static int tryRemove(Fd directory, String name, int flags) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            return (int) -Syscall.UNLINKAT.attempt(directory.number(), pointer(arena, Syscall.UNLINKAT, name), flags);
        }
    }

    /** Changes the owner and group of what a handle refers to. */
    public static void chown(Fd handle, int uid, int gid) throws LinuxException {
        onName(Syscall.FCHOWNAT, handle, "", uid, gid, AT_EMPTY_PATH);
    }

    /**
     * Changes the owner and group of a directory's entry; a link is not followed. Takes away set-user-ID bits and
     * file capabilities.
     */
    public static void chown(Fd directory, String name, int uid, int gid) throws LinuxException {
        onName(Syscall.FCHOWNAT, directory, name, uid, gid, AT_SYMLINK_NOFOLLOW);
    }

    /** Changes the permission bits of an open file. */
    public static void chmod(Fd file, int mode) throws LinuxException {
        Syscall.FCHMOD.call("", file.number(), mode);
    }

    /** Changes the permission bits of a directory's entry, which must not be a link. */
    public static void chmod(Fd directory, String name, int mode) throws LinuxException {
        onName(Syscall.FCHMODAT, directory, name, mode, 0, 0);
    }

    /** Sets the times of last access and change of a directory's entry alike; a link is not followed. */
    public static void setTimes(Fd directory, String name, long seconds, int nanos) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            long times = arena.allocateFrom(Native.LONG, seconds, nanos, seconds, nanos)
                    .address();
            onName(Syscall.UTIMENSAT, directory, name, times, AT_SYMLINK_NOFOLLOW, 0);
        }
    }

    /** Waits until everything written so far to the file system of a directory is on the disk. */
    public static void syncFileSystem(Fd directory) throws LinuxException {
        try (Fd open = open(directory, SELF, Open.READ | Open.DIRECTORY, 0, Open.PLAIN)) {
            Syscall.SYNCFS.call("", open.number(), 0);
        }
    }

    /** The kind of file system something is on, by the kernel's magic number. */
    public static FileSystemKind fileSystem(Fd handle) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment statfs = arena.allocate(256, 8);
            Syscall.FSTATFS.call("", handle.number(), statfs.address());
            return FileSystemKind.of(statfs.get(Native.LONG, 0));
        }
    }

    /** A path as a C string, refusing one that the kernel would cut short at a NUL. */
    static long pointer(Arena arena, Syscall call, String path) throws LinuxException {
        if (path.indexOf('\0') >= 0) {
            throw call.failure(path.replace('\0', '?'), Errno.EINVAL.number());
        }
        byte[] bytes = FileNames.encode(path);
        MemorySegment out = arena.allocate(bytes.length + 1L);
        MemorySegment.copy(bytes, 0, out, ValueLayout.JAVA_BYTE, 0, bytes.length);
        return out.address();
    }

    private static Fd openAt(int directory, String path, int flags, int mode, long resolve) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            long name = pointer(arena, Syscall.OPENAT2, path);
            MemorySegment how = arena.allocate(OPEN_HOW_SIZE, 8);
            how.set(Native.LONG, 0, openFlags(flags));
            how.set(Native.LONG, 8, mode);
            how.set(Native.LONG, 16, resolve);
            return openRetrying(path, directory, name, how);
        }
    }

    private static long openFlags(int flags) {
        boolean handle = (flags & Open.PATH) != 0;
        return handle ? flags | Open.CLOEXEC : flags | Open.CLOEXEC | Open.NOCTTY;
    }

    /** The kernel answers EAGAIN when a rename or mount elsewhere kept it from proving that the path stayed inside. */
    private static Fd openRetrying(String path, int directory, long name, MemorySegment how) throws LinuxException {
        int races = 0;
        while (true) {
            try {
                return Syscall.OPENAT2.open(path, directory, name, how.address(), OPEN_HOW_SIZE);
            } catch (LinuxException e) {
                if (!e.is(Errno.EAGAIN) || ++races == MAX_RACES) {
                    throw e;
                }
            }
        }
    }

    private static FileStatus statx(Fd directory, String name, int flags) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(FileStatus.STRUCT_SIZE, 8);
            long path = pointer(arena, Syscall.STATX, name);
            Syscall.STATX.call(name, directory.number(), path, flags, STATX_BASIC_STATS, out.address());
            return FileStatus.read(out);
        }
    }

    private static String readLinkAt(int directory, String name) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(PATH_MAX);
            long path = pointer(arena, Syscall.READLINKAT, name);
            long length = Syscall.READLINKAT.call(name, directory, path, out.address(), PATH_MAX);
            return FileNames.decode(out.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE));
        }
    }

    private static void onName(Syscall call, Fd directory, String name, long c, long d, long e) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            call.call(name, directory.number(), pointer(arena, call, name), c, d, e);
        }
    }

    private static void twoNames(Syscall call, Fd from, String oldName, Fd to, String newName) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            long source = pointer(arena, call, oldName);
            call.call(oldName, from.number(), source, to.number(), pointer(arena, call, newName));
        }
    }
}
