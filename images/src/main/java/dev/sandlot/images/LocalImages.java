package dev.sandlot.images;

import dev.sandlot.linux.OwnerOnly;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * Images that an operator brought in as archives. Builds find them by their names before any registry is asked.
 *
 * <pre>
 * pool/registry/imported/HEX   what is known of the image whose name has the digest HEX
 * </pre>
 *
 * <p>Their manifests and blobs lie in a repository of the {@link ContentStore}, as they came. Invariant: what such a
 * file names is whole, for the file is written last and removed first; what no file names goes when the store is
 * opened, and after each change. Their layers are in the {@link LayerStore} as well; {@link #layers} keeps them
 * there. Safe for many threads.
 */
public final class LocalImages {
    private static final RepositoryName REPOSITORY = new RepositoryName("imported");
    private static final String HERE = "localhost";
    private static final String UNFINISHED = ".new";
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final ContentStore content;
    private final LayerStore store;
    private final Path directory;

    /** Held while images come and go. */
    private final ReentrantLock changes = new ReentrantLock();

    private LocalImages(ContentStore content, LayerStore store) throws IOException {
        this.content = content;
        this.store = store;
        this.directory = store.pool().resolve("registry").resolve("imported");
        OwnerOnly.directory(directory);
    }

    /** Opens the images of a pool, and drops what a crash left half done. */
    public static LocalImages open(ContentStore content, LayerStore store) throws IOException {
        LocalImages images = new LocalImages(content, store);
        for (Path file : ContentFiles.list(images.directory)) {
            if (file.toString().endsWith(UNFINISHED)) {
                Files.delete(file);
            }
        }
        images.dropRest();
        return images;
    }

    /**
     * An image.
     *
     * @param name what builds call it
     * @param manifest its digest
     * @param bytes of all that belongs to it, as it came
     * @param layers lowest first
     * @param imported when it came
     */
    public record LocalImage(ImageName name, Digest manifest, long bytes, List<Digest> layers, Instant imported) {
        public LocalImage {
            layers = List.copyOf(layers);
        }
    }

    /**
     * Takes in the images of an archive, all or none; those of the same names are replaced.
     *
     * @param reader reads it; whose layers stay in the store when it is refused
     * @param name what the only image of the archive is to be called; empty for what the archive says
     * @throws BadLayerException when the archive is damaged or hostile
     * @throws ImageRefusedException when there is none for this machine in it, or none with a name
     */
    public List<LocalImage> add(ImageImport reader, InputStream archive, Optional<ImageName> name)
            throws IOException, InterruptedException {
        List<LocalImage> added = new ArrayList<>();
        reader.read(archive, images -> {
            Map<ImageName, ImageImport.Imported> named = named(images, name);
            changes.lock();
            try {
                added.addAll(kept(named));
            } finally {
                changes.unlock();
            }
        });
        return added;
    }

    private List<LocalImage> kept(Map<ImageName, ImageImport.Imported> named) throws IOException, InterruptedException {
        List<LocalImage> images = new ArrayList<>();
        try {
            for (Map.Entry<ImageName, ImageImport.Imported> each : named.entrySet()) {
                images.add(kept(each.getKey(), each.getValue()));
            }
            for (LocalImage image : images) {
                DurableFiles.replace(file(image.name()), JSON.writeValueAsBytes(Row.of(image)));
            }
            return images;
        } finally {
            dropRest();
        }
    }

    private static Map<ImageName, ImageImport.Imported> named(
            List<ImageImport.Imported> images, Optional<ImageName> wanted) throws ImageRefusedException {
        if (wanted.isPresent() && images.size() > 1) {
            throw new ImageRefusedException("the archive has " + images.size()
                    + " images, so they cannot all be called " + wanted.get() + "; leave the name out");
        }
        Map<ImageName, ImageImport.Imported> named = new LinkedHashMap<>();
        for (ImageImport.Imported image : images) {
            if (wanted.isPresent()) {
                named.put(plain(wanted.get()), image);
            }
            for (String name : wanted.isPresent() ? List.<String>of() : image.names()) {
                named.put(plain(parsed(name)), image);
            }
        }
        if (named.isEmpty()) {
            throw new ImageRefusedException("the archive does not say what its image is called; give it a name");
        }
        return named;
    }

    private static ImageName parsed(String name) throws ImageRefusedException {
        try {
            ImageName parsed = ImageName.parse(name);
            if (!parsed.isDigest()) {
                return parsed;
            }
        } catch (IllegalArgumentException e) {
            throw new ImageRefusedException("the archive has an image whose name is " + e.getMessage());
        }
        throw new ImageRefusedException("the archive has an image that is called by its digest; give it a name");
    }

    private LocalImage kept(ImageName name, ImageImport.Imported image) throws IOException, InterruptedException {
        for (ImageImport.Content part : image.contents()) {
            if (Files.exists(part.file())) {
                content.keep(REPOSITORY, part.file(), part.digest());
            }
        }
        Digest manifest = put(image.manifest());
        long bytes = image.manifest().length
                + image.contents().stream()
                        .distinct()
                        .mapToLong(ImageImport.Content::size)
                        .sum();
        LocalImage kept = new LocalImage(
                name, manifest, bytes, image.image().layers(), Clock.systemUTC().instant());
        PulledImage _ = image(kept);
        return kept;
    }

    private Digest put(byte[] manifest) throws IOException {
        try {
            String inside = JSON.readTree(manifest).path("mediaType").asString(ManifestDocument.OCI_MANIFEST);
            return content.putManifest(REPOSITORY, manifest, ManifestDocument.read(manifest, inside), null);
        } catch (RegistryException e) {
            throw new BadLayerException("the manifest in the archive is refused: " + e.getMessage());
        }
    }

    private void dropRest() throws IOException {
        content.retain(REPOSITORY, list().stream().map(LocalImage::manifest).collect(Collectors.toSet()));
    }

    /** The image that a name means, by tag or by digest. */
    public Optional<LocalImage> find(ImageName name) throws IOException {
        ImageName wanted = plain(name);
        if (!wanted.isDigest()) {
            return read(file(wanted));
        }
        return list().stream()
                .filter(image -> sameRepository(image.name(), wanted))
                .filter(image -> image.manifest().toString().equals(wanted.version()))
                .findFirst();
    }

    /** The image, with its layers in the store. */
    public PulledImage image(LocalImage image) throws IOException, InterruptedException {
        ImageReference here =
                new ImageReference(HERE, REPOSITORY.text(), image.manifest().toString());
        return RegistryImage.take(here, new StoredImages.Parts(content, REPOSITORY, here), store, Progress.NONE);
    }

    /** All images, by name. */
    public List<LocalImage> list() throws IOException {
        List<LocalImage> images = new ArrayList<>();
        for (Path file : ContentFiles.list(directory)) {
            if (!file.toString().endsWith(UNFINISHED)) {
                read(file).ifPresent(images::add);
            }
        }
        images.sort(Comparator.comparing(image -> image.name().toString()));
        return images;
    }

    /** Every layer that an image has. */
    public Set<Digest> layers() throws IOException {
        Set<Digest> layers = new HashSet<>();
        list().forEach(image -> layers.addAll(image.layers()));
        return layers;
    }

    /** Drops an image; what was built from it stays. Empty when there is none of that name. */
    public Optional<LocalImage> remove(ImageName name) throws IOException {
        changes.lock();
        try {
            Optional<LocalImage> image = find(name);
            if (image.isPresent()) {
                Files.deleteIfExists(file(image.get().name()));
                DurableFiles.sync(directory);
                dropRest();
            }
            return image;
        } finally {
            changes.unlock();
        }
    }

    /** Writes an image as a tar archive with an OCI image layout, bit by bit as it came; the stream stays open. */
    public void export(LocalImage image, OutputStream out) throws IOException {
        ContentStore.Manifest manifest = content.manifest(
                        REPOSITORY, image.manifest().toString())
                .orElseThrow(() -> new IOException("the image " + image.name() + " is gone"));
        LayoutWriter layout = new LayoutWriter(out);
        layout.begin(
                image.name().toString(),
                manifest.record().mediaType(),
                manifest.content().bytes());
        for (String text : new HashSet<>(manifest.record().blobs())) {
            Digest digest = Digest.parse(text);
            try (FileChannel blob = content.openBlob(REPOSITORY, digest)
                            .orElseThrow(() -> new IOException("blob " + digest + " of " + image.name() + " is gone"));
                    InputStream in = Channels.newInputStream(blob)) {
                layout.blob(digest, blob.size(), in);
            }
        }
        layout.finish();
    }

    private static boolean sameRepository(ImageName one, ImageName other) {
        return one.repository().equals(other.repository()) && Objects.equals(one.registry(), other.registry());
    }

    /** Official images have one name. */
    private static ImageName plain(ImageName name) {
        return name.registry() == null ? new ImageName(null, name.plainRepository(), name.version()) : name;
    }

    private Path file(ImageName name) {
        return directory.resolve(
                Digest.of(name.toString().getBytes(StandardCharsets.UTF_8)).hex());
    }

    private static Optional<LocalImage> read(Path file) throws IOException {
        try {
            return Optional.of(
                    JSON.readValue(Files.readAllBytes(file), Row.class).toImage());
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (JacksonException e) {
            throw new IOException(file + " is not what this program writes: " + e.getOriginalMessage(), e);
        }
    }

    /** The form of the file. */
    private record Row(String name, String manifest, long bytes, List<String> layers, String imported) {
        static Row of(LocalImage image) {
            return new Row(
                    image.name().toString(),
                    image.manifest().toString(),
                    image.bytes(),
                    image.layers().stream().map(Digest::toString).toList(),
                    image.imported().toString());
        }

        LocalImage toImage() {
            return new LocalImage(
                    ImageName.parse(name),
                    Digest.parse(manifest),
                    bytes,
                    layers.stream().map(Digest::parse).toList(),
                    Instant.parse(imported));
        }
    }
}
