package dev.sandlot.builds;

import dev.sandlot.envd.IdRange;
import dev.sandlot.images.BadLayerException;
import dev.sandlot.images.FileArchive;
import dev.sandlot.linux.Errno;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.FileIo;
import dev.sandlot.linux.FileNames;
import dev.sandlot.linux.FileStatus;
import dev.sandlot.linux.FileTree;
import dev.sandlot.linux.LinuxException;
import dev.sandlot.linux.Open;
import java.io.IOException;
import java.util.HashSet;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Puts files into the root of a sandbox in which anything may run meanwhile.
 *
 * <p>Invariants: a directory is opened from the root handle, which is the root of its links, and never through a
 * mount, so that only what a layer keeps is reached; everything else acts on one name in such a handle, or on the
 * descriptor of what was just made, and follows no link. What the sandbox does at the same time can spoil the copy,
 * and nothing else. Paths are absolute and clean; the root is empty.
 */
final class CopyTree implements AutoCloseable {
    private static final int HANDLE = Open.PATH | Open.DIRECTORY;
    private static final int NEW_FILE = Open.WRITE | Open.CREATE | Open.EXCLUSIVE | Open.NOFOLLOW;
    private static final int NEW_DIRECTORY = Open.READ | Open.DIRECTORY | Open.NOFOLLOW;
    private static final long INSIDE = Open.IN_ROOT | Open.NO_MAGICLINKS | Open.NO_MOUNTS;
    private static final long ONE_NAME = Open.PLAIN | Open.NO_MOUNTS;
    private static final int MADE_MODE = 0755;
    private static final int MAX_RACES = 100;

    private final Fd root;
    private final IdRange ids;
    private final CopyOwner owner;
    private final OptionalInt mode;
    private final byte[] buffer = new byte[128 * 1024];
    /** Directories made here that no entry of the archive has described yet. */
    private final Set<String> implied = new HashSet<>();

    private @Nullable Fd parent;
    private String parentPath = "";

    /** @param root closed with this */
    CopyTree(Fd root, IdRange ids, CopyOwner owner, OptionalInt mode) {
        this.root = root;
        this.ids = ids;
        this.owner = owner;
        this.mode = mode;
    }

    /** Whether a path leads to a directory. */
    boolean isDirectory(String path) throws IOException {
        try (Fd _ = opened(path)) {
            return true;
        } catch (LinuxException e) {
            if (e.is(Errno.ENOENT) || e.is(Errno.ENOTDIR) || e.is(Errno.ELOOP)) {
                return false;
            }
            throw e;
        }
    }

    /** Makes a directory and those above it where they are missing. */
    void makeDirectories(String path) throws IOException {
        if (isDirectory(path)) {
            return;
        }
        makeDirectories(above(path));
        if (make(parentOf(path), nameOf(path), MADE_MODE)) {
            implied.add(path);
        } else if (!isDirectory(path)) {
            throw inTheWay(path, "is no directory in the sandbox");
        }
    }

    /** A directory of the archive: made, or left as it is when it was there. */
    void directory(String path, FileArchive.Entry entry) throws IOException {
        Fd in = parentOf(path);
        int wanted = mode.orElse(entry.mode());
        if (implied.remove(path)) {
            describe(in, nameOf(path), wanted);
        } else if (!isDirectory(path) && !make(in, nameOf(path), wanted)) {
            throw inTheWay(path, "is a directory in the upload and none in the sandbox");
        }
    }

    /** A file of the archive, whose content the reader gives. */
    void file(String path, FileArchive.Entry entry, FileArchive content, Progress progress)
            throws BuildFailure, IOException, InterruptedException {
        Fd in = parentOf(path);
        String name = nameOf(path);
        try (Fd file = created(in, path)) {
            int count = content.read(buffer);
            while (count >= 0) {
                progress.check();
                FileIo.write(file, buffer, 0, count);
                count = content.read(buffer);
            }
            FileTree.chown(file, ids.toMachine(owner.uid()), ids.toMachine(owner.gid()));
            FileTree.chmod(file, mode.orElse(entry.mode()));
        }
        FileTree.setTimes(in, name, entry.seconds(), entry.nanos());
    }

    /** A symbolic link of the archive. */
    void symlink(String path, FileArchive.Entry entry) throws IOException {
        Fd in = parentOf(path);
        String name = nameOf(path);
        vacating(path, () -> {
            FileTree.makeLink(in, name, entry.link());
            return true;
        });
        FileTree.chown(in, name, ids.toMachine(owner.uid()), ids.toMachine(owner.gid()));
        FileTree.setTimes(in, name, entry.seconds(), entry.nanos());
    }

    /** Another name for a file that was put there before. */
    void hardLink(String path, String existing) throws IOException {
        Fd in = parentOf(path);
        try (Fd from = opened(above(existing))) {
            vacating(path, () -> {
                FileTree.makeHardLink(from, nameOf(existing), in, nameOf(path));
                return true;
            });
        }
    }

    @Override
    public void close() {
        forgetParent();
        root.close();
    }

    /** Asked while content is written, so that a copy can be ended. */
    interface Progress {
        void check() throws BuildFailure, InterruptedException;
    }

    private interface Making<T> {
        T make() throws LinuxException;
    }

    private Fd created(Fd in, String path) throws IOException {
        return vacating(path, () -> FileTree.open(in, nameOf(path), NEW_FILE, 0600, ONE_NAME));
    }

    /** Makes something at a path; a file or link that is there goes first. */
    private <T> T vacating(String path, Making<T> making) throws IOException {
        for (int race = 0; ; race++) {
            try {
                return making.make();
            } catch (LinuxException e) {
                if (!e.is(Errno.EEXIST) || race == MAX_RACES) {
                    throw e;
                }
            }
            vacate(path);
        }
    }

    private void vacate(String path) throws IOException {
        Fd in = parentOf(path);
        Optional<FileStatus> there = FileTree.find(in, nameOf(path));
        if (there.isEmpty()) {
            return;
        }
        boolean directory = there.get().isDirectory() || (there.get().isSymlink() && isDirectory(path));
        if (directory) {
            throw inTheWay(path, "is a directory in the sandbox and none in the upload");
        }
        FileTree.unlink(in, nameOf(path));
    }

    /** Whether it could be made: false when the name is taken. */
    private boolean make(Fd in, String name, int wanted) throws IOException {
        try {
            FileTree.makeDirectory(in, name, 0700);
        } catch (LinuxException e) {
            if (e.is(Errno.EEXIST)) {
                return false;
            }
            throw e;
        }
        describe(in, name, wanted);
        return true;
    }

    private void describe(Fd in, String name, int wanted) throws IOException {
        try (Fd made = FileTree.open(in, name, NEW_DIRECTORY, 0, ONE_NAME)) {
            FileTree.chown(made, ids.toMachine(owner.uid()), ids.toMachine(owner.gid()));
            FileTree.chmod(made, wanted);
        }
    }

    private Fd parentOf(String path) throws IOException {
        String above = above(path);
        Fd current = parent;
        if (current != null && parentPath.equals(above)) {
            return current;
        }
        Fd found = openedOrMade(above);
        forgetParent();
        parent = found;
        parentPath = above;
        return found;
    }

    private Fd openedOrMade(String path) throws IOException {
        try {
            return opened(path);
        } catch (LinuxException e) {
            if (!e.is(Errno.ENOENT)) {
                throw e;
            }
        }
        makeDirectories(path);
        return opened(path);
    }

    private Fd opened(String path) throws LinuxException {
        return FileTree.open(root, path.isEmpty() ? "/" : path, HANDLE, 0, INSIDE);
    }

    private void forgetParent() {
        Fd open = parent;
        parent = null;
        if (open != null) {
            open.close();
        }
    }

    private static String above(String path) {
        return path.substring(0, Math.max(0, path.lastIndexOf('/')));
    }

    private static String nameOf(String path) {
        return path.substring(path.lastIndexOf('/') + 1);
    }

    private static BadLayerException inTheWay(String path, String why) {
        return new BadLayerException("'" + FileNames.printable(path) + "' " + why);
    }
}
