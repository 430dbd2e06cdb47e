package dev.sandlot.envd;

import dev.sandlot.linux.BorrowedIdentity;
import dev.sandlot.linux.Errno;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.FileIo;
import dev.sandlot.linux.FileTree;
import dev.sandlot.linux.LinuxException;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * An open regular file of a sandbox, used by one thread at a time. A file of the kernel (proc, sysfs, cgroup) is
 * used as the sandbox's root would use it, never with the rights of this program.
 */
final class SandboxFile implements AutoCloseable {
    private final Fd fd;
    private final @Nullable BorrowedIdentity identity;
    private final boolean kernel;

    /** @param identity who uses the file, null for this program itself; closed with the file */
    SandboxFile(Fd fd, boolean kernel, @Nullable BorrowedIdentity identity) {
        this.fd = fd;
        this.kernel = kernel;
        this.identity = identity;
    }

    /** Whether the content is made by the kernel as it is read, so that the size of the file says nothing. */
    boolean isKernelFile() {
        return kernel;
    }

    /** Reads at the position; -1 at the end. */
    int read(byte[] into, int offset, int length) throws LinuxException {
        return as(() -> FileIo.read(fd, into, offset, length));
    }

    /** Reads at a place; -1 at the end. */
    int readAt(long position, byte[] into, int offset, int length) throws LinuxException {
        return as(() -> FileIo.readAt(fd, position, into, offset, length));
    }

    /** Reads on until the array is full or the file ends; how much was read. */
    int fill(byte[] into) throws LinuxException {
        int done = 0;
        while (done < into.length) {
            int count = read(into, done, into.length - done);
            if (count < 0) {
                return done;
            }
            done += count;
        }
        return done;
    }

    /** The first bytes of the file, at most so many. */
    byte[] readUpTo(int limit) throws LinuxException {
        byte[] out = new byte[Math.min(limit, 8192)];
        int done = 0;
        while (done < limit) {
            if (done == out.length) {
                out = Arrays.copyOf(out, Math.min(limit, out.length * 2));
            }
            int count = read(out, done, out.length - done);
            if (count < 0) {
                break;
            }
            done += count;
        }
        return Arrays.copyOf(out, done);
    }

    /** Writes all of it, in one system call unless the kernel takes less. */
    void write(byte[] from, int length) throws LinuxException {
        as(() -> {
            FileIo.write(fd, from, 0, length);
            return true;
        });
    }

    /** Changes owner and group, numbered as on this machine; the kernel's own files keep theirs. */
    void chown(int uid, int gid) throws LinuxException {
        if (!kernel) {
            FileTree.chown(fd, uid, gid);
        }
    }

    /** Adds permission bits that are missing, as those that the process's creation mask took away. */
    void ensureMode(int mode) throws LinuxException {
        int now = FileTree.status(fd).mode();
        if (!kernel && (now & mode) != mode) {
            FileTree.chmod(fd, now | mode);
        }
    }

    /** Replaces the metadata (envd.md 4.5); a file system that cannot keep any is left without. */
    void metadata(Map<String, String> metadata) throws LinuxException {
        if (kernel) {
            return;
        }
        try {
            Metadata.replace(fd, metadata);
        } catch (LinuxException e) {
            if (!e.is(Errno.EOPNOTSUPP)) {
                throw e;
            }
        }
    }

    @Override
    public void close() {
        fd.close();
        if (identity != null) {
            identity.close();
        }
    }

    private <T> T as(Callable<T> action) throws LinuxException {
        if (identity != null) {
            return identity.call(action);
        }
        try {
            return action.call();
        } catch (LinuxException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
