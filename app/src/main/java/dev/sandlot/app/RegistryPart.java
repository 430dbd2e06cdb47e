package dev.sandlot.app;

import dev.sandlot.builds.OwnImages;
import dev.sandlot.images.ContentStore;
import dev.sandlot.images.LayerStore;
import dev.sandlot.images.LocalImages;
import dev.sandlot.images.PushedImages;
import dev.sandlot.images.RegistryEndpoint;
import dev.sandlot.images.RegistryLimits;
import dev.sandlot.images.StoredImages;
import dev.sandlot.images.TokenGuard;
import dev.sandlot.images.UpstreamRegistry;
import dev.sandlot.protocol.ExchangeHandler;
import dev.sandlot.protocol.PushRights;
import java.io.IOException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The image registry as the settings want it: our own content, tidied every hour, or the door to another one. */
final class RegistryPart implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RegistryPart.class);
    private static final long TIDY_MINUTES = 60;

    private final Settings.Registry settings;
    private final ContentStore store;
    private final PushedImages images;
    private final LocalImages local;
    private final @Nullable UpstreamRegistry upstream;
    private final ScheduledExecutorService tidying = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("registry-tidying").daemon().factory());

    private RegistryPart(
            Settings.Registry settings, ContentStore store, LayerStore layers, @Nullable UpstreamRegistry upstream)
            throws IOException {
        this.settings = settings;
        this.store = store;
        this.upstream = upstream;
        this.images = upstream == null ? new StoredImages(store, layers) : upstream.images(layers);
        this.local = LocalImages.open(store, layers);
    }

    /** Opens what the settings want; {@code secret} seals uploads that go on to another registry. */
    static RegistryPart open(Settings.Registry settings, LayerStore layers, String secret) throws IOException {
        UpstreamRegistry upstream =
                settings.url().isEmpty() ? null : new UpstreamRegistry(settings.url(), settings.namespace(), secret);
        if (upstream != null && UpstreamRegistry.isReadable(settings.url())) {
            LOG.warn(
                    "pushed images and the password of {} go to it over plain HTTP",
                    UpstreamRegistry.requireAddress(settings.url()));
        }
        RegistryLimits limits =
                RegistryLimits.DEFAULT.with((long) settings.maxBlobMb() << 20, (long) settings.minFreeMb() << 20);
        RegistryPart part = new RegistryPart(settings, ContentStore.open(layers, limits), layers, upstream);
        var _ = part.tidying.scheduleWithFixedDelay(part::tidy, 1, TIDY_MINUTES, TimeUnit.MINUTES);
        return part;
    }

    /** Says that the registry's own port is taken; it is served on the API's port all the same. */
    static void tellUnbound(int port, String why, Progress progress) {
        String text = "port " + port + " of the image registry cannot be had (" + why
                + "); the registry answers on the API's port alone. Choose another by registry.port,"
                + " or none by registry.enabled: false";
        LOG.warn("{}", text);
        progress.step(text);
    }

    /** What answers the registry's requests: the registry's door, or the other handler when it is switched off. */
    ExchangeHandler door(PushRights rights, ExchangeHandler other) {
        if (!settings.enabled()) {
            return other;
        }
        UpstreamRegistry behind = upstream;
        TokenGuard guard = new TokenGuard(rights, settings.hostname(), behind == null);
        return behind == null ? RegistryEndpoint.of(store, guard) : RegistryEndpoint.before(behind, guard);
    }

    /** The images that builds begin with: those that were pushed, wherever to, and those that were imported. */
    OwnImages images() {
        return new OwnImages(images, local);
    }

    private void tidy() {
        try {
            ContentStore.Collected collected = store.collect();
            if (collected.uploads() + collected.contents() > 0) {
                LOG.info("the registry dropped what nobody needs: {}", collected);
            }
        } catch (IOException | RuntimeException e) {
            LOG.warn("the registry could not be tidied; it is tried again later", e);
        }
    }

    @Override
    public void close() {
        tidying.shutdownNow();
        UpstreamRegistry other = upstream;
        if (other != null) {
            other.close();
        }
    }
}
