package dev.sandlot.images;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A manifest or index as it was pushed, read strictly: one meaning only. A document that could be read as an image
 * and as an index, that has a name twice, or that says another type than the request does, is refused.
 *
 * @param record what is kept of it
 * @param blobs what it needs
 * @param manifests what it lists
 */
record ManifestDocument(ManifestRecord record, List<Descriptor> blobs, List<Descriptor> manifests) {
    static final String OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
    static final String OCI_INDEX = "application/vnd.oci.image.index.v1+json";
    static final String DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
    static final String DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";

    private static final Set<String> IMAGES = Set.of(OCI_MANIFEST, DOCKER_MANIFEST);
    private static final Set<String> INDEXES = Set.of(OCI_INDEX, DOCKER_LIST);
    private static final int MAX_DESCRIPTORS = 4096;
    private static final JsonMapper STRICT = JsonMapper.builder(JsonFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build())
            .build();

    /**
     * A blob or manifest that a document names.
     *
     * @param required whether it must be there; layers that may not be handed on need not
     */
    record Descriptor(String mediaType, Digest digest, long size, boolean required) {}

    ManifestDocument {
        blobs = List.copyOf(blobs);
        manifests = List.copyOf(manifests);
    }

    /**
     * Reads a document.
     *
     * @param contentType the type that the request named, or null if it named none
     */
    static ManifestDocument read(byte[] bytes, @Nullable String contentType) throws RegistryException {
        JsonNode tree = tree(bytes);
        String type = type(tree, contentType);
        if (tree.path("schemaVersion").asInt(0) != 2) {
            throw invalid("schemaVersion must be 2");
        }
        List<Descriptor> blobs = IMAGES.contains(type) ? imageBlobs(tree) : List.of();
        List<Descriptor> manifests = INDEXES.contains(type) ? listed(tree) : List.of();
        JsonNode subject = tree.path("subject");
        return new ManifestDocument(
                new ManifestRecord(
                        type,
                        bytes.length,
                        artifactType(tree),
                        annotations(tree),
                        digests(blobs),
                        digests(manifests),
                        subject.isMissingNode()
                                ? null
                                : descriptor(subject, "subject").digest().toString()),
                blobs,
                manifests);
    }

    private static JsonNode tree(byte[] bytes) throws RegistryException {
        try {
            JsonNode tree = STRICT.readTree(bytes);
            if (!tree.isObject()) {
                throw invalid("the document is no JSON object");
            }
            return tree;
        } catch (JacksonException e) {
            throw invalid("the document is not JSON: " + e.getOriginalMessage());
        }
    }

    private static String type(JsonNode tree, @Nullable String contentType) throws RegistryException {
        String inside = tree.path("mediaType").asString("");
        String outside = contentType == null ? "" : contentType.split(";", 2)[0].strip();
        if (!inside.isEmpty() && !outside.isEmpty() && !inside.equals(outside)) {
            throw invalid("the document says it is " + inside + " and the request says " + outside);
        }
        String type = outside.isEmpty() ? inside : outside;
        if (!IMAGES.contains(type) && !INDEXES.contains(type)) {
            throw invalid("the type '" + type + "' is not served");
        }
        return type;
    }

    private static List<Descriptor> imageBlobs(JsonNode tree) throws RegistryException {
        if (tree.has("manifests")) {
            throw invalid("an image must not list manifests");
        }
        List<Descriptor> found = new ArrayList<>();
        found.add(descriptor(tree.path("config"), "config"));
        for (JsonNode layer : array(tree, "layers")) {
            found.add(descriptor(layer, "layer"));
        }
        return found;
    }

    private static List<Descriptor> listed(JsonNode tree) throws RegistryException {
        if (tree.has("layers") || tree.has("config")) {
            throw invalid("an index must not have a configuration or layers");
        }
        List<Descriptor> found = new ArrayList<>();
        for (JsonNode one : array(tree, "manifests")) {
            found.add(descriptor(one, "manifest"));
        }
        return found;
    }

    private static JsonNode array(JsonNode tree, String name) throws RegistryException {
        JsonNode array = tree.path(name);
        if (!array.isArray() || array.size() > MAX_DESCRIPTORS) {
            throw invalid(name + " must be a list of at most " + MAX_DESCRIPTORS);
        }
        return array;
    }

    private static Descriptor descriptor(JsonNode node, String what) throws RegistryException {
        String mediaType = node.path("mediaType").asString("");
        long size = node.path("size").canConvertToLong() ? node.path("size").asLong(-1) : -1;
        Optional<Digest> digest = RegistryPath.findDigest(node.path("digest").asString(""));
        if (mediaType.isEmpty() || size < 0 || digest.isEmpty()) {
            throw invalid("a " + what + " needs mediaType, size and a sha256 digest");
        }
        boolean elsewhere = mediaType.contains("nondistributable") || mediaType.contains(".foreign.");
        return new Descriptor(mediaType, digest.get(), size, !elsewhere);
    }

    private static String artifactType(JsonNode tree) {
        String own = tree.path("artifactType").asString("");
        return own.isEmpty() ? tree.path("config").path("mediaType").asString("") : own;
    }

    private static Map<String, String> annotations(JsonNode tree) {
        Map<String, String> found = new LinkedHashMap<>();
        tree.path("annotations").properties().forEach(one -> {
            if (one.getValue().isString()) {
                found.put(one.getKey(), one.getValue().asString());
            }
        });
        return found;
    }

    private static List<String> digests(List<Descriptor> descriptors) {
        return descriptors.stream().map(one -> one.digest().toString()).toList();
    }

    private static RegistryException invalid(String message) {
        return new RegistryException(RegistryError.MANIFEST_INVALID, message);
    }
}
