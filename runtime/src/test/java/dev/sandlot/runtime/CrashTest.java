package dev.sandlot.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.linux.TreeRemoval;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What is left of a node that was killed without warning. */
@Tag("kernel")
class CrashTest {
    private Path data;

    @BeforeEach
    void makeDirectory() throws Exception {
        data = Files.createTempDirectory(Path.of("/var/tmp"), "sandlot-crash-test");
    }

    @AfterEach
    void purge() throws Exception {
        OciRuntime.purge(TestConfig.over(data));
        TreeRemoval.remove(data);
    }

    @Test
    void runningSandboxesAndTheirProcessesAreBackWithinTwoSeconds() throws Exception {
        Process node = node(5);
        try (BufferedReader said = node.inputReader()) {
            while (!said.readLine().equals("ready")) {}
        }
        kill(node);
        long before = System.nanoTime();
        try (OciRuntime runtime = OciRuntime.open(TestConfig.over(data), (_, _, _) -> {})) {
            assertThat(Duration.ofNanos(System.nanoTime() - before)).isLessThan(Duration.ofSeconds(2));
            assertThat(runtime.running()).hasSize(5);
            for (RunningSandbox sandbox : runtime.running()) {
                assertThat(new Inside(sandbox)
                                .sh("kill -0 $(cat /tmp/pid) && echo alive")
                                .text())
                        .isEqualTo("alive");
            }
            for (RunningSandbox sandbox : runtime.running()) {
                assertThat(runtime.kill(sandbox.id())).isTrue();
            }
            assertThat(runtime.leaks()).isEmpty();
        }
    }

    @Test
    void whateverMomentItIsKilledAtNothingIsLeftThatNobodyOwns() throws Exception {
        Random random = new Random(7);
        for (int round = 0; round < 5; round++) {
            Process node = node(-1);
            try (BufferedReader said = node.inputReader()) {
                said.readLine();
                LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(random.nextInt(200_000)));
                kill(node);
            }
            try (OciRuntime runtime = OciRuntime.open(TestConfig.over(data), (_, _, _) -> {})) {
                for (RunningSandbox sandbox : runtime.running()) {
                    assertThat(new Inside(sandbox).sh("echo here").text()).isEqualTo("here");
                    assertThat(runtime.kill(sandbox.id())).isTrue();
                }
                RuntimeContract.awaitTrue(() -> runtime.leaks().isEmpty());
            }
        }
    }

    private Process node(int sandboxes) throws IOException {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        return new ProcessBuilder(List.of(
                        java,
                        "--enable-native-access=ALL-UNNAMED",
                        "-XX:+UseSerialGC",
                        "-Xmx256m",
                        "-Dsandlot.test.layer=" + System.getProperty("sandlot.test.layer", ""),
                        "-cp",
                        System.getProperty("java.class.path"),
                        CrashedNode.class.getName(),
                        data.toString(),
                        Integer.toString(sandboxes)))
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    private static void kill(Process node) throws InterruptedException {
        node.destroyForcibly();
        assertThat(node.waitFor()).isEqualTo(137);
    }
}
