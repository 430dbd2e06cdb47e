package dev.sandlot.control;

import dev.sandlot.control.BuildStore.Build;
import dev.sandlot.control.BuildStore.Pushed;
import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.BuildOrigin;
import dev.sandlot.protocol.BuildPlan;
import dev.sandlot.protocol.ErrorKind;
import dev.sandlot.protocol.ImageCredentials;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Makes the plan of a build from what a caller sends (public-api.md 13.4). */
final class BuildPlans {
    private final Templates templates;
    private final BuildStore store;

    BuildPlans(Templates templates, BuildStore store) {
        this.templates = templates;
        this.store = store;
    }

    /** The plan; a template that cannot be found is no refusal but the first thing that fails. */
    BuildPlan of(Team team, Build build, Fields body, Optional<String> userAgent) throws ApiException {
        BuildPlan.Semantics semantics = ClientSemantics.of(userAgent);
        Optional<String> image = body.text("fromImage");
        Optional<String> template = body.text("fromTemplate");
        if (image.isPresent() == template.isPresent()) {
            throw new ApiException(
                    ErrorKind.INVALID,
                    image.isPresent()
                            ? "only one of fromImage and fromTemplate may be given"
                            : "one of fromImage and fromTemplate must be given");
        }
        BuildOrigin origin = image.isPresent()
                ? new BuildOrigin.Image(image.get(), credentials(body))
                : parent(team, template.orElseThrow());
        return new BuildPlan(
                build.id(),
                build.templateId(),
                team.id(),
                build.resources().cpuCount(),
                build.resources().memoryMb(),
                build.resources().diskMb(),
                semantics,
                origin,
                steps(body),
                body.text("startCmd").orElse(null),
                body.text("readyCmd").orElse(null),
                body.bool("force").orElse(false));
    }

    /** The plan of a build whose image is pushed: it has no steps and nothing of it is cached. */
    static BuildPlan plan(Build build, BuildPlan.Semantics semantics, BuildOrigin origin, Pushed pushed) {
        UUID team = build.teamId();
        if (team == null) {
            throw new IllegalArgumentException("build " + build.id() + " is of no team");
        }
        return new BuildPlan(
                build.id(),
                build.templateId(),
                team,
                build.resources().cpuCount(),
                build.resources().memoryMb(),
                build.resources().diskMb(),
                semantics,
                origin,
                List.of(),
                orNull(pushed.startCommand()),
                orNull(pushed.readyCommand()),
                true);
    }

    private static @Nullable String orNull(String text) {
        return text.isEmpty() ? null : text;
    }

    private BuildOrigin parent(Team team, String name) {
        try {
            UUID id = templates
                    .resolve(team, TemplateReference.parse(name))
                    .build()
                    .id();
            return store.built(id)
                    .map(built -> (BuildOrigin) new BuildOrigin.Parent(name, id, built))
                    .orElseGet(() -> new BuildOrigin.Missing("template '" + name + "' not found"));
        } catch (ApiException e) {
            return new BuildOrigin.Missing(e.text());
        }
    }

    private static List<BuildPlan.Step> steps(Fields body) throws ApiException {
        List<BuildPlan.Step> steps = new ArrayList<>();
        for (Fields step : body.objects("steps").orElse(List.of())) {
            steps.add(new BuildPlan.Step(
                    step.requiredText("type"),
                    step.strings("args").orElse(List.of()),
                    step.text("filesHash").orElse(null),
                    step.bool("force").orElse(false)));
        }
        return steps;
    }

    private static @Nullable ImageCredentials credentials(Fields body) throws ApiException {
        Optional<Fields> given = body.object("fromImageRegistry");
        if (given.isEmpty()) {
            return null;
        }
        Fields registry = given.get();
        return switch (registry.requiredText("type")) {
            case "registry" ->
                new ImageCredentials.Basic(registry.requiredText("username"), registry.requiredText("password"));
            case "aws" ->
                new ImageCredentials.Aws(
                        registry.requiredText("awsAccessKeyId"),
                        registry.requiredText("awsSecretAccessKey"),
                        registry.requiredText("awsRegion"));
            case "gcp" -> new ImageCredentials.Gcp(registry.requiredText("serviceAccountJson"));
            default -> throw new ApiException(ErrorKind.INVALID, "the type of fromImageRegistry is not known");
        };
    }
}
