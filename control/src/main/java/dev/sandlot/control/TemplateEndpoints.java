package dev.sandlot.control;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import tools.jackson.databind.node.NullNode;

/** Templates as they are: lists, names, tags, visibility, deletion (public-api.md 13.7 to 13.11). */
final class TemplateEndpoints {
    private final Lifecycle lifecycle;
    private final Templates templates;
    private final TemplateStore store;
    private final Builds builds;

    TemplateEndpoints(Lifecycle lifecycle, Templates templates, TemplateStore store, Builds builds) {
        this.lifecycle = lifecycle;
        this.templates = templates;
        this.store = store;
        this.builds = builds;
    }

    List<Route> routes() {
        return List.of(
                new Route("GET", "/templates", Access.TEAM_OR_TOKEN, true, this::list),
                new Route("GET", "/v2/templates", Access.TEAM_OR_TOKEN, true, this::page),
                Route.harmless("GET", "/templates/{templateID}", this::detail),
                new Route("DELETE", "/templates/{templateID}", Access.TEAM_OR_TOKEN, true, this::delete),
                new Route("PATCH", "/v2/templates/{templateID}", Access.TEAM_OR_TOKEN, false, this::publish),
                new Route("PATCH", "/templates/{templateID}", Access.TEAM_OR_TOKEN, false, this::publishOld),
                Route.harmless("GET", "/templates/aliases/{alias}", this::alias),
                Route.change("POST", "/templates/tags", this::assign),
                Route.harmless("DELETE", "/templates/tags", this::unassign),
                Route.harmless("GET", "/templates/{templateID}/tags", this::tags));
    }

    private record Alias(
            String templateID, @JsonProperty("public") boolean isPublic) {}

    private record Names(List<String> names) {}

    private record Assigned(List<String> tags, UUID buildID) {}

    private record Tag(String tag, UUID buildID, String createdAt) {}

    private List<TemplateStore.Listing> own(Call call) throws ApiException {
        Team team = call.team();
        Optional<String> asked = call.query().text("teamID").filter(text -> !text.isEmpty());
        if (asked.isPresent()
                && ProjectIds.parse(asked.get()).filter(team.id()::equals).isEmpty()) {
            throw invalid("teamID is another team than the one that asks");
        }
        return store.ofTeam(team.id());
    }

    private Reply list(Call call) throws ApiException {
        return Reply.json(200, own(call).stream().map(TemplateAnswers::listed).toList());
    }

    private Reply page(Call call) throws ApiException {
        List<TemplateStore.Listing> newestFirst = own(call).stream()
                .sorted(Comparator.comparing(TemplateStore.Listing::createdAt)
                        .thenComparing(TemplateStore.Listing::id)
                        .reversed())
                .toList();
        Page<TemplateStore.Listing> page =
                Page.of(call.query(), newestFirst, TemplateStore.Listing::createdAt, TemplateStore.Listing::id);
        return page.headed(Reply.json(
                200, page.items().stream().map(TemplateAnswers::listed).toList()));
    }

    private Reply detail(Call call) throws ApiException {
        String id = call.parameter("templateID");
        Template template = owned(call.team(), store.byId(id), id);
        TemplateStore.Listing listing = store.listing(template.id()).orElseThrow(() -> missing(id));
        Page<TemplateStore.BuildRow> page = Page.of(
                call.query(),
                store.builds(template.id()),
                TemplateStore.BuildRow::createdAt,
                build -> build.id().toString());
        return page.headed(Reply.json(200, TemplateAnswers.detail(listing, page.items())));
    }

    private Reply delete(Call call) throws ApiException {
        Template template = owned(call, "templateID");
        if (lifecycle.uses(template.id())) {
            throw invalid("cannot delete template '" + template.id() + "': running sandboxes use it");
        }
        store.delete(template.id());
        builds.templateDeleted();
        return Reply.empty(204);
    }

    private Reply publish(Call call) throws ApiException, IOException {
        Template template = owned(call, "templateID");
        Optional<Boolean> isPublic = call.body().bool("public");
        isPublic.ifPresent(wanted -> store.setPublic(template.id(), wanted));
        List<String> names = store.listing(template.id())
                .map(listing ->
                        listing.names().stream().map(TemplateStore.Name::text).toList())
                .orElse(List.of());
        return Reply.json(200, new Names(names));
    }

    private Reply publishOld(Call call) throws ApiException, IOException {
        Template template = owned(call, "templateID");
        Optional<Boolean> isPublic = call.body().bool("public");
        if (isPublic.orElse(false) && !store.promote(template.id())) {
            throw new ApiException(ErrorKind.CONFLICT, "a public template has one of its names already");
        }
        isPublic.ifPresent(wanted -> store.setPublic(template.id(), wanted));
        return Reply.json(200, NullNode.getInstance());
    }

    private Reply alias(Call call) throws ApiException {
        TemplateReference reference = TemplateReference.inOwnNamespace(call.team(), call.parameter("alias"));
        Template template = templates.find(call.team(), reference).orElseThrow(() -> missing(reference.name()));
        templates.build(template, reference);
        if (isForeign(call.team(), template)) {
            throw forbidden(reference.name());
        }
        return Reply.json(200, new Alias(template.id(), template.isPublic()));
    }

    /** Templates that come with the server belong to everyone. */
    private static boolean isForeign(Team team, Template template) {
        UUID owner = template.teamId();
        return owner != null && !owner.equals(team.id());
    }

    private Reply assign(Call call) throws ApiException, IOException {
        Fields body = call.body();
        TemplateReference target = TemplateReference.inOwnNamespace(call.team(), body.requiredText("target"));
        List<String> tags = tagsOf(body);
        Template template = owned(call.team(), target);
        TemplateBuild build = templates.build(template, target);
        store.assign(template.id(), build.id(), tags);
        return Reply.json(201, new Assigned(tags, build.id()));
    }

    private Reply unassign(Call call) throws ApiException, IOException {
        Fields body = call.body();
        String name = body.requiredText("name");
        TemplateReference reference = TemplateReference.inOwnNamespace(call.team(), name);
        if (name.contains(":")) {
            throw invalid("the name must not hold a tag");
        }
        List<String> tags = tagsOf(body);
        if (tags.contains(TemplateReference.DEFAULT_TAG)) {
            throw invalid("the tag 'default' cannot be taken away");
        }
        store.unassign(owned(call.team(), reference).id(), tags);
        return Reply.empty(204);
    }

    private static List<String> tagsOf(Fields body) throws ApiException {
        List<String> tags = new ArrayList<>();
        for (String text : body.strings("tags").orElse(List.of())) {
            tags.add(TemplateReference.assignableTag(text));
        }
        if (tags.isEmpty()) {
            throw invalid("at least one tag is needed");
        }
        return tags.stream().distinct().toList();
    }

    private Reply tags(Call call) throws ApiException {
        Template template = owned(call, "templateID");
        List<Tag> tags = store.tags(template.id()).stream()
                .map(tag -> new Tag(tag.tag(), tag.buildId(), Moments.text(tag.createdAt())))
                .toList();
        return Reply.json(200, tags);
    }

    private Template owned(Call call, String parameter) throws ApiException {
        return owned(call.team(), TemplateReference.parse(call.parameter(parameter)));
    }

    private Template owned(Team team, TemplateReference reference) throws ApiException {
        return owned(team, templates.find(team, reference), reference.name());
    }

    /** One that the team cannot see is as good as none; one that it can see but not change is refused. */
    private static Template owned(Team team, Optional<Template> found, String name) throws ApiException {
        Template template =
                found.filter(candidate -> candidate.isVisibleTo(team)).orElseThrow(() -> missing(name));
        if (!team.id().equals(template.teamId())) {
            throw forbidden(name);
        }
        return template;
    }

    private static ApiException missing(String name) {
        return new ApiException(ErrorKind.NOT_FOUND, "template '" + name + "' not found");
    }

    private static ApiException forbidden(String name) {
        return new ApiException(ErrorKind.FORBIDDEN, "you have no access to template '" + name + "'");
    }

    private static ApiException invalid(String message) {
        return new ApiException(ErrorKind.INVALID, message);
    }
}
