package dev.sandlot.app;

import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * One key of the settings file: its default, the environment variables that stand over it, and what it may be.
 * The first variable is our own name, made from the key; the others are names that users of compatible systems
 * already have in their environment.
 */
enum Setting {
    RUN_DIR(
            "run-dir",
            "",
            Check.PATH_OR_EMPTY,
            "sockets, pid file, mount points; empty: chosen from the data directory"),
    LISTEN_ADDRESS("listen.address", "127.0.0.1", Check.ADDRESS, "IP address to listen on"),
    API_PORT("listen.api-port", "3000", Check.PORT, "API, and sandbox traffic by host or header", "E2B_API_PORT"),
    TRAFFIC_PORT("listen.traffic-port", "3002", Check.PORT, "sandbox traffic alone"),
    DEBUG_PORT("listen.debug-port", "49983", Check.PORT, "sandbox traffic of the SDKs' debug mode", "E2B_ENVD_PORT"),
    DOMAIN("listen.domain", "sandlot.localhost", Check.DOMAIN, "base of the sandboxes' host names", "E2B_DOMAIN"),
    RUNTIME_KIND("runtime.kind", "oci", Check.KIND, "how sandboxes are isolated"),
    OCI_BINARY("runtime.oci-binary", "crun", Check.NOT_EMPTY, "the OCI runtime program"),
    SLOT_CIDR("runtime.slot-cidr", "", Check.CIDR_OR_EMPTY, "IPv4 range of the sandboxes' networks; empty: a free one"),
    SLOTS_READY("runtime.slots-ready", "32", Check.COUNT, "network slots kept ready"),
    MAX_SANDBOXES("runtime.max-sandboxes", "1000", Check.POSITIVE, "sandboxes that may run at once"),
    MIN_FREE(
            "disk.min-free-mb",
            "512",
            Check.COUNT,
            "MiB that new sandboxes, builds and uploads leave free on the disk; fuller, they are refused"),
    BUILDS_AT_ONCE(
            "builds.at-once",
            "0",
            Check.COUNT,
            "template builds that may run at once, each with room for a sandbox beside those of users;"
                    + " 0: as many as processors, two at least"),
    CACHE_MB("builds.cache-mb", "20480", Check.POSITIVE, "size of the layers that the cache of builds keeps, in MiB"),
    CPU_COUNT("sandbox.cpu-count", "2", Check.POSITIVE, "processors of a sandbox"),
    MEMORY_MB("sandbox.memory-mb", "512", Check.POSITIVE, "memory of a sandbox in MiB"),
    DISK_MB("sandbox.disk-mb", "0", Check.COUNT, "disk of a sandbox in MiB; 0 for no limit. Not enforced yet"),
    READY_SECONDS(
            "sandbox.ready-seconds",
            "60",
            Check.READY_SECONDS,
            "how long a new sandbox may take until its template's ready command succeeds"),
    BASE_IMAGE("images.base", "", Check.ANY, "image of the base template; empty: made from Debian packages"),
    DEBIAN_SUITE("images.debian-suite", "trixie", Check.NOT_EMPTY, "Debian release of the base template"),
    DEBIAN_MIRROR("images.debian-mirror", "", Check.ANY, "Debian mirror; empty: the system's own"),
    IMAGE_REGISTRY(
            "images.registry", "", Check.ANY, "registry, as host:port, of images whose name has none; empty: nowhere"),
    STAND_INS(
            "images.stand-ins",
            "true",
            Check.TRUTH,
            "meet well-known images from Debian packages where no registry answers"),
    PRIVATE_REGISTRIES(
            "images.private-registries",
            "false",
            Check.TRUTH,
            "let templates name registries at private addresses, this machine's included"),
    DATABASE_URL(
            "secrets.database-url",
            "",
            Check.DATABASE_OR_EMPTY,
            "PostgreSQL database of the store, as postgres://…; empty: SQLite in the data directory",
            "DATABASE_URL",
            "POSTGRES_CONNECTION_STRING"),
    POOL_SIZE("store.pool-size", "10", Check.POSITIVE, "most connections to PostgreSQL, or requests to Supabase"),
    IN_MEMORY(
            "store.in-memory",
            "false",
            Check.TRUTH,
            "keep the store in memory; a restart forgets all",
            "USE_IN_MEMORY_STORE"),
    SUPABASE_URL(
            "store.supabase-url",
            "",
            Check.WEB_ADDRESS_OR_EMPTY,
            "Supabase project of the store; needs its secret key",
            "SUPABASE_URL"),
    SUPABASE_KEY("secrets.supabase-key", "", Check.ANY, "secret key of the Supabase project", "SUPABASE_SECRET_KEY"),
    REDIS_URL(
            "secrets.redis-url",
            "",
            Check.REDIS_OR_EMPTY,
            "Redis that holds the rate limits, as redis://… or rediss://…; empty: the memory of the server",
            "REDIS_URL"),
    ADMIN_TOKEN(
            "secrets.admin-token",
            "",
            Check.ANY,
            "token of the operator's calls; empty: made once and kept in the data directory",
            "ADMIN_TOKEN"),
    TOKEN_SEED(
            "secrets.token-seed",
            "",
            Check.ANY,
            "seed of the sandboxes' access tokens; empty: made once and kept",
            "SANDBOX_ACCESS_TOKEN_HASH_SEED"),
    AUTH_PROVIDERS(
            "api.auth-providers",
            "",
            Check.PROVIDERS,
            "OpenID Connect providers whose tokens are taken, as JSON",
            "AUTH_PROVIDER_CONFIG"),
    OPERATOR_KEYS("api.operator-keys", "", Check.OPERATOR_KEYS, "key set whose tokens make an operator, as JSON"),
    LEGACY("api.legacy", "true", Check.TRUTH, "serve older clients what newer servers call gone: access tokens"),
    RATE_LIMITS(
            "api.rate-limits",
            "",
            Check.RATES,
            "requests of a team, such as list=20/1s, POST /v2/sandboxes=5/1s; empty: no limit"),
    REGISTRY("registry.enabled", "true", Check.TRUTH, "serve the image registry, for `docker push`"),
    REGISTRY_PORT("registry.port", "5000", Check.PORT, "the image registry alone; 0: any free port"),
    REGISTRY_HOSTNAME(
            "registry.hostname",
            "",
            Check.HOST_OR_EMPTY,
            "name under which clients reach the registry over HTTPS; empty: the one they asked for",
            "DOCKER_HOSTNAME",
            "EXTERNAL_REGISTRY_DOMAIN"),
    REGISTRY_URL(
            "secrets.registry-url",
            "",
            Check.REGISTRY_OR_EMPTY,
            "registry that pushed images go on to, as https://user:password@host; empty: kept here",
            "REGISTRY_URL",
            "LOCAL_REGISTRY_URL"),
    REGISTRY_NAMESPACE(
            "registry.namespace",
            "e2b/custom-envs",
            Check.REPOSITORY,
            "where images of builds lie in that registry",
            "E2B_REGISTRY_NAMESPACE"),
    REGISTRY_MAX_BLOB(
            "registry.max-blob-mb", "25600", Check.POSITIVE, "the largest layer of an image that is taken, in MiB"),
    REGISTRY_MIN_FREE(
            "registry.min-free-mb",
            "2048",
            Check.COUNT,
            "MiB that pushes leave free on the disk; fuller, they are refused"),
    LOG_LEVEL("log.level", "info", Check.LEVEL, "error, warn, info, debug or trace"),
    LOG_FORMAT("log.format", "text", Check.FORMAT, "text, or json for one object a line");

    private final String key;
    private final String defaultText;
    private final Check check;
    private final String meaning;
    private final String aliases;

    Setting(String key, String defaultText, Check check, String meaning, String... aliases) {
        this.key = key;
        this.defaultText = defaultText;
        this.check = check;
        this.meaning = meaning;
        this.aliases = String.join(" ", aliases);
    }

    String key() {
        return key;
    }

    String defaultText() {
        return defaultText;
    }

    String meaning() {
        return meaning;
    }

    boolean isSecret() {
        return key.startsWith("secrets.");
    }

    /** Our own environment variable for the key. */
    String variable() {
        return "SANDLOT_" + key.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_');
    }

    /** Other names under which the environment may hold it. */
    List<String> aliases() {
        return aliases.isEmpty() ? List.of() : List.of(aliases.split(" "));
    }

    /** The option of {@code up} that sets it. */
    Optional<String> flag() {
        return switch (this) {
            case LISTEN_ADDRESS -> Optional.of("--listen");
            case API_PORT -> Optional.of("--port");
            case TRAFFIC_PORT -> Optional.of("--traffic-port");
            case DEBUG_PORT -> Optional.of("--debug-port");
            case RUNTIME_KIND -> Optional.of("--runtime");
            default -> Optional.empty();
        };
    }

    /** What is wrong with a text as a value of this setting. */
    Optional<String> problem(String text) {
        return check.problem(text);
    }

    static Optional<Setting> ofKey(String key) {
        for (Setting setting : values()) {
            if (setting.key.equals(key)) {
                return Optional.of(setting);
            }
        }
        return Optional.empty();
    }

    static Optional<Setting> ofVariable(String variable) {
        for (Setting setting : values()) {
            if (setting.variable().equals(variable)) {
                return Optional.of(setting);
            }
        }
        return Optional.empty();
    }
}
