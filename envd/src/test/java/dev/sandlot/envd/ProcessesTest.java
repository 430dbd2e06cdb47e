package dev.sandlot.envd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sandlot.linux.Errno;
import dev.sandlot.linux.EventLoop;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.FileTree;
import dev.sandlot.linux.Open;
import dev.sandlot.protocol.ConnectCode;
import dev.sandlot.protocol.ConnectException;
import dev.sandlot.protocol.SandboxId;
import dev.sandlot.protocol.process.ProcessConfig;
import dev.sandlot.protocol.process.ProcessSelector;
import dev.sandlot.protocol.process.StartRequest;
import dev.sandlot.supervisor.SpawnException;
import dev.sandlot.supervisor.Supervisor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The table of processes, and starts that fail after the process runs, without a real supervisor. */
@InProcessOnly("the table of processes over a supervisor that fails")
class ProcessesTest {
    private static final Account USER = new Account("user", 1000, 1000, List.of(1000), "/", "/bin/sh");
    private static final StartRequest SLEEP = StartRequest.newBuilder()
            .setProcess(ProcessConfig.newBuilder().setCmd("sleep"))
            .setTag("job")
            .build();

    @TempDir
    Path directory;

    @Test
    void a_process_that_cannot_be_listened_to_is_killed_and_let_go() throws Exception {
        try (EventLoop loop = EventLoop.start("test-loop");
                EnvdHost host = new EnvdHost(loop)) {
            ProcessTable table = new ProcessTable();
            UnreadableSupervisor supervisor = new UnreadableSupervisor(table);
            EnvdSettings settings =
                    new EnvdSettings(new EnvdConfig(new SandboxId("itest"), "base", Map.of(), null, "user", ""));
            Processes processes = new Processes(
                    host,
                    supervisor,
                    table,
                    new ProcessLauncher(supervisor, settings),
                    new FileProcessJournal(directory),
                    Duration.ofMinutes(1));
            assertThatThrownBy(() -> processes.start(USER, SLEEP, Optional.empty(), false))
                    .isInstanceOf(ConnectException.class)
                    .hasMessageContaining("could not read from the process");
            assertThat(supervisor.killed).containsExactly(7);
            assertThat(supervisor.released.await(10, TimeUnit.SECONDS)).isTrue();
            assertThat(table.all()).isEmpty();
            CountDownLatch turn = new CountDownLatch(1);
            loop.execute(turn::countDown);
            assertThat(turn.await(10, TimeUnit.SECONDS)).isTrue();
            assertThat(supervisor.given).noneMatch(Fd::isOpen);
        }
    }

    @Test
    void a_terminal_too_many_is_a_resource_exhausted() throws Exception {
        UnreadableSupervisor supervisor = new UnreadableSupervisor(new ProcessTable());
        supervisor.terminalsAreGone = true;
        EnvdSettings settings =
                new EnvdSettings(new EnvdConfig(new SandboxId("itest"), "base", Map.of(), null, "user", ""));
        ProcessLauncher launcher = new ProcessLauncher(supervisor, settings);
        assertThatThrownBy(() -> launcher.launch(USER, SLEEP, 1))
                .isInstanceOfSatisfying(
                        ConnectException.class, e -> assertThat(e.code()).isEqualTo(ConnectCode.RESOURCE_EXHAUSTED))
                .hasMessageContaining("no pseudo-terminal is free for 'sleep'");
    }

    @Test
    void what_a_process_was_started_with_is_for_the_owner_of_the_journal_alone() throws Exception {
        Path home = Files.createDirectory(directory.resolve("journal"));
        Files.setPosixFilePermissions(home, PosixFilePermissions.fromString("rwxr-xr-x"));
        new FileProcessJournal(home).save(new ProcessJournal.Entry(7, SLEEP, null, false));
        assertThat(Files.getPosixFilePermissions(home)).isEqualTo(PosixFilePermissions.fromString("rwx------"));
        assertThat(Files.getPosixFilePermissions(home.resolve("7")))
                .isEqualTo(PosixFilePermissions.fromString("rw-------"));
    }

    @Test
    void P17_a_number_used_again_never_shows_the_end_of_its_predecessor() throws Exception {
        ProcessTable table = new ProcessTable();
        SandboxProcess first = process(table, 7, 1);
        table.add(first);
        table.exited(7, 3 << 8);
        assertThat(table.selectEvenEnded(byPid(7))).isSameAs(first);
        SandboxProcess second = process(table, 7, 2);
        table.add(second);
        assertThat(table.selectEvenEnded(byPid(7))).isSameAs(second);
        assertThat(second.hasExited()).isFalse();
        table.forget(first);
        table.ended(first);
        assertThat(table.select(byPid(7))).isSameAs(second);
        table.exited(7, 9);
        assertThat(second.endEvent().getEnd().getStatus()).isEqualTo("signal: killed");
        assertThatThrownBy(() -> table.select(byPid(7))).isInstanceOf(ConnectException.class);
    }

    @Test
    void P17_a_tag_used_again_drops_the_end_kept_under_it() throws Exception {
        ProcessTable table = new ProcessTable();
        SandboxProcess first = process(table, 7, 1);
        table.add(first);
        table.exited(7, 0);
        SandboxProcess second = process(table, 8, 2);
        table.add(second);
        ProcessSelector job = ProcessSelector.newBuilder().setTag("job").build();
        assertThat(table.selectEvenEnded(job)).isSameAs(second);
        assertThatThrownBy(() -> table.selectEvenEnded(byPid(7)))
                .isInstanceOf(ConnectException.class)
                .hasMessageContaining("not found");
    }

    private static SandboxProcess process(ProcessTable table, int pid, long cookie) {
        return new SandboxProcess(pid, new ProcessJournal.Entry(cookie, SLEEP, null, false), null, null, table::ended);
    }

    private static ProcessSelector byPid(int pid) {
        return ProcessSelector.newBuilder().setPid(pid).build();
    }

    /** Gives out ends of a kind that no event loop takes: regular files. */
    private final class UnreadableSupervisor implements Supervisor {
        private final ProcessTable table;
        private final List<Integer> killed = new ArrayList<>();
        private final List<Fd> given = new ArrayList<>();
        private final CountDownLatch released = new CountDownLatch(1);
        private boolean terminalsAreGone;

        UnreadableSupervisor(ProcessTable table) {
            this.table = table;
        }

        @Override
        public Spawned spawn(SpawnRequest request) throws SpawnException, IOException {
            if (terminalsAreGone) {
                throw new SpawnException(SpawnException.Step.TERMINAL, Errno.ENOSPC.number());
            }
            return new Spawned(7, attach(7));
        }

        @Override
        public void signal(int pid, int signal) {
            killed.add(pid);
            table.exited(pid, signal);
        }

        @Override
        public List<Child> list() {
            return List.of();
        }

        @Override
        public Ends attach(int pid) throws IOException {
            return new Ends(file("in"), file("out"), file("err"));
        }

        private Fd file(String name) throws IOException {
            Files.writeString(directory.resolve(name), "");
            try (Fd parent = FileTree.directory(directory.toString())) {
                Fd fd = FileTree.open(parent, name, Open.READ, 0, Open.BENEATH);
                given.add(fd);
                return fd;
            }
        }

        @Override
        public void closeInput(int pid) {}

        @Override
        public void release(int pid) {
            released.countDown();
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void onClose(Runnable action) {}

        @Override
        public void close() {}
    }
}
