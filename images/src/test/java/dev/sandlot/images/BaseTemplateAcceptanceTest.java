package dev.sandlot.images;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.linux.TreeRemoval;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Looks inside the real base template: the one in the pool that the property {@code sandlot.test.pool} names, else one
 * built here from Debian packages. Needs root, mmdebstrap and a mirror.
 */
@Tag("acceptance")
class BaseTemplateAcceptanceTest {
    @TempDir
    static Path temp;

    static LayerStore store;
    static TemplateRecord base;
    static Path tree;

    @BeforeAll
    static void build() throws Exception {
        String named = System.getProperty("sandlot.test.pool", "");
        Path pool = named.isEmpty() ? temp.resolve("pool") : Path.of(named);
        store = LayerStore.open(pool, UnpackLimits.DEFAULT);
        base = BaseTemplate.ensure(store, BaseTemplateSettings.DEFAULT, Progress.NONE);
        tree = store.path(base.layers().getFirst());
    }

    @AfterAll
    static void close() throws IOException {
        store.close();
        if (Files.exists(temp.resolve("pool"))) {
            TreeRemoval.remove(temp.resolve("pool"));
        }
    }

    @Test
    void it_is_made_once() throws Exception {
        assertThat(BaseTemplate.ensure(store, BaseTemplateSettings.DEFAULT, (step, fraction) -> {
                    throw new AssertionError("made again: " + step);
                }))
                .isEqualTo(base);
        assertThat(base.defaultUser()).isEqualTo("user");
        assertThat(base.workdir()).isEqualTo("/home/user");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            node -v                                                       | v20.
            python -V                                                     | Python 3.
            python3 -m venv --without-pip --help                          | usage: venv
            pip --version                                                 | pip
            npm config get prefix                                         | /usr/local
            sudo -n id -u                                                 | 0
            tput -T xterm-256color colors                                 | 256
            git daemon -h; test $? = 129 && echo usage                    | usage
            gcc --version                                                 | gcc
            id -un; pwd -P >/dev/null; echo ~                             | /home/user
            stat -c %a /code /usr/local /usr/local/lib                    | 777
            stat -c %U%a /home/user/.bashrc                               | user644
            bash -l -c 'echo $SHELL $PATH'                                | /bin/bash /usr/local/sbin:/usr/local/bin:
            cd /usr/local/lib/python3*/dist-packages && touch f && pwd      | dist-packages
            """)
    void it_has_what_agents_expect(String command, String expected) throws Exception {
        assertThat(inside(command)).contains(expected);
    }

    @Test
    void nothing_in_it_belongs_to_one_machine() throws IOException {
        assertThat(tree.resolve("etc/machine-id")).isEmptyFile();
        assertThat(tree.resolve("etc/resolv.conf")).isRegularFile().isEmptyFile();
        assertThat(tree.resolve("etc/hostname")).isRegularFile();
        assertThat(tree.resolve("dev")).isEmptyDirectory();
        assertThat(tree.resolve("customize.sh")).doesNotExist();
        assertThat(tree.resolve("etc/apt/apt.conf.d/99mmdebstrap")).doesNotExist();
        try (Stream<Path> all = Files.walk(tree)) {
            assertThat(all.map(path -> path.getFileName().toString()))
                    .doesNotContain("mcp-gateway", "EXTERNALLY-MANAGED");
        }
    }

    /** Runs a command as user in the tree, under an overlay in a mount namespace of its own. */
    private static String inside(String command) throws IOException, InterruptedException {
        Path scratch = Files.createTempDirectory(temp, "overlay");
        List<String> directories = Stream.of("upper", "work", "merged")
                .map(name -> directory(scratch, name).toString())
                .toList();
        String script = """
                set -e
                mount -t overlay overlay -o "lowerdir=$1,upperdir=$2,workdir=$3" "$4"
                mount -t proc proc "$4/proc"
                mount --rbind /dev "$4/dev"
                exec env -i HOME=/home/user PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
                  chroot --userspec=user:user "$4" /bin/bash -c "$5"
                """;
        Process process = new ProcessBuilder(
                        "unshare",
                        "--mount",
                        "bash",
                        "-c",
                        script,
                        "inside",
                        tree.toString(),
                        directories.get(0),
                        directories.get(1),
                        directories.get(2),
                        command)
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return output;
    }

    private static Path directory(Path parent, String name) {
        try {
            return Files.createDirectory(parent.resolve(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
