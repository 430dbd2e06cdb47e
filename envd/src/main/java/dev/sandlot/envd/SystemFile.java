package dev.sandlot.envd;

import dev.sandlot.linux.Errno;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.LinuxException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * A small file of the sandbox's system, such as {@code /etc/hosts}, that we change for it: root's, with mode 0644.
 * Its text has one character for each byte.
 */
final class SystemFile {
    private static final int MAX_SIZE = 16 << 20;
    private static final Account ROOT = new Account("root", 0, 0, List.of(0), "/root", "/bin/sh");

    private final SandboxFiles files;
    private final String path;

    SystemFile(SandboxFiles files, String path) {
        this.files = files;
        this.path = path;
    }

    /** What it says; empty when it is not there. */
    String text() throws LinuxException {
        try (Fd handle = files.handle(path);
                SandboxFile file = files.read(handle)) {
            byte[] bytes = file.readUpTo(MAX_SIZE + 1);
            if (bytes.length > MAX_SIZE) {
                throw new LinuxException("read", path, Errno.EFBIG.number());
            }
            return new String(bytes, StandardCharsets.ISO_8859_1);
        } catch (LinuxException e) {
            if (e.is(Errno.ENOENT)) {
                return "";
            }
            throw e;
        }
    }

    /** Replaces it, and makes the directories above it: who reads meanwhile sees the old or the new, whole. */
    void replace(String text) throws LinuxException {
        String target = target().orElse(path);
        files.makeDirectories(PathRules.parent(target), ROOT);
        String draft = target + "." + UUID.randomUUID() + ".tmp";
        try {
            write(draft, text.getBytes(StandardCharsets.ISO_8859_1));
            files.rename(draft, target);
        } catch (LinuxException e) {
            discard(draft, e);
            throw e;
        }
    }

    /** Where it really is, so that a link to it stays a link. */
    private Optional<String> target() throws LinuxException {
        try (Fd handle = files.handle(path)) {
            return files.realPath(handle);
        } catch (LinuxException e) {
            if (e.is(Errno.ENOENT)) {
                return Optional.empty();
            }
            throw e;
        }
    }

    private void write(String draft, byte[] bytes) throws LinuxException {
        SandboxFile created =
                files.create(draft).orElseThrow(() -> new LinuxException("openat2", draft, Errno.EEXIST.number()));
        try (SandboxFile file = created) {
            file.write(bytes, bytes.length);
            files.adopt(file, ROOT);
        }
    }

    private void discard(String draft, LinuxException cause) {
        try {
            files.unlink(draft);
        } catch (LinuxException e) {
            if (!e.is(Errno.ENOENT)) {
                cause.addSuppressed(e);
            }
        }
    }
}
