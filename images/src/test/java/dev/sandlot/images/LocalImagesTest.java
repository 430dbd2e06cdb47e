package dev.sandlot.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sandlot.images.LocalImages.LocalImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Images that come as archives are found by their names, go out as they came, and leave nothing. */
@Tag("kernel")
class LocalImagesTest {
    private static final String ARCH = RegistryImage.architecture();
    private static final String LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar";

    @TempDir
    Path temp;

    LayerStore store;
    ContentStore content;
    LocalImages images;

    @BeforeEach
    void open() throws IOException {
        store = LayerStore.open(temp.resolve("pool"), UnpackLimits.DEFAULT);
        content = ContentStore.open(store, RegistryLimits.DEFAULT);
        images = LocalImages.open(content, store);
    }

    @AfterEach
    void close() throws IOException {
        store.close();
    }

    private void reopen() throws IOException {
        store.close();
        open();
    }

    private List<LocalImage> add(byte[] archive, String name) throws IOException, InterruptedException {
        Optional<ImageName> wanted = name.isEmpty() ? Optional.empty() : Optional.of(ImageName.parse(name));
        return images.add(new ImageImport(store, Progress.NONE), new ByteArrayInputStream(archive), wanted);
    }

    private byte[] layer(String path) throws IOException {
        return new Archive(temp).file(path, path).bytes();
    }

    private static String config(String architecture, byte[]... layers) {
        List<String> diffIds = new ArrayList<>();
        for (byte[] layer : layers) {
            diffIds.add("\"" + Digest.of(layer) + "\"");
        }
        return "{\"architecture\":\"" + architecture + "\",\"config\":{\"Env\":[\"A=b\"]},\"rootfs\":{\"diff_ids\":"
                + diffIds + "}}";
    }

    private byte[] saved(String names, byte[] layer) throws IOException {
        return new Archive(temp)
                .file("config.json", config(ARCH, layer))
                .bytes("one/layer.tar", layer)
                .file(
                        "manifest.json",
                        "[{\"Config\":\"config.json\",\"RepoTags\":" + names + ",\"Layers\":[\"one/layer.tar\"]}]")
                .bytes();
    }

    private static ImageName name(String text) {
        return ImageName.parse(text);
    }

    @Test
    void what_docker_save_writes_is_found_by_its_names_also_after_a_restart() throws Exception {
        byte[] layer = layer("a");
        assertThat(add(saved("[\"tool:1\",\"host:5000/team/tool\"]", layer), ""))
                .hasSize(2);
        reopen();
        for (String each : List.of("tool:1", "library/tool:1", "host:5000/team/tool:latest", "host:5000/team/tool")) {
            LocalImage found = images.find(name(each)).orElseThrow();
            assertThat(images.image(found).layers()).containsExactly(Digest.of(layer));
            assertThat(images.image(found).env()).containsEntry("A", "b");
        }
        String digest = images.find(name("tool:1")).orElseThrow().manifest().toString();
        assertThat(images.find(name("tool@" + digest))).isPresent();
        for (String other : List.of("tool", "tool:2", "other@" + digest, "host:5001/team/tool", "team/tool")) {
            assertThat(images.find(name(other))).as(other).isEmpty();
        }
        assertThat(images.layers()).containsExactly(Digest.of(layer));
    }

    /** An index of two platforms, its layer compressed. */
    private byte[] layout(byte[] layer) throws IOException {
        ByteArrayOutputStream zipped = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(zipped)) {
            out.write(layer);
        }
        Map<String, byte[]> blobs = new HashMap<>();
        String ours = manifest(blobs, ARCH, layer, zipped.toByteArray());
        String theirs = manifest(blobs, "s390x", layer, zipped.toByteArray());
        String index = "{\"schemaVersion\":2,\"manifests\":[" + theirs + "," + ours + "]}";
        String outer = put(blobs, "application/vnd.oci.image.index.v1+json", index.getBytes(StandardCharsets.UTF_8));
        String entry =
                outer.replaceFirst("}$", ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"team/tool:1\"}}");
        Archive archive = new Archive(temp)
                .file("oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}")
                .file("index.json", "{\"schemaVersion\":2,\"manifests\":[" + entry + "]}");
        for (Map.Entry<String, byte[]> blob : blobs.entrySet()) {
            archive.bytes("blobs/sha256/" + blob.getKey(), blob.getValue());
        }
        return archive.bytes();
    }

    private static String manifest(Map<String, byte[]> blobs, String architecture, byte[] layer, byte[] packed) {
        String config = put(
                blobs,
                "application/vnd.oci.image.config.v1+json",
                config(architecture, layer).getBytes(StandardCharsets.UTF_8));
        String manifest = "{\"schemaVersion\":2,\"mediaType\":\"" + ManifestDocument.OCI_MANIFEST + "\",\"config\":"
                + config + ",\"layers\":[" + put(blobs, LAYER_TYPE + "+gzip", packed) + "]}";
        return put(blobs, ManifestDocument.OCI_MANIFEST, manifest.getBytes(StandardCharsets.UTF_8))
                .replaceFirst("}$", ",\"platform\":{\"os\":\"linux\",\"architecture\":\"" + architecture + "\"}}");
    }

    private static String put(Map<String, byte[]> blobs, String type, byte[] bytes) {
        blobs.put(Digest.of(bytes).hex(), bytes);
        return "{\"mediaType\":\"" + type + "\",\"digest\":\"" + Digest.of(bytes) + "\",\"size\":" + bytes.length + "}";
    }

    @Test
    void of_several_platforms_this_one_is_taken_and_goes_out_with_its_digests() throws Exception {
        byte[] layer = layer("a");
        LocalImage image = add(layout(layer), "").getFirst();
        assertThat(image.name()).hasToString("team/tool:1");
        assertThat(image.layers()).containsExactly(Digest.of(layer));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        images.export(image, out);
        images.remove(image.name());
        LocalImage back = add(out.toByteArray(), "other:2").getFirst();
        assertThat(back.manifest()).isEqualTo(image.manifest());
        assertThat(back.bytes()).isEqualTo(image.bytes());
        assertThat(images.list()).extracting(each -> each.name().toString()).containsExactly("other:2");
    }

    @Test
    void an_image_that_is_replaced_or_deleted_gives_its_room_back() throws Exception {
        add(saved("[\"tool:1\"]", layer("a")), "");
        LocalImage old = images.list().getFirst();
        LocalImage replaced = add(saved("[\"tool:1\"]", layer("b")), "").getFirst();
        assertThat(replaced.manifest()).isNotEqualTo(old.manifest());
        assertThat(images.image(images.find(name("tool:1")).orElseThrow()).layers())
                .containsExactly(Digest.of(layer("b")));
        assertThat(content()).as("manifest, configuration, layer").hasSize(3);
        assertThat(images.remove(name("tool:1"))).isPresent();
        assertThat(images.remove(name("tool:1"))).isEmpty();
        assertThat(content()).isEmpty();
        assertThat(images.layers()).isEmpty();
    }

    private List<Path> content() throws IOException {
        return ContentFiles.list(temp.resolve("pool/registry/content"));
    }

    @Test
    void what_a_crash_cut_off_goes_when_the_images_are_opened() throws Exception {
        add(saved("[\"kept:1\",\"cut:1\"]", layer("a")), "");
        add(saved("[\"cut:2\"]", layer("b")), "");
        for (String cut : List.of("cut:1", "cut:2")) {
            Files.delete(temp.resolve("pool/registry/imported")
                    .resolve(Digest.of(cut.getBytes(StandardCharsets.UTF_8)).hex()));
        }
        Files.writeString(temp.resolve("pool/registry/imported/half.new"), "{");
        reopen();
        assertThat(images.list()).extracting(each -> each.name().toString()).containsExactly("kept:1");
        assertThat(content()).hasSize(3);
        assertThat(temp.resolve("pool/registry/imported/half.new")).doesNotExist();
        assertThat(images.image(images.list().getFirst()).layers()).containsExactly(Digest.of(layer("a")));
    }

    @Test
    void archives_that_name_nothing_or_too_much_are_refused_and_leave_nothing() throws Exception {
        refused(saved("null", layer("a")), "", "does not say what its image is called");
        refused(saved("[\"Not A Name\"]", layer("a")), "", "not an image reference");
        byte[] two = new Archive(temp)
                .file("config.json", config(ARCH, layer("a")))
                .bytes("a.tar", layer("a"))
                .file(
                        "manifest.json",
                        "[{\"Config\":\"config.json\",\"Layers\":[\"a.tar\"]},"
                                + "{\"Config\":\"config.json\",\"Layers\":[\"a.tar\"]}]")
                .bytes();
        refused(two, "tool:1", "2 images");
        refused("no archive at all".getBytes(StandardCharsets.UTF_8), "tool:1", "");
        byte[] whole = saved("[\"tool:1\"]", layer("a"));
        refused(Arrays.copyOf(whole, whole.length / 2), "", "");
        assertThat(images.list()).isEmpty();
        assertThat(content()).isEmpty();
        assertThat(temp.resolve("pool/staging")).isEmptyDirectory();
    }

    private void refused(byte[] archive, String name, String reason) {
        assertThatThrownBy(() -> add(archive, name))
                .isInstanceOfAny(BadLayerException.class, ImageRefusedException.class)
                .hasMessageContaining(reason);
    }
}
