package dev.sandlot.app;

import dev.sandlot.control.IdentityProvider;
import dev.sandlot.control.OperatorKeys;
import dev.sandlot.control.RateLimits;
import dev.sandlot.control.RedisAddress;
import dev.sandlot.control.StoreLocation;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Puts the settings together: defaults, the file over them, the environment over it, flags over all. */
final class SettingsLoader {
    /** Variables of ours that are not settings: the first two choose the file, the rest belong to the launcher. */
    private static final Set<String> OTHER_VARIABLES =
            Set.of("SANDLOT_DATA_DIR", "SANDLOT_CONFIG", "SANDLOT_HEAP", "SANDLOT_HOME", "SANDLOT_CHILD");

    private static final List<String> TEST_PREFIXES = List.of("SANDLOT_TEST_", "SANDLOT_ACCEPTANCE_", "SANDLOT_BENCH_");

    /** Variables of compatible systems whose meaning this version does not have yet. */
    private static final Set<String> LATER =
            Set.of("CLICKHOUSE_URL", "CLICKHOUSE_CONNECTION_STRING", "LOKI_URL", "EDGE_SECRET");

    private final Map<String, String> environment;
    private final Map<Setting, String> flags;
    private final List<String> problems = new ArrayList<>();
    private final List<LoadedSettings.Value> values = new ArrayList<>();
    private final Map<Setting, String> texts = new EnumMap<>(Setting.class);

    SettingsLoader(Map<String, String> environment, Map<Setting, String> flags) {
        this.environment = environment;
        this.flags = flags;
    }

    /**
     * Loads once.
     *
     * @param configFile the file to read, which must exist; null for {@code sandlot.yaml} of the data directory, if any
     * @throws SettingsException with every problem found
     */
    LoadedSettings load(Path dataDir, @Nullable Path configFile) throws SettingsException {
        Path file = configFile == null ? dataDir.resolve("sandlot.yaml") : configFile;
        Map<String, String> fromFile = configFile == null && !Files.exists(file) ? Map.of() : read(file);
        refuseUnknownVariables();
        for (Setting setting : Setting.values()) {
            take(setting, file, fromFile);
        }
        refuseTwoStores();
        if (problems.isEmpty()) {
            refuseConfusedOperators();
        }
        if (!problems.isEmpty()) {
            throw new SettingsException(problems);
        }
        List<String> unused =
                LATER.stream().filter(environment::containsKey).sorted().toList();
        return new LoadedSettings(assemble(dataDir), file, values, unused);
    }

    private Map<String, String> read(Path file) {
        SettingsFile read = SettingsFile.read(file);
        problems.addAll(read.problems());
        return read.values();
    }

    private void refuseUnknownVariables() {
        for (String name : new TreeMap<>(environment).keySet()) {
            if (name.startsWith("SANDLOT_")
                    && !OTHER_VARIABLES.contains(name)
                    && TEST_PREFIXES.stream().noneMatch(name::startsWith)
                    && Setting.ofVariable(name).isEmpty()) {
                problems.add("unknown environment variable " + name);
            }
        }
    }

    private void take(Setting setting, Path file, Map<String, String> fromFile) {
        LoadedSettings.Value value = find(setting, file, fromFile);
        values.add(value);
        texts.put(setting, value.text());
        setting.problem(value.text())
                .ifPresent(problem -> problems.add(setting.key() + " " + problem + ", not \"" + value.shown()
                        + "\" (from " + value.origin() + ")"));
    }

    private void refuseTwoStores() {
        List<String> chosen = new ArrayList<>();
        Stream.of(Setting.DATABASE_URL, Setting.SUPABASE_URL)
                .filter(setting -> !text(setting).isEmpty())
                .forEach(setting -> chosen.add(setting.key()));
        if (Boolean.parseBoolean(text(Setting.IN_MEMORY))) {
            chosen.add(Setting.IN_MEMORY.key());
        }
        if (chosen.size() > 1) {
            problems.add("there can be one store, not several: " + String.join(", ", chosen));
        }
        if (text(Setting.SUPABASE_URL).isEmpty() != text(Setting.SUPABASE_KEY).isEmpty()) {
            problems.add(Setting.SUPABASE_URL.key() + " and " + Setting.SUPABASE_KEY.key() + " need each other");
        }
    }

    private void refuseConfusedOperators() {
        OperatorKeys operators = OperatorKeys.parse(text(Setting.OPERATOR_KEYS));
        if (operators != null && operators.isConfusedWith(IdentityProvider.parse(text(Setting.AUTH_PROVIDERS)))) {
            problems.add(Setting.OPERATOR_KEYS.key() + " has an issuer and audience of " + Setting.AUTH_PROVIDERS.key()
                    + "; everyone would be an operator");
        }
    }

    private LoadedSettings.Value find(Setting setting, Path file, Map<String, String> fromFile) {
        String flag = flags.get(setting);
        if (flag != null) {
            return new LoadedSettings.Value(setting, flag, "flag");
        }
        for (String name : names(setting)) {
            String text = environment.get(name);
            if (text != null && !text.isEmpty() && !isOfEnv(name, text)) {
                return new LoadedSettings.Value(setting, text, "environment " + name);
            }
        }
        String text = fromFile.get(setting.key());
        return text == null
                ? new LoadedSettings.Value(setting, setting.defaultText(), "default")
                : new LoadedSettings.Value(setting, text, "file " + file);
    }

    /**
     * Whether that is what {@code env} prints where no domain is set: the default with the port that a server had. A
     * shell with it may start a server whose domain or port is another.
     */
    private static boolean isOfEnv(String variable, String text) {
        return variable.equals("E2B_DOMAIN") && text.matches(Pattern.quote(Setting.DOMAIN.defaultText()) + ":\\d+");
    }

    private static List<String> names(Setting setting) {
        List<String> names = new ArrayList<>();
        names.add(setting.variable());
        names.addAll(setting.aliases());
        return names;
    }

    private Settings assemble(Path dataDir) {
        return new Settings(
                dataDir,
                text(Setting.RUN_DIR).isEmpty() ? DataDirectory.defaultRunDir(dataDir) : Path.of(text(Setting.RUN_DIR)),
                new Settings.Listen(
                        text(Setting.LISTEN_ADDRESS),
                        number(Setting.API_PORT),
                        number(Setting.TRAFFIC_PORT),
                        number(Setting.DEBUG_PORT),
                        text(Setting.DOMAIN)),
                new Settings.Isolation(
                        text(Setting.RUNTIME_KIND),
                        text(Setting.OCI_BINARY),
                        text(Setting.SLOT_CIDR),
                        number(Setting.SLOTS_READY),
                        number(Setting.MAX_SANDBOXES)),
                new Settings.Disk(number(Setting.MIN_FREE)),
                new Settings.SandboxDefaults(
                        number(Setting.CPU_COUNT),
                        number(Setting.MEMORY_MB),
                        number(Setting.DISK_MB),
                        number(Setting.READY_SECONDS)),
                new Settings.Building(buildsAtOnce(), number(Setting.CACHE_MB)),
                new Settings.Images(
                        text(Setting.BASE_IMAGE),
                        text(Setting.DEBIAN_SUITE),
                        text(Setting.DEBIAN_MIRROR),
                        text(Setting.IMAGE_REGISTRY),
                        Boolean.parseBoolean(text(Setting.STAND_INS)),
                        Boolean.parseBoolean(text(Setting.PRIVATE_REGISTRIES))),
                store(dataDir),
                new Settings.Secrets(secret(Setting.ADMIN_TOKEN), secret(Setting.TOKEN_SEED)),
                new Settings.Api(
                        IdentityProvider.parse(text(Setting.AUTH_PROVIDERS)),
                        Boolean.parseBoolean(text(Setting.LEGACY)),
                        RateLimits.parse(text(Setting.RATE_LIMITS)),
                        text(Setting.REDIS_URL).isEmpty() ? null : new RedisAddress(text(Setting.REDIS_URL)),
                        OperatorKeys.parse(text(Setting.OPERATOR_KEYS))),
                new Settings.Registry(
                        Boolean.parseBoolean(text(Setting.REGISTRY)),
                        number(Setting.REGISTRY_PORT),
                        text(Setting.REGISTRY_HOSTNAME),
                        text(Setting.REGISTRY_URL),
                        text(Setting.REGISTRY_NAMESPACE),
                        number(Setting.REGISTRY_MAX_BLOB),
                        number(Setting.REGISTRY_MIN_FREE)),
                new Settings.Logging(
                        text(Setting.LOG_LEVEL),
                        Settings.Logging.Format.valueOf(text(Setting.LOG_FORMAT).toUpperCase(Locale.ROOT))));
    }

    private int buildsAtOnce() {
        int told = number(Setting.BUILDS_AT_ONCE);
        return told == 0 ? Math.max(2, Runtime.getRuntime().availableProcessors()) : told;
    }

    private StoreLocation store(Path dataDir) {
        if (!text(Setting.DATABASE_URL).isEmpty()) {
            return new StoreLocation.Postgres(text(Setting.DATABASE_URL), number(Setting.POOL_SIZE));
        }
        if (!text(Setting.SUPABASE_URL).isEmpty()) {
            return new StoreLocation.Supabase(
                    URI.create(text(Setting.SUPABASE_URL)), text(Setting.SUPABASE_KEY), number(Setting.POOL_SIZE));
        }
        return Boolean.parseBoolean(text(Setting.IN_MEMORY))
                ? new StoreLocation.Memory()
                : new StoreLocation.SqliteFile(new Layout(dataDir).store());
    }

    private String text(Setting setting) {
        return texts.getOrDefault(setting, setting.defaultText());
    }

    private int number(Setting setting) {
        return Integer.parseInt(text(setting));
    }

    private @Nullable String secret(Setting setting) {
        return text(setting).isEmpty() ? null : text(setting);
    }
}
