package dev.sandlot.images;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Makes stand-ins for images out of Debian packages. Each is made once, whoever asks, and kept in the pool; one that
 * is asked for several times at once is made once. A cut build leaves nothing. Safe for many threads.
 */
public final class StandIns {
    private static final String PREFIX = "stand-in-";
    private static final String PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    private static final int STATUS_MAX_BYTES = 16 << 20;

    private final LayerStore store;
    private final BaseTemplateSettings settings;
    private final Map<String, ReentrantLock> locks = new ConcurrentHashMap<>();

    /** @param settings how the base template is made; the others are made alike */
    public StandIns(LayerStore store, BaseTemplateSettings settings) {
        this.store = store;
        this.settings = settings;
    }

    /**
     * A stand-in that is there.
     *
     * @param image its layers and variables
     * @param contents what is really in it, with versions, for people
     */
    public record Made(PulledImage image, String contents) {}

    /**
     * Gives a stand-in and makes it first when it is missing or its sources have changed.
     *
     * @throws IOException when it cannot be made; the message says what to do
     */
    public Made make(StandIn wanted, Progress progress) throws IOException, InterruptedException {
        ReentrantLock lock = locks.computeIfAbsent(wanted.toString(), _ -> new ReentrantLock());
        lock.lockInterruptibly();
        try {
            TemplateRecord record = wanted.kind() == StandIn.Kind.BASE
                    ? BaseTemplate.ensure(store, settings, progress)
                    : ensure(wanted, progress);
            return described(wanted, record);
        } finally {
            lock.unlock();
        }
    }

    /** The layers of all stand-ins that were made: nobody else refers to them, and making them anew takes a while. */
    public Set<Digest> layers() throws IOException {
        Set<Digest> layers = new HashSet<>();
        for (TemplateRecord made : TemplateFile.all(store.pool(), PREFIX)) {
            layers.addAll(made.layers());
        }
        return layers;
    }

    /** A digest of what stand-ins are made from. */
    public static Digest sources() throws IOException {
        StringBuilder all = new StringBuilder();
        for (StandIn.Kind kind : StandIn.Kind.values()) {
            if (kind != StandIn.Kind.BASE) {
                all.append(source(kind).hash(List.of())).append(PATH);
            }
        }
        return Digest.of(all.toString().getBytes(StandardCharsets.UTF_8));
    }

    private TemplateRecord ensure(StandIn wanted, Progress progress) throws IOException, InterruptedException {
        TemplateSource source = source(wanted.kind());
        Digest hash = source.hash(List.of(wanted.suite(), String.valueOf(settings.mirror())));
        String name = PREFIX + wanted.kind().name().toLowerCase(Locale.ROOT) + "-" + wanted.suite();
        TemplateFile file = new TemplateFile(store.pool(), name);
        Optional<TemplateRecord> present = file.read();
        if (present.isPresent() && present.get().sourceHash().equals(hash) && hasAll(present.get())) {
            return present.get();
        }
        Digest layer = build(wanted, source, progress);
        TemplateRecord made =
                new TemplateRecord(name, List.of(layer), "root", "/", Map.of("PATH", PATH, "LANG", "C.UTF-8"), hash);
        file.write(made);
        return made;
    }

    private boolean hasAll(TemplateRecord record) {
        return record.layers().stream().allMatch(store::has);
    }

    private Digest build(StandIn wanted, TemplateSource source, Progress progress)
            throws IOException, InterruptedException {
        BaseTemplateSettings suited =
                new BaseTemplateSettings(wanted.suite(), settings.mirror(), null, null, settings.buildTimeout());
        try (StagedTree tree = store.stage();
                StagedTree scratch = store.stage()) {
            Files.setPosixFilePermissions(tree.path(), PosixFilePermissions.fromString("rwxr-xr-x"));
            new DebianBootstrap(wanted.title(), source, suited, HostApt.read())
                    .build(tree.path(), scratch.path(), progress);
            return store.commit(tree).diffId();
        }
    }

    private Made described(StandIn wanted, TemplateRecord record) throws IOException {
        Map<String, String> env = new HashMap<>(record.env());
        String contents = switch (wanted.kind()) {
            case BASE -> "the base template of this server";
            case DEBIAN -> debian(record);
            case PYTHON -> {
                String version = version(record, "python3");
                env.put("PYTHON_VERSION", version);
                yield "Python " + version + " on " + debian(record);
            }
            case NODE -> {
                String version = version(record, "nodejs");
                env.put("NODE_VERSION", version);
                yield "Node.js " + version + " on " + debian(record);
            }
        };
        return new Made(new PulledImage(record.layers(), env, record.defaultUser(), record.workdir()), contents);
    }

    private String debian(TemplateRecord record) throws IOException {
        return "Debian " + text(record, "/etc/debian_version").strip();
    }

    /** The upstream version of an installed package, as {@code /var/lib/dpkg/status} has it. */
    private String version(TemplateRecord record, String name) throws IOException {
        String status = text(record, "/var/lib/dpkg/status");
        int start = ("\n" + status).indexOf("\nPackage: " + name + "\n");
        if (start < 0) {
            throw new IOException("the stand-in " + record.name() + " has no package " + name);
        }
        int end = status.indexOf("\n\n", start);
        return status.substring(start, end < 0 ? status.length() : end)
                .lines()
                .filter(line -> line.startsWith("Version: "))
                .map(line -> line.substring("Version: ".length()).replaceFirst("^[0-9]+:", ""))
                .map(version -> version.replaceFirst("[+~-].*", ""))
                .findFirst()
                .orElse("of unknown version");
    }

    private String text(TemplateRecord record, String path) throws IOException {
        return new MergedTree(store, record.layers())
                .read(path, STATUS_MAX_BYTES)
                .map(bytes -> new String(bytes, StandardCharsets.UTF_8))
                .orElse("");
    }

    /** Debian as the base template has it, without its user; Python and Node.js are that and more. */
    private static TemplateSource source(StandIn.Kind kind) throws IOException {
        TemplateSource debian = TemplateSource.bundled(BaseTemplate.NAME)
                .only("files/etc/apt/", "files/etc/dpkg/", "files/etc/profile")
                .with(TemplateSource.bundled("debian"));
        return switch (kind) {
            case PYTHON -> debian.with(TemplateSource.bundled("python"));
            case NODE -> debian.with(TemplateSource.bundled("node"));
            case BASE, DEBIAN -> debian;
        };
    }
}
