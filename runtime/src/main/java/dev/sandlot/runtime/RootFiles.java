package dev.sandlot.runtime;

import dev.sandlot.linux.Errno;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.FileIo;
import dev.sandlot.linux.FileStatus;
import dev.sandlot.linux.FileTree;
import dev.sandlot.linux.LinuxException;
import dev.sandlot.linux.Open;
import java.io.IOException;
import java.net.Inet4Address;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * The files of a sandbox that are its own from birth: names, name servers, and who it is. They are written into its
 * upper directory before it is mounted, and taken out again, as far as the sandbox left them alone, when that
 * directory is to become a layer. Directories on the way take owner and mode from the layers.
 */
final class RootFiles {
    private static final int DIRECTORY = 0755;
    private static final int FILE = 0644;
    private static final int READ_ONLY = 0444;

    private final RuntimeSpec spec;
    private final Path upper;
    private final int uidBase;
    private final Inet4Address gateway;
    private final Inet4Address address;

    RootFiles(RuntimeSpec spec, Path upper, int uidBase, Inet4Address gateway, Inet4Address address) {
        this.spec = spec;
        this.upper = upper;
        this.uidBase = uidBase;
        this.gateway = gateway;
        this.address = address;
    }

    /** A file with its content, below directories that are made for it. */
    private record Given(String directory, String name, String content, int mode) {
        byte[] bytes() {
            return content.getBytes(StandardCharsets.UTF_8);
        }
    }

    /** Owner and mode, the owner as a user of the sandbox. */
    private record Rights(int uid, int gid, int mode) {}

    private List<Given> given() {
        return List.of(
                new Given("etc", "hostname", spec.hostname() + "\n", FILE),
                new Given("etc", "resolv.conf", "nameserver " + gateway.getHostAddress() + "\n", FILE),
                new Given("etc", "hosts", hosts(), FILE),
                new Given("run/e2b", ".E2B_SANDBOX", "true", READ_ONLY),
                new Given("run/e2b", ".E2B_SANDBOX_ID", spec.id(), FILE),
                new Given("run/e2b", ".E2B_TEMPLATE_ID", spec.templateId(), FILE));
    }

    /** Makes the upper directory with the files in it. */
    void write() throws IOException {
        Files.createDirectory(upper);
        apply(upper, rights(""));
        for (String directory : List.of("etc", "run", "run/e2b")) {
            Path path = upper.resolve(directory);
            Files.createDirectory(path);
            apply(path, rights(directory));
        }
        for (Given file : given()) {
            Path path = upper.resolve(file.directory()).resolve(file.name());
            Files.write(path, file.bytes());
            apply(path, new Rights(0, 0, file.mode()));
        }
    }

    /** Takes out of the directory what is as it was written; the rest may be anything by now. */
    void withdraw() throws IOException {
        try (Fd root = FileTree.directory(upper.toString())) {
            for (Given file : given()) {
                withdraw(root, file);
            }
            withdrawDirectory(root, "run", "e2b", rights("run/e2b"));
            withdrawDirectory(root, ".", "run", rights("run"));
            withdrawDirectory(root, ".", "etc", rights("etc"));
        }
    }

    private void withdraw(Fd root, Given file) throws LinuxException {
        try (Fd directory = plainDirectory(root, file.directory())) {
            FileStatus status = FileTree.status(directory, file.name());
            byte[] content = file.bytes();
            boolean same = status.isRegular()
                    && status.size() == content.length
                    && has(status, new Rights(0, 0, file.mode()))
                    && Arrays.equals(read(directory, file.name(), content.length), content);
            if (same) {
                FileTree.unlink(directory, file.name());
            }
        } catch (LinuxException e) {
            requireChanged(e);
        }
    }

    private void withdrawDirectory(Fd root, String parent, String name, Rights rights) throws LinuxException {
        try (Fd directory = plainDirectory(root, parent)) {
            if (has(FileTree.status(directory, name), rights)) {
                FileTree.removeDirectory(directory, name);
            }
        } catch (LinuxException e) {
            requireChanged(e);
        }
    }

    /** What is missing, full, or of another kind was changed by the sandbox and stays. */
    private static void requireChanged(LinuxException e) throws LinuxException {
        if (!e.is(Errno.ENOENT) && !e.is(Errno.ENOTDIR) && !e.is(Errno.ELOOP) && !e.is(Errno.ENOTEMPTY)) {
            throw e;
        }
    }

    private static Fd plainDirectory(Fd root, String path) throws LinuxException {
        return FileTree.open(root, path, Open.PATH | Open.DIRECTORY, 0, Open.PLAIN);
    }

    private static byte[] read(Fd directory, String name, int length) throws LinuxException {
        byte[] content = new byte[length];
        try (Fd file = FileTree.open(directory, name, Open.READ | Open.NOFOLLOW | Open.NONBLOCK, 0, Open.PLAIN)) {
            int count = FileIo.read(file, content, 0, length);
            return count == length ? content : new byte[0];
        }
    }

    private boolean has(FileStatus status, Rights rights) {
        return status.uid() == uidBase + rights.uid()
                && status.gid() == uidBase + rights.gid()
                && status.mode() == rights.mode();
    }

    private String hosts() {
        return """
                127.0.0.1\tlocalhost
                ::1\tlocalhost ip6-localhost ip6-loopback
                %s\t%s
                """.formatted(address.getHostAddress(), spec.hostname());
    }

    /** A directory of the upper layer hides owner and mode of the one below it, so it repeats them. */
    private Rights rights(String inRoot) throws IOException {
        for (Path layer : spec.layers().reversed()) {
            Path below = layer.resolve(inRoot);
            if (Files.isDirectory(below, LinkOption.NOFOLLOW_LINKS)) {
                int mode = (int) Files.getAttribute(below, "unix:mode") & 07777;
                return new Rights(
                        (int) Files.getAttribute(below, "unix:uid"), (int) Files.getAttribute(below, "unix:gid"), mode);
            }
        }
        return new Rights(0, 0, DIRECTORY);
    }

    private void apply(Path path, Rights rights) throws IOException {
        Files.setAttribute(path, "unix:uid", uidBase + rights.uid());
        Files.setAttribute(path, "unix:gid", uidBase + rights.gid());
        Files.setAttribute(path, "unix:mode", rights.mode());
    }
}
