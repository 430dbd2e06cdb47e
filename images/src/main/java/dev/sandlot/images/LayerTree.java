package dev.sandlot.images;

import dev.sandlot.linux.DirFd;
import dev.sandlot.linux.Errno;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.FdTransfer;
import dev.sandlot.linux.FileStat;
import dev.sandlot.linux.LinuxException;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The tree that is being unpacked.
 *
 * <p>Invariants: every parent is opened from the root by {@link DirFd#directory}, so that no symbolic link is ever
 * followed; every name is created new, after what was there is gone; attributes are set in the order owner, mode,
 * extended attributes, times, as each one may undo those after it. Times of directories come at the very end.
 */
final class LayerTree implements AutoCloseable {
    private static final int IMPLICIT_MODE = 0755;
    private static final byte[] YES = {'y'};
    private static final byte[] SELF = {'.'};

    private final DirFd root;
    private final FdTransfer transfer;
    private final byte[] buffer = new byte[128 * 1024];
    private final Map<String, TarEntry> directories = new LinkedHashMap<>();
    private @Nullable DirFd parent;
    private String parentPath = "";

    LayerTree(DirFd root, FdTransfer transfer) {
        this.root = root;
        this.transfer = transfer;
    }

    void file(EntryPath path, TarEntry entry, TarReader content) throws IOException {
        DirFd in = vacated(path);
        try (Fd file = in.createFile(path.nameBytes(), 0600)) {
            int count = content.read(buffer);
            while (count >= 0) {
                transfer.write(file, buffer, 0, count);
                count = content.read(buffer);
            }
        }
        attributes(in, path, entry);
    }

    void directory(EntryPath path, TarEntry entry) throws IOException {
        DirFd in = ensureDirectory(path);
        in.owner(path.nameBytes(), entry.uid(), entry.gid());
        in.mode(path.nameBytes(), entry.mode());
        xattrs(in, path, entry);
        directories.put(path.full(), entry);
    }

    void symlink(EntryPath path, TarEntry entry, String target) throws IOException {
        DirFd in = vacated(path);
        in.makeSymlink(path.nameBytes(), EntryPath.bytes(target));
        in.owner(path.nameBytes(), entry.uid(), entry.gid());
        in.modified(path.nameBytes(), entry.seconds(), entry.nanos());
    }

    void fifo(EntryPath path, TarEntry entry) throws IOException {
        DirFd in = vacated(path);
        in.makeFifo(path.nameBytes());
        in.owner(path.nameBytes(), entry.uid(), entry.gid());
        in.mode(path.nameBytes(), entry.mode());
        in.modified(path.nameBytes(), entry.seconds(), entry.nanos());
    }

    void hardLink(EntryPath path, EntryPath target) throws IOException {
        if (path.equals(target)) {
            return;
        }
        try (DirFd from = root.directory(target.parentBytes())) {
            FileStat stat = from.stat(target.nameBytes()).orElseThrow(() -> noTarget(path, target));
            if (stat.isDirectory() || stat.isWhiteout()) {
                throw noTarget(path, target);
            }
            vacated(path).makeLink(path.nameBytes(), from, target.nameBytes());
        } catch (LinuxException e) {
            if (e.is(Errno.ENOENT)) {
                throw noTarget(path, target);
            }
            throw e;
        }
    }

    /** Marks a name of the layers below as deleted; what this layer itself has there stays. */
    void whiteout(EntryPath path) throws IOException {
        DirFd in = parent(path);
        Optional<FileStat> there = in.stat(path.nameBytes());
        if (there.isEmpty()) {
            in.makeWhiteout(path.nameBytes());
        } else if (there.get().isDirectory()) {
            in.xattr(path.nameBytes(), LayerXattrs.OPAQUE, YES);
        }
    }

    /** Hides what the layers below have in a directory. */
    void opaque(String directory) throws IOException {
        parent(new EntryPath(directory, ".")).xattr(SELF, LayerXattrs.OPAQUE, YES);
    }

    void setDirectoryTimes() throws IOException {
        for (Map.Entry<String, TarEntry> directory : directories.entrySet()) {
            TarEntry entry = directory.getValue();
            String path = directory.getKey();
            try (DirFd open = root.directory(EntryPath.bytes(path.isEmpty() ? "." : path))) {
                open.modified(SELF, entry.seconds(), entry.nanos());
            }
        }
    }

    @Override
    public void close() {
        forgetParent();
    }

    private void attributes(DirFd in, EntryPath path, TarEntry entry) throws IOException {
        in.owner(path.nameBytes(), entry.uid(), entry.gid());
        in.mode(path.nameBytes(), entry.mode());
        xattrs(in, path, entry);
        in.modified(path.nameBytes(), entry.seconds(), entry.nanos());
    }

    private static void xattrs(DirFd in, EntryPath path, TarEntry entry) throws IOException {
        for (Map.Entry<String, byte[]> attribute :
                LayerXattrs.toSet(entry.xattrs()).entrySet()) {
            in.xattr(path.nameBytes(), attribute.getKey(), attribute.getValue());
        }
    }

    /** The opened parent of a path at which nothing is any more. */
    private DirFd vacated(EntryPath path) throws IOException {
        if (path.isRoot()) {
            throw new BadLayerException("the root of a layer must be a directory");
        }
        DirFd in = parent(path);
        Optional<FileStat> there = in.stat(path.nameBytes());
        if (there.isPresent() && there.get().isDirectory()) {
            in.removeDirectory(path.nameBytes());
            directories.remove(path.full());
            forgetParent();
            return parent(path);
        }
        if (there.isPresent()) {
            in.removeFile(path.nameBytes());
        }
        return in;
    }

    /** Makes a directory unless there is one; one that replaces a whiteout hides what is below it. */
    private DirFd ensureDirectory(EntryPath path) throws IOException {
        DirFd in = parent(path);
        Optional<FileStat> there = in.stat(path.nameBytes());
        if (there.isPresent() && there.get().isDirectory()) {
            return in;
        }
        if (there.isPresent()) {
            in.removeFile(path.nameBytes());
        }
        in.makeDirectory(path.nameBytes(), IMPLICIT_MODE);
        in.mode(path.nameBytes(), IMPLICIT_MODE);
        if (there.isPresent() && there.get().isWhiteout()) {
            in.xattr(path.nameBytes(), LayerXattrs.OPAQUE, YES);
        }
        return in;
    }

    private DirFd parent(EntryPath path) throws IOException {
        DirFd current = parent;
        if (current != null && parentPath.equals(path.parent())) {
            return current;
        }
        DirFd opened = openOrMake(path);
        forgetParent();
        parent = opened;
        parentPath = path.parent();
        return opened;
    }

    private DirFd openOrMake(EntryPath path) throws IOException {
        try {
            return root.directory(path.parentBytes());
        } catch (LinuxException e) {
            if (!e.is(Errno.ENOENT) && !e.is(Errno.ENOTDIR)) {
                throw e;
            }
        }
        makeMissing(path.parent());
        return root.directory(path.parentBytes());
    }

    /** Makes the directories of a path that the archive left out; a symbolic link among them stays and refuses. */
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
        try (DirFd in = root.directory(path.parentBytes())) {
            Optional<FileStat> there = in.stat(path.nameBytes());
            if (there.isEmpty() || there.get().isWhiteout()) {
                ensureDirectory(path);
            }
        }
    }

    private void forgetParent() {
        DirFd open = parent;
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
