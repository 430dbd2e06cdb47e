package dev.sandlot.app;

import dev.sandlot.images.UpstreamRegistry;
import java.util.List;

/** Whether the image registry is served, and where what is pushed goes. */
final class RegistryCheckup implements Doctor.Checkup {
    private static final String NAME = "image registry";
    private static final String FIX = "put TLS in front of that registry, and say https:// in REGISTRY_URL";

    private final Settings.Registry settings;

    RegistryCheckup(Settings.Registry settings) {
        this.settings = settings;
    }

    @Override
    public List<Finding> required() {
        return List.of();
    }

    @Override
    public List<Finding> further(boolean isRoot) {
        if (!settings.enabled()) {
            return List.of(Finding.note(NAME, "off: " + Setting.REGISTRY.key() + " is false"));
        }
        String where = settings.url().isEmpty()
                ? "images are kept in the data directory"
                : "images go on to " + UpstreamRegistry.requireAddress(settings.url()) + " below "
                        + settings.namespace();
        String found = "port " + settings.port() + " and the API's; " + where;
        return List.of(
                !settings.url().isEmpty() && UpstreamRegistry.isReadable(settings.url())
                        ? Finding.degraded(NAME, found + ", over plain HTTP: the password can be read on its way", FIX)
                        : Finding.ok(NAME, found));
    }
}
