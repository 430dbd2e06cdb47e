package dev.sandlot.images;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pulls from a real registry that another client pushed to. Needs the programs docker-registry and skopeo. */
@Tag("acceptance")
class RegistryAcceptanceTest {
    @TempDir
    Path temp;

    Process registry;
    String host;

    @BeforeEach
    void start() throws IOException {
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            host = "127.0.0.1:" + free.getLocalPort();
        }
        Path config = temp.resolve("config.yml");
        Files.writeString(config, """
                version: 0.1
                storage: {filesystem: {rootdirectory: %s}}
                http: {addr: "%s"}
                """.formatted(temp.resolve("blobs"), host));
        registry = new ProcessBuilder("docker-registry", "serve", config.toString())
                .redirectErrorStream(true)
                .start();
        awaitListening(registry.inputReader());
    }

    @AfterEach
    void stop() throws InterruptedException {
        registry.destroy();
        registry.waitFor();
    }

    @Test
    void what_another_client_pushed_is_pulled_layer_by_layer() throws Exception {
        byte[] layer =
                new Archive(temp).directory("etc/").file("etc/f", "from afar").bytes();
        pushByOtherClient(layer);
        try (LayerStore store = LayerStore.open(temp.resolve("pool"), UnpackLimits.DEFAULT)) {
            PulledImage pulled =
                    RegistryImage.pull(ImageReference.parse(host + "/team/image:1"), null, store, Progress.NONE);
            assertThat(pulled.layers()).containsExactly(Digest.of(layer));
            assertThat(pulled.env()).containsEntry("KEY", "value");
            assertThat(store.path(pulled.layers().getFirst()).resolve("etc/f")).hasContent("from afar");
        }
    }

    private void pushByOtherClient(byte[] layer) throws IOException, InterruptedException {
        Path archive = Files.createDirectory(temp.resolve("saved"));
        Files.write(archive.resolve("layer.tar"), layer);
        Files.writeString(
                archive.resolve("config.json"), """
                {"architecture":"%s","os":"linux","config":{"Env":["KEY=value"]},
                 "rootfs":{"type":"layers","diff_ids":["%s"]}}
                """.formatted(RegistryImage.architecture(), Digest.of(layer)));
        Files.writeString(archive.resolve("manifest.json"), """
                [{"Config":"config.json","RepoTags":["team/image:1"],"Layers":["layer.tar"]}]
                """);
        String tar = temp.resolve("saved.tar").toString();
        run("tar", "-C", archive.toString(), "-cf", tar, "manifest.json", "config.json", "layer.tar");
        run(
                "skopeo",
                "copy",
                "--insecure-policy",
                "--dest-tls-verify=false",
                "docker-archive:" + tar,
                "docker://" + host + "/team/image:1");
    }

    private static void run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes());
        assertThat(process.waitFor()).as(output).isZero();
    }

    /** Reads its log until it says that it listens; the rest is read away so that it never blocks. */
    private static void awaitListening(BufferedReader log) throws IOException {
        String line = log.readLine();
        while (line != null && !line.contains("listening on")) {
            line = log.readLine();
        }
        assertThat(line).as("the registry ended before it listened").isNotNull();
        Thread.ofVirtual().start(() -> log.lines().forEach(ignored -> {}));
    }
}
