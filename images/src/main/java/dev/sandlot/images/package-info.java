/**
 * Layers and images: a content-addressed store of unpacked layers, the way in from tar archives and from image
 * registries, and the base template.
 *
 * <p>Layers come from strangers. {@link dev.sandlot.images.LayerUnpacker} is the one place that applies an archive
 * to a directory; it resolves every path in the kernel, below the layer's own root, through no symbolic link.
 */
@NullMarked
package dev.sandlot.images;

import org.jspecify.annotations.NullMarked;
