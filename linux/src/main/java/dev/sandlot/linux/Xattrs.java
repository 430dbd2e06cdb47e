package dev.sandlot.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Extended attributes of open files, and of entries of open directories. Names are whole, as {@code user.x}. */
public final class Xattrs {
    /** No list and no value is larger (XATTR_LIST_MAX, XATTR_SIZE_MAX). */
    private static final int LIMIT = 64 * 1024;

    private Xattrs() {}

    /** The names of the attributes of what a handle refers to; works on handles opened for the path alone. */
    public static List<String> list(Fd handle) throws LinuxException {
        return list(Syscall.LISTXATTR, handle.procPath());
    }

    /** The names of the attributes of a directory's entry; a link is not followed. */
    public static List<String> list(Fd directory, String name) throws LinuxException {
        return list(Syscall.LLISTXATTR, entryPath(directory, name));
    }

    /** The value of an attribute of what a handle refers to. */
    public static byte[] get(Fd handle, String attribute) throws LinuxException {
        return get(Syscall.GETXATTR, handle.procPath(), attribute);
    }

    /** The value of an attribute of a directory's entry; a link is not followed. */
    public static byte[] get(Fd directory, String name, String attribute) throws LinuxException {
        return get(Syscall.LGETXATTR, entryPath(directory, name), attribute);
    }

    /** The value of an attribute of a directory's entry, when it has it; a link is not followed. */
    public static Optional<byte[]> find(Fd directory, String name, String attribute) throws LinuxException {
        try {
            return Optional.of(get(directory, name, attribute));
        } catch (LinuxException e) {
            if (e.is(Errno.ENODATA)) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** Sets an attribute of an open file. */
    public static void set(Fd file, String attribute, byte[] value) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            set(arena, Syscall.FSETXATTR, file.number(), attribute, value);
        }
    }

    /** Sets an attribute of a directory's entry; a link is not followed. */
    public static void set(Fd directory, String name, String attribute, byte[] value) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            long path = FileTree.pointer(arena, Syscall.LSETXATTR, entryPath(directory, name));
            set(arena, Syscall.LSETXATTR, path, attribute, value);
        }
    }

    /** Removes an attribute of an open file. */
    public static void remove(Fd file, String attribute) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            Syscall.FREMOVEXATTR.call(
                    attribute, file.number(), FileTree.pointer(arena, Syscall.FREMOVEXATTR, attribute));
        }
    }

    private static String entryPath(Fd directory, String name) throws LinuxException {
        if (name.indexOf('/') >= 0 || name.equals("..")) {
            throw Syscall.LLISTXATTR.failure(name, Errno.EINVAL.number());
        }
        return directory.procPath() + "/" + name;
    }

    private static List<String> list(Syscall call, String path) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            long pointer = FileTree.pointer(arena, call, path);
            long size = call.call(path, pointer, 0, 0);
            if (size == 0) {
                return List.of();
            }
            MemorySegment out = arena.allocate(LIMIT);
            long length = call.call(path, pointer, out.address(), LIMIT);
            return split(out.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE));
        }
    }

    private static byte[] get(Syscall call, String path, String attribute) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            long pointer = FileTree.pointer(arena, call, path);
            long name = FileTree.pointer(arena, call, attribute);
            MemorySegment out = arena.allocate(LIMIT);
            long length = call.call(attribute, pointer, name, out.address(), LIMIT);
            return out.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
        }
    }

    private static void set(Arena arena, Syscall call, long file, String attribute, byte[] value)
            throws LinuxException {
        long name = FileTree.pointer(arena, call, attribute);
        MemorySegment bytes = arena.allocate(Math.max(1, value.length));
        MemorySegment.copy(value, 0, bytes, ValueLayout.JAVA_BYTE, 0, value.length);
        call.call(attribute, file, name, bytes.address(), value.length);
    }

    private static List<String> split(byte[] names) {
        List<String> out = new ArrayList<>();
        int start = 0;
        for (int i = 0; i < names.length; i++) {
            if (names[i] == 0) {
                out.add(FileNames.decode(Arrays.copyOfRange(names, start, i)));
                start = i + 1;
            }
        }
        return out;
    }
}
