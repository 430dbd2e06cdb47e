package dev.sandlot.envd;

import com.google.gson.JsonObject;
import dev.sandlot.protocol.Exchange;
import java.io.IOException;
import java.time.InstantSource;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

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

    private JsonObject json(SandboxMetrics.Reading reading) {
        JsonObject json = new JsonObject();
        json.addProperty("ts", clock.instant().getEpochSecond());
        json.addProperty("cpu_count", reading.cpuCount());
        json.addProperty("cpu_used_pct", cpuPercent(reading));
        json.addProperty("mem_total", reading.memoryTotalBytes());
        json.addProperty("mem_used", reading.memoryUsedBytes());
        json.addProperty("mem_cache", reading.memoryCacheBytes());
        json.addProperty("mem_total_mib", reading.memoryTotalBytes() >> MIB_SHIFT);
        json.addProperty("mem_used_mib", reading.memoryUsedBytes() >> MIB_SHIFT);
        json.addProperty("disk_total", reading.diskTotalBytes());
        json.addProperty("disk_used", reading.diskUsedBytes());
        return json;
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
