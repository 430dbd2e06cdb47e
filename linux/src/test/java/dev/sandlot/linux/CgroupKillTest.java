package dev.sandlot.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("kernel")
class CgroupKillTest {
    /** A thread that is about to start something in the group; the kernel then names all of this process there. */
    @Test
    void killingAGroupSparesThisProcessThoughAThreadOfItIsInTheGroup() throws Exception {
        Cgroups groups =
                Cgroups.open("sandlot-kill-test-" + ProcessHandle.current().pid());
        assumeTrue(groups.movesThreads(), "threads cannot be moved here");
        Cgroup group = groups.create("g", new CgroupLimits(64L << 20, 1.0, 10));
        Process other = new ProcessBuilder("sleep", "100").start();
        CompletableFuture<Boolean> inside = new CompletableFuture<>();
        CompletableFuture<Boolean> killed = new CompletableFuture<>();
        Thread visitor = Thread.ofPlatform().start(() -> visit(groups, group, inside, killed));
        try {
            group.add(Math.toIntExact(other.pid()));
            inside.get(10, TimeUnit.SECONDS);
            assertThat(group.processes())
                    .contains(Math.toIntExact(ProcessHandle.current().pid()));
            group.kill();
            assertThat(other.waitFor(Duration.ofSeconds(10))).isTrue();
        } finally {
            killed.complete(true);
            visitor.join();
            other.destroyForcibly();
            group.remove();
            groups.removeParent();
        }
    }

    private static void visit(
            Cgroups groups, Cgroup group, CompletableFuture<Boolean> inside, CompletableFuture<Boolean> killed) {
        try {
            group.enter();
            try {
                inside.complete(true);
                killed.join();
            } finally {
                groups.leave();
            }
        } catch (Exception e) {
            inside.completeExceptionally(e);
        }
    }
}
