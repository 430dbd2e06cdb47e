package dev.sandlot.envd;

import dev.sandlot.linux.Directory;
import dev.sandlot.linux.Errno;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.FileNames;
import dev.sandlot.linux.FileStatus;
import dev.sandlot.linux.LinuxException;
import dev.sandlot.protocol.ConnectCode;
import dev.sandlot.protocol.ConnectException;
import dev.sandlot.protocol.filesystem.EntryInfo;
import dev.sandlot.protocol.filesystem.ListDirRequest;
import dev.sandlot.protocol.filesystem.ListDirResponse;
import dev.sandlot.protocol.filesystem.MakeDirRequest;
import dev.sandlot.protocol.filesystem.MakeDirResponse;
import dev.sandlot.protocol.filesystem.MoveRequest;
import dev.sandlot.protocol.filesystem.MoveResponse;
import dev.sandlot.protocol.filesystem.RemoveRequest;
import dev.sandlot.protocol.filesystem.RemoveResponse;
import dev.sandlot.protocol.filesystem.StatRequest;
import dev.sandlot.protocol.filesystem.StatResponse;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The unary methods of {@code filesystem.Filesystem} (envd.md 6.3 to 6.5). The {@code user} of each is the acting
 * user the request names, or null for the default one. Safe for several threads.
 */
public final class FilesystemService {
    private final SandboxFiles files;
    private final Accounts accounts;
    private final Supplier<String> defaultUser;
    private final Supplier<String> defaultDirectory;

    /**
     * @param defaultUser the name of the acting user when a request names none; empty when there is none
     * @param defaultDirectory what an empty path means; empty for the home of the acting user
     */
    public FilesystemService(
            SandboxFiles files, Accounts accounts, Supplier<String> defaultUser, Supplier<String> defaultDirectory) {
        this.files = files;
        this.accounts = accounts;
        this.defaultUser = defaultUser;
        this.defaultDirectory = defaultDirectory;
    }

    /** Describes a file; a link is described with what it leads to. */
    public StatResponse stat(StatRequest request, @Nullable String user) throws ConnectException {
        String path = resolve(request.getPath(), acting(user));
        return StatResponse.newBuilder().setEntry(entry(path)).build();
    }

    /** Makes a directory with those above it. */
    public MakeDirResponse makeDir(MakeDirRequest request, @Nullable String user) throws ConnectException {
        Account owner = acting(user);
        String path = resolve(request.getPath(), owner);
        refuseExisting(path);
        try {
            files.makeDirectories(path, owner);
        } catch (LinuxException e) {
            throw internal("error creating directory", e);
        }
        return MakeDirResponse.newBuilder().setEntry(entry(path)).build();
    }

    /** Renames a file, directory or link; makes the directories above the new place first. */
    public MoveResponse move(MoveRequest request, @Nullable String user) throws ConnectException {
        Account owner = acting(user);
        String source = resolve(request.getSource(), owner);
        String destination = resolve(request.getDestination(), owner);
        try {
            files.makeDirectories(PathRules.parent(destination), owner);
            refuseDirectory(source, destination);
            files.rename(source, destination);
        } catch (LinuxException e) {
            throw e.is(Errno.ENOENT)
                    ? new ConnectException(ConnectCode.NOT_FOUND, "source file not found: " + text(e), e)
                    : internal("error renaming", e);
        }
        return MoveResponse.newBuilder().setEntry(entry(destination)).build();
    }

    /** Lists a directory. */
    public ListDirResponse listDir(ListDirRequest request, @Nullable String user) throws ConnectException {
        String path = resolve(request.getPath(), acting(user));
        long depth = Math.max(1, Integer.toUnsignedLong(request.getDepth()));
        try (Directory root = directory(path)) {
            Entries entries = new Entries(files, accounts.names());
            return ListDirResponse.newBuilder()
                    .addAllEntries(new TreeListing(path, root, entries).list(depth))
                    .build();
        } catch (LinuxException e) {
            throw internal("error reading directory", e);
        } catch (TreeListing.TooMany e) {
            throw new ConnectException(
                    ConnectCode.INTERNAL,
                    "error reading directory " + FileNames.printable(path) + ": " + e.getMessage(),
                    e);
        }
    }

    /** Removes a file or a whole directory; that there is none is no failure. */
    public RemoveResponse remove(RemoveRequest request, @Nullable String user) throws ConnectException {
        Account owner = acting(user);
        if (request.getPath().isEmpty()) {
            throw new ConnectException(ConnectCode.INVALID_ARGUMENT, "a path is needed to remove something");
        }
        try {
            files.remove(resolve(request.getPath(), owner));
        } catch (LinuxException e) {
            if (!e.is(Errno.ENOENT)) {
                throw internal("error removing file or directory", e);
            }
        }
        return RemoveResponse.getDefaultInstance();
    }

    /** The acting user of a call. */
    Account acting(@Nullable String user) throws ConnectException {
        Optional<String> named = Optional.ofNullable(user).filter(text -> !text.isEmpty());
        String name = named.orElseGet(defaultUser);
        if (name.isEmpty()) {
            throw new ConnectException(ConnectCode.UNAUTHENTICATED, "no user was given and there is no default user");
        }
        try {
            Optional<Account> account = named.isPresent() ? accounts.user(name) : accounts.ofTemplate(name);
            return account.orElseThrow(() -> new ConnectException(
                    ConnectCode.UNAUTHENTICATED, "invalid username: '" + FileNames.printable(name) + "'"));
        } catch (LinuxException e) {
            throw internal("error looking up user '" + FileNames.printable(name) + "'", e);
        }
    }

    /** The path of a request, as the rules make it. */
    String resolve(String path, Account user) throws ConnectException {
        try {
            return PathRules.resolve(path, user, defaultDirectory.get());
        } catch (PathRules.ForeignHome e) {
            throw new ConnectException(ConnectCode.INVALID_ARGUMENT, e.text(), e);
        }
    }

    static ConnectException internal(String what, LinuxException cause) {
        return new ConnectException(ConnectCode.INTERNAL, what + ": " + text(cause), cause);
    }

    private static String text(LinuxException e) {
        return FileNames.printable(String.valueOf(e.getMessage()));
    }

    private EntryInfo entry(String path) throws ConnectException {
        try {
            return new Entries(files, accounts.names()).at(path);
        } catch (LinuxException e) {
            throw e.is(Errno.ENOENT)
                    ? new ConnectException(ConnectCode.NOT_FOUND, "file not found: " + text(e), e)
                    : internal("error describing file", e);
        }
    }

    private Directory directory(String path) throws ConnectException {
        try {
            return files.directory(path);
        } catch (LinuxException e) {
            String name = FileNames.printable(path);
            throw switch (e.errno()) {
                case ENOENT -> new ConnectException(ConnectCode.NOT_FOUND, "directory not found: " + name, e);
                case ENOTDIR ->
                    new ConnectException(ConnectCode.INVALID_ARGUMENT, "path is not a directory: " + name, e);
                case ELOOP ->
                    new ConnectException(
                            ConnectCode.FAILED_PRECONDITION, "cyclic symlink or chain >255 links at " + name, e);
                default -> internal("error opening directory", e);
            };
        }
    }

    private void refuseExisting(String path) throws ConnectException {
        try (Fd handle = files.handle(path)) {
            String name = FileNames.printable(path);
            throw files.status(handle).isDirectory()
                    ? new ConnectException(ConnectCode.ALREADY_EXISTS, "directory already exists: " + name)
                    : new ConnectException(
                            ConnectCode.INVALID_ARGUMENT, "path already exists but it is not a directory: " + name);
        } catch (LinuxException e) {
            if (!e.is(Errno.ENOENT)) {
                throw internal("error creating directory", e);
            }
        }
    }

    /** The kernel would replace an empty directory; the contract replaces files alone. */
    private void refuseDirectory(String source, String destination) throws LinuxException {
        try (Fd from = files.linkHandle(source)) {
            Optional<FileStatus> there = linkStatus(destination);
            if (there.isPresent() && there.get().isDirectory() && !there.get().isSameFile(files.status(from))) {
                throw new LinuxException("rename", destination, Errno.EEXIST.number());
            }
        }
    }

    private Optional<FileStatus> linkStatus(String path) throws LinuxException {
        try (Fd handle = files.linkHandle(path)) {
            return Optional.of(files.status(handle));
        } catch (LinuxException e) {
            if (e.is(Errno.ENOENT)) {
                return Optional.empty();
            }
            throw e;
        }
    }
}
