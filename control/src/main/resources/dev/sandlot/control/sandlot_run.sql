-- Runs statements one after another in the transaction of its request. What each did is answered with a digest; the
-- digests of a run before this one may be given, and when one differs nothing is done, and that is the answer. With
-- keep one such run goes at a time, so that what it checked cannot change before it ends; without, all is undone.
CREATE OR REPLACE FUNCTION public.sandlot_run(statements jsonb, expected jsonb, keep boolean) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY INVOKER SET search_path = sandlot, pg_temp AS $run$
DECLARE
    statement jsonb;
    found_row record;
    found_rows json[];
    touched bigint;
    digest text;
    outcomes json[] := '{}';
    changed boolean := false;
BEGIN
    IF keep THEN
        PERFORM pg_catalog.pg_advisory_xact_lock(7305797363);
    END IF;
    BEGIN
        FOR i IN 0 .. pg_catalog.jsonb_array_length(statements) - 1 LOOP
            statement := statements -> i;
            found_rows := '{}';
            touched := 0;
            IF (statement ->> 'rows')::boolean THEN
                FOR found_row IN EXECUTE statement ->> 'sql' USING statement -> 'values' LOOP
                    found_rows := pg_catalog.array_append(found_rows, pg_catalog.row_to_json(found_row));
                END LOOP;
            ELSE
                EXECUTE statement ->> 'sql' USING statement -> 'values';
                GET DIAGNOSTICS touched = ROW_COUNT;
            END IF;
            digest := pg_catalog.md5(found_rows::text || ' ' || touched);
            IF i < pg_catalog.jsonb_array_length(expected) AND expected ->> i <> digest THEN
                changed := true;
                RAISE EXCEPTION USING ERRCODE = 'SLRUN', MESSAGE = 'undo';
            END IF;
            outcomes := pg_catalog.array_append(outcomes, pg_catalog.json_build_object(
                'rows', pg_catalog.array_to_json(found_rows), 'touched', touched, 'digest', digest));
        END LOOP;
        IF NOT keep THEN
            RAISE EXCEPTION USING ERRCODE = 'SLRUN', MESSAGE = 'undo';
        END IF;
    EXCEPTION WHEN SQLSTATE 'SLRUN' THEN
        NULL;
    END;
    IF changed THEN
        RETURN pg_catalog.json_build_object('changed', true);
    END IF;
    RETURN pg_catalog.json_build_object('outcomes', pg_catalog.array_to_json(outcomes));
END
$run$;

DO $sandlot$
DECLARE
    stranger text;
BEGIN
    EXECUTE 'REVOKE ALL ON FUNCTION public.sandlot_run(jsonb, jsonb, boolean) FROM PUBLIC';
    FOR stranger IN SELECT rolname FROM pg_catalog.pg_roles WHERE rolname IN ('anon', 'authenticated') LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION public.sandlot_run(jsonb, jsonb, boolean) FROM %I', stranger);
    END LOOP;
END
$sandlot$;
GRANT EXECUTE ON FUNCTION public.sandlot_run(jsonb, jsonb, boolean) TO service_role;
GRANT USAGE ON SCHEMA sandlot TO service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA sandlot TO service_role;
