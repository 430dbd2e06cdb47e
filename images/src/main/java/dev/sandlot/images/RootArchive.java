package dev.sandlot.images;

import dev.sandlot.linux.Fd;
import dev.sandlot.linux.FileIo;
import dev.sandlot.linux.FileKind;
import dev.sandlot.linux.FileStatus;
import dev.sandlot.linux.FileTree;
import dev.sandlot.linux.Open;
import java.io.IOException;
import java.io.OutputStream;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Writes layers as one root file system, {@code rootfs.tar}: an uncompressed PAX archive of what a sandbox over them
 * would find, without marks of deletion. Sorted by the bytes of names, the same bytes for the same layers.
 */
public final class RootArchive {
    private static final int BUFFER_BYTES = 128 * 1024;

    private final MergedTree tree;
    private final boolean marks;
    private final TarWriter tar;
    private final long expected;
    private final Progress progress;
    private final byte[] buffer = new byte[BUFFER_BYTES];
    /** Where a file that has several names was written first. */
    private final Map<String, String> linked = new HashMap<>();

    private long written;

    private RootArchive(MergedTree tree, boolean marks, OutputStream out, long expected, Progress progress) {
        this.tree = tree;
        this.marks = marks;
        this.tar = new TarWriter(out);
        this.expected = Math.max(1, expected);
        this.progress = progress;
    }

    /**
     * Writes the archive; the stream stays open.
     *
     * @param layers lowest first; must be in the store
     */
    public static void write(LayerStore store, List<Digest> layers, OutputStream out, Progress progress)
            throws IOException {
        for (Digest layer : layers) {
            store.path(layer);
        }
        new RootArchive(new MergedTree(store, layers), false, out, store.bytes(layers), progress).write();
    }

    /**
     * Writes the archive of one layer that stands for several, with the marks of what they delete below them; the
     * stream stays open.
     *
     * @param layers lowest first; must be in the store
     */
    static void writeLayer(LayerStore store, List<Digest> layers, OutputStream out) throws IOException {
        new RootArchive(new MergedTree(store, layers), true, out, 1, Progress.NONE).write();
    }

    private void write() throws IOException {
        try (MergedTree.Merged root = tree.root()) {
            FileStatus status = FileTree.status(root.top());
            empty(LayerPacker.header(
                    TarEntry.Type.DIRECTORY, "./", "", status, 0, LayerPacker.xattrs(root.top(), FileTree.SELF)));
            contents(root, "");
        }
        tar.finish();
        progress.report("root file system written", 1);
    }

    private void contents(MergedTree.Merged directory, String prefix) throws IOException {
        for (String raw : directory.names()) {
            String name = EntryPath.fileName(raw);
            Optional<MergedTree.Found> found = directory.find(name);
            if (found.isPresent()) {
                one(directory, found.get(), name, prefix + raw);
            } else if (marks) {
                mark(prefix + Whiteout.PREFIX + raw);
            }
        }
    }

    private void one(MergedTree.Merged parent, MergedTree.Found found, String name, String path) throws IOException {
        Fd in = found.directory();
        FileStatus status = found.status();
        if (status.isDirectory()) {
            empty(LayerPacker.header(TarEntry.Type.DIRECTORY, path + "/", "", status, 0, LayerPacker.xattrs(in, name)));
            if (marks && parent.hidesBelow(name)) {
                mark(path + "/" + Whiteout.OPAQUE);
            }
            try (MergedTree.Merged child = parent.child(name)) {
                contents(child, path + "/");
            }
        } else if (status.isRegular()) {
            fileOrLink(in, name, path, status);
        } else if (status.isSymlink()) {
            String target = EntryPath.raw(FileTree.readLink(in, name));
            empty(LayerPacker.header(TarEntry.Type.SYMLINK, path, target, status, 0, Map.of()));
        } else if (status.kind() == FileKind.FIFO) {
            empty(LayerPacker.header(TarEntry.Type.FIFO, path, "", status, 0, Map.of()));
        }
    }

    private void fileOrLink(Fd in, String name, String path, FileStatus status) throws IOException {
        if (status.links() > 1) {
            String first = linked.putIfAbsent(status.device() + ":" + status.inode(), path);
            if (first != null) {
                empty(LayerPacker.header(TarEntry.Type.HARD_LINK, path, first, status, 0, Map.of()));
                return;
            }
        }
        tar.begin(
                LayerPacker.header(TarEntry.Type.FILE, path, "", status, status.size(), LayerPacker.xattrs(in, name)));
        try (Fd file = FileTree.open(in, name, Open.READ | Open.NOFOLLOW, 0, Open.PLAIN)) {
            int count = FileIo.read(file, buffer, 0, buffer.length);
            while (count >= 0) {
                tar.write(buffer, count);
                written += count;
                count = FileIo.read(file, buffer, 0, buffer.length);
            }
        }
        tar.end();
        progress.report("writing the root file system", Math.min(1, (double) written / expected));
    }

    private void mark(String path) throws IOException {
        empty(new TarEntry(TarEntry.Type.FILE, path, "", 0, 0, 0, 0, 0, 0, Map.of()));
    }

    private void empty(TarEntry entry) throws IOException {
        tar.begin(entry);
        tar.end();
    }
}
