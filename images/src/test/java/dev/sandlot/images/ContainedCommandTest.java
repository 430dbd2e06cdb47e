package dev.sandlot.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sandlot.linux.Mounts;
import dev.sandlot.linux.Pidfd;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a program of the host mounted ends with it, and it with the process that started it. */
@Tag("kernel")
class ContainedCommandTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final String MOUNT_AND_STAY =
            "mount -t tmpfs none \"$0\" && touch \"$0/inside\" && echo mounted" + " && sleep 1000 && true";

    @TempDir
    Path temp;

    private Path target;

    @BeforeEach
    void makeTarget() throws IOException {
        target = Files.createDirectory(temp.resolve("tree"));
    }

    @AfterEach
    void leaveNoMount() throws IOException {
        Mounts.detachBelow(temp);
    }

    @Test
    void tellsOutputErrorsAndStatus() throws Exception {
        List<String> lines = new ArrayList<>();
        HostCommand.Outcome outcome =
                new ContainedCommand(List.of("sh", "-c", "echo one; echo two >&2; exit 7"), PATIENCE).run(lines::add);
        assertThat(lines).containsExactly("one", "two");
        assertThat(outcome).isEqualTo(new HostCommand.Outcome(7, List.of("one", "two")));
    }

    @Test
    void saysWhichProgramTookTooLong() {
        ContainedCommand command = new ContainedCommand(staying(target), Duration.ofSeconds(1));
        assertThatThrownBy(() -> command.run(line -> {})).hasMessageContaining("sh did not end within 1 s");
        assertThat(target).isEmptyDirectory();
    }

    @Test
    void itsMountsAreItsOwn() throws Exception {
        HostCommand.Outcome outcome = new ContainedCommand(
                        List.of("sh", "-c", "mount -t tmpfs none \"$0\" && touch \"$0/inside\"", target.toString()),
                        PATIENCE)
                .run(line -> {});
        assertThat(outcome.exitCode()).isZero();
        assertThat(target).isEmptyDirectory();
        assertThat(Mounts.below(temp)).isEmpty();
    }

    @Test
    void nothingIsLeftWhenItsParentIsKilled() throws Exception {
        Process parent = parent();
        List<Pidfd> children = new ArrayList<>();
        try {
            assertThat(parent.inputReader(StandardCharsets.UTF_8).readLine()).isEqualTo("mounted");
            for (ProcessHandle child : parent.descendants().toList()) {
                children.add(Pidfd.open((int) child.pid()));
            }
            assertThat(children).hasSizeGreaterThanOrEqualTo(2);
            parent.destroyForcibly().waitFor();
            for (Pidfd child : children) {
                assertThat(child.awaitEnd(PATIENCE)).isTrue();
            }
            assertThat(Mounts.below(temp)).isEmpty();
            assertThat(target).isEmptyDirectory();
        } finally {
            parent.destroyForcibly();
            for (Pidfd child : children) {
                end(child);
            }
        }
    }

    private static void end(Pidfd child) throws IOException {
        try (child) {
            if (!child.awaitEnd(Duration.ZERO)) {
                child.signal(9);
            }
        }
    }

    private Process parent() throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Parent.class.getName(),
                        target.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }

    private static List<String> staying(Path target) {
        return List.of("sh", "-c", MOUNT_AND_STAY, target.toString());
    }

    /** Runs the program on a virtual thread, as a server does. */
    static final class Parent {
        private Parent() {}

        public static void main(String[] args) throws InterruptedException {
            Thread.ofVirtual().start(() -> run(Path.of(args[0]))).join();
        }

        private static void run(Path target) {
            try {
                new ContainedCommand(staying(target), Duration.ofSeconds(1000)).run(System.out::println);
            } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
