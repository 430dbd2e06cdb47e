package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.protocol.ApiException;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** What operators do to teams, people and sandboxes beyond the contract (public-api.md 2.3, 2.4, 22). */
class AdministrationTest {
    @TempDir
    Path directory;

    private TestServer server;

    @BeforeEach
    void open() throws ApiException {
        server = TestServer.open(directory);
    }

    @AfterEach
    void close() {
        server.close();
    }

    private TestServer.Answer ask(String method, String path) {
        return server.send(server.operator(method, path));
    }

    private TestServer.Answer ask(String method, String path, String body) {
        return server.send(server.operator(method, path, body));
    }

    private String newTeam(String name) {
        return ask("POST", "/admin/teams", "{\"name\":\"" + name + "\"}")
                .expect(201)
                .json()
                .get("teamID")
                .stringValue();
    }

    private String newUser() {
        return ask("POST", "/admin/users", "{\"email\":\"anna@example.com\"}")
                .expect(201)
                .json()
                .get("userID")
                .stringValue();
    }

    @Test
    void noOneElseMay() {
        for (String path : List.of("/admin/teams", "/admin/users", "/admin/tiers", "/admin/sandboxes")) {
            server.call("GET", path).expect(401);
            server.send(new MemoryExchange("GET", path)).expect(401);
        }
    }

    @Test
    void aTeamIsMadeWithASlugOfItsOwnAndTheFirstTier() {
        JsonNode team = ask("POST", "/admin/teams", "{\"name\":\"My Team!\"}")
                .expect(201)
                .json();
        assertThat(team.get("slug").stringValue()).isEqualTo("my-team");
        assertThat(team.get("tier").stringValue()).isEqualTo("base_v1");
        assertThat(team.get("limits").get("concurrentSandboxes").intValue()).isEqualTo(20);
        assertThat(team.get("overrides")).isEmpty();
        assertThat(ask("POST", "/admin/teams", "{\"name\":\"my team\"}")
                        .expect(201)
                        .json()
                        .get("slug")
                        .stringValue())
                .matches("my-team-[0-9a-f]{4}");
        ask("POST", "/admin/teams", "{\"name\":\"x\",\"slug\":\"my-team\"}").expect(409);
        for (String[] row :
                new String[][] {{"-x", "x"}, {"__y - ", "y"}, {"---", "team"}, {"a".repeat(47) + " b", "a".repeat(47)}
                }) {
            String made = newTeam(row[0]);
            assertThat(ask("GET", "/admin/teams/" + made).json().get("slug").stringValue())
                    .isEqualTo(row[1]);
            ask("DELETE", "/admin/teams/" + made).expect(204);
        }
        assertThat(ask("GET", "/admin/teams").expect(200).json()).hasSize(3);
        assertThat(ask("POST", "/admin/teams", "{\"name\":\"Zoë Müller@example.com\"}")
                        .expect(201)
                        .json()
                        .get("slug")
                        .stringValue())
                .as("public-api.md 22")
                .isEqualTo("zoe-muller");
        String id = team.get("teamID").stringValue();
        assertThat(ask("GET", "/admin/teams/" + id).expect(200).json()).isEqualTo(team);
        assertThat(ask("GET", "/admin/teams/" + team.get("projectID").stringValue())
                        .expect(200)
                        .json())
                .isEqualTo(team);
    }

    @Test
    void badTeamsAreRefusedAndChangeNothing() {
        for (String body : List.of(
                "{}",
                "{\"name\":\" \"}",
                "{\"name\":\"a\",\"slug\":\"A B\"}",
                "{\"name\":\"a\",\"slug\":\"\"}",
                "{\"name\":\"a\",\"slug\":\"-x\"}",
                "{\"name\":\"a\",\"slug\":\"x_\"}",
                "{\"name\":\"a\\u0007\"}",
                "{\"name\":\"a\\u202eb\"}",
                "{\"name\":\"a\",\"tier\":\"none\"}",
                "{\"name\":\"" + "x".repeat(201) + "\"}")) {
            ask("POST", "/admin/teams", body).expect(400);
        }
        String id = server.team().id().toString();
        for (String body : List.of(
                "{\"tier\":\"none\"}", "{\"name\":\"\"}", "{\"blockedReason\":\"x\"}", "{\"isBanned\":\"yes\"}")) {
            ask("PATCH", "/admin/teams/" + id, body).expect(400);
        }
        ask("PUT", "/admin/teams/" + id + "/limits", "{\"maxVcpu\":3}").expect(200);
        for (String body : List.of(
                "{\"maxVcpu\":-2}",
                "{\"maxVcpu\":2000000000}",
                "{\"maxVcpu\":\"1\"}",
                "{\"maxVcpu\":0}",
                "{\"maxLengthHours\":0}",
                "{\"maxRamMb\":127}",
                "{\"maxDiskMb\":0}",
                "{\"concurrentSandboxes\":-3}",
                "{\"bogus\":1}")) {
            ask("PUT", "/admin/teams/" + id + "/limits", body).expect(400);
            ask("PUT", "/admin/tiers/local", body).expect(400);
        }
        assertThat(ask("GET", "/admin/teams/" + id).json().get("overrides").toString())
                .isEqualTo("{\"maxVcpu\":3}");
        ask("PUT", "/admin/tiers/A%2FB", "{}").expect(400);
        ask("GET", "/admin/teams/x").expect(400);
        ask("GET", "/admin/teams/" + UUID.randomUUID()).expect(404);
        assertThat(ask("GET", "/admin/teams").json()).hasSize(1);
    }

    /** 2.3, 2.4: bans and blocks take effect at once. */
    @Test
    void bansAndBlocksTakeEffectAtOnce() {
        String path = "/admin/teams/" + server.team().id();
        server.call("GET", "/v2/sandboxes").expect(200);
        ask("PATCH", path, "{\"isBanned\":true}").expect(200);
        assertThat(server.call("GET", "/v2/sandboxes").expect(403).message()).isEqualTo("team is banned");
        ask("PATCH", path, "{\"isBanned\":false,\"isBlocked\":true,\"blockedReason\":\"unpaid\"}")
                .expect(200);
        server.call("GET", "/v2/sandboxes").expect(200);
        assertThat(server.call("POST", "/v2/sandboxes", "{\"templateID\":\"base\"}")
                        .expect(403)
                        .message())
                .isEqualTo("team is blocked: unpaid");
        assertThat(ask("PATCH", path, "{\"name\":\"Other\"}")
                        .json()
                        .get("blockedReason")
                        .stringValue())
                .isEqualTo("unpaid");
        ask("PATCH", path, "{\"isBlocked\":false}").expect(200);
        server.create();
    }

    @Test
    void addonsAddToTheLimitsAtOnceAndAreTakenBackAtOnce() {
        String path = "/admin/teams/" + server.team().id();
        ask("PUT", path + "/limits", "{\"concurrentSandboxes\":0}").expect(200);
        server.call("POST", "/v2/sandboxes", "{\"templateID\":\"base\"}").expect(429);
        ask("PUT", path + "/limits", "{}").expect(200);
        int before = server.team().limits().maxVcpu();
        server.call("GET", "/v2/sandboxes").expect(200);
        JsonNode addon = ask(
                        "POST",
                        path + "/addons",
                        "{\"name\":\"more\",\"extraConcurrentSandboxes\":2,\"extraMaxVcpu\":3}")
                .expect(201)
                .json();
        assertThat(addon.get("isValid").booleanValue()).isTrue();
        assertThat(addon.has("validTo")).isFalse();
        assertThat(server.team().limits().maxVcpu()).isEqualTo(before + 3);
        assertThat(ask("GET", path + "/addons").expect(200).json()).containsExactly(addon);
        String own = path + "/addons/" + addon.get("addonID").stringValue();
        ask(
                        "DELETE",
                        "/admin/teams/" + newTeam("Other") + "/addons/"
                                + addon.get("addonID").stringValue())
                .expect(404);
        ask("DELETE", own).expect(204);
        ask("DELETE", own).expect(404);
        assertThat(server.team().limits().maxVcpu()).isEqualTo(before);
    }

    @Test
    void anAddonLetsTheNextSandboxInAtOnce() {
        String path = "/admin/teams/" + server.team().id();
        ask("PUT", "/admin/tiers/one", "{\"concurrentSandboxes\":1}").expect(201);
        ask("PATCH", path, "{\"tier\":\"one\"}").expect(200);
        server.create();
        server.call("POST", "/v2/sandboxes", "{\"templateID\":\"base\"}").expect(429);
        String own = ask("POST", path + "/addons", "{\"name\":\"more\",\"extraConcurrentSandboxes\":1}")
                .expect(201)
                .json()
                .get("addonID")
                .stringValue();
        server.create();
        server.call("POST", "/v2/sandboxes", "{\"templateID\":\"base\"}").expect(429);
        ask("DELETE", path + "/addons/" + own).expect(204);
        server.call("POST", "/v2/sandboxes", "{\"templateID\":\"base\"}").expect(429);
    }

    @Test
    void anAddonThatIsToComeAddsNothingYet() {
        String path = "/admin/teams/" + server.team().id() + "/addons";
        int before = server.team().limits().maxVcpu();
        JsonNode addon = ask(
                        "POST", path, "{\"name\":\"x\",\"extraMaxVcpu\":1,\"validFrom\":\"2999-01-01T00:00:00+02:00\"}")
                .expect(201)
                .json();
        assertThat(addon.get("validFrom").stringValue()).isEqualTo("2998-12-31T22:00:00.000Z");
        assertThat(addon.get("isValid").booleanValue()).isFalse();
        assertThat(server.team().limits().maxVcpu()).isEqualTo(before);
    }

    @Test
    void badAddonsAreRefusedAndChangeNothing() {
        String path = "/admin/teams/" + server.team().id() + "/addons";
        for (String body : List.of(
                "{}",
                "{\"name\":\"x\"}",
                "{\"name\":\"x\",\"extraMaxVcpu\":0}",
                "{\"extraMaxVcpu\":1}",
                "{\"name\":\"\",\"extraMaxVcpu\":1}",
                "{\"name\":\"" + "x".repeat(201) + "\",\"extraMaxVcpu\":1}",
                "{\"name\":\"x\",\"extraMaxVcpu\":-1}",
                "{\"name\":\"x\",\"extraMaxVcpu\":1000001}",
                "{\"name\":\"x\",\"extraMaxVcpu\":\"1\"}",
                "{\"name\":\"x\",\"extraMaxVcpu\":1,\"validTo\":\"soon\"}",
                "{\"name\":\"x\",\"extraMaxVcpu\":1,\"validTo\":\"2020-01-01T00:00:00Z\"}",
                "{\"name\":\"x\",\"extraMaxVcpu\":1,\"validTo\":\"+99999-01-01T00:00:00Z\"}")) {
            ask("POST", path, body).expect(400);
        }
        ask("DELETE", path + "/x").expect(400);
        ask("DELETE", path + "/" + UUID.randomUUID()).expect(404);
        assertThat(ask("GET", path).expect(200).json()).isEmpty();
    }

    @Test
    void limitsOfATeamStandInPlaceOfItsTiers() {
        String path = "/admin/teams/" + server.team().id();
        JsonNode team = ask("PUT", path + "/limits", "{\"concurrentSandboxes\":1,\"maxVcpu\":-1}")
                .expect(200)
                .json();
        assertThat(team.get("overrides").toString()).isEqualTo("{\"concurrentSandboxes\":1,\"maxVcpu\":-1}");
        assertThat(team.get("limits").get("maxVcpu").intValue()).isEqualTo(-1);
        server.create();
        server.call("POST", "/v2/sandboxes", "{\"templateID\":\"base\"}").expect(429);
        ask("PUT", path + "/limits", "{}").expect(200);
        server.create();
        ask("PUT", "/admin/tiers/large", "{\"maxVcpu\":64}").expect(201);
        assertThat(ask("PUT", "/admin/tiers/large", "{\"maxRamMb\":-1}")
                        .expect(200)
                        .json()
                        .get("limits")
                        .get("maxVcpu")
                        .intValue())
                .isEqualTo(64);
        assertThat(ask("PATCH", path, "{\"tier\":\"large\"}")
                        .expect(200)
                        .json()
                        .get("limits")
                        .get("maxRamMb")
                        .intValue())
                .isEqualTo(-1);
        assertThat(ask("GET", "/admin/tiers").expect(200).json()).hasSize(3);
    }

    @Test
    void peopleBelongToTeamsAndOneOfThoseIsTheDefault() {
        String user = newUser();
        String first = newTeam("first");
        String second = newTeam("second");
        ask("PUT", "/admin/teams/" + first + "/members/" + user).expect(201);
        ask("PUT", "/admin/teams/" + first + "/members/" + user).expect(204);
        ask("PUT", "/admin/teams/" + second + "/members/" + user).expect(201);
        ask("PUT", "/admin/teams/" + second + "/members/" + UUID.randomUUID()).expect(404);
        JsonNode members =
                ask("GET", "/admin/teams/" + first + "/members").expect(200).json();
        assertThat(members.get(0).get("email").stringValue()).isEqualTo("anna@example.com");
        assertThat(members.get(0).get("isDefault").booleanValue()).isTrue();
        ask("DELETE", "/admin/users/" + user).expect(409);
        ask("DELETE", "/admin/teams/" + first + "/members/" + user).expect(204);
        ask("DELETE", "/admin/teams/" + first + "/members/" + user).expect(404);
        assertThat(ask("GET", "/admin/teams/" + second + "/members")
                        .json()
                        .get(0)
                        .get("isDefault")
                        .booleanValue())
                .isTrue();
        ask("DELETE", "/admin/teams/" + second + "/members/" + user).expect(204);
        ask("DELETE", "/admin/users/" + user).expect(204);
        ask("DELETE", "/admin/users/" + user).expect(404);
        ask("POST", "/admin/users", "{\"email\":\"no address\"}").expect(400);
        ask("POST", "/admin/users", "{\"email\":\"a\\u202eb@example.com\"}").expect(400);
        ask("POST", "/admin/users").expect(201);
    }

    /** Else nobody could be named by it. */
    @Test
    void aMailAddressIsOfOneUser() {
        String user = newUser();
        ask("POST", "/admin/users", "{\"email\":\"anna@example.com\"}").expect(409);
        ask("POST", "/admin/users", "{\"email\":\"Anna@Example.com\"}").expect(409);
        assertThat(ask("GET", "/admin/users").json()).hasSize(2);
        ask("DELETE", "/admin/users/" + user).expect(204);
        newUser();
    }

    @Test
    void keysAndTokensHaveNamesThatCanBeShown() {
        String keys = "/admin/teams/" + server.team().id() + "/api-keys";
        String tokens = "/admin/users/" + newUser() + "/access-tokens";
        int before = ask("GET", keys).json().size();
        for (String name :
                List.of("", "  ", "x".repeat(201), "a\\u0007", "a\\u0085", "a\\nb", "\\u202ea", "\\u2066a")) {
            String body = "{\"name\":\"" + name + "\"}";
            ask("POST", keys, body).expect(400);
            ask("POST", tokens, body).expect(400);
        }
        assertThat(ask("GET", keys).json()).hasSize(before);
        ask("POST", keys, "{\"name\":\"" + "ü".repeat(200) + "\"}").expect(201);
    }

    /** The default team's first member is its owner. */
    @Test
    void aTokenIsShownOnceAndWorks() {
        String user = newUser();
        ask("PUT", "/admin/teams/" + server.team().id() + "/members/" + user).expect(201);
        String path = "/admin/users/" + user + "/access-tokens";
        JsonNode made = ask("POST", path, "{\"name\":\"laptop\"}").expect(201).json();
        String token = made.get("token").stringValue();
        server.send(new MemoryExchange("GET", "/teams").header("Authorization", "Bearer " + token))
                .expect(200);
        TestServer.Answer listed = ask("GET", path).expect(200);
        assertThat(listed.json()).hasSize(1);
        assertThat(listed.text()).doesNotContain(token);
        ask("DELETE", path + "/" + made.get("id").stringValue()).expect(204);
        ask("DELETE", path + "/" + made.get("id").stringValue()).expect(404);
        server.send(new MemoryExchange("GET", "/teams").header("Authorization", "Bearer " + token))
                .expect(401);
        ask("GET", "/admin/users/" + UUID.randomUUID() + "/access-tokens").expect(404);
    }

    @Test
    void aTeamGoesWithItsKeysUnlessSomethingHangsOnIt() {
        String path = "/admin/teams/" + newTeam("short-lived");
        String key = ask("POST", path + "/api-keys", "{\"name\":\"k\"}")
                .expect(201)
                .json()
                .get("key")
                .stringValue();
        assertThat(ask("GET", path + "/api-keys").expect(200).json()).hasSize(1);
        ask("PUT", path + "/limits", "{\"maxVcpu\":1}").expect(200);
        server.callAs(key, "GET", "/v2/sandboxes").expect(200);
        String sandbox = server.callAs(key, "POST", "/v2/sandboxes", "{\"templateID\":\"base\"}")
                .expect(201)
                .json()
                .get("sandboxID")
                .stringValue();
        ask("DELETE", path).expect(409);
        server.callAs(key, "DELETE", "/sandboxes/" + sandbox).expect(204);
        ask("DELETE", path).expect(204);
        server.callAs(key, "GET", "/v2/sandboxes").expect(401);
        ask("GET", path).expect(404);
    }

    @Test
    void sandboxesOfAllTeamsAreSeenAndEnded() {
        String mine = server.create();
        String key = server.otherTeam("other");
        String theirs = server.callAs(key, "POST", "/v2/sandboxes", "{\"templateID\":\"base\"}")
                .expect(201)
                .json()
                .get("sandboxID")
                .stringValue();
        assertThat(ask("GET", "/admin/sandboxes").expect(200).json())
                .extracting(sandbox -> sandbox.get("sandboxID").stringValue())
                .containsExactlyInAnyOrder(mine, theirs);
        ask("DELETE", "/admin/sandboxes/" + theirs).expect(204);
        ask("DELETE", "/admin/sandboxes/" + theirs).expect(404);
        ask("DELETE", "/admin/sandboxes/A").expect(400);
        assertThat(server.rows()).extracting(Object::toString).containsExactly(mine);
    }
}
