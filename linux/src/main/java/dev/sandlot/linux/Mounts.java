package dev.sandlot.linux;

import static dev.sandlot.linux.Native.LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Mounts of the calling thread's mount namespace, and detached ones that belong to none. */
public final class Mounts {
    private static final long OPEN_TREE_CLONE = 1;
    private static final long OPEN_TREE_CLOEXEC = 0x80000;
    private static final long AT_FDCWD = -100;
    private static final long AT_EMPTY_PATH = 0x1000;
    private static final long MOVE_MOUNT_F_EMPTY_PATH = 4;
    private static final long MOUNT_ATTR_RDONLY = 1;
    private static final long MOUNT_ATTR_IDMAP = 0x100000;
    private static final long MOUNT_ATTR_SIZE = 32;
    private static final long MS_REC_SLAVE = 0x4000 | 0x80000;
    private static final int MNT_DETACH = 2;
    private static final long FSOPEN_CLOEXEC = 1;
    private static final long FSMOUNT_CLOEXEC = 1;
    private static final long FSCONFIG_SET_STRING = 1;
    private static final long FSCONFIG_CMD_CREATE = 6;
    private static final String OVERLAY = "overlay";
    private static final Map<String, String> COMPLETE_UPPER =
            Map.of("redirect_dir", "nofollow", "metacopy", "off", "index", "off");

    private Mounts() {}

    /**
     * A detached read-only copy of the mount at a directory in which file owners are mapped by a user namespace.
     *
     * @throws LinuxException {@code EINVAL} where the kernel or the file system has no idmapped mounts
     */
    public static Fd idmapped(Path directory, Fd userNamespace) throws LinuxException {
        Fd tree = cloneTree(directory);
        try (Arena arena = Arena.ofConfined()) {
            // struct mount_attr { u64 attr_set, attr_clr, propagation, userns_fd; }
            MemorySegment attributes = arena.allocate(MOUNT_ATTR_SIZE, Long.BYTES);
            attributes.setAtIndex(LONG, 0, MOUNT_ATTR_IDMAP | MOUNT_ATTR_RDONLY);
            attributes.setAtIndex(LONG, 3, userNamespace.number());
            long empty = arena.allocateFrom("").address();
            Syscall.MOUNT_SETATTR.call(
                    directory.toString(), tree.number(), empty, AT_EMPTY_PATH, attributes.address(), MOUNT_ATTR_SIZE);
            return tree;
        } catch (LinuxException e) {
            tree.close();
            throw e;
        }
    }

    /** Attaches a detached mount in the calling thread's mount namespace. */
    public static void attach(Fd tree, Path target) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            long empty = arena.allocateFrom("").address();
            long to = arena.allocateFrom(target.toString()).address();
            Syscall.MOVE_MOUNT.call(target.toString(), tree.number(), empty, AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH);
        }
    }

    /**
     * Mounts an overlay in the calling thread's mount namespace. Its upper directory is complete by itself: what it
     * holds of a lower layer is a copy, never a reference, so that it can become a layer.
     *
     * <p>The layers are named to the kernel one by one, up to 500; kernels before 6.7 take them in one page of text
     * alone.
     *
     * @param lowers paths of the layers, the topmost first
     */
    public static void overlay(List<String> lowers, Path upper, Path work, Path target) throws LinuxException {
        try (Fd upperHandle = FileTree.directory(upper.toString());
                Fd workHandle = FileTree.directory(work.toString())) {
            if (!overlayByLayers(lowers, upperHandle.procPath(), workHandle.procPath(), target)) {
                overlayAtOnce(lowers, upperHandle.procPath(), workHandle.procPath(), target);
            }
        }
    }

    private static void overlayAtOnce(List<String> lowers, String upper, String work, Path target)
            throws LinuxException {
        String options = lowers.stream().collect(Collectors.joining(":", "lowerdir=", "")) + ",upperdir=" + upper
                + ",workdir=" + work;
        for (Map.Entry<String, String> option : COMPLETE_UPPER.entrySet()) {
            options += "," + option.getKey() + "=" + option.getValue();
        }
        mount(OVERLAY, target.toString(), OVERLAY, 0, options);
    }

    /** Says whether the kernel takes layers one by one; nothing is mounted when it does not. */
    private static boolean overlayByLayers(List<String> lowers, String upper, String work, Path target)
            throws LinuxException {
        try (Fd context = open(OVERLAY)) {
            if (!isTaken(context, "lowerdir+", lowers.getFirst())) {
                return false;
            }
            for (String lower : lowers.subList(1, lowers.size())) {
                configure(context, "lowerdir+", lower);
            }
            configure(context, "upperdir", upper);
            configure(context, "workdir", work);
            for (Map.Entry<String, String> option : COMPLETE_UPPER.entrySet()) {
                configure(context, option.getKey(), option.getValue());
            }
            Syscall.FSCONFIG.call(target.toString(), context.number(), FSCONFIG_CMD_CREATE, 0, 0, 0);
            try (Fd mount = Syscall.FSMOUNT.open(target.toString(), context.number(), FSMOUNT_CLOEXEC, 0, 0)) {
                attach(mount, target);
            }
            return true;
        }
    }

    private static Fd open(String type) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            return Syscall.FSOPEN.open(type, arena.allocateFrom(type).address(), FSOPEN_CLOEXEC, 0, 0);
        }
    }

    private static boolean isTaken(Fd context, String key, String value) throws LinuxException {
        try {
            configure(context, key, value);
            return true;
        } catch (LinuxException e) {
            if (e.is(Errno.EINVAL)) {
                return false;
            }
            throw e;
        }
    }

    private static void configure(Fd context, String key, String value) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            long name = arena.allocateFrom(key).address();
            long text = arena.allocateFrom(value).address();
            Syscall.FSCONFIG.call(key + "=" + value, context.number(), FSCONFIG_SET_STRING, name, text, 0);
        }
    }

    /** Lets no mount made from now on by the calling thread reach the namespace it was copied from. */
    public static void makeSlave() throws LinuxException {
        mount("none", "/", "", MS_REC_SLAVE, "");
    }

    /** Takes a mount out of the calling thread's namespace at once; it ends when its last user does. */
    public static void detach(Path target) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            Syscall.UMOUNT2.call(
                    target.toString(), arena.allocateFrom(target.toString()).address(), MNT_DETACH);
        }
    }

    /**
     * Where something is mounted below a directory in the calling process's namespace, the directory itself left out;
     * what was mounted last comes first.
     */
    public static List<Path> below(Path directory) throws IOException {
        Path real = directory.toRealPath();
        return MountEntry.ofThisProcess().stream()
                .map(MountEntry::target)
                .filter(target -> target.startsWith(real) && !target.equals(real))
                .toList()
                .reversed();
    }

    /** Whether something is mounted at a directory in the calling process's namespace. */
    public static boolean isAt(Path directory) throws IOException {
        Path real = directory.toRealPath();
        return MountEntry.ofThisProcess().stream()
                .anyMatch(entry -> entry.target().equals(real));
    }

    /**
     * Takes out all that is mounted below a directory in the calling process's namespace.
     *
     * @throws IOException when something is mounted there still
     */
    public static void detachBelow(Path directory) throws IOException {
        List<Path> mounted = below(directory);
        if (mounted.isEmpty()) {
            return;
        }
        for (Path target : mounted) {
            try {
                detach(target);
            } catch (LinuxException e) {
                if (!e.is(Errno.EINVAL) && !e.is(Errno.ENOENT)) { // went with another one, or is looked for below
                    throw e;
                }
            }
        }
        List<Path> left = below(directory);
        if (!left.isEmpty()) {
            throw new IOException("still mounted: " + left);
        }
    }

    private static Fd cloneTree(Path directory) throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            long path = arena.allocateFrom(directory.toString()).address();
            long flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
            return Syscall.OPEN_TREE.open(directory.toString(), AT_FDCWD, path, flags, 0);
        }
    }

    private static void mount(String source, String target, String type, long flags, String options)
            throws LinuxException {
        try (Arena arena = Arena.ofConfined()) {
            long from = arena.allocateFrom(source).address();
            long to = arena.allocateFrom(target).address();
            long kind = arena.allocateFrom(type).address();
            Syscall.MOUNT.call(
                    target, from, to, kind, flags, arena.allocateFrom(options).address());
        }
    }
}
