package dev.sandlot.control;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import dev.sandlot.control.BuildStore.Build;
import dev.sandlot.control.BuildStore.Outcome;
import dev.sandlot.control.BuildStore.Pushed;
import dev.sandlot.control.BuildStore.Target;
import dev.sandlot.control.TemplateStore.Name;
import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.BuildOrigin;
import dev.sandlot.protocol.BuildPlan;
import dev.sandlot.protocol.ErrorKind;
import java.io.IOException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Asking for builds and starting them, in the form of today and in the older ones (public-api.md 13.2, 13.4, 13.12). */
final class BuildEndpoints {
    /** Instructions of a build stay in memory until it ends. */
    private static final int LARGEST_BODY = 1 << 20;

    private final Builds builds;
    private final BuildPlans plans;
    private final Store store;
    private final InstantSource clock;
    private final boolean legacy;

    /** @param legacy whether the older forms are served */
    BuildEndpoints(Builds builds, BuildPlans plans, Store store, InstantSource clock, boolean legacy) {
        this.builds = builds;
        this.plans = plans;
        this.store = store;
        this.clock = clock;
        this.legacy = legacy;
    }

    List<Route> routes() {
        List<Route> routes = new ArrayList<>(List.of(
                Route.change("POST", "/v3/templates", this::request),
                Route.change("POST", "/v2/templates/{templateID}/builds/{buildID}", this::start)));
        if (legacy) {
            routes.add(Route.change("POST", "/v2/templates", this::requestOld));
            routes.add(new Route("POST", "/templates", Access.TOKEN, false, this::requestPushed));
            routes.add(new Route("POST", "/templates/{templateID}", Access.TOKEN, false, this::requestPushedAgain));
            routes.add(new Route(
                    "POST", "/templates/{templateID}/builds/{buildID}", Access.TOKEN, false, this::startPushed));
        }
        return routes;
    }

    private record Requested(
            String templateID,
            UUID buildID,
            @JsonProperty("public") boolean isPublic,
            List<String> names,
            List<String> tags,
            List<String> aliases) {}

    /** What older clients are told; the sizes and counts are there because they were always told. */
    private record RequestedOld(
            String templateID,
            UUID buildID,
            int cpuCount,
            int memoryMB,
            int diskSizeMB,
            @JsonProperty("public") boolean isPublic,
            List<String> aliases,
            List<String> names,
            String createdAt,
            String updatedAt,
            @JsonInclude @Nullable String createdBy,
            @JsonInclude @Nullable String lastSpawnedAt,
            long spawnCount,
            int buildCount,
            String envdVersion) {}

    /** A request that was taken, with the answer of the store. */
    private record Taken(BuildStore.Request request, Outcome.Waiting outcome) {
        List<String> aliases() {
            return outcome.names().stream().map(Name::alias).distinct().toList();
        }

        List<String> names() {
            return outcome.names().stream().map(Name::text).toList();
        }
    }

    private Reply request(Call call) throws ApiException, IOException {
        Fields body = call.body();
        Optional<String> given = body.text("name");
        String text = (given.isPresent() ? given : body.text("alias"))
                .map(String::strip)
                .filter(name -> !name.isEmpty())
                .orElseThrow(() -> invalid("Name is required"));
        TemplateReference name = TemplateReference.inOwnNamespace(call.team(), text);
        Taken taken = take(call, call.team(), named(call.team(), name), tags(name, body), null);
        return Reply.json(
                202,
                new Requested(
                        taken.outcome().templateId(),
                        taken.request().buildId(),
                        taken.outcome().isPublic(),
                        taken.names(),
                        taken.request().tags(),
                        taken.aliases()));
    }

    private static Target.Named named(Team team, TemplateReference name) {
        return new Target.Named(team.slug(), name.alias());
    }

    /** The tag of the name comes first; without any the build gets the default one. */
    private static List<String> tags(TemplateReference name, Fields body) throws ApiException {
        Set<String> tags = new LinkedHashSet<>();
        if (name.hasTag()) {
            tags.add(TemplateReference.assignableTag(name.tag()));
        }
        for (String tag : body.strings("tags").orElse(List.of())) {
            tags.add(TemplateReference.assignableTag(tag));
        }
        return tags.isEmpty() ? List.of(TemplateReference.DEFAULT_TAG) : List.copyOf(tags);
    }

    private Reply requestOld(Call call) throws ApiException, IOException {
        TemplateReference name =
                TemplateReference.inOwnNamespace(call.team(), call.body().requiredText("alias"));
        return old(take(call, call.team(), named(call.team(), name), tags(name, call.body()), null));
    }

    private Reply requestPushed(Call call) throws ApiException, IOException {
        Team team = team(call);
        Optional<TemplateReference> name = alias(team, call.body());
        Target target = name.isPresent() ? named(team, name.get()) : new Target.Unnamed();
        return old(take(call, team, target, tags(name, call.body()), pushed(call.body())));
    }

    private Reply requestPushedAgain(Call call) throws ApiException, IOException {
        Team team = team(call);
        Optional<TemplateReference> name = alias(team, call.body());
        Target target = new Target.Existing(
                call.parameter("templateID"),
                name.map(reference -> named(team, reference)).orElse(null));
        return old(take(call, team, target, tags(name, call.body()), pushed(call.body())));
    }

    private static Optional<TemplateReference> alias(Team team, Fields body) throws ApiException {
        Optional<String> text = body.text("alias").filter(alias -> !alias.isBlank());
        return text.isPresent() ? Optional.of(TemplateReference.inOwnNamespace(team, text.get())) : Optional.empty();
    }

    private static List<String> tags(Optional<TemplateReference> name, Fields body) throws ApiException {
        return name.isPresent() ? tags(name.get(), body) : List.of(TemplateReference.DEFAULT_TAG);
    }

    private static Pushed pushed(Fields body) throws ApiException {
        return new Pushed(
                body.requiredText("dockerfile"),
                body.text("startCmd").orElse(""),
                body.text("readyCmd").orElse(""));
    }

    /** The team that the body names, if the person belongs to it; else the one that stands for the person. */
    private Team team(Call call) throws ApiException, IOException {
        Optional<String> named = call.body().text("teamID").filter(text -> !text.isBlank());
        if (named.isEmpty() || named.get().equalsIgnoreCase(call.team().id().toString())) {
            return call.team();
        }
        UUID id = Uuids.required(named.get(), "team ID");
        Team team = call.person()
                .flatMap(person -> store.people().teamOf(person, id))
                .orElseThrow(() -> new ApiException(ErrorKind.FORBIDDEN, "you are no member of team '" + id + "'"));
        if (team.standing().banned()) {
            throw new ApiException(ErrorKind.FORBIDDEN, "team is banned");
        }
        team.standing().requireGood();
        return team;
    }

    private Taken take(Call call, Team team, Target target, List<String> tags, @Nullable Pushed pushed)
            throws ApiException, IOException {
        checkSize(call);
        BuildStore.Request request = new BuildStore.Request(
                UUID.randomUUID(),
                team.id(),
                call.person().orElse(null),
                target,
                tags,
                BuildSizes.of(call.body(), team.limits()),
                team.limits().concurrentBuilds(),
                pushed);
        return switch (builds.request(request)) {
            case Outcome.Waiting waiting -> new Taken(request, waiting);
            case Outcome.NameIsId() ->
                throw new ApiException(ErrorKind.CONFLICT, "Alias '" + alias(target) + "' is already used");
            case Outcome.NameTaken() ->
                throw new ApiException(ErrorKind.FORBIDDEN, "Alias '" + alias(target) + "' already used");
            case Outcome.NoTemplate() ->
                throw new ApiException(
                        ErrorKind.NOT_FOUND, "template '" + call.parameter("templateID") + "' not found");
            case Outcome.TooMany() ->
                throw new ApiException(
                        ErrorKind.LIMITED,
                        "you have reached the maximum number of concurrent template builds (" + request.limit()
                                + "). Wait until one ends, or ask for a higher limit.");
        };
    }

    private static String alias(Target target) {
        return switch (target) {
            case Target.Named named -> named.alias();
            case Target.Existing existing -> {
                Target.Named name = existing.name();
                yield name == null ? existing.templateId() : name.alias();
            }
            case Target.Unnamed _ -> "";
        };
    }

    private Reply old(Taken taken) {
        String now = Moments.text(Moments.now(clock));
        return Reply.json(
                202,
                new RequestedOld(
                        taken.outcome().templateId(),
                        taken.request().buildId(),
                        taken.request().resources().cpuCount(),
                        taken.request().resources().memoryMb(),
                        0,
                        taken.outcome().isPublic(),
                        taken.aliases(),
                        taken.names(),
                        now,
                        now,
                        null,
                        null,
                        0,
                        0,
                        ""));
    }

    private static void checkSize(Call call) throws ApiException, IOException {
        if (call.bytes().length > LARGEST_BODY) {
            throw invalid("the instructions of a build are larger than " + LARGEST_BODY + " bytes");
        }
    }

    private Reply start(Call call) throws ApiException, IOException {
        checkSize(call);
        Build build = waiting(call);
        BuildPlan plan = plans.of(call.team(), build, call.body(), call.header("User-Agent"));
        builds.start(build, plan);
        return Reply.empty(202);
    }

    private Reply startPushed(Call call) throws ApiException {
        Build build = waiting(call);
        Pushed pushed = build.pushed();
        if (pushed == null) {
            throw invalid("Build '" + build.id() + "' is not one whose image is pushed; use POST /v2"
                    + "/templates/{templateID}/builds/{buildID}");
        }
        builds.start(build, BuildPlans.plan(build, BuildPlan.Semantics.V1_0, new BuildOrigin.Pushed(), pushed));
        return Reply.empty(202);
    }

    private Build waiting(Call call) throws ApiException {
        String templateId = call.parameter("templateID");
        UUID buildId = call.uuid("buildID", "build id");
        Build build = builds.find(buildId)
                .filter(found -> found.templateId().equals(templateId))
                .orElseThrow(() -> new ApiException(ErrorKind.NOT_FOUND, "Build '" + buildId + "' not found"));
        if (!isOwn(call, build)) {
            throw new ApiException(ErrorKind.FORBIDDEN, "you have no access to template '" + templateId + "'");
        }
        if (build.status() != BuildStatus.WAITING) {
            throw Builds.notWaiting(buildId);
        }
        return build;
    }

    /** A person's token stands for one team, but the person may have asked for the build in another. */
    private boolean isOwn(Call call, Build build) {
        UUID owner = build.teamId();
        if (owner == null || owner.equals(call.team().id())) {
            return owner != null;
        }
        return build.pushed() != null
                && call.person()
                        .flatMap(person -> store.people().teamOf(person, owner))
                        .isPresent();
    }

    private static ApiException invalid(String message) {
        return new ApiException(ErrorKind.INVALID, message);
    }
}
