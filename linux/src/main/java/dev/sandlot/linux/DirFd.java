package dev.sandlot.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A directory held open, and the calls that change or read what is directly in it.
 *
 * <p>Names are single components as the kernel sees them: bytes without a slash, not {@code ..}; {@code .} means
 * the directory itself where that makes sense. Nothing here follows a symbolic link, except {@link #open}, whose
 * path the caller vouches for. Not for trees that others change at the same time: several calls on one name are
 * not one act.
 */
public final class DirFd implements AutoCloseable {
    /** The most bytes an extended attribute may have (the kernel's XATTR_SIZE_MAX). */
    public static final int XATTR_MAX_BYTES = 65536;

    private static final MethodHandle SYSCALL = Native.errnoVariadic(
            "syscall", 1, Native.LONG, Native.LONG, Native.INT, Native.POINTER, Native.POINTER, Native.LONG);
    private static final MethodHandle MKDIRAT =
            Native.errnoCall("mkdirat", Native.INT, Native.INT, Native.POINTER, Native.INT);
    private static final MethodHandle SYMLINKAT =
            Native.errnoCall("symlinkat", Native.INT, Native.POINTER, Native.INT, Native.POINTER);
    private static final MethodHandle LINKAT =
            Native.errnoCall("linkat", Native.INT, Native.INT, Native.POINTER, Native.INT, Native.POINTER, Native.INT);
    private static final MethodHandle MKNODAT =
            Native.errnoCall("mknodat", Native.INT, Native.INT, Native.POINTER, Native.INT, Native.LONG);
    private static final MethodHandle UNLINKAT =
            Native.errnoCall("unlinkat", Native.INT, Native.INT, Native.POINTER, Native.INT);
    private static final MethodHandle FCHOWNAT =
            Native.errnoCall("fchownat", Native.INT, Native.INT, Native.POINTER, Native.INT, Native.INT, Native.INT);
    private static final MethodHandle FCHMODAT =
            Native.errnoCall("fchmodat", Native.INT, Native.INT, Native.POINTER, Native.INT, Native.INT);
    private static final MethodHandle UTIMENSAT =
            Native.errnoCall("utimensat", Native.INT, Native.INT, Native.POINTER, Native.POINTER, Native.INT);
    private static final MethodHandle STATX =
            Native.errnoCall("statx", Native.INT, Native.INT, Native.POINTER, Native.INT, Native.INT, Native.POINTER);
    private static final MethodHandle READLINKAT =
            Native.errnoCall("readlinkat", Native.LONG, Native.INT, Native.POINTER, Native.POINTER, Native.LONG);
    private static final MethodHandle GETDENTS =
            Native.errnoCall("getdents64", Native.LONG, Native.INT, Native.POINTER, Native.LONG);
    private static final MethodHandle LSETXATTR = Native.errnoCall(
            "lsetxattr", Native.INT, Native.POINTER, Native.POINTER, Native.POINTER, Native.LONG, Native.INT);
    private static final MethodHandle LGETXATTR =
            Native.errnoCall("lgetxattr", Native.LONG, Native.POINTER, Native.POINTER, Native.POINTER, Native.LONG);
    private static final MethodHandle LLISTXATTR =
            Native.errnoCall("llistxattr", Native.LONG, Native.POINTER, Native.POINTER, Native.LONG);
    private static final MethodHandle SYNCFS = Native.errnoCall("syncfs", Native.INT, Native.INT);

    private static final long SYS_OPENAT2 = 437;
    private static final int AT_FDCWD = -100;
    private static final int AT_SYMLINK_NOFOLLOW = 0x100;
    private static final int AT_REMOVEDIR = 0x200;
    private static final int O_WRONLY = 1;
    private static final int O_CREAT = 0x40;
    private static final int O_EXCL = 0x80;
    private static final int O_NOFOLLOW = System.getProperty("os.arch").equals("aarch64") ? 0x8000 : 0x20000;
    private static final int O_DIRECTORY = System.getProperty("os.arch").equals("aarch64") ? 0x4000 : 0x10000;
    private static final int O_CLOEXEC = 0x80000;
    private static final long RESOLVE_NO_MAGICLINKS = 0x02;
    private static final long RESOLVE_NO_SYMLINKS = 0x04;
    private static final long RESOLVE_BENEATH = 0x08;
    private static final int STATX_BASIC_STATS = 0x7ff;
    private static final int STATX_SIZE_BYTES = 256;
    private static final int DENTS_BYTES = 64 * 1024;
    private static final int PATH_MAX = 4096;

    private final Fd fd;

    private DirFd(Fd fd) {
        this.fd = fd;
    }

    /** Opens a directory by a path the caller trusts; links in it are followed. */
    public static DirFd open(Path path) throws IOException {
        return new DirFd(openat2(AT_FDCWD, utf8(path.toString()), O_DIRECTORY, 0, 0));
    }

    /**
     * Opens the directory at a relative path of any number of components, none of which may be a symbolic link or
     * lead out of this directory.
     */
    public DirFd directory(byte[] relative) throws IOException {
        return new DirFd(openat2(fd.number(), relative, O_DIRECTORY | O_NOFOLLOW, 0, confined()));
    }

    /** Creates a file that must not be there yet and opens it for writing. */
    public Fd createFile(byte[] name, int mode) throws IOException {
        return openat2(fd.number(), component(name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode, confined());
    }

    /** Opens a file for reading. */
    public Fd openFile(byte[] name) throws IOException {
        return openat2(fd.number(), component(name), O_NOFOLLOW, 0, confined());
    }

    public void makeDirectory(byte[] name, int mode) throws IOException {
        onName("mkdirat", name, path -> (int) MKDIRAT.invokeExact(Native.errnoSlot(), fd.number(), path, mode));
    }

    /** Makes a symbolic link; the target is stored as it is and never looked at. */
    public void makeSymlink(byte[] name, byte[] target) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment to = cString(arena, target);
            onName("symlinkat", name, path -> (int) SYMLINKAT.invokeExact(Native.errnoSlot(), to, fd.number(), path));
        }
    }

    /** Makes {@code name} here another name of {@code existing} in {@code directory}. */
    public void makeLink(byte[] name, DirFd directory, byte[] existing) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment from = cString(arena, component(existing));
            onName("linkat", name, path ->
                    (int) LINKAT.invokeExact(Native.errnoSlot(), directory.fd.number(), from, fd.number(), path, 0));
        }
    }

    /** Makes a FIFO. */
    public void makeFifo(byte[] name) throws IOException {
        makeNode(name, FileStat.FIFO);
    }

    /** Makes a character device 0:0, which overlayfs takes for "this name is deleted". */
    public void makeWhiteout(byte[] name) throws IOException {
        makeNode(name, FileStat.CHARACTER_DEVICE);
    }

    /** Removes a name that is not a directory. */
    public void removeFile(byte[] name) throws IOException {
        onName("unlinkat", name, path -> (int) UNLINKAT.invokeExact(Native.errnoSlot(), fd.number(), path, 0));
    }

    /** Removes an empty directory. */
    public void removeDirectory(byte[] name) throws IOException {
        onName("unlinkat", name, path ->
                (int) UNLINKAT.invokeExact(Native.errnoSlot(), fd.number(), path, AT_REMOVEDIR));
    }

    /** Changes the owner; clears set-user-ID bits and file capabilities, so it comes before these. */
    public void owner(byte[] name, int uid, int gid) throws IOException {
        onName("fchownat", name, path ->
                (int) FCHOWNAT.invokeExact(Native.errnoSlot(), fd.number(), path, uid, gid, AT_SYMLINK_NOFOLLOW));
    }

    /** Changes the twelve permission bits of something that is not a symbolic link. */
    public void mode(byte[] name, int mode) throws IOException {
        onName("fchmodat", name, path -> (int) FCHMODAT.invokeExact(Native.errnoSlot(), fd.number(), path, mode, 0));
    }

    /** Sets access and modification time alike. */
    public void modified(byte[] name, long seconds, int nanos) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment times = arena.allocateFrom(Native.LONG, seconds, nanos, seconds, nanos);
            onName("utimensat", name, path ->
                    (int) UTIMENSAT.invokeExact(Native.errnoSlot(), fd.number(), path, times, AT_SYMLINK_NOFOLLOW));
        }
    }

    /** What is at a name; empty when nothing is. */
    public Optional<FileStat> stat(byte[] name) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(STATX_SIZE_BYTES, 8);
            onName("statx", name, path -> (int) STATX.invokeExact(
                    Native.errnoSlot(), fd.number(), path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, buffer));
            return Optional.of(FileStat.ofStatx(buffer));
        } catch (LinuxException e) {
            if (e.is(Errno.ENOENT)) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** The target of a symbolic link. */
    public byte[] symlinkTarget(byte[] name) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(PATH_MAX);
            long length = onName("readlinkat", name, path ->
                    (long) READLINKAT.invokeExact(Native.errnoSlot(), fd.number(), path, buffer, (long) PATH_MAX));
            return buffer.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
        }
    }

    /** The names in this directory, without {@code .} and {@code ..}, in no order. */
    public List<byte[]> names() throws IOException {
        List<byte[]> names = new ArrayList<>();
        try (DirFd fresh = directory(utf8("."));
                Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(DENTS_BYTES, 8);
            long length = fresh.entries(buffer);
            while (length > 0) {
                collectNames(buffer.asSlice(0, length), names);
                length = fresh.entries(buffer);
            }
        }
        return names;
    }

    /** Sets an extended attribute. */
    public void xattr(byte[] name, String attribute, byte[] value) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment path = cString(arena, procPath(name));
            MemorySegment key = arena.allocateFrom(attribute);
            MemorySegment bytes = arena.allocate(Math.max(1, value.length));
            MemorySegment.copy(value, 0, bytes, ValueLayout.JAVA_BYTE, 0, value.length);
            check("lsetxattr " + attribute, name, () ->
                    (int) LSETXATTR.invokeExact(Native.errnoSlot(), path, key, bytes, (long) value.length, 0));
        }
    }

    /** The value of an extended attribute; empty when it is not set. */
    public Optional<byte[]> xattr(byte[] name, String attribute) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment path = cString(arena, procPath(name));
            MemorySegment key = arena.allocateFrom(attribute);
            MemorySegment buffer = arena.allocate(XATTR_MAX_BYTES);
            long length = check("lgetxattr " + attribute, name, () ->
                    (long) LGETXATTR.invokeExact(Native.errnoSlot(), path, key, buffer, (long) XATTR_MAX_BYTES));
            return Optional.of(buffer.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE));
        } catch (LinuxException e) {
            if (e.is(Errno.ENODATA)) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** The names of the extended attributes; none where the file system has no such thing. */
    public List<String> xattrs(byte[] name) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment path = cString(arena, procPath(name));
            MemorySegment buffer = arena.allocate(XATTR_MAX_BYTES);
            long length = check("llistxattr", name, () ->
                    (long) LLISTXATTR.invokeExact(Native.errnoSlot(), path, buffer, (long) XATTR_MAX_BYTES));
            String all = new String(buffer.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
            return all.isEmpty() ? List.of() : List.of(all.split("\0"));
        } catch (LinuxException e) {
            if (e.is(Errno.EOPNOTSUPP)) {
                return List.of();
            }
            throw e;
        }
    }

    /** Waits until everything written to this file system so far is on the disk. */
    public void syncFileSystem() throws IOException {
        check("syncfs", utf8("."), () -> (int) SYNCFS.invokeExact(Native.errnoSlot(), fd.number()));
    }

    @Override
    public void close() {
        fd.close();
    }

    private void makeNode(byte[] name, int type) throws IOException {
        onName("mknodat", name, path ->
                (int) MKNODAT.invokeExact(Native.errnoSlot(), fd.number(), path, type | 0600, 0L));
    }

    private long entries(MemorySegment buffer) throws IOException {
        return check("getdents64", utf8("."), () ->
                (long) GETDENTS.invokeExact(Native.errnoSlot(), fd.number(), buffer, buffer.byteSize()));
    }

    /** struct linux_dirent64: u64 ino, s64 off, u16 reclen, u8 type, char name[]. */
    private static void collectNames(MemorySegment dents, List<byte[]> names) {
        long at = 0;
        while (at < dents.byteSize()) {
            int length = Short.toUnsignedInt(dents.get(ValueLayout.JAVA_SHORT_UNALIGNED, at + 16));
            byte[] name = untilZero(dents.asSlice(at + 19, length - 19L));
            if (!isDotOrDotDot(name)) {
                names.add(name);
            }
            at += length;
        }
    }

    private static byte[] untilZero(MemorySegment segment) {
        long end = 0;
        while (segment.get(ValueLayout.JAVA_BYTE, end) != 0) {
            end++;
        }
        return segment.asSlice(0, end).toArray(ValueLayout.JAVA_BYTE);
    }

    private static boolean isDotOrDotDot(byte[] name) {
        return Arrays.equals(name, utf8(".")) || Arrays.equals(name, utf8(".."));
    }

    private byte[] procPath(byte[] name) {
        byte[] directory = utf8(fd.procPath() + "/");
        byte[] path = Arrays.copyOf(directory, directory.length + name.length);
        System.arraycopy(component(name), 0, path, directory.length, name.length);
        return path;
    }

    private static long confined() {
        return RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    }

    /** struct open_how: u64 flags, u64 mode, u64 resolve. */
    private static Fd openat2(int directory, byte[] path, int flags, int mode, long resolve) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = cString(arena, path);
            MemorySegment how = arena.allocateFrom(Native.LONG, flags | O_CLOEXEC, mode, resolve);
            long number = check("openat2", path, () ->
                    (long) SYSCALL.invokeExact(Native.errnoSlot(), SYS_OPENAT2, directory, name, how, how.byteSize()));
            return Fd.own((int) number);
        }
    }

    private static byte[] component(byte[] name) {
        for (byte b : name) {
            if (b == '/') {
                throw new IllegalArgumentException("not a single name: " + text(name));
            }
        }
        if (name.length == 0 || Arrays.equals(name, utf8(".."))) {
            throw new IllegalArgumentException("not a name: '" + text(name) + "'");
        }
        return name;
    }

    private static MemorySegment cString(Arena arena, byte[] bytes) {
        MemorySegment segment = arena.allocate(bytes.length + 1L);
        for (byte b : bytes) {
            if (b == 0) {
                throw new IllegalArgumentException("a name with a zero byte");
            }
        }
        MemorySegment.copy(bytes, 0, segment, ValueLayout.JAVA_BYTE, 0, bytes.length);
        return segment;
    }

    private interface NameCall {
        long on(MemorySegment path) throws Throwable;
    }

    private interface Call {
        long run() throws Throwable;
    }

    private static long onName(String call, byte[] name, NameCall body) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment path = cString(arena, component(name));
            return check(call, name, () -> body.on(path));
        }
    }

    private static long check(String call, byte[] subject, Call body) throws IOException {
        long result;
        try {
            result = body.run();
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
        if (result < 0) {
            throw new LinuxException(call, text(subject), Native.lastErrno());
        }
        return result;
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(byte[] name) {
        return new String(name, StandardCharsets.UTF_8);
    }
}
