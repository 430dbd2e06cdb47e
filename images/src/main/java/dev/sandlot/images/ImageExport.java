package dev.sandlot.images;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.security.DigestOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes an image as a tar archive with an OCI image layout (OCI image specification 1.1), layers uncompressed. Each
 * layer is read twice, for its digest and for its content, so that no second copy of it is needed.
 */
public final class ImageExport {
    private static final String LAYER = "application/vnd.oci.image.layer.v1.tar";
    private static final String CONFIG = "application/vnd.oci.image.config.v1+json";
    private static final int BUFFER_BYTES = 128 * 1024;
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final LayerStore store;
    private final Progress progress;

    public ImageExport(LayerStore store, Progress progress) {
        this.store = store;
        this.progress = progress;
    }

    private record Blob(Digest digest, long size) {}

    /**
     * Writes the archive; the stream stays open.
     *
     * @param name what the image is called in the archive, for example {@code team/tool:1}
     */
    public void write(String name, PulledImage image, OutputStream out) throws IOException {
        List<Blob> layers = new ArrayList<>();
        for (Digest layer : image.layers()) {
            progress.report(
                    "reading layer " + layer,
                    0.5 * layers.size() / image.layers().size());
            layers.add(packed(layer, OutputStream.nullOutputStream()));
        }
        byte[] config = JSON.writeValueAsBytes(config(image, layers));
        byte[] manifest = JSON.writeValueAsBytes(manifest(layers, config));
        LayoutWriter tar = new LayoutWriter(out);
        tar.begin(name, ManifestDocument.OCI_MANIFEST, manifest);
        tar.blob(config);
        List<Digest> written = new ArrayList<>();
        for (int i = 0; i < layers.size(); i++) {
            progress.report("writing layer " + image.layers().get(i), 0.5 + 0.5 * i / layers.size());
            if (!written.contains(layers.get(i).digest())) {
                layer(tar, image.layers().get(i), layers.get(i));
                written.add(layers.get(i).digest());
            }
        }
        tar.finish();
        progress.report("image written", 1);
    }

    private void layer(LayoutWriter layout, Digest layer, Blob blob) throws IOException {
        TarWriter tar = layout.begin(blob.digest(), blob.size());
        OutputStream into = new OutputStream() {
            @Override
            public void write(int one) throws IOException {
                write(new byte[] {(byte) one}, 0, 1);
            }

            @Override
            public void write(byte[] bytes, int offset, int length) throws IOException {
                byte[] part = offset == 0 ? bytes : Arrays.copyOfRange(bytes, offset, offset + length);
                tar.write(part, length);
            }
        };
        if (!packed(layer, into).equals(blob)) {
            throw new IOException("layer " + layer + " changed while it was written");
        }
        layout.end();
    }

    private Blob packed(Digest layer, OutputStream out) throws IOException {
        CountedOutput counted = new CountedOutput();
        DigestOutputStream digested = new DigestOutputStream(counted, Digest.sha256());
        OutputStream both = new OutputStream() {
            @Override
            public void write(int one) throws IOException {
                digested.write(one);
                out.write(one);
            }

            @Override
            public void write(byte[] bytes, int offset, int length) throws IOException {
                digested.write(bytes, offset, length);
                out.write(bytes, offset, length);
            }
        };
        BufferedOutputStream buffered = new BufferedOutputStream(both, BUFFER_BYTES);
        new LayerPacker(buffered).pack(store.path(layer));
        buffered.flush();
        return new Blob(Digest.finished(digested.getMessageDigest().digest()), counted.count());
    }

    private static ObjectNode config(PulledImage image, List<Blob> layers) {
        ObjectNode config = JSON.createObjectNode();
        config.put("architecture", RegistryImage.architecture()).put("os", "linux");
        ObjectNode run = config.putObject("config");
        ArrayNode env = run.putArray("Env");
        new TreeMap<>(image.env()).forEach((key, value) -> env.add(key + "=" + value));
        Map.of("User", image.user(), "WorkingDir", image.workdir()).forEach((key, value) -> {
            if (!value.isEmpty()) {
                run.put(key, value);
            }
        });
        ObjectNode root = config.putObject("rootfs").put("type", "layers");
        ArrayNode diffIds = root.putArray("diff_ids");
        layers.forEach(layer -> diffIds.add(layer.digest().toString()));
        return config;
    }

    private static ObjectNode manifest(List<Blob> layers, byte[] config) {
        ObjectNode manifest =
                JSON.createObjectNode().put("schemaVersion", 2).put("mediaType", ManifestDocument.OCI_MANIFEST);
        manifest.set("config", LayoutWriter.descriptor(CONFIG, Digest.of(config), config.length));
        ArrayNode list = manifest.putArray("layers");
        layers.forEach(layer -> list.add(LayoutWriter.descriptor(LAYER, layer.digest(), layer.size())));
        return manifest;
    }
}
