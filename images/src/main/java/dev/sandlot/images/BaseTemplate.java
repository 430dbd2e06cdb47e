package dev.sandlot.images;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The template {@code base}: Debian with the tools agents expect, a user named {@code user}, as layers of the pool
 * (template-build.md 8 and 20.1).
 */
public final class BaseTemplate {
    /** Its name. */
    public static final String NAME = "base";

    private static final Logger LOG = LoggerFactory.getLogger(BaseTemplate.class);
    private static final String USER = "user";
    private static final String HOME = "/home/user";
    private static final Map<String, String> ENV =
            Map.of("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG", "C.UTF-8");

    private final LayerStore store;
    private final BaseTemplateSettings settings;
    private final Progress progress;
    private final TemplateFile file;

    private BaseTemplate(LayerStore store, BaseTemplateSettings settings, Progress progress) {
        this.store = store;
        this.settings = settings;
        this.progress = progress;
        this.file = new TemplateFile(store.pool(), NAME);
    }

    /**
     * Gives the base template and makes it first when it is missing or its sources have changed: from the image that
     * the settings name when its registry answers, else from Debian packages.
     *
     * @throws IOException when it cannot be made; the message says what to do
     */
    public static TemplateRecord ensure(LayerStore store, BaseTemplateSettings settings, Progress progress)
            throws IOException, InterruptedException {
        return new BaseTemplate(store, settings, progress).ensure();
    }

    private TemplateRecord ensure() throws IOException, InterruptedException {
        TemplateSource source = TemplateSource.bundled(NAME);
        Digest fromPackages = source.hash(List.of(settings.suite(), String.valueOf(settings.mirror())));
        String image = settings.image();
        @Nullable Digest fromImage = image == null ? null : source.hash(List.of("image", image));
        Optional<TemplateRecord> present = file.read();
        if (present.isPresent() && isCurrent(present.get(), fromPackages, fromImage)) {
            return present.get();
        }
        TemplateRecord made = image == null || fromImage == null
                ? build(source, fromPackages)
                : pullOrBuild(image, fromImage, source, fromPackages);
        file.write(made);
        progress.report("base template: ready", 1);
        return made;
    }

    private boolean isCurrent(TemplateRecord present, Digest fromPackages, @Nullable Digest fromImage) {
        Digest hash = present.sourceHash();
        return (hash.equals(fromPackages) || hash.equals(fromImage))
                && present.layers().stream().allMatch(store::has);
    }

    private TemplateRecord pullOrBuild(String image, Digest fromImage, TemplateSource source, Digest fromPackages)
            throws IOException, InterruptedException {
        try {
            return pull(image, fromImage);
        } catch (RegistryUnreachableException e) {
            LOG.warn("building the base template from packages: {}", e.getMessage());
            progress.report("base template: " + e.getMessage() + "; building it from packages", 0);
            return build(source, fromPackages);
        }
    }

    private TemplateRecord build(TemplateSource source, Digest hash) throws IOException, InterruptedException {
        progress.report("base template: preparing the build", 0);
        try (StagedTree tree = store.stage();
                StagedTree scratch = store.stage()) {
            Files.setPosixFilePermissions(tree.path(), PosixFilePermissions.fromString("rwxr-xr-x"));
            new DebianBootstrap("base template", source, settings, HostApt.read())
                    .build(tree.path(), scratch.path(), progress);
            progress.report("base template: storing the layer", 0.97);
            LayerRecord layer = store.commit(tree);
            return new TemplateRecord(NAME, List.of(layer.diffId()), USER, HOME, ENV, hash);
        }
    }

    private TemplateRecord pull(String image, Digest hash) throws IOException, InterruptedException {
        PulledImage pulled = RegistryImage.pull(ImageReference.parse(image), settings.credentials(), store, progress);
        List<String> missing = new BaseRequirements(store, pulled.layers()).missing();
        if (!missing.isEmpty()) {
            throw new IOException(
                    "the image " + image + " cannot be the base template, it lacks: " + String.join(", ", missing));
        }
        Map<String, String> env = pulled.env().isEmpty() ? ENV : pulled.env();
        return new TemplateRecord(NAME, pulled.layers(), USER, HOME, env, hash);
    }
}
