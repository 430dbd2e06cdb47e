package dev.sandlot.builds;

import dev.sandlot.images.LayerStore;
import dev.sandlot.images.LocalImages;
import dev.sandlot.images.StandIns;
import java.util.ArrayList;
import java.util.List;

/**
 * What builds are made with.
 *
 * @param workshop where sandboxes come from
 * @param layers where layers go
 * @param bases makes bases out of images
 * @param copy puts uploaded files in place
 * @param images those that operators bring in
 * @param references tell which layers others need; those of the cache, of ready builds and of images are known
 */
public record BuildParts(
        Workshop workshop,
        LayerStore layers,
        ImageBases bases,
        FileCopy copy,
        LocalImages images,
        List<LayerCollector.References> references) {
    /**
     * The parts of a server: images from registries, or stand-ins for them; uploads as archives.
     *
     * @param own the images of this server
     */
    public static BuildParts of(
            Workshop workshop,
            LayerStore layers,
            StandIns standIns,
            OwnImages own,
            ImageBasesSettings images,
            List<LayerCollector.References> references) {
        ImageBases bases = new PulledBases(layers, workshop, standIns, own, images);
        List<LayerCollector.References> all = new ArrayList<>(references);
        all.add(standIns::layers);
        return new BuildParts(workshop, layers, bases, new ArchiveCopy(), own.local(), all);
    }

    public BuildParts {
        references = List.copyOf(references);
    }
}
