package dev.sandlot.app;

import dev.sandlot.images.SourceArchive;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.GZIPOutputStream;

/**
 * The files of a directory that one COPY step means, in the order of their names (template-build.md 6, 18.2). Links
 * stay links.
 */
final class SourceFiles {
    private static final int BUFFER_BYTES = 128 * 1024;

    private final Path context;
    private final String source;
    private final List<String> paths;

    private SourceFiles(Path context, String source, List<String> paths) {
        this.context = context;
        this.source = source;
        this.paths = List.copyOf(paths);
    }

    /**
     * Finds them.
     *
     * @param source a path or a pattern below the directory
     * @throws IllegalArgumentException when there are none, or they are outside of the directory
     */
    static SourceFiles find(Path context, String source, IgnoreRules ignored) throws IOException {
        String clean = clean(source);
        PathPattern pattern = PathPattern.of(clean);
        List<String> found = new ArrayList<>();
        Files.walkFileTree(context, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes) {
                String path = relative(context, directory);
                if (!path.isEmpty() && ignored.leavesOut(path)) {
                    return ignored.hasExceptions() ? FileVisitResult.CONTINUE : FileVisitResult.SKIP_SUBTREE;
                }
                take(path);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                String path = relative(context, file);
                if (!ignored.leavesOut(path) && (attributes.isRegularFile() || attributes.isSymbolicLink())) {
                    take(path);
                }
                return FileVisitResult.CONTINUE;
            }

            private void take(String path) {
                if (!path.isEmpty() && isMeant(path, clean, pattern)) {
                    found.add(path);
                }
            }
        });
        if (found.isEmpty()) {
            throw new IllegalArgumentException("COPY " + source + ": there is nothing of that name in " + context);
        }
        found.sort(null);
        return new SourceFiles(context, clean, found);
    }

    private static String clean(String source) {
        Path path = Path.of("/", source).normalize();
        if (Path.of("./" + source).normalize().startsWith("..")) {
            throw new IllegalArgumentException("COPY " + source + ": that is outside of the directory");
        }
        return path.toString().substring(1);
    }

    private static boolean isMeant(String path, String source, PathPattern pattern) {
        if (source.isEmpty()) {
            return true;
        }
        for (int end = path.length(); end > 0; end = path.lastIndexOf('/', end - 1)) {
            if (pattern.matches(path.substring(0, end))) {
                return true;
            }
        }
        return false;
    }

    private static String relative(Path context, Path path) {
        return context.relativize(path).toString();
    }

    /** The source as the step names it: below the directory, {@code .} for all of it. */
    String source() {
        return source.isEmpty() ? "." : source;
    }

    /** What the server knows the files by. */
    String hash(String target) throws IOException {
        MessageDigest digest = sha256();
        digest.update(("COPY " + source() + " " + target).getBytes(StandardCharsets.UTF_8));
        for (String path : paths) {
            hash(digest, path);
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private void hash(MessageDigest digest, String path) throws IOException {
        Path file = context.resolve(path);
        BasicFileAttributes attributes =
                Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        digest.update(path.getBytes(StandardCharsets.UTF_8));
        digest.update(String.valueOf(Files.getAttribute(file, "unix:mode", LinkOption.NOFOLLOW_LINKS))
                .getBytes(StandardCharsets.UTF_8));
        digest.update(String.valueOf(attributes.size()).getBytes(StandardCharsets.UTF_8));
        if (attributes.isSymbolicLink()) {
            digest.update(Files.readSymbolicLink(file).toString().getBytes(StandardCharsets.UTF_8));
        } else if (attributes.isRegularFile()) {
            content(digest, file);
        }
    }

    private static void content(MessageDigest digest, Path file) throws IOException {
        byte[] buffer = new byte[BUFFER_BYTES];
        try (InputStream in = Files.newInputStream(file)) {
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                digest.update(buffer, 0, count);
            }
        }
    }

    /** Writes them as a compressed archive: the same files always give the same bytes. */
    void pack(OutputStream out) throws IOException {
        try (GZIPOutputStream zipped = new GZIPOutputStream(out, BUFFER_BYTES);
                SourceArchive archive = new SourceArchive(zipped)) {
            for (String path : paths) {
                archive.add(context, path);
            }
        }
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java runtime has SHA-256", e);
        }
    }
}
