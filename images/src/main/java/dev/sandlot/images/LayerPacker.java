package dev.sandlot.images;

import dev.sandlot.linux.DirFd;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.FdTransfer;
import dev.sandlot.linux.FileStat;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Writes a directory as a layer archive: uncompressed PAX, sorted by the bytes of the names, the same bytes for the
 * same tree. The opposite of {@link LayerUnpacker}. Sockets are left out; device nodes are refused.
 */
final class LayerPacker implements AutoCloseable {
    private static final int BUFFER_BYTES = 128 * 1024;

    private final TarWriter tar;
    private final FdTransfer transfer = new FdTransfer(BUFFER_BYTES);
    private final byte[] buffer = new byte[BUFFER_BYTES];
    private final Map<String, String> linked = new HashMap<>();
    private long entries;

    LayerPacker(OutputStream out) {
        tar = new TarWriter(out);
    }

    /** Writes the whole tree and the archive's end; tells how many entries it wrote. */
    long pack(Path directory) throws IOException {
        try (DirFd root = DirFd.open(directory)) {
            FileStat stat = root.stat(EntryPath.bytes(".")).orElseThrow();
            directory(root, ".", "./", stat);
            contents(root, "");
        }
        tar.finish();
        return entries;
    }

    @Override
    public void close() {
        transfer.close();
    }

    private void contents(DirFd directory, String prefix) throws IOException {
        for (String name : sortedNames(directory)) {
            FileStat stat = directory.stat(EntryPath.bytes(name)).orElseThrow();
            one(directory, name, prefix + name, stat);
        }
    }

    private static List<String> sortedNames(DirFd directory) throws IOException {
        return directory.names().stream()
                .map(name -> new String(name, StandardCharsets.ISO_8859_1))
                .sorted()
                .toList();
    }

    private void one(DirFd in, String name, String path, FileStat stat) throws IOException {
        if (stat.isDirectory()) {
            directory(in, name, path + "/", stat);
            try (DirFd inner = in.directory(EntryPath.bytes(name))) {
                contents(inner, path + "/");
            }
        } else if (stat.isRegular()) {
            fileOrLink(in, name, path, stat);
        } else if (stat.isSymlink()) {
            String target = new String(in.symlinkTarget(EntryPath.bytes(name)), StandardCharsets.ISO_8859_1);
            empty(header(TarEntry.Type.SYMLINK, path, target, stat, 0, Map.of()));
        } else if (stat.isWhiteout()) {
            mark(path.substring(0, path.length() - name.length()) + Whiteout.PREFIX + name);
        } else if (stat.isFifo()) {
            empty(header(TarEntry.Type.FIFO, path, "", stat, 0, Map.of()));
        } else if (!stat.isSocket()) {
            throw new BadLayerException("'" + EntryPath.show(path) + "' is a device node; layers may not have any");
        }
    }

    private void directory(DirFd in, String name, String path, FileStat stat) throws IOException {
        empty(header(TarEntry.Type.DIRECTORY, path, "", stat, 0, xattrs(in, name)));
        if (in.xattr(EntryPath.bytes(name), LayerXattrs.OPAQUE).isPresent()) {
            mark(path + Whiteout.OPAQUE);
        }
    }

    private void fileOrLink(DirFd in, String name, String path, FileStat stat) throws IOException {
        if (stat.links() > 1) {
            String first = linked.putIfAbsent(stat.device() + ":" + stat.inode(), path);
            if (first != null) {
                empty(header(TarEntry.Type.HARD_LINK, path, first, stat, 0, Map.of()));
                return;
            }
        }
        entries++;
        tar.begin(header(TarEntry.Type.FILE, path, "", stat, stat.size(), xattrs(in, name)));
        copy(in, name);
        tar.end();
    }

    private void copy(DirFd in, String name) throws IOException {
        try (Fd file = in.openFile(EntryPath.bytes(name))) {
            int count = transfer.read(file, buffer);
            while (count > 0) {
                tar.write(buffer, count);
                count = transfer.read(file, buffer);
            }
        }
    }

    private void mark(String path) throws IOException {
        empty(new TarEntry(TarEntry.Type.FILE, path, "", 0, 0, 0, 0, 0, 0, Map.of()));
    }

    private void empty(TarEntry entry) throws IOException {
        entries++;
        tar.begin(entry);
        tar.end();
    }

    private static TarEntry header(
            TarEntry.Type type, String path, String link, FileStat stat, long size, Map<String, String> xattrs) {
        return new TarEntry(
                type,
                path,
                link,
                stat.permissions(),
                stat.uid(),
                stat.gid(),
                size,
                stat.seconds(),
                stat.nanos(),
                xattrs);
    }

    private static Map<String, String> xattrs(DirFd in, String name) throws IOException {
        byte[] raw = EntryPath.bytes(name);
        Map<String, String> found = new TreeMap<>();
        for (String attribute : in.xattrs(raw)) {
            if (LayerXattrs.belongs(attribute)) {
                in.xattr(raw, attribute)
                        .ifPresent(value -> found.put(attribute, new String(value, StandardCharsets.ISO_8859_1)));
            }
        }
        return found;
    }
}
