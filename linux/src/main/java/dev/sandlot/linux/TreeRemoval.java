package dev.sandlot.linux;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Removes a tree that hostile code may have filled, of any depth and width, in bounded memory.
 *
 * <p>Invariants: every name is used in its directory's handle, so that no path is ever too long; no link is followed
 * and no mount entered; at most {@value #MAX_OPEN} directories are open. What lies deeper is moved up to the tree's
 * own root, under a name that nobody can guess, and is taken from there: each directory at most once, so this ends. An
 * entry that cannot be removed does not stop the rest.
 *
 * <p>For one thread, which alone changes the tree; what is gone already does not matter.
 */
public final class TreeRemoval {
    static final int MAX_OPEN = 64;

    private static final int DIRECTORY = Open.READ | Open.DIRECTORY | Open.NOFOLLOW | Open.NONBLOCK;
    private static final long HERE = Open.PLAIN | Open.NO_MOUNTS;

    private final Fd parent;
    private final Deque<Level> levels = new ArrayDeque<>();
    private final String prefix = ".removed-" + UUID.randomUUID() + "-";
    /** What was removed or moved in this round. */
    private long changes;

    private long moves;
    /** The first failure of this round. */
    private @Nullable LinuxException failure;

    private TreeRemoval(Fd parent) {
        this.parent = parent;
    }

    /**
     * Removes a tree, or a file; one that is not there is fine.
     *
     * @throws IOException when something could not be removed, with the first reason; all else is gone then
     */
    public static void remove(Path tree) throws IOException {
        Path absolute = tree.toAbsolutePath();
        Path above = absolute.getParent();
        if (above == null) {
            throw new IllegalArgumentException("the root is not removed");
        }
        try (Fd parent = FileTree.directory(above.toString())) {
            new TreeRemoval(parent).run(absolute);
        } catch (LinuxException e) {
            if (!e.is(Errno.ENOENT)) {
                throw e;
            }
        }
    }

    /** A directory that is being emptied. */
    private static final class Level implements AutoCloseable {
        private final Fd in;
        private final String name;
        private final Directory directory;
        private Iterator<String> names = List.<String>of().iterator();

        Level(Fd in, String name, Directory directory) {
            this.in = in;
            this.name = name;
            this.directory = directory;
        }

        Fd fd() {
            return directory.fd();
        }

        @Nullable String next() throws LinuxException {
            if (!names.hasNext()) {
                names = directory.next().iterator();
            }
            return names.hasNext() ? names.next() : null;
        }

        @Override
        public void close() {
            directory.close();
        }
    }

    /** Goes through the tree until nothing is left of it, or nothing more of it goes. */
    private void run(Path tree) throws IOException {
        try {
            do {
                changes = 0;
                failure = null;
                take(parent, tree.getFileName().toString());
                while (!levels.isEmpty()) {
                    step(levels.element());
                }
            } while (failure != null && changes > 0);
        } finally {
            levels.forEach(Level::close);
        }
        if (failure != null) {
            throw new IOException("could not remove all of " + tree + ": " + failure.getMessage(), failure);
        }
    }

    private void step(Level level) {
        String name = next(level);
        if (name != null) {
            take(level.fd(), name);
            return;
        }
        levels.pop().close();
        try {
            report(level.name, removed(level.in, level.name, FileTree.AT_REMOVEDIR));
        } catch (LinuxException e) {
            failed(e);
        }
    }

    private @Nullable String next(Level level) {
        try {
            return level.next();
        } catch (LinuxException e) {
            failed(e);
            return null;
        }
    }

    private void take(Fd in, String name) {
        try {
            int errno = removed(in, name, 0);
            if (errno == Errno.EISDIR.number()) {
                takeDirectory(in, name);
            } else {
                report(name, errno);
            }
        } catch (LinuxException e) {
            failed(e);
        }
    }

    private void takeDirectory(Fd in, String name) throws LinuxException {
        if (levels.size() < MAX_OPEN) {
            Fd directory = FileTree.open(in, name, DIRECTORY, 0, HERE);
            levels.push(new Level(in, name, new Directory(directory)));
        } else if (removed(in, name, FileTree.AT_REMOVEDIR) != 0) {
            moveUp(in, name);
        }
    }

    /** The next round finds it at the root, if this one does not. */
    private void moveUp(Fd in, String name) throws LinuxException {
        Fd root = levels.getLast().fd();
        String fresh = prefix + moves++;
        try {
            FileTree.rename(in, name, root, fresh);
        } catch (LinuxException e) {
            boolean freed = e.is(Errno.EPERM) && unprotect(in, name);
            boolean opened = e.is(Errno.EPERM) && unprotect(root, FileTree.SELF);
            if (!freed && !opened) {
                throw e;
            }
            FileTree.rename(in, name, root, fresh);
        }
        changes++;
    }

    /** Removes a name, also one that an attribute protects; gives the kernel's error number. */
    private int removed(Fd in, String name, int flags) throws LinuxException {
        int errno = FileTree.tryRemove(in, name, flags);
        if (errno == Errno.EPERM.number() && unprotect(in, name)) {
            errno = FileTree.tryRemove(in, name, flags);
        }
        if (errno == 0) {
            changes++;
        }
        return errno == Errno.ENOENT.number() ? 0 : errno;
    }

    /** Takes protection from an entry and from its directory, which may be what is protected. */
    private boolean unprotect(Fd in, String name) {
        try {
            boolean changed = in != parent && FileAttributes.unprotect(in, FileTree.SELF);
            return FileAttributes.unprotect(in, name) || changed;
        } catch (LinuxException e) {
            return false;
        }
    }

    private void report(String name, int errno) {
        if (errno != 0) {
            failed(Syscall.UNLINKAT.failure(name, errno));
        }
    }

    private void failed(LinuxException reason) {
        if (failure == null && !reason.is(Errno.ENOENT)) {
            failure = reason;
        }
    }
}
