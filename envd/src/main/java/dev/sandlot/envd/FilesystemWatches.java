package dev.sandlot.envd;

import dev.sandlot.linux.Fd;
import dev.sandlot.linux.FileNames;
import dev.sandlot.linux.LinuxException;
import dev.sandlot.protocol.ConnectCode;
import dev.sandlot.protocol.ConnectException;
import dev.sandlot.protocol.filesystem.CreateWatcherRequest;
import dev.sandlot.protocol.filesystem.CreateWatcherResponse;
import dev.sandlot.protocol.filesystem.GetWatcherEventsRequest;
import dev.sandlot.protocol.filesystem.GetWatcherEventsResponse;
import dev.sandlot.protocol.filesystem.RemoveWatcherRequest;
import dev.sandlot.protocol.filesystem.RemoveWatcherResponse;
import dev.sandlot.protocol.filesystem.WatchDirRequest;
import java.io.IOException;
import java.security.SecureRandom;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The watching methods of {@code filesystem.Filesystem} (envd.md 6.3, 6.6), and the watchers of one sandbox, which
 * live until they are removed or this is closed. Safe for several threads.
 */
public final class FilesystemWatches implements AutoCloseable {
    private static final String ID_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";
    private static final int ID_LENGTH = 20;
    private static final int MAX_WATCHERS = 1000;

    private final FilesystemService service;
    private final DirectoryWatch.Surroundings around;
    private final SecureRandom random = new SecureRandom();
    private final Map<String, DirectoryWatch> watchers = new ConcurrentHashMap<>();

    /** @param service of the same sandbox */
    FilesystemWatches(FilesystemService service, DirectoryWatch.Surroundings around) {
        this.service = service;
        this.around = around;
    }

    /** Starts the watch of a {@code WatchDir} stream; the caller closes it when the stream ends. */
    public DirectoryWatch watchDir(WatchDirRequest request, @Nullable String user) throws ConnectException {
        String path = service.resolve(request.getPath(), service.acting(user));
        checkDirectory(path, request.getAllowNetworkMounts(), request.getRecursive());
        try {
            return new DirectoryWatch(
                    around, new DirectoryWatch.Options(path, request.getRecursive(), request.getIncludeEntry()));
        } catch (IOException e) {
            throw new ConnectException(
                    ConnectCode.INTERNAL,
                    "error watching directory: " + FileNames.printable(String.valueOf(e.getMessage())),
                    e);
        }
    }

    /** Starts a watcher that keeps its events until they are asked for. */
    public CreateWatcherResponse createWatcher(CreateWatcherRequest request, @Nullable String user)
            throws ConnectException {
        if (watchers.size() >= MAX_WATCHERS) {
            throw new ConnectException(ConnectCode.INTERNAL, "the sandbox has " + MAX_WATCHERS + " watchers already");
        }
        WatchDirRequest watch = WatchDirRequest.newBuilder()
                .setPath(request.getPath())
                .setRecursive(request.getRecursive())
                .setIncludeEntry(request.getIncludeEntry())
                .setAllowNetworkMounts(request.getAllowNetworkMounts())
                .build();
        String id = newId();
        watchers.put(id, watchDir(watch, user));
        return CreateWatcherResponse.newBuilder().setWatcherId(id).build();
    }

    /** Gives out the events of a watcher since the last time. */
    public GetWatcherEventsResponse getWatcherEvents(GetWatcherEventsRequest request) throws ConnectException {
        DirectoryWatch watch = watchers.get(request.getWatcherId());
        if (watch == null) {
            throw unknown(request.getWatcherId());
        }
        return GetWatcherEventsResponse.newBuilder().addAllEvents(watch.take()).build();
    }

    /** Ends a watcher. */
    public RemoveWatcherResponse removeWatcher(RemoveWatcherRequest request) throws ConnectException {
        DirectoryWatch watch = watchers.remove(request.getWatcherId());
        if (watch == null) {
            throw unknown(request.getWatcherId());
        }
        watch.close();
        return RemoveWatcherResponse.getDefaultInstance();
    }

    /** Ends every watcher. */
    @Override
    public void close() {
        watchers.values().forEach(DirectoryWatch::close);
        watchers.clear();
    }

    private static ConnectException unknown(String id) {
        return new ConnectException(ConnectCode.NOT_FOUND, "watcher with id " + id + " not found");
    }

    private void checkDirectory(String path, boolean allowRemote, boolean recursive) throws ConnectException {
        String name = FileNames.printable(path);
        try (Fd handle = around.files().handle(path);
                Fd itself = around.files().linkHandle(path)) {
            if (!around.files().status(handle).isDirectory()) {
                throw new ConnectException(ConnectCode.INVALID_ARGUMENT, "path is not a directory: " + name);
            }
            if (!allowRemote && around.files().isRemote(handle)) {
                throw new ConnectException(
                        ConnectCode.INVALID_ARGUMENT, "path is on a network mount, which was not allowed: " + name);
            }
            if (recursive && around.files().status(itself).isSymlink()) {
                throw new ConnectException(ConnectCode.INTERNAL, "a tree cannot be watched through a link: " + name);
            }
        } catch (LinuxException e) {
            throw switch (e.errno()) {
                case ENOENT -> new ConnectException(ConnectCode.NOT_FOUND, "path not found: " + name, e);
                case ENOTDIR ->
                    new ConnectException(ConnectCode.INVALID_ARGUMENT, "path is not a directory: " + name, e);
                default -> FilesystemService.internal("error watching directory", e);
            };
        }
    }

    private String newId() {
        StringBuilder out = new StringBuilder("w");
        for (int i = 0; i < ID_LENGTH; i++) {
            out.append(ID_LETTERS.charAt(random.nextInt(ID_LETTERS.length())));
        }
        return out.toString();
    }
}
