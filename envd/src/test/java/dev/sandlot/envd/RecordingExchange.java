package dev.sandlot.envd;

import dev.sandlot.protocol.Exchange;
import dev.sandlot.protocol.Headers;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.ByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** An exchange in memory: made from a request, it keeps the answer, and holds the server to its declared length. */
final class RecordingExchange implements Exchange {
    private final String method;
    private final String target;
    private final Headers request = new Headers();
    private final Headers response = new Headers();
    private final ByteArrayOutputStream body = new ByteArrayOutputStream();
    private final List<Runnable> failures = new ArrayList<>();
    private InputStream requestBody = InputStream.nullInputStream();
    private long requestLength = -1;
    private long declared;
    private int status;
    private boolean closed;
    private boolean aborted;

    RecordingExchange(String method, String target) {
        this.method = method;
        this.target = target;
    }

    RecordingExchange header(String name, String value) {
        request.add(name, value);
        return this;
    }

    RecordingExchange body(byte[] bytes) {
        requestLength = bytes.length;
        requestBody = new ByteArrayInputStream(bytes);
        return this;
    }

    RecordingExchange body(InputStream stream, long length) {
        requestLength = length;
        requestBody = stream;
        return this;
    }

    int status() {
        return status;
    }

    byte[] bytes() {
        return body.toByteArray();
    }

    String text() {
        return body.toString(StandardCharsets.UTF_8);
    }

    String field(String name) {
        return response.first(name).orElse(null);
    }

    /** The length that the answer declared, -1 for none. */
    long declaredLength() {
        return declared;
    }

    /** Whether the answer was ended properly. */
    boolean complete() {
        return closed && !aborted && (declared < 0 || declared == body.size());
    }

    @Override
    public String method() {
        return method;
    }

    @Override
    public String rawPath() {
        int query = target.indexOf('?');
        return query < 0 ? target : target.substring(0, query);
    }

    @Override
    public String rawQuery() {
        int query = target.indexOf('?');
        return query < 0 ? "" : target.substring(query + 1);
    }

    @Override
    public String authority() {
        return "localhost";
    }

    @Override
    public String scheme() {
        return "http";
    }

    @Override
    public String remoteAddress() {
        return "127.0.0.1";
    }

    @Override
    public Headers requestHeaders() {
        return request;
    }

    @Override
    public long requestLength() {
        return requestLength;
    }

    @Override
    public InputStream requestBody() {
        return requestBody;
    }

    @Override
    public Headers responseHeaders() {
        return response;
    }

    @Override
    public OutputStream start(int code, long length) {
        if (status != 0) {
            throw new IllegalStateException("answered twice");
        }
        status = code;
        declared = length;
        return new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                write(new byte[] {(byte) b}, 0, 1);
            }

            @Override
            public void write(byte[] bytes, int offset, int count) throws IOException {
                if (closed || aborted || (declared >= 0 && body.size() + count > declared)) {
                    throw new IOException("written past the end of the answer");
                }
                body.write(bytes, offset, count);
            }

            @Override
            public void close() {
                closed = true;
            }
        };
    }

    @Override
    public boolean started() {
        return status != 0;
    }

    @Override
    public void abort() {
        if (!aborted && !closed) {
            aborted = true;
            failures.forEach(Runnable::run);
        }
    }

    @Override
    public void onFailure(Runnable action) {
        failures.add(action);
    }

    @Override
    public void tunnel(ByteChannel peer) throws IOException {
        throw new IOException("no upgrade in memory");
    }
}
