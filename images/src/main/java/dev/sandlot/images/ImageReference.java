package dev.sandlot.images;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where an image is.
 *
 * @param registry host name and port, if any
 * @param repository name in the registry
 * @param version tag or digest
 */
public record ImageReference(String registry, String repository, String version) {
    private static final Pattern FORM = Pattern.compile("([^/]+)/([a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"
            + "(?::([A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?");
    private static final Pattern LOOPBACK =
            Pattern.compile("(localhost|127\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}|\\[::1])(:[0-9]{1,5})?");
    private static final Pattern HOST =
            Pattern.compile("([A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)*|\\[[0-9a-fA-F:]+])(:[0-9]{1,5})?");

    /**
     * Reads {@code registry/repository[:tag][@digest]}; the tag is {@code latest} when none is given.
     *
     * @throws IllegalArgumentException when it is not of this form, for example names no registry
     */
    public static ImageReference parse(String text) {
        Matcher m = FORM.matcher(text);
        if (!m.matches() || !isHost(m.group(1))) {
            throw new IllegalArgumentException("not an image with its registry (registry/name:tag): " + text);
        }
        String tag = m.group(3) == null ? "latest" : m.group(3);
        return new ImageReference(m.group(1), m.group(2), m.group(4) == null ? tag : m.group(4));
    }

    /** Whether the registry is on this machine, where plain HTTP is good enough. */
    boolean isLoopback() {
        return LOOPBACK.matcher(registry).matches();
    }

    private static boolean isHost(String text) {
        boolean looksLikeHost = text.contains(".") || text.contains(":") || text.equals("localhost");
        return looksLikeHost && HOST.matcher(text).matches();
    }

    @Override
    public String toString() {
        return registry + "/" + repository + (version.startsWith("sha256:") ? "@" : ":") + version;
    }
}
