package dev.sandlot.envd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sandlot.linux.EventLoop;
import dev.sandlot.protocol.ConnectCode;
import dev.sandlot.protocol.ConnectException;
import dev.sandlot.protocol.filesystem.CreateWatcherRequest;
import dev.sandlot.protocol.filesystem.FilesystemEvent;
import dev.sandlot.protocol.filesystem.GetWatcherEventsRequest;
import dev.sandlot.protocol.filesystem.MakeDirRequest;
import dev.sandlot.protocol.filesystem.MoveRequest;
import dev.sandlot.protocol.filesystem.RemoveRequest;
import dev.sandlot.protocol.filesystem.RemoveWatcherRequest;
import dev.sandlot.protocol.filesystem.WatchDirRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The events of envd.md 6.6, asked for right after what caused them. */
class FilesystemWatchesTest {
    private FilesFixture sandbox;

    @BeforeEach
    void open(@TempDir Path root) throws IOException {
        sandbox = new FilesFixture(root);
        Files.createDirectories(sandbox.at("/w/sub"));
    }

    @AfterEach
    void close() {
        sandbox.close();
    }

    @Test
    void an_upload_is_told_as_three_events_and_fewer_when_empty() throws Exception {
        String id = watch("/w", false, false);
        assertThat(events(id)).isEmpty();
        sandbox.upload(FilesFixture.put("/w/test.txt", "hello"));
        assertThat(events(id)).containsExactly("CREATE test.txt", "CHMOD test.txt", "WRITE test.txt");
        sandbox.upload(FilesFixture.put("/w/empty", ""));
        assertThat(events(id)).containsExactly("CREATE empty", "CHMOD empty");
        sandbox.upload(FilesFixture.put("/w/test.txt", "again"));
        assertThat(events(id)).startsWith("CHMOD test.txt", "WRITE test.txt").hasSizeBetween(2, 3);
        sandbox.upload(FilesFixture.put("/w/meta", "x").header("X-Metadata-a", "1"));
        assertThat(events(id)).containsExactly("CREATE meta", "CHMOD meta", "WRITE meta", "CHMOD meta");
    }

    @Test
    void moving_making_changing_and_removing_are_told() throws Exception {
        Files.writeString(sandbox.at("/w/old"), "x");
        String id = watch("/w", false, false);
        sandbox.service.move(
                MoveRequest.newBuilder()
                        .setSource("/w/old")
                        .setDestination("/w/new")
                        .build(),
                null);
        assertThat(events(id)).containsExactly("RENAME old", "CREATE new");
        sandbox.service.makeDir(MakeDirRequest.newBuilder().setPath("/w/dir").build(), null);
        assertThat(events(id)).containsExactly("CREATE dir", "CHMOD dir");
        Files.setPosixFilePermissions(sandbox.at("/w/new"), PosixFilePermissions.fromString("rwx------"));
        assertThat(events(id)).containsExactly("CHMOD new");
        Files.createFile(sandbox.at("/w/dir/unseen"));
        sandbox.service.remove(RemoveRequest.newBuilder().setPath("/w/new").build(), null);
        assertThat(events(id)).containsExactly("REMOVE new");
    }

    @Test
    void the_end_of_the_directory_itself_is_told_with_a_dot() throws Exception {
        Files.createDirectories(sandbox.at("/gone"));
        String removed = watch("/gone", false, false);
        String moved = watch("/w", true, false);
        Files.delete(sandbox.at("/gone"));
        assertThat(events(removed)).containsExactly("REMOVE .");
        Files.move(sandbox.at("/w"), sandbox.at("/elsewhere"));
        Files.createFile(sandbox.at("/elsewhere/sub/later"));
        assertThat(events(moved)).containsExactly("RENAME .");
        Files.createFile(sandbox.at("/elsewhere/later"));
        assertThat(events(moved)).isEmpty();
    }

    @Test
    void a_tree_is_watched_with_what_is_added_to_it() throws Exception {
        String id = watch("/w", true, false);
        sandbox.upload(FilesFixture.put("/w/sub/file.txt", "x"));
        assertThat(events(id)).containsExactly("CREATE sub/file.txt", "CHMOD sub/file.txt", "WRITE sub/file.txt");
        Files.createDirectories(sandbox.at("/w/n"));
        assertThat(events(id)).containsExactly("CREATE n");
        Files.createFile(sandbox.at("/w/n/f"));
        assertThat(events(id)).containsExactly("CREATE n/f");
        Files.createDirectories(sandbox.at("/outside/d"));
        Files.createFile(sandbox.at("/outside/d/f"));
        Files.move(sandbox.at("/outside"), sandbox.at("/w/in"));
        assertThat(events(id)).containsExactly("CREATE in", "CREATE in/d", "CREATE in/d/f");
        Files.delete(sandbox.at("/w/n/f"));
        Files.delete(sandbox.at("/w/n"));
        assertThat(events(id)).containsExactly("REMOVE n/f", "REMOVE n");
    }

    @Test
    void a_directory_renamed_within_the_tree_keeps_its_watch_under_the_new_name() throws Exception {
        Files.createDirectories(sandbox.at("/w/sub/deep"));
        String id = watch("/w", true, false);
        Files.move(sandbox.at("/w/sub"), sandbox.at("/w/renamed"));
        Files.createFile(sandbox.at("/w/renamed/deep/f"));
        assertThat(events(id)).containsExactly("RENAME sub", "CREATE renamed", "CREATE renamed/deep/f");
        Files.move(sandbox.at("/w/renamed"), sandbox.at("/away"));
        assertThat(events(id)).containsExactly("RENAME renamed");
        Files.createFile(sandbox.at("/away/deep/g"));
        assertThat(events(id)).isEmpty();
    }

    @Test
    void P10_entries_are_told_when_asked_for() throws Exception {
        String plain = watch("/w", false, false);
        String full = watch("/w", false, true);
        sandbox.upload(FilesFixture.put("/w/f", "hello"));
        assertThat(raw(plain)).hasSize(3).noneMatch(FilesystemEvent::hasEntry);
        assertThat(raw(full))
                .hasSize(3)
                .allSatisfy(event -> assertThat(event.getEntry().getPath()).isEqualTo("/w/f"));
    }

    @Test
    void P11_what_is_gone_has_no_entry_even_when_its_name_is_taken_again() throws Exception {
        Files.writeString(sandbox.at("/w/f"), "x");
        String id = watch("/w", false, true);
        Files.delete(sandbox.at("/w/f"));
        Files.writeString(sandbox.at("/w/f"), "y");
        List<FilesystemEvent> events = raw(id);
        assertThat(events.getFirst().getType().name()).isEqualTo("EVENT_TYPE_REMOVE");
        assertThat(events.getFirst().hasEntry()).isFalse();
        assertThat(events.get(1).getType().name()).isEqualTo("EVENT_TYPE_CREATE");
        assertThat(events.get(1).hasEntry()).isTrue();
    }

    @Test
    @InProcessOnly("closes the watch from the server's side")
    void a_stream_waits_for_events_and_ends_when_closed() throws Exception {
        WatchDirRequest request = WatchDirRequest.newBuilder().setPath("/w").build();
        FilesystemService service = new FilesystemService(sandbox.files, sandbox.accounts, () -> "user", () -> "");
        try (EventLoop loop = EventLoop.start("watches");
                EnvdHost host = new EnvdHost(loop);
                FilesystemWatches watches = new FilesystemWatches(
                        service,
                        new DirectoryWatch.Surroundings(sandbox.files, sandbox.accounts, loop, host.fileThreads()));
                DirectoryWatch watch = watches.watchDir(request, null)) {
            assertThat(watch.next(Duration.ofMillis(1))).isEmpty();
            Thread writer = Thread.startVirtualThread(() -> sandbox.upload(FilesFixture.put("/w/late", "")));
            assertThat(watch.next(Duration.ofSeconds(30)).getFirst().getName()).isEqualTo("late");
            writer.join();
            Thread closer = Thread.startVirtualThread(watch::close);
            while (!watch.next(Duration.ofSeconds(30)).isEmpty()) {
                Thread.onSpinWait();
            }
            closer.join();
        }
    }

    @Test
    void what_cannot_be_watched_is_refused() throws Exception {
        Files.createFile(sandbox.at("/w/file"));
        Files.createSymbolicLink(sandbox.at("/link"), Path.of("w"));
        assertCode(() -> watch("/none", false, false), ConnectCode.NOT_FOUND);
        assertCode(() -> watch("/w/file", false, false), ConnectCode.INVALID_ARGUMENT);
        assertCode(() -> watch("/link", true, false), ConnectCode.INTERNAL);
        String id = watch("/link", false, false);
        Files.createFile(sandbox.at("/w/new"));
        assertThat(events(id)).containsExactly("CREATE new");
        assertThat(id).matches("w[a-z0-9]{20}");
        sandbox.service.removeWatcher(
                RemoveWatcherRequest.newBuilder().setWatcherId(id).build());
        assertCode(() -> events(id), ConnectCode.NOT_FOUND);
        assertCode(
                () -> sandbox.service.removeWatcher(
                        RemoveWatcherRequest.newBuilder().setWatcherId(id).build()),
                ConnectCode.NOT_FOUND);
    }

    private String watch(String path, boolean recursive, boolean entries) throws ConnectException {
        CreateWatcherRequest request = CreateWatcherRequest.newBuilder()
                .setPath(path)
                .setRecursive(recursive)
                .setIncludeEntry(entries)
                .build();
        return sandbox.service.createWatcher(request).getWatcherId();
    }

    private List<FilesystemEvent> raw(String id) throws ConnectException {
        return sandbox.service
                .getWatcherEvents(
                        GetWatcherEventsRequest.newBuilder().setWatcherId(id).build())
                .getEventsList();
    }

    private List<String> events(String id) throws ConnectException {
        return raw(id).stream()
                .map(event -> event.getType().name().replace("EVENT_TYPE_", "") + " " + event.getName())
                .toList();
    }

    private static void assertCode(ThrowingCallable call, ConnectCode code) {
        ConnectException e = catchThrowableOfType(ConnectException.class, call);
        assertThat(e).isNotNull();
        assertThat(e.code()).as(e.text()).isEqualTo(code);
    }
}
