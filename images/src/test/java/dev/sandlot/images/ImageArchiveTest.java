package dev.sandlot.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Images in and out as archives, the flattened root, and the collection of layers. */
@Tag("kernel")
class ImageArchiveTest {
    private static final String ARCH = RegistryImage.architecture();

    @TempDir
    Path temp;

    LayerStore store;

    @BeforeEach
    void open() throws IOException {
        store = LayerStore.open(temp.resolve("pool"), UnpackLimits.DEFAULT);
    }

    @AfterEach
    void close() throws IOException {
        store.close();
    }

    @Test
    void an_exported_image_comes_back_the_same_in_another_store() throws Exception {
        PulledImage image = image();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        List<Double> fractions = new ArrayList<>();
        new ImageExport(store, (_, fraction) -> fractions.add(fraction)).write("team/tool:1", image, out);
        assertThat(fractions).isSorted().contains(1.0);
        try (LayerStore other = LayerStore.open(temp.resolve("other"), UnpackLimits.DEFAULT)) {
            List<ImageImport.Imported> back =
                    read(new ImageImport(other, Progress.NONE), new ByteArrayInputStream(out.toByteArray()));
            assertThat(back).hasSize(1);
            assertThat(back.getFirst().names()).containsExactly("team/tool:1");
            assertThat(back.getFirst().image().env()).isEqualTo(image.env());
            assertThat(root(other, back.getFirst().image().layers())).isEqualTo(root(store, image.layers()));
        }
    }

    @Test
    void what_docker_save_writes_is_read_with_its_links_between_layers() throws Exception {
        byte[] layer = new Archive(temp).file("a", "1").bytes();
        String config = config(layer, layer);
        byte[] saved = new Archive(temp)
                .file("config.json", config)
                .bytes("one/layer.tar", layer)
                .symlink("two/layer.tar", "../one/layer.tar")
                .file(
                        "manifest.json",
                        "[{\"Config\":\"config.json\",\"RepoTags\":[\"tool:1\",\"tool:2\"],"
                                + "\"Layers\":[\"one/layer.tar\",\"two/layer.tar\"]}]")
                .bytes();
        ByteArrayOutputStream zipped = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(zipped)) {
            out.write(saved);
        }
        List<ImageImport.Imported> images =
                read(new ImageImport(store, Progress.NONE), new ByteArrayInputStream(zipped.toByteArray()));
        assertThat(images.getFirst().names()).containsExactly("tool:1", "tool:2");
        assertThat(images.getFirst().image().layers()).containsExactly(Digest.of(layer), Digest.of(layer));
    }

    @Test
    void hostile_archives_of_images_are_refused_and_leave_nothing() throws Exception {
        byte[] layer = new Archive(temp).file("a", "1").bytes();
        byte[] other = new Archive(temp).file("b", "1").bytes();
        byte[] device =
                new Archive(temp).bare(TarEntry.Type.BLOCK_DEVICE, "sda", "").bytes();
        refused(saved(config(other), layer), "and not " + Digest.of(other));
        refused(saved(config(device), device), "device node");
        refused(saved(config(layer, layer), layer), "1 layers but 2 diff IDs");
        refused(saved("{", layer), "no JSON");
        refused(saved(config(layer).replace("sha256:", "md5:"), layer), "not a SHA-256 digest");
        refused(new Archive(temp).file("../x", "1"), "goes upwards");
        refused(new Archive(temp).symlink("manifest.json", "manifest.json"), "is missing in the archive");
        refused(new Archive(temp).symlink("manifest.json", "../../../etc/passwd"), "is missing in the archive");
        refused(new Archive(temp).file("x", "1"), "'index.json' is missing");
        refused(
                new Archive(temp)
                        .file("index.json", "{\"manifests\":[{\"digest\":\"" + Digest.of(layer) + "\"}]}")
                        .file("blobs/sha256/" + Digest.of(layer).hex(), "{}"),
                "in the place of");
        assertThatThrownBy(() -> read(
                        new ImageImport(store, Progress.NONE, new UnpackLimits(10, 100, 5000)),
                        saved(config(layer), new byte[10_000]).stream()))
                .isInstanceOf(BadLayerException.class)
                .hasMessageContaining("larger than 5000 bytes");
        assertThat(store.list()).isEmpty();
        assertThat(temp.resolve("pool/staging")).isEmptyDirectory();
    }

    @Test
    void an_image_for_other_machines_is_refused() throws Exception {
        byte[] layer = new Archive(temp).file("a", "1").bytes();
        assertThatThrownBy(() -> read(
                        new ImageImport(store, Progress.NONE),
                        saved(config(layer).replace(ARCH, "s390x"), layer).stream()))
                .isInstanceOf(ImageRefusedException.class)
                .hasMessageContaining("no image for linux/" + ARCH);
    }

    @Test
    void the_flattened_root_is_what_a_sandbox_would_find() throws Exception {
        Map<String, String> root = root(store, image().layers());
        assertThat(root)
                .containsEntry("etc/changed", "upper")
                .containsEntry("etc/kept", "lower")
                .containsEntry("opaque/new", "1")
                .containsEntry("link", "-> etc/kept")
                .containsEntry("again", "= etc/kept2")
                .doesNotContainKeys("etc/gone", "opaque/old", "dir/below", "etc/.wh.gone")
                .containsEntry("dir", "file now");
    }

    @Test
    void one_layer_that_stands_for_several_hides_what_they_hid() throws Exception {
        List<Digest> bottom = image().layers();
        byte[] first = new Archive(temp)
                .file("etc/.wh.kept", "")
                .file("made", "1")
                .file("turned", "file")
                .directory("opaque/")
                .file("opaque/third", "1")
                .hardLink("twin", "made")
                .bytes();
        byte[] second = new Archive(temp)
                .file(".wh.link", "")
                .file("opaque/.wh..wh..opq", "")
                .file("opaque/fourth", "1")
                .directory("turned/")
                .file("turned/inside", "1")
                .directory("dir/")
                .file("dir/back", "1")
                .file("etc/kept", "back")
                .file("attributed", "1", Map.of("user.note", "n"))
                .bytes();
        List<Digest> upper = List.of(
                store.add(new ByteArrayInputStream(first)).diffId(),
                store.add(new ByteArrayInputStream(second)).diffId());
        List<Digest> all = new ArrayList<>(bottom);
        all.addAll(upper);
        List<Digest> merged = new ArrayList<>(bottom);
        merged.add(store.merge(upper).diffId());
        assertThat(root(store, merged))
                .isEqualTo(root(store, all))
                .containsEntry("etc/kept", "back")
                .containsEntry("turned/inside", "1")
                .containsKeys("opaque/fourth", "dir/back")
                .doesNotContainKeys("link", "opaque/new", "opaque/third");
        List<Digest> one = List.of(store.merge(all).diffId());
        assertThat(root(store, one)).isEqualTo(root(store, all));
        assertThat(temp.resolve("pool/staging")).isEmptyDirectory();
    }

    @Test
    void files_are_read_through_the_layers_with_links_inside_of_them() throws Exception {
        MergedTree tree = new MergedTree(store, image().layers());
        assertThat(tree.read("/etc/changed", 3)).contains("upp".getBytes(StandardCharsets.UTF_8));
        assertThat(tree.read("/link", 100)).contains("lower".getBytes(StandardCharsets.UTF_8));
        assertThat(tree.read("/out", 100)).contains("lower".getBytes(StandardCharsets.UTF_8));
        for (String missing : List.of("/etc/gone", "/opaque/old", "/etc", "/loop", "/nothing", "/dir/below")) {
            assertThat(tree.read(missing, 100)).as(missing).isEmpty();
        }
    }

    @Test
    void collecting_spares_what_is_referred_to_and_what_was_used_lately() throws Exception {
        List<Digest> layers = new ArrayList<>();
        for (String name : List.of("live", "used", "unused")) {
            layers.add(store.add(new Archive(temp).file(name, "1").stream()).diffId());
        }
        assertThat(store.collect(Set.of(), Duration.ofMinutes(10))).isEmpty();
        store.close();
        store = LayerStore.open(temp.resolve("pool"), UnpackLimits.DEFAULT);
        age(layers);
        assertThat(store.has(layers.get(1))).isTrue();
        List<LayerRecord> removed = store.collect(Set.of(layers.get(0)), Duration.ofMinutes(10));
        assertThat(removed).extracting(LayerRecord::diffId).containsExactly(layers.get(2));
        assertThat(store.list())
                .extracting(LayerRecord::diffId)
                .containsExactlyInAnyOrder(layers.get(0), layers.get(1));
        assertThat(temp.resolve("pool/staging")).isEmptyDirectory();
    }

    /** As if they had been made an hour ago. */
    private void age(List<Digest> layers) throws IOException {
        for (Digest layer : layers) {
            Path record = temp.resolve("pool/layers").resolve(layer.hex()).resolve("layer.json");
            String old = Instant.now().minus(Duration.ofHours(1)).toString();
            Files.writeString(
                    record,
                    Files.readString(record).replaceAll("\"created\":\"[^\"]*\"", "\"created\":\"" + old + "\""));
        }
    }

    private PulledImage image() throws IOException {
        byte[] lower = new Archive(temp)
                .directory("etc/")
                .file("etc/changed", "lower")
                .file("etc/kept", "lower")
                .file("etc/kept2", "two")
                .hardLink("again", "etc/kept2")
                .file("etc/gone", "lower")
                .file("opaque/old", "1")
                .file("dir/below", "1")
                .symlink("link", "etc/kept")
                .symlink("out", "../../../etc/kept")
                .symlink("loop", "loop")
                .bytes();
        byte[] upper = new Archive(temp)
                .file("etc/changed", "upper")
                .file("etc/.wh.gone", "")
                .file("opaque/.wh..wh..opq", "")
                .file("opaque/new", "1")
                .file("dir", "file now")
                .bytes();
        List<Digest> layers = List.of(
                store.add(new ByteArrayInputStream(lower)).diffId(),
                store.add(new ByteArrayInputStream(upper)).diffId());
        return new PulledImage(layers, Map.of("PATH", "/bin", "A", "b=c"), "me", "/srv");
    }

    private static Map<String, String> root(LayerStore store, List<Digest> layers) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        RootArchive.write(store, layers, out, Progress.NONE);
        Map<String, String> root = new HashMap<>();
        try (TarArchiveInputStream in = new TarArchiveInputStream(new ByteArrayInputStream(out.toByteArray()))) {
            for (TarArchiveEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
                String content = new String(in.readAllBytes(), StandardCharsets.UTF_8);
                String link = entry.isSymbolicLink() ? "-> " + entry.getLinkName() : "";
                String hard = entry.isLink() ? "= " + entry.getLinkName() : "";
                root.put(entry.getName(), content + link + hard);
            }
        }
        // Which of two names comes first is up to the order of names.
        if ("two".equals(root.get("again"))) {
            root.put("again", "= etc/kept2");
        }
        return root;
    }

    private Archive saved(String config, byte[]... layers) throws IOException {
        Archive archive = new Archive(temp).file("config.json", config);
        List<String> names = new ArrayList<>();
        for (int i = 0; i < layers.length; i++) {
            archive.bytes(i + ".tar", layers[i]);
            names.add("\"" + i + ".tar\"");
        }
        return archive.file("manifest.json", "[{\"Config\":\"config.json\",\"Layers\":" + names + "}]");
    }

    private static String config(byte[]... layers) {
        List<String> diffIds = new ArrayList<>();
        for (byte[] layer : layers) {
            diffIds.add("\"" + Digest.of(layer) + "\"");
        }
        return "{\"architecture\":\"" + ARCH + "\",\"rootfs\":{\"diff_ids\":" + diffIds + "}}";
    }

    private static List<ImageImport.Imported> read(ImageImport reader, InputStream archive)
            throws IOException, InterruptedException {
        List<ImageImport.Imported> images = new ArrayList<>();
        reader.read(archive, images::addAll);
        return images;
    }

    private void refused(Archive archive, String reason) {
        assertThatThrownBy(() -> read(new ImageImport(store, Progress.NONE), archive.stream()))
                .isInstanceOf(BadLayerException.class)
                .hasMessageContaining(reason);
    }
}
