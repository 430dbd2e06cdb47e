package dev.sandlot.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.StringReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What operators' commands ask of a server, and what they make of its answers. */
class AdminCommandsTest {
    private static final String TEAM = "6f1c1d4e-6f0f-4a52-9d1f-0d8f3c2b1a00";
    private static final String USER = "7f1c1d4e-6f0f-4a52-9d1f-0d8f3c2b1a00";
    private static final String TEAMS =
            "[{\"teamID\":\"" + TEAM + "\",\"slug\":\"ours\",\"name\":\"Our \\u001b[31mteam\","
                    + "\"tier\":\"base_v1\",\"isBanned\":false,\"limits\":{\"concurrentSandboxes\":20}}]";

    private static final String EXPORTED = "{\"templateID\":\"abc\",\"buildID\":\"" + TEAM + "\"}";

    @TempDir
    private Path directory;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final List<String> asked = new ArrayList<>();
    private final Map<String, String> answers = new HashMap<>();
    private final Map<String, String> environment = new HashMap<>();
    private HttpServer http;

    @BeforeEach
    void serve() throws IOException {
        environment.put("SANDLOT_RUN_DIR", directory.resolve("run").toString());
        environment.put("ADMIN_TOKEN", "the token");
        answers.put("GET /admin/teams", TEAMS);
        answers.put("GET /admin/users", "[{\"userID\":\"" + USER + "\",\"email\":\"a@b.test\",\"teams\":[]}]");
        http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        http.createContext("/", exchange -> {
            String request = exchange.getRequestMethod() + " " + exchange.getRequestURI();
            String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            asked.add(request + (body.isEmpty() ? "" : " " + body));
            boolean known = "the token".equals(exchange.getRequestHeaders().getFirst("X-Admin-Token"));
            String answer = answers.getOrDefault(request, "");
            int status = !known ? 401 : answer.contains("\"code\"") ? 409 : answer.isEmpty() ? 204 : 200;
            byte[] bytes = answer.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(status, status == 204 ? -1 : bytes.length);
            if (status != 204) {
                exchange.getResponseBody().write(bytes);
            }
            exchange.close();
        });
        http.start();
    }

    @Test
    void aTemplateIsWrittenToADirectory() throws Exception {
        announce();
        String build = "/admin/templates/abc%3A" + TEAM + "/export";
        answers.put("GET /admin/templates/ours%2Ftool/export", EXPORTED);
        answers.put("GET " + build + "/rootfs.tar", "the files");
        answers.put("GET " + build + "/image.tar", "the image");
        Path target = directory.resolve("taken out");

        assertThat(run("template", "export", "ours/tool", target.toString())).isZero();

        assertThat(target.resolve("rootfs.tar")).hasContent("the files");
        assertThat(target.resolve("image.tar")).hasContent("the image");
        assertThat(Files.readString(target.resolve("metadata.json"))).contains("\"templateID\" : \"abc\"");
        assertThat(run("template", "export", "ours/tool", target.toString())).isEqualTo(1);
        assertThat(err.toString(StandardCharsets.UTF_8)).contains("is not empty");
    }

    @Test
    void nothingIsLeftOfATemplateThatCannotBeTakenOut() throws Exception {
        announce();
        String build = "/admin/templates/abc%3A" + TEAM + "/export";
        answers.put("GET /admin/templates/abc/export", EXPORTED);
        answers.put("GET " + build + "/rootfs.tar", "the files");
        answers.put("GET " + build + "/image.tar", "{\"code\":409,\"message\":\"not now\"}");

        assertThat(run("template", "export", "abc", directory.resolve("out").toString()))
                .isEqualTo(1);

        assertThat(err.toString(StandardCharsets.UTF_8)).contains("not now");
        assertThat(directory.resolve("out")).isEmptyDirectory();
    }

    @Test
    void anArchiveThatIsNoFileIsUsage() throws Exception {
        announce();

        assertThat(run("image", "import", directory.resolve("none.tar").toString()))
                .isEqualTo(ExitCode.USAGE);
        assertThat(run("image", "import", directory.toString())).isEqualTo(ExitCode.USAGE);
        assertThat(err.toString(StandardCharsets.UTF_8).lines())
                .containsExactly(
                        "sandlot: " + directory.resolve("none.tar") + " is not a file",
                        "sandlot: " + directory + " is not a file");
    }

    @Test
    void namesDoNotTurnTheTextAroundThem() throws Exception {
        announce();
        answers.put("GET /admin/teams", "[{\"slug\":\"ours\",\"name\":\"a\\u202eb\\u0085c\\u2066d\\u200fe\"}]");
        answers.put(
                "GET /admin/users",
                "[{\"userID\":\"" + USER + "\",\"identities\":[{\"subject\":\"x\\u202ey\"}],\"teams\":[]}]");
        assertThat(run("team", "list")).isZero();
        assertThat(run("user", "list")).isZero();
        assertThat(out.toString(StandardCharsets.UTF_8))
                .contains("a?b?c?d?e", "{\"subject\":\"x?y\"}")
                .doesNotContain("\u202e", "\u0085", "\u2066", "\u200f");
    }

    @Test
    void theCacheIsShownAndPruned() throws Exception {
        announce();
        answers.put(
                "GET /admin/cache",
                "{\"entries\":1,\"layers\":2,\"bytes\":77,\"items\":[{\"teamID\":\"" + TEAM
                        + "\",\"key\":\"k\",\"step\":\"RUN make\",\"bytes\":5,\"lastUsedAt\":\"then\"}]}");
        answers.put("POST /admin/cache/prune?keepMB=12", "{\"entries\":1,\"layers\":1,\"bytes\":5}");

        assertThat(run("cache", "show")).isZero();
        assertThat(out.toString(StandardCharsets.UTF_8)).contains("77");
        assertThat(run("cache", "list")).isZero();
        assertThat(out.toString(StandardCharsets.UTF_8)).contains("RUN make");
        assertThat(run("cache", "prune", "--keep", "12")).isZero();
        assertThat(asked).contains("POST /admin/cache/prune?keepMB=12");
    }

    @AfterEach
    void stop() {
        http.stop(0);
    }

    private void announce() throws IOException, SettingsException {
        Instance instance = new Instance(new SettingsLoader(environment, Map.of())
                .load(directory.resolve("data"), null)
                .settings());
        instance.createDirectories();
        URI uri = URI.create("http://localhost:" + http.getAddress().getPort());
        instance.announce(
                new RunningServer() {
                    @Override
                    public Addresses addresses() {
                        return new Addresses(uri, uri, uri);
                    }

                    @Override
                    public String sandboxDomain() {
                        return "";
                    }

                    @Override
                    public String apiKey() {
                        return "e2b_00";
                    }

                    @Override
                    public Stats stats() {
                        return new Stats(0, 0);
                    }

                    @Override
                    public int close(Sandboxes sandboxes) {
                        return 0;
                    }
                },
                "1");
    }

    private int run(String... arguments) {
        Surroundings surroundings = new Surroundings(
                environment,
                false,
                directory,
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                new BufferedReader(new StringReader("")));
        return Main.run(TestPrograms::new, surroundings, arguments);
    }

    private int onData(String... arguments) {
        return run(Stream.concat(
                        Stream.of(arguments),
                        Stream.of("--data-dir", directory.resolve("data").toString()))
                .toArray(String[]::new));
    }

    private String printed() {
        return out.toString(StandardCharsets.UTF_8);
    }

    private String complained() {
        return err.toString(StandardCharsets.UTF_8);
    }

    @ParameterizedTest
    @ValueSource(strings = {"team", "tier", "user", "member", "key", "token", "sandbox", "node"})
    void everyGroupExplainsItselfAndWantsACommand(String group) {
        assertThat(run(group, "--help")).isEqualTo(ExitCode.OK);
        assertThat(printed()).contains("Usage: sandlot " + group, "list");
        assertThat(run(group)).isEqualTo(ExitCode.USAGE);
        assertThat(run(group, "list", "--help")).isEqualTo(ExitCode.OK);
    }

    @Test
    void withoutAServerTheCommandSaysSo() {
        assertThat(onData("team", "list")).isEqualTo(ExitCode.NOT_RUNNING);
        assertThat(complained()).contains("no server runs for", "sandlot up");
    }

    @Test
    void aListIsATableInWhichNamesCannotSteerTheTerminal() throws Exception {
        announce();
        assertThat(onData("team", "list")).isEqualTo(ExitCode.OK);
        assertThat(printed()).contains("slug", "ours", TEAM, "20").doesNotContain("\u001b");
        out.reset();
        assertThat(onData("team", "list", "--json")).isEqualTo(ExitCode.OK);
        assertThat(printed().strip()).startsWith("[{").contains("\"slug\":\"ours\"");
    }

    @Test
    void teamsAndPeopleAreFoundBySlugAndAddress() throws Exception {
        announce();
        assertThat(onData("member", "add", "ours", "a@b.test")).isEqualTo(ExitCode.OK);
        assertThat(asked).last().isEqualTo("PUT /admin/teams/" + TEAM + "/members/" + USER);
        assertThat(printed()).contains("Done.");
        assertThat(onData("team", "ban", "theirs")).isEqualTo(ExitCode.FAILED);
        assertThat(complained()).contains("there is no team theirs");
        assertThat(onData("team", "show", "../../nodes")).isEqualTo(ExitCode.FAILED);
        assertThat(onData("key", "delete", TEAM, "../x")).isEqualTo(ExitCode.OK);
        assertThat(asked).last().isEqualTo("DELETE /admin/teams/" + TEAM + "/api-keys/..%2Fx");
    }

    @Test
    void changesAreTheOnesThatWereTold() throws Exception {
        announce();
        onData("team", "create", "New", "--tier", "large");
        assertThat(asked).last().isEqualTo("POST /admin/teams {\"name\":\"New\",\"tier\":\"large\"}");
        onData("team", "block", TEAM, "--reason", "unpaid");
        assertThat(asked)
                .last()
                .isEqualTo("PATCH /admin/teams/" + TEAM + " {\"isBlocked\":true,\"blockedReason\":\"unpaid\"}");
        onData("team", "unban", TEAM);
        assertThat(asked).last().isEqualTo("PATCH /admin/teams/" + TEAM + " {\"isBanned\":false}");
        onData("team", "limits", TEAM, "--vcpu", "-1", "--sandboxes", "5");
        assertThat(asked)
                .last()
                .isEqualTo("PUT /admin/teams/" + TEAM + "/limits {\"concurrentSandboxes\":5,\"maxVcpu\":-1}");
        onData("team", "addon", "add", TEAM, "launch", "--sandboxes", "5", "--until", "2027-01-31T00:00:00Z");
        assertThat(asked)
                .last()
                .isEqualTo("POST /admin/teams/" + TEAM + "/addons {\"name\":\"launch\",\"extraConcurrentSandboxes\":5,"
                        + "\"validTo\":\"2027-01-31T00:00:00Z\"}");
        onData("team", "addon", "remove", TEAM, USER);
        assertThat(asked).last().isEqualTo("DELETE /admin/teams/" + TEAM + "/addons/" + USER);
        onData("team", "addon", "list", TEAM);
        assertThat(asked).last().isEqualTo("GET /admin/teams/" + TEAM + "/addons");
        onData("tier", "set", "large", "--ram-mb", "16384");
        assertThat(asked).last().isEqualTo("PUT /admin/tiers/large {\"maxRamMb\":16384}");
        onData("node", "set", "local", "draining");
        assertThat(asked).last().isEqualTo("POST /nodes/local {\"status\":\"draining\"}");
        onData("sandbox", "kill", "iabc");
        assertThat(asked).last().isEqualTo("DELETE /admin/sandboxes/iabc");
    }

    @Test
    void aNewSecretIsShown() throws Exception {
        announce();
        answers.put(
                "POST /admin/teams/" + TEAM + "/api-keys", "{\"id\":\"1\",\"name\":\"ci\",\"key\":\"e2b_shown-once\"}");
        assertThat(onData("key", "create", "ours", "ci")).isEqualTo(ExitCode.OK);
        assertThat(printed()).contains("e2b_shown-once");
    }

    @Test
    void aRefusalIsToldInTheServersWords() throws Exception {
        announce();
        answers.put("DELETE /admin/users/" + USER, "{\"code\":409,\"message\":\"the user belongs to a team\"}");
        assertThat(onData("user", "delete", "a@b.test")).isEqualTo(ExitCode.FAILED);
        assertThat(complained()).contains("the user belongs to a team (409)");
    }

    @Test
    void theTokenIsTheToldOneElseTheKeptOneAndNeverShown() throws Exception {
        announce();
        environment.put("ADMIN_TOKEN", "a wrong one");
        assertThat(onData("team", "list")).isEqualTo(ExitCode.FAILED);
        assertThat(complained()).contains("set ADMIN_TOKEN").doesNotContain("a wrong one");
        environment.remove("ADMIN_TOKEN");
        assertThat(onData("team", "list")).isEqualTo(ExitCode.FAILED);
        new Layout(directory.resolve("data")).adminToken().write("the token");
        assertThat(onData("team", "list")).isEqualTo(ExitCode.OK);
    }

    private Path program(String name, String script) throws IOException {
        Path folder = Files.createDirectories(directory.resolve("bin-" + name));
        Path program = Files.writeString(folder.resolve(name), "#!/bin/sh\n" + script);
        assertThat(program.toFile().setExecutable(true)).isTrue();
        return folder;
    }

    @Test
    void e2bRunsTheOfficialCommandLineWithItsEnvironment() throws Exception {
        announce();
        Path seen = directory.resolve("seen");
        Path folder =
                program("e2b", "echo \"$E2B_API_KEY|$E2B_API_URL|$E2B_SANDBOX_URL|$*\" > '" + seen + "'; exit 7\n");
        environment.put("PATH", folder.toString());
        String data = directory.resolve("data").toString();
        String url = "http://localhost:" + http.getAddress().getPort();
        assertThat(run("e2b", "--data-dir", data, "--", "sandbox", "list", "--json"))
                .isEqualTo(7);
        assertThat(seen).hasContent("e2b_00|" + url + "|" + url + "|sandbox list --json");
        assertThat(run("e2b", "--data-dir", data, "auth", "info", "--help")).isEqualTo(7);
        assertThat(seen).hasContent("e2b_00|" + url + "|" + url + "|auth info --help");
    }

    @Test
    void e2bIsFetchedByNpxWhenItIsNotThere() throws Exception {
        announce();
        Path seen = directory.resolve("seen");
        environment.put("PATH", program("npx", "echo \"$*\" > '" + seen + "'\n").toString());
        String data = directory.resolve("data").toString();
        assertThat(run("e2b", "--data-dir", data, "--", "--version")).isEqualTo(ExitCode.OK);
        assertThat(seen).hasContent("--yes @e2b/cli --version");
        environment.put("PATH", directory.toString());
        assertThat(run("e2b", "--data-dir", data, "--", "--version")).isEqualTo(ExitCode.FAILED);
        assertThat(complained()).contains("npm install -g @e2b/cli");
    }

    @Test
    void e2bWantsAServerThatWasSetUp() {
        assertThat(run("e2b", "--data-dir", directory.resolve("none").toString(), "--", "--version"))
                .isEqualTo(ExitCode.NOT_RUNNING);
    }
}
