package dev.sandlot.images;

import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A name for one manifest of a repository. It begins with neither a dot nor a dash, so it is safe as a file's name.
 *
 * @param text the tag
 */
public record Tag(String text) {
    private static final Pattern FORM = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._-]{0,127}");

    public Tag {
        if (!FORM.matcher(text).matches()) {
            throw new IllegalArgumentException("not a tag: " + text);
        }
    }

    /** Reads a tag; empty when it is none. */
    public static Optional<Tag> parse(String text) {
        return FORM.matcher(text).matches() ? Optional.of(new Tag(text)) : Optional.empty();
    }

    @Override
    public String toString() {
        return text;
    }
}
