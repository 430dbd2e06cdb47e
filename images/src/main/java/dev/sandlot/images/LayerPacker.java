package dev.sandlot.images;

import dev.sandlot.linux.Directory;
import dev.sandlot.linux.Errno;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.FileIo;
import dev.sandlot.linux.FileKind;
import dev.sandlot.linux.FileStatus;
import dev.sandlot.linux.FileTree;
import dev.sandlot.linux.LinuxException;
import dev.sandlot.linux.Open;
import dev.sandlot.linux.Xattrs;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Writes a directory as a layer archive: uncompressed PAX, sorted by the bytes of the names, the same bytes for the
 * same tree. The opposite of {@link LayerUnpacker}. Sockets are left out; device nodes are refused.
 */
final class LayerPacker {
    private static final int BUFFER_BYTES = 128 * 1024;

    private final TarWriter tar;
    private final byte[] buffer = new byte[BUFFER_BYTES];
    private final Map<String, String> linked = new HashMap<>();
    private long entries;

    LayerPacker(OutputStream out) {
        tar = new TarWriter(out);
    }

    /** Writes the whole tree and the archive's end; tells how many entries it wrote. */
    long pack(Path directory) throws IOException {
        try (Fd root = FileTree.directory(directory.toString())) {
            directory(root, FileTree.SELF, "./", FileTree.status(root));
            contents(root, "");
        }
        tar.finish();
        return entries;
    }

    private void contents(Fd directory, String prefix) throws IOException {
        for (String name : sortedNames(directory)) {
            String fileName = EntryPath.fileName(name);
            one(directory, fileName, prefix + name, FileTree.status(directory, fileName));
        }
    }

    private static List<String> sortedNames(Fd handle) throws IOException {
        List<String> names = new ArrayList<>();
        try (Directory directory = Directory.of(handle)) {
            for (List<String> some = directory.next(); !some.isEmpty(); some = directory.next()) {
                some.forEach(name -> names.add(EntryPath.raw(name)));
            }
        }
        Collections.sort(names);
        return names;
    }

    private void one(Fd in, String name, String path, FileStatus status) throws IOException {
        if (status.isDirectory()) {
            directory(in, name, path + "/", status);
            try (Fd inner = FileTree.open(in, name, Open.PATH | Open.DIRECTORY, 0, Open.PLAIN)) {
                contents(inner, path + "/");
            }
        } else if (status.isRegular()) {
            fileOrLink(in, name, path, status);
        } else if (status.isSymlink()) {
            String target = EntryPath.raw(FileTree.readLink(in, name));
            empty(header(TarEntry.Type.SYMLINK, path, target, status, 0, Map.of()));
        } else if (status.isWhiteout()) {
            int start = path.lastIndexOf('/') + 1;
            mark(path.substring(0, start) + Whiteout.PREFIX + path.substring(start));
        } else if (status.kind() == FileKind.FIFO) {
            empty(header(TarEntry.Type.FIFO, path, "", status, 0, Map.of()));
        } else if (status.kind() != FileKind.SOCKET) {
            throw new BadLayerException("'" + EntryPath.show(path) + "' is a device node; layers may not have any");
        }
    }

    private void directory(Fd in, String name, String path, FileStatus status) throws IOException {
        empty(header(TarEntry.Type.DIRECTORY, path, "", status, 0, xattrs(in, name)));
        if (isOpaque(in, name)) {
            mark(path + Whiteout.OPAQUE);
        }
    }

    /** Other values of the attribute are hints of overlayfs about what is below. */
    private static boolean isOpaque(Fd in, String name) throws IOException {
        byte[] value = Xattrs.find(in, name, LayerXattrs.OPAQUE).orElse(new byte[0]);
        return value.length == 1 && value[0] == 'y';
    }

    private void fileOrLink(Fd in, String name, String path, FileStatus status) throws IOException {
        if (status.links() > 1) {
            String first = linked.putIfAbsent(status.device() + ":" + status.inode(), path);
            if (first != null) {
                empty(header(TarEntry.Type.HARD_LINK, path, first, status, 0, Map.of()));
                return;
            }
        }
        entries++;
        tar.begin(header(TarEntry.Type.FILE, path, "", status, status.size(), xattrs(in, name)));
        copy(in, name);
        tar.end();
    }

    private void copy(Fd in, String name) throws IOException {
        try (Fd file = FileTree.open(in, name, Open.READ, 0, Open.PLAIN)) {
            int count = FileIo.read(file, buffer, 0, buffer.length);
            while (count >= 0) {
                tar.write(buffer, count);
                count = FileIo.read(file, buffer, 0, buffer.length);
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
            TarEntry.Type type, String path, String link, FileStatus status, long size, Map<String, String> xattrs) {
        Instant modified = status.modified();
        return new TarEntry(
                type,
                path,
                link,
                status.mode(),
                status.uid(),
                status.gid(),
                size,
                modified.getEpochSecond(),
                modified.getNano(),
                xattrs);
    }

    private static Map<String, String> xattrs(Fd in, String name) throws IOException {
        Map<String, String> found = new TreeMap<>();
        for (String attribute : names(in, name)) {
            if (LayerXattrs.belongs(attribute)) {
                Xattrs.find(in, name, attribute)
                        .ifPresent(value -> found.put(attribute, new String(value, StandardCharsets.ISO_8859_1)));
            }
        }
        return found;
    }

    private static List<String> names(Fd in, String name) throws IOException {
        try {
            return Xattrs.list(in, name);
        } catch (LinuxException e) {
            if (e.is(Errno.EOPNOTSUPP)) {
                return List.of();
            }
            throw e;
        }
    }
}
