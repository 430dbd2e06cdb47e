package dev.sandlot.control;

import dev.sandlot.protocol.Exchange;
import dev.sandlot.protocol.Headers;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.ByteChannel;

/** A request and its answer in memory. */
class MemoryExchange implements Exchange {
    private final String method;
    private final String target;
    private final Headers requestHeaders = new Headers();
    private final Headers responseHeaders = new Headers();
    private final ByteArrayOutputStream answer = new ByteArrayOutputStream();
    private InputStream body = InputStream.nullInputStream();
    private long length;
    private int status;

    MemoryExchange(String method, String target) {
        this.method = method;
        this.target = target;
    }

    MemoryExchange body(byte[] bytes) {
        body = new ByteArrayInputStream(bytes);
        length = bytes.length;
        return this;
    }

    /** A body whose length is not told beforehand, or told wrongly. */
    MemoryExchange body(InputStream stream, long declaredLength) {
        body = stream;
        length = declaredLength;
        return this;
    }

    MemoryExchange header(String name, String value) {
        requestHeaders.add(name, value);
        return this;
    }

    int status() {
        return status;
    }

    byte[] answer() {
        return answer.toByteArray();
    }

    @Override
    public String method() {
        return method;
    }

    @Override
    public String rawPath() {
        int question = target.indexOf('?');
        return question < 0 ? target : target.substring(0, question);
    }

    @Override
    public String rawQuery() {
        int question = target.indexOf('?');
        return question < 0 ? "" : target.substring(question + 1);
    }

    @Override
    public String authority() {
        return "localhost:3000";
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
        return requestHeaders;
    }

    @Override
    public long requestLength() {
        return length;
    }

    @Override
    public InputStream requestBody() {
        return body;
    }

    @Override
    public Headers responseHeaders() {
        return responseHeaders;
    }

    @Override
    public OutputStream start(int newStatus, long newLength) {
        if (status != 0) {
            throw new IllegalStateException("answered twice");
        }
        status = newStatus;
        return answer;
    }

    @Override
    public boolean started() {
        return status != 0;
    }

    @Override
    public void abort() {
        throw new IllegalStateException("not to be aborted");
    }

    @Override
    public void onFailure(Runnable action) {
        throw new IllegalStateException("never fails");
    }

    @Override
    public void tunnel(ByteChannel peer) throws IOException {
        throw new IOException("no tunnel in memory");
    }
}
