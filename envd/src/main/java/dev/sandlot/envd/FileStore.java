package dev.sandlot.envd;

import dev.sandlot.linux.Errno;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.LinuxException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import java.util.zip.ZipException;

/**
 * Stores uploaded bytes as a file (envd.md 4.5).
 *
 * <p>The order of system calls is part of the contract, for watches count the events: a new file is created, given
 * to its owner, then written; an existing one is given to its owner, emptied, then written; a small body is
 * written at once.
 */
final class FileStore {
    private static final int FIRST_CHUNK = 64 * 1024;
    private static final int CHUNK = 256 * 1024;
    private static final int MAX_RACES = 100;

    private final SandboxFiles files;
    private final Account owner;
    private final Map<String, String> metadata;
    private final long declaredLength;

    /** @param declaredLength of the whole request, -1 when not known */
    FileStore(SandboxFiles files, Account owner, Map<String, String> metadata, long declaredLength) {
        this.files = files;
        this.owner = owner;
        this.metadata = metadata;
        this.declaredLength = declaredLength;
    }

    /** Stores a body at a path, with the directories above it. */
    void store(String path, InputStream body) throws RestException, IOException {
        ensureDirectories(path);
        try (SandboxFile file = open(path)) {
            write(file, body);
            describe(file);
        }
    }

    private void ensureDirectories(String path) throws RestException {
        try {
            files.makeDirectories(path.endsWith("/") ? path : PathRules.parent(path), owner);
        } catch (LinuxException e) {
            if (isFull(e)) {
                throw new RestException(507, "error ensuring directories: not enough inodes available", e);
            }
            throw new RestException(500, "error ensuring directories: " + e.getMessage(), e);
        }
    }

    private SandboxFile open(String path) throws RestException {
        try {
            return openRetrying(path);
        } catch (LinuxException e) {
            if (isFull(e)) {
                throw new RestException(507, "error opening file: not enough inodes available", e);
            }
            throw new RestException(500, "error opening file: " + e.getMessage(), e);
        }
    }

    private SandboxFile openRetrying(String path) throws LinuxException, RestException {
        for (int race = 0; race < MAX_RACES; race++) {
            try (Fd there = files.handle(path)) {
                return overwrite(path, there);
            } catch (LinuxException e) {
                if (!e.is(Errno.ENOENT)) {
                    throw e;
                }
            }
            var created = files.create(path);
            if (created.isPresent()) {
                return adopted(created.get());
            }
        }
        throw new LinuxException("openat2", path, Errno.EAGAIN.number());
    }

    private SandboxFile overwrite(String path, Fd there) throws LinuxException, RestException {
        if (files.status(there).isDirectory()) {
            throw new RestException(400, "path is a directory: " + path);
        }
        if (!files.status(there).isRegular()) {
            throw new RestException(500, "error opening file: " + path + " is not a regular file");
        }
        files.chown(there, owner);
        return files.overwrite(there);
    }

    private SandboxFile adopted(SandboxFile file) throws LinuxException {
        try {
            files.adopt(file, owner);
            return file;
        } catch (LinuxException e) {
            file.close();
            throw e;
        }
    }

    private void write(SandboxFile file, InputStream body) throws RestException, IOException {
        byte[] buffer = new byte[FIRST_CHUNK];
        int length = fill(body, buffer);
        while (length > 0) {
            write(file, buffer, length);
            if (length < buffer.length) {
                return;
            }
            buffer = buffer.length < CHUNK ? new byte[CHUNK] : buffer;
            length = fill(body, buffer);
        }
    }

    private static int fill(InputStream body, byte[] buffer) throws RestException, IOException {
        try {
            return body.readNBytes(buffer, 0, buffer.length);
        } catch (ZipException | EOFException e) {
            throw new RestException(400, "the body is not valid gzip: " + e.getMessage(), e);
        } catch (Multipart.Malformed e) {
            throw new RestException(400, String.valueOf(e.getMessage()), e);
        }
    }

    private void write(SandboxFile file, byte[] buffer, int length) throws RestException {
        try {
            file.write(buffer, length);
        } catch (LinuxException e) {
            if (isFull(e)) {
                throw new RestException(507, full(), e);
            }
            throw new RestException(500, "error writing file: " + e.getMessage(), e);
        }
    }

    private String full() {
        String text = "not enough disk space available";
        return declaredLength > 0 ? "attempted to write " + declaredLength + " bytes: " + text : text;
    }

    private void describe(SandboxFile file) throws RestException {
        try {
            file.metadata(metadata);
        } catch (LinuxException e) {
            if (isFull(e)) {
                throw new RestException(507, "not enough disk space available for file metadata", e);
            }
            throw new RestException(500, "error storing file metadata: " + e.getMessage(), e);
        }
    }

    static boolean isFull(LinuxException e) {
        return e.is(Errno.ENOSPC) || e.is(Errno.EDQUOT);
    }
}
