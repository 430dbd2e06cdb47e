package dev.sandlot.images;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What an archive has so far that is no directory, and where paths that lead through its symbolic links come out.
 * Some clients write a linked directory twice: as a link, and its files below the link (template-build.md 6).
 *
 * <p>Links are followed inside the archive alone, whatever is on any disk. Paths are as in {@link EntryPath}.
 */
final class ArchiveLinks {
    private static final int MAX_LINKS = 40;
    private static final String NO_LINK = "";

    /** Paths to what their links say, {@link #NO_LINK} for files. */
    private final Map<String, String> leaves = new HashMap<>();
    /** The parent that was last found to lead through directories alone. */
    private String plainParent = "";

    void addFile(EntryPath path) {
        add(path, NO_LINK);
    }

    void addSymlink(EntryPath path, String target) {
        add(path, target);
    }

    /**
     * The path without links in its parent.
     *
     * @throws BadLayerException when a parent is a file or a link out of the archive
     */
    EntryPath resolve(EntryPath path) throws BadLayerException {
        if (path.parent().equals(plainParent)) {
            return path;
        }
        String parent = new Walk(path).parent();
        plainParent = parent;
        return new EntryPath(parent, path.name());
    }

    private void add(EntryPath path, String target) {
        leaves.put(path.full(), target);
        if ((plainParent + "/").startsWith(path.full() + "/")) {
            plainParent = "";
        }
    }

    /** One path on its way through the links. */
    private final class Walk {
        private final EntryPath path;
        private final Deque<String> ahead;
        private final List<String> behind = new ArrayList<>();
        private int links;

        Walk(EntryPath path) {
            this.path = path;
            this.ahead = new ArrayDeque<>(List.of(path.parent().split("/")));
        }

        String parent() throws BadLayerException {
            while (!ahead.isEmpty()) {
                step(ahead.pop());
            }
            return String.join("/", behind);
        }

        private void step(String name) throws BadLayerException {
            if (name.isEmpty() || name.equals(".")) {
                return;
            }
            if (name.equals("..")) {
                if (behind.isEmpty()) {
                    throw new BadLayerException("'" + path + "' leads out of the archive through a symbolic link");
                }
                behind.removeLast();
                return;
            }
            behind.add(name);
            String here = String.join("/", behind);
            String target = leaves.get(here);
            if (target != null) {
                follow(here, target);
            }
        }

        private void follow(String here, String target) throws BadLayerException {
            if (target.equals(NO_LINK)) {
                throw new BadLayerException(
                        "'" + path + "' leads through '" + EntryPath.show(here) + "', which is no directory");
            }
            if (target.startsWith("/")) {
                throw new BadLayerException("'" + path + "' leads out of the archive through the symbolic link '"
                        + EntryPath.show(here) + "'");
            }
            if (++links > MAX_LINKS) {
                throw new BadLayerException("'" + path + "' leads through too many symbolic links");
            }
            behind.removeLast();
            List.of(target.split("/")).reversed().forEach(ahead::push);
        }
    }
}
