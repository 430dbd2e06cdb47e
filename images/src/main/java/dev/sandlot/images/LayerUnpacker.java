package dev.sandlot.images;

import dev.sandlot.linux.Fd;
import dev.sandlot.linux.FileTree;
import dev.sandlot.linux.LinuxException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Applies a layer archive (tar, plain or compressed with gzip or zstd) to an empty directory.
 *
 * <p>The archive is hostile until proven otherwise. It is refused with {@link BadLayerException} when a path is
 * absolute, has {@code ..} or leads through a symbolic link to what is no directory of the layer; when a hard link
 * points outside or at nothing; for device nodes, sparse files and owners outside of 0 to 65535; and when it passes
 * the limits. Whatever was written until then is left to the caller, who throws the directory away. Whiteouts of the OCI image specification become
 * those of overlayfs. Names that come twice are replaced by the later one.
 */
public final class LayerUnpacker {
    private final UnpackLimits limits;

    public LayerUnpacker(UnpackLimits limits) {
        this.limits = limits;
    }

    /**
     * What was unpacked.
     *
     * @param diffId digest of the uncompressed archive
     * @param entries how many entries it had
     * @param bytes length of the uncompressed archive
     */
    public record Unpacked(Digest diffId, long entries, long bytes) {}

    /** Reads the archive to its end and applies it below {@code directory}. */
    public Unpacked unpack(InputStream archive, Path directory) throws IOException {
        try (ArchiveStream in = ArchiveStream.open(archive, limits.totalBytes());
                Fd root = FileTree.directory(directory.toString());
                LayerTree tree = new LayerTree(root)) {
            long entries = apply(in, tree);
            tree.setDirectoryTimes();
            Digest digest = in.finish();
            return new Unpacked(digest, entries, in.count());
        } catch (EOFException e) {
            throw new BadLayerException("the layer archive is cut off: " + e.getMessage());
        }
    }

    private long apply(ArchiveStream in, LayerTree tree) throws IOException {
        TarReader reader = new TarReader(in);
        long entries = 0;
        Optional<TarEntry> next = reader.next();
        while (next.isPresent()) {
            entries++;
            refuseBeyondLimits(entries, next.get(), in);
            apply(next.get(), reader, tree);
            next = reader.next();
        }
        return entries;
    }

    private void apply(TarEntry entry, TarReader reader, LayerTree tree) throws IOException {
        EntryPath path = EntryPath.parse(entry.path(), limits.pathBytes());
        try {
            if (Whiteout.isOne(path)) {
                Whiteout.apply(path, tree);
            } else {
                place(path, entry, reader, tree);
            }
        } catch (LinuxException e) {
            throw explained(path, e);
        }
    }

    private void place(EntryPath path, TarEntry entry, TarReader reader, LayerTree tree) throws IOException {
        switch (entry.type()) {
            case FILE -> tree.file(path, entry, reader);
            case DIRECTORY -> tree.directory(path, entry);
            case SYMLINK -> tree.symlink(path, entry, linkTarget(path, entry));
            case HARD_LINK -> tree.hardLink(path, EntryPath.parse(entry.link(), limits.pathBytes()));
            case FIFO -> tree.fifo(path, entry);
            case CHARACTER_DEVICE, BLOCK_DEVICE ->
                throw new BadLayerException("'" + path + "' is a device node; layers may not have any");
        }
    }

    private String linkTarget(EntryPath path, TarEntry entry) throws BadLayerException {
        String target = entry.link();
        if (target.isEmpty() || target.indexOf(0) >= 0 || target.length() > limits.pathBytes()) {
            throw new BadLayerException("'" + path + "' is a symbolic link with an unfit target");
        }
        return target;
    }

    private void refuseBeyondLimits(long entries, TarEntry entry, ArchiveStream in) throws BadLayerException {
        if (entries > limits.entries()) {
            throw new BadLayerException("the layer has more than " + limits.entries() + " entries");
        }
        if (entry.size() > in.allowance()) {
            throw new BadLayerException("'" + EntryPath.show(entry.path()) + "' has " + entry.size()
                    + " bytes, which makes the layer larger than " + limits.totalBytes() + " bytes");
        }
    }

    private static IOException explained(EntryPath path, LinuxException e) {
        return switch (e.errno()) {
            case ELOOP, ENOTDIR, EXDEV ->
                new BadLayerException("'" + path + "' leads through something that is not a directory of the layer");
            case ENAMETOOLONG, EISDIR, ENOTEMPTY, EEXIST ->
                new BadLayerException("'" + path + "' cannot be placed: " + e.getMessage());
            default -> new IOException("could not unpack '" + path + "': " + e.getMessage(), e);
        };
    }
}
