package dev.sandlot.app;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Programs of others that we run, or could. */
final class ProgramCheckup implements Doctor.Checkup {
    private final Machine machine;
    private final Settings settings;

    ProgramCheckup(Machine machine, Settings settings) {
        this.machine = machine;
        this.settings = settings;
    }

    @Override
    public List<Finding> required() {
        String name = settings.isolation().ociBinary();
        return List.of(machine.program(name)
                .map(path -> Finding.ok("OCI runtime", path.toString()))
                .orElseGet(() -> Finding.missing(
                        "OCI runtime",
                        name + " not found",
                        "apt-get install crun, or set " + Setting.OCI_BINARY.key())));
    }

    @Override
    public List<Finding> further(boolean isRoot) {
        return List.of(ociVersion(), debianTool(), compiler(), docker(), criu());
    }

    private Finding ociVersion() {
        return machine.program(settings.isolation().ociBinary())
                .map(path -> machine.run(List.of(path.toString(), "--version")))
                .map(outcome -> outcome.isSuccess()
                        ? Finding.ok("OCI runtime version", outcome.firstLine())
                        : Finding.degraded("OCI runtime version", outcome.firstLine(), "reinstall it"))
                .orElseGet(() -> Finding.note("OCI runtime version", "there is none"));
    }

    private Finding debianTool() {
        Optional<Path> found = machine.program("mmdebstrap");
        if (found.isPresent()) {
            return Finding.ok("mmdebstrap", found.get().toString());
        }
        return settings.images().baseImage().isEmpty()
                ? Finding.missing(
                        "mmdebstrap", "not found; the base template cannot be made", "apt-get install mmdebstrap")
                : Finding.note("mmdebstrap", "not found, and not needed with " + Setting.BASE_IMAGE.key());
    }

    private Finding compiler() {
        return machine.program("cc")
                .map(path -> Finding.ok("C compiler", path.toString()))
                .orElseGet(() -> Finding.degraded(
                        "C compiler", "not found; building from source needs it", "apt-get install gcc libc6-dev"));
    }

    private Finding docker() {
        return Finding.note(
                "docker",
                machine.exists("/var/run/docker.sock")
                        ? "runs; not used by this version"
                        : "does not run, and is not needed");
    }

    private Finding criu() {
        return Finding.note(
                "CRIU",
                machine.program("criu")
                        .map(path -> path + "; pausing with memory is not in this version")
                        .orElse("not found, and not used by this version"));
    }
}
