package dev.sandlot.builds;

import dev.sandlot.images.Digest;
import dev.sandlot.images.LayerStore;
import dev.sandlot.images.StagedTree;
import dev.sandlot.protocol.BuildPlan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;

/** The file {@code /.e2b}, which tells a sandbox what it is made from (template-build.md 8.3), as a layer. */
record TemplateMark(LayerStore store) {
    private static final String NAME = ".e2b";

    /** @param below the layers that it will lie on */
    Digest layer(BuildPlan plan, List<Digest> below) throws IOException {
        try (StagedTree staged = store.stage()) {
            Path file = staged.path().resolve(NAME);
            Files.writeString(file, text(plan));
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
            repeatRoot(store.path(below.getLast()), staged.path());
            return store.commit(staged).diffId();
        }
    }

    private static String text(BuildPlan plan) {
        return "ENV_ID=" + plan.templateId() + "\nTEMPLATE_ID=" + plan.templateId() + "\nBUILD_ID=" + plan.buildId()
                + "\n";
    }

    /** The topmost layer's root hides the owner and mode of those below. */
    private static void repeatRoot(Path from, Path to) throws IOException {
        for (String attribute : List.of("unix:uid", "unix:gid", "unix:mode")) {
            Files.setAttribute(to, attribute, Files.getAttribute(from, attribute));
        }
    }
}
