package dev.sandlot.supervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sandlot.linux.Errno;
import dev.sandlot.linux.EventLoop;
import dev.sandlot.supervisor.Supervisor.SpawnRequest;
import dev.sandlot.supervisor.Supervisor.Spawned;
import dev.sandlot.supervisor.Supervisor.Streams;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Tag("kernel")
@Timeout(60)
class ScarcityTest {
    private static final SpawnRequest CAT = new SpawnRequest(
            "cat", List.of(), Map.of("PATH", "/usr/bin:/bin"), "/", 0, 0, List.of(), new Streams.Pipes(true), 0);

    @TempDir
    Path directory;

    private final Exits exits = new Exits();

    @Test
    void whenDescriptorsEndStartsFailAndAllElseGoesOn() throws Throwable {
        try (EventLoop loop = EventLoop.start("test");
                SandboxProcess sandbox =
                        SandboxProcess.start(directory, List.of(), List.of("prlimit", "--nofile=100:100", "--"));
                SupervisorConnection supervisor = sandbox.connect(loop, exits)) {
            List<Spawned> all = new ArrayList<>();
            assertThatThrownBy(() -> startUntilRefused(supervisor, all))
                    .isInstanceOfSatisfying(SpawnException.class, e -> {
                        assertThat(e.step()).isEqualTo(SpawnException.Step.STREAMS);
                        assertThat(e.errno()).isEqualTo(Errno.EMFILE);
                    });
            assertThat(all).hasSizeGreaterThan(15);
            try (SupervisorConnection other = sandbox.connect(loop, exits)) {
                assertThat(other.list()).hasSameSizeAs(all);
            }
            end(supervisor, all.getFirst());
            end(supervisor, supervisor.spawn(CAT));
        }
    }

    private static void startUntilRefused(Supervisor supervisor, List<Spawned> all) throws Exception {
        while (all.size() < 100) {
            all.add(supervisor.spawn(CAT));
        }
    }

    private void end(Supervisor supervisor, Spawned cat) throws Exception {
        supervisor.closeInput(cat.pid());
        cat.ends().close();
        assertThat(exits.await(cat.pid())).isZero();
        supervisor.release(cat.pid());
    }

    @Test
    void theOldestOfTooManyClientsGoes() throws Throwable {
        try (EventLoop loop = EventLoop.start("test");
                SandboxProcess sandbox = SandboxProcess.start(directory);
                SupervisorConnection oldest = sandbox.connect(loop, exits)) {
            List<SupervisorConnection> newer = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                newer.add(sandbox.connect(loop, exits));
            }
            assertThatThrownBy(oldest::ping).isInstanceOf(IOException.class);
            for (SupervisorConnection each : newer) {
                each.ping();
                each.close();
            }
        }
    }

    @Test
    void everyClientIsToldOfAnExit() throws Throwable {
        Exits others = new Exits();
        try (EventLoop loop = EventLoop.start("test");
                SandboxProcess sandbox = SandboxProcess.start(directory);
                SupervisorConnection one = sandbox.connect(loop, exits);
                SupervisorConnection other = sandbox.connect(loop, others)) {
            Spawned cat = one.spawn(CAT);
            other.signal(cat.pid(), 15);
            assertThat(exits.await(cat.pid())).isEqualTo(15);
            assertThat(others.await(cat.pid())).isEqualTo(15);
            cat.ends().close();
        }
    }
}
