package dev.sandlot.runtime;

import java.io.IOException;
import java.net.Inet4Address;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * Writes the files of a sandbox that are its own from birth into its upper directory, before it is mounted: names,
 * name servers, and who it is. Directories on the way take owner and mode from the layers.
 */
final class RootFiles {
    private static final Set<PosixFilePermission> DIRECTORY = PosixFilePermissions.fromString("rwxr-xr-x");
    private static final Set<PosixFilePermission> FILE = PosixFilePermissions.fromString("rw-r--r--");
    private static final Set<PosixFilePermission> READ_ONLY = PosixFilePermissions.fromString("r--r--r--");

    private final RuntimeSpec spec;
    private final Path upper;
    private final int uidBase;

    RootFiles(RuntimeSpec spec, Path upper, int uidBase) {
        this.spec = spec;
        this.upper = upper;
        this.uidBase = uidBase;
    }

    void write(Inet4Address gateway, Inet4Address address) throws IOException {
        Files.createDirectory(upper);
        own(upper, Path.of(""), DIRECTORY);
        directory("etc");
        file("etc/hostname", spec.hostname() + "\n", FILE);
        file("etc/resolv.conf", "nameserver " + gateway.getHostAddress() + "\n", FILE);
        file("etc/hosts", hosts(address), FILE);
        directory("run");
        directory("run/e2b");
        file("run/e2b/.E2B_SANDBOX", "true", READ_ONLY);
        file("run/e2b/.E2B_SANDBOX_ID", spec.id(), FILE);
        file("run/e2b/.E2B_TEMPLATE_ID", spec.templateId(), FILE);
    }

    private String hosts(Inet4Address address) {
        return """
                127.0.0.1\tlocalhost
                ::1\tlocalhost ip6-localhost ip6-loopback
                %s\t%s
                """.formatted(address.getHostAddress(), spec.hostname());
    }

    private void directory(String name) throws IOException {
        Path path = upper.resolve(name);
        Files.createDirectory(path);
        own(path, Path.of(name), DIRECTORY);
    }

    private void file(String name, String content, Set<PosixFilePermission> mode) throws IOException {
        Path path = upper.resolve(name);
        Files.writeString(path, content);
        chown(path, 0, 0);
        Files.setPosixFilePermissions(path, mode);
    }

    /** A directory of the upper layer hides owner and mode of the one below it, so it repeats them. */
    private void own(Path path, Path inRoot, Set<PosixFilePermission> otherwise) throws IOException {
        for (Path layer : spec.layers().reversed()) {
            Path below = layer.resolve(inRoot);
            if (Files.isDirectory(below, LinkOption.NOFOLLOW_LINKS)) {
                chown(path, (int) Files.getAttribute(below, "unix:uid"), (int) Files.getAttribute(below, "unix:gid"));
                Files.setAttribute(path, "unix:mode", Files.getAttribute(below, "unix:mode"));
                return;
            }
        }
        chown(path, 0, 0);
        Files.setPosixFilePermissions(path, otherwise);
    }

    private void chown(Path path, int uid, int gid) throws IOException {
        Files.setAttribute(path, "unix:uid", uidBase + uid);
        Files.setAttribute(path, "unix:gid", uidBase + gid);
    }
}
