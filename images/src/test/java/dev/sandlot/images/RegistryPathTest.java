package dev.sandlot.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** OCI distribution specification, "Endpoints" and "Pulling manifests": names, digests and tags. */
class RegistryPathTest {
    private static final String HEX = "ab".repeat(32);
    private static final RepositoryName NAME = new RepositoryName("e2b/custom-envs/abc");

    @Test
    void everyEndpointIsFound() throws RegistryException {
        Digest digest = new Digest(HEX);
        assertThat(RegistryPath.parse("/v2/")).isEqualTo(new RegistryPath.Base());
        assertThat(RegistryPath.parse("/v2/token")).isEqualTo(new RegistryPath.Token());
        assertThat(in("/blobs/sha256:" + HEX)).isEqualTo(new RegistryPath.Blob(NAME, digest));
        assertThat(in("/blobs/sha256%3A" + HEX)).isEqualTo(new RegistryPath.Blob(NAME, digest));
        assertThat(in("/blobs/uploads/")).isEqualTo(new RegistryPath.Uploads(NAME));
        assertThat(in("/blobs/uploads")).isEqualTo(new RegistryPath.Uploads(NAME));
        assertThat(in("/blobs/uploads/x-1")).isEqualTo(new RegistryPath.Upload(NAME, "x-1"));
        assertThat(in("/manifests/latest")).isEqualTo(new RegistryPath.Manifest(NAME, "latest"));
        assertThat(in("/tags/list")).isEqualTo(new RegistryPath.Tags(NAME));
        assertThat(in("/referrers/sha256:" + HEX)).isEqualTo(new RegistryPath.Referrers(NAME, digest));
    }

    private static RegistryPath in(String rest) throws RegistryException {
        return RegistryPath.parse("/v2/" + NAME + rest);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/v2/../blobs/uploads/",
                "/v2/a/../../b/manifests/x",
                "/v2/%2e%2e/manifests/x",
                "/v2/a%2f..%2fb/manifests/x",
                "/v2//a/manifests/x",
                "/v2/A/manifests/x",
                "/v2/a_/manifests/x",
                "/v2/a___b/manifests/x",
                "/v2/a..b/manifests/x",
                "/v2/a b/manifests/x",
                "/v2/a%00b/manifests/x",
                "/v2/.a/tags/list"
            })
    void aNameThatIsNoneIsRefused(String path) {
        assertThat(error(path)).isEqualTo(RegistryError.NAME_INVALID);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/blobs/sha256:ab", "/blobs/md5:abc", "/blobs/..", "/referrers/latest"})
    void aDigestThatIsNoneIsRefused(String rest) {
        assertThat(error("/v2/a" + rest)).isEqualTo(RegistryError.DIGEST_INVALID);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/",
                "/v2",
                "/v2/sandboxes",
                "/v2/templates/x/builds/y",
                "/v2/a/tags",
                "/v2/_catalog",
                "/v2/%zz/x"
            })
    void whatIsNotOfARegistryIsNotServed(String path) {
        assertThat(error(path)).isEqualTo(RegistryError.NOT_SERVED);
    }

    @Test
    void longNamesAndTagsAreRefused() {
        assertThat(RepositoryName.parse("a".repeat(255))).isPresent();
        assertThat(RepositoryName.parse("a".repeat(256))).isEmpty();
        assertThat(Tag.parse("a".repeat(128))).isPresent();
        assertThat(Tag.parse("a".repeat(129))).isEmpty();
        assertThat(Tag.parse("..")).isEmpty();
        assertThat(Tag.parse("-a")).isEmpty();
        assertThat(Tag.parse("a/b")).isEmpty();
    }

    /** Whatever a client sends, what is read from it is a name that is safe, or it is refused. */
    @Test
    void noPathYieldsAnUnsafeName() {
        Random random = new Random(17);
        String[] pieces = {
            "a", "..", ".", "/", "%2f", "%2e", "%00", "\\", "blobs", "manifests", "uploads", "-", "_", "é"
        };
        for (int i = 0; i < 20_000; i++) {
            StringBuilder path = new StringBuilder("/v2/");
            for (int n = random.nextInt(8); n >= 0; n--) {
                path.append(pieces[random.nextInt(pieces.length)]);
            }
            path.append(random.nextBoolean() ? "/manifests/a" : "/blobs/uploads/");
            try {
                if (RegistryPath.parse(path.toString()) instanceof RegistryPath.InRepository found) {
                    assertThat(found.repository().text().split("/", -1))
                            .allSatisfy(part -> assertThat(part).matches("[a-z0-9][a-z0-9._-]*"));
                }
            } catch (RegistryException refused) {
                assertThat(refused.error().status()).isBetween(400, 404);
            }
        }
    }

    private static RegistryError error(String path) {
        return catchThrowableOfType(RegistryException.class, () -> RegistryPath.parse(path))
                .error();
    }
}
