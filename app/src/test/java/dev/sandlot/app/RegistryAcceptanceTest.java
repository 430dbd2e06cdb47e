package dev.sandlot.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sandlot.edge.FrontDoor;
import dev.sandlot.edge.FrontListener;
import dev.sandlot.images.ContentStore;
import dev.sandlot.images.LayerStore;
import dev.sandlot.images.PulledImage;
import dev.sandlot.images.PushedImages;
import dev.sandlot.images.RegistryEndpoint;
import dev.sandlot.images.RegistryLimits;
import dev.sandlot.images.StoredImages;
import dev.sandlot.images.TokenGuard;
import dev.sandlot.images.UnpackLimits;
import dev.sandlot.images.UpstreamRegistry;
import dev.sandlot.protocol.ExchangeHandler;
import dev.sandlot.protocol.PushRights;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The registry as others see it: the protocol's own conformance suite, a Docker daemon, skopeo, and Debian's registry
 * behind the door.
 */
@Tag("acceptance")
@Timeout(value = 15, unit = TimeUnit.MINUTES)
class RegistryAcceptanceTest {
    private static final String TEMPLATE = "abcdefghij0123456789";
    private static final UUID BUILD = UUID.fromString("5f7c1d4e-0f5b-4b65-9a3c-2f6a9f1d0c11");
    private static final Pattern RESULT = Pattern.compile("(\\d+) Passed.*?\\| .*?(\\d+) Failed");

    private final List<AutoCloseable> opened = new ArrayList<>();
    private Path temp;
    private LayerStore layers;
    private ContentStore store;

    private static final class Rights implements PushRights {
        @Override
        public Optional<UUID> personOf(String accessToken) {
            return accessToken.equals("sk_e2b_00") ? Optional.of(new UUID(0, 1)) : Optional.empty();
        }

        @Override
        public boolean ownsWaitingBuild(UUID person, String templateId) {
            return templateId.equals(TEMPLATE);
        }

        @Override
        public Optional<KeyHolder> holderOf(String apiKey) {
            return apiKey.equals("e2b_00") ? Optional.of(new KeyHolder("team", true)) : Optional.empty();
        }

        @Override
        public boolean isOperator(String secret) {
            return secret.equals("root");
        }
    }

    @BeforeEach
    void open() throws IOException {
        temp = Files.createTempDirectory(Path.of("/var/tmp"), "sandlot-registry-test");
        layers = LayerStore.open(temp.resolve("pool"), UnpackLimits.DEFAULT);
        opened.add(layers);
        store = ContentStore.open(layers, RegistryLimits.DEFAULT);
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable one : opened.reversed()) {
            one.close();
        }
        run("rm", "-rf", "--one-file-system", temp.toString());
    }

    /** Serves the registry and gives its address. */
    private String serve(RegistryEndpoint registry) throws IOException {
        ExchangeHandler nobody = exchange -> exchange.send(404, new byte[0]);
        FrontDoor door = new FrontDoor(
                List.of(new FrontListener("127.0.0.1", 0, FrontListener.Kind.REGISTRY)),
                nobody,
                registry,
                (id, port, exchange) -> nobody.handle(exchange));
        door.start();
        opened.add(door);
        return "127.0.0.1:" + door.port(0);
    }

    private String own() throws IOException {
        return serve(RegistryEndpoint.of(store, new TokenGuard(new Rights(), "", true)));
    }

    private String before(String url) throws IOException {
        return serve(RegistryEndpoint.before(upstream(url), new TokenGuard(new Rights(), "", false)));
    }

    private UpstreamRegistry upstream(String url) {
        UpstreamRegistry upstream = new UpstreamRegistry(url, "project/images", "secret");
        opened.add(upstream);
        return upstream;
    }

    @Test
    void theConformanceSuitePasses() throws Exception {
        conforms(own());
    }

    @Test
    void theConformanceSuitePassesThroughTheDoorOfAnotherRegistry() throws Exception {
        conforms(before("http://admin:root@" + own()));
    }

    private void conforms(String host) throws Exception {
        String program = run(Path.of("..")
                        .toAbsolutePath()
                        .normalize()
                        .resolve("acceptance/registry/conformance")
                        .toString())
                .lines()
                .reduce("", (a, b) -> b);
        assumeTrue(program.startsWith("/"), program);
        ProcessBuilder suite =
                new ProcessBuilder(program).directory(temp.toFile()).redirectErrorStream(true);
        suite.environment().put("OCI_ROOT_URL", "http://" + host);
        suite.environment().put("OCI_NAMESPACE", "conformance/main");
        suite.environment().put("OCI_CROSSMOUNT_NAMESPACE", "conformance/other");
        suite.environment().put("OCI_AUTOMATIC_CROSSMOUNT", "0");
        suite.environment().put("OCI_USERNAME", "admin");
        suite.environment().put("OCI_PASSWORD", "root");
        for (String part : List.of("PULL", "PUSH", "CONTENT_DISCOVERY", "CONTENT_MANAGEMENT")) {
            suite.environment().put("OCI_TEST_" + part, "1");
        }
        Process process = suite.start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int code = process.waitFor();
        Matcher result = RESULT.matcher(output.replaceAll("\u001b\\[[0-9;]*m", ""));
        assertThat(result.find()).as(output).isTrue();
        System.out.println("registry conformance: " + result.group());
        assertThat(code).as(output).isZero();
        assertThat(Integer.parseInt(result.group(1))).isGreaterThan(60);
        assertThat(result.group(2)).isEqualTo("0");
    }

    @Test
    void whatDockerPushesForABuildBecomesItsLayers() throws Exception {
        String host = own();
        Docker docker = new Docker();
        String image = host + "/e2b/custom-envs/" + TEMPLATE + ":" + BUILD;
        docker.load(image, "from docker");
        docker.login(host, "_e2b_access_token", "\"sk_e2b_00\"\n");
        docker.run("push", image);
        assertThat(docker.fails("push", docker.tagged(image, host + "/e2b/custom-envs/other:1")))
                .contains("denied");
        holds(new StoredImages(store, layers), "from docker");

        docker.run("rmi", image);
        docker.run("logout", host);
        docker.login(host, "admin", "root");
        docker.run("pull", image);
        assertThat(docker.run("image", "inspect", image)).contains("KEY=value");
        assertThat(docker.loginFails(host, "_e2b_access_token", "sk_e2b_11")).contains("denied");
    }

    @Test
    void whatDockerPushesGoesOnToAnotherRegistry() throws Exception {
        String debian = debianRegistry();
        String host = before("http://" + debian);
        Docker docker = new Docker();
        String image = host + "/e2b/custom-envs/" + TEMPLATE + ":" + BUILD;
        docker.load(image, "gone on");
        docker.login(host, "_e2b_access_token", "sk_e2b_00");
        docker.run("push", image);
        assertThat(run(
                        "skopeo",
                        "inspect",
                        "--tls-verify=false",
                        "docker://" + debian + "/project/images/" + TEMPLATE + ":" + BUILD))
                .contains("KEY=value");
        holds(upstream("http://" + debian).images(layers), "gone on");
    }

    @Test
    void skopeoCopiesBothWays() throws Exception {
        for (String host : List.of(own(), before("http://" + debianRegistry()))) {
            String target = "docker://" + host + "/e2b/custom-envs/" + TEMPLATE + ":" + BUILD;
            saved("by skopeo");
            skopeo(
                    "--dest-tls-verify=false",
                    "--dest-creds",
                    "_e2b_access_token:sk_e2b_00",
                    "docker-archive:" + temp + "/saved.tar",
                    target);
            skopeo(
                    "--src-tls-verify=false",
                    "--src-creds",
                    "admin:root",
                    target,
                    "dir:" + temp + "/back-" + host.replace(':', '-'));
        }
        String team = "docker://" + own() + "/team/x:1";
        skopeo(
                "--dest-tls-verify=false",
                "--dest-creds",
                "_api_key:e2b_00",
                "--format",
                "oci",
                "docker-archive:" + temp + "/saved.tar",
                team);
        skopeo("--src-tls-verify=false", "--src-creds", "_api_key:e2b_00", team, "oci:" + temp + "/team");
        holds(new StoredImages(store, layers), "by skopeo");
    }

    private void holds(PushedImages images, String text) throws Exception {
        PulledImage image = images.image(TEMPLATE, BUILD);
        assertThat(image.env()).containsEntry("KEY", "value");
        assertThat(layers.path(image.layers().getFirst()).resolve("etc/f")).hasContent(text);
    }

    private static void skopeo(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("skopeo", "copy", "--insecure-policy"));
        command.addAll(List.of(arguments));
        run(command.toArray(String[]::new));
    }

    /** A tree with one file, as an archive. */
    private Path tree(String text) throws IOException, InterruptedException {
        Path etc = Files.createDirectories(temp.resolve("tree/etc"));
        Files.writeString(etc.resolve("f"), text);
        run(
                "tar",
                "-C",
                temp.resolve("tree").toString(),
                "-cf",
                temp.resolve("layer.tar").toString(),
                "etc");
        return temp.resolve("layer.tar");
    }

    private void saved(String text) throws IOException, InterruptedException {
        String sum = run("sha256sum", tree(text).toString()).substring(0, 64);
        String arch = System.getProperty("os.arch").equals("aarch64") ? "arm64" : "amd64";
        Files.writeString(temp.resolve("config.json"), """
                {"architecture":"%s","os":"linux","config":{"Env":["KEY=value"]},
                 "rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}""".formatted(arch, sum));
        Files.writeString(
                temp.resolve("manifest.json"),
                "[{\"Config\":\"config.json\",\"RepoTags\":[\"a/b:1\"],\"Layers\":[\"layer.tar\"]}]");
        run("tar", "-C", temp.toString(), "-cf", temp + "/saved.tar", "manifest.json", "config.json", "layer.tar");
    }

    private String debianRegistry() throws IOException {
        String host;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            host = "127.0.0.1:" + free.getLocalPort();
        }
        Path config = temp.resolve("debian.yml");
        Files.writeString(config, """
                version: 0.1
                storage: {filesystem: {rootdirectory: %s}}
                http: {addr: "%s"}
                """.formatted(temp.resolve("debian"), host));
        Process process = new ProcessBuilder("docker-registry", "serve", config.toString())
                .redirectErrorStream(true)
                .start();
        opened.add(() -> {
            process.toHandle().destroy();
            process.waitFor();
        });
        awaitLine(process.inputReader(), "listening on");
        return host;
    }

    /** Reads a log until a line has the text; the rest is read away so that its writer never waits. */
    private static void awaitLine(BufferedReader log, String text) throws IOException {
        StringBuilder seen = new StringBuilder();
        for (String line = log.readLine(); ; line = log.readLine()) {
            assertThat(line).as("ended after: %s", seen).isNotNull();
            seen.append(line).append('\n');
            if (line.contains(text)) {
                break;
            }
        }
        Thread.ofVirtual().start(() -> log.lines().forEach(ignored -> {}));
    }

    /** A Docker daemon of its own. */
    private final class Docker {
        private final String socket;

        Docker() throws IOException {
            assumeTrue(isThere("dockerd"), "there is no dockerd");
            assumeTrue("root".equals(System.getProperty("user.name")), "dockerd needs root");
            Path home = Files.createDirectories(temp.resolve("docker"));
            socket = "unix://" + home.resolve("s");
            Process daemon = new ProcessBuilder(
                            "dockerd",
                            "--host",
                            socket,
                            "--data-root",
                            home + "/data",
                            "--exec-root",
                            home + "/exec",
                            "--pidfile",
                            home + "/pid",
                            "--storage-driver",
                            "vfs",
                            "--bridge",
                            "none",
                            "--iptables=false",
                            "--ip6tables=false")
                    .redirectErrorStream(true)
                    .start();
            opened.add(() -> {
                daemon.toHandle().destroy();
                daemon.waitFor();
            });
            awaitLine(daemon.inputReader(), "API listen on");
        }

        private static boolean isThere(String program) {
            return List.of(System.getenv("PATH").split(":")).stream()
                    .anyMatch(directory -> Files.isExecutable(Path.of(directory, program)));
        }

        void load(String image, String text) throws IOException, InterruptedException {
            run("import", "--change", "ENV KEY=value", tree(text).toString(), image);
        }

        void login(String host, String user, String password) throws IOException, InterruptedException {
            assertThat(login(host, user, password, 0)).contains("Login Succeeded");
        }

        String loginFails(String host, String user, String password) throws IOException, InterruptedException {
            return login(host, user, password, 1);
        }

        private String login(String host, String user, String password, int code)
                throws IOException, InterruptedException {
            Files.writeString(temp.resolve("password"), password);
            ProcessBuilder login = command("login", host, "--username", user, "--password-stdin")
                    .redirectInput(temp.resolve("password").toFile());
            return finished(login, code);
        }

        String tagged(String image, String other) throws IOException, InterruptedException {
            run("tag", image, other);
            return other;
        }

        String run(String... arguments) throws IOException, InterruptedException {
            return finished(command(arguments), 0);
        }

        String fails(String... arguments) throws IOException, InterruptedException {
            return finished(command(arguments), 1);
        }

        private ProcessBuilder command(String... arguments) {
            List<String> command = new ArrayList<>(List.of("docker", "--host", socket));
            command.addAll(List.of(arguments));
            ProcessBuilder builder = new ProcessBuilder(command);
            builder.environment()
                    .put("DOCKER_CONFIG", temp.resolve("docker-config").toString());
            return builder;
        }
    }

    private static String run(String... command) throws IOException, InterruptedException {
        return finished(new ProcessBuilder(command), 0);
    }

    private static String finished(ProcessBuilder builder, int code) throws IOException, InterruptedException {
        Process process = builder.redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as("%s: %s", builder.command(), output).isEqualTo(code);
        return output;
    }
}
