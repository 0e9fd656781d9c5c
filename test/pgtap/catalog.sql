-- What must hold for every object of ours, whoever adds one. Each test lists the offenders and expects none.
BEGIN;
SET LOCAL search_path = pg_catalog, public;
SELECT no_plan();

-- Our functions, procedures and aggregates: the extension's members.
CREATE TEMPORARY VIEW our_functions AS
    SELECT p.*, p.oid::regprocedure AS signature, l.lanname,
           ARRAY(SELECT g.grantee FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) g
                  WHERE g.privilege_type = 'EXECUTE') AS grantees
      FROM pg_proc p
      JOIN pg_language l ON l.oid = p.prolang
      JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
      JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid
     WHERE e.extname = 'pg_clinic';

-- Our tables, and those alone.
CREATE TEMPORARY VIEW our_tables AS
    SELECT c.* FROM pg_class c WHERE c.relnamespace = 'clinic_data'::regnamespace AND c.relkind IN ('r', 'p');

CREATE TEMPORARY VIEW our_views AS
    SELECT c.* FROM pg_class c WHERE c.relnamespace = 'clinic'::regnamespace AND c.relkind IN ('v', 'm');

CREATE TEMPORARY VIEW our_columns AS
    SELECT c.relname, c.relkind, a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attidentity
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE c.oid IN (SELECT oid FROM our_tables UNION ALL SELECT oid FROM our_views);

-- Names of a key's columns, in the key's order.
CREATE FUNCTION pg_temp.columns_of(relation oid, numbers int2[]) RETURNS name[] LANGUAGE sql STABLE AS
    'SELECT array_agg(a.attname ORDER BY u.place)
       FROM unnest(numbers) WITH ORDINALITY AS u (number, place)
       JOIN pg_catalog.pg_attribute a ON a.attrelid = relation AND a.attnum = u.number';

-- ---------------------------------------------------------------------------------------------------------------------
-- Words: everything has a COMMENT.

SELECT is_empty($$ SELECT n.nspname FROM pg_namespace n
                    WHERE n.nspname IN ('clinic', 'clinic_private', 'clinic_data')
                      AND obj_description(n.oid, 'pg_namespace') IS NULL $$, 'every schema has a comment');
SELECT is_empty($$ SELECT signature FROM our_functions WHERE obj_description(oid, 'pg_proc') IS NULL $$,
                'every function and procedure has a comment');
SELECT is_empty($$ SELECT c.oid::regclass FROM pg_class c
                    WHERE (c.oid IN (SELECT oid FROM our_tables UNION ALL SELECT oid FROM our_views)
                           OR c.relnamespace IN ('clinic'::regnamespace, 'clinic_data'::regnamespace, 'clinic_private'::regnamespace)
                              AND c.relkind IN ('S', 'c', 'r', 'p', 'v', 'm', 'f'))
                      AND obj_description(c.oid, 'pg_class') IS NULL
                      AND (c.relkind <> 'c' OR obj_description(c.reltype, 'pg_type') IS NULL) $$,
                'every table, view, sequence and composite type has a comment');
-- What a partition has from its parent, its columns, triggers and constraints, has its name and words there.
SELECT is_empty($$ SELECT c.relname, c.attname FROM our_columns c
                    WHERE col_description(c.attrelid, c.attnum) IS NULL
                      AND NOT (SELECT p.relispartition FROM pg_class p WHERE p.oid = c.attrelid) $$,
                'every column of a table or view has a comment');
SELECT is_empty($$ SELECT t.oid::regtype FROM pg_type t
                    WHERE t.typnamespace IN ('clinic'::regnamespace, 'clinic_data'::regnamespace, 'clinic_private'::regnamespace)
                      AND t.typtype IN ('b', 'd', 'e', 'r') AND t.typcategory <> 'A'
                      AND obj_description(t.oid, 'pg_type') IS NULL $$, 'every type and domain has a comment');
SELECT is_empty($$ SELECT pg_describe_object(d.classid, d.objid, 0)
                     FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
                    WHERE d.refclassid = 'pg_extension'::regclass AND e.extname = 'pg_clinic' AND d.deptype = 'e'
                      AND d.classid IN ('pg_operator'::regclass, 'pg_cast'::regclass)
                      AND NOT EXISTS (SELECT FROM pg_description c WHERE c.classoid = d.classid AND c.objoid = d.objid) $$,
                'every operator and cast has a comment');
SELECT is_empty($$ SELECT p.polname FROM pg_policy p JOIN our_tables t ON t.oid = p.polrelid
                    WHERE obj_description(p.oid, 'pg_policy') IS NULL $$, 'every policy has a comment');
SELECT is_empty($$ SELECT g.tgname FROM pg_trigger g JOIN our_tables t ON t.oid = g.tgrelid
                    WHERE NOT g.tgisinternal AND g.tgparentid = 0 AND obj_description(g.oid, 'pg_trigger') IS NULL $$, 'every trigger has a comment');
SELECT is_empty($$ SELECT extname FROM pg_extension WHERE extname = 'pg_clinic' AND obj_description(oid, 'pg_extension') IS NULL $$,
                'the extension has a comment');

-- ---------------------------------------------------------------------------------------------------------------------
-- Functions.

SELECT isnt_empty($$ SELECT signature FROM our_functions $$, 'there are functions to look at');
SELECT is_empty($$ SELECT p.oid::regprocedure FROM pg_proc p
                    WHERE p.pronamespace IN ('clinic'::regnamespace, 'clinic_private'::regnamespace, 'clinic_data'::regnamespace)
                      AND p.oid NOT IN (SELECT oid FROM our_functions) $$, 'every function in our schemas belongs to the extension');
SELECT is_empty($$ SELECT signature, proconfig FROM our_functions
                    WHERE NOT (lanname = 'c' AND NOT prosecdef) AND prokind <> 'a'
                      AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (proconfig), false) $$,
                'every function pins search_path to pg_catalog, pg_temp, but C functions that are no definers');
-- Functions that are VOLATILE only because their result differs each time: they write nothing and keep no state that counts.
CREATE TEMPORARY VIEW harmless AS
    SELECT signature FROM (VALUES ('clinic.new_id()'::regprocedure),
                                  ('clinic_private.raise_error(text, text, jsonb, text)')) AS v (signature);
SELECT is_empty($$ SELECT signature FROM our_functions WHERE provolatile = 'v' AND proparallel = 's'
                   EXCEPT SELECT signature FROM harmless $$,
                'no function is VOLATILE and PARALLEL SAFE');
SELECT is_empty($$ SELECT signature FROM our_functions WHERE provolatile = 'i' AND proparallel <> 's' $$,
                'every IMMUTABLE function is PARALLEL SAFE');
SELECT is_empty($$ SELECT signature FROM our_functions WHERE prosecdef AND proleakproof $$, 'no definer is LEAKPROOF');
SELECT is_empty($$ SELECT signature, proowner::regrole FROM our_functions
                    WHERE prosecdef AND proowner NOT IN ('clinic_owner'::regrole, 'clinic_system'::regrole) $$,
                'every definer belongs to clinic_owner or clinic_system');
SELECT is_empty($$ SELECT signature FROM our_functions
                    WHERE (prosecdef OR provolatile = 'v' OR prokind = 'p') AND 0 = ANY (grantees)
                   EXCEPT SELECT 'clinic.new_id()'::regprocedure $$,
                'PUBLIC executes no definer, no procedure and nothing that writes');
SELECT is_empty($$ SELECT n.nspname, g.privilege_type
                     FROM pg_namespace n CROSS JOIN LATERAL aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) g
                    WHERE n.nspname IN ('clinic_private', 'clinic_data')
                      AND g.grantee NOT IN (n.nspowner, 'clinic_owner'::regrole, 'clinic_system'::regrole) $$,
                'only owners may use clinic_private and clinic_data');
SELECT is_empty($$ SELECT n.nspname, g.grantee::regrole
                     FROM pg_namespace n CROSS JOIN LATERAL aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) g
                    WHERE n.nspname = 'clinic' AND g.privilege_type = 'CREATE'
                      AND g.grantee NOT IN (n.nspowner, 'clinic_owner'::regrole) $$, 'only owners may create in clinic');
SELECT is_empty($$ SELECT signature FROM our_functions WHERE prorettype = 'trigger'::regtype AND pronamespace <> 'clinic_private'::regnamespace
                      AND signature::text NOT IN ('clinic.audit_change()', 'clinic.audit_reads()') $$,
                'trigger functions stand in clinic_private, but for those that owners put on tables of their own');
SELECT is_empty($$ SELECT f.signature FROM our_functions f CROSS JOIN LATERAL unnest(f.proargnames) a (name)
                    WHERE f.pronamespace = 'clinic'::regnamespace
                      AND a.name IN ('limit', 'offset', 'select', 'order', 'columns', 'on_conflict') $$,
                'no argument has a name that an HTTP gateway takes for itself');

-- ---------------------------------------------------------------------------------------------------------------------
-- Tables: owners, rights, row security.

SELECT isnt_empty($$ SELECT relname FROM our_tables $$, 'there are tables to look at');
SELECT is_empty($$ SELECT c.oid::regclass, c.relowner::regrole FROM pg_class c
                    WHERE c.relnamespace IN ('clinic'::regnamespace, 'clinic_data'::regnamespace)
                      AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND c.relowner <> 'clinic_owner'::regrole $$,
                'every table, view and sequence belongs to clinic_owner');
SELECT is_empty($$ SELECT t.oid::regtype FROM pg_type t
                    WHERE t.typnamespace = 'clinic_data'::regnamespace AND t.typtype = 'd' AND t.typowner <> 'clinic_owner'::regrole $$,
                'every domain belongs to clinic_owner');
SELECT is_empty($$ SELECT relname FROM our_tables WHERE NOT relrowsecurity OR NOT relforcerowsecurity $$,
                'row security is enabled and forced on every table');
SELECT is_empty($$ SELECT relname FROM our_tables t WHERE NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = t.oid) $$,
                'every table has a policy');
SELECT is_empty($$ SELECT t.relname, p.polname FROM pg_policy p JOIN our_tables t ON t.oid = p.polrelid
                    WHERE t.relname NOT IN ('schema_migrations', 'token_keys')
                      AND (p.polroles <> '{0}' OR NOT p.polpermissive
                           OR coalesce(pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
                              !~ '^\(*tenant_id = clinic\.current_tenant_id\(\)\)') $$,
                'every policy is for all roles and begins with the tenant');
SELECT is_empty($$ SELECT p.polname FROM pg_policy p JOIN our_tables t ON t.oid = p.polrelid
                    WHERE p.polname !~ ('^' || t.relname || '_') $$, 'every policy is named after its table');
SELECT is_empty($$ SELECT t.relname, g.grantee::regrole, g.privilege_type
                     FROM our_tables t CROSS JOIN LATERAL aclexplode(t.relacl) g WHERE g.grantee <> t.relowner $$,
                'nobody has a right on a table');
SELECT bag_eq($$ SELECT format('%s %s %s.%s', g.grantee::regrole, g.privilege_type, t.relname, a.attname)
                   FROM our_tables t JOIN pg_attribute a ON a.attrelid = t.oid CROSS JOIN LATERAL aclexplode(a.attacl) g $$,
              $$ SELECT 'clinic_system INSERT sign_in_events.' || attname FROM pg_attribute
                  WHERE attrelid = 'clinic_data.sign_in_events'::regclass AND attnum > 0
                 UNION ALL SELECT 'clinic_system ' || v FROM unnest(ARRAY['SELECT credentials.tenant_id', 'SELECT credentials.user_id',
                     'SELECT credentials.failed_count', 'SELECT credentials.locked_until', 'INSERT credentials.tenant_id',
                     'INSERT credentials.user_id', 'INSERT credentials.failed_count', 'INSERT credentials.last_failed_at',
                     'UPDATE credentials.failed_count', 'UPDATE credentials.last_failed_at', 'UPDATE credentials.locked_until',
                     'SELECT sessions.tenant_id', 'SELECT sessions.session_id', 'SELECT sessions.user_id', 'SELECT sessions.revoked_at',
                     'UPDATE sessions.revoked_at', 'UPDATE sessions.revoke_reason', 'SELECT one_time_codes.tenant_id',
                     'SELECT one_time_codes.code_id', 'SELECT one_time_codes.attempts', 'UPDATE one_time_codes.attempts']) v $$,
              'nor on a column, but clinic_system on those that transactions apart write, and on no secret');
SELECT is_empty($$ SELECT v.relname, g.grantee::regrole, g.privilege_type
                     FROM our_views v CROSS JOIN LATERAL aclexplode(v.relacl) g
                    WHERE g.grantee <> v.relowner AND (g.privilege_type <> 'SELECT' OR g.grantee = 0) $$,
                'a view is at most readable, and never to PUBLIC');
SELECT is_empty($$ SELECT relname FROM our_views WHERE NOT has_table_privilege('clinic_user', oid, 'SELECT') $$,
                'clinic_user reads every view');
SELECT is_empty($$ SELECT relname FROM our_views
                    WHERE relkind = 'm' OR NOT coalesce('security_barrier=true' = ANY (reloptions), false)
                       OR reloptions::text ~ 'security_invoker' $$,
                'every view is a security barrier with the rights of its owner, and none is materialised');
SELECT is_empty($$ SELECT v.relname FROM our_views v
                    WHERE NOT EXISTS (SELECT FROM our_columns c WHERE c.attrelid = v.oid AND c.attname = 'tenant_id' AND c.attnum = 1) $$,
                'every view begins with tenant_id');

-- ---------------------------------------------------------------------------------------------------------------------
-- Tables: keys. What spans tenants is named here and nowhere else.

SELECT is_empty($$ SELECT relname FROM our_tables t
                    WHERE relname NOT IN ('schema_migrations', 'token_keys')
                      AND NOT EXISTS (SELECT FROM our_columns c
                                       WHERE c.attrelid = t.oid AND c.attname = 'tenant_id' AND c.attnotnull
                                         AND c.atttypid = 'uuid'::regtype AND (c.attnum = 1 OR t.relname = 'tenant_slugs')) $$,
                'tenant_id uuid NOT NULL is the first column of every table');
SELECT is_empty($$ SELECT relname FROM our_tables t
                    WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = t.oid AND k.contype = 'p') $$,
                'every table has a primary key');
SELECT is_empty($$ SELECT i.indexrelid::regclass
                     FROM pg_index i JOIN our_tables t ON t.oid = i.indrelid
                    WHERE (i.indisunique OR i.indisexclusion)
                      AND (pg_temp.columns_of(t.oid, i.indkey::int2[]))[1] IS DISTINCT FROM 'tenant_id'
                      AND i.indexrelid::regclass::text NOT IN
                          ('clinic_data.schema_migrations_pkey',            -- of the database, not of a tenant
                           'clinic_data.token_keys_pkey',                   -- keys of the database
                           'clinic_data.tenant_slugs_pkey',                 -- the directory of slugs
                           'clinic_data.calendars_calendar_no_key',         -- the narrow key of claims
                           'clinic_data.claims_calendar_no_during_excl') $$,
                'every unique and exclusion key begins with tenant_id');
SELECT is_empty($$ SELECT k.conname FROM pg_constraint k JOIN our_tables t ON t.oid = k.conrelid
                    WHERE k.contype = 'f'
                      AND ((pg_temp.columns_of(k.conrelid, k.conkey))[1] <> 'tenant_id'
                           OR (pg_temp.columns_of(k.confrelid, k.confkey))[1] <> 'tenant_id') $$,
                'every foreign key begins with tenant_id on both sides');
SELECT is_empty($$ SELECT k.conname FROM pg_constraint k JOIN our_tables t ON t.oid = k.conrelid
                    WHERE k.contype = 'f' AND (k.confdeltype IN ('n', 'd') OR k.confupdtype IN ('n', 'd')) $$,
                'no foreign key sets null or a default');
-- The first two columns of a key are enough: tenant and row; a third only tells lanes apart.
SELECT is_empty($$ SELECT k.conname FROM pg_constraint k JOIN our_tables t ON t.oid = k.conrelid
                    WHERE k.contype = 'f'
                      AND NOT EXISTS (SELECT FROM pg_index i
                                       WHERE i.indrelid = k.conrelid AND i.indisvalid
                                         -- Rows without a value refer to nothing, and need no entry.
                                         AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) = ANY (SELECT format('(%I IS NOT NULL)', a.attname) FROM pg_attribute a
                                                                                                      WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)))
                                         AND (i.indkey::int2[])[0:least(cardinality(k.conkey), 2) - 1] <@ k.conkey) $$,
                'every foreign key has an index');
SELECT is_empty($$ SELECT k.conrelid::regclass, k.conname FROM pg_constraint k JOIN our_tables t ON t.oid = k.conrelid
                    WHERE NOT (t.relispartition AND (k.coninhcount > 0 OR k.conparentid <> 0)) AND k.conname !~ ('^' || t.relname || '(_[a-z0-9_]+)?_' ||
                                        CASE k.contype WHEN 'p' THEN 'pkey' WHEN 'u' THEN 'key' WHEN 'f' THEN 'fkey'
                                                       WHEN 'c' THEN 'check' WHEN 'x' THEN 'excl' WHEN 'n' THEN 'not_null' END || '$') $$,
                'every constraint is named after its table and its kind');
SELECT is_empty($$ SELECT i.indexrelid::regclass FROM pg_index i JOIN our_tables t ON t.oid = i.indrelid
                    JOIN pg_class c ON c.oid = i.indexrelid
                    WHERE c.relname !~ ('^' || t.relname || '(_[a-z0-9_]+)?_(pkey|key|excl|idx)$') $$,
                'every index is named after its table');
SELECT is_empty($$ SELECT conname FROM pg_constraint k JOIN our_tables t ON t.oid = k.conrelid WHERE NOT k.convalidated $$,
                'every constraint is validated');

-- ---------------------------------------------------------------------------------------------------------------------
-- Tables: columns.

SELECT is_empty($$ SELECT relname, attname, format_type(atttypid, atttypmod) FROM our_columns
                    WHERE relkind <> 'v'
                      AND (attidentity <> '' OR atttypmod <> -1
                           OR (SELECT typtype FROM pg_type WHERE pg_type.oid = atttypid) IN ('e', 'c')
                           OR atttypid IN ('varchar'::regtype, 'bpchar'::regtype, 'timetz'::regtype, 'money'::regtype, 'json'::regtype)) $$,
                'no identity, no length in a type, no enum, no composite, no char, no json');
SELECT is_empty($$ SELECT relname, attname FROM our_columns
                    WHERE relkind <> 'v' AND atttypid = 'timestamptz'::regtype AND attname !~ '_(at|until|before)$' $$,
                'every instant is named ..._at, a limit ..._until or ..._before');
SELECT is_empty($$ SELECT relname, attname FROM our_columns
                    WHERE atttypid = 'timestamp'::regtype AND attname !~ '^local_' $$,
                'every timestamp without a zone is named local_...');
SELECT is_empty($$ SELECT c.relname, c.attname FROM our_columns c JOIN pg_type t ON t.oid = c.atttypid
                     JOIN pg_depend d ON d.classid = 'pg_type'::regclass AND d.deptype = 'e' AND d.objid IN (t.oid, t.typbasetype, t.typelem)
                    WHERE c.relkind <> 'v' $$,
                'no column has a type of an extension, whose loss would drop it');
SELECT is_empty($$ SELECT relname, attname FROM our_columns c
                    WHERE relkind <> 'v' AND attname IN ('created_at', 'updated_at')
                      AND pg_get_expr((SELECT d.adbin FROM pg_attrdef d WHERE d.adrelid = c.attrelid AND d.adnum = c.attnum), attrelid)
                          IS DISTINCT FROM 'clinic.now()' $$, 'rows are stamped by the engine''s clock');

-- ---------------------------------------------------------------------------------------------------------------------
-- Triggers.

SELECT is_empty($$ SELECT t.relname FROM our_tables t
                    WHERE NOT EXISTS (SELECT FROM pg_trigger g
                                       WHERE g.tgrelid = t.oid AND (g.tgname = t.relname || '_10_identity' OR g.tgparentid <> 0 AND g.tgname ~ '_10_identity$')) $$,
                'what identifies a row is fixed in every table');
SELECT is_empty($$ SELECT c.relname FROM our_columns c
                    WHERE c.relkind <> 'v' AND c.attname = 'version'
                      AND NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.attrelid AND g.tgname = c.relname || '_20_stamp') $$,
                'every versioned table counts its changes');
SELECT is_empty($$ SELECT g.tgname FROM pg_trigger g
                    WHERE g.tgrelid = 'clinic_data.claims'::regclass AND g.tgname = 'claims_40_guard' AND g.tgenabled <> 'A' $$,
                'the guard of claims is on for every kind of session');

-- ---------------------------------------------------------------------------------------------------------------------
-- Roles.

SELECT is_empty($$ SELECT rolname FROM pg_roles
                    WHERE rolname IN ('clinic_owner', 'clinic_gateway', 'clinic_anon', 'clinic_user', 'clinic_admin', 'clinic_system')
                      AND (rolcanlogin OR rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication
                           OR rolbypassrls AND rolname <> 'clinic_system') $$,
                'our roles can neither log in nor rule, and only clinic_system passes row security');
SELECT is_empty($$ SELECT m.roleid::regrole, m.member::regrole FROM pg_auth_members m
                    WHERE m.roleid IN ('clinic_owner'::regrole, 'clinic_system'::regrole)
                      AND m.member::regrole::text LIKE 'clinic\_%' $$,
                'no role of ours is a member of clinic_owner or clinic_system');

SELECT * FROM finish();
ROLLBACK;
