package dev.sandlot.images;

import dev.sandlot.linux.Directory;
import dev.sandlot.linux.Errno;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.FileKind;
import dev.sandlot.linux.FileStatus;
import dev.sandlot.linux.FileTree;
import dev.sandlot.linux.LinuxException;
import dev.sandlot.linux.Open;
import dev.sandlot.linux.Xattrs;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Makes the files that a sandbox changed those of a layer: its users, numbered from a base on this machine, become
 * container users; file capabilities become those of the container's own root; sockets and access lists, which
 * layers do not carry, go.
 *
 * <p>The tree is hostile, but nothing runs in it any more. Every name is used in its directory's handle, no link is
 * followed, and a tree deeper than {@link #MAX_DEPTH} is refused. Files of users that the sandbox does not have
 * become nobody's.
 */
final class OwnerShift {
    static final int MAX_DEPTH = 1024;

    private static final int NOBODY = 65534;
    private static final int SET_ID_BITS = 06000;
    private static final String ACCESS_LISTS = "system.posix_acl_";

    private final int base;
    private final int size;
    private final Set<String> seen = new HashSet<>();

    /**
     * @param base the sandbox's user 0 on this machine
     * @param size how many users it has
     */
    OwnerShift(int base, int size) {
        this.base = base;
        this.size = size;
    }

    void apply(Path tree) throws IOException {
        try (Fd root = FileTree.directory(tree.toString())) {
            FileStatus status = FileTree.status(root);
            FileTree.chown(root, shifted(status.uid()), shifted(status.gid()));
            contents(root, 1);
        }
    }

    private void contents(Fd directory, int depth) throws IOException {
        if (depth > MAX_DEPTH) {
            throw new BadLayerException("directories are nested deeper than " + MAX_DEPTH);
        }
        for (String name : names(directory)) {
            one(directory, name, FileTree.status(directory, name), depth);
        }
    }

    private static List<String> names(Fd handle) throws IOException {
        List<String> all = new ArrayList<>();
        try (Directory directory = Directory.of(handle)) {
            for (List<String> some = directory.next(); !some.isEmpty(); some = directory.next()) {
                all.addAll(some);
            }
        }
        return all;
    }

    private void one(Fd in, String name, FileStatus status, int depth) throws IOException {
        if (status.isDirectory()) {
            FileTree.chown(in, name, shifted(status.uid()), shifted(status.gid()));
            restoreSetIds(in, name, status);
            removeAccessLists(in, name, Open.READ | Open.DIRECTORY);
            try (Fd inner = FileTree.open(in, name, Open.PATH | Open.DIRECTORY, 0, Open.PLAIN)) {
                contents(inner, depth + 1);
            }
        } else if (status.kind() == FileKind.SOCKET) {
            FileTree.unlink(in, name);
        } else if (!status.isWhiteout() && isFirst(status)) {
            file(in, name, status);
        }
    }

    /** A file with several names is shifted once. */
    private boolean isFirst(FileStatus status) {
        return status.links() < 2 || seen.add(status.device() + ":" + status.inode());
    }

    /** A change of the owner takes set-user-ID bits and capabilities away. */
    private void file(Fd in, String name, FileStatus status) throws IOException {
        Optional<byte[]> capability =
                status.isRegular() ? Xattrs.find(in, name, LayerXattrs.CAPABILITY) : Optional.empty();
        FileTree.chown(in, name, shifted(status.uid()), shifted(status.gid()));
        if (status.isRegular()) {
            restoreSetIds(in, name, status);
            if (capability.isPresent()) {
                Xattrs.set(in, name, LayerXattrs.CAPABILITY, LayerXattrs.capability(capability.get()));
            }
            removeAccessLists(in, name, Open.READ | Open.NONBLOCK);
        }
    }

    private static void restoreSetIds(Fd in, String name, FileStatus status) throws IOException {
        if ((status.mode() & SET_ID_BITS) != 0) {
            FileTree.chmod(in, name, status.mode());
        }
    }

    private static void removeAccessLists(Fd in, String name, int flags) throws IOException {
        for (String attribute : attributes(in, name)) {
            if (attribute.startsWith(ACCESS_LISTS)) {
                try (Fd file = FileTree.open(in, name, flags | Open.NOFOLLOW, 0, Open.PLAIN)) {
                    Xattrs.remove(file, attribute);
                }
            }
        }
    }

    private static List<String> attributes(Fd in, String name) throws IOException {
        try {
            return Xattrs.list(in, name);
        } catch (LinuxException e) {
            if (e.is(Errno.EOPNOTSUPP)) {
                return List.of();
            }
            throw e;
        }
    }

    private int shifted(int id) {
        return id >= base && id - base < size ? id - base : NOBODY;
    }
}
