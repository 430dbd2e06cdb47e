package dev.sandlot.builds;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.sandlot.envd.SandboxFiles;
import dev.sandlot.images.BaseTemplateSettings;
import dev.sandlot.images.ContentStore;
import dev.sandlot.images.Digest;
import dev.sandlot.images.ImageRefusedException;
import dev.sandlot.images.LayerRecord;
import dev.sandlot.images.LayerStore;
import dev.sandlot.images.LocalImages;
import dev.sandlot.images.PulledImage;
import dev.sandlot.images.PushedImages;
import dev.sandlot.images.RegistryAccess;
import dev.sandlot.images.RegistryLimits;
import dev.sandlot.images.StandIns;
import dev.sandlot.images.UnpackLimits;
import dev.sandlot.protocol.BuildOrigin;
import dev.sandlot.protocol.ImageCredentials;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** template-build.md 8.1 and 13, against a registry of this machine; provisioning is {@link ProvisionerTest}'s. */
@Tag("kernel")
class PulledBasesTest {
    private static final String PASSWORD = "s3cret";

    @TempDir
    Path temp;

    LayerStore store;
    HttpServer server;
    RecordedLog log = new RecordedLog();
    final Map<String, byte[]> documents = new ConcurrentHashMap<>();

    @BeforeEach
    void open() throws IOException {
        store = LayerStore.open(temp.resolve("pool"), UnpackLimits.DEFAULT);
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::answer);
        server.start();
    }

    @AfterEach
    void close() throws IOException {
        server.stop(0);
        store.close();
    }

    @Test
    void the_files_and_variables_of_an_image_count_and_nothing_else_of_it() throws Exception {
        byte[] layer = publish("team/tool", "1");
        BuildBase base = make(registry() + "/team/tool:1", null, settings(registry(), true));
        assertThat(base.layers()).containsExactly(Digest.of(layer));
        assertThat(base.env()).isEqualTo(Map.of("PATH", "/opt/bin:/bin", "A", "b=c"));
        assertThat(log.lines)
                .contains("INFO base Pulling " + registry() + "/team/tool:1", "INFO base Provisioning debian");
    }

    @Test
    void a_name_without_a_registry_is_of_the_one_in_the_settings() throws Exception {
        byte[] layer = publish("library/debian", "12");
        assertThat(make("debian:12", null, settings(registry(), true)).layers()).containsExactly(Digest.of(layer));
        assertThat(log.lines).noneMatch(line -> line.startsWith("WARN"));
    }

    @Test
    void private_images_are_pulled_with_a_name_and_a_password() throws Exception {
        byte[] layer = publish("private/tool", "1");
        String image = registry() + "/private/tool:1";
        assertThat(make(image, new ImageCredentials.Basic("me", PASSWORD), settings(null, true))
                        .layers())
                .containsExactly(Digest.of(layer));
        refused(image, null, "access denied to the image " + image + "; a private image needs credentials");
        refused(image, new ImageCredentials.Basic("me", "wrong"), "check the credentials");
    }

    @Test
    void what_cannot_be_had_is_told_by_name() {
        refused(registry() + "/team/none:1", null, "the image " + registry() + "/team/none:1 does not exist");
        refused("Not An Image", null, "'Not An Image' is not an image reference");
        refused("10.0.0.1/x", null, "private address", settings(null, true, RegistryAccess.PUBLIC));
        refused(registry() + "/x", new ImageCredentials.Aws("A", "B", "eu-west-1"), "no private registry of AWS");
        refused(registry() + "/x", new ImageCredentials.Gcp("{}"), "service account cannot be used");
        assertThat(log.lines).noneMatch(line -> line.contains(PASSWORD));
    }

    @Test
    void a_silent_registry_is_told_and_only_known_images_have_a_stand_in() throws Exception {
        String silent;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            silent = "127.0.0.1:" + socket.getLocalPort();
        }
        refused(silent + "/team/tool", null, "the registry cannot be reached");
        refused("fedora:44", null, "the registry cannot be reached");
        refused("fedora:44", null, "the registry cannot be reached", settings(silent, true));
        refused("debian:12", null, "the registry cannot be reached", settings(null, false));
        refused("debian:12", null, "the registry cannot be reached", settings(silent, false));
        refused(
                "debian:12",
                new ImageCredentials.Basic("me", PASSWORD),
                "the registry cannot be reached",
                settings(null, true));
    }

    @Test
    void pushed_images_come_from_this_server() throws Exception {
        byte[] layer = publish("team/tool", "1");
        Digest digest = store.add(new ByteArrayInputStream(layer)).diffId();
        PulledBases bases = new PulledBases(
                store,
                order -> new Untouched(order.layers()),
                new StandIns(store, BaseTemplateSettings.DEFAULT),
                own((templateId, _) -> new PulledImage(List.of(digest), Map.of("OF", templateId), "", "")),
                settings(null, true));
        BuildBase base = bases.make(ProvisionerTest.plan(new BuildOrigin.Pushed()), log);
        assertThat(base).isEqualTo(new BuildBase(List.of(digest), Map.of("OF", "template")));
    }

    @Test
    void the_version_of_provisioning_depends_on_the_stand_ins() throws Exception {
        assertThat(bases(settings(null, true)).provisioning())
                .isNotEqualTo(bases(settings(null, false)).provisioning());
    }

    private BuildBase make(String image, @Nullable ImageCredentials credentials, ImageBasesSettings settings)
            throws Exception {
        return bases(settings).make(ProvisionerTest.plan(new BuildOrigin.Image(image, credentials)), log);
    }

    private OwnImages own(PushedImages pushed) throws IOException {
        return new OwnImages(pushed, LocalImages.open(ContentStore.open(store, RegistryLimits.DEFAULT), store));
    }

    private PulledBases bases(ImageBasesSettings settings) throws IOException {
        return new PulledBases(
                store,
                order -> new Untouched(order.layers()),
                new StandIns(store, BaseTemplateSettings.DEFAULT),
                own((_, _) -> {
                    throw new ImageRefusedException("nothing was pushed");
                }),
                settings);
    }

    private void refused(String image, @Nullable ImageCredentials credentials, String reason) {
        refused(image, credentials, reason, settings(null, true));
    }

    private void refused(
            String image, @Nullable ImageCredentials credentials, String reason, ImageBasesSettings settings) {
        assertThatThrownBy(() -> make(image, credentials, settings))
                .isInstanceOfSatisfying(
                        BuildFailure.class, e -> assertThat(e.step()).isEqualTo("base"))
                .hasMessageContaining(reason);
    }

    private static ImageBasesSettings settings(@Nullable String registry, boolean standIns) {
        return settings(registry, standIns, RegistryAccess.ANY);
    }

    private static ImageBasesSettings settings(@Nullable String registry, boolean standIns, RegistryAccess access) {
        return new ImageBasesSettings(registry, standIns, access);
    }

    private String registry() {
        return "127.0.0.1:" + server.getAddress().getPort();
    }

    /** Puts an image of one layer into the registry, and gives the layer. */
    private byte[] publish(String repository, String tag) throws IOException {
        byte[] layer = layer();
        String arch = System.getProperty("os.arch").equals("aarch64") ? "arm64" : System.getProperty("os.arch");
        byte[] config = ("{\"architecture\":\"" + arch
                        + "\",\"config\":{\"Env\":[\"PATH=/opt/bin:/bin\",\"A=b=c\",\"EMPTY=\"],"
                        + "\"User\":\"nobody\",\"WorkingDir\":\"/srv\",\"Entrypoint\":[\"x\"]},"
                        + "\"rootfs\":{\"diff_ids\":[\"" + Digest.of(layer) + "\"]}}")
                .getBytes(StandardCharsets.UTF_8);
        String manifest = "{\"config\":" + blob(repository, config) + ",\"layers\":[" + blob(repository, layer) + "]}";
        documents.put("/v2/" + repository + "/manifests/" + tag, manifest.getBytes(StandardCharsets.UTF_8));
        return layer;
    }

    private static byte[] layer() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (TarArchiveOutputStream tar = new TarArchiveOutputStream(bytes)) {
            byte[] content = "ID=debian\n".getBytes(StandardCharsets.UTF_8);
            TarArchiveEntry entry = new TarArchiveEntry("etc/os-release");
            entry.setSize(content.length);
            tar.putArchiveEntry(entry);
            tar.write(content);
            tar.closeArchiveEntry();
        }
        return bytes.toByteArray();
    }

    private String blob(String repository, byte[] bytes) {
        documents.put("/v2/" + repository + "/blobs/" + Digest.of(bytes), bytes);
        return "{\"digest\":\"" + Digest.of(bytes) + "\",\"size\":" + bytes.length + "}";
    }

    private void answer(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        String basic =
                "Basic " + Base64.getEncoder().encodeToString(("me:" + PASSWORD).getBytes(StandardCharsets.UTF_8));
        byte[] body = documents.getOrDefault(path, new byte[0]);
        boolean denied = path.startsWith("/v2/private/")
                && !basic.equals(exchange.getRequestHeaders().getFirst("Authorization"));
        if (denied) {
            exchange.getResponseHeaders().set("WWW-Authenticate", "Basic realm=\"x\"");
        }
        int status = denied ? 401 : body.length == 0 ? 404 : 200;
        exchange.sendResponseHeaders(status, denied || body.length == 0 ? -1 : body.length);
        if (!denied) {
            exchange.getResponseBody().write(body);
        }
        exchange.close();
    }

    /** A sandbox in which provisioning finds everything there. */
    private record Untouched(List<Digest> layers) implements WorkSandbox {
        @Override
        public Ended run(Command command, Lines lines) {
            return new Ended(0);
        }

        @Override
        public CompletableFuture<Ended> start(Command command, Lines lines) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Set<Integer> listening() {
            throw new UnsupportedOperationException();
        }

        @Override
        public SandboxFiles files() {
            throw new UnsupportedOperationException();
        }

        @Override
        public LayerRecord commit() {
            return new LayerRecord(Digest.of(new byte[0]), 0, 1, Instant.EPOCH);
        }

        @Override
        public void close() {}
    }
}
