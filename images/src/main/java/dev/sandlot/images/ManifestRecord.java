package dev.sandlot.images;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What is known of a manifest that a repository has, in the form in which it is written down.
 *
 * @param mediaType as it was pushed
 * @param size in bytes
 * @param artifactType what it is, by itself or by its configuration; may be empty
 * @param annotations as it says
 * @param blobs digests of the blobs it needs
 * @param manifests digests of the manifests it lists
 * @param subject digest of the manifest it points to, if any
 */
record ManifestRecord(
        String mediaType,
        long size,
        String artifactType,
        Map<String, String> annotations,
        List<String> blobs,
        List<String> manifests,
        @Nullable String subject) {
    ManifestRecord {
        annotations = Map.copyOf(annotations);
        blobs = List.copyOf(blobs);
        manifests = List.copyOf(manifests);
    }

    Optional<Digest> pointsTo() {
        return subject == null ? Optional.empty() : Optional.of(Digest.parse(subject));
    }
}
