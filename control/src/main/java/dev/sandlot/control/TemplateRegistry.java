package dev.sandlot.control;

import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Takes in builds that are ready to be started. */
public final class TemplateRegistry {
    private final Store store;

    TemplateRegistry(Store store) {
        this.store = store;
    }

    /**
     * Makes a build the newest of a template, which is made if the alias is new. The same build may be registered
     * again without effect.
     *
     * @param teamId who owns the template, or null for one that comes with the server: public, and named by its
     *     bare alias
     * @param alias the template's name, without namespace
     * @return the template's ID
     * @throws IllegalArgumentException when there is no such team
     */
    public String registerBuild(@Nullable UUID teamId, String alias, TemplateBuild build) {
        String namespace = teamId == null ? TemplateReference.NO_NAMESPACE : slugOf(teamId);
        return store.templates().register(new TemplateStore.Registration(teamId, namespace, alias, build));
    }

    private String slugOf(UUID teamId) {
        return store.teams()
                .byId(teamId)
                .orElseThrow(() -> new IllegalArgumentException("there is no team " + teamId))
                .slug();
    }
}
