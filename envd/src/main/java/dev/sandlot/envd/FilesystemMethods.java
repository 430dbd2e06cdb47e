package dev.sandlot.envd;

import com.google.protobuf.Message;
import dev.sandlot.protocol.ConnectCall;
import dev.sandlot.protocol.ConnectException;
import dev.sandlot.protocol.ConnectService;
import dev.sandlot.protocol.ConnectService.Responses;
import dev.sandlot.protocol.filesystem.CreateWatcherRequest;
import dev.sandlot.protocol.filesystem.EntryInfo;
import dev.sandlot.protocol.filesystem.FilesystemEvent;
import dev.sandlot.protocol.filesystem.GetWatcherEventsRequest;
import dev.sandlot.protocol.filesystem.GetWatcherEventsResponse;
import dev.sandlot.protocol.filesystem.ListDirRequest;
import dev.sandlot.protocol.filesystem.ListDirResponse;
import dev.sandlot.protocol.filesystem.MakeDirRequest;
import dev.sandlot.protocol.filesystem.MakeDirResponse;
import dev.sandlot.protocol.filesystem.MoveRequest;
import dev.sandlot.protocol.filesystem.MoveResponse;
import dev.sandlot.protocol.filesystem.RemoveRequest;
import dev.sandlot.protocol.filesystem.RemoveWatcherRequest;
import dev.sandlot.protocol.filesystem.StatRequest;
import dev.sandlot.protocol.filesystem.StatResponse;
import dev.sandlot.protocol.filesystem.WatchDirRequest;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** The file service as the router serves it, with less in its answers for clients of old (envd.md 5.2). */
final class FilesystemMethods {
    /** How the paths of all its methods begin. */
    static final String PREFIX = "/filesystem.Filesystem/";

    /** The one that lasts. */
    static final String WATCH = PREFIX + "WatchDir";

    private static final String OLD_CLIENT = "connect-python";
    private static final String OLD_CLIENT_MARK = "X-E2B-Legacy-SDK";

    /** A method of the file service. */
    @FunctionalInterface
    private interface Method<Q extends Message> {
        Message call(Q request, @Nullable String user) throws ConnectException;
    }

    private FilesystemMethods() {}

    static ConnectService describe(FilesystemService files, FilesystemWatches watches, FileCalls calls) {
        return new ConnectService("filesystem.Filesystem")
                .unary("Stat", StatRequest.getDefaultInstance(), method(files::stat))
                .unary("MakeDir", MakeDirRequest.getDefaultInstance(), method(files::makeDir))
                .unary("Move", MoveRequest.getDefaultInstance(), method(files::move))
                .unary("ListDir", ListDirRequest.getDefaultInstance(), method(files::listDir))
                .unary("Remove", RemoveRequest.getDefaultInstance(), method(files::remove))
                .serverStream("WatchDir", WatchDirRequest.getDefaultInstance(), (call, request, out) -> {
                    String user = BasicUser.named(call.requestHeaders()).orElse(null);
                    try (DirectoryWatch watch = calls.call(() -> watches.watchDir(request, user))) {
                        tell(watch, call, out);
                    }
                })
                .unary("CreateWatcher", CreateWatcherRequest.getDefaultInstance(), method(watches::createWatcher))
                .unary(
                        "GetWatcherEvents",
                        GetWatcherEventsRequest.getDefaultInstance(),
                        method((request, _) -> watches.getWatcherEvents(request)))
                .unary(
                        "RemoveWatcher",
                        RemoveWatcherRequest.getDefaultInstance(),
                        method((request, _) -> watches.removeWatcher(request)));
    }

    private static <Q extends Message> ConnectService.Unary<Q> method(Method<Q> method) {
        return (call, request) -> {
            Message answer =
                    method.call(request, BasicUser.named(call.requestHeaders()).orElse(null));
            return isOld(call) ? reduced(call, answer) : answer;
        };
    }

    private static void tell(DirectoryWatch watch, ConnectCall call, Responses out)
            throws ConnectException, IOException {
        boolean old = isOld(call);
        if (old) {
            call.responseHeaders().set(OLD_CLIENT_MARK, "true");
        }
        new WatchReader(call, watch, out, event -> old ? reduced(event) : event).run();
    }

    private static boolean isOld(ConnectCall call) {
        return call.requestHeaders().first("User-Agent").orElse("").equals(OLD_CLIENT);
    }

    private static Message reduced(ConnectCall call, Message answer) {
        call.responseHeaders().set(OLD_CLIENT_MARK, "true");
        return switch (answer) {
            case StatResponse stat ->
                stat.toBuilder().setEntry(reduced(stat.getEntry())).build();
            case MakeDirResponse made ->
                made.toBuilder().setEntry(reduced(made.getEntry())).build();
            case MoveResponse moved ->
                moved.toBuilder().setEntry(reduced(moved.getEntry())).build();
            case ListDirResponse list ->
                ListDirResponse.newBuilder()
                        .addAllEntries(list.getEntriesList().stream()
                                .map(FilesystemMethods::reduced)
                                .toList())
                        .build();
            case GetWatcherEventsResponse events ->
                GetWatcherEventsResponse.newBuilder()
                        .addAllEvents(events.getEventsList().stream()
                                .map(FilesystemMethods::reduced)
                                .toList())
                        .build();
            default -> answer;
        };
    }

    private static FilesystemEvent reduced(FilesystemEvent event) {
        return FilesystemEvent.newBuilder()
                .setName(event.getName())
                .setType(event.getType())
                .build();
    }

    private static EntryInfo reduced(EntryInfo entry) {
        return EntryInfo.newBuilder()
                .setName(entry.getName())
                .setType(entry.getType())
                .setPath(entry.getPath())
                .build();
    }
}
