package dev.sandlot.app;

import dev.sandlot.linux.DiskFloor;
import java.time.Instant;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the log when the disk becomes fuller than it may be, and when there is room again: once each. It looks often, so
 * that the line is written before the log itself has no room.
 */
final class DiskWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DiskWatch.class);
    private static final long PERIOD_MILLIS = 200;

    private final DiskFloor floor;
    private final ScheduledExecutorService looks = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("disk-watch").daemon().factory());
    /** Null while there is room; used by one look at a time. */
    private @Nullable Instant fullSince;

    DiskWatch(DiskFloor floor) {
        this.floor = floor;
    }

    static DiskWatch begin(DiskFloor floor) {
        DiskWatch watch = new DiskWatch(floor);
        watch.look();
        var _ = watch.looks.scheduleWithFixedDelay(watch::look, PERIOD_MILLIS, PERIOD_MILLIS, TimeUnit.MILLISECONDS);
        return watch;
    }

    void look() {
        Instant since = fullSince;
        boolean full = floor.forbids(0);
        if (full && since == null) {
            fullSince = Instant.now();
            LOG.warn(
                    "the disk at {} is nearly full: {}; new sandboxes, builds and uploads are refused until there is"
                            + " room",
                    floor.place(),
                    floor.text());
        } else if (!full && since != null) {
            fullSince = null;
            LOG.info(
                    "the disk at {} has room again: {}; it was nearly full since {}",
                    floor.place(),
                    floor.text(),
                    since);
        }
    }

    @Override
    public void close() {
        looks.shutdownNow();
    }
}
