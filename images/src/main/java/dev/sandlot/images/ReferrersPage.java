package dev.sandlot.images;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * What points to a manifest (OCI distribution specification, "Listing Referrers"), as much of it as fits.
 *
 * @param manifests descriptors
 * @param last the last one listed, when there are more; null otherwise
 */
record ReferrersPage(
        List<Map<String, Object>> manifests, @Nullable Digest last) {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    ReferrersPage {
        manifests = List.copyOf(manifests);
    }

    /** After which one the next page goes on. */
    Optional<Digest> next() {
        return Optional.ofNullable(last);
    }

    /**
     * Makes the page.
     *
     * @param type the only type of artifact to list; empty for all
     * @param after the digest after which to begin; empty for the beginning
     */
    static ReferrersPage of(Repository repository, Digest subject, String type, String after, int maxBytes)
            throws IOException {
        List<Map<String, Object>> listed = new ArrayList<>();
        long size = 0;
        Digest last = null;
        for (Digest digest : repository.referrers(subject)) {
            Optional<ManifestRecord> record =
                    digest.toString().compareTo(after) > 0 ? repository.manifest(digest) : Optional.empty();
            if (record.isPresent()
                    && (type.isEmpty() || type.equals(record.get().artifactType()))) {
                Map<String, Object> descriptor = descriptor(digest, record.get());
                size += JSON.writeValueAsBytes(descriptor).length;
                if (size > maxBytes && last != null) {
                    return new ReferrersPage(listed, last);
                }
                listed.add(descriptor);
                last = digest;
            }
        }
        return new ReferrersPage(listed, null);
    }

    private static Map<String, Object> descriptor(Digest digest, ManifestRecord record) {
        Map<String, Object> descriptor = new LinkedHashMap<>();
        descriptor.put("mediaType", record.mediaType());
        descriptor.put("size", record.size());
        descriptor.put("digest", digest.toString());
        if (!record.artifactType().isEmpty()) {
            descriptor.put("artifactType", record.artifactType());
        }
        if (!record.annotations().isEmpty()) {
            descriptor.put("annotations", record.annotations());
        }
        return descriptor;
    }

    /** The page as an index. */
    byte[] index() {
        Map<String, Object> index = new LinkedHashMap<>();
        index.put("schemaVersion", 2);
        index.put("mediaType", ManifestDocument.OCI_INDEX);
        index.put("manifests", manifests);
        return JSON.writeValueAsBytes(index);
    }
}
