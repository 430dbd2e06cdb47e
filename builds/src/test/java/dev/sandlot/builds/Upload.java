package dev.sandlot.builds;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;

/** An archive as clients send it, bad ones included; its owners are of somebody's own machine. */
final class Upload {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final TarArchiveOutputStream tar = new TarArchiveOutputStream(bytes, "UTF-8");

    private boolean finished;

    Upload() {
        tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
        tar.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_POSIX);
        tar.setAddPaxHeadersForNonAsciiNames(true);
    }

    Upload file(String path, String content, int mode) throws IOException {
        return file(path, content.getBytes(StandardCharsets.UTF_8), mode);
    }

    Upload file(String path, byte[] content, int mode) throws IOException {
        TarArchiveEntry entry = entry(path, TarConstants.LF_NORMAL, mode);
        entry.setSize(content.length);
        tar.putArchiveEntry(entry);
        tar.write(content);
        tar.closeArchiveEntry();
        return this;
    }

    Upload file(String path, String content) throws IOException {
        return file(path, content, 0644);
    }

    Upload directory(String path, int mode) throws IOException {
        return bare(path + "/", TarConstants.LF_DIR, "", mode);
    }

    Upload symlink(String path, String target) throws IOException {
        return bare(path, TarConstants.LF_SYMLINK, target, 0777);
    }

    Upload hardLink(String path, String target) throws IOException {
        return bare(path, TarConstants.LF_LINK, target, 0644);
    }

    Upload bare(String path, byte type, String link, int mode) throws IOException {
        TarArchiveEntry entry = entry(path, type, mode);
        entry.setLinkName(link);
        tar.putArchiveEntry(entry);
        tar.closeArchiveEntry();
        return this;
    }

    byte[] bytes() throws IOException {
        if (!finished) {
            tar.finish();
            finished = true;
        }
        return bytes.toByteArray();
    }

    Path plain(Path directory) throws IOException {
        return Files.write(Files.createTempFile(directory, "upload", ".tar"), bytes());
    }

    Path gzipped(Path directory) throws IOException {
        Path file = Files.createTempFile(directory, "upload", ".tgz");
        try (GZIPOutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write(bytes());
        }
        return file;
    }

    private static TarArchiveEntry entry(String path, byte type, int mode) {
        TarArchiveEntry entry = new TarArchiveEntry(path, type, true);
        entry.setMode(mode);
        entry.setIds(502_000_000, 1_234_567);
        entry.setModTime(1_700_000_000_000L);
        return entry;
    }
}
