package dev.sandlot.envd;

import dev.sandlot.linux.EventLoop;
import dev.sandlot.linux.FileTree;
import dev.sandlot.supervisor.Supervisor;
import dev.sandlot.supervisor.SupervisorConnection;
import java.io.IOException;
import java.net.BindException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The envd of one sandbox as a program that runs inside it, beside the supervisor, which starts it. It serves the root
 * it sees, and ends with 2 when it is not to be started again: its settings are wrong or its port is taken.
 */
public final class GuestEnvd implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(GuestEnvd.class);
    private static final int WRONG_SETTINGS = 2;
    private static final int FAILED = 1;
    private static final Duration SUPERVISOR_TIME = Duration.ofSeconds(20);
    private static final Path MARKS = Path.of("/run/e2b");

    private final EventLoop loop;
    private final EnvdHost host;
    private final SandboxFiles files;
    private final EnvdSandbox sandbox;
    private final GuestServer server;

    private GuestEnvd(GuestSettings settings) throws IOException {
        loop = EventLoop.start("envd-loop");
        host = new EnvdHost(loop);
        files = new SandboxFiles(FileTree.directory("/"), IdRange.SAME);
        sandbox = EnvdSandbox.open(host, settings(settings), parts(settings), Processes.RETENTION);
        server = GuestServer.start(host, sandbox, settings.address());
    }

    /** The program. */
    public static void main(String[] arguments) {
        GuestServer.tune();
        try {
            GuestSettings settings = GuestSettings.of(List.of(arguments), System.getenv());
            GuestEnvd envd = start(settings);
            Runtime.getRuntime().addShutdownHook(new Thread(envd::close));
            LOG.info(
                    "envd {} of {} at {}",
                    EnvdSandbox.VERSION,
                    settings.config().sandboxId(),
                    envd.server.address());
        } catch (GuestSettings.Wrong e) {
            System.err.println(e.getMessage() + "\n" + GuestSettings.usage());
            System.exit(WRONG_SETTINGS);
        } catch (BindException e) {
            System.err.println("could not listen: " + e.getMessage());
            System.exit(WRONG_SETTINGS);
        } catch (IOException | RuntimeException e) {
            LOG.error("envd did not start", e);
            System.exit(FAILED);
        }
    }

    private static GuestEnvd start(GuestSettings settings) throws IOException {
        mark(".E2B_SANDBOX", "true", "r--r--r--");
        mark(".E2B_SANDBOX_ID", settings.config().sandboxId().value(), "rw-r--r--");
        mark(".E2B_TEMPLATE_ID", settings.config().templateId(), "rw-r--r--");
        return new GuestEnvd(settings);
    }

    /** Where programs inside see that they are in a sandbox (envd.md 8.2). */
    private static void mark(String name, String value, String permissions) throws IOException {
        Path file = Files.createDirectories(MARKS).resolve(name);
        Files.deleteIfExists(file);
        Files.writeString(file, value);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(permissions));
    }

    private static EnvdSettings settings(GuestSettings settings) throws IOException {
        GuestState kept = new GuestState(settings.runDirectory().resolve("settings.json"), settings.supervisorSocket());
        return new EnvdSettings(
                settings.config().owner(),
                kept.load().orElseGet(() -> EnvdSettings.begin(settings.config())),
                kept::save);
    }

    private EnvdSandbox.Parts parts(GuestSettings settings) throws IOException {
        return new EnvdSandbox.Parts(
                files,
                exits -> connect(settings, exits),
                new GuestMetrics(Path.of("/proc"), Path.of("/")),
                new FileProcessJournal(settings.runDirectory().resolve("processes")));
    }

    private Supervisor connect(GuestSettings settings, Supervisor.ExitListener exits) throws IOException {
        return SupervisorConnection.connect(loop, settings.supervisorSocket(), exits, SUPERVISOR_TIME);
    }

    /** Cuts what is under way; processes stay with the supervisor. */
    @Override
    public void close() {
        sandbox.close();
        server.close();
        host.close();
        loop.close();
        files.close();
    }
}
