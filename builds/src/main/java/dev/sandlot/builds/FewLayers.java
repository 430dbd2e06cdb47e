package dev.sandlot.builds;

import dev.sandlot.images.Digest;
import dev.sandlot.images.LayerStore;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Keeps stacks of layers low: an overlay takes only so many, and each makes looking up a name slower. The upper half
 * of one that is too high becomes one layer; the lower half, which other templates have as well, stays.
 *
 * @param most a stack that has as many is made lower
 */
record FewLayers(LayerStore store, int most) {
    /** The same files in fewer layers, if there are too many. */
    List<Digest> of(List<Digest> layers, BuildLog log, String step) throws IOException {
        if (layers.size() < most) {
            return layers;
        }
        List<Digest> upper = layers.subList(most / 2, layers.size());
        log.info(step, "Merging " + upper.size() + " of " + layers.size() + " layers into one");
        List<Digest> fewer = new ArrayList<>(layers.subList(0, most / 2));
        fewer.add(store.merge(upper).diffId());
        return List.copyOf(fewer);
    }
}
