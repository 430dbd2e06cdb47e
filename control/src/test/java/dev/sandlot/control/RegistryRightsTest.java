package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.PushRights;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** template-build.md 17.2: who may push, as the stores know it. */
class RegistryRightsTest {
    @TempDir
    Path directory;

    private TestServer server;
    private PushRights rights;
    private UUID person;
    private String token;

    @BeforeEach
    void open() throws ApiException {
        server = TestServer.open(directory);
        rights = server.control.pushRights();
        person = server.store.people().personOf(new Identity("issuer", "anna"));
        server.store.people().addMember(server.team().id(), person);
        ApiKeys.Minted minted = PersonTokens.mint();
        server.store.people().addToken(new PersonStore.StoredToken(UUID.randomUUID(), person, "token", minted));
        token = minted.raw();
    }

    @AfterEach
    void close() {
        server.close();
    }

    private TestServer.Answer bearer(String method, String path, String body) {
        return server.send(new MemoryExchange(method, path)
                .header("Authorization", "Bearer " + token)
                .body(body.getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void anAccessTokenIsOfItsPerson() {
        assertThat(rights.personOf(token)).contains(person);
        assertThat(rights.personOf(token + "00")).isEmpty();
        assertThat(rights.personOf("sk_e2b_")).isEmpty();
        assertThat(rights.personOf("")).isEmpty();
        assertThat(rights.personOf(server.key)).isEmpty();
    }

    @Test
    void onlyWaitingBuildsOfOnesOwnTemplatesMayBePushed() {
        JsonNode asked = bearer("POST", "/templates", "{\"dockerfile\":\"FROM a\"}")
                .expect(202)
                .json();
        String id = asked.get("templateID").stringValue();
        UUID stranger = server.store.people().personOf(new Identity("issuer", "berta"));
        assertThat(rights.ownsWaitingBuild(person, id)).isTrue();
        assertThat(rights.ownsWaitingBuild(stranger, id)).isFalse();
        assertThat(rights.ownsWaitingBuild(person, "nothing")).isFalse();
        assertThat(rights.ownsWaitingBuild(person, server.templateId)).isFalse();

        server.store.teams().setStanding(server.team().id(), new Team.Standing(false, true, "unpaid"));
        assertThat(rights.ownsWaitingBuild(person, id)).isFalse();
        server.store.teams().setStanding(server.team().id(), Team.Standing.GOOD);

        bearer("POST", "/templates/" + id + "/builds/" + asked.get("buildID").stringValue(), "")
                .expect(202);
        assertThat(rights.ownsWaitingBuild(person, id)).isFalse();
    }

    @Test
    void aKeyIsOfItsTeam() {
        assertThat(rights.holderOf(server.key))
                .isEqualTo(Optional.of(new PushRights.KeyHolder(server.team().slug(), true)));
        assertThat(rights.holderOf("e2b_00")).isEmpty();
        assertThat(rights.holderOf(token)).isEmpty();
        assertThat(rights.holderOf("")).isEmpty();
    }

    @Test
    void theOperatorsSecretIsTheOperators() {
        assertThat(rights.isOperator(TestServer.ADMIN_TOKEN)).isTrue();
        assertThat(rights.isOperator("")).isFalse();
        assertThat(rights.isOperator(server.key)).isFalse();
    }
}
