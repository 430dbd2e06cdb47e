package dev.sandlot.builds;

import dev.sandlot.images.AwsLogin;
import dev.sandlot.images.BadLayerException;
import dev.sandlot.images.Digest;
import dev.sandlot.images.GcpLogin;
import dev.sandlot.images.ImageName;
import dev.sandlot.images.ImageReference;
import dev.sandlot.images.ImageRefusedException;
import dev.sandlot.images.LayerStore;
import dev.sandlot.images.LocalImages;
import dev.sandlot.images.Progress;
import dev.sandlot.images.PulledImage;
import dev.sandlot.images.RegistryAccess;
import dev.sandlot.images.RegistryCredentials;
import dev.sandlot.images.RegistryImage;
import dev.sandlot.images.RegistryProbe;
import dev.sandlot.images.RegistryStatusException;
import dev.sandlot.images.RegistryUnreachableException;
import dev.sandlot.images.StandIn;
import dev.sandlot.images.StandIns;
import dev.sandlot.protocol.BuildOrigin;
import dev.sandlot.protocol.BuildPlan;
import dev.sandlot.protocol.ImageCredentials;
import java.io.IOException;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Bases from images that were imported, of registries, of this server's own registry, and, where no registry answers,
 * from Debian packages that stand in for well-known images. Of an image only its files and variables count: user,
 * directory and commands are left (template-build.md 8.1).
 */
final class PulledBases implements ImageBases {
    static final String STEP = "base";

    private final LayerStore store;
    private final StandIns standIns;
    private final OwnImages own;
    private final Provisioner provisioner;
    private final ImageBasesSettings settings;
    private final Logins logins;
    private final String provisioning;
    private final Map<RegistryAccess, RegistryProbe> probes;

    /** How credentials are exchanged for a login. */
    record Logins(AwsLogin aws, GcpLogin gcp) {
        static Logins of(RegistryAccess access) {
            return new Logins(
                    new AwsLogin(access, UnaryOperator.identity(), InstantSource.system()),
                    new GcpLogin(access, InstantSource.system()));
        }
    }

    PulledBases(LayerStore store, Workshop workshop, StandIns standIns, OwnImages own, ImageBasesSettings settings) {
        this(store, workshop, standIns, own, settings, Logins.of(settings.access()));
    }

    PulledBases(
            LayerStore store,
            Workshop workshop,
            StandIns standIns,
            OwnImages own,
            ImageBasesSettings settings,
            Logins logins) {
        this.store = store;
        this.standIns = standIns;
        this.own = own;
        this.provisioner = new Provisioner(store, workshop);
        this.settings = settings;
        this.logins = logins;
        this.provisioning = version(settings);
        this.probes = Map.of(
                RegistryAccess.ANY, new RegistryProbe(RegistryAccess.ANY, InstantSource.system()),
                RegistryAccess.PUBLIC, new RegistryProbe(RegistryAccess.PUBLIC, InstantSource.system()));
    }

    private static String version(ImageBasesSettings settings) {
        try {
            return Provisioner.version().hex()
                    + (settings.standIns() ? StandIns.sources().hex() : "");
        } catch (IOException e) {
            throw new IllegalStateException("the stand-ins' sources are missing from the program", e);
        }
    }

    @Override
    public String provisioning() {
        return provisioning;
    }

    @Override
    public String known(String reference) throws IOException {
        try {
            return own.local()
                    .find(ImageName.parse(reference))
                    .map(image -> image.manifest().toString())
                    .orElse("");
        } catch (IllegalArgumentException e) {
            return "";
        }
    }

    @Override
    public void forget(UUID buildId) throws IOException {
        own.pushed().forget(buildId);
    }

    @Override
    public BuildBase make(BuildPlan plan, BuildLog log) throws BuildFailure, IOException, InterruptedException {
        try {
            PulledImage image = switch (plan.origin()) {
                case BuildOrigin.Image named -> image(named, log);
                case BuildOrigin.Pushed _ -> own.pushed().image(plan.templateId(), plan.buildId());
                case BuildOrigin.Parent _, BuildOrigin.Missing _ ->
                    throw new IllegalArgumentException("the plan begins with no image");
            };
            log.info(STEP, size(image.layers()));
            return new BuildBase(provisioner.provision(image.layers(), plan, log), image.env());
        } catch (ImageRefusedException | BadLayerException | RegistryStatusException e) {
            throw new BuildFailure(STEP, String.valueOf(e.getMessage()), e);
        } catch (RegistryUnreachableException e) {
            throw new BuildFailure(STEP, "the registry cannot be reached: " + e.getMessage(), e);
        }
    }

    private PulledImage image(BuildOrigin.Image origin, BuildLog log)
            throws BuildFailure, IOException, InterruptedException {
        ImageName name = parsed(origin.reference());
        Optional<LocalImages.LocalImage> local = own.local().find(name);
        if (local.isPresent()) {
            log.info(
                    STEP,
                    "Taking " + name + ", which was imported as " + local.get().manifest());
            return own.local().image(local.get());
        }
        Optional<StandIn> standIn =
                settings.standIns() && origin.credentials() == null ? StandIn.of(name) : Optional.empty();
        Optional<ImageReference> place = place(name);
        if (standIn.isPresent() && (place.isEmpty() || !answers(name, place.get()))) {
            return standIn(name, standIn.get(), log);
        }
        if (place.isEmpty()) {
            throw new BuildFailure(
                    STEP,
                    "the registry cannot be reached: the image " + name + " names none, and the setting images.registry"
                            + " is empty");
        }
        return pull(place.get(), name, origin.credentials(), log);
    }

    private static ImageName parsed(String reference) throws BuildFailure {
        try {
            return ImageName.parse(reference);
        } catch (IllegalArgumentException e) {
            throw new BuildFailure(STEP, "'" + reference + "' is not an image reference", e);
        }
    }

    private Optional<ImageReference> place(ImageName name) {
        String registry = name.registry() == null ? settings.registry() : name.registry();
        return registry == null ? Optional.empty() : Optional.of(name.at(registry));
    }

    private boolean answers(ImageName name, ImageReference place) throws IOException, InterruptedException {
        RegistryProbe probe = probes.get(access(name));
        return probe != null && probe.answers(place);
    }

    /** The operator's own registry may be anywhere. */
    private RegistryAccess access(ImageName name) {
        boolean operators = name.registry() == null || name.registry().equals(settings.registry());
        return operators ? RegistryAccess.ANY : settings.access();
    }

    private PulledImage standIn(ImageName name, StandIn wanted, BuildLog log)
            throws BuildFailure, IOException, InterruptedException {
        log.info(STEP, "No registry answers for " + name + "; looking for " + wanted.title());
        StandIns.Made made = made(name, wanted, log);
        log.warn(
                STEP,
                name + " is not that image: its registry cannot be reached, and " + made.contents()
                        + " stands in for it");
        return made.image();
    }

    private StandIns.Made made(ImageName name, StandIn wanted, BuildLog log)
            throws BuildFailure, IOException, InterruptedException {
        try {
            return standIns.make(wanted, lines(log));
        } catch (IOException e) {
            throw new BuildFailure(
                    STEP,
                    "the registry of " + name + " cannot be reached, and its stand-in cannot be made: "
                            + e.getMessage(),
                    e);
        }
    }

    private PulledImage pull(ImageReference place, ImageName name, @Nullable ImageCredentials credentials, BuildLog log)
            throws IOException, InterruptedException {
        log.info(STEP, "Pulling " + name);
        return RegistryImage.pull(place, login(place, credentials), access(name), store, lines(log));
    }

    private @Nullable RegistryCredentials login(ImageReference place, @Nullable ImageCredentials credentials)
            throws IOException, InterruptedException {
        return switch (credentials) {
            case null -> null;
            case ImageCredentials.Basic basic -> new RegistryCredentials(basic.username(), basic.password());
            case ImageCredentials.Aws aws ->
                logins.aws().login(place.registry(), aws.accessKeyId(), aws.secretAccessKey(), aws.region());
            case ImageCredentials.Gcp gcp -> logins.gcp().login(gcp.serviceAccountJson());
        };
    }

    private String size(List<Digest> layers) throws IOException {
        long bytes = 0;
        for (Digest layer : layers) {
            bytes += store.find(layer)
                    .orElseThrow(() -> new IOException("layer " + layer + " has vanished"))
                    .bytes();
        }
        return "The image has " + layers.size() + " layers of " + (bytes + 999_999) / 1_000_000 + " MB in all";
    }

    private static Progress lines(BuildLog log) {
        return (step, _) -> log.info(STEP, step);
    }
}
