package dev.sandlot.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** Reads the entries of an open directory, some at a time, in the file system's order; one thread at a time. */
public final class Directory implements AutoCloseable {
    private static final int BUFFER_SIZE = 32 * 1024;
    private static final int NAME_OFFSET = 19;

    private final Fd fd;

    /** @param fd a directory open for reading, which this closes */
    public Directory(Fd fd) {
        this.fd = fd;
    }

    /** Opens a directory again, to read it from its beginning. */
    public static Directory of(Fd handle) throws LinuxException {
        return new Directory(FileTree.open(handle, FileTree.SELF, Open.READ | Open.DIRECTORY, 0, Open.PLAIN));
    }

    /** The descriptor, for calls relative to this directory; this keeps owning it. */
    public Fd fd() {
        return fd;
    }

    /** The next names, without {@code .} and {@code ..}; empty at the end. */
    public List<String> next() throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(BUFFER_SIZE, 8);
            List<String> names = new ArrayList<>();
            while (names.isEmpty()) {
                long length = Syscall.GETDENTS64.call("", fd.number(), buffer.address(), BUFFER_SIZE);
                if (length == 0) {
                    return names;
                }
                collect(buffer.asSlice(0, length), names);
            }
            return names;
        }
    }

    @Override
    public void close() {
        fd.close();
    }

    /** struct linux_dirent64: u64 inode, s64 offset, u16 record length, u8 type, name with a terminator. */
    private static void collect(MemorySegment records, List<String> names) {
        long at = 0;
        while (at < records.byteSize()) {
            int length = records.get(ValueLayout.JAVA_SHORT, at + 16) & 0xFFFF;
            MemorySegment record = records.asSlice(at, length);
            String name = name(record);
            if (!name.equals(".") && !name.equals("..")) {
                names.add(name);
            }
            at += length;
        }
    }

    private static String name(MemorySegment record) {
        long end = NAME_OFFSET;
        while (record.get(ValueLayout.JAVA_BYTE, end) != 0) {
            end++;
        }
        return FileNames.decode(record.asSlice(NAME_OFFSET, end - NAME_OFFSET).toArray(ValueLayout.JAVA_BYTE));
    }
}
