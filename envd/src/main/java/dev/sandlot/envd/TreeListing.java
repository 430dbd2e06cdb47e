package dev.sandlot.envd;

import dev.sandlot.linux.Directory;
import dev.sandlot.linux.FileNames;
import dev.sandlot.linux.LinuxException;
import dev.sandlot.protocol.filesystem.EntryInfo;
import dev.sandlot.protocol.filesystem.FileType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Lists a tree (envd.md 6.5): depth first, a directory before its content, names in the order of their bytes.
 * Directories below the root are opened by their path below it, through no link; at most two descriptors are open
 * at a time. What vanishes meanwhile is passed over.
 */
final class TreeListing {
    /** More than this is refused, so that no sandbox can fill the memory of the program. */
    static final int MAX_ENTRIES = 200_000;

    private static final Comparator<String> BYTES = Comparator.comparing(FileNames::encode, Arrays::compareUnsigned);

    private final String path;
    private final Entries entries;
    private final Directory root;
    private final List<EntryInfo> out = new ArrayList<>();

    /** @param root the directory that {@code path} leads to */
    TreeListing(String path, Directory root, Entries entries) {
        this.path = path;
        this.root = root;
        this.entries = entries;
    }

    /** More entries than anyone may ask for at once. */
    static final class TooMany extends Exception {
        private static final long serialVersionUID = 1L;

        TooMany() {
            super("more than " + MAX_ENTRIES + " entries");
        }
    }

    /** The entries of as many levels as asked for. */
    List<EntryInfo> list(long depth) throws LinuxException, TooMany {
        walk(root, "", depth);
        return out;
    }

    private void walk(Directory directory, String prefix, long depth) throws LinuxException, TooMany {
        for (String name : sortedNames(directory)) {
            String relative = prefix + name;
            if (add(directory, name, relative) && depth > 1) {
                descend(relative, depth - 1);
            }
        }
    }

    private boolean add(Directory directory, String name, String relative) throws LinuxException {
        try {
            String target = path + "/" + relative;
            EntryInfo entry = entries.in(directory, name, PathRules.join(path, relative), target);
            out.add(entry);
            return entry.getType() == FileType.FILE_TYPE_DIRECTORY && !entry.hasSymlinkTarget();
        } catch (LinuxException e) {
            skipVanished(e);
            return false;
        }
    }

    private void descend(String relative, long depth) throws LinuxException, TooMany {
        try (Directory directory = SandboxFiles.below(root.fd(), relative)) {
            walk(directory, relative + "/", depth);
        } catch (LinuxException e) {
            skipVanished(e);
        }
    }

    private List<String> sortedNames(Directory directory) throws LinuxException, TooMany {
        List<String> names = new ArrayList<>();
        for (List<String> some = directory.next(); !some.isEmpty(); some = directory.next()) {
            names.addAll(some);
            if (out.size() + names.size() > MAX_ENTRIES) {
                throw new TooMany();
            }
        }
        names.sort(BYTES);
        return names;
    }

    private static void skipVanished(LinuxException e) throws LinuxException {
        switch (e.errno()) {
            case ENOENT, ENOTDIR, ELOOP -> {}
            default -> throw e;
        }
    }
}
