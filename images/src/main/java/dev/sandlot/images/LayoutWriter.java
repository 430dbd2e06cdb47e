package dev.sandlot.images;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Writes a tar archive with an OCI image layout (OCI image specification 1.1) of one image. */
final class LayoutWriter {
    private static final String NAME = "org.opencontainers.image.ref.name";
    private static final int BUFFER_BYTES = 128 * 1024;
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final TarWriter tar;

    LayoutWriter(OutputStream out) {
        this.tar = new TarWriter(out);
    }

    /** Writes all but the blobs that the manifest names. */
    void begin(String name, String manifestType, byte[] manifest) throws IOException {
        small("oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}".getBytes(StandardCharsets.UTF_8));
        small("index.json", JSON.writeValueAsBytes(index(name, manifestType, manifest)));
        small(path(Digest.of(manifest)), manifest);
    }

    /** Writes a small blob. */
    void blob(byte[] content) throws IOException {
        small(path(Digest.of(content)), content);
    }

    /** Writes a blob out of a stream, which must have that digest and size. */
    void blob(Digest digest, long size, InputStream content) throws IOException {
        tar.begin(entry(path(digest), size));
        byte[] buffer = new byte[BUFFER_BYTES];
        for (int count = content.read(buffer); count >= 0; count = content.read(buffer)) {
            tar.write(buffer, count);
        }
        tar.end();
    }

    /** Begins a blob, whose bytes are written to what is given back; {@link #end} ends it. */
    TarWriter begin(Digest digest, long size) throws IOException {
        tar.begin(entry(path(digest), size));
        return tar;
    }

    void end() throws IOException {
        tar.end();
    }

    void finish() throws IOException {
        tar.finish();
    }

    static ObjectNode descriptor(String type, Digest digest, long size) {
        return JSON.createObjectNode()
                .put("mediaType", type)
                .put("digest", digest.toString())
                .put("size", size);
    }

    private static ObjectNode index(String name, String type, byte[] manifest) {
        ObjectNode index = JSON.createObjectNode().put("schemaVersion", 2).put("mediaType", ManifestDocument.OCI_INDEX);
        ObjectNode entry = descriptor(type, Digest.of(manifest), manifest.length);
        entry.putObject("platform")
                .put("architecture", RegistryImage.architecture())
                .put("os", "linux");
        entry.putObject("annotations").put(NAME, name);
        index.putArray("manifests").add(entry);
        return index;
    }

    private static String path(Digest digest) {
        return "blobs/sha256/" + digest.hex();
    }

    private void small(String path, byte[] content) throws IOException {
        tar.begin(entry(path, content.length));
        tar.write(content, content.length);
        tar.end();
    }

    private static TarEntry entry(String path, long size) {
        return new TarEntry(TarEntry.Type.FILE, path, "", 0644, 0, 0, size, 0, 0, Map.of());
    }
}
