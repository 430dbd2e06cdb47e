package dev.sandlot.images;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads images of a tar archive: an OCI image layout, or what {@code docker save} writes, old or new; plain or
 * compressed. Their layers are brought into the store. The archive is hostile: what is no file or link of the layout,
 * passes the limits, or is not what its digest says is refused with {@link BadLayerException}, and nothing but whole
 * layers stays, which {@link #fresh} names. For one archive, on one thread.
 */
public final class ImageImport {
    /** The largest archive, as it is and unpacked. */
    public static final long MAX_BYTES = 60L << 30;

    private static final UnpackLimits LIMITS = new UnpackLimits(20_000, 1024, MAX_BYTES);
    private static final int MAX_DOCUMENT_BYTES = 4 << 20;
    private static final int MAX_IMAGES = 64;
    private static final int MAX_LINKS = 8;
    private static final String NAME = "org.opencontainers.image.ref.name";
    private static final String FULL_NAME = "io.containerd.image.name";
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final LayerStore store;
    private final Progress progress;
    private final UnpackLimits limits;
    private final Set<Digest> fresh = new LinkedHashSet<>();

    public ImageImport(LayerStore store, Progress progress) {
        this(store, progress, LIMITS);
    }

    ImageImport(LayerStore store, Progress progress, UnpackLimits limits) {
        this.store = store;
        this.progress = progress;
        this.limits = limits;
    }

    /**
     * A file of the archive, until the archive is done with.
     *
     * @param digest of its bytes
     */
    record Content(Path file, Digest digest, long size) {}

    /**
     * An image of the archive whose layers are in the store now.
     *
     * @param names what the archive calls it; may be empty
     * @param manifest of the archive, or what it would be
     * @param contents what the manifest names
     */
    @SuppressWarnings("ArrayRecordComponent")
    record Imported(List<String> names, byte[] manifest, List<Content> contents, PulledImage image) {
        Imported {
            names = List.copyOf(names);
            contents = List.copyOf(contents);
        }
    }

    /** Takes the images of an archive while its files are there. */
    @FunctionalInterface
    interface Taker {
        void take(List<Imported> images) throws IOException, InterruptedException;
    }

    /** The layers that were brought into the store and were not there before. */
    public Set<Digest> fresh() {
        return Set.copyOf(fresh);
    }

    /**
     * Reads a whole archive, which is closed.
     *
     * @throws BadLayerException when the archive is damaged or hostile
     * @throws ImageRefusedException when there is no image for this machine in it
     */
    void read(InputStream archive, Taker taker) throws IOException, InterruptedException {
        try (StagedTree staged = store.stage()) {
            Contents contents = new Contents();
            contents.spread(archive, staged.path());
            Optional<JsonNode> saved = contents.document("manifest.json");
            List<Imported> images = saved.isPresent() ? saved(contents, saved.get()) : layout(contents);
            if (images.isEmpty()) {
                throw new ImageRefusedException("the archive has no image for linux/" + RegistryImage.architecture());
            }
            taker.take(images);
            progress.report("image read", 1);
        } catch (JacksonException e) {
            throw new BadLayerException("a description in the archive is no JSON: " + e.getOriginalMessage());
        }
    }

    private List<Imported> saved(Contents contents, JsonNode manifests) throws IOException {
        List<Imported> images = new ArrayList<>();
        for (JsonNode manifest : few(manifests)) {
            String path = manifest.path("Config").asString("");
            JsonNode config = contents.required(path);
            if (isOurs(config)) {
                List<Content> layers = new ArrayList<>();
                for (JsonNode layer : manifest.path("Layers")) {
                    layers.add(contents.file(layer.asString("")));
                }
                PulledImage image = image(config, layers);
                Content described = contents.file(path);
                images.add(new Imported(
                        texts(manifest.path("RepoTags")), manifest(described, layers), with(described, layers), image));
            }
        }
        return images;
    }

    private static List<Content> with(Content config, List<Content> layers) {
        List<Content> all = new ArrayList<>(layers);
        all.add(config);
        return all;
    }

    /** What {@code docker save} leaves out. */
    private static byte[] manifest(Content config, List<Content> layers) throws IOException {
        ObjectNode manifest =
                JSON.createObjectNode().put("schemaVersion", 2).put("mediaType", ManifestDocument.OCI_MANIFEST);
        manifest.set("config", descriptor("application/vnd.oci.image.config.v1+json", config));
        ArrayNode list = manifest.putArray("layers");
        for (Content layer : layers) {
            list.add(descriptor("application/vnd.oci.image.layer.v1.tar" + ArchiveStream.suffix(layer.file()), layer));
        }
        return JSON.writeValueAsBytes(manifest);
    }

    private static ObjectNode descriptor(String type, Content content) {
        return JSON.createObjectNode()
                .put("mediaType", type)
                .put("digest", content.digest().toString())
                .put("size", content.size());
    }

    private List<Imported> layout(Contents contents) throws IOException {
        List<Imported> images = new ArrayList<>();
        for (JsonNode entry : few(contents.required("index.json").path("manifests"))) {
            List<String> names = names(entry.path("annotations"));
            for (Content described : manifests(contents, contents.checked(entry))) {
                JsonNode manifest = JSON.readTree(contents.small(described));
                Content configured = contents.checked(manifest.path("config"));
                JsonNode config = JSON.readTree(contents.small(configured));
                if (isOurs(config)) {
                    List<Content> layers = layers(contents, manifest);
                    images.add(new Imported(
                            names, contents.small(described), with(configured, layers), image(config, layers)));
                }
            }
        }
        return images;
    }

    /** What a layout says without a colon or slash is a tag alone. */
    private static List<String> names(JsonNode annotations) {
        for (String key : List.of(FULL_NAME, NAME)) {
            String name = annotations.path(key).asString("");
            if (name.contains(":") || name.contains("/")) {
                return List.of(name);
            }
        }
        return List.of();
    }

    /** An index may name another index: of it, those for this machine. */
    private static List<Content> manifests(Contents contents, Content described) throws IOException {
        JsonNode document = JSON.readTree(contents.small(described));
        if (!document.path("manifests").isArray()) {
            return List.of(described);
        }
        List<Content> found = new ArrayList<>();
        for (JsonNode entry : few(document.path("manifests"))) {
            String architecture = entry.path("platform").path("architecture").asString("");
            if (architecture.equals(RegistryImage.architecture())) {
                found.add(contents.checked(entry));
            }
        }
        return found;
    }

    private static List<Content> layers(Contents contents, JsonNode manifest) throws IOException {
        List<Content> layers = new ArrayList<>();
        for (JsonNode layer : manifest.path("layers")) {
            layers.add(contents.checked(layer));
        }
        return layers;
    }

    private PulledImage image(JsonNode config, List<Content> layers) throws IOException {
        List<Digest> diffIds = new ArrayList<>();
        for (String diffId : texts(config.path("rootfs").path("diff_ids"))) {
            diffIds.add(digest(diffId));
        }
        if (layers.isEmpty() || diffIds.size() != layers.size()) {
            throw new BadLayerException(
                    "an image has " + layers.size() + " layers but " + diffIds.size() + " diff IDs");
        }
        for (int i = 0; i < layers.size(); i++) {
            progress.report("reading layer " + (i + 1) + " of " + layers.size(), (double) i / layers.size());
            add(layers.get(i).file(), diffIds.get(i));
        }
        return RegistryImage.described(config.path("config"), diffIds);
    }

    private void add(Path layer, Digest diffId) throws IOException {
        if (!store.has(diffId)) {
            try (InputStream in = Files.newInputStream(layer)) {
                store.add(in, diffId);
            }
            fresh.add(diffId);
        }
    }

    private static boolean isOurs(JsonNode config) {
        return config.path("architecture").asString("").equals(RegistryImage.architecture());
    }

    private static JsonNode few(JsonNode list) throws BadLayerException {
        if (list.size() > MAX_IMAGES) {
            throw new BadLayerException("the archive has " + list.size() + " images; the most is " + MAX_IMAGES);
        }
        return list;
    }

    private static List<String> texts(JsonNode list) {
        List<String> texts = new ArrayList<>();
        list.forEach(text -> texts.add(text.asString("")));
        return texts;
    }

    private static Digest digest(String text) throws BadLayerException {
        try {
            return Digest.parse(text);
        } catch (IllegalArgumentException e) {
            throw new BadLayerException("the archive has something that is " + e.getMessage());
        }
    }

    /** The archive's files, each in a file of a number's name. */
    private final class Contents {
        private final Map<String, Content> files = new HashMap<>();
        private final Map<String, String> links = new HashMap<>();

        void spread(InputStream archive, Path directory) throws IOException {
            byte[] buffer = new byte[128 * 1024];
            try (FileArchive in = FileArchive.open(archive, limits)) {
                Optional<FileArchive.Entry> next = in.next();
                while (next.isPresent()) {
                    FileArchive.Entry entry = next.get();
                    switch (entry.kind()) {
                        case DIRECTORY -> {}
                        case SYMLINK -> links.put(entry.path(), beside(entry.path(), entry.link()));
                        case HARD_LINK -> links.put(entry.path(), entry.link());
                        case FILE -> {
                            Path file = directory.resolve(Integer.toString(files.size()));
                            links.remove(entry.path());
                            files.put(entry.path(), copied(in, file, buffer));
                        }
                    }
                    next = in.next();
                }
            }
        }

        private static Content copied(FileArchive in, Path file, byte[] buffer) throws IOException {
            long size = 0;
            try (DigestOutputStream out = new DigestOutputStream(Files.newOutputStream(file), Digest.sha256())) {
                int count = in.read(buffer);
                while (count >= 0) {
                    out.write(buffer, 0, count);
                    size += count;
                    count = in.read(buffer);
                }
                return new Content(file, Digest.finished(out.getMessageDigest().digest()), size);
            }
        }

        /** What a link means, by its text: old {@code docker save} has one from a layer to the same one elsewhere. */
        private static String beside(String path, String target) {
            List<String> parts = new ArrayList<>(List.of(path.split("/")));
            parts.removeLast();
            for (String part : target.split("/")) {
                if (part.equals("..") && !parts.isEmpty()) {
                    parts.removeLast();
                } else if (!part.isEmpty() && !part.equals(".") && !part.equals("..")) {
                    parts.add(part);
                }
            }
            return String.join("/", parts);
        }

        Content file(String path) throws BadLayerException {
            String at = path;
            for (int i = 0; i < MAX_LINKS && links.containsKey(at); i++) {
                at = links.getOrDefault(at, at);
            }
            Content file = files.get(at);
            if (file == null) {
                throw new BadLayerException("'" + path + "' is missing in the archive");
            }
            return file;
        }

        Optional<JsonNode> document(String path) throws IOException {
            return files.containsKey(path) || links.containsKey(path) ? Optional.of(required(path)) : Optional.empty();
        }

        JsonNode required(String path) throws IOException {
            return JSON.readTree(small(file(path)));
        }

        /** What a descriptor names. */
        Content checked(JsonNode descriptor) throws BadLayerException {
            Digest expected = digest(descriptor.path("digest").asString(""));
            Content found = file("blobs/sha256/" + expected.hex());
            if (!found.digest().equals(expected)) {
                throw new BadLayerException("the archive has " + found.digest() + " in the place of " + expected);
            }
            return found;
        }

        byte[] small(Content content) throws IOException {
            if (content.size() > MAX_DOCUMENT_BYTES) {
                throw new BadLayerException(
                        "a description in the archive is larger than " + MAX_DOCUMENT_BYTES + " bytes");
            }
            return Files.readAllBytes(content.file());
        }
    }
}
