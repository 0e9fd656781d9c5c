-- What the seal has written only takes additions: see sql/api/56_seal.sql.

DO $$
DECLARE
    target name;
BEGIN
    FOREACH target IN ARRAY '{audit_leaves,audit_nodes,audit_heads,audit_seal_keys}'::name[] LOOP
        CALL clinic_private.ensure_trigger(format('clinic_data.%I', target)::regclass, (target || '_05_append_only')::name, 'BEFORE DELETE OR UPDATE', '',
            'clinic_private.refuse_rewrite()', 'O', 'It only takes additions.');
        PERFORM FROM pg_catalog.pg_trigger t
          WHERE t.tgrelid = format('clinic_data.%I', target)::regclass AND t.tgname = target || '_05_never_empty' AND t.tgenabled = 'O';
        IF NOT FOUND THEN
            EXECUTE format('CREATE OR REPLACE TRIGGER %I BEFORE TRUNCATE ON clinic_data.%I FOR EACH STATEMENT EXECUTE FUNCTION clinic_private.refuse_rewrite()',
                           target || '_05_never_empty', target);
        END IF;
        EXECUTE format('COMMENT ON TRIGGER %I ON clinic_data.%I IS %L', target || '_05_never_empty', target, 'It only takes additions.');
    END LOOP;
END
$$;
