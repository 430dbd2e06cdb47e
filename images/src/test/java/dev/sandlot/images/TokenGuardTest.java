package dev.sandlot.images;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.images.RegistryClientOfTests.Answer;
import dev.sandlot.protocol.PushRights;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** template-build.md 17.2: the registry's answers to those who come with and without credentials. */
class TokenGuardTest {
    private static final UUID PERSON = UUID.randomUUID();
    private static final String REPOSITORY = "/v2/e2b/custom-envs/mine";
    private static final String SCOPE = "/v2/token?service=x&scope=repository:e2b/custom-envs/";
    private static final Pattern TOKEN = Pattern.compile("\\{\"token\":\"([^\"]+)\",\"expires_in\":(\\d+)}");

    @TempDir
    private Path pool;

    private Instant now = Instant.now();
    private boolean waits = true;
    private RegistryEndpoint endpoint;

    private final class Rights implements PushRights {
        @Override
        public Optional<UUID> personOf(String accessToken) {
            return accessToken.equals("sk_e2b_good") ? Optional.of(PERSON) : Optional.empty();
        }

        @Override
        public boolean ownsWaitingBuild(UUID person, String templateId) {
            return waits && person.equals(PERSON) && templateId.equals("mine");
        }

        @Override
        public Optional<KeyHolder> holderOf(String apiKey) {
            return switch (apiKey) {
                case "e2b_key" -> Optional.of(new KeyHolder("team-a", true));
                case "e2b_blocked" -> Optional.of(new KeyHolder("team-a", false));
                case "e2b_named" -> Optional.of(new KeyHolder("e2b", true));
                default -> Optional.empty();
            };
        }

        @Override
        public boolean isOperator(String secret) {
            return secret.equals("root");
        }
    }

    @BeforeEach
    void open() throws IOException {
        endpoint = endpoint("");
    }

    private RegistryEndpoint endpoint(String hostname) throws IOException {
        ContentStore store = ContentStore.open(pool, RegistryLimits.DEFAULT, () -> now);
        return RegistryEndpoint.of(store, new TokenGuard(new Rights(), hostname, true, () -> now));
    }

    private RegistryClientOfTests client() {
        return new RegistryClientOfTests(endpoint);
    }

    private RegistryClientOfTests loggedIn() {
        return client().as("_e2b_access_token", "sk_e2b_good");
    }

    private static String token(Answer answer, long life) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        Matcher m = TOKEN.matcher(answer.body());
        assertThat(m.matches()).as(answer.body()).isTrue();
        assertThat(m.group(2)).isEqualTo(Long.toString(life));
        return m.group(1);
    }

    private RegistryClientOfTests pusher() throws IOException {
        return client().bearer(token(loggedIn().call("GET", SCOPE + "mine:push,pull"), 7200));
    }

    @Test
    void healthNeedsNothing() throws IOException {
        assertThat(client().call("GET", "/health").status()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/v2/", "/v2/token", REPOSITORY + "/tags/list", "/v2/other/manifests/x"})
    void withoutAuthorizationThereIsAChallenge(String path) throws IOException {
        Answer answer = client().call("GET", path);
        assertThat(answer.status()).isEqualTo(401);
        assertThat(answer.header("Www-Authenticate")).startsWith("Bearer realm=\"http://registry.test:5000/v2/token\"");
        assertThat(answer.header("Docker-Distribution-Api-Version")).isEqualTo("registry/2.0");
        assertThat(answer.body()).contains("\"code\":\"UNAUTHORIZED\"");
    }

    @Test
    void theRealmIsTheNameThatTheOperatorSet() throws IOException {
        endpoint = endpoint("docker.sandlot.test");
        assertThat(client().call("GET", "/v2/").header("Www-Authenticate"))
                .startsWith("Bearer realm=\"https://docker.sandlot.test/v2/token\"");
    }

    @Test
    void tokensAreNotGivenToPost() throws IOException {
        assertThat(client().call("POST", "/v2/token").status()).isEqualTo(404);
        assertThat(loggedIn().call("POST", "/v2/token").status()).isEqualTo(404);
    }

    @Test
    void aLoginThatIsNoneIs400() throws IOException {
        assertThat(client().as("somebody", "sk_e2b_good")
                        .call("GET", "/v2/token")
                        .status())
                .isEqualTo(400);
        for (String header : new String[] {"Basic !!!", "Basic", "Digest x", "Basic " + "YQ=="}) {
            assertThat(client().call("GET", "/v2/token", "Authorization", header)
                            .status())
                    .as(header)
                    .isEqualTo(400);
        }
    }

    @Test
    void anUnknownAccessTokenIs403() throws IOException {
        assertThat(client().as("_e2b_access_token", "sk_e2b_bad")
                        .call("GET", "/v2/token")
                        .status())
                .isEqualTo(403);
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"sk_e2b_good\"", " sk_e2b_good\n", "'sk_e2b_good'", " \" sk_e2b_good \" "})
    void quotesAndSpacesAroundTheTokenAreTolerated(String password) throws IOException {
        client().as("_e2b_access_token", password);
        token(client().as("_e2b_access_token", password).call("GET", "/v2/token"), 7200);
    }

    @Test
    void aTokenPushesOnlyWhileABuildWaits() throws IOException {
        RegistryClientOfTests pusher = pusher();
        assertThat(pusher.call("POST", REPOSITORY + "/blobs/uploads/").status()).isEqualTo(202);
        waits = false;
        assertThat(pusher.call("POST", REPOSITORY + "/blobs/uploads/").status()).isEqualTo(403);
        assertThat(pusher.call("GET", REPOSITORY + "/manifests/x").status()).isEqualTo(404);
    }

    @Test
    void aTokenWithoutScopeOpensNoRepository() throws IOException {
        String token = token(loggedIn().call("GET", "/v2/token?service=x"), 7200);
        assertThat(client().bearer(token).call("GET", "/v2/").status()).isEqualTo(200);
        assertThat(client().bearer(token)
                        .call("POST", REPOSITORY + "/blobs/uploads/")
                        .status())
                .isEqualTo(403);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "scope=repository:other/mine:pull",
                "scope=repository:e2b/custom-envs/mine",
                "scope=repository:e2b/custom-envs/mine:",
                "scope=repository:e2b/custom-envs/../mine:pull",
                "scope=repository:e2b/custom-envs/mine/x:pull",
                "scope=registry:catalog:*",
                "scope=repository:e2b/custom-envs/mine:pull&scope=repository:e2b/custom-envs/other:pull",
                "scope=repository:e2b/custom-envs/mine:pull%20repository:e2b/custom-envs/other:pull"
            })
    void aScopeOfAnotherFormIs400(String query) throws IOException {
        assertThat(loggedIn().call("GET", "/v2/token?" + query).status()).isEqualTo(400);
    }

    @ParameterizedTest
    @ValueSource(strings = {"mine:push,delete", "mine:*", "other:push,pull"})
    void deletionAndTemplatesOfOthersAre403(String scope) throws IOException {
        assertThat(loggedIn().call("GET", SCOPE + scope).status()).isEqualTo(403);
    }

    @Test
    void aBuildThatNoLongerWaitsIs403() throws IOException {
        waits = false;
        assertThat(loggedIn().call("GET", SCOPE + "mine:push,pull").status()).isEqualTo(403);
    }

    @Test
    void theTokenOpensItsTemplateAndNoOther() throws IOException {
        RegistryClientOfTests pusher = pusher();
        assertThat(pusher.call("GET", "/v2/").status()).isEqualTo(200);
        pusher.push("e2b/custom-envs/mine", "x".getBytes());
        assertThat(pusher.call("POST", "/v2/e2b/custom-envs/other/blobs/uploads/")
                        .status())
                .isEqualTo(403);
        assertThat(pusher.call("POST", "/v2/e2b/custom-envs/mine/x/blobs/uploads/")
                        .status())
                .isEqualTo(403);
        assertThat(pusher.call("POST", "/v2/team-a/x/blobs/uploads/").status()).isEqualTo(403);
        assertThat(pusher.call("DELETE", REPOSITORY + "/blobs/" + Digest.of("x".getBytes()))
                        .status())
                .isEqualTo(403);
    }

    @Test
    void theTokenLastsTwoHours() throws IOException {
        RegistryClientOfTests pusher = pusher();
        now = now.plus(Duration.ofMinutes(119));
        assertThat(pusher.call("GET", "/v2/").status()).isEqualTo(200);
        now = now.plus(Duration.ofMinutes(2));
        assertThat(pusher.call("GET", "/v2/").status()).isEqualTo(401);
        assertThat(client().bearer("made-up").call("GET", "/v2/").status()).isEqualTo(401);
    }

    @Test
    void aKeyOpensTheNamespaceOfItsTeam() throws IOException {
        RegistryClientOfTests team = client().as("_api_key", "e2b_key");
        team.push("team-a/x", "x".getBytes());
        assertThat(team.call("POST", "/v2/team-b/x/blobs/uploads/").status()).isEqualTo(403);
        assertThat(team.call("POST", "/v2/team-ab/x/blobs/uploads/").status()).isEqualTo(403);
        assertThat(team.call("DELETE", "/v2/team-a/x/manifests/v1").status()).isEqualTo(403);
        assertThat(client().as("_api_key", "e2b_named")
                        .call("POST", REPOSITORY + "/blobs/uploads/")
                        .status())
                .isEqualTo(403);
        assertThat(client().as("_api_key", "e2b_bad").call("GET", "/v2/").status())
                .isEqualTo(401);
        RegistryClientOfTests blocked = client().as("_api_key", "e2b_blocked");
        assertThat(blocked.call("POST", "/v2/team-a/x/blobs/uploads/").status()).isEqualTo(403);
        assertThat(blocked.call("GET", "/v2/team-a/x/tags/list").status()).isEqualTo(200);
        String token = token(team.call("GET", "/v2/token?scope=repository:team-a/x:pull"), 300);
        assertThat(client().bearer(token).call("GET", "/v2/team-a/x/tags/list").status())
                .isEqualTo(200);
        assertThat(client().bearer(token)
                        .call("POST", "/v2/team-a/x/blobs/uploads/")
                        .status())
                .isEqualTo(401);
    }

    @Test
    void theOperatorMayDoEverything() throws IOException {
        RegistryClientOfTests operator = client().as("admin", "root");
        Digest digest = operator.push("any/thing", "x".getBytes());
        assertThat(operator.call("DELETE", "/v2/any/thing/blobs/" + digest).status())
                .isEqualTo(202);
        assertThat(client().as("admin", "guess").call("GET", "/v2/").status()).isEqualTo(401);
        assertThat(client().as("admin", "guess").call("GET", "/v2/token").status())
                .isEqualTo(403);
    }
}
