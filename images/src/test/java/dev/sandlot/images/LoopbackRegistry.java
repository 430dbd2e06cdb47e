package dev.sandlot.images;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;

/** The reading side of a registry, with what the test puts into it. */
final class LoopbackRegistry implements AutoCloseable {
    static final String TOKEN = "let-me-in";

    final Map<String, byte[]> documents = new ConcurrentHashMap<>();
    final List<String> requests = new CopyOnWriteArrayList<>();
    volatile boolean needsToken;
    volatile boolean redirectsBlobs;
    /** How many bytes of a blob it gives before it hangs up; 0 for all. */
    volatile int cutsAfter;

    volatile boolean honoursRanges = true;
    /** What it answers when a document is missing. */
    volatile String missing = "";

    volatile int missingStatus = 404;

    private final HttpServer server;

    LoopbackRegistry() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/", this::answer);
        server.start();
    }

    String host() {
        return "127.0.0.1:" + server.getAddress().getPort();
    }

    /** Adds a blob and gives its descriptor. */
    String blob(byte[] bytes) {
        Digest digest = Digest.of(bytes);
        documents.put("/v2/team/image/blobs/" + digest, bytes);
        return "{\"digest\":\"%s\",\"size\":%d}".formatted(digest, bytes.length);
    }

    /** Adds a manifest under a name and under its digest. */
    Digest manifest(String name, String json) {
        byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
        documents.put("/v2/team/image/manifests/" + name, bytes);
        documents.put("/v2/team/image/manifests/" + Digest.of(bytes), bytes);
        return Digest.of(bytes);
    }

    private void answer(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        requests.add(path);
        if (path.equals("/token")) {
            send(exchange, 200, ("{\"token\":\"" + TOKEN + "\"}").getBytes(StandardCharsets.UTF_8));
        } else if (path.startsWith("/elsewhere")) {
            boolean leaked = exchange.getRequestHeaders().containsKey("Authorization");
            send(exchange, leaked ? 400 : 200, documents.get(path.substring("/elsewhere".length())));
        } else if (needsToken
                && !("Bearer " + TOKEN).equals(exchange.getRequestHeaders().getFirst("Authorization"))) {
            exchange.getResponseHeaders()
                    .set("WWW-Authenticate", "Bearer realm=\"http://" + host() + "/token\",service=\"test\"");
            send(exchange, 401, new byte[0]);
        } else if (redirectsBlobs && path.contains("/blobs/")) {
            exchange.getResponseHeaders()
                    .set("Location", "http://localhost:" + server.getAddress().getPort() + "/elsewhere" + path);
            send(exchange, 307, new byte[0]);
        } else {
            byte[] body = documents.get(path);
            if (body == null) {
                send(exchange, missingStatus, missing.getBytes(StandardCharsets.UTF_8));
            } else if (cutsAfter > 0 && path.contains("/blobs/")) {
                cut(exchange, body);
            } else {
                send(exchange, 200, body);
            }
        }
    }

    /** Gives a part, and breaks the connection unless that was the end. */
    private void cut(HttpExchange exchange, byte[] body) throws IOException {
        String range = exchange.getRequestHeaders().getFirst("Range");
        int from = range == null || !honoursRanges
                ? 0
                : Integer.parseInt(range.substring("bytes=".length(), range.length() - 1));
        requests.add("from " + from);
        if (from > 0) {
            exchange.getResponseHeaders()
                    .set("Content-Range", "bytes " + from + "-" + (body.length - 1) + "/" + body.length);
        }
        exchange.sendResponseHeaders(from > 0 ? 206 : 200, body.length - from);
        int to = honoursRanges ? Math.min(body.length, from + cutsAfter) : Math.min(body.length, cutsAfter);
        exchange.getResponseBody().write(body, from, to - from);
        if (!honoursRanges) {
            cutsAfter = body.length;
        }
        exchange.getResponseBody().flush();
        exchange.close();
    }

    private static void send(HttpExchange exchange, int status, byte[] body) throws IOException {
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
