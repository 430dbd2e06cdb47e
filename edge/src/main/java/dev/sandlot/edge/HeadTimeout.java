package dev.sandlot.edge;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.http.HttpParser;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.server.AbstractConnector;
import org.eclipse.jetty.server.internal.HttpConnection;
import org.eclipse.jetty.util.component.AbstractLifeCycle;
import org.eclipse.jetty.util.thread.Scheduler;
import org.jspecify.annotations.Nullable;

/**
 * Closes HTTP/1.1 connections on which a request's head began and did not come to its end in time (public-api.md 1.1).
 * Jetty knows one time limit for a connection, which each byte begins anew and which idle connections need to be long.
 * So all connections of a connector are looked at in turns, several times within the limit.
 */
final class HeadTimeout extends AbstractLifeCycle {
    private static final int LOOKS = 5;

    private final AbstractConnector connector;
    private final long limitNanos;
    private volatile Scheduler.@Nullable Task next;

    HeadTimeout(AbstractConnector connector, Duration limit) {
        this.connector = connector;
        this.limitNanos = limit.toNanos();
    }

    @Override
    protected void doStart() {
        arm();
    }

    @Override
    protected void doStop() {
        Scheduler.Task task = next;
        if (task != null) {
            task.cancel();
        }
    }

    private void arm() {
        next = connector.getScheduler().schedule(this::look, limitNanos / LOOKS, TimeUnit.NANOSECONDS);
    }

    private void look() {
        try {
            for (EndPoint endPoint : connector.getConnectedEndPoints()) {
                if (endPoint.getConnection() instanceof HttpConnection http1 && isOverdue(http1.getParser())) {
                    endPoint.close();
                }
            }
        } finally {
            if (!isStopping() && !isStopped()) {
                arm();
            }
        }
    }

    /**
     * The state is read first: a head that is seen to have begun has its own beginning, or a later one's, or none (0)
     * when its request has been answered meanwhile.
     */
    private boolean isOverdue(HttpParser parser) {
        if (!parser.inHeaderState() || parser.isStart()) {
            return false;
        }
        long begin = parser.getBeginNanoTime();
        return begin != 0 && System.nanoTime() - begin > limitNanos;
    }
}
