package dev.sandlot.images;

import dev.sandlot.linux.FileNames;
import dev.sandlot.linux.FileTree;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A path of an archive, taken apart: relative, without {@code ..}, one byte a character.
 *
 * @param parent the directory above, with slashes; empty for the root
 * @param name the last component; empty for the root itself
 */
record EntryPath(String parent, String name) {
    private static final int NAME_MAX = 255;

    static EntryPath parse(String path, int maxBytes) throws BadLayerException {
        refuseUnfit(path, maxBytes);
        List<String> components = new ArrayList<>();
        for (String component : path.split("/", -1)) {
            if (component.equals("..")) {
                throw new BadLayerException("path '" + show(path) + "' goes upwards");
            }
            if (component.length() > NAME_MAX) {
                throw new BadLayerException("path '" + show(path) + "' has a name longer than " + NAME_MAX + " bytes");
            }
            if (!component.isEmpty() && !component.equals(".")) {
                components.add(component);
            }
        }
        if (components.isEmpty()) {
            return new EntryPath("", "");
        }
        String name = components.removeLast();
        return new EntryPath(String.join("/", components), name);
    }

    boolean isRoot() {
        return name.isEmpty();
    }

    /** The whole path. */
    String full() {
        return parent.isEmpty() ? name : parent + "/" + name;
    }

    /** A name beside this one. */
    EntryPath sibling(String other) {
        return new EntryPath(parent, other);
    }

    /** The name as {@code linux} takes it; the root is {@code .} of itself. */
    String fileName() {
        return fileName(name);
    }

    /** The directory above as {@code linux} takes it, from the root. */
    String parentName() {
        return fileName(parent);
    }

    @Override
    public String toString() {
        return show(full());
    }

    static byte[] bytes(String raw) {
        return raw.getBytes(StandardCharsets.ISO_8859_1);
    }

    /** A name or path of the archive as {@code linux} takes it; nothing is {@code .}. */
    static String fileName(String raw) {
        return raw.isEmpty() ? FileTree.SELF : FileNames.decode(bytes(raw));
    }

    /** A name or path from {@code linux} with one byte a character. */
    static String raw(String fileName) {
        return new String(FileNames.encode(fileName), StandardCharsets.ISO_8859_1);
    }

    /** For people: bytes that are meant as UTF-8. */
    static String show(String raw) {
        return new String(bytes(raw), StandardCharsets.UTF_8);
    }

    private static void refuseUnfit(String path, int maxBytes) throws BadLayerException {
        if (path.length() > maxBytes) {
            throw new BadLayerException("a path of " + path.length() + " bytes; the most is " + maxBytes);
        }
        if (path.startsWith("/")) {
            throw new BadLayerException("path '" + show(path) + "' is absolute");
        }
        if (path.indexOf(0) >= 0) {
            throw new BadLayerException("a path with a zero byte");
        }
    }
}
