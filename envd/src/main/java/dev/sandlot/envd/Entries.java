package dev.sandlot.envd;

import com.google.protobuf.Timestamp;
import dev.sandlot.linux.Directory;
import dev.sandlot.linux.Errno;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.FileKind;
import dev.sandlot.linux.FileNames;
import dev.sandlot.linux.FileStatus;
import dev.sandlot.linux.LinuxException;
import dev.sandlot.protocol.filesystem.EntryInfo;
import dev.sandlot.protocol.filesystem.FileType;
import java.time.Instant;

/**
 * What the API tells of one file (envd.md 6.2, 6.4): size, owner and time of the entry itself, type and mode of
 * what it leads to. Holds for one request: names of users are read once.
 */
final class Entries {
    private final SandboxFiles files;
    private final Accounts.Names names;

    Entries(SandboxFiles files, Accounts.Names names) {
        this.files = files;
        this.names = names;
    }

    /** The entry at a path. */
    EntryInfo at(String path) throws LinuxException {
        try (Fd handle = files.linkHandle(path)) {
            EntryInfo.Builder entry = describe(path, files.status(handle));
            if (isLink(entry)) {
                follow(path, entry);
            } else {
                entry.putAllMetadata(Metadata.read(handle));
            }
            return entry.build();
        }
    }

    /**
     * The entry of a directory that is open.
     *
     * @param path how the entry is called in the answer
     * @param target a path that leads to the entry
     */
    EntryInfo in(Directory directory, String name, String path, String target) throws LinuxException {
        FileStatus status = files.status(directory.fd(), name);
        EntryInfo.Builder entry = describe(path, status);
        if (status.isSymlink()) {
            follow(target, entry);
        } else if (status.isRegular() || status.isDirectory()) {
            entry.putAllMetadata(Metadata.read(directory.fd(), name));
        }
        return entry.build();
    }

    /** The type letters and permissions of a file (envd.md 6.4). */
    static String permissions(FileStatus status) {
        StringBuilder out = new StringBuilder(typeLetters(status));
        if (out.isEmpty()) {
            out.append('-');
        }
        for (int bit = 8; bit >= 0; bit--) {
            out.append((status.mode() >> bit & 1) == 1 ? "xwr".charAt(bit % 3) : '-');
        }
        return out.toString();
    }

    private static String typeLetters(FileStatus status) {
        String kind = switch (status.kind()) {
            case DIRECTORY -> "d";
            case SYMLINK -> "L";
            case BLOCK_DEVICE, CHARACTER_DEVICE -> "D";
            case FIFO -> "p";
            case SOCKET -> "S";
            case REGULAR -> "";
            case UNKNOWN -> "?";
        };
        String set = ((status.mode() & 04000) != 0 ? "u" : "") + ((status.mode() & 02000) != 0 ? "g" : "");
        String character = status.kind() == FileKind.CHARACTER_DEVICE ? "c" : "";
        return kind + set + character + ((status.mode() & 01000) != 0 ? "t" : "");
    }

    private EntryInfo.Builder describe(String path, FileStatus status) {
        return EntryInfo.newBuilder()
                .setName(FileNames.printable(PathRules.baseName(path)))
                .setPath(FileNames.printable(path))
                .setType(type(status))
                .setSize(status.size())
                .setMode(status.mode() & 0777)
                .setPermissions(permissions(status))
                .setOwner(FileNames.printable(names.user(status.uid())))
                .setGroup(FileNames.printable(names.group(status.gid())))
                .setModifiedTime(timestamp(status.modified()));
    }

    private static boolean isLink(EntryInfo.Builder entry) {
        return entry.getPermissions().startsWith("L");
    }

    private void follow(String path, EntryInfo.Builder entry) throws LinuxException {
        entry.setSymlinkTarget(entry.getPath()).setMode(0).setType(FileType.FILE_TYPE_UNSPECIFIED);
        try (Fd target = files.handle(path)) {
            FileStatus status = files.status(target);
            files.realPath(target).ifPresent(real -> entry.setSymlinkTarget(FileNames.printable(real)));
            entry.setMode(status.mode() & 0777).setType(type(status)).putAllMetadata(Metadata.read(target));
        } catch (LinuxException e) {
            if (!isBroken(e)) {
                throw e;
            }
        }
    }

    private static boolean isBroken(LinuxException e) {
        return e.is(Errno.ENOENT)
                || e.is(Errno.ELOOP)
                || e.is(Errno.ENOTDIR)
                || e.is(Errno.EACCES)
                || e.is(Errno.ENAMETOOLONG);
    }

    private static FileType type(FileStatus status) {
        return switch (status.kind()) {
            case REGULAR -> FileType.FILE_TYPE_FILE;
            case DIRECTORY -> FileType.FILE_TYPE_DIRECTORY;
            default -> FileType.FILE_TYPE_UNSPECIFIED;
        };
    }

    private static Timestamp timestamp(Instant time) {
        return Timestamp.newBuilder()
                .setSeconds(time.getEpochSecond())
                .setNanos(time.getNano())
                .build();
    }
}
