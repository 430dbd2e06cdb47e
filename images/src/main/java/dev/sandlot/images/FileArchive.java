package dev.sandlot.images;

import com.github.luben.zstd.ZstdIOException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;
import java.util.zip.ZipException;

/**
 * Reads files from an archive that somebody sent: tar, plain or compressed with gzip or zstd (template-build.md 6).
 *
 * <p>The archive is hostile. It is refused with {@link BadLayerException} when a path is absolute, has {@code ..},
 * leads through a file or through a link out of the archive; for device nodes, pipes and sparse files; when it passes
 * the limits, or becomes much larger than any real files would; and when it is damaged. A path that leads through a
 * link inside the archive is told as the one it comes out at. Owners are not looked at. One thread at a time.
 */
public final class FileArchive implements AutoCloseable {
    private static final int MAX_RATIO = 600;

    private final ArchiveStream in;
    private final TarReader reader;
    private final UnpackLimits limits;
    private final ArchiveLinks links = new ArchiveLinks();
    private long entries;

    private FileArchive(ArchiveStream in, UnpackLimits limits) {
        this.in = in;
        this.reader = TarReader.withoutOwners(in);
        this.limits = limits;
    }

    /** What an entry is. */
    public enum Kind {
        FILE,
        DIRECTORY,
        SYMLINK,
        HARD_LINK
    }

    /**
     * One entry.
     *
     * @param path relative, without empty parts, {@code .} and {@code ..}; empty for the root of the archive
     * @param link what a symbolic link says; the path, of the same form, of the entry that a hard link is another
     *     name of; else empty
     * @param mode permission bits, with setuid, setgid and sticky
     * @param size bytes of a file
     * @param seconds time of the last change, since 1970, with {@code nanos}
     */
    public record Entry(Kind kind, String path, String link, int mode, long size, long seconds, int nanos) {}

    /** Opens an archive, which is closed with this. */
    public static FileArchive open(InputStream archive, UnpackLimits limits) throws IOException {
        try {
            return new FileArchive(ArchiveStream.open(archive, limits.totalBytes(), MAX_RATIO), limits);
        } catch (EOFException | ZipException e) {
            throw damaged(e);
        }
    }

    /** The next entry; empty at the end of the archive, which was read to its last byte then. */
    public Optional<Entry> next() throws IOException {
        try {
            Optional<TarEntry> next = reader.next();
            if (next.isPresent()) {
                return Optional.of(checked(next.get()));
            }
            in.finish();
            return Optional.empty();
        } catch (EOFException | ZipException | ZstdIOException e) {
            throw damaged(e);
        }
    }

    /** Reads content of the current entry; -1 at its end. */
    public int read(byte[] buffer) throws IOException {
        try {
            return reader.read(buffer);
        } catch (EOFException | ZipException | ZstdIOException e) {
            throw damaged(e);
        }
    }

    @Override
    public void close() throws IOException {
        in.close();
    }

    private Entry checked(TarEntry entry) throws BadLayerException {
        EntryPath written = EntryPath.parse(entry.path(), limits.pathBytes());
        refuseBeyondLimits(written, entry);
        Kind kind = kind(written, entry);
        EntryPath path = links.resolve(written);
        String link = link(kind, path, entry);
        switch (kind) {
            case FILE, HARD_LINK -> links.addFile(path);
            case SYMLINK -> links.addSymlink(path, entry.link());
            case DIRECTORY -> {}
        }
        return new Entry(kind, named(path), link, entry.mode(), entry.size(), entry.seconds(), entry.nanos());
    }

    private void refuseBeyondLimits(EntryPath path, TarEntry entry) throws BadLayerException {
        if (++entries > limits.entries()) {
            throw new BadLayerException("the archive has more than " + limits.entries() + " entries");
        }
        if (entry.size() > in.allowance()) {
            throw new BadLayerException("'" + path + "' has " + entry.size()
                    + " bytes, which makes the archive larger than " + limits.totalBytes() + " bytes");
        }
    }

    private static Kind kind(EntryPath path, TarEntry entry) throws BadLayerException {
        Kind kind = switch (entry.type()) {
            case FILE -> Kind.FILE;
            case DIRECTORY -> Kind.DIRECTORY;
            case SYMLINK -> Kind.SYMLINK;
            case HARD_LINK -> Kind.HARD_LINK;
            case FIFO, CHARACTER_DEVICE, BLOCK_DEVICE ->
                throw new BadLayerException("'" + path + "' is neither a file, a directory nor a link");
        };
        if (path.isRoot() && kind != Kind.DIRECTORY) {
            throw new BadLayerException("an entry without a name");
        }
        return kind;
    }

    private String link(Kind kind, EntryPath path, TarEntry entry) throws BadLayerException {
        return switch (kind) {
            case FILE, DIRECTORY -> "";
            case HARD_LINK -> named(links.resolve(EntryPath.parse(entry.link(), limits.pathBytes())));
            case SYMLINK -> {
                String target = entry.link();
                if (target.isEmpty() || target.indexOf(0) >= 0 || target.length() > limits.pathBytes()) {
                    throw new BadLayerException("'" + path + "' is a symbolic link with an unfit target");
                }
                yield EntryPath.fileName(target);
            }
        };
    }

    private static String named(EntryPath path) {
        return path.isRoot() ? "" : EntryPath.fileName(path.full());
    }

    private static BadLayerException damaged(IOException e) {
        return new BadLayerException("the archive is damaged or cut off: " + e.getMessage());
    }
}
