package dev.sandlot.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RegistryImageTest {
    @TempDir
    Path temp;

    LayerStore store;
    LoopbackRegistry registry;

    @BeforeEach
    void start() throws IOException {
        store = LayerStore.open(temp.resolve("pool"), UnpackLimits.DEFAULT);
        registry = new LoopbackRegistry();
    }

    @AfterEach
    void stop() throws IOException {
        registry.close();
        store.close();
    }

    @Test
    void brings_the_layers_and_the_settings_of_an_image() throws Exception {
        byte[] lower = new Archive(temp).file("etc/a", "1").bytes();
        byte[] upper = new Archive(temp).file("etc/b", "2").bytes();
        image("latest", RegistryImage.architecture(), lower, upper);
        List<Double> fractions = new ArrayList<>();
        PulledImage pulled = RegistryImage.pull(reference("latest"), null, store, (step, fraction) -> {
            synchronized (fractions) {
                fractions.add(fraction);
            }
        });
        assertThat(pulled.layers()).containsExactly(Digest.of(lower), Digest.of(upper));
        assertThat(pulled.env()).isEqualTo(Map.of("PATH", "/bin", "A", "b=c"));
        assertThat(pulled.user()).isEqualTo("user");
        assertThat(pulled.workdir()).isEqualTo("/home/user");
        assertThat(store.path(Digest.of(upper)).resolve("etc/b")).hasContent("2");
        assertThat(fractions).contains(1.0);
        assertThat(temp.resolve("pool/staging").toFile().list()).isEmpty();
    }

    /** template-build.md 8.1: a transfer that is cut goes on where it was. */
    @Test
    void a_cut_download_is_taken_up_again() throws Exception {
        byte[] layer = new Archive(temp).bytes("a", noise(50_000)).bytes();
        image("latest", RegistryImage.architecture(), layer);
        registry.cutsAfter = 20_000;
        registry.requests.clear();
        assertThat(pull("latest").layers()).containsExactly(Digest.of(layer));
        assertThat(registry.requests).contains("from 0", "from 20000", "from 40000");
    }

    @Test
    void a_cut_download_starts_anew_where_the_registry_knows_no_ranges() throws Exception {
        byte[] layer = new Archive(temp).bytes("a", noise(50_000)).bytes();
        image("latest", RegistryImage.architecture(), layer);
        registry.cutsAfter = 20_000;
        registry.honoursRanges = false;
        assertThat(pull("latest").layers()).containsExactly(Digest.of(layer));
    }

    /** What does not get smaller when it is compressed. */
    private static byte[] noise(int length) {
        byte[] noise = new byte[length];
        new Random(1).nextBytes(noise);
        return noise;
    }

    /** template-build.md 13. */
    @Test
    void what_the_registry_refuses_is_told_in_words() {
        registry.missing = "{\"errors\":[{\"code\":\"NAME_UNKNOWN\"}]}";
        assertThatThrownBy(() -> pull("gone"))
                .isInstanceOf(ImageRefusedException.class)
                .hasMessageContaining("the repository team/image")
                .hasMessageContaining("is missing");
        registry.missingStatus = 403;
        assertThatThrownBy(() -> pull("gone")).hasMessageContaining("access denied to the image");
        registry.missingStatus = 418;
        assertThatThrownBy(() -> pull("gone"))
                .hasMessageContaining("team/image:gone")
                .hasMessageContaining("418");
        registry.missingStatus = 503;
        assertThatThrownBy(() -> pull("gone"))
                .isInstanceOf(RegistryStatusException.class)
                .hasMessageContaining("503");
    }

    @Test
    void an_image_that_is_too_large_is_refused_before_it_is_fetched() throws Exception {
        String config = registry.blob("{\"architecture\":\"%s\",\"rootfs\":{\"diff_ids\":[\"%s\",\"%s\"]}}"
                .formatted(RegistryImage.architecture(), Digest.of(new byte[1]), Digest.of(new byte[2]))
                .getBytes(StandardCharsets.UTF_8));
        String layer = "{\"digest\":\"" + Digest.of(new byte[3]) + "\",\"size\":13000000000}";
        registry.manifest("large", "{\"config\":" + config + ",\"layers\":[" + layer + "," + layer + "]}");
        assertThatThrownBy(() -> pull("large"))
                .isInstanceOf(ImageRefusedException.class)
                .hasMessageContaining("more than 25000 MB");
    }

    @Test
    void a_user_cannot_make_the_server_ask_its_own_network() {
        for (String host : List.of(registry.host(), "10.1.2.3:5000", "169.254.169.254", "[::1]:5000", "100.64.1.1")) {
            ImageReference image = new ImageReference(host, "team/image", "latest");
            assertThatThrownBy(() -> RegistryImage.pull(image, null, RegistryAccess.PUBLIC, store, Progress.NONE))
                    .as(host)
                    .isInstanceOf(ImageRefusedException.class)
                    .hasMessageContaining("private address");
        }
        assertThat(registry.requests).isEmpty();
    }

    @Test
    void an_operators_registry_is_asked_as_its_address_says() throws Exception {
        UUID build = UUID.randomUUID();
        byte[] layer = new Archive(temp).file("a", "1").bytes();
        image(build.toString(), RegistryImage.architecture(), layer);
        registry.needsToken = true;
        String elsewhere = "http://" + registry.host().replace("127.0.0.1", "0.0.0.0");
        assertThat(UpstreamRegistry.isReadable(elsewhere)).isTrue();
        assertThat(UpstreamRegistry.isReadable("http://" + registry.host())).isFalse();
        try (UpstreamRegistry upstream = new UpstreamRegistry(elsewhere, "team", "secret")) {
            assertThat(upstream.images(store).image("image", build).layers()).containsExactly(Digest.of(layer));
        }
    }

    @Test
    void a_second_pull_fetches_no_layer() throws Exception {
        image(
                "latest",
                RegistryImage.architecture(),
                new Archive(temp).file("a", "1").bytes());
        PulledImage first = pull("latest");
        registry.requests.clear();
        assertThat(pull("latest")).isEqualTo(first);
        assertThat(registry.requests).hasSize(2);
    }

    @Test
    void picks_the_platform_of_this_machine_from_an_index() throws Exception {
        byte[] ours = new Archive(temp).file("ours", "1").bytes();
        Digest other =
                image("other", "s390x", new Archive(temp).file("other", "1").bytes());
        Digest mine = image("mine", RegistryImage.architecture(), ours);
        registry.manifest("latest", """
                {"manifests":[
                  {"digest":"%s","platform":{"os":"linux","architecture":"s390x"}},
                  {"digest":"%s","platform":{"os":"linux","architecture":"%s"}}]}
                """.formatted(other, mine, RegistryImage.architecture()));
        assertThat(pull("latest").layers()).containsExactly(Digest.of(ours));
    }

    @Test
    void refuses_an_image_of_another_architecture() throws Exception {
        image("latest", "s390x", new Archive(temp).file("a", "1").bytes());
        assertThatThrownBy(() -> pull("latest")).hasMessageContaining("is for the architecture s390x; expected is");
    }

    @Test
    void follows_a_token_challenge_and_does_not_carry_the_token_elsewhere() throws Exception {
        registry.needsToken = true;
        registry.redirectsBlobs = true;
        byte[] layer = new Archive(temp).file("a", "1").bytes();
        image("latest", RegistryImage.architecture(), layer);
        assertThat(pull("latest").layers()).containsExactly(Digest.of(layer));
        assertThat(registry.requests).contains("/token");
    }

    @Test
    void refuses_a_blob_that_is_not_what_it_is_called() throws Exception {
        byte[] layer = new Archive(temp).file("a", "1").bytes();
        image("latest", RegistryImage.architecture(), layer);
        registry.documents.replaceAll((path, body) -> isGzip(body) ? new byte[body.length] : body);
        assertThatThrownBy(() -> pull("latest"))
                .isInstanceOf(BadLayerException.class)
                .hasMessageContaining("the registry gave");
        assertThat(store.list()).isEmpty();
        assertThat(temp.resolve("pool/staging").toFile().list()).isEmpty();
    }

    @Test
    void refuses_a_layer_that_is_not_the_one_in_the_configuration() throws Exception {
        byte[] layer = new Archive(temp).file("a", "1").bytes();
        byte[] another = new Archive(temp).file("b", "1").bytes();
        manifest("latest", RegistryImage.architecture(), List.of(another), List.of(layer));
        assertThatThrownBy(() -> pull("latest"))
                .isInstanceOf(BadLayerException.class)
                .hasMessageContaining("and not " + Digest.of(another));
        assertThat(store.list()).isEmpty();
    }

    @Test
    void refuses_a_manifest_that_is_not_what_was_asked_for() throws Exception {
        Digest digest = image(
                "latest",
                RegistryImage.architecture(),
                new Archive(temp).file("a", "1").bytes());
        registry.documents.put("/v2/team/image/manifests/" + digest, "{}".getBytes(StandardCharsets.UTF_8));
        assertThatThrownBy(() -> RegistryImage.pull(
                        ImageReference.parse(registry.host() + "/team/image@" + digest), null, store, Progress.NONE))
                .isInstanceOf(BadLayerException.class);
    }

    @Test
    void says_what_an_image_lacks_to_be_the_base_template() throws Exception {
        image(
                "latest",
                RegistryImage.architecture(),
                new Archive(temp)
                        .file("usr/bin/bash", "")
                        .file("usr/bin/python3", "")
                        .bytes());
        assertThatThrownBy(() -> BaseTemplate.ensure(store, settings(), Progress.NONE))
                .hasMessageContaining("it lacks: the program sudo, the program node, the user 'user'");
    }

    @Test
    void makes_the_base_template_from_an_image_once() throws Exception {
        byte[] lower = new Archive(temp)
                .file("usr/bin/bash", "")
                .file("usr/bin/python3", "")
                .file("usr/bin/sudo", "")
                .file("etc/passwd", "root:x:0:0::/root:/bin/sh\n")
                .bytes();
        byte[] upper = new Archive(temp)
                .file("usr/local/bin/node", "")
                .file("etc/passwd", "root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/bash\n")
                .bytes();
        image("latest", RegistryImage.architecture(), lower, upper);
        TemplateRecord made = BaseTemplate.ensure(store, settings(), Progress.NONE);
        assertThat(made.layers()).containsExactly(Digest.of(lower), Digest.of(upper));
        assertThat(made.defaultUser()).isEqualTo("user");
        assertThat(made.workdir()).isEqualTo("/home/user");
        registry.requests.clear();
        assertThat(BaseTemplate.ensure(store, settings(), Progress.NONE)).isEqualTo(made);
        assertThat(registry.requests).isEmpty();
    }

    @Test
    void tells_a_registry_that_does_not_answer_from_one_that_refuses() throws Exception {
        int port;
        try (ServerSocket unused = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = unused.getLocalPort();
        }
        ImageReference nobody = ImageReference.parse("127.0.0.1:" + port + "/team/image:latest");
        assertThatThrownBy(() -> RegistryImage.pull(nobody, null, store, Progress.NONE))
                .isInstanceOf(RegistryUnreachableException.class);
        assertThatThrownBy(() -> pull("missing"))
                .isNotInstanceOf(RegistryUnreachableException.class)
                .hasMessageContaining("is missing in the registry");
    }

    private BaseTemplateSettings settings() {
        return new BaseTemplateSettings(
                "trixie", null, registry.host() + "/team/image:latest", null, Duration.ofMinutes(1));
    }

    private ImageReference reference(String tag) {
        return ImageReference.parse(registry.host() + "/team/image:" + tag);
    }

    private PulledImage pull(String tag) throws Exception {
        return RegistryImage.pull(reference(tag), null, store, Progress.NONE);
    }

    private Digest image(String tag, String architecture, byte[]... layers) throws IOException {
        return manifest(tag, architecture, List.of(layers), List.of(layers));
    }

    private Digest manifest(String tag, String architecture, List<byte[]> promised, List<byte[]> given)
            throws IOException {
        String diffIds = String.join(
                ",", promised.stream().map(l -> "\"" + Digest.of(l) + "\"").toList());
        String config = registry.blob("""
                {"architecture":"%s","os":"linux","rootfs":{"type":"layers","diff_ids":[%s]},
                 "config":{"User":"user","WorkingDir":"/home/user","Env":["PATH=/bin","A=b=c","EMPTY="]}}
                """.formatted(architecture, diffIds).getBytes(StandardCharsets.UTF_8));
        List<String> blobs = new ArrayList<>();
        for (byte[] layer : given) {
            blobs.add(registry.blob(gzip(layer)));
        }
        return registry.manifest(
                tag, "{\"schemaVersion\":2,\"config\":%s,\"layers\":[%s]}".formatted(config, String.join(",", blobs)));
    }

    private static boolean isGzip(byte[] body) {
        return body.length > 2 && body[0] == 0x1f && body[1] == (byte) 0x8b;
    }

    private static byte[] gzip(byte[] bytes) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(bytes);
        }
        return out.toByteArray();
    }
}
