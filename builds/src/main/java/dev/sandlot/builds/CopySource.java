package dev.sandlot.builds;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What of an upload a COPY step means: the source up to its first part with a glob (template-build.md 5.5).
 *
 * @param prefix path in the archive; empty for all of it
 */
record CopySource(String prefix) {
    private static final String GLOB_CHARACTERS = "*?[]{}";

    /** @throws BuildFailure when the source is outside of the upload */
    static CopySource of(String source) throws BuildFailure {
        if (source.startsWith("/")) {
            throw new BuildFailure(null, "the source '" + source + "' is absolute; it must be below the context");
        }
        List<String> parts = new ArrayList<>();
        for (String part : source.split("/")) {
            if (part.chars().anyMatch(c -> GLOB_CHARACTERS.indexOf(c) >= 0)) {
                break;
            }
            if (part.equals("..")) {
                throw new BuildFailure(null, "the source '" + source + "' leads out of the context");
            }
            if (!part.isEmpty() && !part.equals(".")) {
                parts.add(part);
            }
        }
        return new CopySource(String.join("/", parts));
    }

    /** The path of an entry below the source; empty text for the source itself, nothing for what is not of it. */
    Optional<String> below(String path) {
        if (prefix.isEmpty()) {
            return Optional.of(path);
        }
        if (path.equals(prefix)) {
            return Optional.of("");
        }
        return path.startsWith(prefix + "/") ? Optional.of(path.substring(prefix.length() + 1)) : Optional.empty();
    }

    /** Its last part. */
    String name() {
        return prefix.substring(prefix.lastIndexOf('/') + 1);
    }
}
