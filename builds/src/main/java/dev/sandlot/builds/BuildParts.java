package dev.sandlot.builds;

import dev.sandlot.images.LayerStore;
import java.util.List;

/**
 * What builds are made with.
 *
 * @param workshop where sandboxes come from
 * @param layers where layers go
 * @param bases makes bases out of images
 * @param copy puts uploaded files in place
 * @param references tell which layers others need; those of the cache and of ready builds are known
 */
public record BuildParts(
        Workshop workshop,
        LayerStore layers,
        ImageBases bases,
        FileCopy copy,
        List<LayerCollector.References> references) {
    public BuildParts {
        references = List.copyOf(references);
    }
}
