package dev.sandlot.envd;

import dev.sandlot.linux.FileNames;
import java.util.ArrayDeque;
import java.util.Deque;

/** How a path of a request becomes a path of the sandbox (envd.md 4.3), and arithmetic on such paths. */
final class PathRules {
    private PathRules() {}

    /** A path that names the home of another user. */
    static final class ForeignHome extends Exception {
        private static final long serialVersionUID = 1L;

        ForeignHome(String path) {
            super("cannot expand user-specific home directory: " + FileNames.printable(path));
        }

        String text() {
            return String.valueOf(getMessage());
        }
    }

    /**
     * The path to use. An absolute path stays as it is, a relative one is taken from the home.
     *
     * @param defaultDirectory what an empty path means; the home when this is empty too
     */
    static String resolve(String path, Account user, String defaultDirectory) throws ForeignHome {
        String home = user.home().isEmpty() ? "/" : user.home();
        String named = path.isEmpty() ? defaultDirectory : path;
        if (named.isEmpty()) {
            return home;
        }
        if (named.startsWith("~")) {
            return home(named, home);
        }
        return named.startsWith("/") ? named : join(home, named);
    }

    private static String home(String path, String home) throws ForeignHome {
        if (path.length() > 1 && path.charAt(1) != '/') {
            throw new ForeignHome(path);
        }
        return path.length() == 1 ? home : join(home, path.substring(1));
    }

    /** Both with a slash between, cleaned. */
    static String join(String parent, String child) {
        return clean(parent + "/" + child);
    }

    /** Without empty components, {@code .} and what {@code ..} takes back; by the text alone. */
    static String clean(String path) {
        boolean rooted = path.startsWith("/");
        Deque<String> kept = new ArrayDeque<>();
        for (String part : path.split("/")) {
            append(kept, part, rooted);
        }
        String joined = String.join("/", kept);
        if (rooted) {
            return "/" + joined;
        }
        return joined.isEmpty() ? "." : joined;
    }

    private static void append(Deque<String> kept, String part, boolean rooted) {
        if (part.isEmpty() || part.equals(".")) {
            return;
        }
        if (!part.equals("..")) {
            kept.addLast(part);
        } else if (!kept.isEmpty() && !kept.getLast().equals("..")) {
            kept.removeLast();
        } else if (!rooted) {
            kept.addLast(part);
        }
    }

    /** The last component; {@code /} of the root, {@code .} of nothing. */
    static String baseName(String path) {
        String trimmed = withoutTrailingSlashes(path);
        if (trimmed.isEmpty()) {
            return path.isEmpty() ? "." : "/";
        }
        return trimmed.substring(trimmed.lastIndexOf('/') + 1);
    }

    /** All but the last component, not cleaned; {@code .} when there is none. */
    static String parent(String path) {
        String trimmed = withoutTrailingSlashes(path);
        int slash = trimmed.lastIndexOf('/');
        if (slash < 0) {
            return path.startsWith("/") ? "/" : ".";
        }
        String parent = withoutTrailingSlashes(trimmed.substring(0, slash));
        return parent.isEmpty() ? "/" : parent;
    }

    private static String withoutTrailingSlashes(String path) {
        int end = path.length();
        while (end > 0 && path.charAt(end - 1) == '/') {
            end--;
        }
        return path.substring(0, end);
    }
}
