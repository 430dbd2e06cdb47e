package dev.sandlot.builds;

import java.util.ArrayDeque;
import java.util.Deque;

/** Paths of a sandbox, by their text alone; what is at them is found by the sandbox's own files. */
final class GuestPaths {
    private GuestPaths() {}

    /** A path, absolute and without {@code .} and {@code ..}; a relative one is taken from a directory, else the root. */
    static String resolve(String directory, String path) {
        String whole = path.startsWith("/") ? path : directory + "/" + path;
        Deque<String> kept = new ArrayDeque<>();
        for (String part : whole.split("/")) {
            if (part.equals("..")) {
                kept.pollLast();
            } else if (!part.isEmpty() && !part.equals(".")) {
                kept.addLast(part);
            }
        }
        return "/" + String.join("/", kept);
    }
}
