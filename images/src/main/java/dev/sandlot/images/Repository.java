package dev.sandlot.images;

import dev.sandlot.linux.OwnerOnly;
import dev.sandlot.linux.TreeRemoval;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * What one repository of the registry has. Content is there for those alone in whose repository it was pushed or
 * mounted: knowing a digest opens nothing.
 *
 * <pre>
 * repositories/HASH/name             the repository's name, whose digest HASH is
 * repositories/HASH/blobs/HEX        a mark that the blob is in the repository
 * repositories/HASH/manifests/HEX    the {@link ManifestRecord}
 * repositories/HASH/referrers/HEX/HEX   a mark that the second manifest points to the first
 * repositories/HASH/tags/TAG         the digest that the tag means
 * </pre>
 */
final class Repository {
    private static final String NAME = "name";
    private static final List<String> PARTS = List.of("blobs", "manifests", "referrers", "tags");
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final ContentFiles files;
    private final Path home;

    private Repository(ContentFiles files, Path home) {
        this.files = files;
        this.home = home;
    }

    static Repository of(ContentFiles files, Path repositories, RepositoryName name) {
        byte[] bytes = name.text().getBytes(StandardCharsets.UTF_8);
        return new Repository(files, repositories.resolve(Digest.of(bytes).hex()));
    }

    static List<Repository> all(ContentFiles files, Path repositories) throws IOException {
        return ContentFiles.list(repositories).stream()
                .map(home -> new Repository(files, home))
                .toList();
    }

    /** Makes the repository if it is not there; its name is written last and says that it is. */
    void make(RepositoryName name) throws IOException {
        if (exists()) {
            return;
        }
        for (String part : PARTS) {
            OwnerOnly.directory(home.resolve(part));
        }
        files.publish(home.resolve(NAME), name.text().getBytes(StandardCharsets.UTF_8));
        DurableFiles.sync(home.getParent());
    }

    /** Its name; empty when it is not there. */
    Optional<RepositoryName> name() throws IOException {
        try {
            return RepositoryName.parse(Files.readString(home.resolve(NAME)));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    boolean exists() {
        return Files.exists(home.resolve(NAME));
    }

    boolean hasBlob(Digest digest) {
        return Files.exists(blob(digest));
    }

    void addBlob(Digest digest) throws IOException {
        ContentFiles.mark(blob(digest));
    }

    boolean removeBlob(Digest digest) throws IOException {
        return Files.deleteIfExists(blob(digest));
    }

    /** Notes that a push counts on the blob; says whether it is there. */
    boolean useBlob(Digest digest) throws IOException {
        return ContentFiles.touch(blob(digest));
    }

    boolean blobRestsSince(Digest digest, Instant then) throws IOException {
        return ContentFiles.restsSince(blob(digest), then);
    }

    List<Digest> blobs() throws IOException {
        return digests(home.resolve("blobs"));
    }

    Optional<ManifestRecord> manifest(Digest digest) throws IOException {
        Path file = home.resolve("manifests").resolve(digest.hex());
        try {
            return Optional.of(JSON.readValue(Files.readAllBytes(file), ManifestRecord.class));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (JacksonException e) {
            throw new IOException("the record of manifest " + digest + " is damaged: " + e.getOriginalMessage(), e);
        }
    }

    /** Adds a manifest whose content is there. */
    void addManifest(Digest digest, ManifestRecord record) throws IOException {
        Optional<Digest> subject = record.pointsTo();
        if (subject.isPresent()) {
            Path referrers = referrersOf(subject.get());
            Files.createDirectories(referrers);
            DurableFiles.sync(referrers.getParent());
            ContentFiles.mark(referrers.resolve(digest.hex()));
        }
        files.publish(home.resolve("manifests").resolve(digest.hex()), JSON.writeValueAsBytes(record));
    }

    /** Removes a manifest and its tags; says whether it was there. */
    boolean removeManifest(Digest digest) throws IOException {
        Optional<ManifestRecord> record = manifest(digest);
        if (record.isEmpty()) {
            return false;
        }
        for (Tag tag : tags()) {
            if (tag(tag).filter(digest::equals).isPresent()) {
                removeTag(tag);
            }
        }
        Files.deleteIfExists(home.resolve("manifests").resolve(digest.hex()));
        Optional<Digest> subject = record.get().pointsTo();
        if (subject.isPresent()) {
            Files.deleteIfExists(referrersOf(subject.get()).resolve(digest.hex()));
        }
        return true;
    }

    List<Digest> manifests() throws IOException {
        return digests(home.resolve("manifests"));
    }

    /** What points to a manifest, in the order of digests; some may be gone. */
    List<Digest> referrers(Digest subject) throws IOException {
        return digests(referrersOf(subject)).stream()
                .sorted((a, b) -> a.hex().compareTo(b.hex()))
                .toList();
    }

    Optional<Digest> tag(Tag tag) throws IOException {
        try {
            return RegistryPath.findDigest(Files.readString(home.resolve("tags").resolve(tag.text())));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    void putTag(Tag tag, Digest digest) throws IOException {
        files.publish(
                home.resolve("tags").resolve(tag.text()), digest.toString().getBytes(StandardCharsets.UTF_8));
    }

    boolean removeTag(Tag tag) throws IOException {
        return Files.deleteIfExists(home.resolve("tags").resolve(tag.text()));
    }

    /** The tags in lexical order. */
    List<Tag> tags() throws IOException {
        return ContentFiles.list(home.resolve("tags")).stream()
                .map(file -> file.getFileName().toString())
                .sorted()
                .flatMap(name -> Tag.parse(name).stream())
                .toList();
    }

    /** Whether a tag or an index means that manifest. */
    boolean isNamed(Digest digest) throws IOException {
        for (Tag tag : tags()) {
            if (tag(tag).filter(digest::equals).isPresent()) {
                return true;
            }
        }
        for (Digest other : manifests()) {
            if (manifest(other)
                    .filter(record -> record.manifests().contains(digest.toString()))
                    .isPresent()) {
                return true;
            }
        }
        return false;
    }

    /** The blobs that its manifests need. */
    Set<Digest> neededBlobs() throws IOException {
        List<String> needed = new ArrayList<>();
        for (Digest digest : manifests()) {
            manifest(digest).ifPresent(record -> needed.addAll(record.blobs()));
        }
        return needed.stream().map(Digest::parse).collect(Collectors.toSet());
    }

    /** Removes the repository if nothing is in it and nobody used it since then. */
    void removeIfEmpty(Instant then) throws IOException {
        boolean empty = blobs().isEmpty() && manifests().isEmpty() && tags().isEmpty();
        if (empty && ContentFiles.restsSince(home.resolve(NAME), then)) {
            Files.delete(home.resolve(NAME));
            TreeRemoval.remove(home);
        }
    }

    private Path blob(Digest digest) {
        return home.resolve("blobs").resolve(digest.hex());
    }

    private Path referrersOf(Digest subject) {
        return home.resolve("referrers").resolve(subject.hex());
    }

    private static List<Digest> digests(Path directory) throws IOException {
        return ContentFiles.list(directory).stream()
                .flatMap(file -> RegistryPath.findDigest("sha256:" + file.getFileName()).stream())
                .toList();
    }
}
