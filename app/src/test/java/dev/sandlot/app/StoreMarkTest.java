package dev.sandlot.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sandlot.control.Store;
import dev.sandlot.control.StoreException;
import dev.sandlot.control.StoreLocation;
import dev.sandlot.control.StoreUse;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoreMarkTest {
    @TempDir
    Path directory;

    private Store open(StoreLocation location) throws Exception {
        return location.open(new StoreUse(directory, mark().read()));
    }

    private StoreMark mark() {
        return new Layout(directory).storeMark();
    }

    @Test
    void aDataDirectoryRemembersTheStoreThatItWasUsedWith() throws Exception {
        StoreLocation own = new StoreLocation.SqliteFile(directory.resolve("own.db"));
        StoreLocation other = new StoreLocation.SqliteFile(directory.resolve("other.db"));
        assertThat(mark().read()).isNull();
        try (Store store = open(own)) {
            mark().write(own, store);
            assertThat(mark().read()).isEqualTo(store.id());
        }
        open(own).close();
        assertThatThrownBy(() -> open(other)).isInstanceOf(StoreException.class);
        assertThat(directory.resolve("other.db")).doesNotExist();
    }

    /** It was forgotten with its server. */
    @Test
    void afterAStoreInMemoryAnyOtherIsTaken() throws Exception {
        StoreLocation memory = new StoreLocation.Memory();
        try (Store store = open(memory)) {
            mark().write(memory, store);
        }
        assertThat(mark().read()).isNull();
        open(memory).close();
        open(new StoreLocation.SqliteFile(directory.resolve("own.db"))).close();
    }
}
