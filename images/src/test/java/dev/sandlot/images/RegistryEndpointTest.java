package dev.sandlot.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sandlot.images.RegistryClientOfTests.Answer;
import dev.sandlot.protocol.Exchange;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The OCI distribution protocol over our own content, and what hostile or broken clients do to it. */
class RegistryEndpointTest {
    private static final RegistryLimits LIMITS =
            new RegistryLimits(64 << 10, 1 << 20, 0, 3, Duration.ofHours(6), Duration.ofDays(1));
    private static final byte[] BLOB = "a blob of some bytes".getBytes(StandardCharsets.UTF_8);

    @TempDir
    private Path pool;

    private Instant now = Instant.now();
    private ContentStore store;
    private RegistryClientOfTests client;

    /** Lets everybody in, and nobody mount from repositories that are secret. */
    private static final class OpenGuard implements RegistryGuard {
        @Override
        public Optional<Grant> grant(Exchange exchange) {
            return Optional.of((repository, act) -> !repository.isUnder("secret"));
        }

        @Override
        public String challenge(Exchange exchange, String scope) {
            return "Basic realm=\"test\"";
        }

        @Override
        public void issue(Exchange exchange) throws RegistryException {
            throw new RegistryException(RegistryError.DENIED, "no tokens here");
        }
    }

    @BeforeEach
    void open() throws IOException {
        store = ContentStore.open(pool, LIMITS, () -> now);
        client = new RegistryClientOfTests(RegistryEndpoint.of(store, new OpenGuard()));
    }

    private static String manifest(Digest config, long configSize, Digest layer, long layerSize) {
        return """
                {"schemaVersion":2,"mediaType":"%s",
                 "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":%d},
                 "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"%s","size":%d}]}""".formatted(ManifestDocument.OCI_MANIFEST, config, configSize, layer, layerSize);
    }

    private Answer put(String repository, String reference, String json) throws IOException {
        return client.call(
                "PUT",
                "/v2/" + repository + "/manifests/" + reference,
                json.getBytes(StandardCharsets.UTF_8),
                "Content-Type",
                ManifestDocument.OCI_MANIFEST);
    }

    /** Pushes an image of one layer and returns its manifest. */
    private String image(String repository, String tag) throws IOException {
        Digest config = client.push(repository, "{}".getBytes(StandardCharsets.UTF_8));
        Digest layer = client.push(repository, BLOB);
        String json = manifest(config, 2, layer, BLOB.length);
        assertThat(put(repository, tag, json).status()).isEqualTo(201);
        return json;
    }

    private List<Path> files(String part) throws IOException {
        try (Stream<Path> all = Files.walk(pool.resolve("registry").resolve(part))) {
            return all.filter(Files::isRegularFile).toList();
        }
    }

    @Test
    void aBlobIsPushedInChunksAndResumedWhereItBrokeOff() throws IOException {
        String upload = client.begin("a/b");
        Answer first = client.call("PATCH", upload, "hello ".getBytes(), "Content-Range", "0-5");
        assertThat(first.status()).isEqualTo(202);
        assertThat(first.header("Range")).isEqualTo("0-5");
        client.broken("PATCH", upload, "wor".getBytes());
        Answer status = client.call("GET", upload);
        assertThat(status.status()).isEqualTo(204);
        assertThat(status.header("Range")).isEqualTo("0-8");

        Digest digest = Digest.of("hello world".getBytes());
        Answer done = client.call("PUT", upload + "?digest=" + digest, "ld".getBytes(), "Content-Range", "9-10");
        assertThat(done.status()).isEqualTo(201);
        assertThat(client.call("GET", done.header("Location")).body()).isEqualTo("hello world");
        assertThat(client.call("GET", upload).status()).isEqualTo(404);
        assertThat(files("uploads")).isEmpty();
    }

    @Test
    void chunksOutOfOrderOrOfAnotherLengthChangeNothing() throws IOException {
        String upload = client.begin("a");
        client.call("PATCH", upload, "12345".getBytes(), "Content-Range", "0-4");
        assertThat(client.call("PATCH", upload, "x".getBytes(), "Content-Range", "9-9")
                        .status())
                .isEqualTo(416);
        assertThat(client.call("PATCH", upload, "12345".getBytes(), "Content-Range", "0-4")
                        .status())
                .isEqualTo(416);
        assertThat(client.call("PATCH", upload, "xx".getBytes(), "Content-Range", "5-9")
                        .status())
                .isEqualTo(400);
        assertThat(client.call("PATCH", upload, "xxxxxx".getBytes(), "Content-Range", "5-6")
                        .status())
                .isEqualTo(400);
        assertThat(client.call("PATCH", upload, "x".getBytes(), "Content-Range", "five")
                        .status())
                .isEqualTo(400);
        assertThat(client.call("GET", upload).header("Range")).isEqualTo("0-4");
        assertThat(client.call("PUT", upload + "?digest=" + Digest.of("12345".getBytes()))
                        .status())
                .isEqualTo(201);
    }

    @Test
    void anUploadOutlivesARestart() throws IOException {
        String upload = client.begin("a");
        client.call("PATCH", upload, "before ".getBytes());
        open();
        client.call("PATCH", upload, "after".getBytes());
        Digest digest = Digest.of("before after".getBytes());
        assertThat(client.call("PUT", upload + "?digest=" + digest).status()).isEqualTo(201);
    }

    /** Any way of cutting a blob into requests gives the same blob. */
    @Test
    void howABlobIsCutDoesNotMatter() throws IOException {
        Random random = new Random(5);
        for (int round = 0; round < 60; round++) {
            byte[] blob = new byte[random.nextInt(5000)];
            random.nextBytes(blob);
            String upload = client.begin("a");
            int at = 0;
            while (at < blob.length) {
                int n = Math.min(blob.length - at, 1 + random.nextInt(2000));
                byte[] part = java.util.Arrays.copyOfRange(blob, at, at + n);
                switch (random.nextInt(3)) {
                    case 0 -> client.call("PATCH", upload, part);
                    case 1 -> client.call("PATCH", upload, part, "Content-Range", at + "-" + (at + n - 1));
                    default -> client.broken("PATCH", upload, part);
                }
                at += n;
                if (random.nextInt(10) == 0) {
                    open();
                }
            }
            assertThat(client.call("PUT", upload + "?digest=" + Digest.of(blob)).status())
                    .isEqualTo(201);
            assertThat(client.call("GET", "/v2/a/blobs/" + Digest.of(blob))
                            .body()
                            .getBytes(StandardCharsets.ISO_8859_1))
                    .isEqualTo(blob);
        }
    }

    @Test
    void aWrongDigestLeavesNothing() throws IOException {
        String wrong = Digest.of("another".getBytes()).toString();
        Answer whole = client.call("POST", "/v2/a/blobs/uploads/?digest=" + wrong, BLOB);
        assertThat(whole.status()).isEqualTo(400);
        assertThat(whole.body()).contains("\"code\":\"DIGEST_INVALID\"");
        String upload = client.begin("a");
        client.call("PATCH", upload, BLOB);
        assertThat(client.call("PUT", upload + "?digest=" + wrong).status()).isEqualTo(400);
        assertThat(client.call("GET", upload).status()).isEqualTo(404);
        assertThat(client.call("PUT", client.begin("a") + "?digest=sha256:12").status())
                .isEqualTo(400);
        assertThat(files("content")).isEmpty();
        assertThat(files("repositories")).isEmpty();
    }

    @Test
    void aBlobThatIsTooLargeLeavesNothing() throws IOException {
        byte[] large = new byte[(1 << 20) + 1];
        assertThat(client.call("POST", "/v2/a/blobs/uploads/?digest=" + Digest.of(large), large)
                        .status())
                .isEqualTo(413);
        String upload = client.begin("a");
        assertThat(client.call("PATCH", upload, large).status()).isEqualTo(413);
        assertThat(client.call("GET", upload).status()).isEqualTo(404);
        assertThat(files("uploads")).isEmpty();
        assertThat(files("content")).isEmpty();
    }

    @Test
    void pushesLeaveSpaceOnTheDisk() throws IOException {
        String upload = client.begin("a");
        store = ContentStore.open(pool, LIMITS.with(1 << 20, Long.MAX_VALUE), () -> now);
        client = new RegistryClientOfTests(RegistryEndpoint.of(store, new OpenGuard()));
        Answer more = client.call("PATCH", upload, BLOB);
        assertThat(more.status()).isEqualTo(507);
        assertThat(more.body()).contains("nearly full");
        assertThat(client.call("POST", "/v2/a/blobs/uploads/").status()).isEqualTo(507);
        String any = manifest(Digest.of(BLOB), BLOB.length, Digest.of(BLOB), BLOB.length);
        assertThat(put("a", "x", any).status()).isEqualTo(507);
        store = ContentStore.open(pool, LIMITS, () -> now);
        client = new RegistryClientOfTests(RegistryEndpoint.of(store, new OpenGuard()));
        Answer done = client.call("PUT", upload + "?digest=" + Digest.of(BLOB), BLOB);
        assertThat(done.status()).isEqualTo(201);
    }

    @Test
    void aBrokenWholePushLeavesNothing() throws IOException {
        client.broken("POST", "/v2/a/blobs/uploads/?digest=" + Digest.of(BLOB), BLOB);
        assertThat(files("uploads")).isEmpty();
        assertThat(files("content")).isEmpty();
    }

    @Test
    void thereAreOnlySoManyUploads() throws IOException {
        List<String> open = List.of(client.begin("a"), client.begin("a"), client.begin("b"));
        Answer fourth = client.call("POST", "/v2/c/blobs/uploads/");
        assertThat(fourth.status()).isEqualTo(429);
        assertThat(fourth.body()).contains("TOOMANYREQUESTS");
        assertThat(client.call("DELETE", open.getFirst()).status()).isEqualTo(204);
        assertThat(client.call("POST", "/v2/c/blobs/uploads/").status()).isEqualTo(202);
    }

    @Test
    void anUploadIsOfItsRepositoryAlone() throws IOException {
        String upload = client.begin("a");
        String elsewhere = upload.replace("/v2/a/", "/v2/b/");
        assertThat(client.call("PATCH", elsewhere, BLOB).status()).isEqualTo(404);
        assertThat(client.call("GET", "/v2/a/blobs/uploads/..").status()).isEqualTo(404);
        assertThat(client.call("GET", "/v2/a/blobs/uploads/%2e%2e").status()).isEqualTo(404);
    }

    @Test
    void aBlobIsSeenOnlyWhereItWasPushedOrMounted() throws IOException {
        Digest digest = client.push("a", BLOB);
        assertThat(client.call("HEAD", "/v2/b/blobs/" + digest).status()).isEqualTo(404);
        assertThat(client.call("POST", "/v2/b/blobs/uploads/?mount=" + digest).status())
                .isEqualTo(202);
        Answer mounted = client.call("POST", "/v2/b/blobs/uploads/?mount=" + digest + "&from=a");
        assertThat(mounted.status()).isEqualTo(201);
        assertThat(mounted.header("Location")).isEqualTo("/v2/b/blobs/" + digest);
        assertThat(client.call("HEAD", "/v2/b/blobs/" + digest).status()).isEqualTo(200);
    }

    @Test
    void nothingIsMountedFromWhereTheSenderMayNotPull() throws IOException {
        store.mount(new RepositoryName("x"), new RepositoryName("x"), client.push("x", BLOB));
        assertThat(store.mount(new RepositoryName("x"), new RepositoryName("secret/x"), Digest.of(BLOB)))
                .isTrue();
        String mount = "/v2/b/blobs/uploads/?mount=" + Digest.of(BLOB) + "&from=";
        assertThat(client.call("POST", mount + "secret/x").status()).isEqualTo(202);
        assertThat(client.call("HEAD", "/v2/b/blobs/" + Digest.of(BLOB)).status())
                .isEqualTo(404);
        assertThat(client.call("GET", "/v2/secret/x/blobs/" + Digest.of(BLOB)).status())
                .isEqualTo(403);
    }

    @Test
    void rangesOfABlobCanBeHad() throws IOException {
        String blob = "/v2/a/blobs/" + client.push("a", "0123456789".getBytes());
        Answer part = client.call("GET", blob, "Range", "bytes=2-4");
        assertThat(part.status()).isEqualTo(206);
        assertThat(part.header("Content-Range")).isEqualTo("bytes 2-4/10");
        assertThat(part.body()).isEqualTo("234");
        assertThat(client.call("GET", blob, "Range", "bytes=7-").body()).isEqualTo("789");
        assertThat(client.call("GET", blob, "Range", "bytes=-2").body()).isEqualTo("89");
        assertThat(client.call("GET", blob, "Range", "bytes=4-2").status()).isEqualTo(200);
        assertThat(client.call("GET", blob, "Range", "bytes=10-").status()).isEqualTo(416);
        assertThat(client.call("GET", blob, "Range", "bytes=0-1,3-4").body()).isEqualTo("0123456789");
        assertThat(client.call("HEAD", blob).header("Docker-Content-Digest")).startsWith("sha256:");
    }

    @Test
    void damagedContentIsNeverSentToItsEndAndCanBePushedAnew() throws IOException {
        byte[] large = new byte[600_000];
        Digest digest = client.push("a", large);
        Path file = pool.resolve("registry/content").resolve(digest.hex());
        large[599_999] = 1;
        Files.write(file, large);
        assertThatThrownBy(() -> client.call("GET", "/v2/a/blobs/" + digest)).isInstanceOf(IOException.class);
        assertThat(client.call("HEAD", "/v2/a/blobs/" + digest).status()).isEqualTo(404);
        large[599_999] = 0;
        client.push("a", large);
        assertThat(client.call("GET", "/v2/a/blobs/" + digest).status()).isEqualTo(200);

        Digest small = client.push("a", BLOB);
        Files.write(pool.resolve("registry/content").resolve(small.hex()), "other".getBytes());
        assertThat(client.call("GET", "/v2/a/blobs/" + small).status()).isEqualTo(500);
        client.push("a", BLOB);
        Files.write(pool.resolve("registry/content").resolve(small.hex()), "other".getBytes());
        assertThat(client.call("GET", "/v2/a/blobs/" + small, "Range", "bytes=0-1")
                        .status())
                .isEqualTo(500);
    }

    @Test
    void aManifestComesBackAsItWasPushed() throws IOException {
        String json = image("a", "v1");
        Digest digest = Digest.of(json.getBytes(StandardCharsets.UTF_8));
        for (String reference : List.of("v1", digest.toString())) {
            Answer got = client.call("GET", "/v2/a/manifests/" + reference);
            assertThat(got.body()).isEqualTo(json);
            assertThat(got.header("Content-Type")).isEqualTo(ManifestDocument.OCI_MANIFEST);
            assertThat(got.header("Docker-Content-Digest")).isEqualTo(digest.toString());
        }
        open();
        assertThat(client.call("GET", "/v2/a/manifests/v1").body()).isEqualTo(json);
        assertThat(client.call("GET", "/v2/a/blobs/" + digest).status()).isEqualTo(404);
        assertThat(client.call("GET", "/v2/b/manifests/" + digest).status()).isEqualTo(404);
    }

    @Test
    void aManifestThatNamesWhatIsNotThereIsRefused() throws IOException {
        Digest config = client.push("a", "{}".getBytes());
        Digest missing = Digest.of("missing".getBytes());
        Answer answer = put("a", "v1", manifest(config, 2, missing, 7));
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.body()).contains("MANIFEST_BLOB_UNKNOWN", missing.toString());
        client.push("other", "missing".getBytes());
        assertThat(put("a", "v1", manifest(config, 2, missing, 7)).body()).contains("MANIFEST_BLOB_UNKNOWN");
        Digest layer = client.push("a", BLOB);
        assertThat(put("a", "v1", manifest(config, 2, layer, 1)).body()).contains("MANIFEST_INVALID", "bytes");
        assertThat(client.call("GET", "/v2/a/tags/list").body()).contains("\"tags\":[]");
        assertThat(files("repositories")).noneMatch(file -> file.toString().contains("/manifests/"));
    }

    @Test
    void aManifestThatCanBeReadTwoWaysIsRefused() throws IOException {
        Digest config = client.push("a", "{}".getBytes());
        Digest layer = client.push("a", BLOB);
        String good = manifest(config, 2, layer, BLOB.length);
        for (String bad : List.of(
                "blablabla",
                "[]",
                "{}",
                good + "x",
                good.replace("\"schemaVersion\":2", "\"schemaVersion\":1"),
                good.replace("\"schemaVersion\":2", "\"schemaVersion\":2,\"manifests\":[]"),
                good.replace("\"schemaVersion\":2", "\"schemaVersion\":2,\"schemaVersion\":2"),
                good.replace(ManifestDocument.OCI_MANIFEST, ManifestDocument.OCI_INDEX),
                good.replace("sha256:", "sha512:"),
                good.replace("\"size\":2", "\"size\":-2"),
                good.replace("\"size\":2", "\"size\":99999999999999999999"),
                "[".repeat(20_000))) {
            Answer answer = put("a", "v1", bad);
            assertThat(answer.status()).as(bad).isEqualTo(400);
            assertThat(answer.body()).contains("MANIFEST_INVALID");
        }
        assertThat(client.call("PUT", "/v2/a/manifests/v1", good.getBytes(), "Content-Type", "text/html")
                        .status())
                .isEqualTo(400);
        assertThat(put("a", Digest.of(BLOB).toString(), good).body()).contains("DIGEST_INVALID");
        assertThat(put("a", ".hidden", good).body()).contains("TAG_INVALID");
        assertThat(put("a", "sha256:1", good).body()).contains("DIGEST_INVALID");
        assertThat(put("a", "v1", good).status()).isEqualTo(201);
    }

    @Test
    void aHugeManifestIsRefused() throws IOException {
        assertThat(put("a", "v1", " ".repeat((64 << 10) + 1)).status()).isEqualTo(413);
        assertThat(files("content")).isEmpty();
    }

    @Test
    void tagsAreListedInOrderPageByPage() throws IOException {
        String json = image("a", "v3");
        for (String tag : List.of("v1", "B", "v2")) {
            put("a", tag, json);
        }
        assertThat(client.call("GET", "/v2/a/tags/list").body()).contains("[\"B\",\"v1\",\"v2\",\"v3\"]");
        Answer page = client.call("GET", "/v2/a/tags/list?n=2");
        assertThat(page.body()).contains("[\"B\",\"v1\"]");
        assertThat(page.header("Link")).isEqualTo("</v2/a/tags/list?n=2&last=v1>; rel=\"next\"");
        Answer last = client.call("GET", "/v2/a/tags/list?n=2&last=v1");
        assertThat(last.body()).contains("[\"v2\",\"v3\"]");
        assertThat(last.header("Link")).isEmpty();
        assertThat(client.call("GET", "/v2/a/tags/list?n=0").body()).contains("[]");
        assertThat(client.call("GET", "/v2/a/tags/list?n=-1").status()).isEqualTo(400);
        assertThat(client.call("GET", "/v2/none/tags/list").body()).contains("NAME_UNKNOWN");
    }

    @Test
    void whatPointsToAManifestIsFound() throws IOException {
        String json = image("a", "v1");
        Digest subject = Digest.of(json.getBytes(StandardCharsets.UTF_8));
        String pointing = json.replace(
                "\"layers\"",
                "\"artifactType\":\"x/sbom\",\"annotations\":{\"k\":\"v\"},\"subject\":{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%d},\"layers\""
                        .formatted(ManifestDocument.OCI_MANIFEST, subject, json.length()));
        Digest digest = Digest.of(pointing.getBytes(StandardCharsets.UTF_8));
        Answer pushed = put("a", digest.toString(), pointing);
        assertThat(pushed.status()).isEqualTo(201);
        assertThat(pushed.header("OCI-Subject")).isEqualTo(subject.toString());
        Answer found = client.call("GET", "/v2/a/referrers/" + subject);
        assertThat(found.header("Content-Type")).isEqualTo(ManifestDocument.OCI_INDEX);
        assertThat(found.body()).contains(digest.toString(), "\"artifactType\":\"x/sbom\"", "\"k\":\"v\"");
        Answer other = client.call("GET", "/v2/a/referrers/" + subject + "?artifactType=x/other");
        assertThat(other.body()).contains("\"manifests\":[]");
        assertThat(other.header("OCI-Filters-Applied")).isEqualTo("artifactType");
        assertThat(client.call("DELETE", "/v2/a/manifests/" + digest).status()).isEqualTo(202);
        assertThat(client.call("GET", "/v2/a/referrers/" + subject).body()).contains("\"manifests\":[]");
    }

    @Test
    void blobsThatNoManifestNamesGoAfterTheirGrace() throws IOException {
        image("a", "v1");
        Digest stray = client.push("a", "stray".getBytes());
        Digest elsewhere = client.push("b", "elsewhere".getBytes());
        String upload = client.begin("a");
        client.call("PATCH", upload, BLOB);
        assertThat(store.collect().contents()).isZero();

        now = now.plus(Duration.ofDays(2));
        ContentStore.Collected collected = store.collect();

        assertThat(collected.contents()).isEqualTo(2);
        assertThat(collected.uploads()).isEqualTo(1);
        assertThat(client.call("HEAD", "/v2/a/blobs/" + stray).status()).isEqualTo(404);
        assertThat(client.call("HEAD", "/v2/b/blobs/" + elsewhere).status()).isEqualTo(404);
        assertThat(client.call("GET", "/v2/b/tags/list").status()).isEqualTo(404);
        assertThat(client.call("GET", "/v2/a/blobs/" + Digest.of(BLOB)).status())
                .isEqualTo(200);
        assertThat(client.call("GET", "/v2/a/manifests/v1").status()).isEqualTo(200);
    }

    @Test
    void aDroppedBuildTakesItsManifestAndThenItsBlobsAlong() throws IOException {
        String json = image("e2b/custom-envs/t", "build-1");
        put("e2b/custom-envs/t", "build-2", json);
        RepositoryName name = new RepositoryName("e2b/custom-envs/t");
        store.drop(name, new Tag("build-1"));
        assertThat(client.call("GET", "/v2/e2b/custom-envs/t/manifests/build-1").status())
                .isEqualTo(404);
        assertThat(client.call("GET", "/v2/e2b/custom-envs/t/manifests/build-2").status())
                .isEqualTo(200);
        store.drop(name, new Tag("build-2"));
        store.drop(name, new Tag("build-2"));
        String digest = Digest.of(json.getBytes(StandardCharsets.UTF_8)).toString();
        assertThat(client.call("GET", "/v2/e2b/custom-envs/t/manifests/" + digest)
                        .status())
                .isEqualTo(404);
        now = now.plus(Duration.ofDays(2));
        assertThat(store.collect().contents()).isEqualTo(3);
        assertThat(files("content")).isEmpty();
        assertThat(files("repositories")).isEmpty();
    }

    @Test
    void whatACrashLeftHalfMadeIsGoneAtTheNextStart() throws IOException {
        Path registry = pool.resolve("registry");
        Files.writeString(registry.resolve("staging/half"), "half a manifest");
        Files.createDirectories(registry.resolve("uploads/6f1c2f6e-1f0b-4c53-9f0e-6f1c2f6e1f0b"));
        Files.createDirectories(registry.resolve("uploads/nonsense"));
        open();
        assertThat(files("staging")).isEmpty();
        assertThat(registry.resolve("uploads")).isEmptyDirectory();
    }

    @Test
    void methodsThatAreNotServedAreToldWithThoseThatAre() throws IOException {
        Answer answer = client.call("POST", "/v2/a/tags/list");
        assertThat(answer.status()).isEqualTo(405);
        assertThat(answer.header("Allow")).isEqualTo("GET, HEAD");
        assertThat(answer.body()).contains("\"code\":\"UNSUPPORTED\"");
        assertThat(client.call("PATCH", "/v2/a/blobs/uploads/").status()).isEqualTo(405);
    }
}
