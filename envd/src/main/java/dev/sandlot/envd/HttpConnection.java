package dev.sandlot.envd;

import com.sun.net.httpserver.HttpExchange;
import dev.sandlot.linux.EventLoop;
import dev.sandlot.linux.Fd;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.channels.SocketChannel;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The connection below an exchange of the JDK's server, which has no way of its own to cut an answer (closing an
 * exchange ends a chunked answer properly) or to tell that a client has left while nothing is written. Both need the
 * channel, so this reaches into the JDK that the program is shipped with:
 * {@code --add-opens jdk.httpserver/sun.net.httpserver=ALL-UNNAMED --add-exports java.base/sun.nio.ch=ALL-UNNAMED}.
 *
 * <p>Safe for several threads. {@code lock} guards {@code watch} and {@code over}: no descriptor is watched once its
 * channel may be closed.
 */
final class HttpConnection {
    private static final MethodHandle CHANNEL;
    private static final MethodHandle DESCRIPTOR;

    static {
        try {
            Class<?> exchange = Class.forName("sun.net.httpserver.HttpExchangeImpl");
            Class<?> inner = Class.forName("sun.net.httpserver.ExchangeImpl");
            Class<?> connection = Class.forName("sun.net.httpserver.HttpConnection");
            MethodHandles.Lookup jdk = MethodHandles.privateLookupIn(exchange, MethodHandles.lookup());
            MethodHandle impl = jdk.findGetter(exchange, "impl", inner);
            MethodHandle toConnection = jdk.findVirtual(inner, "getConnection", MethodType.methodType(connection));
            MethodHandle toChannel =
                    jdk.findVirtual(connection, "getChannel", MethodType.methodType(SocketChannel.class));
            CHANNEL = MethodHandles.filterReturnValue(MethodHandles.filterReturnValue(impl, toConnection), toChannel)
                    .asType(MethodType.methodType(SocketChannel.class, HttpExchange.class));
            Class<?> selectable = Class.forName("sun.nio.ch.SelChImpl");
            DESCRIPTOR = MethodHandles.lookup()
                    .findVirtual(selectable, "getFDVal", MethodType.methodType(int.class))
                    .asType(MethodType.methodType(int.class, SocketChannel.class));
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("this JDK's HTTP server is not the one this program was made for", e);
        }
    }

    private final SocketChannel channel;
    private final ReentrantLock lock = new ReentrantLock();
    private EventLoop.@Nullable Registration watch;
    private boolean over;

    HttpConnection(HttpExchange exchange) {
        try {
            channel = (SocketChannel) CHANNEL.invokeExact(exchange);
        } catch (Throwable t) {
            throw new IllegalStateException(t);
        }
    }

    /** Runs an action, on the thread of the loop, when the client has left or will send no more. Repeatable. */
    void watch(EventLoop loop, Runnable gone) throws IOException {
        lock.lock();
        try {
            if (!over && watch == null) {
                Fd borrowed = Fd.own(descriptor());
                try {
                    watch = loop.register(borrowed, EventLoop.PEER_CLOSED, (registration, events) -> {
                        registration.close();
                        gone.run();
                    });
                } finally {
                    int _ = borrowed.release();
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /** Ends the watch for good. */
    void unwatch() {
        lock.lock();
        try {
            over = true;
            if (watch != null) {
                watch.close();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Closes the connection as it is. Whoever reads or writes on it fails. */
    void cut() throws IOException {
        unwatch();
        channel.close();
    }

    private int descriptor() {
        try {
            return (int) DESCRIPTOR.invokeExact(channel);
        } catch (Throwable t) {
            throw new IllegalStateException(t);
        }
    }
}
