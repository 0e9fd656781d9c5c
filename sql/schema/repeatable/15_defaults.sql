-- Who made a row, and when, by the engine's clock and context instead of now().

DO $$
DECLARE
    stamp record;
BEGIN
    FOR stamp IN
        SELECT c.relname AS table_name, a.attname AS column_name,
               CASE a.attname WHEN 'created_at' THEN 'clinic.now()' WHEN 'updated_at' THEN 'clinic.now()'
                              ELSE 'clinic.current_user_id()' END AS wanted
          FROM pg_catalog.pg_class c
          JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
          LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
         WHERE c.relnamespace = 'clinic_data'::regnamespace
           AND c.relkind IN ('r', 'p')
           AND a.attname IN ('created_at', 'created_by', 'updated_at', 'updated_by')
           -- A default that somebody else has set stays.
           AND coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), 'now()') = 'now()'
         ORDER BY c.relname, a.attnum
    LOOP
        EXECUTE pg_catalog.format('ALTER TABLE clinic_data.%I ALTER COLUMN %I SET DEFAULT %s', stamp.table_name,
                                  stamp.column_name, stamp.wanted);
    END LOOP;
END
$$;
