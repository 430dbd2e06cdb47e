package dev.sandlot.builds;

import dev.sandlot.builds.WorkSandbox.Ended;
import dev.sandlot.envd.Accounts;
import dev.sandlot.envd.EnvdSandbox;
import dev.sandlot.images.BadLayerException;
import dev.sandlot.images.Digest;
import dev.sandlot.images.LayerRecord;
import dev.sandlot.linux.FullDisk;
import dev.sandlot.protocol.BuildContext;
import dev.sandlot.protocol.BuildLogEntry;
import dev.sandlot.protocol.BuildOrigin;
import dev.sandlot.protocol.BuildPlan;
import dev.sandlot.protocol.BuildPlan.Semantics;
import dev.sandlot.protocol.BuiltTemplate;
import dev.sandlot.protocol.TemplateStart;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The course of one build: base, default user, steps, finalize (template-build.md 8). One thread.
 *
 * <p>At any time {@code layers} and {@code context} are what {@code key} names; each phase moves all three on.
 */
final class BuildRun {
    private static final String BASE = "base";
    private static final String FINALIZE = "finalize";
    private static final String USER = "user";
    private static final String ROOT = "root";
    /** What a start command said last is told with its failure. */
    private static final int START_LINES = 10;

    private final BuildPlan plan;
    private final BuildTools tools;
    private final BuildLog log;

    private CacheKey key = CacheKey.first();
    private List<Digest> layers = List.of();
    private BuildContext context = new BuildContext(ROOT, "", Map.of());
    private @Nullable TemplateStart inherited;
    private boolean forced;

    BuildRun(BuildPlan plan, BuildTools tools, BuildLog log) {
        this.plan = plan;
        this.tools = tools;
        this.log = log;
        this.forced = plan.force() || plan.semantics() == Semantics.V1_0;
    }

    /** What a phase does to the layers and the context when it is not in the cache. */
    @FunctionalInterface
    private interface Work {
        void run() throws BuildFailure, IOException, InterruptedException;
    }

    /** What is done in a sandbox before its changes become a layer. */
    @FunctionalInterface
    private interface Inside {
        void run(WorkSandbox sandbox) throws BuildFailure, IOException, InterruptedException;
    }

    /**
     * Builds.
     *
     * @throws IOException when something of this machine is to blame
     */
    BuiltTemplate run() throws BuildFailure, IOException, InterruptedException {
        log.info("", "Building template " + plan.templateId() + "/" + plan.buildId());
        base();
        for (int i = 0; i < plan.steps().size(); i++) {
            step(i);
        }
        return finalizeTemplate();
    }

    private void base() throws BuildFailure, IOException, InterruptedException {
        switch (plan.origin()) {
            case BuildOrigin.Image image -> {
                String known = tools.bases().known(image.reference());
                key = known.isEmpty()
                        ? CacheKey.first("image", tools.bases().provisioning(), image.reference())
                        : CacheKey.first("image", tools.bases().provisioning(), image.reference(), known);
                fromImage(image.reference());
            }
            case BuildOrigin.Pushed _ -> {
                forced = true;
                key = CacheKey.first("pushed", plan.buildId().toString());
                fromImage(plan.templateId() + ":" + plan.buildId());
            }
            case BuildOrigin.Parent parent -> fromTemplate(parent);
            case BuildOrigin.Missing missing -> throw new BuildFailure(BASE, missing.message());
        }
    }

    private void fromImage(String reference) throws BuildFailure, IOException, InterruptedException {
        phase(BASE, "[base] FROM " + reference, () -> {
            BuildBase made = tools.bases().make(plan, log);
            layers = made.layers();
            context = new BuildContext(ROOT, plan.semantics() == Semantics.V1_0 ? "/home/user" : "", made.env());
        });
        if (plan.semantics() == Semantics.V2_1) {
            key = key.then("default user", List.of(USER));
            phase(BASE, "[base] DEFAULT USER " + USER, () -> {
                inSandbox(BASE, sandbox -> ensureUser(sandbox, BASE, USER, true));
                context = context.withUser(USER);
            });
        }
    }

    private void fromTemplate(BuildOrigin.Parent parent) throws BuildFailure {
        BuiltTemplate built = parent.built();
        key = CacheKey.first("template", parent.buildId().toString());
        layers = built.layers().stream().map(Digest::parse).toList();
        context = built.context();
        inherited = built.start();
        if (!layers.stream().allMatch(tools.layers()::has)) {
            throw new BuildFailure(
                    BASE, "the template '" + parent.name() + "' is no longer complete: please rebuild it first");
        }
        log.info(BASE, "CACHED [base] FROM TEMPLATE " + parent.name() + " [" + key + "]");
    }

    private void step(int index) throws BuildFailure, IOException, InterruptedException {
        BuildPlan.Step step = Expansion.inPaths(plan.steps().get(index), context);
        String number = Integer.toString(index + 1);
        String prefix = "builder " + number + "/" + plan.steps().size();
        String type = step.type().toUpperCase(Locale.ROOT);
        List<String> parts = new ArrayList<>(step.args());
        parts.add(step.filesHash() == null ? "" : step.filesHash());
        key = key.then(type, parts);
        forced |= step.force();
        String text = type + " " + String.join(" ", step.args());
        phase(number, "[" + prefix + "] " + text.strip(), () -> perform(step, number, prefix));
    }

    /** Takes from the cache what the key names, or does the work and puts the result there. */
    private void phase(String step, String line, Work work) throws BuildFailure, IOException, InterruptedException {
        Optional<BuildCache.Stored> known =
                forced ? Optional.empty() : tools.cache().find(plan.teamId(), key);
        log.info(step, (known.isPresent() ? "CACHED " : "") + line + " [" + key + "]");
        if (known.isPresent()) {
            layers = known.get().layers().stream().map(Digest::parse).toList();
            context = known.get().context();
            return;
        }
        work.run();
        List<String> names = layers.stream().map(Digest::toString).toList();
        tools.cache().put(plan.teamId(), key, new BuildCache.Stored(line, names, context));
    }

    private void perform(BuildPlan.Step step, String number, String prefix)
            throws BuildFailure, IOException, InterruptedException {
        switch (Instruction.of(step, number)) {
            case Instruction.Run run -> run(run, number, prefix);
            case Instruction.Env env -> env(env, number);
            case Instruction.Workdir workdir -> workdir(workdir, number);
            case Instruction.User user -> {
                inSandbox(number, sandbox -> become(user, sandbox, number));
                context = context.withUser(user.text());
            }
            case Instruction.Copy copy -> copy(copy, number);
        }
    }

    private void run(Instruction.Run run, String number, String prefix)
            throws BuildFailure, IOException, InterruptedException {
        String user = run.user().isEmpty() ? context.user() : run.user();
        WorkSandbox.Command command =
                GuestShell.user(run.command(), context, user, tools.limits().command());
        WorkSandbox.Lines lines = new LoggedLines(log, BuildLogEntry.Level.INFO, number, prefix);
        inSandbox(number, sandbox -> {
            Ended ended =
                    blaming(number, "failed to run command '" + run.command() + "'", () -> sandbox.run(command, lines));
            if (!ended.isOk()) {
                String full = FullDisk.isAt(tools.layers().pool()) ? " (the disk of the node is full)" : "";
                throw new BuildFailure(
                        number,
                        "failed to run command '" + run.command() + "': exit status " + ended.exitCode() + full);
            }
        });
    }

    private void env(Instruction.Env env, String number) throws BuildFailure, IOException, InterruptedException {
        Expansion expansion = new Expansion(env.values());
        Set<String> unknown = expansion.unknown(context);
        Map<String, String> shell = Map.of();
        if (!unknown.isEmpty()) {
            try (WorkSandbox sandbox = open(number)) {
                shell = blaming(number, "the variables could not be expanded", () -> Expansion.ask(sandbox, unknown));
            }
        }
        context = context.withEnv(expansion.apply(context, shell));
    }

    private void workdir(Instruction.Workdir workdir, String number)
            throws BuildFailure, IOException, InterruptedException {
        String path = GuestPaths.resolve(context.workdir(), workdir.path());
        inSandbox(
                number,
                sandbox -> blaming(number, "the directory '" + path + "' cannot be made", () -> {
                    sandbox.files().makeDirectories(path, context.user());
                    return path;
                }));
        context = context.withWorkdir(path);
    }

    private void copy(Instruction.Copy copy, String number) throws BuildFailure, IOException, InterruptedException {
        Path archive = tools.uploads()
                .find(plan.teamId(), copy.filesHash())
                .orElseThrow(() -> new BuildFailure(
                        number, "the files of '" + copy.source() + "' were not uploaded: " + copy.filesHash()));
        FileCopy.Request request = new FileCopy.Request(
                archive, copy.source(), copy.target(), copy.owner(), copy.mode(), context.user(), context.workdir());
        inSandbox(number, sandbox -> {
            try {
                tools.copy().copy(request, sandbox);
            } catch (BuildFailure e) {
                throw new BuildFailure(number, e.text(), e);
            }
        });
    }

    /** A number needs no user of the sandbox. */
    private void become(Instruction.User user, WorkSandbox sandbox, String number)
            throws BuildFailure, IOException, InterruptedException {
        if (!user.name().isEmpty()) {
            ensureUser(sandbox, number, user.name(), user.admin());
        }
        if (new Accounts(sandbox.files()).ofTemplate(user.text()).isEmpty()) {
            throw new BuildFailure(number, "'" + user.text() + "' names a group that is not known to the sandbox");
        }
    }

    private void ensureUser(WorkSandbox sandbox, String step, String name, boolean admin)
            throws BuildFailure, IOException, InterruptedException {
        String script = GuestShell.bundled("user.sh");
        script(sandbox, step, "user '" + name + "' cannot be made", script, name, Boolean.toString(admin));
    }

    private void script(WorkSandbox sandbox, String step, String failure, String script, String... arguments)
            throws BuildFailure, InterruptedException {
        WorkSandbox.Lines lines = new LoggedLines(log, BuildLogEntry.Level.DEBUG, step, step);
        Ended ended = blaming(
                step,
                failure,
                () -> sandbox.run(GuestShell.script(script, tools.limits().script(), arguments), lines));
        if (!ended.isOk()) {
            throw new BuildFailure(step, failure + ": exit status " + ended.exitCode());
        }
    }

    private BuiltTemplate finalizeTemplate() throws BuildFailure, IOException, InterruptedException {
        String configure = GuestShell.bundled("user.sh") + GuestShell.bundled("configure.sh");
        key = key.then(FINALIZE, List.of(configure));
        BuildContext last = context;
        log.info(FINALIZE, "[finalize] Finalizing template build [" + key + "]");
        configure(configure);
        context = last;
        layers = and(new TemplateMark(tools.layers()).layer(plan, layers));
        TemplateStart start = start();
        return built(start == null ? null : check(start));
    }

    private void configure(String script) throws BuildFailure, IOException, InterruptedException {
        Optional<BuildCache.Stored> known =
                forced ? Optional.empty() : tools.cache().find(plan.teamId(), key);
        if (known.isPresent()) {
            layers = known.get().layers().stream().map(Digest::parse).toList();
            return;
        }
        inSandbox(
                FINALIZE,
                sandbox -> script(sandbox, FINALIZE, "the sandbox could not be configured", script, USER, "true"));
        List<String> names = layers.stream().map(Digest::toString).toList();
        tools.cache().put(plan.teamId(), key, new BuildCache.Stored("[finalize]", names, context));
    }

    private @Nullable TemplateStart start() {
        boolean given = plan.startCommand() != null || plan.readyCommand() != null;
        TemplateStart start = given
                ? new TemplateStart(orEmpty(plan.startCommand()), orEmpty(plan.readyCommand()), context)
                : inherited;
        return start != null && start.hasCommands() ? start : null;
    }

    private static String orEmpty(@Nullable String text) {
        return text == null ? "" : text;
    }

    /** Nothing of this stays but the ports: the commands are started anew in every sandbox. */
    private TemplateStart check(TemplateStart start) throws BuildFailure, IOException, InterruptedException {
        BuildSettings.Limits limits = tools.limits();
        if (!start.startCommand().isEmpty()) {
            log.info(FINALIZE, "Running start command: " + start.startCommand());
        }
        log.info(FINALIZE, "Waiting for the template to be ready");
        Readiness readiness = new Readiness(limits.ready(), limits.settle(), limits.poll(), limits.poll());
        TemplateStart seen;
        try (WorkSandbox sandbox = open(FINALIZE)) {
            reach(readiness, start, sandbox);
            seen = start.seenOn(Readiness.lasting(sandbox));
        }
        log.info(FINALIZE, "Template is ready");
        return seen;
    }

    private void reach(Readiness readiness, TemplateStart start, WorkSandbox sandbox)
            throws BuildFailure, InterruptedException {
        LastLines said = new LastLines(new LoggedLines(log, BuildLogEntry.Level.INFO, FINALIZE, "start"), START_LINES);
        try {
            readiness.reach(start, sandbox, said, new LoggedLines(log, BuildLogEntry.Level.DEBUG, FINALIZE, "ready"));
        } catch (NotReadyException e) {
            throw new BuildFailure(FINALIZE, said.after(e.text()), e);
        } catch (IOException e) {
            throw new BuildFailure(FINALIZE, "the template could not be started: " + e.getMessage(), e);
        }
    }

    private BuiltTemplate built(@Nullable TemplateStart start) throws IOException {
        boolean own = plan.semantics() == Semantics.V2_1;
        return new BuiltTemplate(
                layers.stream().map(Digest::toString).toList(),
                context,
                own ? context.user() : USER,
                own ? context.workdir() : "",
                start,
                EnvdSandbox.VERSION,
                tools.layers().bytes(layers));
    }

    private WorkSandbox open(String step) throws IOException {
        layers = tools.few().of(layers, log, step);
        return tools.workshop()
                .open(new Workshop.Order(plan.buildId(), plan.templateId(), layers, plan.cpuCount(), plan.memoryMb()));
    }

    private void inSandbox(String step, Inside inside) throws BuildFailure, IOException, InterruptedException {
        try (WorkSandbox sandbox = open(step)) {
            inside.run(sandbox);
            LayerRecord layer = sandbox.commit();
            if (layer.entries() > 1) {
                layers = and(layer.diffId());
            }
        } catch (BadLayerException e) {
            throw new BuildFailure(step, "the files cannot become a layer: " + e.getMessage(), e);
        }
    }

    private List<Digest> and(Digest layer) {
        List<Digest> more = new ArrayList<>(layers);
        more.add(layer);
        return List.copyOf(more);
    }

    /** What a command's failure to start becomes. */
    @FunctionalInterface
    private interface Attempt<T> {
        T run() throws IOException, InterruptedException;
    }

    private static <T> T blaming(String step, String failure, Attempt<T> attempt)
            throws BuildFailure, InterruptedException {
        try {
            return attempt.run();
        } catch (IOException e) {
            throw new BuildFailure(step, failure + ": " + e.getMessage(), e);
        }
    }
}
