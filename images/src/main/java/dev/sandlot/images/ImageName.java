package dev.sandlot.images;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * An image as users write it, with or without a registry: {@code debian:12}, {@code team/tool},
 * {@code host:5000/team/tool@sha256:…}.
 *
 * @param registry host name and port, or null when the name has none
 * @param repository name in the registry
 * @param version tag or digest
 */
public record ImageName(@Nullable String registry, String repository, String version) {
    private static final int MAX_LENGTH = 512;
    private static final String OFFICIAL = "library/";
    private static final Pattern FORM = Pattern.compile("(?:([^/]*[.:][^/]*|localhost)/)?"
            + "([a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*)*)"
            + "(?::([A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?");

    /**
     * Reads {@code [registry/]repository[:tag][@digest]}; the tag is {@code latest} when none is given.
     *
     * @throws IllegalArgumentException when it is not of this form
     */
    public static ImageName parse(String text) {
        Matcher m = FORM.matcher(text);
        if (text.length() > MAX_LENGTH || !m.matches()) {
            throw new IllegalArgumentException("not an image reference: " + text);
        }
        String tag = m.group(3) == null ? "latest" : m.group(3);
        ImageName name = new ImageName(m.group(1), m.group(2), m.group(4) == null ? tag : m.group(4));
        if (name.registry() != null) {
            name.at(name.registry());
        }
        return name;
    }

    /** Where it is when names without a registry are of the given one: those of one part are official images there. */
    public ImageReference at(String defaultRegistry) {
        String host = registry == null ? defaultRegistry : registry;
        boolean official = registry == null && !repository.contains("/");
        String separator = isDigest() ? "@" : ":";
        return ImageReference.parse(host + "/" + (official ? OFFICIAL : "") + repository + separator + version);
    }

    /** Whether the version is a digest. */
    public boolean isDigest() {
        return version.startsWith("sha256:");
    }

    /** The repository without the part that says that it is an official image. */
    public String plainRepository() {
        return repository.startsWith(OFFICIAL) ? repository.substring(OFFICIAL.length()) : repository;
    }

    @Override
    public String toString() {
        return (registry == null ? "" : registry + "/") + repository + (isDigest() ? "@" : ":") + version;
    }
}
