package dev.sandlot.builds;

import dev.sandlot.images.LayerStore;

/** What every build works with. */
record BuildTools(
        Workshop workshop,
        LayerStore layers,
        ImageBases bases,
        FileCopy copy,
        BuildCache cache,
        Uploads uploads,
        FewLayers few,
        BuildSettings.Limits limits) {}
