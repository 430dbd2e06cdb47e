package dev.sandlot.control;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Who opens a store, and which one it is to be.
 *
 * @param dataDirectory of the server that opens it
 * @param storeId the store that the data directory belongs to; null when it belongs to none yet
 */
public record StoreUse(Path dataDirectory, @Nullable String storeId) {
    /** Refuses a store that is another one than the data directory's, or that has no identity yet. */
    void require(StoreLocation location, @Nullable String found) {
        if (storeId == null || storeId.equals(found)) {
            return;
        }
        throw new StoreException(dataDirectory + " belongs to another store (ID " + storeId + ") than " + location
                + (found == null ? ", which is new" : " (ID " + found + ")")
                + ". With this one its running sandboxes would be ended and its keys open nothing. Look whether the"
                + " settings of the store are those of the last start (sudo drops the environment); if another store"
                + " is meant, start once with --new-store. Nothing was changed");
    }
}
