package dev.sandlot.app;

import dev.sandlot.images.ContentStore;
import dev.sandlot.images.LayerStore;
import dev.sandlot.images.RegistryEndpoint;
import dev.sandlot.images.RegistryLimits;
import dev.sandlot.images.TokenGuard;
import dev.sandlot.images.UpstreamRegistry;
import dev.sandlot.protocol.ExchangeHandler;
import dev.sandlot.protocol.PushRights;
import java.io.IOException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The image registry as the settings want it: our own content, tidied every hour, or the door to another one. */
final class RegistryPart implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RegistryPart.class);
    private static final long TIDY_MINUTES = 60;

    private final ContentStore store;
    private final RegistryEndpoint endpoint;
    private final AutoCloseable upstream;
    private final ScheduledExecutorService tidying = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("registry-tidying").daemon().factory());

    private RegistryPart(ContentStore store, RegistryEndpoint endpoint, AutoCloseable upstream) {
        this.store = store;
        this.endpoint = endpoint;
        this.upstream = upstream;
    }

    /** Opens what the settings want; {@code secret} seals uploads that go on to another registry. */
    static RegistryPart open(Settings.Registry settings, LayerStore layers, PushRights rights, String secret)
            throws IOException {
        ContentStore store = ContentStore.open(layers, RegistryLimits.DEFAULT);
        RegistryPart part = settings.url().isEmpty()
                ? new RegistryPart(
                        store,
                        RegistryEndpoint.of(store, new TokenGuard(rights, settings.hostname(), true)),
                        () -> {})
                : before(settings, store, rights, secret);
        var _ = part.tidying.scheduleWithFixedDelay(part::tidy, 1, TIDY_MINUTES, TimeUnit.MINUTES);
        return part;
    }

    private static RegistryPart before(
            Settings.Registry settings, ContentStore store, PushRights rights, String secret) {
        UpstreamRegistry upstream = new UpstreamRegistry(settings.url(), settings.namespace(), secret);
        TokenGuard guard = new TokenGuard(rights, settings.hostname(), false);
        return new RegistryPart(store, RegistryEndpoint.before(upstream, guard), upstream);
    }

    /** Says that the registry's own port is taken; it is served on the API's port all the same. */
    static void tellUnbound(int port, String why, Progress progress) {
        String text = "port " + port + " of the image registry cannot be had (" + why
                + "); the registry answers on the API's port alone. Choose another by registry.port,"
                + " or none by registry.enabled: false";
        LOG.warn("{}", text);
        progress.step(text);
    }

    /** Answers the registry's requests. */
    ExchangeHandler endpoint() {
        return endpoint;
    }

    /** What was pushed here. */
    ContentStore store() {
        return store;
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
    public void close() throws IOException {
        tidying.shutdownNow();
        try {
            upstream.close();
        } catch (Exception e) {
            throw new IOException("could not close the way to the other registry", e);
        }
    }
}
