package dev.sandlot.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileTreeTest {
    @TempDir
    Path temporary;

    private Fd root;

    @BeforeEach
    void open() throws LinuxException {
        root = FileTree.directory(temporary.toString());
    }

    @AfterEach
    void close() {
        root.close();
    }

    @Test
    void files_are_made_written_read_and_cut() throws IOException {
        try (Fd file = FileTree.open(root, "f", Open.WRITE | Open.CREATE | Open.EXCLUSIVE, 0600, 0)) {
            FileIo.write(file, "0123456789".getBytes(StandardCharsets.US_ASCII), 2, 8);
            FileIo.truncate(file, 6);
        }
        try (Fd handle = FileTree.open(root, "f", Open.PATH, 0, Open.IN_ROOT);
                Fd file = FileTree.reopen(handle, Open.READ)) {
            byte[] bytes = new byte[10];
            assertThat(FileIo.readAt(file, 4, bytes, 0, 10)).isEqualTo(2);
            assertThat(FileIo.read(file, bytes, 1, 9)).isEqualTo(6);
            assertThat(FileIo.read(file, bytes, 0, 10)).isEqualTo(-1);
            assertThat(new String(bytes, 1, 6, StandardCharsets.US_ASCII)).isEqualTo("234567");
            FileStatus status = FileTree.status(handle);
            assertThat(status.size()).isEqualTo(6);
            assertThat(status.mode()).isEqualTo(0600);
            assertThat(status.isRegular()).isTrue();
            assertThat(status.modified())
                    .isEqualTo(Files.getLastModifiedTime(temporary.resolve("f")).toInstant());
        }
    }

    @Test
    void directories_list_every_name_once() throws IOException {
        Set<String> expected = new HashSet<>();
        for (int i = 0; i < 3000; i++) {
            expected.add("a-rather-long-name-of-a-file-" + i);
            Files.createFile(temporary.resolve("a-rather-long-name-of-a-file-" + i));
        }
        try (Directory directory = new Directory(FileTree.open(root, ".", Open.READ | Open.DIRECTORY, 0, 0))) {
            Set<String> seen = new HashSet<>();
            for (List<String> some = directory.next(); !some.isEmpty(); some = directory.next()) {
                assertThat(seen.addAll(some)).isTrue();
            }
            assertThat(seen).isEqualTo(expected);
        }
    }

    @Test
    void names_are_renamed_linked_and_removed() throws IOException {
        FileTree.makeDirectory(root, "d", 0755);
        Files.createFile(temporary.resolve("f"));
        Files.createSymbolicLink(temporary.resolve("l"), Path.of("../x"));
        assertThat(FileTree.readLink(root, "l")).isEqualTo("../x");
        assertThat(FileTree.status(root, "l").isSymlink()).isTrue();
        try (Fd directory = FileTree.open(root, "d", Open.PATH, 0, 0)) {
            FileTree.rename(root, "f", directory, "g");
            assertThat(FileTree.pathOf(directory)).endsWith("/d");
            assertThat(FileTree.fileSystem(directory)).isEqualTo(FileSystemKind.ORDINARY);
            assertErrno(Errno.ENOTEMPTY, () -> FileTree.removeDirectory(root, "d"));
            FileTree.unlink(directory, "g");
        }
        FileTree.removeDirectory(root, "d");
        FileTree.unlink(root, "l");
        assertThat(temporary).isEmptyDirectory();
    }

    @Test
    void failures_tell_the_call_the_subject_and_the_reason() {
        LinuxException missing = catchThrowableOfType(
                LinuxException.class,
                () -> FileTree.open(root, "none", Open.READ, 0, 0).close());
        assertThat(missing).hasMessage("openat2 none: ENOENT");
        assertErrno(
                Errno.EINVAL, () -> FileTree.open(root, "a\0b", Open.READ, 0, 0).close());
        assertErrno(
                Errno.EXDEV,
                () -> FileTree.open(root, "../x", Open.PATH, 0, Open.BENEATH).close());
    }

    @Test
    void attributes_are_kept_and_listed() throws IOException {
        Files.createFile(temporary.resolve("f"));
        try (Fd file = FileTree.open(root, "f", Open.WRITE, 0, 0)) {
            Xattrs.set(file, "user.a", new byte[] {1, 2});
            Xattrs.set(file, "user.b", new byte[0]);
            assertThat(Xattrs.list(root, "f")).contains("user.a", "user.b");
            assertThat(Xattrs.get(root, "f", "user.a")).containsExactly(1, 2);
            assertThat(Xattrs.get(file, "user.b")).isEmpty();
            Xattrs.remove(file, "user.a");
            assertThat(Xattrs.list(file)).contains("user.b").doesNotContain("user.a");
            assertErrno(Errno.ENODATA, () -> Xattrs.get(file, "user.a"));
        }
    }

    private interface Call {
        void run() throws IOException;
    }

    private static void assertErrno(Errno errno, Call call) {
        LinuxException e = catchThrowableOfType(LinuxException.class, call::run);
        assertThat(e).isNotNull();
        assertThat(e.errno()).isEqualTo(errno);
    }
}
