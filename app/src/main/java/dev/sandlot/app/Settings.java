package dev.sandlot.app;

import dev.sandlot.control.IdentityProvider;
import dev.sandlot.control.OperatorKeys;
import dev.sandlot.control.RateLimits;
import dev.sandlot.control.RedisAddress;
import dev.sandlot.control.StoreLocation;
import dev.sandlot.linux.DiskFloor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Everything that can be set, one record for each component. Made by {@link SettingsLoader}, which checks it; the
 * keys, the variables and the defaults stand in {@link Setting}.
 *
 * @param dataDir what must outlive a reboot: store, layers, writable layers, keys
 * @param runDir what must not: sockets, pid files, mount points, bundles
 * @param store where teams, keys, templates and sandboxes are written down
 */
public record Settings(
        Path dataDir,
        Path runDir,
        Listen listen,
        Isolation isolation,
        Disk disk,
        SandboxDefaults sandbox,
        Building building,
        Images images,
        StoreLocation store,
        Secrets secrets,
        Api api,
        Registry registry,
        Logging logging) {

    /**
     * Where the server listens.
     *
     * @param address an IP address; {@code 0.0.0.0} for all of the machine's
     * @param apiPort API and sandbox traffic by host or header; 0 for any free port
     * @param trafficPort sandbox traffic alone; 0 for any free port
     * @param debugPort sandbox traffic of the SDKs' debug mode; 0 for any free port
     * @param domain the base of the sandboxes' host names
     */
    public record Listen(String address, int apiPort, int trafficPort, int debugPort, String domain) {}

    /**
     * How sandboxes are kept apart.
     *
     * @param kind the runtime; {@code oci} is the only one
     * @param ociBinary the OCI runtime program: a name looked up in {@code PATH}, or a path
     * @param slotCidr IPv4 range from which sandbox networks are cut; empty for one that is free
     * @param slotsReady network slots kept ready for the next sandboxes
     * @param maxSandboxes sandboxes that may run at once
     */
    public record Isolation(String kind, String ociBinary, String slotCidr, int slotsReady, int maxSandboxes) {}

    /**
     * The disk of the data directory.
     *
     * @param minFreeMb what new sandboxes, builds and uploads leave free on it, in MiB
     */
    public record Disk(int minFreeMb) {
        long minFreeBytes() {
            return (long) minFreeMb << 20;
        }
    }

    /** What is left free where the data directory is, or will be. */
    DiskFloor diskFloor() {
        Path found = dataDir.toAbsolutePath();
        while (!Files.exists(found) && found.getParent() != null) {
            found = found.getParent();
        }
        return new DiskFloor(found, disk.minFreeBytes());
    }

    /**
     * How templates are built.
     *
     * @param atOnce builds that may run at once, each with room for a sandbox beside those of users
     * @param cacheMb MiB of layers that the cache keeps
     */
    public record Building(int atOnce, int cacheMb) {}

    /** How many sandboxes of users and builds there must be room for. */
    int slots() {
        return isolation.maxSandboxes() + building.atOnce();
    }

    /**
     * What a sandbox gets when its template does not say; {@code diskMb} 0 means no limit; it is not enforced yet.
     *
     * @param readySeconds until its template's ready command must succeed
     */
    public record SandboxDefaults(int cpuCount, int memoryMb, int diskMb, int readySeconds) {}

    /**
     * Where the base template and the images of templates come from.
     *
     * @param baseImage an image reference; empty to make the base from Debian packages
     * @param debianSuite the Debian release of the base
     * @param debianMirror where its packages come from; empty for the tool's own default
     * @param registry where images are whose name has no registry; empty for nowhere
     * @param standIns whether well-known images are met from Debian packages where no registry answers
     * @param privateRegistries whether registries at private addresses may be named
     */
    public record Images(
            String baseImage,
            String debianSuite,
            String debianMirror,
            String registry,
            boolean standIns,
            boolean privateRegistries) {}

    /**
     * Secrets an operator may fix; when one is null the server makes its own and keeps it in the data directory.
     *
     * @param adminToken what {@code X-Admin-Token} must carry, or null
     * @param tokenSeed from which the sandboxes' access tokens are derived, or null
     */
    public record Secrets(
            @Nullable String adminToken, @Nullable String tokenSeed) {
        @Override
        public String toString() {
            return "Secrets[masked]";
        }
    }

    /**
     * Who may call the API, and how often.
     *
     * @param providers the identity providers whose tokens are taken
     * @param legacy whether older clients are served what newer servers call gone
     * @param rates how often a team may ask
     * @param rateStore the Redis that counts, or null for the server's memory
     * @param operators whose tokens make an operator, or null for none
     */
    public record Api(
            List<IdentityProvider> providers,
            boolean legacy,
            RateLimits rates,
            @Nullable RedisAddress rateStore,
            @Nullable OperatorKeys operators) {
        public Api {
            providers = List.copyOf(providers);
        }
    }

    /**
     * The image registry.
     *
     * @param enabled whether it is served at all
     * @param port its own port; 0 for any free one
     * @param hostname the name under which clients reach it over HTTPS; empty for the one they asked for
     * @param url another registry that pushed images go on to, with its user and password; empty to keep them here
     * @param namespace where images of builds lie in that registry
     * @param maxBlobMb the largest layer that is taken, in MiB
     * @param minFreeMb what pushes leave free on the disk, in MiB
     */
    public record Registry(
            boolean enabled, int port, String hostname, String url, String namespace, int maxBlobMb, int minFreeMb) {
        @Override
        public String toString() {
            return "Registry[enabled=" + enabled + ", port=" + port + ", hostname=" + hostname + ", namespace="
                    + namespace + "]";
        }
    }

    /** How much is logged, and whether as text or as one JSON object a line. */
    public record Logging(String level, Format format) {
        /** The shape of a log line. */
        public enum Format {
            TEXT,
            JSON
        }
    }
}
