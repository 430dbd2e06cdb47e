package dev.sandlot.images;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Map;

/**
 * Writes files of a client for a COPY step (template-build.md 6): of nobody in particular, with their modes and times,
 * links as links. The same files always give the same bytes. For one thread.
 */
public final class SourceArchive implements AutoCloseable {
    private static final int BUFFER_BYTES = 128 * 1024;
    private static final int MODE_BITS = 07777;

    private final TarWriter tar;
    private final byte[] buffer = new byte[BUFFER_BYTES];

    public SourceArchive(OutputStream out) {
        this.tar = new TarWriter(out);
    }

    /**
     * Adds a directory, a file or a link.
     *
     * @param path below the directory, with forward slashes; the name it gets
     * @throws IOException when it cannot be read, is of another kind, or changes meanwhile
     */
    public void add(Path directory, String path) throws IOException {
        Path file = directory.resolve(path);
        if (Files.isSymbolicLink(file)) {
            String target = Files.readSymbolicLink(file).toString();
            tar.begin(entry(TarEntry.Type.SYMLINK, file, path, target, 0));
        } else if (Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)) {
            tar.begin(entry(TarEntry.Type.DIRECTORY, file, path + "/", "", 0));
        } else if (Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
            tar.begin(entry(TarEntry.Type.FILE, file, path, "", Files.size(file)));
            content(file);
        } else {
            throw new IOException(file + " is neither a file nor a directory nor a link");
        }
        tar.end();
    }

    private void content(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file, LinkOption.NOFOLLOW_LINKS)) {
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                tar.write(buffer, count);
            }
        }
    }

    private static TarEntry entry(TarEntry.Type type, Path file, String path, String link, long size)
            throws IOException {
        int mode = (Integer) Files.getAttribute(file, "unix:mode", LinkOption.NOFOLLOW_LINKS) & MODE_BITS;
        FileTime modified = Files.getLastModifiedTime(file, LinkOption.NOFOLLOW_LINKS);
        return new TarEntry(
                type,
                bytes(path),
                bytes(link),
                mode,
                0,
                0,
                size,
                modified.toInstant().getEpochSecond(),
                0,
                Map.of());
    }

    /** One character a byte, as entries want it. */
    private static String bytes(String text) {
        return new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
    }

    /** Ends the archive; the stream stays open. */
    @Override
    public void close() throws IOException {
        tar.finish();
    }
}
