package dev.sandlot.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sandlot.protocol.Exchange;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** template-build.md 17.3: the image that was pushed for a build becomes its layers. Needs root for their owners. */
@Tag("kernel")
class StoredImagesTest {
    private static final UUID BUILD = UUID.fromString("5f7c1d4e-0f5b-4b65-9a3c-2f6a9f1d0c11");
    private static final String REPOSITORY = "e2b/custom-envs/t1";

    @TempDir
    Path temp;

    private LayerStore layers;
    private ContentStore content;
    private StoredImages images;
    private RegistryClientOfTests client;

    private static final class Anybody implements RegistryGuard {
        @Override
        public Optional<Grant> grant(Exchange exchange) {
            return Optional.of((repository, act) -> true);
        }

        @Override
        public String challenge(Exchange exchange, String scope) {
            return "";
        }

        @Override
        public void issue(Exchange exchange) throws RegistryException {
            throw new RegistryException(RegistryError.DENIED, "no tokens here");
        }
    }

    @BeforeEach
    void open() throws IOException {
        layers = LayerStore.open(temp.resolve("pool"), UnpackLimits.DEFAULT);
        content = ContentStore.open(layers, RegistryLimits.DEFAULT);
        images = new StoredImages(content, layers);
        client = new RegistryClientOfTests(RegistryEndpoint.of(content, new Anybody()));
    }

    @AfterEach
    void close() throws IOException {
        layers.close();
    }

    private Digest push(byte[] layer, Digest diffId, String architecture, String tag) throws IOException {
        byte[] config = """
                {"architecture":"%s","os":"linux","config":{"Env":["KEY=value"],"User":"me","WorkingDir":"/w"},
                 "rootfs":{"type":"layers","diff_ids":["%s"]}}""".formatted(architecture, diffId).getBytes(StandardCharsets.UTF_8);
        byte[] manifest = """
                {"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":%d},
                 "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"%s","size":%d}]}""".formatted(
                        client.push(REPOSITORY, config), config.length, client.push(REPOSITORY, layer), layer.length)
                .getBytes(StandardCharsets.UTF_8);
        String path = "/v2/" + REPOSITORY + "/manifests/" + tag;
        assertThat(client.call("PUT", path, manifest, "Content-Type", ManifestDocument.OCI_MANIFEST)
                        .status())
                .isEqualTo(201);
        return Digest.of(manifest);
    }

    private byte[] layer() throws IOException {
        return new Archive(temp).directory("etc/").file("etc/f", "pushed").bytes();
    }

    @Test
    void aPushedImageBecomesLayers() throws Exception {
        byte[] layer = layer();
        push(layer, Digest.of(layer), RegistryImage.architecture(), BUILD.toString());
        PulledImage image = images.image("t1", BUILD);
        assertThat(image.layers()).containsExactly(Digest.of(layer));
        assertThat(image.env()).containsEntry("KEY", "value");
        assertThat(image.user()).isEqualTo("me");
        assertThat(image.workdir()).isEqualTo("/w");
        assertThat(layers.path(Digest.of(layer)).resolve("etc/f")).hasContent("pushed");
    }

    @Test
    void ofAnIndexTheImageOfThisMachineIsTaken() throws Exception {
        byte[] layer = layer();
        Digest own = push(layer, Digest.of(layer), RegistryImage.architecture(), "own");
        Digest other = push(layer, Digest.of(layer), "riscv64", "other");
        String listed =
                "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%d,\"platform\":{\"os\":\"linux\",\"architecture\":\"%s\"}}";
        String index = "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"manifests\":[%s,%s]}"
                .formatted(
                        ManifestDocument.OCI_INDEX,
                        listed.formatted(ManifestDocument.OCI_MANIFEST, other, size(other), "riscv64"),
                        listed.formatted(ManifestDocument.OCI_MANIFEST, own, size(own), RegistryImage.architecture()));
        client.call(
                "PUT",
                "/v2/" + REPOSITORY + "/manifests/" + BUILD,
                index.getBytes(StandardCharsets.UTF_8),
                "Content-Type",
                ManifestDocument.OCI_INDEX);
        assertThat(images.image("t1", BUILD).layers()).containsExactly(Digest.of(layer));
        images.forget(BUILD);
        assertThat(client.call("GET", "/v2/" + REPOSITORY + "/tags/list").body())
                .contains("[\"other\",\"own\"]");
    }

    private long size(Digest digest) throws IOException {
        return client.call("GET", "/v2/" + REPOSITORY + "/manifests/" + digest)
                .body()
                .length();
    }

    @Test
    void whatWasNotPushedOrDoesNotFitIsRefused() throws Exception {
        byte[] layer = layer();
        assertThatThrownBy(() -> images.image("t1", BUILD)).isInstanceOf(ImageRefusedException.class);
        push(layer, Digest.of(layer), "riscv64", BUILD.toString());
        assertThatThrownBy(() -> images.image("t1", BUILD))
                .isInstanceOf(ImageRefusedException.class)
                .hasMessageContaining("riscv64");
        assertThatThrownBy(() -> images.image("../t1", BUILD)).isInstanceOf(ImageRefusedException.class);
    }

    @Test
    void aLayerThatIsNotWhatItsConfigurationSaysIsRefused() throws Exception {
        push(
                layer(),
                Digest.of("another".getBytes(StandardCharsets.UTF_8)),
                RegistryImage.architecture(),
                BUILD.toString());
        assertThatThrownBy(() -> images.image("t1", BUILD)).isInstanceOf(BadLayerException.class);
        assertThat(layers.list()).isEmpty();
    }

    @Test
    void aBlobThatIsDamagedOnTheDiskIsNotUnpacked() throws Exception {
        byte[] layer = layer();
        push(layer, Digest.of(layer), RegistryImage.architecture(), BUILD.toString());
        Path file =
                temp.resolve("pool/registry/content").resolve(Digest.of(layer).hex());
        byte[] damaged = layer.clone();
        damaged[700] ^= 1;
        Files.write(file, damaged);
        assertThatThrownBy(() -> images.image("t1", BUILD)).isInstanceOf(DamagedContentException.class);
        assertThat(layers.list()).isEmpty();
        client.push(REPOSITORY, layer);
        assertThat(images.image("t1", BUILD).layers()).hasSize(1);
    }

    @Test
    void aForgottenBuildsImageIsGone() throws Exception {
        byte[] layer = layer();
        push(layer, Digest.of(layer), RegistryImage.architecture(), BUILD.toString());
        images.forget(UUID.randomUUID());
        images.image("t1", BUILD);
        images.forget(BUILD);
        images.forget(BUILD);
        assertThatThrownBy(() -> images.image("t1", BUILD)).isInstanceOf(ImageRefusedException.class);
    }
}
