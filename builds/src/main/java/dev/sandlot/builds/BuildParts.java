package dev.sandlot.builds;

import dev.sandlot.images.LayerStore;
import dev.sandlot.images.PushedImages;
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
 * @param references tell which layers others need; those of the cache and of ready builds are known
 */
public record BuildParts(
        Workshop workshop,
        LayerStore layers,
        ImageBases bases,
        FileCopy copy,
        List<LayerCollector.References> references) {
    /**
     * The parts of a server: images from registries, or stand-ins for them; uploads as archives.
     *
     * @param pushed the images of this server's own registry
     */
    public static BuildParts of(
            Workshop workshop,
            LayerStore layers,
            StandIns standIns,
            PushedImages pushed,
            ImageBasesSettings images,
            List<LayerCollector.References> references) {
        ImageBases bases = new PulledBases(layers, workshop, standIns, pushed, images);
        List<LayerCollector.References> all = new ArrayList<>(references);
        all.add(standIns::layers);
        return new BuildParts(workshop, layers, bases, new ArchiveCopy(), all);
    }

    public BuildParts {
        references = List.copyOf(references);
    }
}
