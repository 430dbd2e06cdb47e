package dev.sandlot.edge;

import java.io.IOException;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs each request on a virtual thread, and knows which are under way. Called by Jetty's platform threads, which
 * it never blocks. {@code lock} guards {@code open}.
 */
final class Exchanges extends Handler.Abstract.NonBlocking {
    private static final Logger LOG = LoggerFactory.getLogger(Exchanges.class);
    private static final long WATCH_MILLIS = 1000;

    private final Routing routing;
    private final Duration drainTime;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition none = lock.newCondition();
    private final Set<JettyExchange> open = new HashSet<>();
    private @Nullable Thread watcher;

    /**
     * @param drainTime how long the rest of a request may take after its answer
     */
    Exchanges(Routing routing, Duration drainTime) {
        this.routing = routing;
        this.drainTime = drainTime;
    }

    @Override
    protected void doStart() throws Exception {
        super.doStart();
        watcher = Thread.ofVirtual().name("front-watch").start(this::watchLongOnes);
    }

    @Override
    protected void doStop() throws Exception {
        Thread thread = watcher;
        if (thread != null) {
            thread.interrupt();
        }
        super.doStop();
    }

    @Override
    public boolean handle(Request request, Response response, Callback callback) {
        JettyExchange exchange = new JettyExchange(request, response, callback, drainTime);
        FrontListener.Kind kind = ((FrontConnector)
                        request.getConnectionMetaData().getConnector())
                .listener()
                .kind();
        lock.lock();
        try {
            open.add(exchange);
        } finally {
            lock.unlock();
        }
        Thread.startVirtualThread(() -> run(kind, exchange));
        return true;
    }

    private void run(FrontListener.Kind kind, JettyExchange exchange) {
        try {
            answer(kind, exchange);
            exchange.finish();
        } finally {
            remove(exchange);
        }
    }

    private void answer(FrontListener.Kind kind, JettyExchange exchange) {
        try {
            routing.route(kind, exchange);
        } catch (IOException e) {
            LOG.debug("{} {} was not finished", exchange.method(), exchange.rawPath(), e);
            exchange.abort();
        } catch (RuntimeException | Error e) {
            LOG.error("{} {} failed", exchange.method(), exchange.rawPath(), e);
            answerFailure(exchange);
        }
    }

    private static void answerFailure(JettyExchange exchange) {
        try {
            if (exchange.started()) {
                exchange.abort();
            } else {
                Routing.internalError(exchange);
            }
        } catch (IOException e) {
            exchange.abort();
        } catch (RuntimeException | Error e) {
            LOG.error("{} {} could not be answered", exchange.method(), exchange.rawPath(), e);
            exchange.abort();
        }
    }

    private void remove(JettyExchange exchange) {
        lock.lock();
        try {
            open.remove(exchange);
            if (open.isEmpty()) {
                none.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Short exchanges are not worth a read interest, so only those that last are watched for their client's going
     * away.
     */
    private void watchLongOnes() {
        try {
            while (true) {
                TimeUnit.MILLISECONDS.sleep(WATCH_MILLIS);
                for (JettyExchange exchange : snapshot()) {
                    if (exchange.ageNanos() > TimeUnit.MILLISECONDS.toNanos(WATCH_MILLIS)) {
                        exchange.watch();
                    }
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private Set<JettyExchange> snapshot() {
        lock.lock();
        try {
            return Set.copyOf(open);
        } finally {
            lock.unlock();
        }
    }

    void abortAll() {
        snapshot().forEach(JettyExchange::abort);
    }

    /** Waits until no exchange is under way; false when there still is one at the end. */
    boolean awaitNone(Duration patience) throws InterruptedException {
        long left = patience.toNanos();
        lock.lock();
        try {
            while (!open.isEmpty() && left > 0) {
                left = none.awaitNanos(left);
            }
            return open.isEmpty();
        } finally {
            lock.unlock();
        }
    }
}
