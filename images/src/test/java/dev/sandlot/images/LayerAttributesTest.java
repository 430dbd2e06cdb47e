package dev.sandlot.images;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.linux.Fd;
import dev.sandlot.linux.FileStatus;
import dev.sandlot.linux.FileTree;
import dev.sandlot.linux.Xattrs;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What only root can put on a file. */
@Tag("kernel")
class LayerAttributesTest {
    private static final String NET_RAW = "0100000200200000000000000000000000000000";
    private static final String NET_RAW_OF_NAMESPACE = "0100000300200000000000000000000000000000a0860100";

    @TempDir
    Path temp;

    Path tree;

    @BeforeEach
    void directory() throws IOException {
        tree = Files.createDirectory(temp.resolve("tree"));
    }

    @Test
    void a_whiteout_becomes_the_device_that_overlayfs_knows() throws IOException {
        unpack(archive().file("d/.wh.gone", ""));
        assertThat(stat("d", "gone").isWhiteout()).isTrue();
        assertThat(tree.resolve("d/.wh.gone")).doesNotExist();
    }

    @Test
    void an_opaque_directory_gets_the_mark_of_overlayfs() throws IOException {
        unpack(archive().directory("d/").file("d/.wh..wh..opq", "").file("d/f", "x"));
        assertThat(xattr("", "d", "trusted.overlay.opaque")).asString().isEqualTo("y");
        assertThat(tree.resolve("d").toFile().list()).containsExactly("f");
    }

    @Test
    void a_whiteout_below_a_link_is_in_the_directory_it_leads_to() throws IOException {
        unpack(archive().directory("usr/lib/").symlink("lib", "usr/lib").file("lib/.wh.gone", ""));
        assertThat(stat("usr/lib", "gone").isWhiteout()).isTrue();
    }

    @Test
    void a_whiteout_does_not_delete_what_its_own_layer_has() throws IOException {
        unpack(archive().file("f", "x").file(".wh.f", "").file("d/g", "x").file(".wh.d", ""));
        assertThat(tree.resolve("f")).hasContent("x");
        assertThat(tree.resolve("d/g")).hasContent("x");
        assertThat(xattr("", "d", "trusted.overlay.opaque")).asString().isEqualTo("y");
    }

    @Test
    void a_directory_after_its_whiteout_hides_the_layers_below() throws IOException {
        unpack(archive().file(".wh.d", "").file("d/g", "x"));
        assertThat(tree.resolve("d/g")).hasContent("x");
        assertThat(xattr("", "d", "trusted.overlay.opaque")).asString().isEqualTo("y");
    }

    @Test
    void whiteouts_survive_packing() throws IOException {
        unpack(archive().directory("d/").file("d/.wh..wh..opq", "").file(".wh.gone", ""));
        byte[] packed = packed(tree);
        Path second = Files.createDirectory(temp.resolve("second"));
        new LayerUnpacker(UnpackLimits.DEFAULT).unpack(new ByteArrayInputStream(packed), second);
        assertThat(packed(second)).isEqualTo(packed);
        tree = second;
        assertThat(stat("", "gone").isWhiteout()).isTrue();
        assertThat(xattr("", "d", "trusted.overlay.opaque")).asString().isEqualTo("y");
    }

    @Test
    void user_attributes_survive_byte_by_byte() throws IOException {
        String value = latin("00ff80e2280a3d31");
        unpack(archive().file("f", "x", Map.of("user.a", value, "user.b", "")));
        assertThat(xattr("", "f", "user.a")).isEqualTo(value.getBytes(StandardCharsets.ISO_8859_1));
        Path second = Files.createDirectory(temp.resolve("second"));
        new LayerUnpacker(UnpackLimits.DEFAULT).unpack(new ByteArrayInputStream(packed(tree)), second);
        tree = second;
        assertThat(xattr("", "f", "user.a")).isEqualTo(value.getBytes(StandardCharsets.ISO_8859_1));
        assertThat(xattr("", "f", "user.b")).isEmpty();
    }

    @Test
    void capabilities_are_those_of_the_container_root() throws IOException {
        unpack(archive()
                .file("own", "x", Map.of("security.capability", latin(NET_RAW)))
                .file("other", "x", Map.of("security.capability", latin(NET_RAW_OF_NAMESPACE))));
        assertThat(HexFormat.of().formatHex(xattr("", "own", "security.capability")))
                .isEqualTo(NET_RAW);
        assertThat(HexFormat.of().formatHex(xattr("", "other", "security.capability")))
                .isEqualTo(NET_RAW);
    }

    @Test
    void attributes_that_steer_overlayfs_are_left_out() throws IOException {
        unpack(archive().file("f", "x", Map.of("trusted.overlay.redirect", "/", "trusted.overlay.opaque", "y")));
        try (Fd root = FileTree.directory(tree.toString())) {
            assertThat(Xattrs.list(root, "f")).isEmpty();
        }
    }

    @Test
    void owners_and_set_user_id_bits_are_kept() throws IOException {
        TarEntry sudo = new TarEntry(TarEntry.Type.FILE, "sudo", "", 06755, 0, 65535, 0, 0, 0, Map.of());
        unpack(archive().entry(sudo));
        FileStatus stat = stat("", "sudo");
        assertThat(stat.mode()).isEqualTo(06755);
        assertThat(stat.uid()).isZero();
        assertThat(stat.gid()).isEqualTo(65535);
    }

    @Test
    void reads_what_gnu_tar_writes() throws Exception {
        Path source = Files.createDirectory(temp.resolve("source"));
        Files.writeString(source.resolve("f"), "content");
        Files.createSymbolicLink(source.resolve("s"), Path.of("f"));
        try (Fd root = FileTree.directory(source.toString())) {
            Xattrs.set(root, "f", "user.k", "v".getBytes(StandardCharsets.UTF_8));
        }
        Path tar = temp.resolve("gnu.tar");
        run("tar", "--xattrs", "--format=pax", "-C", source.toString(), "-cf", tar.toString(), ".");
        new LayerUnpacker(UnpackLimits.DEFAULT).unpack(Files.newInputStream(tar), tree);
        assertThat(tree.resolve("f")).hasContent("content");
        assertThat(xattr("", "f", "user.k")).asString().isEqualTo("v");
    }

    @Test
    void gnu_tar_reads_what_we_write() throws Exception {
        unpack(archive()
                .file("d/" + "n".repeat(150), "x", Map.of("user.k", "v"))
                .symlink("s", "f"));
        Path tar = temp.resolve("ours.tar");
        Files.write(tar, packed(tree));
        Path second = Files.createDirectory(temp.resolve("second"));
        run("tar", "--xattrs", "-C", second.toString(), "-xpf", tar.toString());
        assertThat(packed(second)).isEqualTo(packed(tree));
    }

    private static void run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).inheritIO().start();
        assertThat(process.waitFor()).isZero();
    }

    private Archive archive() throws IOException {
        return new Archive(temp);
    }

    private void unpack(Archive archive) throws IOException {
        new LayerUnpacker(UnpackLimits.DEFAULT).unpack(archive.stream(), tree);
    }

    private static byte[] packed(Path directory) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        new LayerPacker(out).pack(directory);
        return out.toByteArray();
    }

    private FileStatus stat(String directory, String name) throws IOException {
        try (Fd in = FileTree.directory(tree.resolve(directory).toString())) {
            return FileTree.status(in, name);
        }
    }

    private byte[] xattr(String directory, String name, String attribute) throws IOException {
        try (Fd in = FileTree.directory(tree.resolve(directory).toString())) {
            return Xattrs.get(in, name, attribute);
        }
    }

    private static String latin(String hex) {
        return new String(HexFormat.of().parseHex(hex), StandardCharsets.ISO_8859_1);
    }
}
