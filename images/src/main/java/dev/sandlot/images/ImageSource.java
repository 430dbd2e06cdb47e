package dev.sandlot.images;

import java.io.IOException;
import java.nio.file.Path;

/** Where the parts of one image come from. Whatever it gives for a digest has that digest. Safe for many threads. */
interface ImageSource {
    /**
     * A manifest or index.
     *
     * @param version tag or digest
     * @param accept media types, with commas between
     */
    byte[] manifest(String version, String accept) throws IOException, InterruptedException;

    /** A small blob. */
    byte[] smallBlob(Digest digest) throws IOException, InterruptedException;

    /** Writes a blob of known size into a file. */
    void blob(Digest digest, long size, Path into) throws IOException, InterruptedException;
}
