package dev.sandlot.images;

import java.util.List;
import java.util.Map;

/**
 * An image whose layers are in the store.
 *
 * @param layers lowest first
 * @param env its variables; those without a value are left out
 * @param user who it wants to run as; may be empty
 * @param workdir where it wants to run; may be empty
 */
public record PulledImage(List<Digest> layers, Map<String, String> env, String user, String workdir) {
    public PulledImage {
        layers = List.copyOf(layers);
        env = Map.copyOf(env);
    }
}
