package dev.sandlot.envd;

import dev.sandlot.linux.FileTree;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/**
 * A directory as the root of a sandbox, whose user {@code user} is whoever runs the tests, and the file half of
 * envd over it.
 */
final class FilesFixture implements AutoCloseable {
    static final Instant NOW = Instant.ofEpochSecond(1_800_000_000L);

    final Path root;
    final SandboxFiles files;
    final Accounts accounts;
    final FilesystemService service;
    String token = "";
    String defaultUser = "user";
    String defaultDirectory = "";

    FilesFixture(Path root) throws IOException {
        this(root, IdRange.SAME);
    }

    FilesFixture(Path root, IdRange ids) throws IOException {
        this.root = root;
        Files.createDirectories(root.resolve("etc"));
        Files.createDirectories(root.resolve("home/user"));
        int uid = (int) Files.getAttribute(root, "unix:uid");
        int gid = (int) Files.getAttribute(root, "unix:gid");
        Files.writeString(
                root.resolve("etc/passwd"), "user:x:" + uid + ":" + gid + "::/home/user:/bin/bash\nbroken line\n");
        Files.writeString(root.resolve("etc/group"), "user:x:" + gid + ":\nextra:x:44:user,other\n");
        this.files = new SandboxFiles(FileTree.directory(root.toString()), ids);
        this.accounts = new Accounts(files);
        this.service = new FilesystemService(files, accounts, () -> defaultUser, () -> defaultDirectory);
    }

    FilesEndpoint endpoint() {
        return new FilesEndpoint(
                files, accounts, () -> defaultUser, () -> defaultDirectory, () -> token, InstantSource.fixed(NOW));
    }

    RecordingExchange download(RecordingExchange exchange) {
        return run(() -> endpoint().download(exchange), exchange);
    }

    RecordingExchange upload(RecordingExchange exchange) {
        return run(() -> endpoint().upload(exchange), exchange);
    }

    RecordingExchange compose(String json) {
        RecordingExchange exchange =
                new RecordingExchange("POST", "/files/compose").body(json.getBytes(StandardCharsets.UTF_8));
        return run(() -> endpoint().compose(exchange), exchange);
    }

    static RecordingExchange get(String path) {
        return new RecordingExchange("GET", "/files?path=" + encode(path));
    }

    static RecordingExchange put(String path, byte[] body) {
        return new RecordingExchange("POST", "/files?path=" + encode(path))
                .header("Content-Type", "application/octet-stream")
                .body(body);
    }

    static RecordingExchange put(String path, String body) {
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
        files.close();
    }

    private interface Call {
        void run() throws IOException;
    }

    private static RecordingExchange run(Call call, RecordingExchange exchange) {
        try {
            call.run();
        } catch (IOException e) {
            exchange.abort();
            throw new UncheckedIOException(e);
        }
        return exchange;
    }
}
