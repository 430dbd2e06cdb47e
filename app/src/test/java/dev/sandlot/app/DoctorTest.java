package dev.sandlot.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.control.RedisAddress;
import dev.sandlot.control.StoreLocation;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DoctorTest {
    @TempDir
    private Path root;

    @Test
    void aMachineWithNothingLacksEverythingThatIsRequired() throws Exception {
        assertThat(required())
                .allSatisfy(finding -> {
                    assertThat(finding.level()).isEqualTo(Finding.Level.MISSING);
                    assertThat(finding.fix()).isNotBlank();
                })
                .extracting(Finding::name)
                .contains(
                        "kernel",
                        "overlayfs",
                        "user namespaces",
                        "seccomp",
                        "control groups",
                        "nft",
                        "ip",
                        "OCI runtime");
    }

    @Test
    void aGoodMachineLacksNothing() throws Exception {
        goodMachine("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n");
        file("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n");

        assertThat(required()).extracting(Finding::level).containsOnly(Finding.Level.OK);
    }

    @Test
    void aHybridMachineIsToldByBothVersions() throws Exception {
        goodMachine("""
                cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
                cgroup /sys/fs/cgroup/cpu cgroup rw,cpu,cpuacct 0 0
                cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0
                cgroup /sys/fs/cgroup/pids cgroup rw,pids 0 0
                """);
        file("sys/fs/cgroup/unified/cgroup.controllers", "");

        assertThat(named("control groups").found()).contains("hybrid", "cpu, memory, pids");
    }

    @Test
    void aMissingControllerIsNamed() throws Exception {
        goodMachine("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n");
        file("sys/fs/cgroup/cgroup.controllers", "cpu pids\n");

        assertThat(named("control groups").level()).isEqualTo(Finding.Level.MISSING);
        assertThat(named("control groups").found()).endsWith("without memory");
    }

    @Test
    void aStoreThatDoesNotAnswerIsMissing() throws Exception {
        int closed;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            closed = socket.getLocalPort();
        }
        StoreLocation nobody = new StoreLocation.Postgres("postgres://u:hidden@127.0.0.1:" + closed + "/d", 1);

        assertThat(new StoreCheckup(nobody, null).further(true)).singleElement().satisfies(finding -> {
            assertThat(finding.level()).isEqualTo(Finding.Level.MISSING);
            assertThat(finding.found()).contains("could not reach", "127.0.0.1").doesNotContain("hidden");
        });
    }

    @Test
    void theStoreIsNamed() {
        StoreLocation file = new StoreLocation.SqliteFile(root.resolve("sandlot.db"));

        assertThat(new StoreCheckup(file, null).further(true)).singleElement().satisfies(finding -> {
            assertThat(finding.level()).isEqualTo(Finding.Level.OK);
            assertThat(finding.found()).contains("SQLite", "sandlot.db");
        });
    }

    @Test
    void aDiskThatIsFullerThanItMayBeIsMissingAndSaysHowMuchIsLeft() throws Exception {
        assertThat(disk("1").level()).isNotEqualTo(Finding.Level.MISSING);
        Finding full = disk("2000000000");
        assertThat(full.level()).isEqualTo(Finding.Level.MISSING);
        assertThat(full.found()).contains("MiB are free", "new sandboxes, builds and uploads are refused");
    }

    private Finding disk(String minFreeMb) throws Exception {
        Settings settings = new SettingsLoader(Map.of("SANDLOT_DISK_MIN_FREE_MB", minFreeMb), Map.of())
                .load(root, null)
                .settings();
        return new StorageCheckup(settings).further(true).getLast();
    }

    @Test
    void aDamagedStoreIsMissing() throws Exception {
        byte[] noise = new byte[50_000];
        new Random(1).nextBytes(noise);
        StoreLocation file = new StoreLocation.SqliteFile(Files.write(root.resolve("sandlot.db"), noise));
        assertThat(new StoreCheckup(file, null).further(true)).singleElement().satisfies(finding -> {
            assertThat(finding.level()).isEqualTo(Finding.Level.MISSING);
            assertThat(finding.found()).contains("sandlot.db", "cannot be read");
        });
    }

    @Test
    void aRegistryBehindThatIsAskedWithoutTlsIsALoss() {
        assertThat(registry("https://u:hidden@images.example.test").level()).isEqualTo(Finding.Level.OK);
        assertThat(registry("http://u:hidden@127.0.0.1:5000").level()).isEqualTo(Finding.Level.OK);
        Finding plain = registry("http://u:hidden@images.example.test");
        assertThat(plain.level()).isEqualTo(Finding.Level.DEGRADED);
        assertThat(plain.found()).contains("images.example.test", "plain HTTP").doesNotContain("hidden");
    }

    private static Finding registry(String url) {
        Settings.Registry settings = new Settings.Registry(true, 5000, "", url, "e2b/custom-envs", 1, 0);
        return new RegistryCheckup(settings).further(true).getFirst();
    }

    @Test
    void theImageRegistryIsNamed() throws Exception {
        goodMachine("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n");

        Settings settings =
                new SettingsLoader(Map.of(), Map.of()).load(root, null).settings();
        assertThat(new Doctor(Machine.below(root), settings, false).all())
                .filteredOn(finding -> finding.name().equals("image registry"))
                .singleElement()
                .satisfies(finding -> assertThat(finding.found()).contains("port 5000"));
    }

    @Test
    void aRedisThatDoesNotAnswerIsALoss() throws Exception {
        int closed;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            closed = socket.getLocalPort();
        }
        RedisAddress nobody = new RedisAddress("redis://u:hidden@127.0.0.1:" + closed);

        assertThat(new StoreCheckup(new StoreLocation.Memory(), nobody).further(true))
                .last()
                .satisfies(finding -> {
                    assertThat(finding.level()).isEqualTo(Finding.Level.DEGRADED);
                    assertThat(finding.found())
                            .contains("could not reach Redis", "uncounted")
                            .doesNotContain("hidden");
                });
    }

    @Test
    void sysctlsOfTheRealMachineAreReadWhole() {
        assertThat(Machine.real(Map.of()).number("/proc/sys/kernel/pid_max").orElseThrow())
                .isGreaterThan(300);
    }

    private void goodMachine(String mounts) throws IOException {
        file("proc/self/mounts", mounts);
        file("proc/sys/kernel/osrelease", "6.1.0-9-amd64\n");
        file("proc/filesystems", "nodev\tproc\nnodev\toverlay\n");
        file("proc/sys/user/max_user_namespaces", "1000\n");
        file("proc/sys/kernel/seccomp/actions_avail", "kill_process errno allow\n");
        file("proc/sys/net/ipv4/ip_forward", "1\n");
        for (String program : List.of("nft", "ip", "crun")) {
            assertThat(file("usr/sbin/" + program, "").toFile().setExecutable(true))
                    .isTrue();
        }
    }

    private Path file(String path, String text) throws IOException {
        Path file = root.resolve(path);
        Files.createDirectories(file.getParent());
        return Files.writeString(file, text);
    }

    private Finding named(String name) throws Exception {
        return required().stream()
                .filter(found -> found.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private List<Finding> required() throws Exception {
        Settings settings =
                new SettingsLoader(Map.of(), Map.of()).load(root, null).settings();
        return new Doctor(Machine.below(root), settings, false).required();
    }
}
