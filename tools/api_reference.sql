-- The text of docs/api.md, from the catalog. Run by tools/api_reference.sh, which sets the variable "groups".
SET search_path = pg_catalog, pg_temp;
SET client_min_messages = warning;

CREATE TEMP TABLE function_groups (place int, title text, name text);
\set copy_groups '\\copy pg_temp.function_groups FROM ' :'groups'
:copy_groups

-- A comment or a type's name as a cell of a table.
CREATE FUNCTION pg_temp.cell(text) RETURNS text LANGUAGE sql AS
$$ SELECT replace(replace(coalesce($1, ''), '|', '\|'), E'\n', ' ') $$;

-- A type as people write it.
CREATE FUNCTION pg_temp.type_name(oid, typmod int DEFAULT NULL) RETURNS text LANGUAGE sql AS
$$ SELECT replace(replace(format_type($1, $2), 'timestamp with time zone', 'timestamptz'),
                  'timestamp without time zone', 'timestamp') $$;

-- The functions of the API; what only types, casts and operators call is listed apart.
CREATE TEMP VIEW api_functions AS
SELECT p.*,
       EXISTS (SELECT FROM unnest(p.proargtypes || p.prorettype) AS t (id)
               WHERE t.id IN ('cstring'::regtype, 'internal'::regtype))
       OR EXISTS (SELECT FROM pg_operator o WHERE o.oprcode = p.oid)
       OR EXISTS (SELECT FROM pg_amproc a WHERE a.amproc = p.oid)
       OR EXISTS (SELECT FROM pg_cast c WHERE c.castfunc = p.oid)
       OR EXISTS (SELECT FROM pg_type t WHERE p.oid IN (t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin))
       OR p.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype)
           AS is_internal
FROM pg_proc p
WHERE p.pronamespace = 'clinic'::regnamespace;

-- One line for each argument that goes in.
CREATE FUNCTION pg_temp.arguments(proc oid) RETURNS text LANGUAGE sql AS
$$
    SELECT string_agg(
               E'\n    '
               || CASE a.mode WHEN 'b' THEN 'INOUT ' WHEN 'v' THEN 'VARIADIC ' ELSE '' END
               || coalesce(nullif(a.name, '') || ' ', '')
               || pg_temp.type_name(a.type_id)
               -- A literal stands without the cast that repeats the argument's type.
               || coalesce(' DEFAULT ' || regexp_replace(pg_get_function_arg_default(proc, a.place_in),
                                                         $re$^(NULL|'(?:[^']|'')*')::[^':]+\Z$re$, '\1'), ''),
               ',' ORDER BY a.place)
    FROM (SELECT u.place, u.type_id, coalesce(p.proargmodes[u.place], 'i') AS mode, p.proargnames[u.place] AS name,
                 (count(*) FILTER (WHERE coalesce(p.proargmodes[u.place], 'i') <> 't') OVER (ORDER BY u.place))::int
                     AS place_in
          FROM pg_proc p,
               unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) WITH ORDINALITY AS u (type_id, place)
          WHERE p.oid = proc) AS a
    WHERE a.mode IN ('i', 'b', 'v')
$$;

-- What comes out: a type, a set, or a table with one column a line.
CREATE FUNCTION pg_temp.result(proc oid) RETURNS text LANGUAGE sql AS
$$
    SELECT CASE
               WHEN p.prokind = 'p' THEN ''
               WHEN 't' = ANY (p.proargmodes) OR 'o' = ANY (p.proargmodes) THEN
                   E'\nRETURNS ' || CASE WHEN p.proretset THEN 'TABLE' ELSE 'RECORD' END || ' ('
                   || (SELECT string_agg(E'\n    ' || p.proargnames[u.place] || ' ' || pg_temp.type_name(u.type_id),
                                         ',' ORDER BY u.place)
                       FROM unnest(p.proallargtypes) WITH ORDINALITY AS u (type_id, place)
                       WHERE p.proargmodes[u.place] IN ('t', 'o'))
                   || ')'
               ELSE E'\nRETURNS ' || CASE WHEN p.proretset THEN 'SETOF ' ELSE '' END
                    || pg_temp.type_name(p.prorettype)
           END
    FROM pg_proc p
    WHERE p.oid = proc
$$;

-- Columns of a relation or composite type, as a table.
CREATE FUNCTION pg_temp.columns(relation oid, with_rules boolean) RETURNS text LANGUAGE sql AS
$$
    SELECT CASE WHEN with_rules THEN E'| Column | Type | Null | Default | Meaning |\n|---|---|---|---|---|'
                ELSE E'| Column | Type | Meaning |\n|---|---|---|' END
           || string_agg(
               E'\n| `' || a.attname || '` | `' || pg_temp.cell(pg_temp.type_name(a.atttypid, a.atttypmod)) || '` | '
               || CASE WHEN with_rules THEN
                      CASE WHEN a.attnotnull THEN 'no' ELSE 'yes' END || ' | '
                      || CASE WHEN d.adbin IS NULL THEN '' ELSE '`' || pg_temp.cell(pg_get_expr(d.adbin, d.adrelid)) || '`' END || ' | '
                  ELSE '' END
               || pg_temp.cell(col_description(a.attrelid, a.attnum)) || ' |',
               '' ORDER BY a.attnum)
    FROM pg_attribute a
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
$$;

SELECT $$# API reference

Every function, type, view and table of pg_clinic, written by `make docs` from the catalog's own comments.
Change the comments, not this file.$$;

-- ---------------------------------------------------------------------------------------------------------------------
SELECT E'\n## Functions';

WITH placed AS (
    SELECT p.*, coalesce(g.place, 10000) AS place, coalesce(g.title, 'Other') AS title
    FROM api_functions p
    LEFT JOIN LATERAL (SELECT f.place, f.title FROM function_groups f WHERE f.name = p.proname ORDER BY f.place LIMIT 1) g
        ON true
    WHERE NOT p.is_internal
), written AS (
    SELECT place, title, proname, oid::regprocedure::text COLLATE "C" AS signature,
           E'\n```\nclinic.' || proname || '(' || coalesce(pg_temp.arguments(oid), '') || ')' || pg_temp.result(oid)
           || E'\n```\n\n'
           || concat_ws(', ',
                        CASE prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' END,
                        CASE provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END,
                        CASE proparallel WHEN 's' THEN 'parallel safe' WHEN 'r' THEN 'parallel restricted'
                            ELSE 'parallel unsafe' END,
                        CASE WHEN proisstrict AND pronargs > 0 THEN 'null for a null argument' END,
                        CASE WHEN prosecdef THEN 'security definer' END)
           || E'\n\n' || coalesce(obj_description(oid, 'pg_proc'), '(no comment)') AS text
    FROM placed
)
SELECT CASE WHEN row_number() OVER (PARTITION BY place ORDER BY proname COLLATE "C", signature) = 1
            THEN E'\n### ' || title || E'\n' ELSE '' END
       || CASE WHEN row_number() OVER (PARTITION BY place, proname ORDER BY signature) = 1
               THEN E'\n#### ' || proname || E'\n' ELSE '' END
       || text
FROM written
ORDER BY place, proname COLLATE "C", signature;

-- ---------------------------------------------------------------------------------------------------------------------
SELECT E'\n## Types';

SELECT E'\n### ' || t.typname || E'\n\n'
       || CASE t.typtype WHEN 'b' THEN 'Base type.' WHEN 'e' THEN 'Enumeration: '
              || (SELECT string_agg('`' || e.enumlabel || '`', ', ' ORDER BY e.enumsortorder)
                  FROM pg_enum e WHERE e.enumtypid = t.oid) || '.'
              WHEN 'c' THEN 'Composite type.' WHEN 'r' THEN 'Range type.' ELSE 'Type.' END
       || ' ' || coalesce(obj_description(t.oid, 'pg_type'), '(no comment)')
       || CASE WHEN t.typtype = 'c' THEN E'\n\n' || pg_temp.columns(t.typrelid, false) ELSE '' END
FROM pg_type t
LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE t.typnamespace = 'clinic'::regnamespace
  AND t.typtype IN ('b', 'c', 'e', 'r')
  AND t.typcategory <> 'A'
  AND (t.typtype <> 'c' OR c.relkind = 'c')
ORDER BY t.typname COLLATE "C";

SELECT E'\n### Operators and casts\n\n| Operator | Result | Meaning |\n|---|---|---|'
WHERE EXISTS (SELECT FROM pg_operator WHERE oprnamespace = 'clinic'::regnamespace);

SELECT '| `' || pg_temp.cell(concat_ws(' ', nullif(pg_temp.type_name(oprleft), '-'), oprname, pg_temp.type_name(oprright)))
       || '` | `' || pg_temp.type_name(oprresult) || '` | '
       || pg_temp.cell(coalesce(obj_description(oid, 'pg_operator'), obj_description(oprcode, 'pg_proc'))) || ' |'
FROM pg_operator
WHERE oprnamespace = 'clinic'::regnamespace
ORDER BY oprleft::regtype::text COLLATE "C", oprname COLLATE "C", oprright::regtype::text COLLATE "C";

SELECT '| `' || pg_temp.type_name(c.castsource) || '::' || pg_temp.type_name(c.casttarget) || '` | `'
       || pg_temp.type_name(c.casttarget) || '` | '
       || CASE c.castcontext WHEN 'i' THEN 'Implicit cast. ' WHEN 'a' THEN 'Cast on assignment. ' ELSE 'Explicit cast. ' END
       || pg_temp.cell(obj_description(c.oid, 'pg_cast')) || ' |'
FROM pg_cast c
JOIN pg_type s ON s.oid = c.castsource
JOIN pg_type t ON t.oid = c.casttarget
WHERE 'clinic'::regnamespace IN (s.typnamespace, t.typnamespace)
ORDER BY c.castsource::regtype::text COLLATE "C", c.casttarget::regtype::text COLLATE "C";

SELECT E'\n### Behind the types\n\nFunctions that types, operators, casts and triggers call; nobody calls them by name.\n\n'
       || E'| Function | Meaning |\n|---|---|\n'
       || string_agg('| `' || proname || '(' || pg_temp.cell(pg_get_function_identity_arguments(oid)) || ')` | '
                     || pg_temp.cell(obj_description(oid, 'pg_proc')) || ' |',
                     E'\n' ORDER BY proname COLLATE "C", oid::regprocedure::text COLLATE "C")
FROM api_functions
WHERE is_internal
HAVING count(*) > 0;

-- ---------------------------------------------------------------------------------------------------------------------
SELECT E'\n## Domains'
WHERE EXISTS (SELECT FROM pg_type WHERE typtype = 'd' AND typnamespace IN (SELECT oid FROM pg_namespace
                                                                         WHERE nspname IN ('clinic', 'clinic_data')));

SELECT E'\n### ' || n.nspname || '.' || t.typname || E'\n\n`'
       || pg_temp.type_name(t.typbasetype, t.typtypmod) || '`'
       || CASE WHEN t.typnotnull THEN ', not null' ELSE '' END
       || coalesce(', default `' || t.typdefault || '`', '') || '. '
       || coalesce(obj_description(t.oid, 'pg_type'), '(no comment)')
       || coalesce(E'\n' || (SELECT string_agg(E'\n- `' || pg_get_constraintdef(c.oid) || '`', '' ORDER BY c.conname)
                             FROM pg_constraint c WHERE c.contypid = t.oid), '')
FROM pg_type t
JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE t.typtype = 'd' AND n.nspname IN ('clinic', 'clinic_data')
ORDER BY n.nspname COLLATE "C", t.typname COLLATE "C";

-- ---------------------------------------------------------------------------------------------------------------------
SELECT E'\n## Views'
WHERE EXISTS (SELECT FROM pg_class WHERE relnamespace = 'clinic'::regnamespace AND relkind IN ('v', 'm'));

SELECT E'\n### clinic.' || c.relname || E'\n\n' || coalesce(obj_description(c.oid, 'pg_class'), '(no comment)')
       || E'\n\n' || pg_temp.columns(c.oid, false)
FROM pg_class c
WHERE c.relnamespace = 'clinic'::regnamespace AND c.relkind IN ('v', 'm')
ORDER BY c.relname COLLATE "C";

-- ---------------------------------------------------------------------------------------------------------------------
SELECT E'\n## Tables\n\nThe user''s own data, in schema `clinic_data`. Callers have no right on them: they use the functions and views.'
WHERE EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE n.nspname = 'clinic_data' AND c.relkind IN ('r', 'p'));

SELECT E'\n### clinic_data.' || c.relname || E'\n\n' || coalesce(obj_description(c.oid, 'pg_class'), '(no comment)')
       || E'\n\n' || pg_temp.columns(c.oid, true)
       || coalesce(E'\n' || (SELECT string_agg(E'\n- `' || k.conname || '`: `' || pg_get_constraintdef(k.oid) || '`', ''
                                              ORDER BY k.contype, k.conname COLLATE "C")
                             FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype <> 'n'), '')
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'clinic_data' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY c.relname COLLATE "C";

-- ---------------------------------------------------------------------------------------------------------------------
SELECT clinic.version() IS NULL AS loads_the_library
\gset
SELECT E'\n## Settings\n\n| Setting | Default | Who may set it | Meaning |\n|---|---|---|---|\n'
       || string_agg('| `' || name || '` | `' || coalesce(nullif(boot_val, ''), ' ') || '` | '
                     || CASE context WHEN 'user' THEN 'anyone' WHEN 'superuser' THEN 'superuser'
                            ELSE context END
                     || ' | ' || pg_temp.cell(concat_ws(' ', short_desc, extra_desc)) || ' |',
                     E'\n' ORDER BY name COLLATE "C")
FROM pg_settings
WHERE name LIKE 'clinic.%'
HAVING count(*) > 0;
