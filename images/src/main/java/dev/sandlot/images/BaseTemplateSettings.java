package dev.sandlot.images;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How the base template is made.
 *
 * @param suite the Debian release it is built from
 * @param mirror a Debian mirror instead of the one that the host uses, or null
 * @param image an image to use instead of building when its registry answers, or null
 * @param credentials for that registry, or null
 * @param buildTimeout how long a build may take
 */
public record BaseTemplateSettings(
        String suite,
        @Nullable String mirror,
        @Nullable String image,
        @Nullable RegistryCredentials credentials,
        Duration buildTimeout) {
    /** Built from Debian 13 within 15 minutes, from the mirror that the host uses. */
    public static final BaseTemplateSettings DEFAULT =
            new BaseTemplateSettings("trixie", null, null, null, Duration.ofMinutes(15));
}
