package dev.sandlot.images;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Brings images of a tar archive into the store: an OCI image layout, or what {@code docker save} writes, old or new;
 * plain or compressed. The archive is hostile: what is no file or link of the layout, passes the limits, or is not
 * what its digest says is refused with {@link BadLayerException}, and nothing but whole layers stays.
 */
public final class ImageImport {
    private static final UnpackLimits LIMITS = new UnpackLimits(20_000, 1024, 60L << 30);
    private static final int MAX_DOCUMENT_BYTES = 4 << 20;
    private static final int MAX_IMAGES = 64;
    private static final int MAX_LINKS = 8;
    private static final String NAME = "org.opencontainers.image.ref.name";
    private static final String FULL_NAME = "io.containerd.image.name";
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final LayerStore store;
    private final Progress progress;
    private final UnpackLimits limits;

    public ImageImport(LayerStore store, Progress progress) {
        this(store, progress, LIMITS);
    }

    ImageImport(LayerStore store, Progress progress, UnpackLimits limits) {
        this.store = store;
        this.progress = progress;
        this.limits = limits;
    }

    /**
     * An image of the archive whose layers are in the store now.
     *
     * @param names what the archive calls it; may be empty
     */
    public record Imported(List<String> names, PulledImage image) {
        public Imported {
            names = List.copyOf(names);
        }
    }

    /**
     * Reads a whole archive, which is closed.
     *
     * @throws BadLayerException when the archive is damaged or hostile
     * @throws ImageRefusedException when there is no image for this machine in it
     */
    public List<Imported> read(InputStream archive) throws IOException {
        try (StagedTree staged = store.stage()) {
            Contents contents = new Contents();
            contents.spread(archive, staged.path());
            Optional<JsonNode> saved = contents.document("manifest.json");
            List<Imported> images = saved.isPresent() ? saved(contents, saved.get()) : layout(contents);
            if (images.isEmpty()) {
                throw new ImageRefusedException("the archive has no image for linux/" + RegistryImage.architecture());
            }
            progress.report("image read", 1);
            return images;
        } catch (JacksonException e) {
            throw new BadLayerException("a description in the archive is no JSON: " + e.getOriginalMessage());
        }
    }

    private List<Imported> saved(Contents contents, JsonNode manifests) throws IOException {
        List<Imported> images = new ArrayList<>();
        for (JsonNode manifest : few(manifests)) {
            JsonNode config = contents.required(manifest.path("Config").asString(""));
            if (isOurs(config)) {
                List<Path> layers = new ArrayList<>();
                for (JsonNode layer : manifest.path("Layers")) {
                    layers.add(contents.file(layer.asString("")));
                }
                images.add(new Imported(texts(manifest.path("RepoTags")), image(config, layers)));
            }
        }
        return images;
    }

    private List<Imported> layout(Contents contents) throws IOException {
        List<Imported> images = new ArrayList<>();
        for (JsonNode entry : few(contents.required("index.json").path("manifests"))) {
            List<String> names = new ArrayList<>();
            for (String key : List.of(FULL_NAME, NAME)) {
                String name = entry.path("annotations").path(key).asString("");
                if (!name.isEmpty() && names.isEmpty()) {
                    names.add(name);
                }
            }
            for (JsonNode manifest : manifests(contents, contents.blob(entry))) {
                JsonNode config = contents.blob(manifest.path("config"));
                if (isOurs(config)) {
                    images.add(new Imported(names, image(config, layers(contents, manifest))));
                }
            }
        }
        return images;
    }

    /** An index may name another index: of it, those for this machine. */
    private static List<JsonNode> manifests(Contents contents, JsonNode document) throws IOException {
        if (!document.path("manifests").isArray()) {
            return List.of(document);
        }
        List<JsonNode> found = new ArrayList<>();
        for (JsonNode entry : few(document.path("manifests"))) {
            String architecture = entry.path("platform").path("architecture").asString("");
            if (architecture.equals(RegistryImage.architecture())) {
                found.add(contents.blob(entry));
            }
        }
        return found;
    }

    private static List<Path> layers(Contents contents, JsonNode manifest) throws IOException {
        List<Path> layers = new ArrayList<>();
        for (JsonNode layer : manifest.path("layers")) {
            layers.add(contents.file(Contents.path(layer)));
        }
        return layers;
    }

    private PulledImage image(JsonNode config, List<Path> layers) throws IOException {
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
            try (InputStream in = Files.newInputStream(layers.get(i))) {
                store.add(in, diffIds.get(i));
            }
        }
        return RegistryImage.described(config.path("config"), diffIds);
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
        private final Map<String, Path> files = new HashMap<>();
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
                            copy(in, file, buffer);
                            links.remove(entry.path());
                            files.put(entry.path(), file);
                        }
                    }
                    next = in.next();
                }
            }
        }

        private static void copy(FileArchive in, Path file, byte[] buffer) throws IOException {
            try (OutputStream out = Files.newOutputStream(file)) {
                int count = in.read(buffer);
                while (count >= 0) {
                    out.write(buffer, 0, count);
                    count = in.read(buffer);
                }
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

        Path file(String path) throws BadLayerException {
            String at = path;
            for (int i = 0; i < MAX_LINKS && links.containsKey(at); i++) {
                at = links.getOrDefault(at, at);
            }
            Path file = files.get(at);
            if (file == null) {
                throw new BadLayerException("'" + path + "' is missing in the archive");
            }
            return file;
        }

        Optional<JsonNode> document(String path) throws IOException {
            return files.containsKey(path) || links.containsKey(path) ? Optional.of(required(path)) : Optional.empty();
        }

        JsonNode required(String path) throws IOException {
            return JSON.readTree(small(path));
        }

        /** What a descriptor names, checked. */
        JsonNode blob(JsonNode descriptor) throws IOException {
            byte[] bytes = small(path(descriptor));
            Digest expected = digest(descriptor.path("digest").asString(""));
            if (!Digest.of(bytes).equals(expected)) {
                throw new BadLayerException("the archive has " + Digest.of(bytes) + " in the place of " + expected);
            }
            return JSON.readTree(bytes);
        }

        private byte[] small(String path) throws IOException {
            try (InputStream in = Files.newInputStream(file(path))) {
                byte[] bytes = in.readNBytes(MAX_DOCUMENT_BYTES + 1);
                if (bytes.length > MAX_DOCUMENT_BYTES) {
                    throw new BadLayerException("'" + path + "' is larger than " + MAX_DOCUMENT_BYTES + " bytes");
                }
                return bytes;
            }
        }

        static String path(JsonNode descriptor) throws BadLayerException {
            return "blobs/sha256/"
                    + digest(descriptor.path("digest").asString("")).hex();
        }
    }
}
