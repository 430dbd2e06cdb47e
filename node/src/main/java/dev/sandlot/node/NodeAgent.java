package dev.sandlot.node;

import dev.sandlot.builds.NotReadyException;
import dev.sandlot.builds.Workshop;
import dev.sandlot.envd.EnvdHost;
import dev.sandlot.envd.EnvdSandbox;
import dev.sandlot.envd.FileProcessJournal;
import dev.sandlot.images.Digest;
import dev.sandlot.images.LayerStore;
import dev.sandlot.linux.DiskFloor;
import dev.sandlot.linux.EventLoop;
import dev.sandlot.linux.FullDisk;
import dev.sandlot.linux.OwnerOnly;
import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import dev.sandlot.protocol.Exchange;
import dev.sandlot.protocol.NodeService;
import dev.sandlot.protocol.SandboxId;
import dev.sandlot.protocol.SandboxSpec;
import dev.sandlot.protocol.SandboxTraffic;
import dev.sandlot.protocol.TemplateStart;
import dev.sandlot.protocol.TrafficAnswer;
import dev.sandlot.runtime.OciRuntime;
import dev.sandlot.runtime.RunningSandbox;
import dev.sandlot.runtime.RuntimeConfig;
import dev.sandlot.runtime.RuntimeFailure;
import dev.sandlot.runtime.RuntimeSpec;
import dev.sandlot.runtime.SandboxRuntime;
import dev.sandlot.runtime.Together;
import dev.sandlot.supervisor.Supervisor;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The agent of one node, in the process that has its sandboxes. Closing it leaves them running: the next agent over
 * the same directories finds them, and the processes in them, again.
 *
 * <p>A sandbox is in {@code hosted} from the moment its envd answers until it ends. Whoever removes it from there
 * gives back what the node held for it; the runtime gives back the rest.
 */
public final class NodeAgent implements NodeService, SandboxTraffic, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NodeAgent.class);
    private static final int ENVD_PORT = 49983;

    private final NodeSettings settings;
    private final String instanceId = UUID.randomUUID().toString();
    private final MachineFacts machine = new MachineFacts();
    private final Path journals;
    private final LayerStore layers;
    private final EventLoop loop;
    private final EnvdHost envds;
    private final PortProxy ports = new PortProxy();
    private final SandboxRuntime runtime;
    private final EndListener ends;
    private final DiskFloor floor;
    private final Map<String, Supervisor.ExitListener> exits = new ConcurrentHashMap<>();
    private final Map<SandboxId, HostedSandbox> hosted = new ConcurrentHashMap<>();
    /** Sandboxes that are being started or ended and have, or are about to have, a slot of the runtime. */
    private final AtomicInteger reserved = new AtomicInteger();

    private NodeAgent(NodeSettings settings, RuntimeConfig config, LayerStore layers, EndListener ends)
            throws IOException {
        this.settings = settings;
        this.journals = OwnerOnly.directory(config.runDirectory().resolve("processes"));
        this.layers = layers;
        this.ends = ends;
        this.floor = new DiskFloor(config.dataDirectory(), settings.freeBytes());
        this.loop = EventLoop.start("node-output");
        this.envds = new EnvdHost(loop);
        this.runtime = OciRuntime.open(config, this::processEnded);
    }

    /**
     * Begins to serve: finds the sandboxes again that an earlier agent left running.
     *
     * @param layers stays the caller's, who closes it after this
     * @param ends told of sandboxes that end by themselves
     */
    public static NodeAgent open(NodeSettings settings, RuntimeConfig config, LayerStore layers, EndListener ends)
            throws IOException {
        NodeAgent agent = new NodeAgent(settings, config, layers, ends);
        Together.each(agent.runtime.running(), agent::takeOver);
        return agent;
    }

    private void takeOver(RunningSandbox running) throws IOException {
        if (NodeWorkshop.owns(running)) {
            LOG.info("sandbox {} of a build that was cut off is ended", running.id());
            end(running.id());
            return;
        }
        SandboxSpec spec = SpecJournal.read(running.spec().labels()).orElse(null);
        if (spec == null) {
            LOG.warn("sandbox {} has no readable record and is ended", running.id());
            end(running.id());
            return;
        }
        try {
            host(spec, running);
        } catch (IOException e) {
            LOG.warn("sandbox {} does not answer and is ended", running.id(), e);
            end(running.id());
        }
    }

    /** Where template builds get their sandboxes; these are not among {@link #list}. */
    public Workshop workshop() {
        return new NodeWorkshop(runtime, envds, layers, settings, exits);
    }

    @Override
    public void requireRoom() throws ApiException {
        if (floor.forbids(0)) {
            throw full(floor.text(), null);
        }
    }

    private ApiException full(String why, @Nullable Throwable cause) {
        return new ApiException(
                ErrorKind.NO_SPACE, "the disk of node " + settings.nodeId() + " is nearly full: " + why, null, cause);
    }

    @Override
    public NodeSandbox create(SandboxSpec spec) throws ApiException {
        if (reserved.incrementAndGet() + hosted.size() > settings.maxSandboxes()) {
            reserved.decrementAndGet();
            throw new ApiException(
                    ErrorKind.UNAVAILABLE,
                    "Failed to place sandbox: node " + settings.nodeId() + " runs its " + settings.maxSandboxes()
                            + " sandboxes",
                    "sandbox_capacity_unavailable",
                    null);
        }
        try {
            HostedSandbox sandbox = start(spec);
            begin(sandbox);
            return view(sandbox);
        } catch (IOException | RuntimeFailure e) {
            if (FullDisk.caused(e)) {
                throw full("there is no room to start a sandbox", e);
            }
            LOG.error("sandbox {} could not be started", spec.id(), e);
            throw new ApiException(
                    ErrorKind.INTERNAL,
                    "Failed to place sandbox: it could not be started on node " + settings.nodeId(),
                    "sandbox_create_failed",
                    e);
        } finally {
            reserved.decrementAndGet();
        }
    }

    /** Runs what the template starts; when that fails nothing of the sandbox is left. */
    private void begin(HostedSandbox sandbox) throws ApiException, IOException {
        TemplateStart start = sandbox.spec().start();
        if (start == null || !start.hasCommands()) {
            return;
        }
        boolean begun = false;
        try {
            TemplateStarter.start(start, sandbox, settings.ready());
            begun = true;
        } catch (NotReadyException e) {
            throw new ApiException(ErrorKind.INTERNAL, e.text(), "sandbox_create_failed", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while the template was started", e);
        } finally {
            if (!begun) {
                boolean _ = kill(sandbox.spec().id());
            }
        }
    }

    private HostedSandbox start(SandboxSpec spec) throws IOException, RuntimeFailure {
        RunningSandbox running = runtime.start(new RuntimeSpec(
                spec.id().value(),
                spec.templateId(),
                layerPaths(spec),
                spec.cpuCount(),
                spec.memoryMb(),
                settings.pidsPerSandbox(),
                spec.id().value(),
                spec.allowInternetAccess(),
                SpecJournal.labels(spec)));
        try {
            return host(spec, running);
        } catch (IOException | RuntimeException e) {
            end(running.id());
            throw e;
        }
    }

    private List<Path> layerPaths(SandboxSpec spec) throws IOException {
        List<Path> paths = new ArrayList<>(spec.layers().size());
        for (String layer : spec.layers()) {
            paths.add(layers.path(Digest.parse(layer)));
        }
        return paths;
    }

    private HostedSandbox host(SandboxSpec spec, RunningSandbox running) throws IOException {
        EnvdSandbox.SupervisorLink link = listener -> {
            exits.put(running.id(), listener);
            return running.supervisor();
        };
        FileProcessJournal journal = new FileProcessJournal(
                journals.resolve(running.id()), running.directory().resolve("output"));
        HostedSandbox sandbox = HostedSandbox.open(envds, spec, running, link, journal);
        hosted.put(spec.id(), sandbox);
        running.onEnd(() -> ended(sandbox));
        return sandbox;
    }

    private void processEnded(String sandboxId, int pid, int rawStatus) {
        Supervisor.ExitListener listener = exits.get(sandboxId);
        if (listener != null) {
            listener.exited(pid, rawStatus);
        }
    }

    @Override
    public boolean kill(SandboxId id) throws ApiException {
        reserved.incrementAndGet();
        try {
            HostedSandbox sandbox = hosted.remove(id);
            if (sandbox != null) {
                letGo(sandbox);
            }
            return runtime.kill(id.value());
        } catch (RuntimeFailure e) {
            throw new ApiException(ErrorKind.INTERNAL, "Sandbox \"" + id + "\" could not be ended", e);
        } finally {
            reserved.decrementAndGet();
        }
    }

    private void end(String id) throws IOException {
        try {
            runtime.kill(id);
        } catch (RuntimeFailure e) {
            throw new IOException("could not end sandbox " + id, e);
        }
    }

    private void ended(HostedSandbox sandbox) {
        if (hosted.remove(sandbox.spec().id(), sandbox)) {
            Thread.startVirtualThread(() -> {
                letGo(sandbox);
                ends.sandboxEnded(sandbox.spec().id(), sandbox.spec().executionId());
            });
        }
    }

    private void letGo(HostedSandbox sandbox) {
        sandbox.envd().close();
        ports.drop(sandbox.spec().executionId());
        exits.remove(sandbox.spec().id().value());
        sandbox.files().close();
        try {
            sandbox.journal().delete();
        } catch (IOException e) {
            LOG.warn(
                    "the process journal of sandbox {} could not be removed",
                    sandbox.spec().id(),
                    e);
        }
    }

    @Override
    public void serve(SandboxId id, int port, Exchange exchange) throws IOException {
        HostedSandbox sandbox = hosted.get(id);
        if (sandbox == null) {
            TrafficAnswer.sandboxNotFound(id).send(exchange);
        } else if (port == ENVD_PORT) {
            sandbox.envd().handle(exchange);
        } else {
            forward(sandbox, port, exchange);
        }
    }

    private void forward(HostedSandbox sandbox, int port, Exchange exchange) throws IOException {
        SandboxId id = sandbox.spec().id();
        try {
            ports.forward(
                    exchange, id.value(), sandbox.port(port), sandbox.spec().executionId());
        } finally {
            if (!sandbox.equals(hosted.get(id))) {
                ports.drop(sandbox.spec().executionId());
            }
        }
    }

    @Override
    public List<NodeSandbox> list() {
        return hosted.values().stream().map(NodeAgent::view).toList();
    }

    private static NodeSandbox view(HostedSandbox sandbox) {
        return new NodeSandbox(
                sandbox.spec().id(),
                sandbox.spec().executionId(),
                sandbox.running().startedAt());
    }

    @Override
    public NodeStatus status() {
        long memory = ManagementFactory.getPlatformMXBean(com.sun.management.OperatingSystemMXBean.class)
                .getTotalMemorySize();
        return new NodeStatus(
                settings.nodeId(),
                settings.version(),
                Runtime.getRuntime().availableProcessors(),
                memory,
                hosted.size(),
                settings.maxSandboxes(),
                instanceId,
                "",
                machine.processor(),
                machine.usage());
    }

    /** Lets go of all sandboxes without ending them. */
    @Override
    public void close() {
        runtime.keepAll();
        hosted.values().forEach(sandbox -> sandbox.envd().close());
        ports.close();
        runtime.close();
        envds.close();
        loop.close();
    }
}
