package dev.sandlot.envd;

import dev.sandlot.linux.Directory;
import dev.sandlot.linux.Errno;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.FileTree;
import dev.sandlot.linux.LinuxException;
import java.util.ArrayList;
import java.util.List;

/**
 * Removes a tree below a directory handle. Directories are opened by their path below that handle, through no
 * link, and emptied by their own handles, so nothing outside the tree can be reached; what vanishes meanwhile is
 * taken as removed. At most two descriptors are open at a time, however deep the tree.
 */
final class TreeRemoval {
    private static final int MAX_PASSES = 1000;

    private final Fd top;

    private TreeRemoval(Fd top) {
        this.top = top;
    }

    static void remove(Fd parent, String name) throws LinuxException {
        new TreeRemoval(parent).removeEntry(parent, name, name);
    }

    private void removeEntry(Fd parent, String name, String path) throws LinuxException {
        try {
            FileTree.unlink(parent, name);
        } catch (LinuxException e) {
            switch (e.errno()) {
                case ENOENT -> {}
                case EISDIR, EPERM -> removeDirectory(path, e);
                default -> throw e;
            }
        }
    }

    private void removeDirectory(String path, LinuxException unlinked) throws LinuxException {
        for (int pass = 0; pass < MAX_PASSES; pass++) {
            try {
                empty(path);
            } catch (LinuxException e) {
                if (e.is(Errno.ENOENT)) {
                    return;
                }
                throw e.is(Errno.ENOTDIR) || e.is(Errno.ELOOP) ? unlinked : e;
            }
            if (removeEmpty(path)) {
                return;
            }
        }
        throw new LinuxException("unlinkat", path, Errno.ENOTEMPTY.number());
    }

    private void empty(String path) throws LinuxException {
        List<String> directories = new ArrayList<>();
        try (Directory directory = SandboxFiles.below(top, path)) {
            for (List<String> names = directory.next(); !names.isEmpty(); names = directory.next()) {
                for (String name : names) {
                    if (!unlinked(directory.fd(), name)) {
                        directories.add(name);
                    }
                }
            }
        }
        for (String name : directories) {
            removeDirectory(path + "/" + name, new LinuxException("unlinkat", name, Errno.EPERM.number()));
        }
    }

    private static boolean unlinked(Fd directory, String name) throws LinuxException {
        try {
            FileTree.unlink(directory, name);
            return true;
        } catch (LinuxException e) {
            return switch (e.errno()) {
                case ENOENT -> true;
                case EISDIR, EPERM -> false;
                default -> throw e;
            };
        }
    }

    private boolean removeEmpty(String path) throws LinuxException {
        int slash = path.lastIndexOf('/');
        String name = path.substring(slash + 1);
        try {
            if (slash < 0) {
                FileTree.removeDirectory(top, name);
            } else {
                try (Directory parent = SandboxFiles.below(top, path.substring(0, slash))) {
                    FileTree.removeDirectory(parent.fd(), name);
                }
            }
            return true;
        } catch (LinuxException e) {
            return switch (e.errno()) {
                case ENOENT -> true;
                case ENOTEMPTY -> false;
                default -> throw e;
            };
        }
    }
}
