package dev.sandlot.builds;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sandlot.linux.DiskFloor;
import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.ErrorKind;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UploadsTest {
    private static final UUID TEAM = new UUID(0, 1);

    @TempDir
    Path temp;

    /** A client sends the files of all COPY steps of a template at once. */
    @Test
    void uploadsAtOnceDoNotDisturbEachOther() throws Exception {
        Uploads uploads = Uploads.open(temp, 1 << 20, 1 << 20, new DiskFloor(temp, 0));
        List<Future<Boolean>> stored = new ArrayList<>();
        try (ExecutorService clients = Executors.newFixedThreadPool(8)) {
            for (int i = 0; i < 200; i++) {
                String hash = "%064x".formatted(i);
                stored.add(clients.submit(() -> {
                    uploads.store(TEAM, hash, new ByteArrayInputStream(new byte[10]), 10);
                    return uploads.find(TEAM, hash).isPresent();
                }));
            }
            for (Future<Boolean> one : stored) {
                assertThat(one.get()).isTrue();
            }
        }
        assertThat(new TeamFiles(temp).all()).hasSize(200);
    }

    @Test
    void filesThatWouldMakeTheDiskFullerThanItMayBeAreRefused() throws Exception {
        DiskFloor floor = new DiskFloor(temp, new DiskFloor(temp, 0).freeBytes() / 2);
        Uploads uploads = Uploads.open(temp, Long.MAX_VALUE, Long.MAX_VALUE, floor);
        long tooMany = floor.freeBytes() / 4 * 3;
        assertThatThrownBy(() -> uploads.store(TEAM, "%064x".formatted(1), InputStream.nullInputStream(), tooMany))
                .isInstanceOfSatisfying(ApiException.class, refused -> {
                    assertThat(refused.kind()).isEqualTo(ErrorKind.NO_SPACE);
                    assertThat(refused.text()).contains("MiB are free");
                });
        assertThat(new TeamFiles(temp).all()).isEmpty();
    }
}
