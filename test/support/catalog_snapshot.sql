-- Prints what is ours in this database outside the extension: schema clinic_data, the views of schema clinic, what users
-- added to them, with owners, rights and comments. No oids, so that two databases can be compared; rights in one order, and
-- constraints in pretty form, since a dump changes how ANDs are nested.
SET search_path = pg_catalog;

SELECT 'schema', n.nspname, pg_get_userbyid(n.nspowner), (SELECT array_agg(g::text ORDER BY g::text) FROM unnest(n.nspacl) AS g), obj_description(n.oid, 'pg_namespace')
  FROM pg_namespace n WHERE n.nspname IN ('clinic', 'clinic_data', 'clinic_private') ORDER BY 2;

SELECT 'domain', t.oid::regtype, format_type(t.typbasetype, t.typtypmod), t.typnotnull, t.typdefault,
       pg_get_userbyid(t.typowner), (SELECT array_agg(g::text ORDER BY g::text) FROM unnest(t.typacl) AS g), obj_description(t.oid, 'pg_type')
  FROM pg_type t WHERE t.typnamespace = 'clinic_data'::regnamespace AND t.typtype = 'd' ORDER BY t.typname;

SELECT 'relation', c.oid::regclass, c.relkind, pg_get_userbyid(c.relowner), (SELECT array_agg(g::text ORDER BY g::text) FROM unnest(c.relacl) AS g), c.relrowsecurity, c.relforcerowsecurity,
       c.reloptions, c.relpersistence, c.relreplident, obj_description(c.oid, 'pg_class')
  FROM pg_class c
 WHERE c.relnamespace IN ('clinic'::regnamespace, 'clinic_data'::regnamespace) AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
 ORDER BY c.oid::regclass::text;

SELECT 'column', c.oid::regclass, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       pg_get_expr(d.adbin, d.adrelid), a.attacl, col_description(c.oid, a.attnum)
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
 WHERE c.relnamespace IN ('clinic'::regnamespace, 'clinic_data'::regnamespace) AND c.relkind IN ('r', 'p', 'v', 'm')
 ORDER BY c.oid::regclass::text, a.attnum;

SELECT 'sequence', s.seqrelid::regclass::text, s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcache,
       s.seqcycle
  FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid
 WHERE c.relnamespace = 'clinic_data'::regnamespace ORDER BY 2;

SELECT 'constraint', coalesce(nullif(k.conrelid, 0)::regclass::text, nullif(k.contypid, 0)::regtype::text), k.conname,
       k.convalidated, pg_get_constraintdef(k.oid, true), obj_description(k.oid, 'pg_constraint')
  FROM pg_constraint k WHERE k.connamespace = 'clinic_data'::regnamespace ORDER BY 2, 3;

SELECT 'index', i.indrelid::regclass::text, pg_get_indexdef(i.indexrelid), i.indisvalid, obj_description(i.indexrelid, 'pg_class')
  FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
 WHERE c.relnamespace = 'clinic_data'::regnamespace ORDER BY 2, 3;

SELECT 'trigger', t.tgrelid::regclass::text, t.tgname, t.tgenabled, pg_get_triggerdef(t.oid), obj_description(t.oid, 'pg_trigger')
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
 WHERE c.relnamespace IN ('clinic'::regnamespace, 'clinic_data'::regnamespace) AND NOT t.tgisinternal ORDER BY 2, 3;

SELECT 'policy', p.polrelid::regclass::text, p.polname, p.polcmd, p.polpermissive,
       ARRAY(SELECT coalesce(r.rolname, 'public') FROM unnest(p.polroles) u (id) LEFT JOIN pg_roles r ON r.oid = u.id ORDER BY 1),
       pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid), obj_description(p.oid, 'pg_policy')
  FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
 WHERE c.relnamespace = 'clinic_data'::regnamespace ORDER BY 2, 3;

SELECT 'view', c.oid::regclass, pg_get_viewdef(c.oid)
  FROM pg_class c
 WHERE c.relnamespace IN ('clinic'::regnamespace, 'clinic_data'::regnamespace) AND c.relkind IN ('v', 'm')
 ORDER BY c.oid::regclass::text;

SELECT 'member', pg_describe_object(d.classid, d.objid, 0),
       (SELECT format('%s %s %s', pg_get_userbyid(p.proowner), p.prosecdef, p.proacl) FROM pg_proc p
         WHERE d.classid = 'pg_proc'::regclass AND p.oid = d.objid)
  FROM pg_depend d
 WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
   AND d.refobjid = (SELECT e.oid FROM pg_extension e WHERE e.extname = 'pg_clinic')
 ORDER BY 2;
