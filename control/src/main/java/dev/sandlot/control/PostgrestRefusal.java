package dev.sandlot.control;

/** A request that a PostgREST refused, with the code that it or the database behind it gave. */
final class PostgrestRefusal extends StoreException {
    private final int status;
    private final String code;

    PostgrestRefusal(String message, int status, String code) {
        super(message);
        this.status = status;
        this.code = code;
    }

    /** Another row stands in the way. */
    boolean isConflict() {
        return code.equals("23505");
    }

    /** The database has no such table, or the interface has not seen it yet. */
    boolean isUnknownTable() {
        return code.equals("42P01") || code.equals("PGRST205");
    }

    /** Undone for the sake of other work, or never begun for want of a connection: certainly without effect. */
    boolean hadNoEffect() {
        return code.equals("40001") || code.equals("40P01") || code.matches("PGRST00[0-3]");
    }

    /** Likely to be answered when asked again. */
    boolean isPassing() {
        return status == 429 || status >= 502;
    }
}
