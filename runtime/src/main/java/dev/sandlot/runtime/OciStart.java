package dev.sandlot.runtime;

import dev.sandlot.linux.Cgroup;
import dev.sandlot.linux.CgroupLimits;
import dev.sandlot.linux.EventLoop;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.HostFiles;
import dev.sandlot.linux.Namespaces;
import dev.sandlot.linux.OwnerOnly;
import dev.sandlot.linux.Pidfd;
import dev.sandlot.linux.UnixSocket;
import dev.sandlot.supervisor.SupervisorConnection;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** Starts one sandbox in a slot. A failure leaves its remains to the caller. */
final class OciStart implements AutoCloseable {
    private static final String SOCKET = "control.sock";
    private static final String LOG = "log";
    private static final FileAttribute<Set<PosixFilePermission>> OWNER_ONLY =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
    private static final int STANDARD_INPUT = 0;
    private static final int STANDARD_OUTPUT = 1;
    private static final int STANDARD_ERROR = 2;
    private static final int LISTENER = 3;
    private static final Duration ANSWER_LIMIT = Duration.ofSeconds(10);
    private static final long MEBIBYTE = 1 << 20;

    private final Machine machine;
    private final OciConfig oci;
    private final EventLoop loop;
    private final ProcessExits exits;
    private final Fd sealed;
    private final String program;

    /**
     * crun guards itself from what it starts by running from a sealed copy of its program, which it makes each time
     * when it does not run from one already.
     */
    OciStart(Machine machine, OciConfig oci, EventLoop loop, ProcessExits exits) throws IOException {
        Path installed = machine.oci().program();
        this.sealed = HostFiles.sealedCopy(installed.toRealPath());
        this.program = isCrun(machine.oci())
                ? "/proc/" + ProcessHandle.current().pid() + "/fd/" + sealed.number()
                : installed.toString();
        this.machine = machine;
        this.oci = oci;
        this.loop = loop;
        this.exits = exits;
    }

    @Override
    public void close() {
        sealed.close();
    }

    static Path socket(RuntimeConfig config, String id) {
        return config.runSandboxes().resolve(id).resolve(SOCKET);
    }

    OciSandbox start(Journal.Entry entry, Slot slot, Launcher launcher) throws IOException {
        RuntimeSpec spec = entry.spec();
        Path own = machine.journal().directory(spec.id());
        Path run = machine.config().runSandboxes().resolve(spec.id());
        files(spec, slot, own.resolve("upper")).write();
        Files.createDirectory(own.resolve("work"), OWNER_ONLY);
        Files.createDirectory(run, OWNER_ONLY);
        OwnerOnly.write(run.resolve("config.json"), oci.bytes(spec, launcher.mountPoint(), slot));
        Cgroup cgroup = machine.cgroups().create(spec.id(), limits(spec));
        CompletableFuture<Integer> ended = launch(spec, slot, cgroup, launcher);
        return greet(entry, slot, cgroup, run, ended);
    }

    /** The files that a sandbox was given, in a directory that was its upper one. */
    RootFiles files(OciSandbox sandbox, Path upper) {
        return files(sandbox.spec(), sandbox.slot(), upper);
    }

    private RootFiles files(RuntimeSpec spec, Slot slot, Path upper) {
        return new RootFiles(
                spec, upper, slot.uidBase(), machine.config().addresses().gateway(slot.number()), slot.address());
    }

    /** The supervisor alone is left with the listening socket, so that its end is the end of the connection. */
    private CompletableFuture<Integer> launch(RuntimeSpec spec, Slot slot, Cgroup cgroup, Launcher launcher)
            throws IOException {
        Path own = machine.journal().directory(spec.id());
        Path run = machine.config().runSandboxes().resolve(spec.id());
        try (UnixSocket listener = UnixSocket.listen(run.resolve(SOCKET));
                Fd log = HostFiles.forWriting(run.resolve(LOG));
                Fd input = HostFiles.forReading(Path.of("/dev/null"))) {
            Map<Integer, Fd> descriptors =
                    Map.of(STANDARD_INPUT, input, STANDARD_OUTPUT, log, STANDARD_ERROR, log, LISTENER, listener.fd());
            return launcher.launch(new Launcher.Launch(
                    slot,
                    spec.layers(),
                    own.resolve("upper"),
                    own.resolve("work"),
                    cgroup,
                    command(spec.id(), run),
                    descriptors));
        }
    }

    /** Takes hold of a sandbox whose supervisor listens. */
    OciSandbox takeOver(Journal.Entry entry) throws IOException {
        String id = entry.spec().id();
        SupervisorConnection connection = connect(id);
        try {
            int pid = connection.hostPid();
            Cgroup cgroup = machine.cgroups().group(id);
            if (!cgroup.processes().contains(pid)) {
                throw new IOException("process " + pid + " answers for sandbox " + id + " but is not in its group");
            }
            return hold(entry, Slot.of(pid, entry.slot(), machine.config()), cgroup, connection);
        } catch (IOException | RuntimeException e) {
            connection.close();
            throw e;
        }
    }

    private OciSandbox greet(Journal.Entry entry, Slot slot, Cgroup cgroup, Path run, CompletableFuture<Integer> ended)
            throws IOException {
        SupervisorConnection connection;
        try {
            connection = connect(entry.spec().id());
        } catch (IOException e) {
            throw new IOException(reason(run, Launcher.join(ended)), e);
        }
        try {
            if (!machine.cgroups().movesThreads()) {
                cgroup.add(connection.hostPid());
                connection.contain();
            }
            return hold(entry, slot, cgroup, connection);
        } catch (IOException | RuntimeException e) {
            connection.close();
            throw e;
        }
    }

    private SupervisorConnection connect(String id) throws IOException {
        return SupervisorConnection.connect(
                loop, socket(machine.config(), id), (pid, status) -> exits.exited(id, pid, status), ANSWER_LIMIT);
    }

    private OciSandbox hold(Journal.Entry entry, Slot slot, Cgroup cgroup, SupervisorConnection connection)
            throws IOException {
        Pidfd process = Pidfd.open(connection.hostPid());
        try {
            Fd root = Namespaces.rootOf(connection.hostPid());
            Path own = machine.journal().directory(entry.spec().id());
            return new OciSandbox(entry, own, slot, cgroup, connection, process, root);
        } catch (IOException e) {
            process.close();
            throw e;
        }
    }

    static boolean isCrun(Tool oci) {
        return oci.program().getFileName().toString().equals("crun");
    }

    private List<String> command(String id, Path bundle) {
        List<String> command = new ArrayList<>();
        command.add(program);
        if (isCrun(machine.oci())) {
            command.add("--cgroup-manager=disabled");
        }
        command.addAll(List.of("--root", machine.config().ociState().toString()));
        command.addAll(List.of("run", "--detach", "--preserve-fds", "1", "--bundle", bundle.toString(), id));
        return command;
    }

    private String reason(Path run, int code) throws IOException {
        String said = Files.readString(run.resolve(LOG)).strip();
        return machine.oci().program().getFileName() + " ended with " + code + " and the supervisor does not answer: "
                + said;
    }

    private static CgroupLimits limits(RuntimeSpec spec) {
        return new CgroupLimits(spec.memoryMb() * MEBIBYTE, spec.cpuCount(), spec.pidsMax());
    }
}
