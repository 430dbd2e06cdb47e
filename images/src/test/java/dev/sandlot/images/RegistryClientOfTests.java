package dev.sandlot.images;

import dev.sandlot.protocol.ExchangeHandler;
import dev.sandlot.protocol.Headers;
import dev.sandlot.protocol.MemoryExchange;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/** Speaks to a registry endpoint in memory. */
final class RegistryClientOfTests {
    private final ExchangeHandler endpoint;
    private @Nullable String authorization;

    RegistryClientOfTests(ExchangeHandler endpoint) {
        this.endpoint = endpoint;
    }

    /** An answer. */
    record Answer(int status, Headers headers, String body) {
        String header(String name) {
            return headers.first(name).orElse("");
        }
    }

    RegistryClientOfTests as(String user, String password) {
        byte[] text = (user + ":" + password).getBytes(StandardCharsets.UTF_8);
        authorization = "Basic " + Base64.getEncoder().encodeToString(text);
        return this;
    }

    RegistryClientOfTests bearer(String token) {
        authorization = "Bearer " + token;
        return this;
    }

    Answer call(String method, String target, String... headers) throws IOException {
        return send(MemoryExchange.of(method, target, new byte[0]), headers);
    }

    Answer call(String method, String target, byte[] body, String... headers) throws IOException {
        return send(MemoryExchange.of(method, target, body), headers);
    }

    /** Sends a body that breaks off after some bytes. */
    void broken(String method, String target, byte[] body, String... headers) {
        InputStream in = new InputStream() {
            private final InputStream bytes = new ByteArrayInputStream(body);

            @Override
            public int read() throws IOException {
                int b = bytes.read();
                if (b < 0) {
                    throw new IOException("the connection broke");
                }
                return b;
            }
        };
        MemoryExchange exchange = MemoryExchange.streaming(method, target, in);
        try {
            send(exchange, headers);
        } catch (IOException expected) {
            exchange.abort();
            return;
        }
        throw new AssertionError("a broken body was answered");
    }

    private Answer send(MemoryExchange exchange, String... headers) throws IOException {
        for (int i = 0; i < headers.length; i += 2) {
            exchange.header(headers[i], headers[i + 1]);
        }
        exchange.header("Host", "registry.test:5000");
        if (authorization != null) {
            exchange.header("Authorization", authorization);
        }
        endpoint.handle(exchange);
        String body = new String(exchange.responseBody().readAllBytes(), StandardCharsets.ISO_8859_1);
        return new Answer(exchange.status(), exchange.responseHeaders(), body);
    }

    /** Pushes a blob whole. */
    Digest push(String repository, byte[] blob) throws IOException {
        Digest digest = Digest.of(blob);
        Answer answer = call("POST", "/v2/" + repository + "/blobs/uploads/?digest=" + digest, blob);
        if (answer.status() != 201) {
            throw new IOException("pushing answered " + answer);
        }
        return digest;
    }

    /** Begins an upload and returns where it goes on. */
    String begin(String repository) throws IOException {
        return call("POST", "/v2/" + repository + "/blobs/uploads/").header("Location");
    }
}
