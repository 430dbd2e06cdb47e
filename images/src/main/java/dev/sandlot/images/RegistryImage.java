package dev.sandlot.images;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Brings an image from a registry into the store: OCI and Docker (schema 2) images, of one or many platforms. A few
 * layers are fetched at a time; those that the store has are not fetched.
 */
public final class RegistryImage {
    private static final String INDEX_TYPES =
            "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json";
    private static final String MANIFEST_TYPES =
            "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";
    private static final int PARALLEL = 3;
    private static final int MAX_LAYERS = 256;
    private static final long MAX_IMAGE_BYTES = 25_000_000_000L;
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final ImageReference image;
    private final ImageSource source;
    private final LayerStore store;
    private final Progress progress;

    private RegistryImage(ImageReference image, ImageSource source, LayerStore store, Progress progress) {
        this.image = image;
        this.source = source;
        this.store = store;
        this.progress = progress;
    }

    /**
     * Pulls an image.
     *
     * @throws RegistryUnreachableException when nobody answers
     * @throws BadLayerException when what came is not what its digest says, or hostile
     */
    public static PulledImage pull(
            ImageReference image, @Nullable RegistryCredentials credentials, LayerStore store, Progress progress)
            throws IOException, InterruptedException {
        return pull(image, credentials, RegistryAccess.ANY, store, progress);
    }

    /**
     * Pulls an image that a user named.
     *
     * @param access which addresses may be asked
     * @throws RegistryUnreachableException when nobody answers
     * @throws ImageRefusedException when the registry does not give it, or it does not fit this machine
     * @throws BadLayerException when what came is not what its digest says, or hostile
     */
    public static PulledImage pull(
            ImageReference image,
            @Nullable RegistryCredentials credentials,
            RegistryAccess access,
            LayerStore store,
            Progress progress)
            throws IOException, InterruptedException {
        try (RegistryClient client = new RegistryClient(image, credentials, access)) {
            return take(image, client, store, progress);
        }
    }

    /** Takes an image from wherever its parts are. */
    static PulledImage take(ImageReference image, ImageSource source, LayerStore store, Progress progress)
            throws IOException, InterruptedException {
        try {
            return new RegistryImage(image, source, store, progress).pull();
        } catch (JacksonException e) {
            throw new ImageRefusedException(
                    "the registry's description of " + image + " is no JSON: " + e.getOriginalMessage());
        }
    }

    private record Blob(Digest digest, long size) {}

    private PulledImage pull() throws IOException, InterruptedException {
        progress.report("pulling " + image, 0);
        JsonNode manifest = manifest();
        JsonNode config = JSON.readTree(source.smallBlob(digest(manifest.path("config"))));
        refuseOtherPlatform(config);
        List<Digest> diffIds = diffIds(config);
        List<Blob> blobs = blobs(manifest);
        if (diffIds.size() != blobs.size()) {
            throw new BadLayerException(image + " has " + blobs.size() + " layers but " + diffIds.size() + " diff IDs");
        }
        refuseTooLarge(blobs.stream().mapToLong(Blob::size).sum());
        fetch(blobs, diffIds);
        refuseTooLarge(store.bytes(diffIds));
        return described(config.path("config"), diffIds);
    }

    /** An image by the {@code config} part of its configuration. */
    static PulledImage described(JsonNode settings, List<Digest> layers) {
        return new PulledImage(
                layers,
                env(settings.path("Env")),
                settings.path("User").asString(""),
                settings.path("WorkingDir").asString(""));
    }

    private void refuseTooLarge(long bytes) throws ImageRefusedException {
        if (bytes > MAX_IMAGE_BYTES) {
            throw new ImageRefusedException("the image " + image + " is too large: its files are more than "
                    + MAX_IMAGE_BYTES / 1_000_000 + " MB");
        }
    }

    private JsonNode manifest() throws IOException, InterruptedException {
        byte[] first = source.manifest(image.version(), INDEX_TYPES + ", " + MANIFEST_TYPES);
        JsonNode document = JSON.readTree(first);
        if (!document.path("manifests").isArray()) {
            return document;
        }
        Digest ours = ofThisPlatform(document.path("manifests"));
        return JSON.readTree(source.manifest(ours.toString(), MANIFEST_TYPES));
    }

    private Digest ofThisPlatform(JsonNode manifests) throws IOException {
        for (JsonNode candidate : manifests) {
            JsonNode platform = candidate.path("platform");
            if (platform.path("os").asString("").equals("linux")
                    && platform.path("architecture").asString("").equals(architecture())) {
                return digest(candidate);
            }
        }
        throw new ImageRefusedException(
                "the image " + image + " is not for linux/" + architecture() + " but for " + platforms(manifests));
    }

    private static String platforms(JsonNode manifests) {
        return manifests
                .valueStream()
                .map(candidate -> candidate.path("platform"))
                .map(p -> p.path("os").asString("?") + "/"
                        + p.path("architecture").asString("?"))
                .filter(name -> name.matches("[a-z0-9_]{1,20}/[a-z0-9_]{1,20}"))
                .distinct()
                .limit(8)
                .collect(Collectors.joining(", "));
    }

    private void refuseOtherPlatform(JsonNode config) throws IOException {
        String found = config.path("architecture").asString("");
        if (!found.equals(architecture())) {
            throw new ImageRefusedException(
                    "the image " + image + " is for the architecture " + found + "; expected is " + architecture());
        }
    }

    static String architecture() {
        String arch = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
        return arch.equals("aarch64") ? "arm64" : arch;
    }

    private List<Digest> diffIds(JsonNode config) throws IOException {
        List<Digest> found = new ArrayList<>();
        for (JsonNode diffId : config.path("rootfs").path("diff_ids")) {
            found.add(digest(diffId.asString("")));
        }
        return found;
    }

    private List<Blob> blobs(JsonNode manifest) throws IOException {
        List<Blob> found = new ArrayList<>();
        for (JsonNode layer : manifest.path("layers")) {
            long size = layer.path("size").asLong(-1);
            if (size < 0 || size > MAX_IMAGE_BYTES) {
                throw new ImageRefusedException("the image " + image + " has a layer of " + size + " bytes");
            }
            found.add(new Blob(digest(layer), size));
        }
        if (found.isEmpty() || found.size() > MAX_LAYERS) {
            throw new BadLayerException(
                    image + " has " + found.size() + " layers; from 1 to " + MAX_LAYERS + " will do");
        }
        return found;
    }

    private void fetch(List<Blob> blobs, List<Digest> diffIds) throws IOException, InterruptedException {
        AtomicInteger done = new AtomicInteger();
        List<Callable<Void>> tasks = new ArrayList<>();
        for (int i = 0; i < blobs.size(); i++) {
            Blob blob = blobs.get(i);
            Digest diffId = diffIds.get(i);
            tasks.add(() -> {
                fetch(blob, diffId);
                int count = done.incrementAndGet();
                progress.report(
                        "layer " + count + " of " + blobs.size() + " of " + image, (double) count / blobs.size());
                return null;
            });
        }
        runAll(tasks);
    }

    private void fetch(Blob blob, Digest diffId) throws IOException, InterruptedException {
        if (store.has(diffId)) {
            return;
        }
        Path file = store.stagedFile();
        try {
            source.blob(blob.digest(), blob.size(), file);
            try (InputStream in = Files.newInputStream(file)) {
                store.add(in, diffId);
            }
        } finally {
            Files.delete(file);
        }
    }

    /** Runs tasks a few at a time; the first failure stops the others. */
    private static void runAll(List<Callable<Void>> tasks) throws IOException, InterruptedException {
        ExecutorService threads = Executors.newFixedThreadPool(PARALLEL);
        try {
            List<Future<Void>> futures = tasks.stream().map(threads::submit).toList();
            for (Future<Void> future : futures) {
                future.get();
            }
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException io ? io : new IOException(e.getCause());
        } finally {
            threads.shutdownNow();
            threads.close();
        }
    }

    private Digest digest(JsonNode descriptor) throws IOException {
        return digest(descriptor.path("digest").asString(""));
    }

    private Digest digest(String text) throws IOException {
        try {
            return Digest.parse(text);
        } catch (IllegalArgumentException e) {
            throw new BadLayerException(image + " is described with something that is " + e.getMessage());
        }
    }

    private static Map<String, String> env(JsonNode list) {
        Map<String, String> env = new LinkedHashMap<>();
        for (JsonNode entry : list) {
            String[] parts = entry.asString("").split("=", 2);
            if (parts.length == 2 && !parts[0].isEmpty() && !parts[1].isEmpty()) {
                env.put(parts[0], parts[1]);
            }
        }
        return env;
    }
}
