package dev.sandlot.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** A queue of file system events of the kernel (inotify(7)); non-blocking. */
public final class Inotify implements AutoCloseable {
    public static final int MODIFY = 0x2;
    public static final int ATTRIB = 0x4;
    public static final int MOVED_FROM = 0x40;
    public static final int MOVED_TO = 0x80;
    public static final int CREATE = 0x100;
    public static final int DELETE = 0x200;
    public static final int DELETE_SELF = 0x400;
    public static final int MOVE_SELF = 0x800;
    /** The queue was too long and events are lost; the watch number is -1. */
    public static final int OVERFLOW = 0x4000;
    /** The watch is over. */
    public static final int IGNORED = 0x8000;
    /** The event is about a directory. */
    public static final int IS_DIRECTORY = 0x40000000;

    private static final int ONLY_DIRECTORY = 0x01000000;
    private static final int BUFFER_SIZE = 64 * 1024;
    private static final int HEADER = 16;

    private final Fd fd;

    public Inotify() throws LinuxException {
        this.fd = Syscall.INOTIFY_INIT1.open("", Open.CLOEXEC | Open.NONBLOCK, 0, 0, 0);
    }

    /**
     * One event.
     *
     * @param watch the number {@link #watch} gave
     * @param mask the bits above
     * @param cookie the same for both halves of a rename, else 0
     * @param name of the entry in the watched directory; empty for the directory itself
     */
    public record Event(int watch, int mask, int cookie, String name) {
        public boolean has(int bits) {
            return (mask & bits) != 0;
        }
    }

    /** Becomes readable when there are events. */
    public Fd fd() {
        return fd;
    }

    /** Watches the directory that a handle refers to; the number is the same for the same directory. */
    public int watch(Fd directory, int mask) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            long path = FileTree.pointer(arena, Syscall.INOTIFY_ADD_WATCH, directory.procPath());
            return (int) Syscall.INOTIFY_ADD_WATCH.call("", fd.number(), path, mask | ONLY_DIRECTORY);
        }
    }

    /** Ends a watch. */
    public void unwatch(int watch) throws LinuxException {
        Syscall.INOTIFY_RM_WATCH.call("", fd.number(), watch);
    }

    /** The events that are there, in order; empty when there are none now. */
    public List<Event> read() throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(BUFFER_SIZE, 8);
            long length = Syscall.READ.call("", fd.number(), buffer.address(), BUFFER_SIZE);
            return parse(buffer.asSlice(0, length));
        } catch (LinuxException e) {
            if (e.is(Errno.EAGAIN)) {
                return List.of();
            }
            throw e;
        }
    }

    @Override
    public void close() {
        fd.close();
    }

    /** struct inotify_event: s32 watch, u32 mask, u32 cookie, u32 length, name padded with NUL. */
    private static List<Event> parse(MemorySegment records) {
        List<Event> out = new ArrayList<>();
        long at = 0;
        while (at < records.byteSize()) {
            int length = records.get(ValueLayout.JAVA_INT, at + 12);
            String name = name(records.asSlice(at + HEADER, length));
            out.add(new Event(
                    records.get(ValueLayout.JAVA_INT, at),
                    records.get(ValueLayout.JAVA_INT, at + 4),
                    records.get(ValueLayout.JAVA_INT, at + 8),
                    name));
            at += HEADER + length;
        }
        return out;
    }

    private static String name(MemorySegment padded) {
        long end = 0;
        while (end < padded.byteSize() && padded.get(ValueLayout.JAVA_BYTE, end) != 0) {
            end++;
        }
        return FileNames.decode(padded.asSlice(0, end).toArray(ValueLayout.JAVA_BYTE));
    }
}
