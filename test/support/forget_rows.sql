-- Empties the tables of clinic_data, but for the record of migrations. Tables that refuse it are opened for it and closed again.
DO $$
DECLARE
    guard record;
    guards CONSTANT text := $query$
        SELECT t.tgrelid::regclass AS target, t.tgname AS name
          FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
         WHERE c.relnamespace = 'clinic_data'::regnamespace AND t.tgtype & 32 <> 0 AND t.tgname LIKE '00\_%' $query$;
    tables text;
BEGIN
    FOR guard IN EXECUTE guards LOOP
        EXECUTE format('ALTER TABLE ONLY %s DISABLE TRIGGER %I', guard.target, guard.name);
    END LOOP;
    SELECT string_agg(c.oid::regclass::text, ', ') INTO tables
      FROM pg_class c
     WHERE c.relnamespace = 'clinic_data'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> 'schema_migrations';
    EXECUTE format('TRUNCATE %s', tables);
    IF to_regclass('clinic_data.audit_records') IS NOT NULL THEN
        TRUNCATE clinic_data.audit_records;
    END IF;
    FOR guard IN EXECUTE guards LOOP
        EXECUTE format('ALTER TABLE ONLY %s ENABLE ALWAYS TRIGGER %I', guard.target, guard.name);
    END LOOP;
END
$$;
