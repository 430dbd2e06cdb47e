package dev.sandlot.protocol;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a build has made.
 *
 * @param layers lowest first, as digests of the node's layer store
 * @param context where a template built on this one goes on
 * @param defaultUser who runs commands in its sandboxes when the caller does not say
 * @param defaultWorkdir where they run then; empty for the user's home
 * @param start what is started in every sandbox, or null
 * @param envdVersion of the file and process service
 * @param sizeBytes of all layers
 */
public record BuiltTemplate(
        List<String> layers,
        BuildContext context,
        String defaultUser,
        String defaultWorkdir,
        @Nullable TemplateStart start,
        String envdVersion,
        long sizeBytes) {
    public BuiltTemplate {
        layers = List.copyOf(layers);
    }
}
