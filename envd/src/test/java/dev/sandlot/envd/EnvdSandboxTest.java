package dev.sandlot.envd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sandlot.protocol.MemoryExchange;
import dev.sandlot.protocol.SandboxId;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What stands before the services: CORS, token, user, paths, and the plain endpoints (envd.md 1, 2, 4.1, 8.1, 9). */
class EnvdSandboxTest {
    @TempDir
    Path root;

    private TestEnvd open;
    private TestEnvd secured;

    @BeforeEach
    void start() throws Exception {
        Files.createDirectories(root.resolve("etc"));
        Files.createDirectories(root.resolve("home/user"));
        Files.writeString(root.resolve("etc/passwd"), "user:x:1000:1000::/home/user:/bin/bash\n");
        Files.writeString(root.resolve("home/user/a.txt"), "hi");
        open = envd(null);
        secured = envd("secret");
    }

    @AfterEach
    void stop() {
        open.close();
        secured.close();
    }

    @Test
    void saysItIsThere() throws Exception {
        MemoryExchange health = send(secured, request("GET", "/health"));
        assertThat(health.status()).isEqualTo(204);
        assertThat(health.responseHeaders().first("Cache-Control")).contains("no-store");
        assertThat(health.responseBody().readAllBytes()).isEmpty();
    }

    @Test
    void knowsItsPathsAndMethods() throws Exception {
        MemoryExchange unknown = send(open, request("GET", "/nothing"));
        assertThat(unknown.status()).isEqualTo(404);
        assertThat(body(unknown)).isEqualTo("404 page not found\n");
        assertThat(unknown.responseHeaders().first("Content-Type").orElseThrow())
                .startsWith("text/plain");
        assertThat(send(open, request("POST", "/process.Process/Nothing")).status())
                .isEqualTo(404);

        MemoryExchange wrong = send(open, request("DELETE", "/files"));
        assertThat(wrong.status()).isEqualTo(405);
        assertThat(wrong.responseHeaders().first("Allow")).contains("GET, POST");
        assertThat(send(open, request("HEAD", "/health")).status()).isEqualTo(405);
        MemoryExchange get = send(open, request("GET", "/process.Process/List"));
        assertThat(get.status()).isEqualTo(405);
        assertThat(get.responseHeaders().first("Allow")).contains("POST");
    }

    @Test
    void letsBrowsersIn() throws Exception {
        MemoryExchange preflight = send(
                secured,
                request("OPTIONS", "/process.Process/List")
                        .header("Origin", "http://x")
                        .header("Access-Control-Request-Method", "POST")
                        .header("Access-Control-Request-Headers", "connect-protocol-version,x-access-token"));
        assertThat(preflight.status()).isEqualTo(204);
        assertThat(preflight.responseHeaders().first("Access-Control-Allow-Origin"))
                .contains("*");
        assertThat(preflight.responseHeaders().first("Access-Control-Allow-Methods"))
                .contains("POST");
        assertThat(preflight.responseHeaders().first("Access-Control-Allow-Headers"))
                .contains("connect-protocol-version,x-access-token");
        assertThat(preflight.responseHeaders().first("Access-Control-Max-Age")).contains("7200");
        assertThat(preflight.responseHeaders().first("Vary"))
                .contains("Origin, Access-Control-Request-Method, Access-Control-Request-Headers");

        MemoryExchange nowhere =
                send(secured, request("OPTIONS", "/x").header("Access-Control-Request-Method", "POST"));
        assertThat(nowhere.status()).isEqualTo(204);
        assertThat(nowhere.responseHeaders().has("Access-Control-Allow-Origin")).isFalse();

        MemoryExchange actual = send(open, request("GET", "/health").header("Origin", "http://x"));
        assertThat(actual.responseHeaders().first("Access-Control-Allow-Origin"))
                .contains("*");
        assertThat(actual.responseHeaders()
                        .first("Access-Control-Expose-Headers")
                        .orElseThrow())
                .contains("Grpc-Status");
        assertThat(send(open, request("GET", "/health")).responseHeaders().first("Vary"))
                .contains("Origin");
    }

    @Test
    void asksForTheTokenWhereItShould() throws Exception {
        for (String path : List.of("/process.Process/List", "/files/compose")) {
            MemoryExchange refused = send(secured, json(path, "{}"));
            assertThat(refused.status()).isEqualTo(401);
            assertThat(body(refused)).startsWith("{\"code\":401,\"message\":\"unauthorized access");
        }
        assertThat(send(secured, request("GET", "/envs").header("X-Access-Token", "wrong"))
                        .status())
                .isEqualTo(401);
        assertThat(send(secured, request("GET", "/envs").header("X-Access-Token", "secret"))
                        .status())
                .isEqualTo(200);
        assertThat(body(send(secured, request("GET", "/files?path=a.txt")))).contains("missing signature");
        assertThat(body(send(open, request("GET", "/files?path=a.txt").header("X-Access-Token", "any"))))
                .isEqualTo("hi");
    }

    @Test
    void refusesUnknownUsersEverywhere() throws Exception {
        String nobody = "Basic " + Base64.getEncoder().encodeToString("ghost:".getBytes(StandardCharsets.UTF_8));
        MemoryExchange unary =
                send(open, json("/filesystem.Filesystem/Stat", "{}").header("Authorization", nobody));
        assertThat(unary.status()).isEqualTo(401);
        assertThat(body(unary)).isEqualTo("{\"code\":\"unauthenticated\",\"message\":\"invalid username: 'ghost'\"}");
        MemoryExchange rest = send(open, request("GET", "/files?path=a.txt").header("Authorization", nobody));
        assertThat(rest.status()).isEqualTo(401);
        assertThat(body(rest)).startsWith("{\"code\":\"unauthenticated\"");
    }

    @Test
    void listsItsVariables() throws Exception {
        MemoryExchange answer = send(open, request("GET", "/envs"));
        assertThat(answer.responseHeaders().first("Content-Type")).contains("application/json");
        assertThat(body(answer))
                .contains("\"A\":\"1\"", "\"E2B_SANDBOX\":\"true\"", "\"E2B_SANDBOX_ID\":\"itest\"")
                .contains("\"E2B_TEMPLATE_ID\":\"base\"");
    }

    @Test
    @InProcessOnly("has made-up figures")
    void measures() throws Exception {
        String first = body(send(open, request("GET", "/metrics")));
        assertThat(first)
                .matches("\\{\"ts\":\\d+,\"cpu_count\":2,\"cpu_used_pct\":[0-9.]+,\"mem_total\":3145728,"
                        + "\"mem_used\":2097157,\"mem_cache\":7,\"mem_total_mib\":3,\"mem_used_mib\":2,"
                        + "\"disk_total\":100,\"disk_used\":40}");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "open   | {\"accessToken\":\"t\"}       | 204 | t",
                "open   | {}                            | 204 | ",
                "open   | ''                            | 204 | ",
                "open   | {\"accessToken\":\"\"}        | 400 | ",
                "open   | {\"accessToken\":\"a\\\\b\"}  | 400 | ",
                "open   | {                             | 400 | ",
                "open   | []                            | 400 | ",
                "open   | {\"hyperloopIP\":\"a b\"}     | 400 | ",
                "secured| {\"accessToken\":\"\"}        | 400 | secret",
                "secured| {                             | 400 | secret",
                "secured| {\"accessToken\":\"secret\"}  | 204 | secret",
                "secured| {\"accessToken\":\"other\"}   | 401 | secret",
                "secured| {}                            | 401 | secret",
            })
    void R21_R22_init_follows_its_truth_table_and_tells_the_version_always(
            String which, String request, int status, String tokenAfter) throws Exception {
        TestEnvd envd = which.equals("open") ? open : secured;
        MemoryExchange answer = send(envd, json("/init", request));
        assertThat(answer.status()).isEqualTo(status);
        assertThat(answer.responseHeaders().first("X-Envd-Version")).contains("0.6.13");
        MemoryExchange guarded = send(envd, request("GET", "/envs").header("X-Access-Token", "secret"));
        assertThat(guarded.status()).isEqualTo(tokenAfter == null || tokenAfter.equals("secret") ? 200 : 401);
        boolean openToAll = send(envd, request("GET", "/envs")).status() == 200;
        assertThat(openToAll).isEqualTo(tokenAfter == null);
    }

    @Test
    void R27_init_replaces_variables_and_keeps_the_internal_ones() throws Exception {
        send(
                open,
                json(
                        "/init",
                        "{\"timestamp\":\"2026-01-01T00:00:02Z\",\"envVars\":{\"B\":\"2\",\"E2B_SANDBOX\":\"x\"},"
                                + "\"hyperloopIP\":\"192.0.2.1\",\"defaultUser\":\"\"}"));
        String variables = body(send(open, request("GET", "/envs")));
        assertThat(variables)
                .contains("\"B\":\"2\"", "\"E2B_SANDBOX\":\"true\"", "\"E2B_EVENTS_ADDRESS\":\"http://192.0.2.1\"")
                .doesNotContain("\"A\"");

        MemoryExchange stale =
                send(open, json("/init", "{\"timestamp\":\"2026-01-01T00:00:01Z\",\"envVars\":{\"C\":\"3\"}}"));
        assertThat(stale.status()).isEqualTo(204);
        send(open, json("/init", "{\"defaultUser\":\"ghost\"}"));
        assertThat(body(send(open, request("GET", "/envs")))).contains("\"B\"").doesNotContain("\"C\"");
        assertThat(body(send(open, json("/filesystem.Filesystem/Stat", "{\"path\":\"/\"}"))))
                .contains("invalid username: 'ghost'");
    }

    @Test
    void P19_old_clients_get_less_of_a_file() throws Exception {
        MemoryExchange full = send(open, json("/filesystem.Filesystem/Stat", "{\"path\":\"a.txt\"}"));
        assertThat(body(full)).contains("\"size\":\"2\"", "\"owner\"");
        assertThat(full.responseHeaders().has("X-E2B-Legacy-SDK")).isFalse();

        MemoryExchange old = send(
                open,
                json("/filesystem.Filesystem/Stat", "{\"path\":\"a.txt\"}").header("User-Agent", "connect-python"));
        assertThat(body(old))
                .isEqualTo("{\"entry\":{\"name\":\"a.txt\",\"type\":\"FILE_TYPE_FILE\","
                        + "\"path\":\"/home/user/a.txt\"}}");
        assertThat(old.responseHeaders().first("X-E2B-Legacy-SDK")).contains("true");
        MemoryExchange list = send(
                open, json("/filesystem.Filesystem/ListDir", "{\"path\":\"\"}").header("User-Agent", "connect-python"));
        assertThat(body(list))
                .isEqualTo("{\"entries\":[" + "{\"name\":\"a.txt\",\"type\":\"FILE_TYPE_FILE\","
                        + "\"path\":\"/home/user/a.txt\"}]}");
    }

    @Test
    void R21_a_token_that_was_set_first_is_asked_for_from_then_on() throws Exception {
        assertThat(send(open, json("/init", "{\"accessToken\":\"first\"}")).status())
                .isEqualTo(204);
        assertThat(send(open, json("/init", "{\"accessToken\":\"second\"}")).status())
                .isEqualTo(401);
        assertThat(body(send(open, json("/init", "{}")))).isEqualTo("access token reset not authorized");
        assertThat(body(send(open, json("/init", "{\"accessToken\":\"second\"}"))))
                .isEqualTo("access token validation failed");
        assertThat(send(open, json("/init", "{\"accessToken\":\"first\"}")).status())
                .isEqualTo(204);
        assertThat(send(open, request("GET", "/envs").header("X-Access-Token", "first"))
                        .status())
                .isEqualTo(200);
    }

    @Test
    void R25_volumes_are_refused_and_change_nothing() throws Exception {
        MemoryExchange refused = send(
                open,
                json("/init", "{\"volumeMounts\":[{\"nfs_target\":\"x\",\"path\":\"/v\"}],\"envVars\":{\"C\":\"3\"}}"));
        assertThat(refused.status()).isEqualTo(400);
        assertThat(body(refused)).contains("volumes");
        assertThat(body(send(open, request("GET", "/envs")))).doesNotContain("\"C\"");
        assertThat(send(open, json("/init", "{\"volumeMounts\":[]}")).status()).isEqualTo(204);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"/freeze", "/freeze?maxWaitMs=10", "/unfreeze", "/collapse", "/fsfreeze", "/fsthaw", "/upgrade"})
    void R28_hooks_of_virtual_machines_are_not_there(String target) throws Exception {
        assertThat(send(open, json(target, "")).status()).isEqualTo(404);
    }

    @Test
    void P19_old_clients_get_less_of_a_watch_too() throws Exception {
        MemoryExchange watch = MemoryExchange.of(
                        "POST",
                        "/filesystem.Filesystem/WatchDir",
                        TestStream.frame("{\"path\":\"\",\"includeEntry\":true}"))
                .header("Content-Type", "application/connect+json")
                .header("User-Agent", "connect-python")
                .header("Connect-Timeout-Ms", "2000");
        Thread server = Thread.startVirtualThread(() -> {
            try {
                open.handle(watch);
            } catch (IOException e) {
                watch.abort();
            }
        });
        watch.responseBody().readNBytes(5 + "{\"start\":{}}".length());
        assertThat(watch.responseHeaders().first("X-E2B-Legacy-SDK")).contains("true");
        Files.createDirectory(root.resolve("home/user/new"));
        assertThat(body(watch))
                .contains("{\"filesystem\":{\"name\":\"new\",\"type\":\"EVENT_TYPE_CREATE\"}}")
                .doesNotContain("entry");
        assertThat(server.join(Duration.ofSeconds(10))).isTrue();
    }

    @Test
    void streamsAWatch() throws Exception {
        byte[] request = TestStream.frame("{\"path\":\"\"}");
        MemoryExchange watch = MemoryExchange.of("POST", "/filesystem.Filesystem/WatchDir", request)
                .header("Content-Type", "application/connect+json")
                .header("Connect-Timeout-Ms", "2000");
        Thread server = Thread.startVirtualThread(() -> {
            try {
                open.handle(watch);
            } catch (IOException e) {
                watch.abort();
            }
        });
        byte[] start = watch.responseBody().readNBytes(5 + "{\"start\":{}}".length());
        assertThat(start).isEqualTo(TestStream.frame("{\"start\":{}}"));
        Files.createDirectory(root.resolve("home/user/new"));
        assertThat(body(watch))
                .contains("{\"filesystem\":{\"name\":\"new\",\"type\":\"EVENT_TYPE_CREATE\"}}")
                .contains("\"code\":\"deadline_exceeded\"");
        assertThat(server.join(Duration.ofSeconds(10))).isTrue();
    }

    private TestEnvd envd(String token) throws IOException {
        return TestEnvd.over(
                root, new EnvdConfig(new SandboxId("itest"), "base", Map.of("A", "1"), token, "user", ""));
    }

    private static MemoryExchange request(String method, String target) {
        return MemoryExchange.of(method, target, new byte[0]);
    }

    private static MemoryExchange json(String path, String body) {
        return MemoryExchange.of("POST", path, body.getBytes(StandardCharsets.UTF_8))
                .header("Content-Type", "application/json");
    }

    private static MemoryExchange send(TestEnvd envd, MemoryExchange exchange) throws IOException {
        envd.handle(exchange);
        return exchange;
    }

    private static String body(MemoryExchange exchange) throws IOException {
        return new String(exchange.responseBody().readAllBytes(), StandardCharsets.UTF_8);
    }
}
