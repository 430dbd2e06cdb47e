package dev.sandlot.runtime;

import dev.sandlot.linux.Cgroups;
import dev.sandlot.linux.ChildProcess;
import dev.sandlot.supervisor.SupervisorBinary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/** What the runtime has of the machine as long as it is open. */
record Machine(RuntimeConfig config, Cgroups cgroups, Journal journal, Trash trash, Tool nft, Tool oci) {
    private static final String OWNER_ONLY = "rwx------";
    private static final String PASSABLE = "rwx--x--x";
    private static final Path INOTIFY = Path.of("/proc/sys/fs/inotify/max_user_instances");
    private static final int INOTIFY_INSTANCES = 8192;

    static Machine open(RuntimeConfig config) throws IOException {
        directory(config.dataDirectory(), OWNER_ONLY);
        directory(config.runDirectory(), PASSABLE);
        directory(config.mountPoints(), PASSABLE);
        directory(config.runSandboxes(), OWNER_ONLY);
        directory(config.ociState(), OWNER_ONLY);
        raiseInotify();
        ChildProcess.adoptOrphans();
        SupervisorBinary.installTo(config.supervisor());
        return new Machine(
                config,
                Cgroups.open(config.cgroupParent()),
                new Journal(config.sandboxes()),
                new Trash(config.trash()),
                Tool.require("nft"),
                Tool.require(config.ociRuntime()));
    }

    /** All users of a sandbox count against the limit of the machine's namespace above theirs. */
    private static void raiseInotify() throws IOException {
        if (Integer.parseInt(Files.readString(INOTIFY).strip()) < INOTIFY_INSTANCES) {
            Files.writeString(INOTIFY, Integer.toString(INOTIFY_INSTANCES));
        }
    }

    private static void directory(Path path, String mode) throws IOException {
        Files.createDirectories(path);
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(mode));
    }
}
