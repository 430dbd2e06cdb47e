package dev.sandlot.envd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sandlot.protocol.ConnectCode;
import dev.sandlot.protocol.ConnectException;
import dev.sandlot.protocol.filesystem.EntryInfo;
import dev.sandlot.protocol.filesystem.FileType;
import dev.sandlot.protocol.filesystem.ListDirRequest;
import dev.sandlot.protocol.filesystem.MakeDirRequest;
import dev.sandlot.protocol.filesystem.MoveRequest;
import dev.sandlot.protocol.filesystem.RemoveRequest;
import dev.sandlot.protocol.filesystem.StatRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The acceptance rows P1 to P9 of envd.md 12.2, and what section 6 says beyond them. */
class FilesystemServiceTest {
    private FilesFixture sandbox;

    @BeforeEach
    void open(@TempDir Path root) throws IOException {
        sandbox = new FilesFixture(root);
    }

    @AfterEach
    void close() {
        sandbox.close();
    }

    @ParameterizedTest
    @CsvSource({"0,1", "1,1", "2,3", "3,4", "-1,4"})
    void P1_depth_limits_the_levels(int depth, int count) throws Exception {
        write("/tmp/a/file", "");
        write("/tmp/a/sub/leaf", "");
        assertThat(list("/tmp", depth)).hasSize(count);
    }

    @Test
    void P2_what_is_no_directory_is_told_apart() throws Exception {
        write("/tmp/file", "x");
        link("/tmp/to-file", "file");
        link("/tmp/cycle", "cycle");
        assertCode(() -> list("/tmp/none", 1), ConnectCode.NOT_FOUND, "none");
        assertCode(() -> list("/tmp/file", 1), ConnectCode.INVALID_ARGUMENT, "not a directory");
        assertCode(() -> list("/tmp/to-file", 1), ConnectCode.INVALID_ARGUMENT, "not a directory");
        assertCode(() -> list("/tmp/cycle", 1), ConnectCode.FAILED_PRECONDITION, "cyclic symlink");
    }

    @Test
    void P2_links_are_followed_at_the_root_alone() throws Exception {
        write("/tmp/dir/file", "x");
        link("/tmp/dir/inner", "/tmp/dir");
        link("/tmp/one", "dir");
        link("/tmp/two", "/tmp/one");
        assertThat(list("/tmp/two", 5))
                .extracting(EntryInfo::getPath)
                .containsExactly("/tmp/two/file", "/tmp/two/inner");
        assertThat(list("/tmp/two", 5).get(1).getSymlinkTarget()).isEqualTo("/tmp/dir");
    }

    @Test
    void P3_relative_paths_are_under_the_home() throws Exception {
        write("/home/user/d/x", "");
        assertThat(list("d", 1)).extracting(EntryInfo::getPath).containsExactly("/home/user/d/x");
        assertThat(list("", 1)).extracting(EntryInfo::getPath).containsExactly("/home/user/d");
        assertThat(list("~/d", 1)).hasSize(1);
        sandbox.defaultDirectory = "/home/user/d";
        assertThat(list("", 1)).extracting(EntryInfo::getPath).containsExactly("/home/user/d/x");
        assertCode(() -> list("~other", 1), ConnectCode.INVALID_ARGUMENT, "~other");
    }

    @Test
    void P4_a_file_and_a_link_to_it_are_described() throws Exception {
        write("/tmp/file.txt", "12345");
        Files.setPosixFilePermissions(sandbox.at("/tmp/file.txt"), PosixFilePermissions.fromString("rw-r--r--"));
        Files.setLastModifiedTime(
                sandbox.at("/tmp/file.txt"), FileTime.from(Instant.ofEpochSecond(1_700_000_000L, 123_456_789)));
        link("/tmp/link", "file.txt");
        EntryInfo file = stat("/tmp/file.txt");
        assertThat(file.getName()).isEqualTo("file.txt");
        assertThat(file.getPath()).isEqualTo("/tmp/file.txt");
        assertThat(file.getType()).isEqualTo(FileType.FILE_TYPE_FILE);
        assertThat(file.getSize()).isEqualTo(5);
        assertThat(file.getMode()).isEqualTo(0644);
        assertThat(file.getPermissions()).isEqualTo("-rw-r--r--");
        assertThat(file.getOwner()).isEqualTo("user");
        assertThat(file.getGroup()).isEqualTo("user");
        assertThat(file.getModifiedTime().getSeconds()).isEqualTo(1_700_000_000L);
        assertThat(file.getModifiedTime().getNanos()).isEqualTo(123_456_789);
        assertThat(file.hasSymlinkTarget()).isFalse();
        EntryInfo link = stat("/tmp/link");
        assertThat(link.getType()).isEqualTo(FileType.FILE_TYPE_FILE);
        assertThat(link.getSymlinkTarget()).isEqualTo("/tmp/file.txt");
        assertThat(link.getPermissions()).isEqualTo("Lrwxrwxrwx");
        assertThat(link.getMode()).isEqualTo(0644);
        assertThat(link.getSize()).isEqualTo("file.txt".length());
    }

    @ParameterizedTest
    @CsvSource({"r--r--r--", "rwxr-xr-x", "-w-------", "---------"})
    void P5_permissions_are_spelled_out(String permissions) throws Exception {
        write("/tmp/f", "");
        Files.setPosixFilePermissions(sandbox.at("/tmp/f"), PosixFilePermissions.fromString(permissions));
        assertThat(stat("/tmp/f").getPermissions()).isEqualTo("-" + permissions);
    }

    @ParameterizedTest
    @CsvSource({
        "touch,04755,urwxr-xr-x,FILE_TYPE_FILE",
        "touch,02755,grwxr-xr-x,FILE_TYPE_FILE",
        "mkdir,01777,dtrwxrwxrwx,FILE_TYPE_DIRECTORY",
        "mkdir,0755,drwxr-xr-x,FILE_TYPE_DIRECTORY",
        "mkfifo,0644,prw-r--r--,FILE_TYPE_UNSPECIFIED"
    })
    void the_kind_leads_the_permissions(String make, String mode, String permissions, FileType type) throws Exception {
        Files.createDirectories(sandbox.at("/tmp"));
        String path = sandbox.at("/tmp/x").toString();
        new ProcessBuilder(make, path).start().waitFor();
        new ProcessBuilder("chmod", mode, path).start().waitFor();
        assertThat(stat("/tmp/x").getPermissions()).isEqualTo(permissions);
        assertThat(stat("/tmp/x").getType()).isEqualTo(type);
    }

    @Test
    void P6_broken_cyclic_and_chained_links() throws Exception {
        write("/tmp/target", "x");
        link("/tmp/broken", "none");
        link("/tmp/cyclic", "cyclic2");
        link("/tmp/cyclic2", "cyclic");
        link("/tmp/chain1", "chain2");
        link("/tmp/chain2", "/tmp/target");
        for (String path : List.of("/tmp/broken", "/tmp/cyclic")) {
            EntryInfo entry = stat(path);
            assertThat(entry.getType()).isEqualTo(FileType.FILE_TYPE_UNSPECIFIED);
            assertThat(entry.getPermissions()).isEqualTo("Lrwxrwxrwx");
            assertThat(entry.getMode()).isZero();
            assertThat(entry.getSymlinkTarget()).isEqualTo(path);
        }
        assertThat(stat("/tmp/chain1").getSymlinkTarget()).isEqualTo("/tmp/target");
        assertThat(stat("/tmp/chain1").getType()).isEqualTo(FileType.FILE_TYPE_FILE);
    }

    @Test
    void P7_files_trees_and_links_are_moved() throws Exception {
        write("/tmp/file", "f");
        write("/tmp/tree/deep/leaf", "l");
        link("/tmp/to-dir", "tree");
        link("/tmp/to-file", "file");
        assertThat(move("/tmp/file", "/new/place/file").getPath()).isEqualTo("/new/place/file");
        assertThat(sandbox.at("/new/place/file")).hasContent("f");
        assertThat(stat("/tmp/to-file").getType()).isEqualTo(FileType.FILE_TYPE_UNSPECIFIED);
        move("/tmp/tree", "tree");
        assertThat(sandbox.at("/home/user/tree/deep/leaf")).hasContent("l");
        move("/tmp/to-dir", "/tmp/moved");
        assertThat(sandbox.at("/tmp/moved")).isSymbolicLink();
        write("/tmp/new", "new");
        move("/tmp/new", "/new/place/file");
        assertThat(sandbox.at("/new/place/file")).hasContent("new");
        Files.createDirectories(sandbox.at("/tmp/empty"));
        assertCode(() -> move("/new/place/file", "/tmp/empty"), ConnectCode.INTERNAL, "EEXIST");
    }

    @Test
    void P8_moving_what_is_not_there() {
        assertCode(() -> move("/tmp/none", "/tmp/x/y"), ConnectCode.NOT_FOUND, "source file not found");
        assertThat(sandbox.at("/tmp/x")).isDirectory();
    }

    @Test
    @Tag("kernel")
    void P9_unknown_owners_are_numbers() throws Exception {
        write("/tmp/f", "");
        Files.setAttribute(sandbox.at("/tmp/f"), "unix:uid", 54321);
        Files.setAttribute(sandbox.at("/tmp/f"), "unix:gid", 54322);
        assertThat(stat("/tmp/f").getOwner()).isEqualTo("54321");
        assertThat(stat("/tmp/f").getGroup()).isEqualTo("54322");
    }

    @Test
    void a_directory_comes_before_its_content_and_names_go_by_bytes() throws Exception {
        for (String name : List.of("b/2", "b/1", "a.txt", "B", "b.txt", "ä")) {
            write("/tmp/" + name, "");
        }
        assertThat(list("/tmp", 2))
                .extracting(EntryInfo::getPath)
                .containsExactly("/tmp/B", "/tmp/a.txt", "/tmp/b", "/tmp/b/1", "/tmp/b/2", "/tmp/b.txt", "/tmp/ä");
        assertThat(list("/tmp/../tmp/b/", 1)).extracting(EntryInfo::getPath).containsExactly("/tmp/b/1", "/tmp/b/2");
    }

    @Test
    void directories_are_made_once() throws Exception {
        write("/tmp/file", "");
        EntryInfo made = makeDir("a/b/c");
        assertThat(made.getPath()).isEqualTo("/home/user/a/b/c");
        assertThat(made.getPermissions()).isEqualTo("drwxr-xr-x");
        assertCode(() -> makeDir("a/b"), ConnectCode.ALREADY_EXISTS, "a/b");
        assertCode(() -> makeDir("/tmp/file"), ConnectCode.INVALID_ARGUMENT, "not a directory");
        assertCode(() -> makeDir("/tmp/file/x"), ConnectCode.INTERNAL, "ENOTDIR");
        assertCode(() -> makeDir("/"), ConnectCode.ALREADY_EXISTS, "/");
    }

    @Test
    void removing_takes_everything_and_nothing_else() throws Exception {
        write("/tmp/tree/a/b/c", "x");
        write("/srv/kept", "x");
        link("/tmp/tree/out", "/srv");
        for (int i = 0; i < 2000; i++) {
            Files.createFile(sandbox.at("/tmp/tree/a/" + i));
        }
        remove("/tmp/tree");
        remove("/tmp/tree");
        remove("/tmp/nothing/here");
        assertThat(sandbox.at("/tmp/tree")).doesNotExist();
        assertThat(sandbox.at("/srv/kept")).exists();
        link("/tmp/link", "/srv");
        remove("/tmp/link");
        assertThat(sandbox.at("/srv/kept")).exists();
        assertCode(() -> remove("/srv/."), ConnectCode.INTERNAL, "EINVAL");
        assertCode(() -> remove(""), ConnectCode.INVALID_ARGUMENT, "path");
        assertCode(() -> remove("/"), ConnectCode.INTERNAL, "EINVAL");
    }

    @Test
    void missing_files_and_users_are_told() throws Exception {
        assertCode(() -> stat("/none"), ConnectCode.NOT_FOUND, "/none");
        assertCode(() -> stat("/etc/passwd/x"), ConnectCode.INTERNAL, "ENOTDIR");
        StatRequest etc = StatRequest.newBuilder().setPath("/etc").build();
        assertCode(() -> sandbox.service.stat(etc, "ghost"), ConnectCode.UNAUTHENTICATED, "invalid username: 'ghost'");
        assertCode(() -> sandbox.service.stat(etc, "0"), ConnectCode.UNAUTHENTICATED, "invalid username: '0'");
        assertThat(sandbox.service.stat(etc, "user").getEntry().getName()).isEqualTo("etc");
        sandbox.defaultUser = "";
        assertCode(() -> stat("/etc"), ConnectCode.UNAUTHENTICATED, "");
    }

    @Test
    void metadata_is_part_of_an_entry_also_through_a_link() throws Exception {
        sandbox.upload(FilesFixture.put("/tmp/m", "x").header("X-Metadata-k", "v"));
        link("/tmp/l", "m");
        assertThat(stat("/tmp/m").getMetadataMap()).containsExactlyEntriesOf(Map.of("k", "v"));
        assertThat(stat("/tmp/l").getMetadataMap()).containsEntry("k", "v");
        assertThat(list("/tmp", 1))
                .allSatisfy(e -> assertThat(e.getMetadataMap()).containsEntry("k", "v"));
    }

    @Test
    @InProcessOnly("asks the accounts themselves")
    void accounts_follow_the_files_of_the_sandbox() throws Exception {
        assertThat(sandbox.accounts.user("user")).hasValueSatisfying(user -> {
            assertThat(user.home()).isEqualTo("/home/user");
            assertThat(user.groups()).containsExactly(user.gid(), 44);
        });
        Files.writeString(
                sandbox.at("/etc/passwd"),
                "big:x:4294967295:0::/:/bin/sh\nneg:x:-1:0::/:/bin/sh\nshort:x:1\nnew:x:7:8::/n:/bin/sh\nnew:x:9:9::/m:/x\n");
        assertThat(sandbox.accounts.user("user")).isEmpty();
        assertThat(sandbox.accounts.user("big")).isEmpty();
        assertThat(sandbox.accounts.user("neg")).isEmpty();
        assertThat(sandbox.accounts.user("new")).hasValue(new Account("new", 7, 8, List.of(8), "/n", "/bin/sh"));
        Files.delete(sandbox.at("/etc/passwd"));
        assertThat(sandbox.accounts.user("new")).isEmpty();
    }

    /** Docker's rules for {@code USER}; what a request names is no number. */
    @Test
    @InProcessOnly("asks the accounts themselves")
    void usersOfTemplatesMayBeNumbers() throws Exception {
        Files.writeString(
                sandbox.at("/etc/passwd"), "root:x:0:0::/root:/bin/sh\nuser:x:1000:1001::/home/user:/bin/bash\n");
        Files.writeString(sandbox.at("/etc/group"), "user:x:1001:\nstaff:x:50:\nvideo:x:44:user\n");
        assertThat(sandbox.accounts.ofTemplate("1000"))
                .isEqualTo(sandbox.accounts.user("user"))
                .hasValue(new Account("user", 1000, 1001, List.of(1001, 44), "/home/user", "/bin/bash"));
        assertThat(sandbox.accounts.ofTemplate("user:staff"))
                .hasValue(new Account("user", 1000, 50, List.of(50), "/home/user", "/bin/bash"));
        assertThat(sandbox.accounts.ofTemplate("4321"))
                .hasValue(new Account("4321", 4321, 0, List.of(0), "/", "/bin/sh"));
        assertThat(sandbox.accounts.ofTemplate("4321:777"))
                .hasValue(new Account("4321", 4321, 777, List.of(777), "/", "/bin/sh"));
        assertThat(sandbox.accounts.ofTemplate("0:")).isEqualTo(sandbox.accounts.user("root"));
        for (String unknown :
                List.of("nobody", "user:nobody", "4321:nobody", "4294967295", "1:4294967295", "", ":50", "-1")) {
            assertThat(sandbox.accounts.ofTemplate(unknown)).as(unknown).isEmpty();
        }
        assertThat(sandbox.accounts.user("1000")).isEmpty();
    }

    private EntryInfo stat(String path) throws ConnectException {
        return sandbox.service
                .stat(StatRequest.newBuilder().setPath(path).build(), null)
                .getEntry();
    }

    private List<EntryInfo> list(String path, int depth) throws ConnectException {
        ListDirRequest request =
                ListDirRequest.newBuilder().setPath(path).setDepth(depth).build();
        return sandbox.service.listDir(request, null).getEntriesList();
    }

    private EntryInfo move(String from, String to) throws ConnectException {
        MoveRequest request =
                MoveRequest.newBuilder().setSource(from).setDestination(to).build();
        return sandbox.service.move(request, null).getEntry();
    }

    private EntryInfo makeDir(String path) throws ConnectException {
        return sandbox.service
                .makeDir(MakeDirRequest.newBuilder().setPath(path).build(), null)
                .getEntry();
    }

    private void remove(String path) throws ConnectException {
        sandbox.service.remove(RemoveRequest.newBuilder().setPath(path).build(), null);
    }

    private void write(String path, String content) throws IOException {
        Files.createDirectories(sandbox.at(path).getParent());
        Files.writeString(sandbox.at(path), content);
    }

    private void link(String path, String target) throws IOException {
        Files.createSymbolicLink(sandbox.at(path), Path.of(target));
    }

    private static void assertCode(ThrowingCallable call, ConnectCode code, String text) {
        ConnectException e = catchThrowableOfType(ConnectException.class, call);
        assertThat(e).isNotNull();
        assertThat(e.code()).as(e.text()).isEqualTo(code);
        assertThat(e.text()).contains(text);
    }
}
