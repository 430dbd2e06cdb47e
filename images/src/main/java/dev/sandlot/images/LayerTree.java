package dev.sandlot.images;

import dev.sandlot.linux.Errno;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.FileIo;
import dev.sandlot.linux.FileStatus;
import dev.sandlot.linux.FileTree;
import dev.sandlot.linux.LinuxException;
import dev.sandlot.linux.Open;
import dev.sandlot.linux.Xattrs;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The tree that is being unpacked.
 *
 * <p>Invariants: every parent is opened from the root, which is also the root of its symbolic links, so that nothing
 * leads out; a link among the parents must end at a directory that the layer has, or lack only directories below a
 * relative link; the last name of a path is never followed, and created new after what was there is gone; attributes
 * are set in the order owner, mode, extended attributes, times, as each one may undo those after it. Times of
 * directories come at the very end, by paths without links.
 */
final class LayerTree implements AutoCloseable {
    private static final int IMPLICIT_MODE = 0755;
    private static final byte[] YES = {'y'};

    private static final int DIRECTORY = Open.PATH | Open.DIRECTORY;
    private static final int NEW_FILE = Open.WRITE | Open.CREATE | Open.EXCLUSIVE | Open.NOFOLLOW;
    private static final long IN_LAYER = Open.IN_ROOT | Open.NO_MAGICLINKS;
    private static final long BELOW = Open.BENEATH | Open.NO_MAGICLINKS;

    private final Fd root;
    private final byte[] buffer = new byte[128 * 1024];
    /** By the names that the kernel has for them. */
    private final Map<String, TarEntry> directories = new LinkedHashMap<>();

    private @Nullable Fd parent;
    private String parentPath = "";

    LayerTree(Fd root) {
        this.root = root;
    }

    void file(EntryPath path, TarEntry entry, TarReader content) throws IOException {
        Fd in = vacated(path);
        try (Fd file = FileTree.open(in, path.fileName(), NEW_FILE, 0600, Open.PLAIN)) {
            int count = content.read(buffer);
            while (count >= 0) {
                FileIo.write(file, buffer, 0, count);
                count = content.read(buffer);
            }
        }
        attributes(in, path, entry);
    }

    void directory(EntryPath path, TarEntry entry) throws IOException {
        Fd in = ensureDirectory(path);
        FileTree.chown(in, path.fileName(), entry.uid(), entry.gid());
        FileTree.chmod(in, path.fileName(), entry.mode());
        xattrs(in, path, entry);
        directories.put(place(in, path), entry);
    }

    void symlink(EntryPath path, TarEntry entry, String target) throws IOException {
        Fd in = vacated(path);
        FileTree.makeLink(in, path.fileName(), EntryPath.fileName(target));
        FileTree.chown(in, path.fileName(), entry.uid(), entry.gid());
        FileTree.setTimes(in, path.fileName(), entry.seconds(), entry.nanos());
    }

    void fifo(EntryPath path, TarEntry entry) throws IOException {
        Fd in = vacated(path);
        FileTree.makeFifo(in, path.fileName());
        FileTree.chown(in, path.fileName(), entry.uid(), entry.gid());
        FileTree.chmod(in, path.fileName(), entry.mode());
        FileTree.setTimes(in, path.fileName(), entry.seconds(), entry.nanos());
    }

    void hardLink(EntryPath path, EntryPath target) throws IOException {
        if (path.equals(target)) {
            return;
        }
        try (Fd from = FileTree.open(root, target.parentName(), DIRECTORY, 0, IN_LAYER)) {
            FileStatus status = FileTree.find(from, target.fileName()).orElseThrow(() -> noTarget(path, target));
            if (status.isDirectory() || status.isWhiteout()) {
                throw noTarget(path, target);
            }
            linkTo(from, target, status, path);
        } catch (LinuxException e) {
            if (e.is(Errno.ENOENT)) {
                throw noTarget(path, target);
            }
            throw e;
        }
    }

    /** Two paths may be one through symbolic links; then there is nothing to do. */
    private void linkTo(Fd from, EntryPath target, FileStatus file, EntryPath path) throws IOException {
        if (FileTree.find(parent(path), path.fileName())
                .filter(file::isSameFile)
                .isEmpty()) {
            FileTree.makeHardLink(from, target.fileName(), vacated(path), path.fileName());
        }
    }

    /** Marks a name of the layers below as deleted; what this layer itself has there stays. */
    void whiteout(EntryPath path) throws IOException {
        Fd in = parent(path);
        Optional<FileStatus> there = FileTree.find(in, path.fileName());
        if (there.isEmpty()) {
            FileTree.makeWhiteout(in, path.fileName());
        } else if (there.get().isDirectory()) {
            Xattrs.set(in, path.fileName(), LayerXattrs.OPAQUE, YES);
        }
    }

    /** Hides what the layers below have in a directory. */
    void opaque(String directory) throws IOException {
        Xattrs.set(parent(new EntryPath(directory, ".")), FileTree.SELF, LayerXattrs.OPAQUE, YES);
    }

    void setDirectoryTimes() throws IOException {
        for (Map.Entry<String, TarEntry> directory : directories.entrySet()) {
            TarEntry entry = directory.getValue();
            try (Fd open = FileTree.open(root, directory.getKey(), DIRECTORY, 0, Open.PLAIN)) {
                FileTree.setTimes(open, FileTree.SELF, entry.seconds(), entry.nanos());
            }
        }
    }

    @Override
    public void close() {
        forgetParent();
    }

    private void attributes(Fd in, EntryPath path, TarEntry entry) throws IOException {
        FileTree.chown(in, path.fileName(), entry.uid(), entry.gid());
        FileTree.chmod(in, path.fileName(), entry.mode());
        xattrs(in, path, entry);
        FileTree.setTimes(in, path.fileName(), entry.seconds(), entry.nanos());
    }

    private static void xattrs(Fd in, EntryPath path, TarEntry entry) throws IOException {
        for (Map.Entry<String, byte[]> attribute :
                LayerXattrs.toSet(entry.xattrs()).entrySet()) {
            Xattrs.set(in, path.fileName(), attribute.getKey(), attribute.getValue());
        }
    }

    /** The opened parent of a path at which nothing is any more. */
    private Fd vacated(EntryPath path) throws IOException {
        if (path.isRoot()) {
            throw new BadLayerException("the root of a layer must be a directory");
        }
        Fd in = parent(path);
        Optional<FileStatus> there = FileTree.find(in, path.fileName());
        if (there.isPresent() && there.get().isDirectory()) {
            FileTree.removeDirectory(in, path.fileName());
            directories.remove(place(in, path));
            forgetParent();
            return parent(path);
        }
        if (there.isPresent()) {
            FileTree.unlink(in, path.fileName());
        }
        return in;
    }

    /** Makes a directory unless there is one; one that replaces a whiteout hides what is below it. */
    private Fd ensureDirectory(EntryPath path) throws IOException {
        Fd in = parent(path);
        Optional<FileStatus> there = FileTree.find(in, path.fileName());
        if (there.isPresent() && there.get().isDirectory()) {
            return in;
        }
        if (there.isPresent()) {
            FileTree.unlink(in, path.fileName());
        }
        FileTree.makeDirectory(in, path.fileName(), IMPLICIT_MODE);
        FileTree.chmod(in, path.fileName(), IMPLICIT_MODE);
        if (there.isPresent() && there.get().isWhiteout()) {
            Xattrs.set(in, path.fileName(), LayerXattrs.OPAQUE, YES);
        }
        return in;
    }

    private Fd parent(EntryPath path) throws IOException {
        Fd current = parent;
        if (current != null && parentPath.equals(path.parent())) {
            return current;
        }
        Fd opened = openOrMake(path);
        forgetParent();
        parent = opened;
        parentPath = path.parent();
        return opened;
    }

    private Fd openOrMake(EntryPath path) throws IOException {
        try {
            return FileTree.open(root, path.parentName(), DIRECTORY, 0, IN_LAYER);
        } catch (LinuxException e) {
            if (!e.is(Errno.ENOENT) && !e.is(Errno.ENOTDIR)) {
                throw e;
            }
        }
        makeMissing(path.parent());
        return below(path);
    }

    private Fd below(EntryPath path) throws IOException {
        try {
            return FileTree.open(root, path.parentName(), DIRECTORY, 0, BELOW);
        } catch (LinuxException e) {
            if (e.is(Errno.ENOENT)) {
                throw new BadLayerException(
                        "'" + path + "' leads through a symbolic link to what is not a directory" + " of the layer");
            }
            throw e;
        }
    }

    /** Makes the directories of a path that the archive left out; a symbolic link among them stays. */
    private void makeMissing(String directory) throws IOException {
        int end = directory.indexOf('/');
        while (end >= 0) {
            makeIfMissing(directory.substring(0, end));
            end = directory.indexOf('/', end + 1);
        }
        makeIfMissing(directory);
    }

    private void makeIfMissing(String directory) throws IOException {
        int slash = directory.lastIndexOf('/');
        EntryPath path = new EntryPath(slash < 0 ? "" : directory.substring(0, slash), directory.substring(slash + 1));
        try (Fd in = below(path)) {
            Optional<FileStatus> there = FileTree.find(in, path.fileName());
            if (there.isEmpty() || there.get().isWhiteout()) {
                ensureDirectory(path);
            }
        }
    }

    /** Where an entry of an open directory really is, from the root. */
    private String place(Fd in, EntryPath path) throws IOException {
        String top = FileTree.pathOf(root);
        String directory = FileTree.pathOf(in).substring(top.length());
        return FileTree.SELF + directory + "/" + path.fileName();
    }

    private void forgetParent() {
        Fd open = parent;
        parent = null;
        if (open != null) {
            open.close();
        }
    }

    private static BadLayerException noTarget(EntryPath path, EntryPath target) {
        return new BadLayerException(
                "'" + path + "' is a hard link to '" + target + "', which is no file of the layer");
    }
}
