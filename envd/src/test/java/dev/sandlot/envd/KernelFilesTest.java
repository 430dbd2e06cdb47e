package dev.sandlot.envd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.linux.FileTree;
import dev.sandlot.protocol.BodyBudget;
import dev.sandlot.protocol.MemoryExchange;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.InstantSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The acceptance rows of envd.md 12.1 that need root: file systems that are full, or the kernel's own. */
@Tag("kernel")
class KernelFilesTest {
    /** Mounts a file system in a user namespace and waits. */
    private static final String OWN_USERS = """
            import ctypes, os, sys
            libc = ctypes.CDLL(None, use_errno=True)
            assert libc.unshare(0x10000000 | 0x20000) == 0, os.strerror(ctypes.get_errno())
            print("unshared", flush=True)
            sys.stdin.readline()
            os.setgid(0)
            os.setuid(0)
            done = libc.mount(b"tmpfs", sys.argv[1].encode(), b"tmpfs", 0, b"size=64k,mode=0700")
            assert done == 0, os.strerror(ctypes.get_errno())
            print("ready", flush=True)
            sys.stdin.readline()
            """;

    private FilesFixture sandbox;
    private Path mounted;

    @BeforeEach
    void open(@TempDir Path root) throws IOException {
        sandbox = new FilesFixture(root);
    }

    @AfterEach
    void close() throws Exception {
        sandbox.close();
        if (mounted != null) {
            run("umount", mounted.toString());
        }
    }

    @Test
    void R10_a_parent_on_a_pseudo_file_system_is_500() throws Exception {
        mount("proc", "proc", "ro");
        Answer answer = sandbox.upload(FilesFixture.put("/mnt/nowhere/file", "x"));
        assertThat(answer.status()).isEqualTo(500);
        assertThat(answer.text()).contains("error ensuring directories: ");
    }

    @Test
    void R12_a_pseudo_file_system_that_takes_no_files_is_500() throws Exception {
        mount("proc", "proc", "nosuid");
        Answer answer = sandbox.upload(FilesFixture.put("/mnt/file", "x"));
        assertThat(answer.status()).isEqualTo(500);
        assertThat(answer.text()).contains("error opening file: ");
    }

    @Test
    void R13_a_full_file_system_is_507_and_says_what_is_missing() throws Exception {
        mount("tmpfs", "tmpfs", "size=4096,nr_inodes=3");
        Answer large = sandbox.upload(FilesFixture.put("/mnt/large", "x".repeat(10_000)));
        assertThat(large.status()).isEqualTo(507);
        assertThat(large.text()).contains("\"attempted to write 10000 bytes: not enough disk space available\"");
        Answer fresh = sandbox.upload(FilesFixture.put("/mnt/fresh", "x"));
        assertThat(fresh.text()).contains("\"attempted to write 1 bytes: not enough disk space available\"");
        Answer chunked = sandbox.upload(
                MemoryExchange.streaming("POST", "/files?path=/mnt/fresh", new ByteArrayInputStream(new byte[9000]))
                        .header("Content-Type", "application/octet-stream"));
        assertThat(chunked.text()).contains("\"message\":\"not enough disk space available\"");
        Answer noInode = sandbox.upload(FilesFixture.put("/mnt/third", "x"));
        assertThat(noInode.status()).isEqualTo(507);
        assertThat(noInode.text()).contains("not enough inodes available");
    }

    @Test
    void R14_a_full_file_system_takes_a_smaller_file_in_place_of_a_larger() throws Exception {
        mount("tmpfs", "tmpfs", "size=8192");
        assertThat(sandbox.upload(FilesFixture.put("/mnt/f", "x".repeat(8192))).status())
                .isEqualTo(200);
        assertThat(sandbox.upload(FilesFixture.put("/mnt/f", "small")).status()).isEqualTo(200);
        assertThat(sandbox.at("/mnt/f")).hasContent("small");
    }

    @Test
    void R15_kernel_files_are_written_and_read_to_their_end() throws Exception {
        mount("proc", "proc", "nosuid");
        long pid = ProcessHandle.current().pid();
        String path = "/mnt/" + pid + "/oom_score_adj";
        String now = Files.readString(Path.of("/proc/self/oom_score_adj")).strip();
        assertThat(sandbox.upload(FilesFixture.put(path, now)).status()).isEqualTo(200);
        Answer plain = sandbox.download(FilesFixture.get(path));
        assertThat(plain.text().strip()).isEqualTo(now);
        assertThat(plain.complete()).isTrue();
        Answer zipped = sandbox.download(FilesFixture.get(path).header("Accept-Encoding", "gzip"));
        assertThat(FilesFixture.gunzip(zipped.bytes())).isEqualTo((now + "\n").getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void R15_a_control_group_takes_its_settings_as_uploads() throws Exception {
        mount("cgroup2", "cgroup2", "nosuid");
        Path group = Files.createDirectory(
                mounted.resolve("sandlot-test-" + ProcessHandle.current().pid()));
        try {
            String path = "/mnt/" + group.getFileName() + "/cgroup.max.descendants";
            assertThat(sandbox.upload(FilesFixture.put(path, "7")).status()).isEqualTo(200);
            assertThat(sandbox.download(FilesFixture.get(path)).text()).isEqualTo("7\n");
        } finally {
            Files.delete(group);
        }
    }

    @Test
    void R19_composing_that_fails_midway_leaves_the_old_destination_and_the_sources() throws Exception {
        mount("proc", "proc", "nosuid");
        assertThat(sandbox.upload(FilesFixture.put("/home/user/a", "a")).status())
                .isEqualTo(200);
        assertThat(sandbox.upload(FilesFixture.put("/home/user/all", "old")).status())
                .isEqualTo(200);
        String unreadable = "/mnt/" + ProcessHandle.current().pid() + "/mem";
        Answer answer = sandbox.compose("{\"source_paths\":[\"a\",\"" + unreadable + "\"],\"destination\":\"all\"}");
        assertThat(answer.status()).isEqualTo(500);
        assertThat(sandbox.at("/home/user/all")).hasContent("old");
        assertThat(sandbox.at("/home/user/a")).hasContent("a");
        try (var left = Files.list(sandbox.at("/home/user"))) {
            assertThat(left.map(p -> p.getFileName().toString())).containsExactlyInAnyOrder("a", "all");
        }
    }

    @Test
    @InProcessOnly("gives the sandbox users of its own, which is what a node does")
    void the_kernel_is_not_set_through_a_sandbox_with_its_own_users() throws Exception {
        mount("proc", "proc", "nosuid");
        Path setting = Path.of("/proc/sys/vm/swappiness");
        String before = Files.readString(setting);
        Files.writeString(sandbox.at("/etc/passwd"), "user:x:1000:1000::/home/user:/bin/sh\n");
        try (SandboxFiles mapped =
                new SandboxFiles(FileTree.directory(sandbox.root.toString()), new IdRange(1_000_000, 65536))) {
            FilesEndpoint endpoint = new FilesEndpoint(
                    mapped,
                    new Accounts(mapped),
                    () -> "user",
                    () -> "",
                    () -> "",
                    InstantSource.system(),
                    () -> BodyBudget.ofHeap(4).lease("", BodyBudget.VALUES));
            Answer write = Answer.of(endpoint::upload, FilesFixture.put("/mnt/sys/vm/swappiness", "61"));
            assertThat(write.status()).isEqualTo(500);
            assertThat(write.text()).contains("EACCES").doesNotContain("/proc/self/fd");
            Answer secret = Answer.of(endpoint::download, FilesFixture.get("/mnt/1/environ"));
            assertThat(secret.status()).isEqualTo(500);
            Answer status = Answer.of(endpoint::download, FilesFixture.get("/mnt/1/status"));
            assertThat(status.text()).contains("Pid:");
            Answer made = Answer.of(endpoint::upload, FilesFixture.put("/home/user/new/file", "x"));
            assertThat(made.status()).isEqualTo(200);
        }
        assertThat(Files.readString(setting)).isEqualTo(before);
        assertThat(Files.getAttribute(sandbox.at("/home/user/new"), "unix:uid")).isEqualTo(1_001_000);
        assertThat(Files.getAttribute(sandbox.at("/home/user/new/file"), "unix:gid"))
                .isEqualTo(1_001_000);
    }

    @Test
    @InProcessOnly("gives the sandbox users of its own, which is what a node does")
    void files_are_made_and_moved_on_a_file_system_of_the_sandboxs_own_users() throws Exception {
        Files.setPosixFilePermissions(sandbox.root, PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.writeString(sandbox.at("/etc/passwd"), "user:x:1000:1000::/home/user:/bin/sh\n");
        Path shm = Files.createDirectories(sandbox.at("/dev/shm"));
        Process own = new ProcessBuilder("python3", "-c", OWN_USERS, shm.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        BufferedReader said = own.inputReader();
        assertThat(said.readLine()).isEqualTo("unshared");
        for (String map : new String[] {"uid_map", "gid_map"}) {
            Files.writeString(Path.of("/proc/" + own.pid(), map), "0 1000000 65536");
        }
        own.outputWriter().append("go\n").flush();
        assertThat(said.readLine()).isEqualTo("ready");
        String root = "/proc/" + own.pid() + "/root" + sandbox.root;
        try (SandboxFiles mapped = new SandboxFiles(FileTree.directory(root), new IdRange(1_000_000, 65536))) {
            FilesEndpoint endpoint = new FilesEndpoint(
                    mapped,
                    new Accounts(mapped),
                    () -> "user",
                    () -> "",
                    () -> "",
                    InstantSource.system(),
                    () -> BodyBudget.ofHeap(4).lease("", BodyBudget.VALUES));
            for (String path : new String[] {"/dev/shm/new/a", "/dev/shm/new/b"}) {
                Answer made = Answer.of(endpoint::upload, FilesFixture.put(path, "x"));
                assertThat(made.status()).as(made.text()).isEqualTo(200);
            }
            mapped.rename("/dev/shm/new/a", "/dev/shm/new/c");
            assertThat(Files.getAttribute(Path.of(root, "dev/shm/new"), "unix:uid"))
                    .isEqualTo(1_001_000);
            assertThat(Files.getAttribute(Path.of(root, "dev/shm/new/c"), "unix:uid"))
                    .isEqualTo(1_001_000);
            Answer large = Answer.of(endpoint::upload, FilesFixture.put("/dev/shm/large", "x".repeat(100_000)));
            assertThat(large.status()).isEqualTo(507);
        } finally {
            own.destroyForcibly().waitFor();
        }
    }

    private void mount(String type, String source, String options) throws Exception {
        mounted = Files.createDirectories(sandbox.at("/mnt"));
        run("mount", "-t", type, "-o", options, source, mounted.toString());
    }

    private static void run(String... command) throws Exception {
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
    }
}
