package dev.sandlot.protocol;

import java.io.InputStream;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Images that operators bring to a node as archives; builds of every team find them before any registry is asked. */
public interface ImageStorage {
    /**
     * An image.
     *
     * @param name what builds call it
     * @param digest of its manifest
     * @param bytes of all that belongs to it, as it came
     * @param layers how many it has
     * @param imported when it came
     */
    record Image(String name, String digest, long bytes, int layers, Instant imported) {}

    /** All images, by name. */
    List<Image> list() throws ApiException;

    /**
     * Takes in the images of a tar archive, an OCI image layout or what {@code docker save} writes; all or none. Those
     * of the same names are replaced.
     *
     * @param archive plain or compressed; read to its end unless it is refused
     * @param name what its only image is to be called; empty for what the archive says
     * @return what came
     * @throws ApiException {@code INVALID} when the archive or the name is refused, {@code CONFLICT} while another one
     *     is read, {@code NO_SPACE} when there is no room
     */
    List<Image> add(InputStream archive, Optional<String> name) throws ApiException;

    /**
     * An image as a tar archive with an OCI image layout, its manifest and blobs as they came.
     *
     * @throws ApiException {@code NOT_FOUND} when there is none of that name
     */
    BuildStorage.Archive archive(String name) throws ApiException;

    /**
     * Drops an image; templates that were built from it stay as they are.
     *
     * @throws ApiException {@code NOT_FOUND} when there is none of that name
     */
    void remove(String name) throws ApiException;
}
