package dev.sandlot.envd;

import dev.sandlot.linux.FileTree;
import dev.sandlot.protocol.MemoryExchange;
import dev.sandlot.protocol.SandboxId;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * A directory as the root of a sandbox, whose user {@code user} is whoever runs the tests, and an envd over it, which
 * begins anew with the first request after a setting was changed.
 */
final class FilesFixture implements AutoCloseable {
    /** A time for what is told the time. */
    static final Instant NOW = Instant.ofEpochSecond(1_800_000_000L);

    final Path root;
    /** The same files without the envd. */
    final SandboxFiles files;

    final Accounts accounts;
    final FilesystemClient service = new FilesystemClient(this::send);
    String token = "";
    String defaultUser = "user";
    String defaultDirectory = "";

    private final ReentrantLock lock = new ReentrantLock();
    private @Nullable EnvdConfig config;
    private @Nullable TestEnvd envd;

    FilesFixture(Path root) throws IOException {
        this.root = root;
        Files.createDirectories(root.resolve("etc"));
        Files.createDirectories(root.resolve("home/user"));
        int uid = (int) Files.getAttribute(root, "unix:uid");
        int gid = (int) Files.getAttribute(root, "unix:gid");
        Files.writeString(
                root.resolve("etc/passwd"), "user:x:" + uid + ":" + gid + "::/home/user:/bin/bash\nbroken line\n");
        Files.writeString(root.resolve("etc/group"), "user:x:" + gid + ":\nextra:x:44:user,other\n");
        this.files = new SandboxFiles(FileTree.directory(root.toString()), IdRange.SAME);
        this.accounts = new Accounts(files);
    }

    /** The envd with the settings of now. */
    TestEnvd envd() {
        lock.lock();
        try {
            EnvdConfig wanted = new EnvdConfig(
                    new SandboxId("itest"),
                    "base",
                    Map.of(),
                    token.isEmpty() ? null : token,
                    defaultUser,
                    defaultDirectory);
            if (envd == null || !wanted.equals(config)) {
                stop();
                envd = TestEnvd.over(root, wanted);
                config = wanted;
            }
            return envd;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            lock.unlock();
        }
    }

    private void stop() {
        if (envd != null) {
            envd.close();
        }
    }

    Answer send(MemoryExchange exchange) {
        return Answer.of(envd(), exchange);
    }

    Answer download(MemoryExchange exchange) {
        return send(exchange);
    }

    Answer upload(MemoryExchange exchange) {
        return send(exchange);
    }

    Answer compose(String json) {
        return send(MemoryExchange.of("POST", "/files/compose", json.getBytes(StandardCharsets.UTF_8)));
    }

    static MemoryExchange get(String path) {
        return ask("/files?path=" + encode(path));
    }

    static MemoryExchange ask(String target) {
        return MemoryExchange.of("GET", target, new byte[0]);
    }

    static MemoryExchange post(String target, byte[] body) {
        return MemoryExchange.of("POST", target, body);
    }

    static MemoryExchange put(String path, byte[] body) {
        return MemoryExchange.of("POST", "/files?path=" + encode(path), body)
                .header("Content-Type", "application/octet-stream");
    }

    static MemoryExchange put(String path, String body) {
        return put(path, body.getBytes(StandardCharsets.UTF_8));
    }

    static String encode(String value) {
        return URLEncoder.encode(value, StandardCharsets.UTF_8);
    }

    Path at(String path) {
        return root.resolve(path.substring(1));
    }

    static byte[] gzip(byte[] bytes) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(bytes);
        }
        return out.toByteArray();
    }

    static byte[] gunzip(byte[] bytes) throws IOException {
        return new GZIPInputStream(new ByteArrayInputStream(bytes)).readAllBytes();
    }

    @Override
    public void close() {
        stop();
        files.close();
    }
}
