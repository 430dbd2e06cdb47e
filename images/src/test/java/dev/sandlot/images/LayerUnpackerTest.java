package dev.sandlot.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.Zstd;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Arrays;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class LayerUnpackerTest {
    private static final UnpackLimits SMALL = new UnpackLimits(10, 200, 64 * 1024);

    @TempDir
    Path temp;

    Path tree;
    Path outside;

    @BeforeEach
    void directories() throws IOException {
        tree = Files.createDirectory(temp.resolve("tree"));
        outside = Files.createDirectory(temp.resolve("outside"));
        Files.writeString(outside.resolve("secret"), "untouched");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/etc/passwd", "../outside/evil", "a/../../outside/evil", "a/..", "..", "//x"})
    void refuses_paths_that_leave_the_tree(String path) throws IOException {
        refused(archive().file(path, "evil"), "path");
    }

    @Test
    void refuses_a_parent_that_is_a_link_to_the_outside() throws IOException {
        refused(archive().symlink("link", outside.toString()).file("link/evil", "evil"), "not a directory");
    }

    @Test
    void refuses_a_parent_that_is_a_relative_link_upwards() throws IOException {
        refused(archive().symlink("link", "..").file("link/outside/evil", "evil"), "not a directory");
    }

    @Test
    void refuses_a_missing_directory_below_a_link() throws IOException {
        refused(archive().symlink("link", outside.toString()).file("link/new/evil", "evil"), "not a directory");
    }

    @Test
    void refuses_a_directory_below_a_link() throws IOException {
        refused(archive().symlink("link", outside.toString()).directory("link/new"), "not a directory");
    }

    @ParameterizedTest
    @ValueSource(strings = {"usr/lib", "./usr/../usr/lib", "/usr/lib", "../../usr/lib"})
    void a_parent_that_is_a_link_leads_to_the_directory_of_the_same_layer(String target) throws IOException {
        unpack(archive().directory("usr/lib/").symlink("lib", target).file("lib/f", "x"));
        assertThat(tree.resolve("usr/lib/f")).hasContent("x");
        assertThat(tree.resolve("lib")).isSymbolicLink();
    }

    @Test
    void a_chain_of_links_and_directories_is_followed_inside_the_layer() throws IOException {
        unpack(archive()
                .directory("a/b/")
                .symlink("a/up", "../one")
                .symlink("one", "/a")
                .directory("a/up/b/new")
                .file("a/up/b/new/f", "x"));
        assertThat(tree.resolve("a/b/new/f")).hasContent("x");
        assertThat(modified("a/b/new")).isEqualTo(Instant.ofEpochSecond(1_600_000_000L, 5));
    }

    @Test
    void a_directory_the_archive_left_out_is_made_behind_a_link() throws IOException {
        unpack(archive().directory("usr/lib/").symlink("lib", "usr/lib").file("lib/new/f", "x"));
        assertThat(tree.resolve("usr/lib/new/f")).hasContent("x");
    }

    @Test
    void a_parent_that_only_lower_layers_have_becomes_a_directory() throws IOException {
        unpack(archive().file("lib/f", "x"));
        assertThat(Files.isDirectory(tree.resolve("lib"), LinkOption.NOFOLLOW_LINKS))
                .isTrue();
        assertThat(tree.resolve("lib/f")).hasContent("x");
    }

    @Test
    void hard_links_are_made_through_links_of_the_layer() throws IOException {
        unpack(archive()
                .symlink("lib", "usr/lib")
                .file("usr/lib/f", "x")
                .hardLink("g", "lib/f")
                .hardLink("lib/f", "usr/lib/f"));
        assertThat(tree.resolve("g")).hasContent("x");
        assertThat(Files.getAttribute(tree.resolve("usr/lib/f"), "unix:nlink")).isEqualTo(2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"nowhere", "link", "../outside", "/proc/self/root/tmp", "file"})
    void refuses_a_parent_that_is_a_link_to_no_directory_of_the_layer(String target) throws IOException {
        refused(archive().file("file", "").symlink("link", target).file("link/evil", "evil"), "not a directory");
        assertThat(tree.toFile().list()).containsExactlyInAnyOrder("file", "link");
    }

    @Test
    void a_link_above_the_root_stays_in_the_layer() throws IOException {
        unpack(archive().directory("outside/").symlink("up", "../..").file("up/outside/f", "mine"));
        assertThat(tree.resolve("outside/f")).hasContent("mine");
        assertThat(outside.toFile().list()).containsExactly("secret");
    }

    @Test
    void a_directory_that_was_made_behind_a_link_may_be_replaced() throws IOException {
        unpack(archive()
                .directory("usr/lib/")
                .symlink("lib", "usr/lib")
                .directory("lib/d/")
                .file("usr/lib/d", "now a file"));
        assertThat(tree.resolve("usr/lib/d")).hasContent("now a file");
    }

    @Test
    void a_file_in_the_place_of_a_link_is_not_written_through_it() throws IOException {
        unpack(archive().symlink("link", outside.resolve("secret").toString()).file("link", "mine"));
        assertThat(tree.resolve("link")).isRegularFile().hasContent("mine");
        assertThat(outside.resolve("secret")).hasContent("untouched");
    }

    @Test
    void a_directory_in_the_place_of_a_link_does_not_change_its_target() throws IOException {
        Object before = Files.getAttribute(outside, "unix:mode");
        unpack(archive()
                .symlink("link", outside.toString())
                .entry(new TarEntry(
                        TarEntry.Type.DIRECTORY, "link/", "", 0777, owner("uid"), owner("gid"), 0, 0, 0, Map.of())));
        assertThat(Files.isDirectory(tree.resolve("link"), LinkOption.NOFOLLOW_LINKS))
                .isTrue();
        assertThat(Files.getAttribute(outside, "unix:mode")).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(strings = {"../outside/secret", "/etc/passwd", "nowhere", "link/secret", "directory"})
    void refuses_hard_links_to_anything_but_files_of_the_layer(String target) throws IOException {
        Archive archive = archive()
                .directory("directory")
                .symlink("link", outside.toString())
                .hardLink("stolen", target);
        assertThatThrownBy(() -> unpack(archive)).isInstanceOf(BadLayerException.class);
        assertThat(tree.resolve("stolen")).doesNotExist();
        assertThat(Files.getAttribute(outside.resolve("secret"), "unix:nlink")).isEqualTo(1);
    }

    @ParameterizedTest
    @EnumSource(
            value = TarEntry.Type.class,
            names = {"CHARACTER_DEVICE", "BLOCK_DEVICE"})
    void refuses_device_nodes(TarEntry.Type type) throws IOException {
        refused(archive().bare(type, "dev/null", ""), "device node");
    }

    @Test
    void refuses_too_many_entries() throws IOException {
        Archive archive = archive();
        for (int i = 0; i <= SMALL.entries(); i++) {
            archive.file("f" + i, "");
        }
        refused(archive, "more than 10 entries");
    }

    @Test
    void refuses_a_path_that_is_too_long() throws IOException {
        refused(archive().file("d/".repeat(100) + "f", ""), "a path of 201 bytes");
    }

    @Test
    void refuses_a_name_that_is_too_long() throws IOException {
        assertThatThrownBy(() -> new LayerUnpacker(UnpackLimits.DEFAULT)
                        .unpack(archive().file("n".repeat(256), "").stream(), tree))
                .isInstanceOf(BadLayerException.class)
                .hasMessageContaining("longer than 255");
    }

    @Test
    void refuses_a_giant_size_before_it_writes_anything() throws IOException {
        byte[] header = Arrays.copyOf(headerOf(8L << 30), 4096);
        refused(header, "larger than");
        assertThat(tree.resolve("giant")).doesNotExist();
    }

    @Test
    void refuses_a_compressed_bomb() throws IOException {
        byte[] zeros = new byte[10 << 20];
        byte[] head = archive().bytes();
        byte[] bomb = Arrays.copyOf(head, head.length + zeros.length);
        refused(gzip(bomb), "larger than");
    }

    @Test
    void refuses_sparse_files_of_both_kinds() throws IOException {
        byte[] old = archive().file("f", "x").bytes();
        old[1024 + 156] = 'S';
        fixChecksum(old, 1024);
        refused(old, "sparse");

        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (TarArchiveOutputStream tar = new TarArchiveOutputStream(out)) {
            TarArchiveEntry entry = new TarArchiveEntry("f");
            entry.addPaxHeader("GNU.sparse.major", "1");
            entry.setSize(0);
            tar.putArchiveEntry(entry);
            tar.closeArchiveEntry();
        }
        refused(out.toByteArray(), "sparse");
    }

    @Test
    void refuses_an_archive_that_is_cut_off() throws IOException {
        byte[] whole = archive().file("f", "x".repeat(2000)).bytes();
        refused(Arrays.copyOf(whole, 1024 + 512 + 700), "cut off");
    }

    @Test
    void refuses_a_file_that_is_no_archive() {
        refused("hello".repeat(500).getBytes(StandardCharsets.UTF_8), "not a tar archive");
    }

    @Test
    void refuses_a_giant_extended_header() throws IOException {
        byte[] bytes = headerOf(64 << 20);
        bytes[156] = 'L';
        fixChecksum(bytes, 0);
        refused(Arrays.copyOf(bytes, 4096), "extended header of");
    }

    @Test
    void refuses_a_zero_byte_in_a_path() throws IOException {
        refused(archive().file("a\0b" + "c".repeat(100), "x"), "zero byte");
    }

    @Test
    void refuses_owners_that_no_sandbox_has() throws IOException {
        refused(
                archive().entry(new TarEntry(TarEntry.Type.FILE, "f", "", 0644, 65536, 0, 0, 0, 0, Map.of())),
                "owner 65536");
    }

    @Test
    void the_later_of_two_entries_with_one_name_wins() throws IOException {
        unpack(archive().file("f", "first").hardLink("g", "f").file("f", "second"));
        assertThat(tree.resolve("f")).hasContent("second");
        assertThat(tree.resolve("g")).hasContent("first");
    }

    @Test
    void a_directory_that_is_not_empty_is_not_replaced() throws IOException {
        assertThatThrownBy(() -> unpack(archive().file("d/f", "x").symlink("d", "/")))
                .isInstanceOf(BadLayerException.class)
                .hasMessageContaining("cannot be placed");
        assertThat(tree.resolve("d/f")).hasContent("x");
    }

    @Test
    void directories_the_archive_left_out_are_made() throws IOException {
        unpack(archive().file("a/b/c", "deep"));
        assertThat(tree.resolve("a/b/c")).hasContent("deep");
        assertThat(Files.getPosixFilePermissions(tree.resolve("a/b"))).hasSize(7);
    }

    @Test
    void keeps_modes_links_and_times_to_the_nanosecond() throws IOException {
        unpack(archive().directory("d/").file("d/f", "x").hardLink("d/g", "d/f").symlink("d/s", "../../anywhere"));
        assertThat(modified("d/f")).isEqualTo(Instant.ofEpochSecond(1_700_000_000L, 123_456_789));
        assertThat(modified("d")).isEqualTo(Instant.ofEpochSecond(1_600_000_000L, 5));
        assertThat(modified("d/s")).isEqualTo(Instant.ofEpochSecond(1_600_000_000L, 5));
        assertThat((int) Files.getAttribute(tree.resolve("d/f"), "unix:mode") & 07777)
                .isEqualTo(0640);
        assertThat(Files.getAttribute(tree.resolve("d/g"), "unix:nlink")).isEqualTo(2);
        assertThat(Files.readSymbolicLink(tree.resolve("d/s"))).hasToString("../../anywhere");
    }

    @Test
    void plain_gzip_and_zstd_archives_give_the_same_digest() throws IOException {
        byte[] plain = archive().file("f", "content").bytes();
        Digest digest = Digest.of(plain);
        for (byte[] form : new byte[][] {plain, gzip(plain), Zstd.compress(plain)}) {
            Path directory = Files.createTempDirectory(temp, "form");
            InputStream in = new ByteArrayInputStream(form);
            assertThat(new LayerUnpacker(SMALL).unpack(in, directory).diffId()).isEqualTo(digest);
            assertThat(directory.resolve("f")).hasContent("content");
        }
    }

    @Test
    void the_digest_covers_what_follows_the_archive() throws IOException {
        byte[] padded = Arrays.copyOf(archive().file("f", "x").bytes(), 20 * 512);
        assertThat(new LayerUnpacker(SMALL)
                        .unpack(new ByteArrayInputStream(padded), tree)
                        .diffId())
                .isEqualTo(Digest.of(padded));
    }

    @Test
    void reads_what_other_writers_make_of_long_names() throws IOException {
        for (int mode : new int[] {TarArchiveOutputStream.LONGFILE_GNU, TarArchiveOutputStream.LONGFILE_POSIX}) {
            Path directory = Files.createTempDirectory(temp, "mode");
            String name = "é".repeat(60) + "/" + "n".repeat(90);
            new LayerUnpacker(UnpackLimits.DEFAULT).unpack(new ByteArrayInputStream(commons(name, mode)), directory);
            try (var files = Files.walk(directory)) {
                assertThat(files.filter(Files::isRegularFile))
                        .singleElement()
                        .satisfies(file -> assertThat(file).hasContent("long"));
            }
        }
    }

    private byte[] commons(String name, int longFileMode) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (TarArchiveOutputStream tar = new TarArchiveOutputStream(out, "UTF-8")) {
            tar.setLongFileMode(longFileMode);
            TarArchiveEntry entry = new TarArchiveEntry(name);
            entry.setIds(owner("uid"), owner("gid"));
            entry.setSize(4);
            tar.putArchiveEntry(entry);
            tar.write("long".getBytes(StandardCharsets.UTF_8));
            tar.closeArchiveEntry();
        }
        return out.toByteArray();
    }

    private Archive archive() throws IOException {
        return new Archive(temp);
    }

    private int owner(String which) throws IOException {
        return (int) Files.getAttribute(temp, "unix:" + which);
    }

    private Instant modified(String path) throws IOException {
        FileTime time = Files.getLastModifiedTime(tree.resolve(path), LinkOption.NOFOLLOW_LINKS);
        return time.toInstant();
    }

    private void unpack(Archive archive) throws IOException {
        new LayerUnpacker(SMALL).unpack(archive.stream(), tree);
    }

    private void refused(Archive archive, String reason) throws IOException {
        refused(archive.bytes(), reason);
    }

    private void refused(byte[] archive, String reason) {
        assertThatThrownBy(() -> new LayerUnpacker(SMALL).unpack(new ByteArrayInputStream(archive), tree))
                .isInstanceOf(BadLayerException.class)
                .hasMessageContaining(reason);
        assertThat(outside).isDirectoryContaining(path -> path.endsWith("secret"));
        assertThat(outside.toFile().list()).containsExactly("secret");
        assertThat(outside.resolve("secret")).hasContent("untouched");
        assertThat(temp.toFile().list()).containsExactlyInAnyOrder("tree", "outside");
    }

    private byte[] headerOf(long size) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        new TarWriter(out).begin(new TarEntry(TarEntry.Type.FILE, "giant", "", 0644, 0, 0, size, 0, 0, Map.of()));
        return out.toByteArray();
    }

    private static void fixChecksum(byte[] tar, int header) {
        Arrays.fill(tar, header + 148, header + 156, (byte) ' ');
        int sum = 0;
        for (int i = header; i < header + 512; i++) {
            sum += tar[i] & 0xff;
        }
        byte[] digits = "%06o\0 ".formatted(sum).getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(digits, 0, tar, header + 148, 8);
    }

    private static byte[] gzip(byte[] bytes) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(bytes);
        }
        return out.toByteArray();
    }
}
