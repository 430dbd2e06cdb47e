package dev.sandlot.control;

import dev.sandlot.protocol.TemplateStart;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * One ready version of a template.
 *
 * @param id names the build
 * @param layers the layers of the root file system, lowest first, as digests of the node's layer store
 * @param resources what each sandbox may use
 * @param envdVersion the version of the file and process service that sandboxes will have
 * @param defaultUser who runs commands when the caller does not say
 * @param defaultWorkdir where commands run when the caller does not say; empty for the user's home
 * @param start what is started in every sandbox, or null
 */
public record TemplateBuild(
        UUID id,
        List<String> layers,
        Resources resources,
        String envdVersion,
        String defaultUser,
        String defaultWorkdir,
        @Nullable TemplateStart start) {
    public TemplateBuild {
        layers = List.copyOf(layers);
    }
}
