package dev.sandlot.builds;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.sandlot.images.Digest;
import dev.sandlot.images.LayerStore;
import dev.sandlot.images.MergedTree;
import dev.sandlot.images.StagedTree;
import dev.sandlot.images.UnpackLimits;
import dev.sandlot.protocol.BuildOrigin;
import dev.sandlot.protocol.BuildPlan;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** template-build.md 8.2, in roots made of this machine's shell and package tools that write down how they are called. */
@Tag("kernel")
class ProvisionerTest {
    static final BuildPlan PLAN = plan(new BuildOrigin.Image("image", null));

    /** Programs of this machine that the script itself needs. */
    private static final List<String> TOOLS = List.of(
            "/bin/sh",
            "/bin/cat",
            "/bin/grep",
            "/bin/sed",
            "/bin/mkdir",
            "/bin/chmod",
            "/bin/rm",
            "/bin/mv",
            "/bin/find");

    @TempDir
    Path temp;

    LayerStore store;
    RecordedLog log = new RecordedLog();

    @BeforeEach
    void open() throws IOException {
        store = LayerStore.open(temp.resolve("pool"), UnpackLimits.DEFAULT);
    }

    @AfterEach
    void close() throws IOException {
        store.close();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            ID=debian | apt-get | -q -y --no-install-recommends install bash sudo curl git jq less socat iproute2 iputils-ping fuse3 procps passwd ca-certificates
            ID=ubuntu | apt-get | -q -y --no-install-recommends install bash sudo curl git jq less socat iproute2 iputils-ping fuse3 procps passwd ca-certificates
            ID=fedora | dnf | -y --setopt=install_weak_deps=0 install bash sudo curl git jq less socat iproute iputils fuse3 procps-ng shadow-utils ca-certificates
            ID="rocky" | microdnf | -y --setopt=install_weak_deps=0 install bash sudo curl git jq less socat iproute iputils fuse3 procps-ng shadow-utils ca-certificates
            ID='centos' | yum | -y --setopt=install_weak_deps=0 install bash sudo curl git jq less socat iproute iputils fuse3 procps-ng shadow-utils ca-certificates
            ID=arch | pacman | -Sy --noconfirm --needed bash sudo curl git jq less socat iproute2 iputils fuse3 procps-ng shadow ca-certificates
            ID=alpine | apk | add --no-cache bash sudo curl git jq less socat iproute2 iputils fuse3 procps shadow ca-certificates
            """)
    void each_family_installs_what_is_missing_by_its_own_tool(String release, String tool, String call)
            throws Exception {
        List<Digest> image = image(release, tool, true);
        List<Digest> provisioned = provision(image);
        assertThat(provisioned).hasSize(2).startsWith(image.getFirst());
        assertThat(text(provisioned, "/var/calls").lines()).contains(tool + " " + call);
        assertThat(text(provisioned, "/etc/shadow")).startsWith("root::19000");
        assertThat(text(provisioned, "/etc/machine-id")).isEmpty();
        assertThat(text(provisioned, "/etc/profile")).startsWith("SANDLOT_PATH=${PATH-}\nPATH=/usr/bin");
        assertThat(text(provisioned, "/etc/profile.d/zz-sandlot.sh")).contains("export SHELL=/bin/bash");
        assertThat(log.lines).contains("INFO base Provisioning was successful");
    }

    /** template-build.md 8.3: in the layer of the image, so that no build has to copy these files again. */
    @Test
    void what_is_installed_below_usr_local_is_opened_to_everybody() throws Exception {
        List<Digest> provisioned = provision(image("ID=alpine", "apk", true));
        Path tool = store.path(provisioned.getLast()).resolve("usr/local/lib/tool");
        assertThat(Files.getPosixFilePermissions(tool)).hasSize(9);
        assertThat(Files.getPosixFilePermissions(tool.getParent())).hasSize(9);
    }

    @Test
    void what_is_provisioned_already_is_left_as_it_is() throws Exception {
        List<Digest> once = provision(image("ID=alpine", "apk", true));
        assertThat(provision(once)).isEqualTo(once);
    }

    @Test
    void a_failure_tells_the_last_thirty_lines() throws Exception {
        List<Digest> image = image("ID=alpine", "apk", false);
        assertThatThrownBy(() -> provision(image))
                .isInstanceOfSatisfying(
                        BuildFailure.class, e -> assertThat(e.step()).isEqualTo("base"))
                .hasMessageContaining("provisioning failed (exit status 3)")
                .hasMessageContaining("apk line 40")
                .hasMessageContaining("apk line 11\n")
                .hasMessageNotContaining("apk line 10\n");
    }

    @Test
    void provisioning_ends_at_its_limit() throws Exception {
        List<Digest> image = image("ID=alpine", "apk", "while :; do :; done");
        Provisioner brief = new Provisioner(store, new ChrootWorkshop(store, temp), Duration.ofSeconds(1));
        assertThatThrownBy(() -> brief.provision(image, PLAN, log))
                .isInstanceOf(BuildFailure.class)
                .hasMessageContaining("longer than 1 s");
    }

    @ParameterizedTest
    @ValueSource(strings = {"ID=rhel", "ID=\"ol\"", "ID=amzn\nID_LIKE=\"fedora\"", "ID=plan9", "NAME=nothing"})
    void other_distributions_are_refused_by_the_id_that_they_declare(String release) throws Exception {
        String id =
                release.startsWith("ID=") ? release.split("\n")[0].substring(3).replace("\"", "") : "";
        List<Digest> image = image(release, "apk", true);
        assertThatThrownBy(() -> provision(image))
                .isInstanceOf(BuildFailure.class)
                .hasMessageContaining("unsupported distribution '" + id + "'");
    }

    @Test
    void an_image_without_a_release_file_is_refused() throws Exception {
        try (StagedTree tree = store.stage()) {
            Files.writeString(tree.path().resolve("program"), "1");
            List<Digest> image = List.of(store.commit(tree).diffId());
            assertThatThrownBy(() -> provision(image)).hasMessageContaining("has no /etc/os-release");
        }
    }

    @Test
    void a_distribution_that_is_like_a_known_one_is_provisioned_like_it_with_a_warning() throws Exception {
        provision(image("ID=mint\nID_LIKE=\"ubuntu debian\"", "apt-get", true));
        assertThat(log.lines).contains("WARN base unknown distribution 'mint', provisioned as debian");
    }

    /** docs: a login shell keeps the PATH that it was handed, before what its profile sets. */
    @Test
    void a_login_shell_keeps_the_path_that_it_was_handed() throws Exception {
        List<Digest> image = provision(image("ID=alpine", "apk", true));
        assertThat(login(image, "/opt/mine/bin:/usr/bin")).isEqualTo("/opt/mine/bin:/usr/bin:/bin");
    }

    private String login(List<Digest> image, String path) throws Exception {
        StringBuilder out = new StringBuilder();
        try (WorkSandbox sandbox =
                new ChrootWorkshop(store, temp).open(new Workshop.Order(PLAN.buildId(), "t", image, 1, 512))) {
            String script = ". /etc/profile; echo \"$PATH\"";
            WorkSandbox.Command command = new WorkSandbox.Command(
                    List.of("/bin/sh", "-c", "PATH=" + path + "\n" + script),
                    "root",
                    "/",
                    Map.of(),
                    Duration.ofSeconds(30));
            sandbox.run(command, new WorkSandbox.Lines() {
                @Override
                public void stdout(String line) {
                    out.append(line);
                }

                @Override
                public void stderr(String line) {
                    out.append(line);
                }
            });
        }
        return out.toString();
    }

    private List<Digest> provision(List<Digest> image) throws Exception {
        return new Provisioner(store, new ChrootWorkshop(store, temp)).provision(image, PLAN, log);
    }

    /** A root with the shell, and a package tool that makes an empty program of each package, or fails. */
    private List<Digest> image(String release, String tool, boolean works) throws Exception {
        return image(release, tool, works ? """
                echo "%1$s $*" >> /var/calls
                case "$*" in *install*|*add*|*-Sy*)
                  for p in bash sudo curl git jq less socat ip ss ping fusermount3 pgrep useradd; do
                    printf '#!/bin/sh\\n' > /usr/bin/$p; chmod 755 /usr/bin/$p
                  done
                  printf '#!/bin/sh\\necho "$2:x:99:" >> /etc/group\\n' > /usr/bin/groupadd
                  chmod 755 /usr/bin/groupadd
                  echo certificate > /etc/ssl/certs/ca-certificates.crt;;
                esac
                """.formatted(tool) : """
                i=1; while [ $i -le 40 ]; do echo "apk line $i"; i=$((i+1)); done
                exit 3
                """);
    }

    private List<Digest> image(String release, String tool, String script) throws Exception {
        assumeThat(Files.isExecutable(Path.of("/bin/dash"))).isTrue();
        try (StagedTree tree = store.stage()) {
            Path root = tree.path();
            for (String directory : List.of(
                    "bin", "usr/bin", "usr/local/lib", "etc/ssl/certs", "usr/lib", "var", "dev", "proc", "tmp")) {
                Files.createDirectories(root.resolve(directory));
            }
            for (String program : TOOLS) {
                install(Path.of(program), root);
            }
            Files.writeString(root.resolve("usr/local/lib/tool"), "tool");
            Files.writeString(root.resolve("usr/lib/os-release"), release + "\nPRETTY_NAME=\"x\"\n");
            Files.createSymbolicLink(root.resolve("etc/os-release"), Path.of("../usr/lib/os-release"));
            Files.writeString(root.resolve("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
            Files.writeString(root.resolve("etc/group"), "root:x:0:\n");
            Files.writeString(root.resolve("etc/shadow"), "root:!locked:19000:0:99999:7:::\n");
            Files.writeString(root.resolve("etc/machine-id"), "0123\n");
            Files.writeString(root.resolve("etc/profile"), """
                    PATH=/usr/bin:/bin
                    for s in /etc/profile.d/*.sh; do . "$s"; done
                    """);
            program(root.resolve("usr/bin/" + tool), script);
            return List.of(store.commit(tree).diffId());
        }
    }

    private static void program(Path file, String script) throws IOException {
        Files.writeString(file, "#!/bin/sh\n" + script);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    /** A program of this machine with its libraries. */
    private static void install(Path program, Path root) throws Exception {
        copy(program, root.resolve("bin/" + program.getFileName()));
        Process ldd = new ProcessBuilder("ldd", program.toRealPath().toString()).start();
        for (String line : ldd.inputReader().lines().toList()) {
            for (String word : line.split("\\s+")) {
                if (word.startsWith("/")) {
                    copy(Path.of(word), root.resolve(word.substring(1)));
                }
            }
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        if (!Files.exists(to)) {
            Files.createDirectories(to.getParent());
            Files.write(to, Files.readAllBytes(from));
            Files.setPosixFilePermissions(to, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
    }

    private String text(List<Digest> layers, String path) throws IOException {
        return new String(new MergedTree(store, layers).read(path, 1 << 20).orElseThrow(), StandardCharsets.UTF_8);
    }

    static BuildPlan plan(BuildOrigin origin) {
        return new BuildPlan(
                UUID.randomUUID(),
                "template",
                UUID.randomUUID(),
                1,
                512,
                1024,
                BuildPlan.Semantics.V2_1,
                origin,
                List.of(),
                null,
                null,
                false);
    }
}
