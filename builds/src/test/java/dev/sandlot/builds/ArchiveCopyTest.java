package dev.sandlot.builds;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sandlot.images.UnpackLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** template-build.md 5.5 and 6. */
@Tag("kernel")
class ArchiveCopyTest {
    @TempDir
    Path temp;

    DirectorySandbox sandbox;
    Path root;

    @BeforeEach
    void make() throws IOException {
        sandbox = new DirectorySandbox(temp.resolve("root"));
        root = sandbox.root;
    }

    @AfterEach
    void close() {
        sandbox.close();
    }

    @Test
    void a_file_goes_to_the_exact_target_with_parents_made() throws Exception {
        copy(new Upload().file("src/app.py", "print()", 0640), "src/app.py", "/opt/tools/main.py");
        assertThat(root.resolve("opt/tools/main.py")).hasContent("print()");
        assertThat(owner("opt/tools/main.py")).isEqualTo("1000:1000");
        assertThat(mode("opt/tools/main.py")).isEqualTo("640");
        assertThat(Files.getLastModifiedTime(root.resolve("opt/tools/main.py")).toMillis())
                .isEqualTo(1_700_000_000_000L);
        assertThat(owner("opt/tools")).isEqualTo("1000:1000");
        assertThat(mode("opt")).isEqualTo("755");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/opt/", "/opt/.", "/there"})
    void a_target_that_is_a_directory_receives_the_file_under_its_own_name(String target) throws Exception {
        Files.createDirectory(root.resolve("there"));
        copy(new Upload().file("src/app.py", "1"), "./src//app.py", target);
        assertThat(root.resolve(target.substring(1)).resolve("app.py")).hasContent("1");
    }

    @Test
    void plain_and_compressed_archives_are_told_apart_by_their_first_bytes() throws Exception {
        Upload upload = new Upload().file("a", "1");
        new ArchiveCopy().copy(request(upload.plain(temp), "a", "/plain", "", ""), sandbox);
        new ArchiveCopy().copy(request(upload.gzipped(temp), "a", "/gzipped", "", ""), sandbox);
        assertThat(root.resolve("plain")).hasContent("1");
        assertThat(root.resolve("gzipped")).hasContent("1");
    }

    @Test
    void a_relative_target_starts_at_the_workdir_or_else_at_the_home() throws Exception {
        Path archive = new Upload().file("a", "1").plain(temp);
        new ArchiveCopy().copy(new FileCopy.Request(archive, "a", "b", "", "", "user", "/work"), sandbox);
        new ArchiveCopy().copy(new FileCopy.Request(archive, "a", "../other/b", "", "", "user", ""), sandbox);
        assertThat(root.resolve("work/b")).hasContent("1");
        assertThat(root.resolve("home/other/b")).hasContent("1");
    }

    @Test
    void only_the_part_before_the_first_glob_names_the_source() throws Exception {
        Upload upload =
                new Upload().directory("src", 0755).file("src/a.txt", "a").file("src/deep/b.txt", "b");
        copy(upload, "src/**/*.txt", "/one");
        assertThat(root.resolve("one/a.txt")).hasContent("a");
        assertThat(root.resolve("one/deep/b.txt")).hasContent("b");
        copy(upload, "*.txt", "/two");
        assertThat(root.resolve("two/src/a.txt")).hasContent("a");
        copy(upload, ".", "/three/");
        assertThat(root.resolve("three/src/a.txt")).hasContent("a");
    }

    /** The JavaScript SDK sends a linked directory so. */
    @Test
    void files_below_a_linked_directory_are_those_of_the_directory() throws Exception {
        Upload upload = new Upload()
                .directory("s", 0755)
                .directory("s/deep", 0755)
                .file("s/deep/b", "b")
                .symlink("s/link", "deep")
                .file("s/link/b", "b")
                .symlink("s/up", "./../s//link/.")
                .file("s/up/c", "c")
                .hardLink("s/link/d", "s/up/c")
                .symlink("s/beside", "../other")
                .file("s/beside/e", "e");
        copy(upload, "s", "/t");
        assertThat(names("t")).containsExactlyInAnyOrder("deep", "link", "up", "beside");
        assertThat(names("t/deep")).containsExactlyInAnyOrder("b", "c", "d");
        assertThat(Files.readSymbolicLink(root.resolve("t/link"))).hasToString("deep");
        assertThat(Files.readSymbolicLink(root.resolve("t/beside"))).hasToString("../other");
        assertThat(root.resolve("other")).doesNotExist();
    }

    @Test
    void entries_beside_the_source_are_left_out() throws Exception {
        copy(new Upload().file("src/a", "a").file("srcs/b", "b").file("c", "c"), "src", "/t");
        assertThat(names("t")).containsExactly("a");
    }

    @Test
    void a_directory_is_merged_and_what_exists_keeps_its_metadata() throws Exception {
        Files.createDirectories(root.resolve("t/kept"));
        Files.writeString(root.resolve("t/kept/old"), "old");
        Files.writeString(root.resolve("t/file"), "before");
        Files.setPosixFilePermissions(root.resolve("t/kept"), PosixFilePermissions.fromString("rwx--x--x"));
        Files.setAttribute(root.resolve("t/kept"), "unix:uid", DirectorySandbox.UID_BASE + 7);
        copy(
                new Upload()
                        .directory("s", 0700)
                        .directory("s/kept", 0777)
                        .file("s/kept/new", "new")
                        .directory("s/fresh", 0750)
                        .file("s/file", "after", 0600),
                "s",
                "/t");
        assertThat(mode("t/kept")).isEqualTo("711");
        assertThat(owner("t/kept")).startsWith("7:");
        assertThat(names("t/kept")).containsExactlyInAnyOrder("old", "new");
        assertThat(mode("t/fresh")).isEqualTo("750");
        assertThat(root.resolve("t/file")).hasContent("after");
        assertThat(mode("t/file")).isEqualTo("600");
    }

    @Test
    void a_directory_described_after_its_content_gets_its_own_mode() throws Exception {
        copy(new Upload().file("s/d/f", "1").directory("s/d", 0710), "s", "/t");
        assertThat(mode("t/d")).isEqualTo("710");
    }

    @Test
    void an_existing_link_to_a_directory_is_followed_inside_of_the_sandbox() throws Exception {
        Files.createDirectories(root.resolve("real"));
        Files.createSymbolicLink(Files.createDirectory(root.resolve("t")).resolve("d"), Path.of("/real"));
        copy(new Upload().directory("s/d", 0755).file("s/d/f", "1"), "s", "/t");
        assertThat(root.resolve("t/d")).isSymbolicLink();
        assertThat(root.resolve("real/f")).hasContent("1");
    }

    @Test
    void an_existing_link_to_a_file_is_replaced() throws Exception {
        Files.writeString(root.resolve("secret"), "kept");
        Files.createSymbolicLink(root.resolve("f"), Path.of("/secret"));
        Files.createSymbolicLink(root.resolve("dangling"), Path.of("/nowhere"));
        copy(new Upload().file("f", "new").file("dangling", "new"), ".", "/");
        assertThat(root.resolve("f")).isRegularFile().hasContent("new");
        assertThat(Files.isSymbolicLink(root.resolve("f"))).isFalse();
        assertThat(root.resolve("secret")).hasContent("kept");
        assertThat(root.resolve("dangling")).hasContent("new");
        assertThat(root.resolve("nowhere")).doesNotExist();
    }

    @Test
    void a_source_that_is_a_link_is_moved_as_a_link_and_its_mode_is_left() throws Exception {
        Files.writeString(root.resolve("target"), "untouched");
        Files.setPosixFilePermissions(root.resolve("target"), PosixFilePermissions.fromString("rw-------"));
        Upload upload = new Upload().symlink("l", "/target");
        copy(upload, "l", "/here", "root:staff", "777");
        copy(upload, "l", "/in/", "", "");
        assertThat(Files.readSymbolicLink(root.resolve("here"))).isEqualTo(Path.of("/target"));
        assertThat(owner("here")).isEqualTo("0:50");
        assertThat(mode("target")).isEqualTo("600");
        assertThat(Files.readSymbolicLink(root.resolve("in/l"))).isEqualTo(Path.of("/target"));
    }

    @Test
    void hard_links_stay_together() throws Exception {
        copy(new Upload().file("s/a", "1").hardLink("s/d/b", "s/a"), "s", "/t");
        assertThat(Files.getAttribute(root.resolve("t/d/b"), "unix:ino"))
                .isEqualTo(Files.getAttribute(root.resolve("t/a"), "unix:ino"));
    }

    @Test
    void the_mode_is_octal_and_applies_to_all_but_links() throws Exception {
        copy(new Upload().directory("s/d", 0700).file("s/d/f", "1", 0600).symlink("s/l", "d/f"), "s", "/t", "", "0755");
        assertThat(mode("t/d")).isEqualTo("755");
        assertThat(mode("t/d/f")).isEqualTo("755");
        copy(new Upload().file("x", "1"), "x", "/x", "", "4711");
        assertThat(Files.getAttribute(root.resolve("x"), "unix:mode")).isEqualTo(0104711);
    }

    @Test
    void owners_are_those_of_the_sandbox() throws Exception {
        Upload upload = new Upload().file("f", "1");
        copy(upload, "f", "/a", "user", "");
        copy(upload, "f", "/b", "root:staff", "");
        copy(upload, "f", "/c", "other", "");
        copy(upload, "f", "/d", "12:34", "");
        assertThat(List.of(owner("a"), owner("b"), owner("c"), owner("d")))
                .containsExactly("1000:1000", "0:50", "1001:100", "12:34");
    }

    @Test
    void a_user_without_an_entry_owns_what_comes_and_is_at_home_in_the_root() throws Exception {
        Path archive = new Upload().file("f", "1").gzipped(temp);
        new ArchiveCopy().copy(new FileCopy.Request(archive, "f", "x/", "", "", "4321", ""), sandbox);
        new ArchiveCopy().copy(new FileCopy.Request(archive, "f", "y", "", "", "4321:50", "/w"), sandbox);
        assertThat(List.of(owner("x/f"), owner("w/y"))).containsExactly("4321:4321", "4321:50");
    }

    @Test
    void names_may_be_any_bytes() throws Exception {
        copy(new Upload().file("s/snö 雪\n'\"$(x)", "1").file("s/" + "n".repeat(200), "2"), "s", "/t");
        assertThat(names("t")).containsExactlyInAnyOrder("snö 雪\n'\"$(x)", "n".repeat(200));
    }

    @Test
    void an_empty_directory_may_be_copied() throws Exception {
        copy(new Upload().directory("s", 0755), "s", "/t");
        copy(new Upload(), ".", "/u");
        assertThat(root.resolve("t")).isEmptyDirectory();
        assertThat(root.resolve("u")).isEmptyDirectory();
    }

    @Test
    void a_source_that_is_not_in_the_archive_is_an_error() throws Exception {
        refused(new Upload().file("a", "1"), "b", "/t", "'b' is not among the uploaded files");
        refused(new Upload(), "b/*", "/t", "'b/*' is not among the uploaded files");
    }

    @Test
    void bad_arguments_are_told() throws Exception {
        Upload upload = new Upload().file("a", "1");
        assertThatThrownBy(() -> copy(upload, "a", "/t", "ghost", "")).hasMessageContaining("'ghost' is not known");
        assertThatThrownBy(() -> copy(upload, "a", "/t", "user:ghosts", "")).hasMessageContaining("'ghosts' is not");
        assertThatThrownBy(() -> copy(upload, "a", "/t", "", "rwx")).hasMessageContaining("'rwx' is not octal");
        assertThatThrownBy(() -> copy(upload, "../a", "/t")).hasMessageContaining("leads out of the context");
        assertThatThrownBy(() -> copy(upload, "/a", "/t")).hasMessageContaining("absolute");
        assertThatThrownBy(() -> copy(upload, "a", "/" + "n".repeat(300))).hasMessageContaining("too long");
        assertThat(root.resolve("t")).doesNotExist();
    }

    @Test
    void what_is_in_the_way_is_told_and_kept() throws Exception {
        Files.createDirectories(root.resolve("t/d"));
        Files.writeString(root.resolve("t/f"), "kept");
        refused(new Upload().file("s/d", "1"), "s", "/t", "'/t/d' is a directory in the sandbox");
        refused(new Upload().directory("s/f", 0755), "s", "/t", "'/t/f' is a directory in the upload");
        refused(new Upload().file("a", "1"), "a", "/t/f/x", "leads through something that is no directory");
        assertThat(root.resolve("t/f")).hasContent("kept");
    }

    @Test
    void hostile_archives_are_refused() throws Exception {
        refused(new Upload().file("../../out", "1"), ".", "/t", "goes upwards");
        refused(new Upload().file("s/../../out", "1"), "s", "/t", "goes upwards");
        refused(new Upload().bare("/etc/passwd", TarConstants.LF_NORMAL, "", 0644), ".", "/t", "absolute");
        refused(new Upload().file("s/l", "1").file("s/l/passwd", "x"), "s", "/t", "'s/l', which is no directory");
        refused(new Upload().symlink("s/l", "/etc").file("s/l/passwd", "x"), "s", "/t", "link 's/l'");
        refused(new Upload().file("s/a", "1").symlink("s/d", "../..").hardLink("s/d/x", "s/a"), "s", "/t", "leads out");
        refused(new Upload().symlink("s/a", "b").symlink("s/b", "a").file("s/a/x", "1"), "s", "/t", "too many");
        refused(new Upload().hardLink("s/x", "../../etc/shadow"), "s", "/t", "goes upwards");
        refused(new Upload().hardLink("s/x", "etc/shadow"), "s", "/t", "no file of the source");
        refused(new Upload().bare("s/dev", TarConstants.LF_CHR, "", 0666), "s", "/t", "neither a file");
        refused(new Upload().bare("s/pipe", TarConstants.LF_FIFO, "", 0666), "s", "/t", "neither a file");
        assertThat(temp.resolve("out")).doesNotExist();
        assertThat(root.resolve("etc/passwd")).content().startsWith("root:x:0:0");
    }

    @Test
    void archives_beyond_the_limits_are_refused() throws Exception {
        ArchiveCopy copy = new ArchiveCopy(new UnpackLimits(3, 100, 10_000), Duration.ofMinutes(1));
        Upload large = new Upload().file("a", new byte[20_000], 0644);
        assertThatThrownBy(() -> copy.copy(request(large.gzipped(temp), ".", "/t", "", ""), sandbox))
                .isInstanceOf(BuildFailure.class)
                .hasMessageContaining("20000 bytes");
        Upload many = new Upload().file("a", "1").file("b", "1").file("c", "1").file("d", "1");
        assertThatThrownBy(() -> copy.copy(request(many.gzipped(temp), ".", "/t", "", ""), sandbox))
                .hasMessageContaining("more than 3 entries");
        Upload deep = new Upload().file("d/".repeat(60) + "f", "1");
        assertThatThrownBy(() -> copy.copy(request(deep.gzipped(temp), ".", "/t", "", ""), sandbox))
                .hasMessageContaining("a path of 121 bytes");
    }

    @Test
    void an_archive_that_becomes_far_larger_than_files_do_is_refused() throws Exception {
        Upload bomb = new Upload().file("zeros", new byte[80 << 20], 0644);
        assertThatThrownBy(() -> copy(bomb, ".", "/t")).hasMessageContaining("times its size");
    }

    @Test
    void damaged_archives_are_refused() throws Exception {
        byte[] whole =
                Files.readAllBytes(new Upload().file("a", "1".repeat(5000)).gzipped(temp));
        Path cut = Files.write(temp.resolve("cut"), Arrays.copyOf(whole, whole.length - 10));
        Path text = Files.writeString(temp.resolve("text"), "no archive at all\n".repeat(100));
        whole[whole.length - 6] ^= 1;
        Path wrong = Files.write(temp.resolve("wrong"), whole);
        for (Path archive : List.of(cut, text, wrong)) {
            assertThatThrownBy(() -> new ArchiveCopy().copy(request(archive, "a", "/t", "", ""), sandbox))
                    .isInstanceOf(BuildFailure.class);
        }
    }

    @Test
    void an_interrupted_copy_ends() throws Exception {
        Path archive = new Upload().file("a", "1").plain(temp);
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> new ArchiveCopy().copy(request(archive, "a", "/t", "", ""), sandbox))
                .isInstanceOf(InterruptedException.class);
    }

    @Test
    void a_copy_that_takes_too_long_ends() throws Exception {
        Path archive = new Upload().file("a", "1").plain(temp);
        ArchiveCopy copy = new ArchiveCopy(ArchiveCopy.LIMITS, Duration.ZERO);
        assertThatThrownBy(() -> copy.copy(request(archive, "a", "/t", "", ""), sandbox))
                .hasMessageContaining("longer than 0 s");
    }

    /** A process of the sandbox that swaps the target for links to the outside while files arrive. */
    @Test
    void a_hostile_process_cannot_lead_a_copy_outside() throws Exception {
        Path outside = Files.createDirectories(temp.resolve("outside"));
        Files.writeString(outside.resolve("f0"), "safe");
        Upload upload = new Upload();
        for (int i = 0; i < 300; i++) {
            upload.directory("s/d" + i % 7, 0777).file("s/d" + i % 7 + "/f" + i, "x", 0666);
        }
        Path archive = upload.plain(temp);
        Path swapped = root.resolve("t/d0");
        AtomicBoolean done = new AtomicBoolean();
        Thread hostile = Thread.ofPlatform().start(() -> swap(swapped, outside, done));
        for (int round = 0; round < 20; round++) {
            try {
                new ArchiveCopy().copy(request(archive, "s", "/t", "", "0777"), sandbox);
            } catch (BuildFailure | IOException e) {
                assertThat(e.getMessage()).isNotNull();
            }
        }
        done.set(true);
        hostile.join();
        assertThat(names("../outside")).containsExactly("f0");
        assertThat(outside.resolve("f0")).hasContent("safe");
        assertThat(Files.getAttribute(outside, "unix:uid")).isEqualTo(0);
    }

    @Test
    void a_target_on_a_mount_is_refused() throws Exception {
        try (DirectorySandbox machine = new DirectorySandbox(temp.resolve("m"))) {
            Path proc = Files.createDirectories(machine.root.resolve("proc"));
            assertThat(new ProcessBuilder("mount", "-t", "proc", "proc", proc.toString())
                            .start()
                            .waitFor())
                    .isZero();
            try {
                Path archive = new Upload().file("f", "1").plain(temp);
                assertThatThrownBy(() -> new ArchiveCopy()
                                .copy(request(archive, "f", "/proc/sys/kernel/hostname", "", ""), machine))
                        .isInstanceOf(BuildFailure.class)
                        .hasMessageContaining("not on the template's own file system");
            } finally {
                new ProcessBuilder("umount", proc.toString()).start().waitFor();
            }
        }
    }

    @Test
    void ten_thousand_files_arrive() throws Exception {
        Upload upload = new Upload();
        for (int i = 0; i < 10_000; i++) {
            upload.file("s/d" + i % 100 + "/f" + i, "content " + i);
        }
        copy(upload, "s", "/t");
        try (Stream<Path> files = Files.walk(root.resolve("t"))) {
            assertThat(files.filter(Files::isRegularFile)).hasSize(10_000);
        }
    }

    private static void swap(Path name, Path outside, AtomicBoolean done) {
        while (!done.get()) {
            try {
                Path aside = name.resolveSibling("aside");
                if (Files.isDirectory(name, LinkOption.NOFOLLOW_LINKS)) {
                    Files.move(name, aside.resolveSibling("aside" + System.nanoTime()));
                    Files.createSymbolicLink(name, outside);
                } else {
                    Files.deleteIfExists(name);
                }
            } catch (IOException e) {
                Thread.onSpinWait();
            }
        }
    }

    private void refused(Upload upload, String source, String target, String reason) {
        assertThatThrownBy(() -> copy(upload, source, target))
                .isInstanceOf(BuildFailure.class)
                .hasMessageContaining(reason);
    }

    private void copy(Upload upload, String source, String target) throws Exception {
        copy(upload, source, target, "", "");
    }

    private void copy(Upload upload, String source, String target, String owner, String mode) throws Exception {
        new ArchiveCopy().copy(request(upload.gzipped(temp), source, target, owner, mode), sandbox);
    }

    private static FileCopy.Request request(Path archive, String source, String target, String owner, String mode) {
        return new FileCopy.Request(archive, source, target, owner, mode, "user", "");
    }

    private String owner(String path) throws IOException {
        Path file = root.resolve(path);
        int uid = (int) Files.getAttribute(file, "unix:uid", LinkOption.NOFOLLOW_LINKS);
        int gid = (int) Files.getAttribute(file, "unix:gid", LinkOption.NOFOLLOW_LINKS);
        return (uid - DirectorySandbox.UID_BASE) + ":" + (gid - DirectorySandbox.UID_BASE);
    }

    private String mode(String path) throws IOException {
        return Integer.toOctalString((int) Files.getAttribute(root.resolve(path), "unix:mode") & 07777);
    }

    private List<String> names(String directory) throws IOException {
        try (Stream<Path> files = Files.list(root.resolve(directory))) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }
}
