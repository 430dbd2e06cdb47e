package dev.sandlot.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sandlot.control.RedisAddress;
import dev.sandlot.control.StoreLocation;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SettingsTest {
    @TempDir
    private Path directory;

    @Test
    void keysAndDefaultsAreThese() {
        assertThat(Arrays.stream(Setting.values()).map(s -> s.key() + "=" + s.defaultText()))
                .containsExactly(
                        "run-dir=",
                        "listen.address=127.0.0.1",
                        "listen.api-port=3000",
                        "listen.traffic-port=3002",
                        "listen.debug-port=49983",
                        "listen.domain=sandlot.localhost",
                        "runtime.kind=oci",
                        "runtime.oci-binary=crun",
                        "runtime.slot-cidr=",
                        "runtime.slots-ready=32",
                        "runtime.max-sandboxes=1000",
                        "disk.min-free-mb=512",
                        "builds.at-once=0",
                        "builds.cache-mb=20480",
                        "sandbox.cpu-count=2",
                        "sandbox.memory-mb=512",
                        "sandbox.disk-mb=0",
                        "sandbox.ready-seconds=60",
                        "images.base=",
                        "images.debian-suite=trixie",
                        "images.debian-mirror=",
                        "images.registry=",
                        "images.stand-ins=true",
                        "images.private-registries=false",
                        "secrets.database-url=",
                        "store.pool-size=10",
                        "store.in-memory=false",
                        "store.supabase-url=",
                        "secrets.supabase-key=",
                        "secrets.redis-url=",
                        "secrets.admin-token=",
                        "secrets.token-seed=",
                        "api.auth-providers=",
                        "api.operator-keys=",
                        "api.legacy=true",
                        "api.rate-limits=",
                        "registry.enabled=true",
                        "registry.port=5000",
                        "registry.hostname=",
                        "secrets.registry-url=",
                        "registry.namespace=e2b/custom-envs",
                        "registry.max-blob-mb=25600",
                        "registry.min-free-mb=2048",
                        "log.level=info",
                        "log.format=text");
    }

    @Test
    void everyDefaultPassesItsOwnCheck() {
        assertThat(Setting.values())
                .allSatisfy(s -> assertThat(s.problem(s.defaultText())).isEmpty());
    }

    @Test
    void namesOfCompatibleSystemsWorkAsTheyAre() throws Exception {
        Settings settings = load(Map.of(
                        "E2B_API_PORT", "8000",
                        "E2B_ENVD_PORT", "9000",
                        "E2B_DOMAIN", "box.test",
                        "ADMIN_TOKEN", "a-token",
                        "SANDBOX_ACCESS_TOKEN_HASH_SEED", "a-seed"))
                .settings();

        assertThat(settings.listen()).isEqualTo(new Settings.Listen("127.0.0.1", 8000, 3002, 9000, "box.test"));
        assertThat(settings.secrets()).isEqualTo(new Settings.Secrets("a-token", "a-seed"));
    }

    @Test
    void theFileStandsOverDefaultsTheEnvironmentOverTheFileAndFlagsOverAll() throws Exception {
        file("listen: {api-port: 1, traffic-port: 1, debug-port: 1}\n");
        Map<Setting, String> flags = new EnumMap<>(Map.of(Setting.DEBUG_PORT, "3"));
        Map<String, String> environment = Map.of("SANDLOT_LISTEN_TRAFFIC_PORT", "2", "SANDLOT_LISTEN_DEBUG_PORT", "2");

        LoadedSettings loaded = new SettingsLoader(environment, flags).load(directory, null);

        assertThat(loaded.settings().listen())
                .isEqualTo(new Settings.Listen("127.0.0.1", 1, 2, 3, "sandlot.localhost"));
        assertThat(loaded.values())
                .extracting(LoadedSettings.Value::origin)
                .contains(
                        "file " + directory.resolve("sandlot.yaml"), "environment SANDLOT_LISTEN_TRAFFIC_PORT", "flag");
    }

    @Test
    void allProblemsAreToldAtOnce() throws Exception {
        file("listen: {api-prot: 1, address: here}\nsandbox: [1]\nlog: {level: loud}\n");

        assertThat(problems(Map.of("SANDLOT_SLOTS", "1", "E2B_API_PORT", "70000")))
                .satisfiesExactlyInAnyOrder(
                        p -> assertThat(p).contains("unknown key listen.api-prot"),
                        p -> assertThat(p).contains("sandbox must hold keys and values"),
                        p -> assertThat(p).contains("unknown environment variable SANDLOT_SLOTS"),
                        p -> assertThat(p).contains("listen.address", "not \"here\""),
                        p -> assertThat(p).contains("listen.api-port", "70000", "environment E2B_API_PORT"),
                        p -> assertThat(p).contains("log.level", "loud"));
    }

    @Test
    void aSectionWhoseKeysAreCommentedOutHoldsNothing() throws Exception {
        file("images:\n#  base: x\nlog:\n  level: debug\n");
        assertThat(load(Map.of()).settings()).isNotNull();
        file("imagse:\n#  base: x\n");
        assertThat(problems(Map.of())).singleElement().asString().contains("unknown key imagse");
    }

    @Test
    void aFileThatIsNoYamlIsRefusedByName() throws Exception {
        file("listen: {");

        assertThat(problems(Map.of())).singleElement().asString().contains("sandlot.yaml is not YAML");
    }

    @Test
    void aNamedFileMustExist() {
        SettingsException failure = catchThrowableOfType(
                SettingsException.class,
                () -> new SettingsLoader(Map.of(), Map.of()).load(directory, directory.resolve("none.yaml")));

        assertThat(failure.problems()).singleElement().asString().contains("could not read", "none.yaml");
    }

    @Test
    void secretsAreNeverShown() throws Exception {
        LoadedSettings loaded =
                load(Map.of("ADMIN_TOKEN", "top-secret", "DATABASE_URL", "postgres://u:top-secret@h/d"));

        assertThat(loaded.settings().toString()).doesNotContain("top-secret");
        assertThat(loaded.values())
                .extracting(LoadedSettings.Value::shown)
                .noneMatch(shown -> shown.contains("top-secret"));
    }

    @Test
    void variablesOfLaterVersionsAreNamedAsUnused() throws Exception {
        assertThat(load(Map.of("LOKI_URL", "x", "HOME", "/")).unused()).containsExactly("LOKI_URL");
    }

    @Test
    void theStoreIsASqliteFileUnlessAnotherIsNamed() throws Exception {
        assertThat(store(Map.of())).isEqualTo(new StoreLocation.SqliteFile(directory.resolve("sandlot.db")));
        assertThat(store(Map.of("USE_IN_MEMORY_STORE", "true"))).isEqualTo(new StoreLocation.Memory());
        String url = "postgres://u:p@h/d";
        assertThat(store(Map.of("DATABASE_URL", url))).isEqualTo(new StoreLocation.Postgres(url, 10));
        assertThat(store(Map.of("SUPABASE_URL", "https://x.test", "SUPABASE_SECRET_KEY", "sb_secret")))
                .isEqualTo(new StoreLocation.Supabase(URI.create("https://x.test"), "sb_secret", 10));
        assertThat(store(Map.of("POSTGRES_CONNECTION_STRING", url, "SANDLOT_STORE_POOL_SIZE", "3")))
                .isEqualTo(new StoreLocation.Postgres(url, 3));
    }

    private StoreLocation store(Map<String, String> environment) throws SettingsException {
        return load(environment).settings().store();
    }

    @Test
    void thereCanBeOneStore() {
        assertThat(problems(Map.of("DATABASE_URL", "postgres://h/d", "USE_IN_MEMORY_STORE", "true")))
                .singleElement()
                .asString()
                .contains("one store", "secrets.database-url", "store.in-memory");
    }

    @Test
    void aSupabaseProjectNeedsItsKeyAndASafeWayThere() {
        assertThat(problems(Map.of("SUPABASE_URL", "https://x.test")))
                .singleElement()
                .asString()
                .contains("store.supabase-url", "secrets.supabase-key", "need each other");
        assertThat(problems(Map.of("SUPABASE_URL", "http://x.test", "SUPABASE_SECRET_KEY", "hidden")))
                .anySatisfy(p -> assertThat(p).contains("https", "environment SUPABASE_URL"))
                .noneSatisfy(p -> assertThat(p).contains("hidden"));
        assertThat(problems(Map.of(
                        "SUPABASE_URL",
                        "https://x.test",
                        "SUPABASE_SECRET_KEY",
                        "hidden",
                        "DATABASE_URL",
                        "postgres://h/d")))
                .singleElement()
                .asString()
                .contains("one store");
    }

    @Test
    void aRedisAndAKeySetOfOperatorsAreChecked() throws Exception {
        assertThat(load(Map.of("REDIS_URL", "redis://h:1")).settings().api().rateStore())
                .isEqualTo(new RedisAddress("redis://h:1"));
        assertThat(problems(Map.of("REDIS_URL", "http://u:hidden@h")))
                .anySatisfy(p -> assertThat(p).contains("redis://"))
                .noneSatisfy(p -> assertThat(p).contains("hidden"));
        assertThat(problems(Map.of("SANDLOT_API_OPERATOR_KEYS", "{}")))
                .singleElement()
                .asString()
                .contains("api.operator-keys");
        String issuer = "\"https://i.test\"";
        assertThat(problems(Map.of(
                        "AUTH_PROVIDER_CONFIG",
                        "{\"issuer\":{\"url\":" + issuer + ",\"audiences\":[\"a\"]}}",
                        "SANDLOT_API_OPERATOR_KEYS",
                        "{\"issuer\":" + issuer + ",\"audiences\":[\"a\"],\"jwksURL\":\"https://i.test/keys\"}")))
                .singleElement()
                .asString()
                .contains("everyone would be an operator");
    }

    @Test
    void anAddressOfAStoreIsCheckedWithoutShowingIt() {
        assertThat(problems(Map.of("DATABASE_URL", "mysql://u:hidden@h/d")))
                .anySatisfy(p -> assertThat(p).contains("PostgreSQL", "environment DATABASE_URL"))
                .noneSatisfy(p -> assertThat(p).contains("hidden"));
        assertThat(problems(Map.of("USE_IN_MEMORY_STORE", "maybe")))
                .singleElement()
                .asString()
                .contains("true or false");
    }

    @Test
    void whatEnvPrintedForAnotherPortIsNoDomain() throws Exception {
        file("listen: {domain: sandboxes.example.org}\n");

        assertThat(load(Map.of("E2B_DOMAIN", "sandlot.localhost:3000"))
                        .settings()
                        .listen()
                        .domain())
                .isEqualTo("sandboxes.example.org");
        assertThat(load(Map.of("E2B_DOMAIN", "e2b.localhost:8443"))
                        .settings()
                        .listen()
                        .domain())
                .isEqualTo("e2b.localhost:8443");
        assertThat(problems(Map.of("E2B_DOMAIN", "https://example.org")))
                .singleElement()
                .asString()
                .contains("host name");
    }

    @Test
    void anEmptyFileIsNoSettings() throws Exception {
        file("# nothing\n");

        assertThat(load(Map.of()).settings().sandbox()).isEqualTo(new Settings.SandboxDefaults(2, 512, 0, 60));
    }

    @Test
    void eachInstallationHasItsOwnRunDirectory() {
        assertThat(DataDirectory.defaultRunDir(Path.of("/a"))).isNotEqualTo(DataDirectory.defaultRunDir(Path.of("/b")));
    }

    private java.util.List<String> problems(Map<String, String> environment) {
        return catchThrowableOfType(SettingsException.class, () -> load(environment))
                .problems();
    }

    private LoadedSettings load(Map<String, String> environment) throws SettingsException {
        return new SettingsLoader(environment, Map.of()).load(directory, null);
    }

    private void file(String yaml) throws IOException {
        Files.writeString(directory.resolve("sandlot.yaml"), yaml);
    }
}
