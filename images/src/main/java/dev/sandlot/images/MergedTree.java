package dev.sandlot.images;

import dev.sandlot.linux.Directory;
import dev.sandlot.linux.Errno;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.FileIo;
import dev.sandlot.linux.FileStatus;
import dev.sandlot.linux.FileTree;
import dev.sandlot.linux.LinuxException;
import dev.sandlot.linux.Open;
import dev.sandlot.linux.Xattrs;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * The files of layers over each other as overlayfs would show them, read without mounting: the highest layer that
 * has a name decides, a whiteout ends the search, and so does an opaque directory.
 */
public final class MergedTree {
    private static final int MAX_LINKS = 40;
    private static final int BUFFER_BYTES = 64 * 1024;
    private static final int DIRECTORY = Open.PATH | Open.DIRECTORY;

    private final LayerStore store;
    private final List<Digest> layers;

    /** @param layers lowest first; must be in the store */
    public MergedTree(LayerStore store, List<Digest> layers) {
        this.store = store;
        this.layers = List.copyOf(layers);
    }

    /**
     * The content of a regular file, links followed inside the tree.
     *
     * @param path absolute
     * @param maxBytes of what is longer, so many bytes are given
     * @return empty when there is no such file
     */
    public Optional<byte[]> read(String path, int maxBytes) throws IOException {
        Deque<String> todo = new ArrayDeque<>(parts(path));
        Deque<String> done = new ArrayDeque<>();
        int links = 0;
        while (!todo.isEmpty()) {
            String name = todo.pop();
            if (name.equals("..")) {
                done.pollLast();
                continue;
            }
            try (Merged directory = open(done)) {
                Optional<Found> found = directory.find(name);
                if (found.isEmpty() || (!todo.isEmpty() && found.get().status().isRegular())) {
                    return Optional.empty();
                }
                if (found.get().status().isSymlink()) {
                    if (++links > MAX_LINKS) {
                        return Optional.empty();
                    }
                    String target = FileTree.readLink(found.get().directory(), name);
                    parts(target).reversed().forEach(todo::push);
                    if (target.startsWith("/")) {
                        done.clear();
                    }
                } else if (found.get().status().isDirectory()) {
                    done.addLast(name);
                } else {
                    return found.get().status().isRegular()
                            ? Optional.of(content(found.get().directory(), name, maxBytes))
                            : Optional.empty();
                }
            }
        }
        return Optional.empty();
    }

    /** A name, in the handle of the highest layer that has it. */
    record Found(Fd directory, FileStatus status) {}

    /** A directory in all the layers that make it up, the highest first. */
    static final class Merged implements AutoCloseable {
        private final List<Fd> handles;

        private Merged(List<Fd> handles) {
            this.handles = handles;
        }

        /** The one that its own attributes are taken from. */
        Fd top() {
            return handles.getFirst();
        }

        Optional<Found> find(String name) throws IOException {
            for (Fd handle : handles) {
                Optional<FileStatus> status = FileTree.find(handle, name);
                if (status.isPresent()) {
                    return status.get().isWhiteout() ? Optional.empty() : Optional.of(new Found(handle, status.get()));
                }
            }
            return Optional.empty();
        }

        /** All names, those of deleted things among them, sorted by their bytes. */
        Set<String> names() throws IOException {
            Set<String> names = new TreeSet<>();
            Set<String> seen = new HashSet<>();
            for (Fd handle : handles) {
                try (Directory directory = Directory.of(handle)) {
                    for (List<String> some = directory.next(); !some.isEmpty(); some = directory.next()) {
                        for (String name : some) {
                            if (seen.add(name)) {
                                names.add(EntryPath.raw(name));
                            }
                        }
                    }
                }
            }
            return names;
        }

        /** Whether nothing is seen of a directory of that name below these layers. */
        boolean hidesBelow(String name) throws IOException {
            for (Fd handle : handles) {
                Optional<FileStatus> status = FileTree.find(handle, name);
                if (status.isPresent() && (!status.get().isDirectory() || isOpaque(handle, name))) {
                    return true;
                }
            }
            return false;
        }

        /** A directory in this one. */
        Merged child(String name) throws IOException {
            List<Fd> children = new ArrayList<>();
            try {
                for (Fd handle : handles) {
                    Optional<FileStatus> status = FileTree.find(handle, name);
                    if (status.isPresent() && !status.get().isDirectory()) {
                        break;
                    }
                    if (status.isPresent()) {
                        children.add(FileTree.open(handle, name, DIRECTORY, 0, Open.PLAIN));
                        if (isOpaque(handle, name)) {
                            break;
                        }
                    }
                }
                if (children.isEmpty()) {
                    throw new LinuxException("openat2", name, Errno.ENOENT.number());
                }
                return new Merged(children);
            } catch (IOException e) {
                children.forEach(Fd::close);
                throw e;
            }
        }

        @Override
        public void close() {
            handles.forEach(Fd::close);
        }

        private static boolean isOpaque(Fd in, String name) throws IOException {
            return Xattrs.find(in, name, LayerXattrs.OPAQUE)
                    .filter(value -> value.length == 1 && value[0] == 'y')
                    .isPresent();
        }
    }

    /** The root; to be closed. */
    Merged root() throws IOException {
        List<Fd> handles = new ArrayList<>();
        try {
            for (Digest layer : layers.reversed()) {
                handles.add(FileTree.directory(store.path(layer).toString()));
            }
            return new Merged(handles);
        } catch (IOException e) {
            handles.forEach(Fd::close);
            throw e;
        }
    }

    private Merged open(Deque<String> path) throws IOException {
        Merged at = root();
        for (String name : path) {
            try (Merged above = at) {
                at = above.child(name);
            }
        }
        return at;
    }

    private static List<String> parts(String path) {
        List<String> parts = new ArrayList<>();
        for (String part : path.split("/")) {
            if (!part.isEmpty() && !part.equals(".")) {
                parts.add(part);
            }
        }
        return parts;
    }

    private static byte[] content(Fd directory, String name, int maxBytes) throws IOException {
        try (Fd file = FileTree.open(directory, name, Open.READ | Open.NOFOLLOW, 0, Open.PLAIN)) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            byte[] buffer = new byte[BUFFER_BYTES];
            int count = FileIo.read(file, buffer, 0, Math.min(buffer.length, maxBytes));
            while (count > 0) {
                out.write(buffer, 0, count);
                int room = Math.min(buffer.length, maxBytes - out.size());
                count = room == 0 ? -1 : FileIo.read(file, buffer, 0, room);
            }
            return out.toByteArray();
        }
    }
}
