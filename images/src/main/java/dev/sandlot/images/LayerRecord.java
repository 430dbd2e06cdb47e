package dev.sandlot.images;

import java.time.Instant;

/**
 * What the store knows about a layer.
 *
 * @param diffId digest of its uncompressed archive
 * @param bytes length of that archive
 * @param entries files, directories and links in it
 * @param created when it came into the store
 */
public record LayerRecord(Digest diffId, long bytes, long entries, Instant created) {}
