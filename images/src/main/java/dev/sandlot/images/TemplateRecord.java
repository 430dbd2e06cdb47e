package dev.sandlot.images;

import java.util.List;
import java.util.Map;

/**
 * A template that is ready in the pool.
 *
 * @param name the template
 * @param layers its layers, lowest first
 * @param defaultUser who runs commands when the caller does not say
 * @param workdir where commands run when the caller does not say
 * @param env variables of every process
 * @param sourceHash digest of all it was made from; another one means that it has to be made anew
 */
public record TemplateRecord(
        String name,
        List<Digest> layers,
        String defaultUser,
        String workdir,
        Map<String, String> env,
        Digest sourceHash) {
    public TemplateRecord {
        layers = List.copyOf(layers);
        env = Map.copyOf(env);
    }
}
