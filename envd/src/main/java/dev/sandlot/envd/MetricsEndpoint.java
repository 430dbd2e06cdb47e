package dev.sandlot.envd;

import dev.sandlot.protocol.Exchange;
import java.io.IOException;
import java.time.InstantSource;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** {@code GET /metrics} (envd.md 9). The CPU share is that since the call before. */
final class MetricsEndpoint {
    private static final Logger LOG = LoggerFactory.getLogger(MetricsEndpoint.class);
    private static final int MIB_SHIFT = 20;

    private final SandboxMetrics metrics;
    private final InstantSource clock;
    private final ReentrantLock lock = new ReentrantLock();
    // Guarded by lock.
    private long lastNanos;
    private long lastCpuNanos;

    MetricsEndpoint(SandboxMetrics metrics, InstantSource clock) {
        this.metrics = metrics;
        this.clock = clock;
        this.lastNanos = System.nanoTime();
    }

    void answer(Exchange exchange) throws IOException {
        SandboxMetrics.Reading reading;
        try {
            reading = metrics.read();
        } catch (IOException e) {
            LOG.warn("could not read the metrics of a sandbox", e);
            exchange.send(500, new byte[0]);
            return;
        }
        Json.send(exchange, json(reading));
    }

    private ObjectNode json(SandboxMetrics.Reading reading) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("ts", clock.instant().getEpochSecond())
                .put("cpu_count", reading.cpuCount())
                .put("cpu_used_pct", cpuPercent(reading))
                .put("mem_total", reading.memoryTotalBytes())
                .put("mem_used", reading.memoryUsedBytes())
                .put("mem_cache", reading.memoryCacheBytes())
                .put("mem_total_mib", reading.memoryTotalBytes() >> MIB_SHIFT)
                .put("mem_used_mib", reading.memoryUsedBytes() >> MIB_SHIFT)
                .put("disk_total", reading.diskTotalBytes())
                .put("disk_used", reading.diskUsedBytes());
    }

    private double cpuPercent(SandboxMetrics.Reading reading) {
        lock.lock();
        try {
            long now = System.nanoTime();
            double available = (double) Math.max(1, now - lastNanos) * Math.max(1, reading.cpuCount());
            double share = 100.0 * (reading.cpuUsedNanos() - lastCpuNanos) / available;
            lastNanos = now;
            lastCpuNanos = reading.cpuUsedNanos();
            return Math.round(Math.clamp(share, 0.0, 100.0) * 100) / 100.0;
        } finally {
            lock.unlock();
        }
    }
}
