-- Empties the tables of clinic_data, but for the record of migrations. Those of the audit refuse it, and record that it happened: they are
-- opened for it and closed again.
DO $$
DECLARE
    guarded regclass[];
    target regclass;
    tables text;
BEGIN
    guarded := ARRAY(SELECT t.tgrelid::regclass FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
                      WHERE c.relnamespace = 'clinic_data'::regnamespace AND t.tgname = '00_append_only_truncate');
    FOREACH target IN ARRAY guarded LOOP
        EXECUTE format('ALTER TABLE ONLY %s DISABLE TRIGGER "00_append_only_truncate"', target);
    END LOOP;
    SELECT string_agg(c.oid::regclass::text, ', ') INTO tables
      FROM pg_class c
     WHERE c.relnamespace = 'clinic_data'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> 'schema_migrations';
    EXECUTE format('TRUNCATE %s', tables);
    IF to_regclass('clinic_data.audit_records') IS NOT NULL THEN
        TRUNCATE clinic_data.audit_records;
    END IF;
    FOREACH target IN ARRAY guarded LOOP
        EXECUTE format('ALTER TABLE ONLY %s ENABLE ALWAYS TRIGGER "00_append_only_truncate"', target);
    END LOOP;
END
$$;
