package dev.sandlot.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CommandsTest {
    private boolean isRoot;

    @TempDir
    private Path directory;

    private final Map<String, String> more = new HashMap<>();
    private final TestPrograms programs = new TestPrograms();
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    @ParameterizedTest
    @ValueSource(
            strings = {
                "up", "env", "status", "down", "doctor", "config", "migrate", "e2b", "purge", "test", "bench", "version"
            })
    void everyCommandExplainsItself(String command) {
        assertThat(run("", command, "--help")).isEqualTo(ExitCode.OK);
        assertThat(out.toString(StandardCharsets.UTF_8)).contains("Usage: sandlot " + command);
    }

    @Test
    void aWrongCommandLineIsUsage() {
        assertThat(run("")).isEqualTo(ExitCode.USAGE);
        assertThat(run("", "fly")).isEqualTo(ExitCode.USAGE);
        assertThat(run("", "status", "--loud")).isEqualTo(ExitCode.USAGE);
    }

    @Test
    void migrateBringsTheStoreUpToDateOnce() throws IOException {
        assertThat(onData("", "migrate")).isEqualTo(ExitCode.NOT_RUNNING);
        assertThat(data()).doesNotExist();
        instance().createDirectories();

        assertThat(onData("", "migrate")).isEqualTo(ExitCode.OK);
        assertThat(onData("", "migrate")).isEqualTo(ExitCode.OK);

        assertThat(out.toString(StandardCharsets.UTF_8))
                .contains("sandlot.db: schema brought from version none to", "schema is up to date at version");
    }

    @Test
    void migratePrintsTheSchemaForASupabaseProjectsOwner() {
        assertThat(onData("", "migrate", "--print")).isEqualTo(ExitCode.OK);
        assertThat(out.toString(StandardCharsets.UTF_8))
                .contains("CREATE TABLE sandboxes", "CREATE OR REPLACE FUNCTION public.sandlot_run", "COMMIT;");
        assertThat(data()).doesNotExist();
    }

    @Test
    void wrongSettingsAreUsage() throws IOException {
        Files.createDirectories(data());
        Files.writeString(data().resolve("sandlot.yaml"), "nonsense: 1\n");

        assertThat(onData("", "status")).isEqualTo(ExitCode.USAGE);
        assertThat(err.toString(StandardCharsets.UTF_8)).contains("unknown key nonsense");
    }

    @Test
    void aDataDirectoryThatIsNoneIsUsage() throws IOException {
        assertThat(run("", "purge", "--yes", "--data-dir", "")).isEqualTo(ExitCode.USAGE);
        Files.createFile(data());

        for (String command : new String[] {"up", "status", "env", "down", "purge", "config"}) {
            assertThat(onData("", command)).isEqualTo(ExitCode.USAGE);
        }
        assertThat(err.toString(StandardCharsets.UTF_8).lines())
                .hasSize(7)
                .contains("sandlot: --data-dir is empty")
                .contains("sandlot: the data directory " + data() + " is not a directory");
    }

    @ParameterizedTest
    @ValueSource(strings = {"nonsense", "http://", "ftp://localhost", "http://a b"})
    void anAddressOfTheApiThatIsNoneIsUsage(String address) {
        more.put("E2B_API_URL", address);
        more.put("E2B_API_KEY", "e2b_00");

        assertThat(run("", "template", "list")).isEqualTo(ExitCode.USAGE);
        assertThat(err.toString(StandardCharsets.UTF_8).lines())
                .singleElement()
                .asString()
                .contains("E2B_API_URL is no address", address);
    }

    @Test
    void aBrokenSettingsFileIsToldInOneLine() throws IOException {
        Files.createDirectories(data());
        Files.writeString(data().resolve("sandlot.yaml"), "listen:\n  domain: [x\n");

        assertThat(onData("", "config")).isEqualTo(ExitCode.USAGE);
        assertThat(err.toString(StandardCharsets.UTF_8).lines())
                .hasSize(2)
                .last()
                .asString()
                .contains("is not YAML: line 3, column 1: ");
    }

    @Test
    void envAndStatusSayThatNothingIsThere() {
        assertThat(onData("", "env")).isEqualTo(ExitCode.NOT_RUNNING);
        assertThat(onData("", "status")).isEqualTo(ExitCode.NOT_RUNNING);
        assertThat(data()).doesNotExist();
    }

    @Test
    void statusCountsSandboxesAndHidesTheKey() throws Exception {
        try (TestServer server = new TestServer(null)) {
            instance().createDirectories();
            instance().announce(server, "7");

            assertThat(onData("", "status", "--json")).isEqualTo(ExitCode.OK);
            assertThat(out.toString(StandardCharsets.UTF_8))
                    .contains("\"running\":2", "\"paused\":1", "\"healthy\":true", "\"version\":\"7\"")
                    .doesNotContain(TestServer.KEY);
        }
    }

    @Test
    void statusFailsWhenTheServerDoesNotAnswer() throws Exception {
        try (TestServer server = new TestServer(null)) {
            instance().createDirectories();
            instance().announce(server, "7");
        }

        assertThat(onData("", "status")).isEqualTo(ExitCode.FAILED);
    }

    @Test
    void envPrintsLinesForEval() throws Exception {
        try (TestServer server = new TestServer(null)) {
            instance().createDirectories();
            instance().announce(server, "7");
            String api = server.addresses().api().toString();

            assertThat(onData("", "env")).isEqualTo(ExitCode.OK);
            assertThat(out.toString(StandardCharsets.UTF_8).lines())
                    .containsExactly(
                            "export E2B_API_KEY=" + TestServer.KEY,
                            "export E2B_API_URL=" + api,
                            "export E2B_SANDBOX_URL=" + api,
                            "export E2B_DOMAIN=sandlot.localhost:"
                                    + server.addresses().api().getPort());
        }
    }

    @Test
    void upSaysWhyItNeedsRoot() {
        assertThat(onData("", "up")).isEqualTo(ExitCode.FAILED);
        assertThat(err.toString(StandardCharsets.UTF_8)).contains("needs root");
        assertThat(data()).doesNotExist();
    }

    @Test
    void downEndsWhatAKilledServerLeft() throws IOException {
        instance().createDirectories();
        programs.sandboxesLeft = 3;

        assertThat(onData("", "down")).isEqualTo(ExitCode.OK);
        assertThat(out.toString(StandardCharsets.UTF_8)).contains("No server was running", "Ended 3 sandboxes");
    }

    @Test
    void downKeepsSandboxesWhenTold() throws IOException {
        instance().createDirectories();

        assertThat(onData("", "down", "--keep-sandboxes")).isEqualTo(ExitCode.OK);
        assertThat(programs.calls).isEmpty();
    }

    @Test
    void purgeAsksAndTakesNothingForNo() throws IOException {
        instance().createDirectories();

        assertThat(onData("\n", "purge")).isEqualTo(ExitCode.FAILED);
        assertThat(programs.calls).isEmpty();
        assertThat(data()).exists();
    }

    @Test
    void purgeRemovesBothDirectories() throws IOException {
        instance().createDirectories();

        assertThat(onData("y\n", "purge")).isEqualTo(ExitCode.OK);
        assertThat(programs.calls).containsExactly("end", "remove");
        assertThat(data()).doesNotExist();
        assertThat(directory.resolve("run")).doesNotExist();
    }

    @Test
    void purgeFailsWhenSomethingIsLeft() throws IOException {
        instance().createDirectories();
        programs.leftovers.add("link sl-1");

        assertThat(onData("", "purge", "--yes")).isEqualTo(ExitCode.FAILED);
        assertThat(err.toString(StandardCharsets.UTF_8)).contains("link sl-1");
    }

    @Test
    void purgeLeavesAStrangersDirectoryAlone() throws IOException {
        Files.createDirectories(data());
        Files.createFile(data().resolve("thesis.tex"));

        assertThat(onData("", "purge", "--yes")).isEqualTo(ExitCode.FAILED);
        assertThat(data().resolve("thesis.tex")).exists();
    }

    @Test
    void leaksAreNotToldToThoseWhoCannotSeeThem() {
        assertThat(onData("", "doctor", "--leaks")).isEqualTo(ExitCode.FAILED);
        assertThat(err.toString(StandardCharsets.UTF_8)).contains("needs root");
    }

    @Test
    void doctorReportsLeaks() {
        isRoot = true;
        assertThat(onData("", "doctor", "--leaks")).isEqualTo(ExitCode.OK);
        programs.leftovers.add("mount /x");
        assertThat(onData("", "doctor", "--leaks")).isEqualTo(ExitCode.FAILED);
        assertThat(out.toString(StandardCharsets.UTF_8)).contains("No leftovers.", "mount /x", "1 leftovers.");
    }

    @Test
    void configMasksSecrets() throws IOException {
        Files.createDirectories(data());
        Files.writeString(data().resolve("sandlot.yaml"), "secrets: {admin-token: hidden-thing}\n");

        assertThat(onData("", "config")).isEqualTo(ExitCode.OK);
        assertThat(onData("", "config", "--json")).isEqualTo(ExitCode.OK);
        assertThat(out.toString(StandardCharsets.UTF_8)).contains("********").doesNotContain("hidden-thing");
    }

    private Path data() {
        return directory.resolve("data");
    }

    private Instance instance() {
        try {
            return new Instance(new SettingsLoader(environment(), Map.of())
                    .load(data(), null)
                    .settings());
        } catch (SettingsException e) {
            throw new AssertionError(e);
        }
    }

    private Map<String, String> environment() {
        Map<String, String> environment = new HashMap<>(more);
        environment.put("SANDLOT_RUN_DIR", directory.resolve("run").toString());
        return environment;
    }

    private int onData(String input, String... arguments) {
        return run(
                input,
                Stream.concat(Arrays.stream(arguments), Stream.of("--data-dir", data().toString()))
                        .toArray(String[]::new));
    }

    private int run(String input, String... arguments) {
        Surroundings surroundings = new Surroundings(
                environment(),
                isRoot,
                directory,
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                new BufferedReader(new StringReader(input)));
        return Main.run(() -> programs, surroundings, arguments);
    }
}
