package dev.sandlot.builds;

import dev.sandlot.images.RegistryAccess;
import org.jspecify.annotations.Nullable;

/**
 * Where images come from.
 *
 * @param registry where images are whose name has no registry: host name and port, or null for nowhere
 * @param standIns whether well-known images are met from Debian packages where no registry answers
 * @param access which addresses may be asked for images that users name; {@code registry} is always asked
 */
public record ImageBasesSettings(@Nullable String registry, boolean standIns, RegistryAccess access) {
    /** No registry of its own, stand-ins, public addresses alone. */
    public static final ImageBasesSettings DEFAULT = new ImageBasesSettings(null, true, RegistryAccess.PUBLIC);
}
