package dev.sandlot.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sandlot.linux.Fd;
import dev.sandlot.linux.FileTree;
import dev.sandlot.linux.Xattrs;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a sandbox leaves behind becomes a layer, whatever it is. */
@Tag("kernel")
class OwnerShiftTest {
    private static final int BASE = 1_000_000;
    private static final int USERS = 65536;

    @TempDir
    Path pool;

    private LayerStore store;
    private StagedTree staged;
    private Path tree;

    @BeforeEach
    void open() throws Exception {
        store = LayerStore.open(pool, UnpackLimits.DEFAULT);
        staged = store.stage();
        tree = staged.path();
        own(tree, 0, 0);
    }

    @AfterEach
    void close() throws Exception {
        staged.close();
        store.close();
    }

    private static void own(Path path, int uid, int gid) throws Exception {
        Files.setAttribute(path, "unix:uid", BASE + uid, LinkOption.NOFOLLOW_LINKS);
        Files.setAttribute(path, "unix:gid", BASE + gid, LinkOption.NOFOLLOW_LINKS);
    }

    private Path file(String name, int uid, int mode) throws Exception {
        Path path = Files.writeString(tree.resolve(name), name);
        own(path, uid, uid);
        Files.setAttribute(path, "unix:mode", mode);
        return path;
    }

    private Path committed() throws Exception {
        return store.path(store.commit(staged, BASE, USERS).diffId());
    }

    private static Object of(Path path, String attribute) throws Exception {
        return Files.getAttribute(path, "unix:" + attribute, LinkOption.NOFOLLOW_LINKS);
    }

    @Test
    void ownersBecomeThoseOfTheContainerAndBitsStay() throws Exception {
        file("plain", 1000, 0640);
        file("set", 0, 06755);
        Files.createLink(tree.resolve("same"), tree.resolve("set"));
        Files.createSymbolicLink(tree.resolve("link"), Path.of("/etc/shadow"));
        own(tree.resolve("link"), 33, 34);
        Files.createDirectory(tree.resolve("dir"));
        own(tree.resolve("dir"), 7, 8);
        Files.setAttribute(tree.resolve("dir"), "unix:mode", 02755);
        Object shadow = Files.getAttribute(Path.of("/etc/shadow"), "unix:ctime");

        Path layer = committed();

        assertThat(of(layer, "uid")).isEqualTo(0);
        assertThat(of(layer.resolve("plain"), "uid")).isEqualTo(1000);
        assertThat(of(layer.resolve("set"), "uid")).isEqualTo(0);
        assertThat((int) of(layer.resolve("set"), "mode") & 07777).isEqualTo(06755);
        assertThat(Files.isSameFile(layer.resolve("set"), layer.resolve("same")))
                .isTrue();
        assertThat(of(layer.resolve("link"), "uid")).isEqualTo(33);
        assertThat(of(layer.resolve("link"), "gid")).isEqualTo(34);
        assertThat(of(layer.resolve("dir"), "gid")).isEqualTo(8);
        assertThat((int) of(layer.resolve("dir"), "mode") & 07777).isEqualTo(02755);
        assertThat(Files.getAttribute(Path.of("/etc/shadow"), "unix:ctime")).isEqualTo(shadow);
    }

    @Test
    void usersThatTheSandboxDoesNotHaveBecomeNobody() throws Exception {
        Files.writeString(tree.resolve("machines"), "x");
        Path beyond = Files.writeString(tree.resolve("beyond"), "x");
        own(beyond, USERS, USERS);

        Path layer = committed();

        assertThat(of(layer.resolve("machines"), "uid")).isEqualTo(65534);
        assertThat(of(layer.resolve("beyond"), "uid")).isEqualTo(65534);
    }

    /** struct vfs_ns_cap_data of revision 3: as a sandbox's own root sets it. */
    @Test
    void fileCapabilitiesBecomeThoseOfTheContainersRoot() throws Exception {
        file("ping", 0, 0755);
        byte[] third = ByteBuffer.allocate(24)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(0x03000001)
                .putInt(1 << 13)
                .putInt(0)
                .putInt(0)
                .putInt(0)
                .putInt(BASE)
                .array();
        try (Fd root = FileTree.directory(tree.toString())) {
            Xattrs.set(root, "ping", "security.capability", third);
        }

        Path layer = committed();

        try (Fd root = FileTree.directory(layer.toString())) {
            byte[] kept = Xattrs.get(root, "ping", "security.capability");
            assertThat(kept).hasSize(20);
            assertThat(kept[3]).isEqualTo((byte) 2);
            assertThat(kept[5]).isEqualTo((byte) 0x20);
        }
    }

    @Test
    void socketsGoAndDeviceNodesAreRefused() throws Exception {
        file("plain", 0, 0644);
        try (ServerSocketChannel socket = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            socket.bind(UnixDomainSocketAddress.of(tree.resolve("socket")));
        }
        assertThat(committed().resolve("socket")).doesNotExist();
        try (StagedTree second = store.stage()) {
            Process made =
                    new ProcessBuilder("mknod", second.path().resolve("null").toString(), "c", "1", "3").start();
            assertThat(made.waitFor(10, TimeUnit.SECONDS) && made.exitValue() == 0)
                    .isTrue();
            assertThatThrownBy(() -> store.commit(second, BASE, USERS))
                    .isInstanceOf(BadLayerException.class)
                    .hasMessageContaining("device node");
        }
    }

    @Test
    void aTreeThatIsTooDeepIsRefused() throws Exception {
        Path deep = tree;
        for (int i = 0; i <= OwnerShift.MAX_DEPTH; i++) {
            deep = deep.resolve("d");
        }
        Files.createDirectories(deep);
        assertThatThrownBy(() -> store.commit(staged, BASE, USERS))
                .isInstanceOf(BadLayerException.class)
                .hasMessageContaining("nested");
    }

    @Test
    void aTreeWithoutChangesMakesNoLayer() throws Exception {
        LayerRecord record = store.commit(staged, BASE, USERS);
        assertThat(record.entries()).isEqualTo(1);
        assertThat(store.list()).isEmpty();
    }
}
