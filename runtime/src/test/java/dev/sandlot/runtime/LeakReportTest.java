package dev.sandlot.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sandlot.linux.CgroupLimits;
import dev.sandlot.linux.Cgroups;
import dev.sandlot.linux.TreeRemoval;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What is told from outside about a runtime that is open, closed, or has left things behind. */
@Tag("kernel")
class LeakReportTest {
    private RuntimeConfig config;

    @BeforeEach
    void makeDirectory() throws Exception {
        config = TestConfig.over(Files.createTempDirectory(Path.of("/var/tmp"), "sandlot-leak-test"));
    }

    @AfterEach
    void purge() throws Exception {
        OciRuntime.purge(config);
        TreeRemoval.remove(config.dataDirectory());
    }

    @Test
    void anOpenRuntimeWithIdleSlotsAndARunningSandboxLeaksNothing() throws Exception {
        try (OciRuntime runtime = open()) {
            runtime.start(spec());
            RuntimeContract.awaitTrue(() -> runtime.status().readySlots() == config.readySlots());

            assertThat(OciRuntime.leaks(config)).isEmpty();
            assertThat(OciRuntime.alive(config)).containsExactly("leak1");
            runtime.kill("leak1");
            RuntimeContract.awaitTrue(() -> OciRuntime.leaks(config).isEmpty());
        }
    }

    /** As builds are that somebody cancels. */
    @Test
    void aStartThatIsInterruptedAtAnyTimeLeavesNothing() throws Exception {
        List<String> failures = new CopyOnWriteArrayList<>();
        try (OciRuntime runtime = open()) {
            for (int delay = 0; delay < 40; delay += 2) {
                Thread starting = Thread.ofVirtual().start(() -> startOrFail(runtime, failures));
                Thread.sleep(delay);
                starting.interrupt();
                starting.join();
                runtime.kill("leak1");
            }
            RuntimeContract.awaitTrue(() -> OciRuntime.leaks(config).isEmpty());
            assertThat(OciRuntime.alive(config)).isEmpty();
        }
        assertThat(failures).allMatch(message -> message.startsWith("could not start sandbox leak1"));
    }

    private static void startOrFail(OciRuntime runtime, List<String> failures) {
        try {
            runtime.start(spec());
        } catch (Exception e) {
            failures.add(String.valueOf(e.getMessage()));
        }
    }

    @Test
    void itIsToldThatAProcessHasItOpenAndNobodyElseGetsIt() throws Exception {
        try (OciRuntime _ = open()) {
            assertThat(LeakReport.isOpen(config)).isTrue();
            assertThatThrownBy(this::open).hasMessageContaining("belong to another process");
        }
        assertThat(LeakReport.isOpen(config)).isFalse();
    }

    @Test
    void whatNobodyOwnsIsToldWhileTheRuntimeIsOpen() throws Exception {
        try (OciRuntime runtime = open()) {
            RuntimeContract.awaitTrue(() -> runtime.status().readySlots() == config.readySlots());
            leakSomething();

            assertThat(OciRuntime.leaks(config)).containsExactlyInAnyOrder(leaked());
        }
    }

    @Test
    void aSandboxThatRunsOnWithoutAServerIsNoLeakAndTheRestIsToldToo() throws Exception {
        try (OciRuntime runtime = open()) {
            runtime.start(spec());
        }
        RuntimeContract.awaitTrue(() -> OciRuntime.leaks(config).isEmpty());
        leakSomething();

        assertThat(OciRuntime.leaks(config)).containsExactlyInAnyOrder(leaked());
        assertThat(OciRuntime.alive(config)).containsExactly("leak1");
    }

    @Test
    void lookingAtAMachineWithoutItMakesNothing() throws Exception {
        TreeRemoval.remove(config.dataDirectory());

        assertThat(OciRuntime.leaks(config)).isEmpty();
        assertThat(config.dataDirectory()).doesNotExist();
        assertThat(config.runDirectory()).doesNotExist();
        assertThat(Cgroups.look(config.cgroupParent()).parentExists()).isFalse();
    }

    @Test
    void rulesAndGroupsWithoutARunDirectoryAreLeft() throws Exception {
        open().close();
        RuntimeContract.awaitTrue(() -> OciRuntime.leaks(config).isEmpty());
        TreeRemoval.remove(config.runDirectory());

        assertThat(OciRuntime.leaks(config))
                .containsExactlyInAnyOrder(
                        new Leak(Leak.Kind.CGROUP, config.cgroupParent()),
                        new Leak(Leak.Kind.RULES, "nftables table inet sandlot_" + config.instance()));
    }

    private void leakSomething() throws Exception {
        Cgroups.open(config.cgroupParent()).create("forgotten", new CgroupLimits(64L << 20, 1.0, 10));
        Files.createDirectory(config.runSandboxes().resolve("forgotten"));
        Tool.require("ip").mustRun("", "link", "add", config.linkName(4000), "type", "veth", "peer", "name", "slpeer");
    }

    private Leak[] leaked() {
        return new Leak[] {
            new Leak(Leak.Kind.CGROUP, "forgotten"),
            new Leak(
                    Leak.Kind.DIRECTORY,
                    config.runSandboxes().resolve("forgotten").toString()),
            new Leak(Leak.Kind.LINK, config.linkName(4000))
        };
    }

    private OciRuntime open() throws Exception {
        return OciRuntime.open(config, (_, _, _) -> {});
    }

    private static RuntimeSpec spec() throws Exception {
        return new RuntimeSpec("leak1", "base", List.of(TestLayer.path()), 1, 128, 100, "leak1", true, Map.of());
    }
}
