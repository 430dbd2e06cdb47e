package dev.sandlot.control;

/**
 * What bringing a schema up to date did.
 *
 * @param before the version that was found, or {@link #NONE}
 * @param now the version that is there now
 * @param applied how many changes were made
 */
public record SchemaChange(String before, String now, int applied) {
    /** The version of a store without a schema. */
    public static final String NONE = "none";
}
