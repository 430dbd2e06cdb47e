package dev.sandlot.images;

import java.io.IOException;

/** The deletion marks of the OCI image specification, "Whiteouts". */
final class Whiteout {
    static final String PREFIX = ".wh.";
    static final String OPAQUE = ".wh..wh..opq";

    private static final String OLD_METADATA_PREFIX = ".wh..wh.";

    private Whiteout() {}

    static boolean isOne(EntryPath path) {
        return path.name().startsWith(PREFIX);
    }

    static void apply(EntryPath path, LayerTree tree) throws IOException {
        String name = path.name();
        if (name.equals(OPAQUE)) {
            tree.opaque(path.parent());
        } else if (!name.startsWith(OLD_METADATA_PREFIX)) {
            tree.whiteout(path.sibling(deleted(path)));
        }
    }

    private static String deleted(EntryPath path) throws BadLayerException {
        String name = path.name().substring(PREFIX.length());
        if (name.isEmpty() || name.equals(".") || name.equals("..")) {
            throw new BadLayerException("'" + path + "' deletes nothing that has a name");
        }
        return name;
    }
}
