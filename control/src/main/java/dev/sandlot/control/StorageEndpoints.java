package dev.sandlot.control;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.BuildContext;
import dev.sandlot.protocol.BuildService;
import dev.sandlot.protocol.BuildStorage;
import dev.sandlot.protocol.BuiltTemplate;
import dev.sandlot.protocol.ErrorKind;
import dev.sandlot.protocol.TemplateStart;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * What operators do with what builds have left, beyond the contract: look at the cache and prune it, and take templates
 * out as archives, which are made while they are sent. The paths are our own.
 */
final class StorageEndpoints {
    private static final long MEBIBYTE = 1L << 20;
    private static final String EXPORT = "/admin/templates/{template}/export";

    private final BuildService builder;
    private final Templates templates;
    private final TemplateStore store;
    private final BuildStore builds;

    StorageEndpoints(BuildService builder, Templates templates, TemplateStore store, BuildStore builds) {
        this.builder = builder;
        this.templates = templates;
        this.store = store;
        this.builds = builds;
    }

    private record CacheItem(UUID teamID, String key, String step, long bytes, String lastUsedAt) {}

    private record CacheView(int entries, int layers, long bytes, List<CacheItem> items) {}

    private record PrunedView(int entries, int layers, long bytes) {}

    private record ExportView(
            String templateID,
            UUID buildID,
            List<String> aliases,
            List<String> layers,
            int cpuCount,
            int memoryMB,
            int diskSizeMB,
            String envdVersion,
            String defaultUser,
            String defaultWorkdir,
            Map<String, String> env,
            String startCommand,
            String readyCommand) {}

    List<Route> routes() {
        return List.of(
                Route.operator("GET", "/admin/cache", call -> cache()),
                Route.operator("POST", "/admin/cache/prune", this::prune),
                Route.operator("GET", EXPORT, call -> Reply.json(200, view(resolved(call)))),
                Route.operator("GET", EXPORT + "/rootfs.tar", this::root),
                Route.operator("GET", EXPORT + "/image.tar", this::image));
    }

    private Reply cache() throws ApiException {
        BuildStorage.Cache cache = builder.storage().cache();
        List<CacheItem> items = cache.entries().stream()
                .map(entry -> new CacheItem(
                        entry.teamId(), entry.key(), entry.step(), entry.bytes(), Moments.text(entry.used())))
                .toList();
        return Reply.json(200, new CacheView(items.size(), cache.layers(), cache.bytes(), items));
    }

    private Reply prune(Call call) throws ApiException {
        int keep = call.query().number("keepMB", 0, 0, Integer.MAX_VALUE);
        BuildStorage.Pruned pruned = builder.storage().prune(keep * MEBIBYTE);
        return Reply.json(200, new PrunedView(pruned.entries(), pruned.layers(), pruned.bytes()));
    }

    /** A bare name is one of the server's own templates, or an ID: an operator is of no team. */
    private Templates.Resolved resolved(Call call) throws ApiException {
        TemplateReference reference = TemplateReference.parse(call.parameter("template"));
        Optional<Template> found = store.byAlias(reference.namespace(), reference.alias());
        if (found.isEmpty() && reference.namespace().isEmpty()) {
            found = store.byId(reference.alias());
        }
        Template template = found.orElseThrow(() -> new ApiException(
                ErrorKind.NOT_FOUND,
                "template '" + reference.name() + "' not found; name it by its ID, or as TEAM/NAME"));
        return new Templates.Resolved(template, templates.build(template, reference));
    }

    private ExportView view(Templates.Resolved resolved) {
        TemplateBuild build = resolved.build();
        Resources resources = build.resources();
        TemplateStart start = build.start();
        return new ExportView(
                resolved.template().id(),
                build.id(),
                resolved.template().aliases(),
                build.layers(),
                resources.cpuCount(),
                resources.memoryMb(),
                resources.diskMb(),
                build.envdVersion(),
                build.defaultUser(),
                build.defaultWorkdir(),
                context(build).env(),
                start == null ? "" : start.startCommand(),
                start == null ? "" : start.readyCommand());
    }

    private BuildContext context(TemplateBuild build) {
        Map<String, String> env = builds.built(build.id())
                .map(BuiltTemplate::context)
                .map(BuildContext::env)
                .orElse(Map.of());
        return new BuildContext(build.defaultUser(), build.defaultWorkdir(), env);
    }

    private Reply root(Call call) throws ApiException {
        return Reply.tar(builder.storage().root(resolved(call).build().layers()));
    }

    private Reply image(Call call) throws ApiException {
        Templates.Resolved resolved = resolved(call);
        TemplateBuild build = resolved.build();
        String alias = resolved.template().alias();
        String name = (alias.isEmpty() ? resolved.template().id() : alias) + ":" + build.id();
        return Reply.tar(builder.storage().image(name, build.layers(), context(build)));
    }
}
