package dev.sandlot.envd;

import dev.sandlot.protocol.BodyBudget;
import dev.sandlot.protocol.ConnectException;
import dev.sandlot.protocol.ConnectRouter;
import dev.sandlot.protocol.Exchange;
import dev.sandlot.protocol.ExchangeHandler;
import dev.sandlot.protocol.process.ProcessConfig;
import dev.sandlot.protocol.process.StartRequest;
import dev.sandlot.supervisor.Supervisor;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The envd of one sandbox: answers what comes to its port 49983. Safe for several threads; each request is answered
 * on the virtual thread that brings it.
 */
public final class EnvdSandbox implements ExchangeHandler, AutoCloseable {
    /** The version of the original whose contract this keeps (envd.md 11); clients choose features by it. */
    public static final String VERSION = "0.6.13";

    /** Connects to the sandbox's supervisor. */
    @FunctionalInterface
    public interface SupervisorLink {
        /** @param exits told of every process that ends from now on */
        Supervisor connect(Supervisor.ExitListener exits) throws IOException;
    }

    /**
     * What the envd of a sandbox works on.
     *
     * @param files stays the caller's, who closes it after the envd
     * @param journal remembers processes across restarts of this program
     */
    public record Parts(
            SandboxFiles files, SupervisorLink supervisor, SandboxMetrics metrics, ProcessJournal journal) {}

    private final EnvdSettings settings;
    private final BodyBudget bodies;
    private final Accounts accounts;
    private final Supervisor supervisor;
    private final Processes processes;
    private final FilesystemWatches watches;
    private final Dispatcher dispatcher;
    private final Set<Exchange> open = ConcurrentHashMap.newKeySet();
    private final Set<RunningProgram> programs = ConcurrentHashMap.newKeySet();
    private volatile boolean closed;

    private EnvdSandbox(EnvdHost host, EnvdSettings settings, Parts parts, Duration retention) throws IOException {
        this.settings = settings;
        bodies = host.bodies();
        accounts = new Accounts(parts.files());
        FileCalls calls = new FileCalls(host.fileThreads(), host.filePatience());
        ActingUser actingUser = new ActingUser(accounts, settings, calls);
        ProcessTable table = new ProcessTable();
        supervisor = parts.supervisor().connect(table::exited);
        ProcessLauncher launcher = new ProcessLauncher(supervisor, settings);
        processes = new Processes(host, supervisor, table, launcher, parts.journal(), retention);
        FilesystemService filesystem =
                new FilesystemService(parts.files(), accounts, settings::defaultUserOrNone, settings::defaultWorkdir);
        watches = new FilesystemWatches(
                filesystem, new DirectoryWatch.Surroundings(parts.files(), accounts, host.loop(), host.fileThreads()));
        dispatcher = new Dispatcher(
                settings, actingUser, router(actingUser, filesystem, calls), endpoints(parts, accounts, calls), calls);
    }

    /**
     * Begins to serve a sandbox: connects to its supervisor and takes over the processes that the journal knows.
     *
     * @throws IOException when the supervisor does not answer
     */
    public static EnvdSandbox open(EnvdHost host, EnvdConfig config, Parts parts) throws IOException {
        return open(host, config, parts, Processes.RETENTION);
    }

    /** As {@link #open(EnvdHost, EnvdConfig, Parts)}, keeping the ends of processes for a given time. */
    static EnvdSandbox open(EnvdHost host, EnvdConfig config, Parts parts, Duration retention) throws IOException {
        return open(host, new EnvdSettings(config), parts, retention);
    }

    /** As {@link #open(EnvdHost, EnvdConfig, Parts, Duration)}, with settings that somebody else keeps as well. */
    static EnvdSandbox open(EnvdHost host, EnvdSettings settings, Parts parts, Duration retention) throws IOException {
        EnvdSandbox sandbox = new EnvdSandbox(host, settings, parts, retention);
        try {
            sandbox.processes.takeOver();
        } catch (IOException e) {
            sandbox.close();
            throw e;
        }
        sandbox.supervisor.onClose(() -> Thread.startVirtualThread(sandbox::close));
        return sandbox;
    }

    private ConnectRouter router(ActingUser actingUser, FilesystemService filesystem, FileCalls calls) {
        return new ConnectRouter(
                ConnectRouter.Options.of(bodies, settings.owner()),
                new ProcessService(processes, actingUser).describe(),
                FilesystemMethods.describe(filesystem, watches, calls));
    }

    private Map<String, Map<String, ExchangeHandler>> endpoints(Parts parts, Accounts accounts, FileCalls calls) {
        FilesEndpoint files = new FilesEndpoint(
                parts.files(),
                accounts,
                settings::defaultUserOrNone,
                settings::defaultWorkdir,
                () -> settings.token().orElse(""),
                InstantSource.system(),
                () -> bodies.lease(settings.owner(), BodyBudget.VALUES));
        MetricsEndpoint metrics = new MetricsEndpoint(parts.metrics(), InstantSource.system());
        InitEndpoint init = new InitEndpoint(settings, parts.files(), InstantSource.system());
        return Map.of(
                "/health", Map.of("GET", EnvdSandbox::health),
                "/envs", Map.of("GET", this::variables),
                "/metrics", Map.of("GET", metrics::answer),
                "/init", Map.of("POST", calls.serving(init::answer)),
                "/files", Map.of("GET", calls.serving(files::download), "POST", calls.serving(files::upload)),
                "/files/compose", Map.of("POST", calls.serving(files::compose)));
    }

    private static void health(Exchange exchange) throws IOException {
        exchange.responseHeaders().set("Cache-Control", "no-store");
        exchange.send(204, new byte[0]);
    }

    private void variables(Exchange exchange) throws IOException {
        Json.send(exchange, Json.object(settings.variables()));
    }

    @Override
    public void handle(Exchange exchange) throws IOException {
        open.add(exchange);
        try {
            if (closed) {
                exchange.abort();
                return;
            }
            dispatcher.dispatch(exchange);
        } finally {
            open.remove(exchange);
        }
    }

    /**
     * Runs a program as a client could, without one: the same variables and process list, and the users of templates,
     * which may be numbers.
     *
     * @throws IOException when it cannot be started, with a reason that is fit for the sandbox's user
     */
    public RunningProgram start(Program program, ProgramLines lines) throws IOException {
        Account user = account(program.user());
        ProcessConfig config = ProcessConfig.newBuilder()
                .setCmd(program.command())
                .addAllArgs(program.arguments())
                .putAllEnvs(program.env())
                .setCwd(program.workdir())
                .build();
        StartRequest request =
                StartRequest.newBuilder().setProcess(config).setStdin(false).build();
        try {
            Processes.Started started = processes.start(user, request, Optional.empty(), program.durable());
            RunningProgram running = RunningProgram.follow(processes, started, lines, programs::remove);
            keep(running);
            return running;
        } catch (ConnectException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    private Account account(String name) throws IOException {
        return accounts.ofTemplate(name).orElseThrow(() -> new IOException("user '" + name + "' does not exist"));
    }

    private void keep(RunningProgram running) {
        programs.add(running);
        if (closed) {
            running.leave();
        }
        if (running.ended().isDone()) {
            programs.remove(running);
        }
    }

    /** Whether nobody needs a token. */
    public boolean isOpenToAll() {
        return settings.token().isEmpty();
    }

    /**
     * Cuts every exchange without a clean end, so that clients see that the sandbox is gone (envd.md 1.3), and lets
     * go of its processes, which live or die with the sandbox.
     */
    @Override
    public void close() {
        closed = true;
        open.forEach(Exchange::abort);
        programs.forEach(RunningProgram::leave);
        processes.close();
        watches.close();
        supervisor.close();
    }
}
