package dev.sandlot.envd;

import dev.sandlot.linux.Errno;
import dev.sandlot.linux.EventLoop;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.FileNames;
import dev.sandlot.linux.Inotify;
import dev.sandlot.linux.LinuxException;
import dev.sandlot.protocol.ConnectCode;
import dev.sandlot.protocol.ConnectException;
import dev.sandlot.protocol.filesystem.EventType;
import dev.sandlot.protocol.filesystem.FilesystemEvent;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Watches a directory, or a tree, and turns the kernel's events into those of the API (envd.md 6.6).
 *
 * <p>When the kernel has events the loop has a thread take them over into a buffer; whoever asks for events takes
 * over first what is still in the kernel, so that an answer holds all that happened before the question. Everything
 * below is guarded by {@code lock}, save {@code closed}: who closes does not wait for a thread that a file system keeps
 * with the lock, which then frees what is left. A watch that failed stays failed.
 */
public final class DirectoryWatch implements AutoCloseable {
    private static final int MAX_BUFFERED = 200_000;

    private final SandboxFiles files;
    private final Accounts accounts;
    private final Options options;
    private final Inotify inotify;
    private final WatchedTree tree;
    private final EventLoop.Registration registration;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Map<Integer, String> movedAway = new HashMap<>();
    private List<FilesystemEvent> buffer = new ArrayList<>();
    private @Nullable ConnectException failure;
    private volatile boolean closed;
    private boolean freed;

    /**
     * What to watch.
     *
     * @param path of a directory, resolved
     * @param entries whether events describe the file they are about
     */
    record Options(String path, boolean recursive, boolean entries) {}

    /**
     * What a watch is made from.
     *
     * @param loop waits for the kernel's events; not closed with the watch
     * @param threads on which files are looked at
     */
    record Surroundings(SandboxFiles files, Accounts accounts, EventLoop loop, Executor threads) {}

    /** Starts to watch; every change from now on is told. */
    DirectoryWatch(Surroundings around, Options options) throws IOException {
        this.files = around.files;
        this.accounts = around.accounts;
        this.options = options;
        this.inotify = new Inotify();
        this.tree = new WatchedTree(files, inotify, options.path);
        try {
            arm();
            this.registration = around.loop.register(inotify.fd(), EventLoop.READ, (ready, _) -> {
                ready.interest(0);
                around.threads.execute(this::pump);
            });
        } catch (IOException | RuntimeException e) {
            inotify.close();
            throw e;
        }
    }

    /**
     * All events so far that were not taken yet, in order.
     *
     * @throws ConnectException when the watch failed
     */
    public List<FilesystemEvent> take() throws ConnectException {
        lock.lock();
        try {
            drain();
            return taken();
        } finally {
            leave();
        }
    }

    /**
     * As {@link #take}, but waits for the first event; empty when there was none in time or the watch was closed.
     *
     * @throws ConnectException when the watch failed
     */
    public List<FilesystemEvent> next(Duration timeout) throws ConnectException, InterruptedException {
        lock.lock();
        try {
            TimedWait.until(() -> !buffer.isEmpty() || failure != null || closed, changed, timeout.toNanos());
            return taken();
        } finally {
            leave();
        }
    }

    /** Ends the watch; who waits for events gets none. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            registration.close();
            freeWhenIdle();
        }
    }

    private void leave() {
        lock.unlock();
        freeWhenIdle();
    }

    private void freeWhenIdle() {
        if (closed && lock.tryLock()) {
            try {
                if (!freed) {
                    freed = true;
                    inotify.close();
                    changed.signalAll();
                }
            } finally {
                lock.unlock();
            }
        }
    }

    private void arm() throws LinuxException {
        try (Fd handle = files.handle(options.path)) {
            tree.addRoot(handle);
        }
        if (options.recursive) {
            tree.addBelow("", _ -> {});
        }
    }

    private void pump() {
        lock.lock();
        try {
            drain();
            if (!closed && failure == null) {
                registration.interest(EventLoop.READ);
            }
        } catch (IOException e) {
            fail(e);
        } finally {
            leave();
        }
    }

    private List<FilesystemEvent> taken() throws ConnectException {
        List<FilesystemEvent> out = buffer;
        if (out.isEmpty() && failure != null) {
            throw new ConnectException(failure.code(), failure.text(), failure);
        }
        buffer = new ArrayList<>();
        return out;
    }

    private void drain() {
        if (closed || failure != null) {
            return;
        }
        try {
            for (List<Inotify.Event> some = inotify.read(); !some.isEmpty(); some = inotify.read()) {
                for (Inotify.Event event : some) {
                    translate(event);
                }
            }
            forgetMovedAway();
        } catch (LinuxException e) {
            fail(e);
        }
        if (!buffer.isEmpty()) {
            changed.signalAll();
        }
    }

    private void fail(IOException cause) {
        failure = new ConnectException(
                ConnectCode.INTERNAL,
                "watching failed: " + FileNames.printable(String.valueOf(cause.getMessage())),
                cause);
        changed.signalAll();
    }

    private void translate(Inotify.Event event) throws LinuxException {
        if (event.has(Inotify.OVERFLOW)) {
            throw new LinuxException("inotify", "queue", Errno.EOVERFLOW.number());
        }
        String directory = tree.path(event.watch());
        if (event.has(Inotify.IGNORED)) {
            tree.forget(event.watch());
        } else if (directory != null) {
            translate(event, directory);
        }
    }

    private void translate(Inotify.Event event, String directory) throws LinuxException {
        boolean self = event.name().isEmpty();
        String name = self ? directory : join(directory, event.name());
        if (self && !directory.isEmpty() && event.has(Inotify.DELETE_SELF | Inotify.MOVE_SELF)) {
            return;
        }
        tell(event, name.isEmpty() ? "." : name);
        if (event.has(Inotify.MOVE_SELF)) {
            tree.removeTree("");
        } else if (options.recursive && !self && event.has(Inotify.IS_DIRECTORY)) {
            follow(event, name);
        }
    }

    private void tell(Inotify.Event event, String name) throws LinuxException {
        tell(event, Inotify.CREATE | Inotify.MOVED_TO, name, EventType.EVENT_TYPE_CREATE);
        tell(event, Inotify.MOVED_FROM | Inotify.MOVE_SELF, name, EventType.EVENT_TYPE_RENAME);
        tell(event, Inotify.ATTRIB, name, EventType.EVENT_TYPE_CHMOD);
        tell(event, Inotify.MODIFY, name, EventType.EVENT_TYPE_WRITE);
        tell(event, Inotify.DELETE | Inotify.DELETE_SELF, name, EventType.EVENT_TYPE_REMOVE);
    }

    private void tell(Inotify.Event event, int bits, String name, EventType type) throws LinuxException {
        if (event.has(bits)) {
            tell(name, type);
        }
    }

    private void tell(String name, EventType type) throws LinuxException {
        if (buffer.size() >= MAX_BUFFERED) {
            throw new LinuxException("inotify", "buffer", Errno.EOVERFLOW.number());
        }
        FilesystemEvent.Builder event =
                FilesystemEvent.newBuilder().setName(FileNames.printable(name)).setType(type);
        boolean gone = type == EventType.EVENT_TYPE_REMOVE || type == EventType.EVENT_TYPE_RENAME;
        if (options.entries && !gone) {
            describe(PathRules.join(options.path, name), event);
        }
        buffer.add(event.build());
    }

    private void describe(String path, FilesystemEvent.Builder event) throws LinuxException {
        try {
            event.setEntry(new Entries(files, accounts.names()).at(path));
        } catch (LinuxException e) {
            if (!e.is(Errno.ENOENT) && !e.is(Errno.ENOTDIR)) {
                throw e;
            }
        }
    }

    private void follow(Inotify.Event event, String path) throws LinuxException {
        if (event.has(Inotify.MOVED_FROM)) {
            movedAway.put(event.cookie(), path);
            return;
        }
        if (!event.has(Inotify.CREATE | Inotify.MOVED_TO)) {
            return;
        }
        String from = event.has(Inotify.MOVED_TO) ? movedAway.remove(event.cookie()) : null;
        if (from != null) {
            tree.move(from, path);
        } else if (tree.add(path)) {
            List<String> found = new ArrayList<>();
            tree.addBelow(path, found::add);
            for (String name : found) {
                tell(name, EventType.EVENT_TYPE_CREATE);
            }
        }
    }

    /** What left and did not come back by the end of the kernel's queue has left the tree. */
    private void forgetMovedAway() throws LinuxException {
        for (String path : movedAway.values()) {
            tree.removeTree(path);
        }
        movedAway.clear();
    }

    private static String join(String directory, String name) {
        return directory.isEmpty() ? name : directory + "/" + name;
    }
}
