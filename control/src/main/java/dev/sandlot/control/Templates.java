package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.util.Optional;

/** Finds the template and build that a caller means (public-api.md 3.3). */
final class Templates {
    private final TemplateStore store;

    Templates(TemplateStore store) {
        this.store = store;
    }

    /** A template with the build to start. */
    record Resolved(Template template, TemplateBuild build) {}

    /**
     * The template and the newest ready build of the wanted tag.
     *
     * @throws ApiException {@code NOT_FOUND} when there is none the team may see
     */
    Resolved resolve(Team team, TemplateReference reference) throws ApiException {
        Template template =
                find(team, reference).orElseThrow(() -> missing("template '" + reference.name() + "' not found"));
        return new Resolved(template, build(template, reference));
    }

    /** The template that the reference means, if the team may see it. */
    Optional<Template> find(Team team, TemplateReference reference) {
        Optional<Template> found = reference.namespace().isEmpty()
                ? findBare(team, reference.alias())
                : store.byAlias(reference.namespace(), reference.alias());
        return found.filter(template -> template.isVisibleTo(team));
    }

    private Optional<Template> findBare(Team team, String alias) {
        return store.byAlias(team.slug(), alias)
                .or(() -> store.byAlias(TemplateReference.NO_NAMESPACE, alias))
                .or(() -> store.byId(alias));
    }

    /**
     * The newest ready build of the wanted tag.
     *
     * @throws ApiException {@code NOT_FOUND} when there is none
     */
    TemplateBuild build(Template template, TemplateReference reference) throws ApiException {
        return findBuild(template, reference)
                .orElseThrow(() -> missing(
                        "tag '" + reference.tag() + "' does not exist for template '" + reference.name() + "'"));
    }

    private Optional<TemplateBuild> findBuild(Template template, TemplateReference reference) {
        return reference
                .buildId()
                .map(id -> store.readyBuild(template.id(), id))
                .orElseGet(() -> store.newestReadyBuild(template.id(), reference.tag()));
    }

    private static ApiException missing(String message) {
        return new ApiException(ErrorKind.NOT_FOUND, message);
    }
}
