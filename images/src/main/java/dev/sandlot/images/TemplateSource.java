package dev.sandlot.images;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;

/**
 * What a template is made from: a list of Debian packages, files to put in place, and a script that runs inside.
 * It lies in {@code templates/NAME} of the source tree and travels in this module's archive.
 */
final class TemplateSource {
    static final String PACKAGES = "packages";
    static final String CUSTOMIZE = "customize.sh";
    static final String FILES = "files";

    /** Guards the program's archive as a file system: there is one at a time. */
    private static final ReentrantLock ARCHIVE = new ReentrantLock();

    private final SortedMap<String, byte[]> contents;

    private TemplateSource(SortedMap<String, byte[]> contents) {
        this.contents = Collections.unmodifiableSortedMap(contents);
    }

    /** The source that this program carries. */
    static TemplateSource bundled(String template) throws IOException {
        URL url = TemplateSource.class.getResource("templates/" + template + "/" + PACKAGES);
        if (url == null) {
            throw new IOException("this program carries no template '" + template + "'");
        }
        return at(url);
    }

    /** The source whose list of packages is there. */
    static TemplateSource at(URL url) throws IOException {
        try {
            return url.getProtocol().equals("jar") ? inArchive(url.toURI()) : inDirectory(Path.of(url.toURI()));
        } catch (URISyntaxException e) {
            throw new IOException("not a place to read a template from: " + url, e);
        }
    }

    /** Only what lies below one of some paths. */
    TemplateSource only(String... paths) {
        SortedMap<String, byte[]> kept = new TreeMap<>(contents);
        kept.keySet().removeIf(file -> Stream.of(paths).noneMatch(file::startsWith));
        return new TemplateSource(kept);
    }

    /** With another one on top: its packages and its script are added, its files replace those of the same name. */
    TemplateSource with(TemplateSource upper) {
        SortedMap<String, byte[]> both = new TreeMap<>(contents);
        upper.contents.forEach((file, content) ->
                both.merge(file, content, file.contains("/") ? (_, replaced) -> replaced : TemplateSource::joined));
        return new TemplateSource(both);
    }

    private static byte[] joined(byte[] lower, byte[] upper) {
        byte[] both = Arrays.copyOf(lower, lower.length + upper.length);
        System.arraycopy(upper, 0, both, lower.length, upper.length);
        return both;
    }

    /** The packages to install. */
    List<String> packages() {
        return new String(contents.getOrDefault(PACKAGES, new byte[0]), StandardCharsets.UTF_8)
                .lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty() && !line.startsWith("#"))
                .toList();
    }

    /** A digest of everything, and of what else the result depends on. */
    Digest hash(List<String> furtherInputs) {
        MessageDigest digest = Digest.sha256();
        for (Map.Entry<String, byte[]> file : contents.entrySet()) {
            digest.update((file.getKey() + "\0" + file.getValue().length + "\0").getBytes(StandardCharsets.UTF_8));
            digest.update(file.getValue());
        }
        furtherInputs.forEach(input -> digest.update((input + "\0").getBytes(StandardCharsets.UTF_8)));
        return Digest.finished(digest.digest());
    }

    /** Lays the source out in a directory. */
    void writeTo(Path directory) throws IOException {
        for (Map.Entry<String, byte[]> file : contents.entrySet()) {
            Path path = directory.resolve(file.getKey());
            Files.createDirectories(path.resolveSibling("."));
            Files.write(path, file.getValue());
        }
    }

    private static TemplateSource inArchive(URI packages) throws IOException {
        ARCHIVE.lock();
        try (FileSystem archive = FileSystems.newFileSystem(packages, Map.of())) {
            String inside = packages.getSchemeSpecificPart().split("!", 2)[1];
            return inDirectory(archive.getPath(inside));
        } finally {
            ARCHIVE.unlock();
        }
    }

    private static TemplateSource inDirectory(Path packages) throws IOException {
        Path directory = packages.resolveSibling(".").normalize();
        SortedMap<String, byte[]> contents = new TreeMap<>();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
                contents.put(directory.relativize(file).toString(), Files.readAllBytes(file));
            }
        }
        return new TemplateSource(contents);
    }
}
