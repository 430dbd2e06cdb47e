package dev.sandlot.envd;

import dev.sandlot.linux.Directory;
import dev.sandlot.linux.Errno;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.Inotify;
import dev.sandlot.linux.LinuxException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The directories that one watch has armed, by the kernel's numbers, with their paths below the watched one (empty
 * for itself). No directory is kept open, for that would put off the news of its removal. One thread at a time.
 */
final class WatchedTree {
    /** More directories than this are refused, for the kernel shares its watches among all sandboxes. */
    static final int MAX_DIRECTORIES = 65_536;

    private static final int MASK = Inotify.CREATE
            | Inotify.MODIFY
            | Inotify.ATTRIB
            | Inotify.DELETE
            | Inotify.DELETE_SELF
            | Inotify.MOVED_FROM
            | Inotify.MOVED_TO
            | Inotify.MOVE_SELF;

    private final SandboxFiles files;
    private final Inotify inotify;
    private final String root;
    private final Map<Integer, String> paths = new HashMap<>();

    WatchedTree(SandboxFiles files, Inotify inotify, String root) {
        this.files = files;
        this.inotify = inotify;
        this.root = root;
    }

    /** Watches the directory itself. */
    void addRoot(Fd handle) throws LinuxException {
        paths.put(inotify.watch(handle, MASK), "");
    }

    /** The path below the root of a watched directory; null when it is not watched any more. */
    @Nullable String path(int watch) {
        return paths.get(watch);
    }

    /** Watches all directories below a watched one, and tells of everything that is found, parents first. */
    void addBelow(String path, Consumer<String> found) throws LinuxException {
        for (String name : names(path)) {
            String child = path.isEmpty() ? name : path + "/" + name;
            found.accept(child);
            if (add(child)) {
                addBelow(child, found);
            }
        }
    }

    /** Watches a directory below; false when it is none, or cannot be read. */
    boolean add(String path) throws LinuxException {
        if (paths.size() >= MAX_DIRECTORIES) {
            throw new LinuxException("inotify_add_watch", path, Errno.ENOSPC.number());
        }
        try (Fd handle = files.linkHandle(root + "/" + path)) {
            if (!files.status(handle).isDirectory()) {
                return false;
            }
            paths.put(inotify.watch(handle, MASK), path);
            return true;
        } catch (LinuxException e) {
            return ignoreVanished(e);
        }
    }

    /** Follows a directory that was renamed within the tree. */
    void move(String from, String to) {
        paths.replaceAll((watch, path) -> isIn(path, from) ? to + path.substring(from.length()) : path);
    }

    /** Stops watching a directory and those below it. */
    void removeTree(String path) throws LinuxException {
        List<Integer> gone = new ArrayList<>();
        paths.forEach((watch, watched) -> {
            if (isIn(watched, path)) {
                gone.add(watch);
            }
        });
        for (int watch : gone) {
            paths.remove(watch);
            unwatch(watch);
        }
    }

    /** Forgets a watch that the kernel has ended. */
    void forget(int watch) {
        paths.remove(watch);
    }

    private void unwatch(int watch) throws LinuxException {
        try {
            inotify.unwatch(watch);
        } catch (LinuxException e) {
            if (!e.is(Errno.EINVAL)) {
                throw e;
            }
        }
    }

    private static boolean isIn(String path, String tree) {
        return tree.isEmpty() || path.equals(tree) || path.startsWith(tree + "/");
    }

    private List<String> names(String path) throws LinuxException {
        List<String> out = new ArrayList<>();
        try (Directory directory = files.directory(path.isEmpty() ? root : root + "/" + path)) {
            for (List<String> some = directory.next(); !some.isEmpty(); some = directory.next()) {
                out.addAll(some);
            }
        } catch (LinuxException e) {
            boolean _ = ignoreVanished(e);
        }
        out.sort(null);
        return out;
    }

    private static boolean ignoreVanished(LinuxException e) throws LinuxException {
        return switch (e.errno()) {
            case ENOENT, ENOTDIR, ELOOP, EACCES -> false;
            default -> throw e;
        };
    }
}
