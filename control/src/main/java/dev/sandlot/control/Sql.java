package dev.sandlot.control;

import java.util.function.Function;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jspecify.annotations.Nullable;

/**
 * The ways into the database: to write in a transaction, to write as if alone, and only to read. What the database
 * undid because of other work, or because it went away, is tried again.
 *
 * @param oneWriter whether the database has one writer at a time anyway
 * @param watch knows whether the database answers; null for one that is part of this process
 */
record Sql(
        Jdbi writer,
        Jdbi reader,
        boolean oneWriter,
        @Nullable StoreWatch watch) {
    private static final String ALONE = "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE";

    /** For changes that are right whatever happens beside them: none depends on what was read before. */
    <T> T write(Function<Handle, T> work) {
        return watched(attempt -> writer.inTransaction(handle -> attempt.finish(work.apply(handle))));
    }

    /** For changes that depend on what was read before: it cannot change meanwhile. */
    <T> T writeAlone(Function<Handle, T> work) {
        return write(handle -> {
            if (!oneWriter) {
                handle.execute(ALONE);
            }
            return work.apply(handle);
        });
    }

    <T> T read(Function<Handle, T> work) {
        return watched(_ -> reader.withHandle(work::apply));
    }

    private <T> T watched(SqlRetry.Work<T> work) {
        StoreWatch over = watch;
        return over == null
                ? SqlRetry.run(work)
                : over.run(() -> SqlRetry.run(attempt -> {
                    over.require();
                    return work.run(attempt);
                }));
    }
}
