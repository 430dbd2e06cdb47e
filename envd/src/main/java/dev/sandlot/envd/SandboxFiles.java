package dev.sandlot.envd;

import dev.sandlot.linux.BorrowedIdentity;
import dev.sandlot.linux.Directory;
import dev.sandlot.linux.Errno;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.FileStatus;
import dev.sandlot.linux.FileSystemKind;
import dev.sandlot.linux.FileTree;
import dev.sandlot.linux.LinuxException;
import dev.sandlot.linux.Open;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The files of one sandbox, whatever runs in it meanwhile.
 *
 * <p>What holds, against a hostile sandbox:
 *
 * <ul>
 *   <li>Every path is resolved by the kernel from the root handle with {@code RESOLVE_IN_ROOT}: absolute paths,
 *       links and {@code ..} stay inside, links such as {@code /proc/1/root} lead nowhere. A path of the sandbox is
 *       never made part of a path of this machine.
 *   <li>What acts on a name acts on one component in a directory handle and follows no link there.
 *   <li>Nothing is opened for use before its handle was found to be a regular file or a directory: a pipe cannot
 *       block, a device is never touched.
 *   <li>Where the sandbox has users of its own, the kernel's file systems (proc, sysfs, cgroup) are used with the
 *       rights of the sandbox's root, so that nothing of the machine can be read or set through them.
 * </ul>
 *
 * <p>Owners are numbered as the sandbox sees them. Safe for several threads.
 */
public final class SandboxFiles implements AutoCloseable {
    private static final long INSIDE = Open.IN_ROOT | Open.NO_MAGICLINKS;
    private static final int PATH_MAX = 4096;
    private static final int MAX_LINKS = 40;
    private static final int FILE_MODE = 0644;
    private static final int DIRECTORY_MODE = 0755;

    private final Fd root;
    private final IdRange ids;
    private final ReentrantLock lock = new ReentrantLock();
    // Guarded by lock: root is closed by the last who uses it, so that its number is never used after that and nobody
    // waits for a user whom a file system keeps.
    private int users;
    private boolean closed;

    /**
     * @param root the directory that is the sandbox's root; closed with this
     * @param ids how the sandbox's users are numbered on this machine
     */
    public SandboxFiles(Fd root, IdRange ids) {
        this.root = root;
        this.ids = ids;
    }

    /** How the sandbox's users are numbered on this machine. */
    public IdRange ids() {
        return ids;
    }

    /**
     * A handle of its own on the root directory, for who works on names by {@link FileTree}; to be closed. What this
     * class keeps to is then theirs to keep to: {@code RESOLVE_IN_ROOT}, one name at a time, owners by {@link #ids}.
     */
    public Fd rootHandle() throws LinuxException {
        return directoryHandle("/");
    }

    /** A handle on what a path leads to, links followed; good for looking at it and for {@link #read}. */
    Fd handle(String path) throws LinuxException {
        return open(path, Open.PATH);
    }

    /** A handle on what a path names, a link in the last place not followed. */
    Fd linkHandle(String path) throws LinuxException {
        return open(path, Open.PATH | Open.NOFOLLOW);
    }

    /** A handle on the directory a path leads to. */
    Fd directoryHandle(String path) throws LinuxException {
        return open(path, Open.PATH | Open.DIRECTORY);
    }

    FileStatus status(Fd handle) throws LinuxException {
        return translated(FileTree.status(handle));
    }

    FileStatus status(Fd directory, String name) throws LinuxException {
        return translated(FileTree.status(directory, name));
    }

    /** Opens a regular file for reading. */
    SandboxFile read(Fd handle) throws LinuxException {
        return use(handle, Open.READ);
    }

    /** Opens a regular file for writing and empties it. */
    SandboxFile overwrite(Fd handle) throws LinuxException {
        return use(handle, Open.WRITE | Open.TRUNCATE);
    }

    /**
     * Makes a new, empty file where a path leads, and opens it for writing; links in the last place that lead
     * nowhere yet are followed.
     *
     * @return empty when something is there already, perhaps since a moment
     */
    Optional<SandboxFile> create(String path) throws LinuxException {
        String target = path;
        for (int links = 0; links <= MAX_LINKS; links++) {
            Place place = Place.of(target, "openat2");
            try (Fd parent = directoryHandle(place.parent())) {
                return Optional.of(createIn(parent, place.name()));
            } catch (LinuxException e) {
                if (!e.is(Errno.EEXIST)) {
                    throw e;
                }
            }
            Optional<String> link = danglingTarget(target);
            if (link.isEmpty()) {
                return Optional.empty();
            }
            target = link.get();
        }
        throw new LinuxException("openat2", path, Errno.ELOOP.number());
    }

    /** Makes a new file in a directory. */
    SandboxFile createIn(Fd parent, String name) throws LinuxException {
        int flags = Open.WRITE | Open.CREATE | Open.EXCLUSIVE | Open.NOFOLLOW | Open.NONBLOCK;
        boolean kernel = isKernel(parent);
        BorrowedIdentity identity = identityFor(kernel);
        try {
            Fd fd = making(identity, () -> FileTree.open(parent, name, flags, FILE_MODE, INSIDE));
            return new SandboxFile(fd, kernel, identity);
        } catch (LinuxException e) {
            close(identity);
            throw e;
        }
    }

    /** Gives what a handle refers to to a user; the kernel's own files keep their owner. */
    void chown(Fd handle, Account owner) throws LinuxException {
        if (!isKernel(handle)) {
            FileTree.chown(handle, ids.toMachine(owner.uid()), ids.toMachine(owner.gid()));
        }
    }

    /** Gives a new file to a user. */
    void adopt(SandboxFile file, Account owner) throws LinuxException {
        file.chown(ids.toMachine(owner.uid()), ids.toMachine(owner.gid()));
        file.ensureMode(FILE_MODE);
    }

    /**
     * Makes a directory and those above it, each new one with mode 0755 and the given owner.
     *
     * @throws LinuxException with {@code ENOTDIR} when something else is in the way
     */
    void makeDirectories(String path, Account owner) throws LinuxException {
        if (path.length() > PATH_MAX) {
            throw new LinuxException("mkdirat", "", Errno.ENAMETOOLONG.number());
        }
        String missing = path;
        Deque<String> todo = new ArrayDeque<>();
        while (!isDirectory(missing)) {
            todo.push(missing);
            missing = PathRules.parent(missing);
        }
        for (String directory : todo) {
            makeDirectory(directory, owner);
        }
    }

    /**
     * As {@link #makeDirectories(String, Account)}, for a user as templates name them (template-build.md 5.3).
     *
     * @throws IOException when the sandbox does not know the user, too
     */
    public void makeDirectories(String path, String owner) throws IOException {
        Account account = new Accounts(this)
                .ofTemplate(owner)
                .orElseThrow(() -> new IOException("user '" + owner + "' does not exist"));
        makeDirectories(path, account);
    }

    /** Renames a file, directory or link; a file at the new path is replaced. */
    void rename(String from, String to) throws LinuxException {
        Place source = Place.of(from, "renameat2");
        Place target = Place.of(to, "renameat2");
        try (Fd sourceDirectory = directoryHandle(source.parent());
                Fd targetDirectory = directoryHandle(target.parent())) {
            mutate(targetDirectory, () -> {
                FileTree.rename(sourceDirectory, source.name(), targetDirectory, target.name());
                return true;
            });
        }
    }

    /** Removes a file, a link, or a directory with all that is in it. */
    void remove(String path) throws LinuxException {
        Place place = Place.of(path, "unlinkat");
        try (Fd parent = directoryHandle(place.parent())) {
            mutate(parent, () -> {
                TreeRemoval.remove(parent, place.name());
                return true;
            });
        }
    }

    /** Removes a file that is not a directory. */
    void unlink(String path) throws LinuxException {
        Place place = Place.of(path, "unlinkat");
        try (Fd parent = directoryHandle(place.parent())) {
            mutate(parent, () -> {
                FileTree.unlink(parent, place.name());
                return true;
            });
        }
    }

    /** Opens the directory a path leads to, for reading its names. */
    Directory directory(String path) throws LinuxException {
        return new Directory(open(path, Open.READ | Open.DIRECTORY));
    }

    /** Opens a directory below an open one, for reading its names; no link is followed on the way. */
    static Directory below(Fd directory, String path) throws LinuxException {
        int flags = Open.READ | Open.DIRECTORY | Open.NOFOLLOW;
        return new Directory(FileTree.open(directory, path, flags, 0, Open.BENEATH | Open.NO_SYMLINKS));
    }

    /** The path, inside the sandbox and without links, of what a handle refers to; empty when it has none. */
    Optional<String> realPath(Fd handle) throws LinuxException {
        String base = withRoot(() -> FileTree.pathOf(root));
        String path = FileTree.pathOf(handle);
        if (base.equals("/")) {
            return Optional.of(path);
        }
        if (path.equals(base)) {
            return Optional.of("/");
        }
        return path.startsWith(base + "/") ? Optional.of(path.substring(base.length())) : Optional.empty();
    }

    /** Whether a handle is on a file system of another machine or program. */
    boolean isRemote(Fd handle) throws LinuxException {
        return FileTree.fileSystem(handle) == FileSystemKind.REMOTE;
    }

    @Override
    public void close() {
        lock.lock();
        try {
            if (!closed) {
                closed = true;
                closeUnused();
            }
        } finally {
            lock.unlock();
        }
    }

    private void closeUnused() {
        if (closed && users == 0) {
            root.close();
        }
    }

    private Fd open(String path, int flags) throws LinuxException {
        if (path.length() > PATH_MAX) {
            throw new LinuxException("openat2", "", Errno.ENAMETOOLONG.number());
        }
        return withRoot(() -> FileTree.open(root, path, flags, 0, INSIDE));
    }

    private <T> T withRoot(Callable<T> action) throws LinuxException {
        enter();
        try {
            return as(null, action);
        } finally {
            leave();
        }
    }

    private void enter() throws LinuxException {
        lock.lock();
        try {
            if (closed) {
                throw new LinuxException("openat2", "a sandbox that has ended", Errno.EBADF.number());
            }
            users++;
        } finally {
            lock.unlock();
        }
    }

    private void leave() {
        lock.lock();
        try {
            users--;
            closeUnused();
        } finally {
            lock.unlock();
        }
    }

    private SandboxFile use(Fd handle, int flags) throws LinuxException {
        if (!FileTree.status(handle).isRegular()) {
            throw new LinuxException("open", "", Errno.EOPNOTSUPP.number());
        }
        boolean kernel = isKernel(handle);
        BorrowedIdentity identity = identityFor(kernel);
        try {
            Fd fd = as(identity, () -> FileTree.reopen(handle, flags | Open.NONBLOCK));
            return new SandboxFile(fd, kernel, identity);
        } catch (LinuxException e) {
            close(identity);
            // What it names is a descriptor of this program.
            throw new LinuxException("open", "", e.errno().number());
        }
    }

    private boolean isDirectory(String path) throws LinuxException {
        try (Fd _ = directoryHandle(path)) {
            return true;
        } catch (LinuxException e) {
            if (e.is(Errno.ENOENT) && !path.equals("/") && !path.equals(".")) {
                return false;
            }
            throw e;
        }
    }

    private void makeDirectory(String path, Account owner) throws LinuxException {
        String name = PathRules.baseName(path);
        if (name.equals(".") || name.equals("..")) {
            return;
        }
        try (Fd parent = directoryHandle(PathRules.parent(path))) {
            mutate(parent, () -> {
                FileTree.makeDirectory(parent, name, DIRECTORY_MODE);
                return true;
            });
            adopt(parent, name, owner);
        } catch (LinuxException e) {
            if (!e.is(Errno.EEXIST) || !isDirectory(path)) {
                throw e;
            }
        }
    }

    private void adopt(Fd parent, String name, Account owner) throws LinuxException {
        int flags = Open.READ | Open.DIRECTORY | Open.NOFOLLOW;
        try (Fd made = FileTree.open(parent, name, flags, 0, Open.BENEATH | Open.NO_SYMLINKS)) {
            chown(made, owner);
            int mode = FileTree.status(made).mode();
            if ((mode & DIRECTORY_MODE) != DIRECTORY_MODE && !isKernel(made)) {
                FileTree.chmod(made, mode | DIRECTORY_MODE);
            }
        }
    }

    /** Where a link leads that leads nowhere yet; empty when the path is something else. */
    private Optional<String> danglingTarget(String path) throws LinuxException {
        try (Fd _ = handle(path)) {
            return Optional.empty();
        } catch (LinuxException e) {
            if (!e.is(Errno.ENOENT)) {
                throw e;
            }
        }
        Place place = Place.of(path, "readlinkat");
        try (Fd parent = directoryHandle(place.parent())) {
            String target = FileTree.readLink(parent, place.name());
            return Optional.of(target.startsWith("/") ? target : place.parent() + "/" + target);
        } catch (LinuxException e) {
            if (e.is(Errno.EINVAL) || e.is(Errno.ENOENT)) {
                return Optional.empty();
            }
            throw e;
        }
    }

    private <T> T mutate(Fd directory, Callable<T> action) throws LinuxException {
        BorrowedIdentity identity = identityFor(isKernel(directory));
        try {
            return making(identity, action);
        } finally {
            close(identity);
        }
    }

    private @Nullable BorrowedIdentity identityFor(boolean kernel) throws LinuxException {
        return kernel && ids.base() != 0 ? BorrowedIdentity.of(ids.toMachine(0), ids.toMachine(0)) : null;
    }

    private static <T> T as(@Nullable BorrowedIdentity identity, Callable<T> action) throws LinuxException {
        if (identity != null) {
            return identity.call(action);
        }
        try {
            return action.call();
        } catch (LinuxException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * Runs an action that makes something in a directory. On a file system that the sandbox mounted itself, such as
     * {@code /dev/shm}, only its own users can.
     */
    private <T> T making(@Nullable BorrowedIdentity identity, Callable<T> action) throws LinuxException {
        try {
            return as(identity, action);
        } catch (LinuxException e) {
            if (!e.is(Errno.EOVERFLOW) || identity != null) {
                throw e;
            }
        }
        try (BorrowedIdentity owner = BorrowedIdentity.ofNewFiles(ids.toMachine(0), ids.toMachine(0))) {
            return owner.call(action);
        }
    }

    private static void close(@Nullable BorrowedIdentity identity) {
        if (identity != null) {
            identity.close();
        }
    }

    private static boolean isKernel(Fd handle) throws LinuxException {
        return FileTree.fileSystem(handle) == FileSystemKind.KERNEL;
    }

    private FileStatus translated(FileStatus status) {
        return status.ownedBy(ids.toSandbox(status.uid()), ids.toSandbox(status.gid()));
    }

    /** A name in a directory. */
    private record Place(String parent, String name) {
        static Place of(String path, String call) throws LinuxException {
            String name = PathRules.baseName(path);
            if (name.equals("/") || name.equals(".") || name.equals("..")) {
                throw new LinuxException(call, path, Errno.EINVAL.number());
            }
            return new Place(PathRules.parent(path), name);
        }
    }
}
