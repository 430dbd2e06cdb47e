package dev.sandlot.builds;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Where a COPY step puts things (template-build.md 5.5).
 *
 * @param path absolute, without empty parts, {@code .} and {@code ..}; empty for the root
 * @param mustBeDirectory whether it was written as a directory, with a slash or a dot at its end
 */
record CopyTarget(String path, boolean mustBeDirectory) {
    /** @param workdir what a relative target is relative to */
    static CopyTarget of(String target, String workdir) {
        String whole = target.startsWith("/") ? target : workdir + "/" + target;
        Deque<String> parts = new ArrayDeque<>();
        for (String part : whole.split("/")) {
            if (part.equals("..")) {
                parts.pollLast();
            } else if (!part.isEmpty() && !part.equals(".")) {
                parts.addLast(part);
            }
        }
        String path = parts.isEmpty() ? "" : "/" + String.join("/", parts);
        boolean directory = whole.endsWith("/") || whole.endsWith("/.") || whole.endsWith("/..");
        return new CopyTarget(path, directory || path.isEmpty());
    }

    String child(String below) {
        return below.isEmpty() ? path : path + "/" + below;
    }
}
