package dev.sandlot.app;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** A small HTTP server with the two answers that {@code status} asks for; notes how it was closed. */
final class TestServer implements RunningServer, AutoCloseable {
    static final String KEY = "e2b_0123456789";

    private final HttpServer http;
    private final @Nullable Path closedNote;

    TestServer(@Nullable Path closedNote) throws IOException {
        this.closedNote = closedNote;
        this.http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        answer("/health", "Health check successful");
        answer("/v2/sandboxes", "[{\"state\":\"running\"},{\"state\":\"running\"},{\"state\":\"paused\"}]");
        http.start();
    }

    @Override
    public Addresses addresses() {
        URI uri = URI.create("http://localhost:" + http.getAddress().getPort());
        return new Addresses(uri, uri, uri);
    }

    @Override
    public String sandboxDomain() {
        return "sandlot.localhost:" + http.getAddress().getPort();
    }

    @Override
    public String apiKey() {
        return KEY;
    }

    @Override
    public Stats stats() {
        return new Stats(2, 1);
    }

    @Override
    public int close(Sandboxes sandboxes) throws IOException {
        http.stop(0);
        if (closedNote != null) {
            Files.writeString(closedNote, sandboxes.name());
        }
        return sandboxes == Sandboxes.KEEP ? 2 : 0;
    }

    @Override
    public void close() throws IOException {
        close(Sandboxes.END);
    }

    private void answer(String path, String body) {
        http.createContext(path, exchange -> {
            byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, bytes.length);
            exchange.getResponseBody().write(bytes);
            exchange.close();
        });
    }
}
