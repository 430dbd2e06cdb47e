package dev.sandlot.node;

import dev.sandlot.protocol.BuildLogEntry;
import dev.sandlot.protocol.BuildOrigin;
import dev.sandlot.protocol.BuildPlan;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** A program that builds a template whose second step does not end, and that is killed while it does. */
final class BuildingNode {
    static final String BLOCKED = "blocked";

    private BuildingNode() {}

    static BuildPlan plan(UUID build, UUID team, String second) {
        return new BuildPlan(
                build,
                "template",
                team,
                1,
                256,
                0,
                BuildPlan.Semantics.V2_1,
                new BuildOrigin.Image("small", null),
                List.of(
                        new BuildPlan.Step("RUN", List.of("echo kept > ~/kept"), null, false),
                        new BuildPlan.Step("RUN", List.of(second), null, false)),
                null,
                null,
                false);
    }

    public static void main(String[] arguments) throws Exception {
        BuildBench bench = BuildBench.open(Path.of(arguments[0]));
        UUID build = UUID.fromString(arguments[1]);
        bench.engine.start(plan(build, UUID.fromString(arguments[2]), "echo here; sleep 1000"));
        while (bench.engine.log(build).stream()
                .map(BuildLogEntry::message)
                .noneMatch(line -> line.endsWith(": here"))) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
        }
        System.out.println(BLOCKED);
        Thread.currentThread().join();
    }
}
