-- Row security for tables of the database's own people, from the same words as ours: the tenant, permissions, branches,
-- patients. Everything runs with the rights of the caller, who must own the table; nothing here has power of its own.
--
-- The public functions have bodies of standard SQL, whose names are bound when they are made: callers reach what stands in
-- clinic_private through them alone.

-- Which column says whose row it is: tenant_id of type uuid, one that refers to clinic_data.tenants alone, or the one that a
-- policy compares with the context's tenant.
CREATE FUNCTION clinic_private.tenant_columns()
    RETURNS TABLE (relation oid, attnum smallint, attname name)
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT DISTINCT ON (f.relation) f.relation, f.attnum, f.attname
      FROM (SELECT a.attrelid AS relation, a.attnum, a.attname, 1 AS rank
              FROM (SELECT DISTINCT p.polrelid,
                           substring(concat(pg_get_expr(p.polqual, p.polrelid), ' ', pg_get_expr(p.polwithcheck, p.polrelid))
                                     FROM '\(("([^"]|"")+"|[a-z_][a-z0-9_$]*) = clinic\.current_tenant_id\(\)') AS column_text
                      FROM pg_policy p) t
              JOIN pg_attribute a ON a.attrelid = t.polrelid AND quote_ident(a.attname) = t.column_text
            UNION ALL
            SELECT a.attrelid, a.attnum, a.attname, 2
              FROM pg_attribute a
             WHERE a.attname = 'tenant_id' AND a.atttypid = 'uuid'::regtype AND a.attnum > 0 AND NOT a.attisdropped
            UNION ALL
            SELECT a.attrelid, a.attnum, a.attname, 3
              FROM pg_constraint k
              JOIN pg_class o ON o.oid = k.confrelid AND o.relname = 'tenants' AND o.relnamespace = to_regnamespace('clinic_data')::oid
              JOIN pg_attribute a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
             WHERE k.contype = 'f') f
      JOIN pg_class c ON c.oid = f.relation
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
       AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
     ORDER BY f.relation, f.rank, f.attnum;
END;
COMMENT ON FUNCTION clinic_private.tenant_columns() IS
    'The tenant''s column of each table of the database that has one.';
REVOKE ALL ON FUNCTION clinic_private.tenant_columns() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.tenant_columns() TO clinic_admin;

-- A key without the tenant tells a caller, by refusing a value, that another tenant has it; a reference without the tenant
-- ties a row to one of another tenant.
CREATE FUNCTION clinic_private.key_findings(of_table regclass)
    RETURNS TABLE (severity text, rule text, object text, finding text, fix text)
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT 'warning', 'key_without_tenant', i.indexrelid::regclass::text,
           format('The unique key of %s does not contain %I: it tells a caller whether another tenant has a value.',
                             i.indrelid::regclass, t.attname),
           CASE WHEN k.oid IS NULL THEN
               format('DROP INDEX %s; %s', i.indexrelid::regclass,
                   regexp_replace(pg_get_indexdef(i.indexrelid), ' USING (\w+) \(',
                       format(' USING \1 (%I, ', t.attname)))
           ELSE
               format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %I %s', k.conrelid::regclass, k.conname,
                   k.conname, regexp_replace(pg_get_constraintdef(k.oid), '\(',
                       format(CASE k.contype WHEN 'x' THEN '(%I WITH =, ' ELSE '(%I, ' END, t.attname)))
           END
      FROM pg_index i
      JOIN clinic_private.tenant_columns() t ON t.relation = i.indrelid
      LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x')
     WHERE (i.indisunique OR i.indisexclusion)
       AND NOT t.attnum = ANY ((i.indkey::smallint[])[0:i.indnkeyatts - 1])
       AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = i.indexrelid)
       -- What spans tenants of ours: lanes have numbers of their own, slugs are the directory of tenants, keys are found by their id.
       AND i.indexrelid::regclass::text NOT IN
           ('clinic_data.tenant_slugs_pkey', 'clinic_data.token_keys_pkey',
            'clinic_data.calendars_calendar_no_key', 'clinic_data.claims_calendar_no_during_excl')
       AND (key_findings.of_table IS NULL OR i.indrelid = key_findings.of_table)
    UNION ALL
    SELECT 'warning', 'foreign_key_without_tenant', format('%s.%I', k.conrelid::regclass, k.conname),
           format('The foreign key to %s does not contain %I: a row can refer to one of another tenant, and so find out that it exists.',
                             k.confrelid::regclass, t.attname),
           CASE WHEN NOT EXISTS (SELECT FROM pg_index u
                                  WHERE u.indrelid = k.confrelid AND u.indisunique AND u.indpred IS NULL AND u.indimmediate
                                    AND (u.indkey::smallint[])[0:u.indnkeyatts - 1] @> (k.confkey || p.attnum)
                                    AND (u.indkey::smallint[])[0:u.indnkeyatts - 1] <@ (k.confkey || p.attnum)) THEN
               format('ALTER TABLE %s ADD UNIQUE (%I, %s); ', k.confrelid::regclass, p.attname, referenced.names)
           ELSE '' END
           || format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %I %s', k.conrelid::regclass, k.conname, k.conname,
                  -- Only the row's own columns are emptied when what they refer to goes.
                  regexp_replace(
                      regexp_replace(pg_get_constraintdef(k.oid),
                          '^FOREIGN KEY \((.*?)\) REFERENCES (.*?)\(',
                          format('FOREIGN KEY (%I, \1) REFERENCES \2(%I, ', t.attname, p.attname)),
                      'ON DELETE SET (NULL|DEFAULT)(?! \()', format('ON DELETE SET \1 (%s)', referring.names)))
      FROM pg_constraint k
      JOIN clinic_private.tenant_columns() t ON t.relation = k.conrelid
      JOIN clinic_private.tenant_columns() p ON p.relation = k.confrelid
      CROSS JOIN LATERAL (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY u.place) AS names
                            FROM ROWS FROM (unnest(k.confkey)) WITH ORDINALITY AS u (number, place)
                            JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number) referenced
      CROSS JOIN LATERAL (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY u.place) AS names
                            FROM ROWS FROM (unnest(k.conkey)) WITH ORDINALITY AS u (number, place)
                            JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number) referring
     WHERE k.contype = 'f' AND k.conparentid = 0
       AND NOT t.attnum = ANY (k.conkey) AND NOT p.attnum = ANY (k.confkey)
       AND (key_findings.of_table IS NULL OR k.conrelid = key_findings.of_table);
END;
COMMENT ON FUNCTION clinic_private.key_findings(regclass) IS
    'Unique, exclusion and foreign keys without the tenant, of one table or (null) of all, with the statement that adds it.';
REVOKE ALL ON FUNCTION clinic_private.key_findings(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.key_findings(regclass) TO clinic_admin;

-- What lets callers past the tenant's rule in a table that has one. of_table: null for all but those of clinic_data.
CREATE FUNCTION clinic_private.own_table_findings(of_table regclass)
    RETURNS TABLE (severity text, rule text, object text, finding text, fix text)
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH own AS (
        SELECT c.oid, c.oid::regclass AS name, c.relrowsecurity, c.relforcerowsecurity, c.relowner, t.attname,
               a.attnotnull AND a.atttypid = 'uuid'::regtype AS is_fit,
               EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid) AS has_policy
          FROM clinic_private.tenant_columns() t
          JOIN pg_class c ON c.oid = t.relation
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = t.attnum
         WHERE c.relnamespace <> coalesce(to_regnamespace('clinic_data')::oid, 0)
           AND (own_table_findings.of_table IS NULL OR c.oid = own_table_findings.of_table)
           -- A partition that nobody has a right on is reached through its parent only.
           AND NOT (c.relispartition
                    AND NOT EXISTS (SELECT FROM aclexplode(c.relacl) g WHERE g.grantee <> c.relowner))
    ),
    policies AS (
        SELECT o.oid, o.name, o.attname, p.polname, p.polcmd, p.polpermissive, p.polroles,
               obj_description(p.oid, 'pg_policy') AS remark,
               pg_get_expr(p.polqual, p.polrelid) AS using_text, pg_get_expr(p.polwithcheck, p.polrelid) AS check_text,
               md5(concat_ws(' ', p.polcmd, p.polpermissive, p.polroles::text,
                                                   pg_get_expr(p.polqual, p.polrelid),
                                                   pg_get_expr(p.polwithcheck, p.polrelid))) AS state
          FROM own o JOIN pg_policy p ON p.polrelid = o.oid
    ),
    judged AS (
        SELECT p.*,
               coalesce(p.using_text = 'true', false) OR coalesce(p.check_text = 'true', false) AS is_true,
               coalesce(strpos(p.using_text, 'clinic.current_tenant_id()') > 0
                        AND strpos(p.using_text, quote_ident(p.attname)) > 0, true)
               AND coalesce(strpos(p.check_text, 'clinic.current_tenant_id()') > 0
                            AND strpos(p.check_text, quote_ident(p.attname)) > 0, true) AS knows_tenant
          FROM policies p
    )
    SELECT 'error', 'table_without_row_security', o.name::text,
           'The table has a tenant''s column and no row security: every tenant''s rows are open to whoever may read it.',
           CASE WHEN o.has_policy OR NOT o.is_fit
                THEN format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', o.name)
                ELSE format('SELECT clinic.enable_tenant_rls(%L, %L)', o.name, o.attname) END
      FROM own o WHERE NOT o.relrowsecurity
    UNION ALL
    SELECT 'warning', 'row_security_not_forced', o.name::text,
           'The owner of the table, and every function and view of that owner, is not held to its row security.',
           format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', o.name)
      FROM own o WHERE o.relrowsecurity AND NOT o.relforcerowsecurity
    UNION ALL
    SELECT 'error', CASE WHEN j.is_true THEN 'policy_always_true' ELSE 'policy_without_tenant' END,
           format('%s.%I', j.name, j.polname),
           CASE WHEN j.is_true THEN 'The policy lets every row through, of every tenant.'
                ELSE format('The policy does not compare %I with the tenant of the context.', j.attname) END,
           format('DROP POLICY %I ON %s', j.polname, j.name)
      FROM judged j
     WHERE j.polpermissive AND NOT j.knows_tenant
       -- A restrictive policy for all roles and the same command makes up for it.
       AND NOT EXISTS (SELECT FROM judged r
                        WHERE r.oid = j.oid AND NOT r.polpermissive AND r.knows_tenant AND r.polcmd IN (j.polcmd, '*') AND r.polroles = '{0}')
    UNION ALL
    SELECT 'error', 'policy_altered', format('%s.%I', j.name, j.polname),
           'The policy is not what clinic.protect or clinic.enable_tenant_rls made: without it nobody sees a row until it is made again.',
           format('DROP POLICY %I ON %s', j.polname, j.name)
      FROM judged j
     WHERE j.remark ~ '^Made by clinic\.' AND j.remark !~ concat('"state": "', j.state, '"')
    UNION ALL
    SELECT 'warning', 'policy_beside', format('%s.%I', j.name, j.polname),
           'The policy lets through rows that those of clinic.protect or clinic.enable_tenant_rls hold back.',
           format('DROP POLICY %I ON %s', j.polname, j.name)
      FROM judged j
     WHERE j.polpermissive AND j.knows_tenant AND coalesce(j.remark, '') !~ '^Made by clinic\.'
       AND EXISTS (SELECT FROM judged m WHERE m.oid = j.oid AND m.remark ~ '^Made by clinic\.')
    UNION ALL
    SELECT 'warning', 'owner_passes_row_security', o.name::text,
           format('The owner "%s" passes row security, and so do views and functions of that owner: give the table to a role without login.',
                             r.rolname),
           CASE WHEN to_regrole(quote_ident(n.nspname || '_owner')) IS NULL
                THEN format('CREATE ROLE %I NOLOGIN; ', n.nspname || '_owner') ELSE '' END
           || format('ALTER TABLE %s OWNER TO %I', o.name, n.nspname || '_owner')
      FROM own o
      JOIN pg_roles r ON r.oid = o.relowner
      JOIN pg_class c ON c.oid = o.oid
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE o.relrowsecurity AND (r.rolsuper OR r.rolbypassrls)
    UNION ALL
    SELECT CASE WHEN g.grantee = 0 THEN 'error' ELSE 'warning' END, 'grant_past_row_security', o.name::text,
           format('%s has %s, which row security does not hold back.',
                             coalesce('"' || g.role || '"', 'PUBLIC'), g.privileges),
           format('REVOKE %s ON %s FROM %s CASCADE', g.privileges, o.name, coalesce(quote_ident(g.role), 'PUBLIC'))
      FROM own o
      JOIN pg_class c ON c.oid = o.oid
     CROSS JOIN LATERAL (SELECT a.grantee, min(r.rolname)::text AS role,
                                string_agg(DISTINCT a.privilege_type, ', ' ORDER BY a.privilege_type) AS privileges
                           FROM aclexplode(c.relacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
                          WHERE a.grantee <> c.relowner AND a.privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER')
                          GROUP BY a.grantee) g;
END;
COMMENT ON FUNCTION clinic_private.own_table_findings(regclass) IS
    'What lets callers past the tenant''s rule in tables outside clinic_data: one table, or (null) all.';
REVOKE ALL ON FUNCTION clinic_private.own_table_findings(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.own_table_findings(regclass) TO clinic_admin;

CREATE FUNCTION clinic_private.warn_of(finding text, fix text)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    RAISE WARNING USING MESSAGE = warn_of.finding, HINT = warn_of.fix || ';';
END
$$;
COMMENT ON FUNCTION clinic_private.warn_of(text, text) IS 'Warns of a finding; the hint is the statement that mends it.';
REVOKE ALL ON FUNCTION clinic_private.warn_of(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.warn_of(text, text) TO clinic_admin;

CREATE FUNCTION clinic_private.check_own_table(relation regclass, tenant_column name, other_columns name[])
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    target record;
    found_column record;
    wanted name;
BEGIN
    IF check_own_table.relation IS NULL OR check_own_table.tenant_column IS NULL THEN
        RAISE EXCEPTION 'arguments "relation", "tenant_column" must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    SELECT c.relkind, c.relowner, n.nspname INTO target
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = check_own_table.relation;
    IF target.relkind NOT IN ('r', 'p') THEN
        RAISE EXCEPTION '"%" is no table', check_own_table.relation
            USING ERRCODE = 'wrong_object_type', HINT = 'Row security is for ordinary and partitioned tables; secure those that a view reads.';
    END IF;
    IF target.nspname IN ('clinic', 'clinic_private', 'clinic_data', 'pg_catalog', 'information_schema', 'pg_toast') THEN
        RAISE EXCEPTION 'table "%" is not one of your own', check_own_table.relation
            USING ERRCODE = 'wrong_object_type', HINT = 'CALL clinic.install(); secures the tables of pg_clinic.';
    END IF;
    IF NOT pg_has_role(target.relowner, 'USAGE') THEN
        RAISE EXCEPTION 'must be owner of table "%"', check_own_table.relation USING ERRCODE = 'insufficient_privilege';
    END IF;

    FOREACH wanted IN ARRAY array_prepend(check_own_table.tenant_column, array_remove(check_own_table.other_columns, NULL)) LOOP
        SELECT a.atttypid, a.attnotnull INTO found_column
          FROM pg_attribute a
         WHERE a.attrelid = check_own_table.relation AND a.attname = wanted AND a.attnum > 0 AND NOT a.attisdropped;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'column "%" of table "%" does not exist', wanted, check_own_table.relation
                USING ERRCODE = 'undefined_column',
                      HINT = format('ALTER TABLE %s ADD COLUMN %I uuid; and fill it%s.', check_own_table.relation, wanted,
                                    CASE WHEN wanted = check_own_table.tenant_column THEN ', then set it NOT NULL' ELSE '' END);
        END IF;
        IF found_column.atttypid <> 'uuid'::regtype THEN
            RAISE EXCEPTION 'column "%" of table "%" is not of type uuid', wanted, check_own_table.relation
                USING ERRCODE = 'datatype_mismatch',
                      DETAIL = format('It is of type %s.', found_column.atttypid::regtype),
                      HINT = format('ALTER TABLE %s ALTER COLUMN %I TYPE uuid USING %I::text::uuid;', check_own_table.relation, wanted, wanted);
        END IF;
        IF wanted = check_own_table.tenant_column AND NOT found_column.attnotnull THEN
            RAISE EXCEPTION 'column "%" of table "%" may be null', wanted, check_own_table.relation
                USING ERRCODE = 'object_not_in_prerequisite_state',
                      DETAIL = 'A row without a tenant belongs to nobody, and nobody would see it.',
                      HINT = format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL;', check_own_table.relation, wanted);
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clinic_private.check_own_table(regclass, name, name[]) IS
    'Raises an error unless the table is the caller''s own and has the columns that its policies need; null columns are not needed.';
REVOKE ALL ON FUNCTION clinic_private.check_own_table(regclass, name, name[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.check_own_table(regclass, name, name[]) TO clinic_admin;

-- Makes what is missing. What it made stands in the comments of its policies, as JSON: a dump carries them along, and
-- clinic.disable_tenant_rls takes back exactly that.
CREATE FUNCTION clinic_private.guard_own_table(relation regclass, origin text, tenant_column name, may_read text, may_write text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    scope constant text := format('%I = clinic.current_tenant_id()', guard_own_table.tenant_column);
    target record;
    command record;
    existing record;
    made jsonb;
    before jsonb := '{}';
    column_no smallint;
    index_name regclass;
BEGIN
    SELECT c.relrowsecurity, c.relforcerowsecurity INTO target FROM pg_class c WHERE c.oid = guard_own_table.relation;
    SELECT a.attnum INTO column_no FROM pg_attribute a
     WHERE a.attrelid = guard_own_table.relation AND a.attname = guard_own_table.tenant_column AND NOT a.attisdropped;
    SELECT substring(obj_description(p.oid, 'pg_policy') FROM '^Made by clinic\.\w+ (\{.*\})$')::jsonb INTO before
      FROM pg_policy p WHERE p.polrelid = guard_own_table.relation AND p.polname = 'clinic_select';
    IF guard_own_table.origin = 'enable_tenant_rls' AND before ->> 'by' = 'protect' THEN
        RAISE EXCEPTION 'table "%" is protected by permissions', guard_own_table.relation
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = 'The tenant''s rule alone would open it to everybody in the tenant.',
                  HINT = format('If that is meant, first SELECT clinic.disable_tenant_rls(%L);', guard_own_table.relation);
    END IF;
    made := jsonb_build_object(
        'enabled', NOT target.relrowsecurity OR coalesce((before ->> 'enabled')::boolean, false),
        'forced', NOT target.relforcerowsecurity OR coalesce((before ->> 'forced')::boolean, false),
        'default', coalesce((before ->> 'default')::boolean, false)
                   OR NOT (SELECT a.atthasdef FROM pg_attribute a WHERE a.attrelid = guard_own_table.relation AND a.attnum = column_no),
        'by', guard_own_table.origin);

    IF NOT target.relrowsecurity OR NOT target.relforcerowsecurity THEN
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', guard_own_table.relation);
    END IF;
    PERFORM FROM pg_attribute a WHERE a.attrelid = guard_own_table.relation AND a.attnum = column_no AND NOT a.atthasdef;
    IF FOUND THEN
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT clinic.current_tenant_id()', guard_own_table.relation,
                       guard_own_table.tenant_column);
    END IF;
    PERFORM FROM pg_index i WHERE i.indrelid = guard_own_table.relation AND i.indkey[0] = column_no AND i.indpred IS NULL AND i.indisvalid;
    IF NOT FOUND THEN
        EXECUTE format('CREATE INDEX ON %s (%I)', guard_own_table.relation, guard_own_table.tenant_column);
        SELECT i.indexrelid::regclass INTO index_name
          FROM pg_index i WHERE i.indrelid = guard_own_table.relation AND i.indkey[0] = column_no
         ORDER BY i.indexrelid DESC LIMIT 1;
        EXECUTE format('COMMENT ON INDEX %s IS %L', index_name, 'Made by clinic.enable_tenant_rls or clinic.protect.');
        RAISE NOTICE 'index "%" was made, for no index of table "%" began with "%"', index_name, guard_own_table.relation,
            guard_own_table.tenant_column;
    END IF;

    FOR command IN
        SELECT 'clinic_' || lower(k.name) AS policy_name, k.name,
               format(k.form, CASE WHEN k.condition IS NULL THEN scope ELSE format('%s AND (%s)', scope, k.condition) END,
                      CASE WHEN guard_own_table.may_write IS NULL THEN scope
                           ELSE format('%s AND (%s)', scope, guard_own_table.may_write) END) AS definition
          FROM (VALUES ('SELECT', 'USING (%1$s)', guard_own_table.may_read),
                       ('INSERT', 'WITH CHECK (%2$s)', guard_own_table.may_write),
                       ('UPDATE', 'USING (%1$s) WITH CHECK (%2$s)', guard_own_table.may_read || ') AND (' || guard_own_table.may_write),
                       ('DELETE', 'USING (%1$s)', guard_own_table.may_read || ') AND (' || guard_own_table.may_write))
               AS k (name, form, condition)
    LOOP
        SELECT p.oid, obj_description(p.oid, 'pg_policy') AS remark,
               md5(concat_ws(' ', p.polcmd, p.polpermissive, p.polroles::text, pg_get_expr(p.polqual, p.polrelid),
                             pg_get_expr(p.polwithcheck, p.polrelid))) AS state
          INTO existing
          FROM pg_policy p WHERE p.polrelid = guard_own_table.relation AND p.polname = command.policy_name;
        IF FOUND AND coalesce(existing.remark, '') !~ '^Made by clinic\.\w+ \{.*\}$' THEN
            RAISE EXCEPTION 'policy "%" for table "%" already exists', command.policy_name, guard_own_table.relation
                USING ERRCODE = 'duplicate_object', DETAIL = 'It is not one that pg_clinic made.',
                      HINT = format('DROP POLICY %I ON %s;', command.policy_name, guard_own_table.relation);
        END IF;
        IF existing.oid IS NOT NULL THEN
            CONTINUE WHEN strpos(existing.remark, '"definition": "' || md5(command.definition) || '"') > 0
                      AND strpos(existing.remark, '"state": "' || existing.state || '"') > 0;
            EXECUTE format('DROP POLICY %I ON %s', command.policy_name, guard_own_table.relation);
        END IF;
        EXECUTE format('CREATE POLICY %I ON %s FOR %s TO PUBLIC %s', command.policy_name, guard_own_table.relation, command.name,
                       command.definition);
        EXECUTE format('COMMENT ON POLICY %I ON %s IS %L', command.policy_name, guard_own_table.relation,
            format('Made by clinic.%s %s', guard_own_table.origin,
                   made || (SELECT jsonb_build_object('definition', md5(command.definition), 'state',
                                       md5(concat_ws(' ', p.polcmd, p.polpermissive, p.polroles::text,
                                                     pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))))
                              FROM pg_policy p WHERE p.polrelid = guard_own_table.relation AND p.polname = command.policy_name)));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clinic_private.guard_own_table(regclass, text, name, text, text) IS
    'Enables and forces row security, with policies for each command, a default for the tenant and an index that begins with it, where they are missing.
may_read, may_write: conditions beside the tenant''s rule; null for none.';
REVOKE ALL ON FUNCTION clinic_private.guard_own_table(regclass, text, name, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.guard_own_table(regclass, text, name, text, text) TO clinic_admin;

CREATE FUNCTION clinic_private.unguard_own_table(relation regclass)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    ours record;
    made jsonb;
BEGIN
    IF unguard_own_table.relation IS NULL THEN
        RAISE EXCEPTION 'argument "relation" must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    FOR ours IN
        SELECT p.polname, substring(obj_description(p.oid, 'pg_policy') FROM '^Made by clinic\.\w+ (\{.*\})$')::jsonb AS facts
          FROM pg_policy p
         WHERE p.polrelid = unguard_own_table.relation AND p.polname IN ('clinic_select', 'clinic_insert', 'clinic_update', 'clinic_delete')
         ORDER BY p.polname
    LOOP
        CONTINUE WHEN ours.facts IS NULL;
        made := coalesce(made, ours.facts);
        EXECUTE format('DROP POLICY %I ON %s', ours.polname, unguard_own_table.relation);
    END LOOP;
    IF made IS NULL THEN
        RAISE NOTICE 'table "%" has no policy of clinic.enable_tenant_rls or clinic.protect', unguard_own_table.relation;
        RETURN;
    END IF;

    FOR ours IN
        SELECT i.indexrelid::regclass AS name FROM pg_index i
         WHERE i.indrelid = unguard_own_table.relation
           AND obj_description(i.indexrelid, 'pg_class') = 'Made by clinic.enable_tenant_rls or clinic.protect.'
    LOOP
        EXECUTE format('DROP INDEX %s', ours.name);
    END LOOP;
    IF (made ->> 'default')::boolean THEN
        FOR ours IN
            SELECT a.attname FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
             WHERE d.adrelid = unguard_own_table.relation AND pg_get_expr(d.adbin, d.adrelid) = 'clinic.current_tenant_id()'
        LOOP
            EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT', unguard_own_table.relation, ours.attname);
        END LOOP;
    END IF;
    IF (made ->> 'forced')::boolean THEN
        EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', unguard_own_table.relation);
    END IF;
    IF (made ->> 'enabled')::boolean THEN
        PERFORM FROM pg_policy p WHERE p.polrelid = unguard_own_table.relation;
        IF FOUND THEN
            RAISE NOTICE 'row security of table "%" stays on, for it has policies of its own', unguard_own_table.relation;
        ELSE
            EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', unguard_own_table.relation);
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.unguard_own_table(regclass) IS
    'Takes back what clinic_private.guard_own_table made, as the comments of its policies tell.';
REVOKE ALL ON FUNCTION clinic_private.unguard_own_table(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.unguard_own_table(regclass) TO clinic_admin;

-- The conditions of clinic.protect. They call helpers that look at the context alone, so that no policy reads a table.
CREATE FUNCTION clinic_private.protect_condition(permission text, location_column name, patient_column name, provider_column name, for_reading boolean)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT format('clinic.has_permission(%L)', protect_condition.permission) || concat(branch.rule, patient.rule)
           || CASE WHEN protect_condition.location_column IS NULL THEN ''
                   ELSE format(' OR clinic.has_permission(%L) AND NOT clinic.sees_all_locations()', protect_condition.permission || ':branch')
                        || concat(branch.rule, patient.rule) END
           || coalesce(format(' OR clinic.has_permission(%L) AND ', protect_condition.permission || ':own')
                       || quote_ident(protect_condition.provider_column) || ' = clinic.current_provider_id()', '')
           || CASE WHEN protect_condition.for_reading
                   THEN coalesce(' OR clinic.current_patient_id() IS NOT NULL AND clinic.sees_patient('
                                 || quote_ident(protect_condition.patient_column) || ')', '')
                   ELSE '' END
      FROM (SELECT ' AND coalesce(clinic.sees_location(' || quote_ident(protect_condition.location_column)
                   || '), clinic.sees_all_locations())' AS rule) branch,
           (SELECT ' AND (' || quote_ident(protect_condition.patient_column) || ' IS NULL OR clinic.sees_patient('
                   || quote_ident(protect_condition.patient_column) || '))' AS rule) patient;
END;
COMMENT ON FUNCTION clinic_private.protect_condition(text, name, name, name, boolean) IS
    'The condition of a protected table for reading or writing, beside the tenant''s rule. Null columns are not looked at.';
REVOKE ALL ON FUNCTION clinic_private.protect_condition(text, name, name, name, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.protect_condition(text, name, name, name, boolean) TO clinic_admin;

CREATE FUNCTION clinic_private.check_table_permission(permission text)
    RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF check_table_permission.permission IS NULL THEN
        RAISE EXCEPTION 'argument "read_permission" must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF NOT clinic.is_permission(check_table_permission.permission) OR check_table_permission.permission !~ '^[^:*]+:[^:*]+$' THEN
        RAISE EXCEPTION 'permission "%" is not of the form resource:action', left(check_table_permission.permission, 100)
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Such as invoices:read. Scopes are added by the policies, and * stands in grants only.';
    END IF;
    RETURN check_table_permission.permission;
END
$$;
COMMENT ON FUNCTION clinic_private.check_table_permission(text) IS
    'Returns a permission that a table can ask for. Raises 22004, and 22023 unless it is resource:action.';
REVOKE ALL ON FUNCTION clinic_private.check_table_permission(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.check_table_permission(text) TO clinic_admin;

CREATE FUNCTION clinic.enable_tenant_rls(relation regclass, tenant_column name DEFAULT 'tenant_id')
    RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT clinic_private.check_own_table(enable_tenant_rls.relation, enable_tenant_rls.tenant_column, NULL);
    SELECT clinic_private.guard_own_table(enable_tenant_rls.relation, 'enable_tenant_rls', enable_tenant_rls.tenant_column, NULL, NULL);
    SELECT clinic_private.warn_of(f.finding, f.fix)
      FROM (SELECT o.* FROM clinic_private.own_table_findings(enable_tenant_rls.relation) o
             UNION ALL SELECT k.* FROM clinic_private.key_findings(enable_tenant_rls.relation) k) f
     ORDER BY f.rule, f.object COLLATE "C";
END;
COMMENT ON FUNCTION clinic.enable_tenant_rls(regclass, name) IS
    'Holds a table of your own to the tenant of the context: row security enabled and forced, and a policy for each command.
relation: an ordinary or partitioned table that the caller owns. tenant_column: uuid NOT NULL; it gets the context''s tenant as its
default and an index where it has none. Warns, with the statement that mends it, of what remains open: keys without the tenant, an
owner who passes row security, other policies. Again, it changes nothing. For clinic_admin and superusers, with the rights of the
caller. Errors: 22004, 42809 (no table of your own), 42501 (not the owner), 42703, 42804, 55000 (nullable column; a table of
clinic.protect), 42710 (a policy of that name).';
REVOKE ALL ON FUNCTION clinic.enable_tenant_rls(regclass, name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.enable_tenant_rls(regclass, name) TO clinic_admin;

CREATE FUNCTION clinic.disable_tenant_rls(relation regclass)
    RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT clinic_private.unguard_own_table(disable_tenant_rls.relation);
END;
COMMENT ON FUNCTION clinic.disable_tenant_rls(regclass) IS
    'Takes back exactly what clinic.enable_tenant_rls or clinic.protect made: policies, default, index, forced and enabled row security.
relation: a table that the caller owns. Row security stays on where the table has other policies. For clinic_admin and superusers,
with the rights of the caller. Errors: 22004, 42501.';
REVOKE ALL ON FUNCTION clinic.disable_tenant_rls(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.disable_tenant_rls(regclass) TO clinic_admin;

CREATE FUNCTION clinic.protect(
    relation regclass,
    read_permission text,
    write_permission text DEFAULT NULL,
    tenant_column name DEFAULT 'tenant_id',
    location_column name DEFAULT NULL,
    patient_column name DEFAULT NULL,
    provider_column name DEFAULT NULL
)
    RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT clinic_private.check_own_table(protect.relation, protect.tenant_column,
                                          ARRAY[protect.location_column, protect.patient_column, protect.provider_column]);
    SELECT clinic_private.guard_own_table(protect.relation, 'protect', protect.tenant_column,
               clinic_private.protect_condition(clinic_private.check_table_permission(protect.read_permission),
                   protect.location_column, protect.patient_column, protect.provider_column, true),
               clinic_private.protect_condition(clinic_private.check_table_permission(
                       coalesce(protect.write_permission, split_part(protect.read_permission, ':', 1) || ':write')),
                   protect.location_column, protect.patient_column, protect.provider_column, false));
    SELECT clinic_private.warn_of(f.finding, f.fix)
      FROM (SELECT o.* FROM clinic_private.own_table_findings(protect.relation) o
             UNION ALL SELECT k.* FROM clinic_private.key_findings(protect.relation) k) f
     ORDER BY f.rule, f.object COLLATE "C";
END;
COMMENT ON FUNCTION clinic.protect(regclass, text, text, name, name, name, name) IS
    'Holds a table of your own to tenant, permissions, branches, patients and providers, as clinic.enable_tenant_rls does to the tenant.
A row of the tenant can be read with read_permission, at the caller''s branches (location_column) and of patients that the caller may
see (patient_column), or with its scope branch by those who do not act everywhere; with its scope own, of the provider that the caller is (provider_column); and by the patient whose row it is, or
who acts for them. It can be written with write_permission alike, changed and deleted where it can be read too; patients need that
permission for their own. Columns are uuid; one that is not named is not looked at. A row without a location is for those who act at
every one, a row without a patient concerns none. read_permission: resource:action; write_permission: by default resource:write.
Again with other arguments, it replaces its policies. Errors: as clinic.enable_tenant_rls, and 22023 for a permission.';
REVOKE ALL ON FUNCTION clinic.protect(regclass, text, text, name, name, name, name) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.protect(regclass, text, text, name, name, name, name) TO clinic_admin;
