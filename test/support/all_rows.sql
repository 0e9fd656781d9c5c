-- Prints every row of every table of clinic_data, and where its sequences stand.
SET search_path = pg_catalog;
SET timezone = 'UTC';

SELECT format('SELECT %L AS table_name, t.* FROM %s AS t ORDER BY t', c.oid::regclass, c.oid::regclass)
  FROM pg_class c
 WHERE c.relnamespace = 'clinic_data'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY c.relname
\gexec
SELECT format('SELECT %L, last_value, is_called FROM %s', c.oid::regclass, c.oid::regclass)
  FROM pg_class c
 WHERE c.relnamespace = 'clinic_data'::regnamespace AND c.relkind = 'S' ORDER BY c.relname
\gexec
