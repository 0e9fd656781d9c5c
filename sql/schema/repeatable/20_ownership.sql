-- Everything in clinic_data belongs to clinic_owner, who cannot log in; the schema itself belongs to whoever installed,
-- because a dump names its owner before the extension has made our roles.
-- All objects of the schema, not a list: what stands there unlisted would stand there unprotected.

DO $$
DECLARE
    object record;
BEGIN
    FOR object IN
        SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END
                   AS kind,
               c.relname AS name
          FROM pg_catalog.pg_class c
         WHERE c.relnamespace = 'clinic_data'::regnamespace
           AND c.relkind IN ('r', 'p', 'S', 'v', 'm')
           AND c.relowner <> 'clinic_owner'::regrole
           -- The sequence of a serial or identity column follows its table.
           AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                            WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
                              AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.deptype IN ('a', 'i') AND c.relkind = 'S')
         ORDER BY c.oid
    LOOP
        EXECUTE pg_catalog.format('ALTER %s clinic_data.%I OWNER TO clinic_owner', object.kind, object.name);
    END LOOP;

    FOR object IN
        SELECT t.typname AS name
          FROM pg_catalog.pg_type t
         WHERE t.typnamespace = 'clinic_data'::regnamespace
           AND t.typtype = 'd'
           AND t.typowner <> 'clinic_owner'::regrole
         ORDER BY t.oid
    LOOP
        EXECUTE pg_catalog.format('ALTER DOMAIN clinic_data.%I OWNER TO clinic_owner', object.name);
    END LOOP;
END
$$;
