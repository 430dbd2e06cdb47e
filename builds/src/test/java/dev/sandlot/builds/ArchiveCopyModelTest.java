package dev.sandlot.builds;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Random copies into random trees against a model of template-build.md 5.5 that is a map. */
@Tag("kernel")
class ArchiveCopyModelTest {
    private static final int ROUNDS = 400;
    private static final int MUTATIONS = 1500;
    private static final int MAX_LINKS = 8;
    private static final List<String> NAMES = List.of("a", "b", "c");

    @TempDir
    Path temp;

    /** What is at a path: a directory has no content, a link has its target. */
    private record Node(char kind, String content, String owner, int mode) {
        boolean isDirectory() {
            return kind == 'd';
        }

        @Override
        public String toString() {
            return kind + " " + content + " " + owner + " " + Integer.toOctalString(mode);
        }
    }

    private static final class Conflict extends Exception {
        private static final long serialVersionUID = 1;
    }

    /** The tree by absolute paths without links. */
    private static final class Model {
        final Map<String, Node> nodes = new TreeMap<>();

        /** Where a path leads, all links followed; the text after the last directory when nothing is there. */
        String real(String path) throws Conflict {
            Deque<String> todo = new ArrayDeque<>(List.of(path.substring(1).split("/")));
            String at = "";
            int links = 0;
            while (!todo.isEmpty()) {
                String next = at + "/" + todo.pop();
                Node node = nodes.get(next);
                if (node != null && node.kind() == 'l') {
                    if (++links > MAX_LINKS) {
                        throw new Conflict();
                    }
                    String[] parts = node.content().substring(1).split("/");
                    for (int i = parts.length - 1; i >= 0; i--) {
                        todo.push(parts[i]);
                    }
                    at = "";
                } else if (node != null && !node.isDirectory() && !todo.isEmpty()) {
                    throw new Conflict();
                } else {
                    at = next;
                }
            }
            return at;
        }

        boolean isDirectory(String path) {
            try {
                Node node = nodes.get(real(path));
                return path.isEmpty() || (node != null && node.isDirectory());
            } catch (Conflict e) {
                return false;
            }
        }

        void makeDirectories(String path, String owner) throws Conflict {
            if (path.isEmpty() || isDirectory(path)) {
                return;
            }
            String above = path.substring(0, path.lastIndexOf('/'));
            makeDirectories(above, owner);
            String here = here(path);
            if (nodes.containsKey(here)) {
                throw new Conflict();
            }
            nodes.put(here, new Node('d', "", owner, 0755));
        }

        /** The parent's links followed, the last name as it is. */
        String here(String path) throws Conflict {
            int slash = path.lastIndexOf('/');
            return (slash == 0 ? "" : real(path.substring(0, slash))) + path.substring(slash);
        }

        void put(String path, Node node) throws Conflict {
            makeDirectories(path.substring(0, path.lastIndexOf('/')), node.owner());
            String here = here(path);
            if (node.isDirectory()) {
                if (!isDirectory(path)) {
                    if (nodes.containsKey(here)) {
                        throw new Conflict();
                    }
                    nodes.put(here, node);
                }
            } else if (nodes.containsKey(here) && isDirectory(path)) {
                throw new Conflict();
            } else {
                nodes.put(here, node);
            }
        }
    }

    @Test
    void random_copies_do_what_the_model_does() throws Exception {
        for (int seed = 0; seed < ROUNDS; seed++) {
            round(seed);
        }
    }

    private void round(int seed) throws Exception {
        Random random = new Random(seed);
        try (DirectorySandbox sandbox = new DirectorySandbox(temp.resolve("root" + seed))) {
            prepare(random, sandbox.root.resolve("w"));
            Model model = read(sandbox.root);
            String owner = random.nextBoolean() ? "" : "root:staff";
            String mode = random.nextBoolean() ? "" : "0751";
            Upload upload = new Upload();
            Optional<Model> expected = expect(random, model, upload, owner.isEmpty() ? "1000:1000" : "0:50", mode);
            FileCopy.Request request = new FileCopy.Request(upload.plain(temp), "s", "/w/t", owner, mode, "user", "");
            boolean copied = copied(request, sandbox);
            assertThat(copied).as("seed %d", seed).isEqualTo(expected.isPresent());
            if (copied) {
                assertThat(read(sandbox.root).nodes).as("seed %d", seed).isEqualTo(expected.get().nodes);
            }
        }
    }

    private static boolean copied(FileCopy.Request request, DirectorySandbox sandbox) throws Exception {
        try {
            new ArchiveCopy().copy(request, sandbox);
            return true;
        } catch (BuildFailure e) {
            return false;
        }
    }

    private static void prepare(Random random, Path work) throws IOException {
        Files.createDirectories(work.resolve("t"));
        for (int i = random.nextInt(8); i > 0; i--) {
            Path path = work.resolve("t").resolve(name(random)).resolve(name(random));
            Path at = random.nextBoolean() ? path : path.getParent();
            try {
                switch (random.nextInt(3)) {
                    case 0 -> Files.createDirectories(at);
                    case 1 -> Files.writeString(at, "old");
                    default -> Files.createSymbolicLink(at, Path.of("/w/t/" + name(random)));
                }
            } catch (IOException e) {
                Files.createDirectories(work.resolve("t/" + name(random) + "x"));
            }
        }
    }

    /** Fills the upload and tells what shall come of it. */
    private static Optional<Model> expect(Random random, Model model, Upload upload, String owner, String mode)
            throws IOException {
        Map<String, Character> sent = new TreeMap<>();
        boolean conflict = false;
        for (int i = 1 + random.nextInt(6); i > 0; i--) {
            String path = random.nextBoolean() ? name(random) : name(random) + "/" + name(random);
            if (sent.containsKey(path) || !fits(sent, path)) {
                continue;
            }
            int bits = 0600 + random.nextInt(0100);
            int applied = mode.isEmpty() ? bits : 0751;
            Node node = switch (random.nextInt(3)) {
                case 0 -> new Node('d', "", owner, applied);
                case 1 -> new Node('f', "new" + i, owner, applied);
                default -> new Node('l', "/w/t/" + name(random), owner, 0777);
            };
            sent.put(path, node.kind());
            send(upload, "s/" + path, node, bits);
            conflict = conflict || !applied(model, "/w/t/" + path, node);
        }
        if (sent.isEmpty()) {
            upload.directory("s", 0755);
        }
        return conflict ? Optional.empty() : Optional.of(model);
    }

    /** Whether an archive may have a path beside what it has, described in order. */
    private static boolean fits(Map<String, Character> sent, String path) {
        int slash = path.indexOf('/');
        boolean parentIsDirectory = slash < 0 || sent.getOrDefault(path.substring(0, slash), '-') == 'd';
        return parentIsDirectory && sent.keySet().stream().noneMatch(other -> other.startsWith(path + "/"));
    }

    private static boolean applied(Model model, String path, Node node) {
        try {
            model.put(path, node);
            return true;
        } catch (Conflict e) {
            return false;
        }
    }

    private static void send(Upload upload, String path, Node node, int bits) throws IOException {
        switch (node.kind()) {
            case 'd' -> upload.directory(path, bits);
            case 'f' -> upload.file(path, node.content(), bits);
            default -> upload.symlink(path, node.content());
        }
    }

    private static String name(Random random) {
        return NAMES.get(random.nextInt(NAMES.size()));
    }

    private static Model read(Path root) throws IOException {
        Model model = new Model();
        Files.walkFileTree(root, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes)
                    throws IOException {
                return directory.equals(root) ? FileVisitResult.CONTINUE : visitFile(directory, attributes);
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                model.nodes.put("/" + root.relativize(file), node(file, attributes));
                return FileVisitResult.CONTINUE;
            }
        });
        return model;
    }

    private static Node node(Path file, BasicFileAttributes attributes) throws IOException {
        Map<String, Object> unix = Files.readAttributes(file, "unix:uid,gid,mode", LinkOption.NOFOLLOW_LINKS);
        String owner = ((int) unix.get("uid") - DirectorySandbox.UID_BASE) + ":"
                + ((int) unix.get("gid") - DirectorySandbox.UID_BASE);
        int mode = (int) unix.get("mode") & 07777;
        if (attributes.isSymbolicLink()) {
            return new Node('l', Files.readSymbolicLink(file).toString(), owner, mode);
        }
        return attributes.isDirectory()
                ? new Node('d', "", owner, mode)
                : new Node('f', Files.readString(file), owner, mode);
    }

    /** Whatever an archive says, a copy ends with files inside of the sandbox or with a reason for the user. */
    @Test
    void damaged_archives_copy_or_fail_with_a_reason_and_change_nothing_outside() throws Exception {
        Random random = new Random(20);
        byte[] whole = new Upload()
                .directory("s", 0755)
                .file("s/" + "long/".repeat(30) + "name", "1".repeat(700))
                .symlink("s/l", "../x")
                .file("s/ö", "2")
                .hardLink("s/h", "s/ö")
                .bare("s/d/", TarConstants.LF_DIR, "", 0700)
                .bytes();
        Path home = Files.createDirectory(temp.resolve("home"));
        try (DirectorySandbox sandbox = new DirectorySandbox(home.resolve("root"))) {
            for (int i = 0; i < MUTATIONS; i++) {
                byte[] damaged =
                        Arrays.copyOf(whole, random.nextInt(8) == 0 ? random.nextInt(whole.length) : whole.length);
                for (int n = random.nextInt(4); n >= 0 && damaged.length > 0; n--) {
                    damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
                }
                repairChecksums(damaged);
                Path archive = Files.write(temp.resolve("damaged"), damaged);
                copied(new FileCopy.Request(archive, ".", "/t", "", "", "user", ""), sandbox);
            }
            assertThat(home.toFile().list()).containsExactly("root");
            assertThat(sandbox.root.toFile().list()).containsExactlyInAnyOrder("etc", "t");
        }
    }

    /** So that damage is met behind the sum too. */
    private static void repairChecksums(byte[] archive) {
        for (int at = 0; at + 512 <= archive.length; at += 512) {
            if (archive[at + 257] == 'u' && archive[at + 258] == 's') {
                int sum = 0;
                for (int i = 0; i < 512; i++) {
                    sum += i >= 148 && i < 156 ? ' ' : archive[at + i] & 0xff;
                }
                byte[] digits = "%06o\0 ".formatted(sum).getBytes(StandardCharsets.US_ASCII);
                System.arraycopy(digits, 0, archive, at + 148, 8);
            }
        }
    }
}
