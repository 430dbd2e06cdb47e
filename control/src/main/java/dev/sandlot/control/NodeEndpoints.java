package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import dev.sandlot.protocol.NodeService;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** The nodes as operators see them (public-api.md 17.2). */
final class NodeEndpoints {
    /** The cluster of a server that knows only its own. */
    private static final UUID CLUSTER = new UUID(0, 0);

    private static final long MIB = 1 << 20;

    private final Nodes nodes;
    private final Lifecycle lifecycle;

    NodeEndpoints(Nodes nodes, Lifecycle lifecycle) {
        this.nodes = nodes;
        this.lifecycle = lifecycle;
    }

    private record MachineInfo(String cpuFamily, String cpuModel, String cpuModelName, String cpuArchitecture) {}

    private record Disk(String mountPoint, String device, String filesystemType, long usedBytes, long totalBytes) {}

    private record Metrics(
            int allocatedCPU,
            int cpuPercent,
            int cpuCount,
            long allocatedMemoryBytes,
            long memoryUsedBytes,
            long memoryTotalBytes,
            long hugePagesTotal,
            long hugePagesUsed,
            long hugePagesReserved,
            long hugePageSizeBytes,
            List<Disk> disks) {}

    private record Node(
            String id,
            String serviceInstanceID,
            String clusterID,
            String version,
            String commit,
            String status,
            String statusChangedAt,
            MachineInfo machineInfo,
            int sandboxCount,
            @Nullable Integer sandboxStartingCount,
            long createSuccesses,
            long createFails,
            long maxSandboxes,
            long outstandingWork,
            Metrics metrics) {}

    List<Route> routes() {
        return List.of(
                Route.operator("GET", "/nodes", this::list),
                Route.operator("GET", "/nodes/{nodeID}", this::detail),
                Route.operator("POST", "/nodes/{nodeID}", this::assign));
    }

    private Reply list(Call call) throws ApiException {
        return Reply.json(200, isHere(call.query().text("clusterID")) ? List.of(node(nodes.view(), true)) : List.of());
    }

    private Reply detail(Call call) throws ApiException {
        return Reply.json(200, node(find(call, call.query().text("clusterID")), false));
    }

    private Reply assign(Call call) throws ApiException, IOException {
        Fields body = call.body();
        Nodes.View node = find(call, body.text("clusterID"));
        String status = body.requiredText("status");
        NodeDuty duty = NodeDuty.of(status)
                .orElseThrow(() -> new ApiException(
                        ErrorKind.CONFLICT, "a node can be made ready, draining or standby, not " + status));
        nodes.assign(node.status().nodeId(), duty);
        return Reply.empty(204);
    }

    private Nodes.View find(Call call, Optional<String> cluster) throws ApiException {
        boolean here = isHere(cluster);
        String id = call.parameter("nodeID");
        return nodes.find(id)
                .filter(node -> here)
                .orElseThrow(() -> new ApiException(ErrorKind.NOT_FOUND, "node " + id + " not found"));
    }

    private static boolean isHere(Optional<String> cluster) throws ApiException {
        return cluster.isEmpty() || Uuids.required(cluster.get(), "cluster ID").equals(CLUSTER);
    }

    private Node node(Nodes.View view, boolean listed) {
        NodeService.NodeStatus status = view.status();
        NodeService.Machine machine = status.machine();
        return new Node(
                status.nodeId(),
                status.serviceInstanceId(),
                CLUSTER.toString(),
                status.version(),
                status.commit(),
                view.duty().text(),
                Moments.text(view.changedAt()),
                new MachineInfo(
                        machine.cpuFamily(), machine.cpuModel(), machine.cpuModelName(), machine.cpuArchitecture()),
                status.sandboxes(),
                listed ? view.starting() : null,
                view.successes(),
                view.failures(),
                status.maxSandboxes(),
                view.starting(),
                metrics(status));
    }

    private Metrics metrics(NodeService.NodeStatus status) {
        List<Resources> allocated =
                lifecycle.running().map(SandboxRecord::resources).toList();
        NodeService.Usage usage = status.usage();
        return new Metrics(
                allocated.stream().mapToInt(Resources::cpuCount).sum(),
                usage.cpuPercent(),
                status.cpuCount(),
                allocated.stream().mapToLong(Resources::memoryMb).sum() * MIB,
                usage.memoryUsedBytes(),
                status.memoryTotalBytes(),
                usage.hugePages().total(),
                usage.hugePages().used(),
                usage.hugePages().reserved(),
                usage.hugePages().sizeBytes(),
                usage.disks().stream().map(NodeEndpoints::disk).toList());
    }

    private static Disk disk(NodeService.Disk disk) {
        return new Disk(disk.mountPoint(), disk.device(), disk.filesystemType(), disk.usedBytes(), disk.totalBytes());
    }
}
