package dev.sandlot.images;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Builds archives entry by entry, bad ones included; everything belongs to whoever runs the test. */
final class Archive {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final TarWriter tar = new TarWriter(bytes);
    private final int uid;
    private final int gid;

    Archive(Path owned) throws IOException {
        uid = (int) Files.getAttribute(owned, "unix:uid");
        gid = (int) Files.getAttribute(owned, "unix:gid");
    }

    Archive file(String path, String content) throws IOException {
        return file(path, content, Map.of());
    }

    Archive file(String path, String content, Map<String, String> xattrs) throws IOException {
        return file(path, content.getBytes(StandardCharsets.UTF_8), xattrs);
    }

    Archive bytes(String path, byte[] content) throws IOException {
        return file(path, content, Map.of());
    }

    private Archive file(String path, byte[] body, Map<String, String> xattrs) throws IOException {
        tar.begin(new TarEntry(
                TarEntry.Type.FILE, path, "", 0640, uid, gid, body.length, 1_700_000_000L, 123_456_789, xattrs));
        tar.write(body, body.length);
        tar.end();
        return this;
    }

    Archive directory(String path) throws IOException {
        return bare(TarEntry.Type.DIRECTORY, path, "");
    }

    Archive symlink(String path, String target) throws IOException {
        return bare(TarEntry.Type.SYMLINK, path, target);
    }

    Archive hardLink(String path, String target) throws IOException {
        return bare(TarEntry.Type.HARD_LINK, path, target);
    }

    Archive bare(TarEntry.Type type, String path, String link) throws IOException {
        return entry(new TarEntry(type, path, link, 0755, uid, gid, 0, 1_600_000_000L, 5, Map.of()));
    }

    Archive entry(TarEntry entry) throws IOException {
        tar.begin(entry);
        tar.end();
        return this;
    }

    byte[] bytes() throws IOException {
        tar.finish();
        return bytes.toByteArray();
    }

    InputStream stream() throws IOException {
        return new ByteArrayInputStream(bytes());
    }
}
