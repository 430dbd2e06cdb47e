package dev.sandlot.runtime;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** A program that runs sandboxes until it is killed: as many as it is told, or one after the other without end. */
final class CrashedNode {
    private CrashedNode() {}

    public static void main(String[] arguments) throws Exception {
        int count = Integer.parseInt(arguments[1]);
        SandboxRuntime runtime = OciRuntime.open(TestConfig.over(Path.of(arguments[0])), (_, _, _) -> {});
        for (int i = 0; count < 0 || i < count; i++) {
            RunningSandbox sandbox = runtime.start(new RuntimeSpec(
                    "crash-" + i, "base", List.of(TestLayer.path()), 1, 256, 200, "sandbox.test", true, Map.of()));
            new Inside(sandbox)
                    .start("echo $$ > /tmp/pid; exec sleep 1000", 0)
                    .ends()
                    .close();
            System.out.println(sandbox.id());
            if (count < 0 && i > 2) {
                runtime.kill("crash-" + (i - 2));
            }
        }
        System.out.println("ready");
        Thread.currentThread().join();
    }
}
