package dev.sandlot.images;

import dev.sandlot.linux.Errno;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.FileIo;
import dev.sandlot.linux.FileStatus;
import dev.sandlot.linux.FileTree;
import dev.sandlot.linux.LinuxException;
import dev.sandlot.linux.Open;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What an image must have to serve as the base template, looked up in its layers without running any of it. */
final class BaseRequirements {
    private static final List<String> PROGRAM_DIRECTORIES = List.of("usr/bin", "bin", "usr/local/bin");
    private static final List<String> PROGRAMS = List.of("bash", "sudo", "python3", "node");
    private static final int PASSWD_MAX_BYTES = 1 << 20;

    private final LayerStore store;
    private final List<Digest> layers;

    BaseRequirements(LayerStore store, List<Digest> layers) {
        this.store = store;
        this.layers = layers;
    }

    /** What is not there, in words. */
    List<String> missing() throws IOException {
        List<String> missing = new ArrayList<>();
        for (String program : PROGRAMS) {
            if (!hasProgram(program)) {
                missing.add("the program " + program);
            }
        }
        if (!hasUser()) {
            missing.add("the user 'user'");
        }
        return missing;
    }

    private boolean hasProgram(String program) throws IOException {
        for (String directory : PROGRAM_DIRECTORIES) {
            if (topmost(new EntryPath(directory, program)).isPresent()) {
                return true;
            }
        }
        return false;
    }

    private boolean hasUser() throws IOException {
        EntryPath passwd = new EntryPath("etc", "passwd");
        Optional<Digest> layer = topmost(passwd);
        return layer.isPresent() && content(layer.get(), passwd).lines().anyMatch(line -> line.startsWith("user:"));
    }

    /** The highest layer that has a path; empty when none has it or one deletes it. */
    private Optional<Digest> topmost(EntryPath path) throws IOException {
        for (Digest layer : layers.reversed()) {
            Optional<FileStatus> status = status(layer, path);
            if (status.isPresent()) {
                return status.get().isWhiteout() ? Optional.empty() : Optional.of(layer);
            }
        }
        return Optional.empty();
    }

    private Optional<FileStatus> status(Digest layer, EntryPath path) throws IOException {
        try (Fd directory = parent(layer, path)) {
            return FileTree.find(directory, path.fileName());
        } catch (LinuxException e) {
            if (e.is(Errno.ENOENT) || e.is(Errno.ELOOP) || e.is(Errno.ENOTDIR)) {
                return Optional.empty();
            }
            throw e;
        }
    }

    private String content(Digest layer, EntryPath path) throws IOException {
        try (Fd directory = parent(layer, path);
                Fd file = FileTree.open(directory, path.fileName(), Open.READ, 0, Open.PLAIN)) {
            byte[] bytes = new byte[PASSWD_MAX_BYTES];
            int count = FileIo.read(file, bytes, 0, bytes.length);
            return new String(bytes, 0, Math.max(0, count), StandardCharsets.UTF_8);
        }
    }

    private Fd parent(Digest layer, EntryPath path) throws IOException {
        try (Fd root = FileTree.directory(store.path(layer).toString())) {
            return FileTree.open(root, path.parentName(), Open.PATH | Open.DIRECTORY, 0, Open.PLAIN);
        }
    }
}
