package dev.sandlot.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class PidfdTest {
    private static final int SIGTERM = 15;

    @Test
    void tellsTheEndOfAProcessThatItSignalled() throws Exception {
        Process sleeper = new ProcessBuilder("sleep", "60").start();
        try (EventLoop loop = EventLoop.start("test");
                Pidfd pidfd = Pidfd.open((int) sleeper.pid())) {
            CompletableFuture<Void> ended = new CompletableFuture<>();
            pidfd.onExit(loop, () -> ended.complete(null));
            assertThat(ended).isNotDone();
            pidfd.signal(SIGTERM);
            ended.get(10, TimeUnit.SECONDS);
            assertThat(sleeper.waitFor()).isEqualTo(128 + SIGTERM);
            assertThatThrownBy(() -> pidfd.signal(SIGTERM))
                    .isInstanceOfSatisfying(
                            LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ESRCH));
        }
    }

    @Test
    void aProcessThatIsNotThereCannotBeHeld() throws IOException, InterruptedException {
        Process gone = new ProcessBuilder("true").start();
        gone.waitFor();
        assertThatThrownBy(() -> Pidfd.open((int) gone.pid()))
                .isInstanceOfSatisfying(
                        LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ESRCH));
    }
}
