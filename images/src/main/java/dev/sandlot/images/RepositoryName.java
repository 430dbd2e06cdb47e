package dev.sandlot.images;

import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The name of a repository in a registry (OCI distribution specification, "Pulling manifests"): lower-case parts with
 * slashes between, 255 characters at most.
 *
 * @param text the name
 */
public record RepositoryName(String text) {
    private static final int MAX_LENGTH = 255;
    private static final String PART = "[a-z0-9]++(?:(?:\\.|__?|-++)[a-z0-9]++)*+";
    private static final Pattern FORM = Pattern.compile(PART + "(?:/" + PART + ")*+");

    public RepositoryName {
        if (!isName(text)) {
            throw new IllegalArgumentException("not the name of a repository: " + text);
        }
    }

    /** Reads a name; empty when it is none. */
    public static Optional<RepositoryName> parse(String text) {
        return isName(text) ? Optional.of(new RepositoryName(text)) : Optional.empty();
    }

    /** Whether the repository lies under a name: {@code a/b} does under {@code a}. */
    public boolean isUnder(String namespace) {
        return text.startsWith(namespace + "/");
    }

    private static boolean isName(String text) {
        return text.length() <= MAX_LENGTH && FORM.matcher(text).matches();
    }

    @Override
    public String toString() {
        return text;
    }
}
