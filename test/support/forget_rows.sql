-- Empties the tables of clinic_data, but for the record of migrations.
DO $$
DECLARE
    tables text;
BEGIN
    SELECT string_agg(c.oid::regclass::text, ', ') INTO tables
      FROM pg_class c
     WHERE c.relnamespace = 'clinic_data'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> 'schema_migrations';
    EXECUTE format('TRUNCATE %s', tables);
END
$$;
