package dev.sandlot.control;

import java.util.function.Function;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;

/** The two ways into the database: one that may write, in a transaction, and one that only reads. */
record Sql(Jdbi writer, Jdbi reader) {
    <T> T write(Function<Handle, T> work) {
        return writer.inTransaction(work::apply);
    }

    <T> T read(Function<Handle, T> work) {
        return reader.withHandle(work::apply);
    }
}
