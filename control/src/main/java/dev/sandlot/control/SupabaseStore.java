package dev.sandlot.control;

import java.net.URI;

/**
 * The store in a Supabase project, by its REST interface. Changes that name the old state are one request each, and
 * the rows that come back tell whether they took effect. What needs several requests is ordered so that it can be cut
 * anywhere and done again.
 */
final class SupabaseStore implements Store {
    private final Postgrest rest;
    private final SandboxStore sandboxes;
    private final TeamStore teams;
    private final TemplateStore templates;

    private SupabaseStore(Postgrest rest) {
        this.rest = rest;
        this.sandboxes = new RestSandboxStore(rest);
        this.teams = new RestTeamStore(rest);
        this.templates = new RestTemplateStore(rest);
    }

    /** Opens the project, whose schema must be there. */
    static SupabaseStore open(URI url, String key) {
        Postgrest rest = new Postgrest(url, key);
        try {
            requireSchema(rest, url);
            return new SupabaseStore(rest);
        } catch (RuntimeException e) {
            rest.close();
            throw e;
        }
    }

    /** Looks whether the schema is there. */
    static SchemaChange requireSchema(URI url, String key) {
        try (Postgrest rest = new Postgrest(url, key)) {
            return requireSchema(rest, url);
        }
    }

    private static SchemaChange requireSchema(Postgrest rest, URI url) {
        String newest = Migrations.newest();
        if (!hasVersion(rest, newest)) {
            throw new StoreException("the Supabase project at " + url + " lacks version " + newest
                    + " of the schema; run the output of `sandlot migrate --print` in its SQL editor");
        }
        return new SchemaChange(newest, newest, 0);
    }

    private static boolean hasVersion(Postgrest rest, String version) {
        try {
            return rest.first(Postgrest.Rows.of(Migrations.PRINTED_TABLE).where("version", version))
                    .isPresent();
        } catch (PostgrestRefusal e) {
            if (e.isUnknownTable()) {
                return false;
            }
            throw e;
        }
    }

    @Override
    public SandboxStore sandboxes() {
        return sandboxes;
    }

    @Override
    public TeamStore teams() {
        return teams;
    }

    @Override
    public TemplateStore templates() {
        return templates;
    }

    @Override
    public void close() {
        rest.close();
    }
}
