package dev.sandlot.builds;

import dev.sandlot.images.Digest;
import java.util.List;
import java.util.Map;

/**
 * What a build's first step goes on from: an image, provisioned (template-build.md 8.1 and 8.2).
 *
 * @param layers lowest first
 * @param env the image's variables; those without a value are left out
 */
public record BuildBase(List<Digest> layers, Map<String, String> env) {
    public BuildBase {
        layers = List.copyOf(layers);
        env = Map.copyOf(env);
    }
}
