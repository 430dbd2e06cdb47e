package dev.sandlot.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.StringReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code sandlot template build} against a server that answers as the contract says. */
class TemplateBuildCommandTest {
    private static final String HASH = "0".repeat(64);

    @TempDir
    Path context;

    private final List<String> calls = new CopyOnWriteArrayList<>();
    private final List<JsonNode> bodies = new CopyOnWriteArrayList<>();
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private HttpServer server;
    private volatile String end = "{\"status\":\"ready\",";

    @BeforeEach
    void serve() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::answer);
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private String url() {
        return "http://localhost:" + server.getAddress().getPort();
    }

    private void answer(HttpExchange exchange) throws IOException {
        String call = exchange.getRequestMethod() + " " + exchange.getRequestURI();
        calls.add(call);
        byte[] body = exchange.getRequestBody().readAllBytes();
        if (exchange.getRequestMethod().equals("POST")) {
            bodies.add(JsonMapper.shared().readTree(body));
        }
        String text = text(call);
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(call.contains("refused") ? 403 : 202, bytes.length == 0 ? -1 : bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    private String text(String call) {
        if (call.startsWith("POST /v3/templates")) {
            return "{\"templateID\":\"t1\",\"buildID\":\"b1\",\"names\":[\"local/app\"],\"tags\":[\"default\"]}";
        }
        if (call.contains("/files/")) {
            return "{\"present\":false,\"url\":\"" + url() + "/put?x=1\"}";
        }
        if (call.contains("logsOffset=0")) {
            return "{\"status\":\"building\",\"logEntries\":["
                    + entry("base", "CACHED [base] FROM a [" + HASH + "]", 0) + ","
                    + entry("1", "[builder 1/1] RUN true [" + HASH + "]", 1) + ","
                    + entry("1", "[builder 1/1] [stdout]: hello\\u0007", 1500) + "]}";
        }
        return call.contains("status") ? end + "\"logEntries\":[]}" : "";
    }

    private static String entry(String step, String message, int millis) {
        return "{\"timestamp\":\"2026-01-01T00:00:0%d.%03dZ\",\"level\":\"info\",\"step\":\"%s\",\"message\":\"%s\"}"
                .formatted(millis / 1000, millis % 1000, step, message);
    }

    private int run(String... more) {
        Surroundings surroundings = new Surroundings(
                Map.of("E2B_API_URL", url(), "E2B_API_KEY", "e2b_00"),
                false,
                context,
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                new BufferedReader(new StringReader("")));
        String[] arguments = new String[more.length + 3];
        arguments[0] = "template";
        arguments[1] = "build";
        arguments[2] = context.toString();
        System.arraycopy(more, 0, arguments, 3, more.length);
        return Main.run(TestPrograms::new, surroundings, arguments);
    }

    @Test
    void aDirectoryIsBuiltAndItsProgressShown() throws IOException {
        Files.writeString(context.resolve("Dockerfile"), "FROM a\nCOPY f /x\nRUN true\n");
        Files.writeString(context.resolve("f"), "content");
        assertThat(run("--name", "app", "--tag", "v1", "--cpu", "4", "--memory", "512", "--no-cache"))
                .as(err.toString(StandardCharsets.UTF_8))
                .isZero();
        JsonNode request = bodies.getFirst();
        assertThat(request.toString())
                .isEqualTo("{\"name\":\"app\",\"tags\":[\"v1\"],\"cpuCount\":4,\"memoryMB\":512}");
        JsonNode plan = bodies.get(1);
        assertThat(plan.get("fromImage").stringValue()).isEqualTo("a");
        assertThat(plan.get("force").booleanValue()).isTrue();
        assertThat(plan.get("steps")).hasSize(6);
        assertThat(plan.get("steps").get(2).get("filesHash").stringValue()).matches("[0-9a-f]{64}");
        assertThat(calls).contains("PUT /put?x=1", "POST /v2/templates/t1/builds/b1");
        assertThat(calls.getLast()).contains("logsOffset=3&level=info");
        assertThat(out.toString(StandardCharsets.UTF_8).lines())
                .contains(
                        "#1 [base] FROM a",
                        "#1 CACHED",
                        "#2 [builder 1/1] RUN true",
                        "#2 1.499 hello",
                        "#2 DONE 1.499s",
                        "Ready: local/app (t1)");
    }

    @Test
    void aFailedBuildIsToldWithItsReason() throws IOException {
        Files.writeString(context.resolve("e2b.Dockerfile"), "FROM a\n");
        end = "{\"status\":\"error\",\"reason\":{\"message\":\"boom\",\"step\":\"1\"},";
        assertThat(run()).isEqualTo(ExitCode.FAILED);
        assertThat(out.toString(StandardCharsets.UTF_8)).contains("#2 ERROR: boom");
        assertThat(err.toString(StandardCharsets.UTF_8)).contains("sandlot: step 1: boom");
    }

    /** 17.1. */
    @Test
    void theFileOfOlderClientsIsRead() throws IOException {
        Files.writeString(context.resolve("my.Dockerfile"), "FROM a\nCMD old\n");
        Files.writeString(context.resolve("e2b.toml"), """
                template_id = "t1"
                template_name = "from-toml"
                dockerfile = "my.Dockerfile"
                start_cmd = "start"
                ready_cmd = "ready"
                cpu_count = 2
                memory_mb = 1_024
                team_id = "x"
                """);
        assertThat(run("--cpu", "1")).isZero();
        assertThat(bodies.getFirst().toString()).isEqualTo("{\"name\":\"from-toml\",\"cpuCount\":1,\"memoryMB\":1024}");
        assertThat(bodies.get(1).get("startCmd").stringValue()).isEqualTo("start");
        assertThat(bodies.get(1).get("readyCmd").stringValue()).isEqualTo("ready");
        assertThat(run("--start-cmd", "", "--ready-cmd=")).isZero();
        assertThat(bodies.get(3).has("startCmd")).isFalse();
        assertThat(bodies.get(3).has("readyCmd")).isFalse();
    }

    @Test
    void nothingIsAskedForWhenTheDirectoryCannotBeBuilt() throws IOException {
        assertThat(run()).isEqualTo(ExitCode.USAGE);
        Files.writeString(context.resolve("Dockerfile"), "FROM a\nCOPY missing /x\n");
        assertThat(run()).isEqualTo(ExitCode.USAGE);
        assertThat(err.toString(StandardCharsets.UTF_8)).contains("COPY missing: there is nothing of that name");
        Files.writeString(context.resolve("Dockerfile"), "FROM a\nFROM b\n");
        assertThat(run()).isEqualTo(ExitCode.USAGE);
        Files.writeString(context.resolve("e2b.toml"), "cpu_count = \"many\"");
        assertThat(run()).isEqualTo(ExitCode.USAGE);
        assertThat(calls).isEmpty();
    }
}
