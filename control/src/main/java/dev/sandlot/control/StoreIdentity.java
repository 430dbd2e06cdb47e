package dev.sandlot.control;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Optional;
import java.util.UUID;
import javax.sql.DataSource;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.JdbiException;
import org.jspecify.annotations.Nullable;

/** The row by which a store knows which one it is, and who has it. */
final class StoreIdentity {
    private static final String NO_TABLE = "42P01";
    private static final String NO_TABLE_IN_SQLITE = "no such table";

    private final Jdbi database;

    StoreIdentity(Jdbi database) {
        this.database = database;
    }

    /**
     * What stands in it.
     *
     * @param holder who has the store, or had it when its server was killed; null after a clean stop
     */
    record Found(String storeId, @Nullable StoreHolder holder) {}

    /** The row; empty in a store that has none yet, or no tables at all. */
    Optional<Found> read() {
        try {
            return database.withHandle(handle -> handle.select("SELECT store_id, holder FROM store_identity")
                    .map((row, context) -> found(row))
                    .findOne());
        } catch (JdbiException e) {
            if (isForWantOfTable(e)) {
                return Optional.empty();
            }
            throw e;
        }
    }

    private static Found found(ResultSet row) throws SQLException {
        String holder = row.getString("holder");
        return new Found(
                row.getString("store_id"), holder == null ? null : Json.MAPPER.readValue(holder, StoreHolder.class));
    }

    private static boolean isForWantOfTable(JdbiException failure) {
        return failure.getCause() instanceof SQLException e
                && (NO_TABLE.equals(e.getSQLState())
                        || String.valueOf(e.getMessage()).contains(NO_TABLE_IN_SQLITE));
    }

    /** The ID of the store in that database; null when it has none yet. */
    static @Nullable String idIn(DataSource source) {
        return new StoreIdentity(Jdbi.create(source)).read().map(Found::storeId).orElse(null);
    }

    /** The store's ID, which is made once. */
    String establish() {
        Optional<Found> known = read();
        if (known.isPresent()) {
            return known.get().storeId();
        }
        database.useTransaction(handle -> handle.execute(
                "INSERT INTO store_identity (only_row, store_id) VALUES (1, ?) ON CONFLICT (only_row) DO NOTHING",
                UUID.randomUUID().toString()));
        return read().orElseThrow().storeId();
    }

    /** Writes down who has the store. */
    void hold(StoreHolder holder) {
        database.useTransaction(handle -> handle.execute(
                "UPDATE store_identity SET holder_id = ?, holder = ?",
                holder.id(),
                Json.MAPPER.writeValueAsString(holder)));
    }

    /** Takes that back. */
    void release(StoreHolder holder) {
        database.useTransaction(handle -> handle.execute(
                "UPDATE store_identity SET holder_id = NULL, holder = NULL WHERE holder_id = ?", holder.id()));
    }

    /** Whether nobody took the store since this one did. */
    boolean isHeldBy(StoreHolder holder) {
        return read().map(Found::holder).filter(holder::equals).isPresent();
    }
}
