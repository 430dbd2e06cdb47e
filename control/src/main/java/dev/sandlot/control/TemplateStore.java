package dev.sandlot.control;

import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Templates, their aliases and builds. Of the builds under one tag, the one assigned last counts. */
interface TemplateStore {
    /** A ready build for the template of an alias. */
    record Registration(@Nullable UUID teamId, String namespace, String alias, TemplateBuild build) {}

    Optional<Template> byAlias(String namespace, String alias);

    Optional<Template> byId(String id);

    Optional<TemplateBuild> newestReadyBuild(String templateId, String tag);

    /** A build by its ID, if it belongs to the template and is ready. */
    Optional<TemplateBuild> readyBuild(String templateId, UUID buildId);

    /**
     * Assigns the build to the default tag of the alias's template, which is made if need be; nothing changes if
     * it is the newest there already.
     *
     * @return the template's ID
     */
    String register(Registration registration);
}
