package dev.sandlot.edge;

import java.net.Socket;
import java.net.SocketException;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.EnumSet;
import org.eclipse.jetty.http.UriCompliance;
import org.eclipse.jetty.http2.server.HTTP2CServerConnectionFactory;
import org.eclipse.jetty.io.ManagedSelector;
import org.eclipse.jetty.io.WindowRateControl;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One listener as Jetty knows it: HTTP/1.1 and cleartext HTTP/2 on the same port. */
final class FrontConnector extends ServerConnector {
    private static final Logger LOG = LoggerFactory.getLogger(FrontConnector.class);

    /** Longer than the 620 s of the proxies that may stand in front (envd.md 1). */
    private static final Duration IDLE = Duration.ofSeconds(640);

    /** How long a request's head may take from its first byte. */
    static final Duration HEAD_TIME = Duration.ofSeconds(5);

    private static final int HEAD_LIMIT = 64 * 1024;
    /** How much is read from a connection at once; large, for uploads. An idle connection has no buffer. */
    private static final int READ_SIZE = 32 * 1024;

    private static final int ACCEPT_QUEUE = 4096;
    private static final int STREAMS_PER_CONNECTION = 4096;
    private static final int STREAM_WINDOW = 1 << 20;
    private static final int SESSION_WINDOW = 8 << 20;

    /** HTTP/2 control frames a second that one client may send; aborted calls are resets, and tests make many. */
    private static final int CONTROL_FRAMES_PER_SECOND = 2000;

    private final FrontListener listener;

    /**
     * @param headTime how long a request's head may take
     */
    FrontConnector(Server server, FrontListener listener, Duration headTime) {
        this(server, listener, headTime, configuration());
    }

    private FrontConnector(Server server, FrontListener listener, Duration headTime, HttpConfiguration configuration) {
        super(server, 1, 1, http1(configuration), http2(configuration));
        this.listener = listener;
        setHost(listener.address());
        setPort(listener.port());
        setIdleTimeout(IDLE.toMillis());
        setAcceptQueueSize(ACCEPT_QUEUE);
        setReuseAddress(true);
        addBean(new HeadTimeout(this, headTime));
    }

    private static HttpConfiguration configuration() {
        HttpConfiguration configuration = new HttpConfiguration();
        configuration.setSendServerVersion(false);
        configuration.setSendDateHeader(true);
        configuration.setRequestHeaderSize(HEAD_LIMIT);
        configuration.setMaxResponseHeaderSize(HEAD_LIMIT);
        configuration.setUriCompliance(rawUris());
        configuration.setIdleTimeout(-1);
        return configuration;
    }

    /** Paths are routed and forwarded as they came, so Jetty need not find any reading of them ambiguous. */
    private static UriCompliance rawUris() {
        EnumSet<UriCompliance.Violation> allowed = EnumSet.allOf(UriCompliance.Violation.class);
        allowed.remove(UriCompliance.Violation.USER_INFO);
        allowed.remove(UriCompliance.Violation.FRAGMENT);
        return new UriCompliance("RAW", allowed);
    }

    private static HttpConnectionFactory http1(HttpConfiguration configuration) {
        HttpConnectionFactory http1 = new HttpConnectionFactory(configuration);
        http1.setInputBufferSize(READ_SIZE);
        return http1;
    }

    private static HTTP2CServerConnectionFactory http2(HttpConfiguration configuration) {
        HTTP2CServerConnectionFactory http2 = new HTTP2CServerConnectionFactory(configuration);
        http2.setMaxConcurrentStreams(STREAMS_PER_CONNECTION);
        http2.setStreamIdleTimeout(0);
        http2.setInitialStreamRecvWindow(STREAM_WINDOW);
        http2.setInitialSessionRecvWindow(SESSION_WINDOW);
        http2.setRateControlFactory(new WindowRateControl.Factory(CONTROL_FRAMES_PER_SECOND));
        return http2;
    }

    FrontListener listener() {
        return listener;
    }

    /** Takes no more connections, and asks the clients of open ones to end them after their answer. */
    void stopAccepting() {
        var _ = shutdown();
    }

    @Override
    protected void configure(Socket socket) {
        super.configure(socket);
        try {
            socket.setKeepAlive(true);
        } catch (SocketException e) {
            LOG.debug("Could not keep a connection alive", e);
        }
    }

    @Override
    protected WatchedEndPoint newEndPoint(SocketChannel channel, ManagedSelector selector, SelectionKey key) {
        WatchedEndPoint endPoint = new WatchedEndPoint(channel, selector, key, getScheduler(), getExecutor());
        endPoint.setIdleTimeout(getIdleTimeout());
        return endPoint;
    }
}
