package dev.sandlot.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.linux.TreeRemoval;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class OciRuntimeTest extends RuntimeContract {
    private Path data;

    @Override
    SandboxRuntime open() throws Exception {
        if (data == null) {
            data = Files.createTempDirectory(Path.of("/var/tmp"), "sandlot-runtime-test");
        }
        return OciRuntime.open(TestConfig.over(data), (_, _, _) -> {});
    }

    @Override
    void purge() throws Exception {
        OciRuntime.purge(TestConfig.over(data));
        TreeRemoval.remove(data);
    }

    /** What others may pass through: the OCI runtime and the supervisor are the sandbox's own root by then. */
    @Test
    void nothingIsOpenToOtherUsersOfTheMachineButWhatSandboxesStartThrough() throws Exception {
        RuntimeConfig config = TestConfig.over(data);
        runtime().close();
        Files.setPosixFilePermissions(config.slots(), PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.setPosixFilePermissions(config.lock(), PosixFilePermissions.fromString("rw-r--r--"));
        Files.setPosixFilePermissions(config.trash(), PosixFilePermissions.fromString("rwxr-xr-x"));
        reopen();
        RunningSandbox sandbox = start();
        new Inside(sandbox).sh("true");
        Path own = config.sandboxes().resolve(sandbox.id());
        Set<Path> sandboxesOwn =
                Set.of(own.resolve("upper"), own.resolve("work").resolve("work"));
        Set<Path> passable = Set.of(config.runDirectory(), config.mountPoints(), config.supervisor());
        List<Path> open = new ArrayList<>();
        for (Path top : List.of(config.dataDirectory(), config.runDirectory())) {
            Files.walkFileTree(top, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult preVisitDirectory(Path path, BasicFileAttributes attributes) throws IOException {
                    if (sandboxesOwn.contains(path)) {
                        return FileVisitResult.SKIP_SUBTREE;
                    }
                    return visitFile(path, attributes);
                }

                @Override
                public FileVisitResult visitFile(Path path, BasicFileAttributes attributes) throws IOException {
                    boolean passed =
                            passable.contains(path) || config.mountPoints().equals(path.getParent());
                    int allowed = passed ? 0711 : 0700;
                    if (((int) Files.getAttribute(path, "unix:mode") & 0777 & ~allowed) != 0) {
                        open.add(path);
                    }
                    return FileVisitResult.CONTINUE;
                }
            });
        }
        assertThat(open).isEmpty();
    }

    @Test
    void filesBelowPathsThatAreTooLongGoWithTheirSandbox() throws Exception {
        RuntimeConfig config = TestConfig.over(data);
        RunningSandbox sandbox = start();
        String nest = """
                python3 -c '
                import os
                os.chdir("/root")
                for _ in range(500): os.mkdir("d" * 250); os.chdir("d" * 250)
                open("file", "w").write("x")
                '
                """;
        assertThat(new Inside(sandbox).sh(nest)).isEqualTo(new Inside.Outcome(0, ""));
        runtime().kill(sandbox.id());
        runtime().close();
        assertThat(config.trash()).isEmptyDirectory();
        reopen();
        assertThat(new Inside(start()).sh(nest).code()).isZero();
        runtime().close();
        OciRuntime.purge(config);
        assertThat(config.sandboxes()).doesNotExist();
        assertThat(config.trash()).doesNotExist();
    }

    @Test
    void aSandboxesRootCannotProtectFilesFromTheirRemoval() throws Exception {
        String protect = """
                python3 -c '
                import fcntl, struct
                f = open("/root/file", "w")
                try: fcntl.ioctl(f, 0x40086602, struct.pack("l", 0x10)); print("protected")
                except OSError as e: print("refused")
                '
                """;
        assertThat(new Inside(start()).sh(protect).text()).isEqualTo("refused");
    }

    @Test
    void aSandboxHasANumberOfTerminalsThatIsNotTheMachines() throws Exception {
        RunningSandbox sandbox = start();
        String open = """
                python3 -c '
                import errno, os
                held = []
                try:
                    while True: held.append(os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY))
                except OSError as e: print(len(held), errno.errorcode[e.errno])
                '
                """;
        assertThat(new Inside(sandbox).sh(open).text()).isEqualTo("256 ENOSPC");
        assertThat(new Inside(start()).sh(open).text()).isEqualTo("256 ENOSPC");
    }

    @Test
    void theMountTableTellsNothingOfTheMachinesDirectories() throws Exception {
        assertThat(new Inside(start()).sh("cat /proc/self/mounts").text())
                .contains("upperdir=")
                .doesNotContain(data.toString())
                .doesNotContain(TestLayer.path().toString());
    }

    @Test
    void afterAPurgeTheMachineKnowsNothingOfIt() throws Exception {
        RuntimeConfig config = TestConfig.over(data);
        start();
        runtime().close();
        OciRuntime.purge(config);
        assertThat(Files.exists(config.runDirectory())).isFalse();
        assertThat(Tool.require("nft").run("", "list", "tables").text()).doesNotContain(config.instance());
        awaitTrue(() -> Journal.names(Path.of("/sys/class/net")).stream()
                .noneMatch(name -> name.startsWith(config.linkPrefix())));
        assertThat(Files.readString(Path.of("/proc/self/mountinfo")))
                .doesNotContain(config.runDirectory().toString());
    }
}
