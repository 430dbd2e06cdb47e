package dev.sandlot.protocol;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.ByteChannel;

/**
 * One HTTP request and its answer, in blocking style; what every server of ours is written against, whatever
 * HTTP engine carries it. Used by one thread at a time, save that a second thread may read the body while the
 * first answers, and that {@link #abort()} and {@link #onFailure} may be called from anywhere.
 */
public interface Exchange {
    /** The method in upper case, for example {@code POST}. */
    String method();

    /** The path as it came: still escaped, beginning with a slash, without the query. */
    String rawPath();

    /** The query as it came, without the question mark; empty when there is none. */
    String rawQuery();

    /** The host and, if given, port that the client asked for ({@code Host} or {@code :authority}); may be empty. */
    String authority();

    /** {@code http} or {@code https}, as the client connected to us. */
    String scheme();

    /** The address the request came from, as text; for logs. */
    String remoteAddress();

    /** The fields of the request; not to be changed. */
    Headers requestHeaders();

    /** The length that the request declared, or -1 when unknown. */
    long requestLength();

    /** The body of the request, decoded from its transfer coding. Reading blocks. */
    InputStream requestBody();

    /** The fields of the answer, which may be changed until {@link #start}. */
    Headers responseHeaders();

    /**
     * Begins the answer. What is written to the returned stream is sent at each {@code flush}; closing it ends the
     * answer. A stream that is never closed, or was closed short of {@code length}, cuts the connection.
     *
     * @param status the HTTP status
     * @param length bytes that will follow: 0 for none (the fields go out at once), -1 when not known beforehand
     * @throws IOException when the client is gone
     */
    OutputStream start(int status, long length) throws IOException;

    /** Whether {@link #start} was called. */
    boolean started();

    /**
     * Cuts the exchange without a proper end: HTTP/1.1 closes the connection in mid-body, HTTP/2 resets the
     * stream. May be called from any thread, and more than once.
     */
    void abort();

    /**
     * Runs the action once if the exchange fails (client gone, aborted) before it ends; from any thread. An
     * exchange that has failed already runs it at once.
     */
    void onFailure(Runnable action);

    /**
     * Answers an upgrade request with 101 and the response fields, then moves bytes both ways between the client
     * and the peer. When one side ends, that is passed on to the other, which may still finish what it sends if
     * the peer can be told so (a {@code SocketChannel} can); otherwise the tunnel ends at once. Returns when the
     * tunnel is over; the peer is closed by then.
     *
     * @throws IOException when the connection cannot be upgraded, as with HTTP/2
     */
    void tunnel(ByteChannel peer) throws IOException;

    /** Answers with a whole body. */
    default void send(int status, byte[] body) throws IOException {
        try (OutputStream out = start(status, body.length)) {
            if (body.length > 0 && !method().equals("HEAD")) {
                out.write(body);
            }
        }
    }
}
