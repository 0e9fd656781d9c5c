-- What clinic.lint() finds in the objects of the database. Each function reads the catalogs with the rights of the caller, and each
-- row names the statement that mends it. Bodies are of standard SQL, whose names were bound when they were made: clinic.lint()
-- reaches them for callers who may not look into clinic_private.

-- Tables of clinic_data with a patient whose changes leave no record in the audit, and why not.
CREATE FUNCTION clinic_private.audit_exemptions()
    RETURNS TABLE (table_name name, reason text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    VALUES ('audit_records'::name, 'The audit itself.'),
           ('audit_read_patients', 'Finds records of the audit, and is written with them.'),
           ('events', 'Written by a trigger of appointments and patients, whose changes are recorded, and never changed.'),
           ('notifications', 'Planned and moved on by the engine from appointments, contacts and preferences, whose changes are recorded.'),
           ('patient_search_keys', 'Written by a trigger of patients from their names, whose changes are recorded.');
END;
COMMENT ON FUNCTION clinic_private.audit_exemptions() IS 'Tables of clinic_data with a column patient_id whose changes leave no record in the audit, and why not.';
REVOKE ALL ON FUNCTION clinic_private.audit_exemptions() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.audit_exemptions() TO clinic_admin;

-- What leaves no record in the audit though it should.
CREATE FUNCTION clinic_private.lint_audit()
    RETURNS TABLE (severity text, rule text, object text, finding text, fix text)
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH audits AS (
        SELECT t.tgrelid, t.tgname, t.tgenabled, t.tgtype & 1 = 1 AS of_rows
          FROM pg_trigger t
         WHERE t.tgfoid IN ('clinic_private.audit_change()'::regprocedure, 'clinic.audit_change()'::regprocedure)
    ),
    of_patients AS (
        SELECT c.oid, c.relname, c.oid::regclass AS name, c.relnamespace = to_regnamespace('clinic_data')::oid AS is_ours, a.attname
          FROM pg_class c
          JOIN pg_namespace n ON n.oid = c.relnamespace
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid = 'uuid'::regtype
         WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
           AND n.nspname NOT IN ('pg_catalog', 'information_schema')
           AND (a.attname = 'patient_id'
                OR EXISTS (SELECT FROM pg_constraint k
                            WHERE k.conrelid = c.oid AND k.contype = 'f' AND a.attnum = ANY (k.conkey)
                              AND a.attname <> 'tenant_id'
                              AND k.confrelid = (SELECT o.oid FROM pg_class o WHERE o.relname = 'patients' AND o.relnamespace = to_regnamespace('clinic_data')::oid)))
    )
    (SELECT DISTINCT ON (p.oid) CASE WHEN p.is_ours THEN 'error' ELSE 'warning' END, 'not_audited', p.name::text,
           'The table tells of patients, and changes of its rows leave no record in the audit.',
           CASE WHEN p.is_ours THEN 'CALL clinic.install()'
                ELSE format('SELECT clinic.enable_audit(%L, patient_column => %L)', p.name, p.attname) END
      FROM of_patients p
     WHERE NOT EXISTS (SELECT FROM audits t WHERE t.tgrelid = p.oid AND t.of_rows)
       AND NOT (p.is_ours AND p.relname IN (SELECT x.table_name FROM clinic_private.audit_exemptions() x))
     ORDER BY p.oid, p.attname <> 'patient_id', p.attname)
    UNION ALL
    SELECT 'error', 'audit_disabled', format('%s.%I', c.oid::regclass, t.tgname),
           'The trigger of the audit does not fire always: changes can be made that leave no record.',
           format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', c.oid::regclass, t.tgname)
      FROM audits t JOIN pg_class c ON c.oid = t.tgrelid
     WHERE t.tgenabled <> 'A' AND c.relnamespace <> coalesce(to_regnamespace('clinic_data')::oid, 0)
    UNION ALL
    SELECT 'error', 'audit_not_append_only', c.oid::regclass::text, 'Rows of the audit can be changed, deleted or emptied.', 'CALL clinic.install()'
      FROM pg_class c
     WHERE c.relnamespace = to_regnamespace('clinic_data')::oid AND c.relkind IN ('r', 'p')
       AND (c.relname ~ '^audit_records' OR c.relname IN ('audit_purges', 'purged_audit_records'))
       AND 2 > (SELECT count(*) FROM pg_trigger t
                 WHERE t.tgrelid = c.oid AND t.tgfoid = 'clinic_private.refuse_audit_change()'::regprocedure AND t.tgenabled = 'A')
    UNION ALL
    SELECT 'warning', 'triggers_passed_over',
           concat_ws(' in ', coalesce(quote_ident(r.rolname), 'every role'), quote_ident(d.datname)),
           'The setting session_replication_role turns foreign keys and triggers off; those of the audit fire all the same.',
           format('ALTER %s RESET session_replication_role',
                  CASE WHEN r.rolname IS NULL THEN format('DATABASE %I', d.datname)
                       ELSE concat_ws(' ', format('ROLE %I', r.rolname), 'IN DATABASE ' || quote_ident(d.datname)) END)
      FROM pg_db_role_setting s
      LEFT JOIN pg_roles r ON r.oid = s.setrole
      LEFT JOIN pg_database d ON d.oid = s.setdatabase
     WHERE EXISTS (SELECT FROM unnest(s.setconfig) AS u (line) WHERE u.line ~* '^session_replication_role=(replica|local)');
END;
COMMENT ON FUNCTION clinic_private.lint_audit() IS 'Findings about the audit: what leaves no record, what does not fire, what can be changed.';
REVOKE ALL ON FUNCTION clinic_private.lint_audit() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.lint_audit() TO clinic_admin;

-- The tables of clinic_data: row security, policies, owners, triggers, rules.
CREATE FUNCTION clinic_private.lint_tables()
    RETURNS TABLE (severity text, rule text, object text, finding text, fix text)
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH tables AS (
        SELECT c.oid, c.relname, c.relowner, c.relrowsecurity, c.relforcerowsecurity, c.oid::regclass AS name
          FROM pg_class c
         WHERE c.relnamespace = to_regnamespace('clinic_data')::oid AND c.relkind IN ('r', 'p')
    ),
    policies AS (
        SELECT t.name, p.polname, p.polpermissive,
               p.polname IN (t.relname || '_select', t.relname || '_insert', t.relname || '_update', t.relname || '_delete')
                   AND obj_description(p.oid, 'pg_policy') ~ '\[[0-9a-f]{32} [0-9a-f]{32}\]$' AS is_ours,
               right(obj_description(p.oid, 'pg_policy'), 33) <>
                   md5(concat_ws(' ', p.polcmd, p.polpermissive, p.polroles::text, pg_get_expr(p.polqual, p.polrelid),
                                 pg_get_expr(p.polwithcheck, p.polrelid))) || ']' AS is_altered,
               coalesce(pg_get_expr(p.polqual, p.polrelid) = 'true', false)
                   OR coalesce(pg_get_expr(p.polwithcheck, p.polrelid) = 'true', false) AS is_true
          FROM tables t JOIN pg_policy p ON p.polrelid = t.oid
    ),
    triggers AS (
        SELECT t.name, g.tgname, g.tgenabled, g.tgisinternal, p.proowner, p.oid::regprocedure AS action,
               EXISTS (SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
                        WHERE d.classid = 'pg_proc'::regclass AND d.objid = g.tgfoid AND d.refclassid = 'pg_extension'::regclass
                          AND d.deptype = 'e' AND e.extname = 'pg_clinic') AS is_ours,
               (g.tgname = 'claims_40_guard' OR g.tgname ~ '^(zz_9._audit|00_append_only)|_00_setup$') AS is_always
          FROM tables t
          JOIN pg_trigger g ON g.tgrelid = t.oid
          JOIN pg_proc p ON p.oid = g.tgfoid
    )
    SELECT 'error', 'table_without_row_security', t.name::text, 'Row security is off: every tenant''s rows are open to whoever may read them.',
           format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t.name)
      FROM tables t WHERE NOT t.relrowsecurity
    UNION ALL
    SELECT 'error', 'row_security_not_forced', t.name::text, 'The engine''s own functions, which run as the owner, are not held to row security.',
           format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', t.name)
      FROM tables t WHERE NOT t.relforcerowsecurity
    UNION ALL
    SELECT 'error', 'policy_missing', t.name::text, 'The table has no policy for reading: the engine itself sees no row.', 'CALL clinic.install()'
      FROM tables t
     WHERE NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = t.oid AND p.polpermissive AND p.polcmd IN ('r', '*'))
    UNION ALL
    SELECT 'error', 'policy_altered', format('%s.%I', p.name, p.polname), 'The policy is not the one that was installed.', 'CALL clinic.install()'
      FROM policies p WHERE p.is_ours AND p.is_altered
    UNION ALL
    SELECT 'error', CASE WHEN p.is_true THEN 'policy_always_true' ELSE 'policy_beside' END, format('%s.%I', p.name, p.polname),
           CASE WHEN p.is_true THEN 'The policy lets every row through, of every tenant.'
                ELSE 'The policy is none of pg_clinic''s, and lets through what those hold back.' END,
           format('DROP POLICY %I ON %s', p.polname, p.name)
      FROM policies p WHERE NOT coalesce(p.is_ours, false) AND p.polpermissive
    UNION ALL
    SELECT 'error', 'owner_changed', t.name::text, format('The table belongs to "%s", not to clinic_owner.', pg_get_userbyid(t.relowner)),
           format('ALTER TABLE %s OWNER TO clinic_owner', t.name)
      FROM tables t WHERE t.relowner <> to_regrole('clinic_owner')::oid
    UNION ALL
    SELECT 'error', 'trigger_disabled', format('%s.%I', g.name, g.tgname),
           CASE WHEN g.tgisinternal THEN 'A foreign key of the table is not checked.' ELSE 'A trigger of pg_clinic does not fire.' END,
           format('ALTER TABLE %s %s TRIGGER %I', g.name, CASE WHEN g.is_always THEN 'ENABLE ALWAYS' ELSE 'ENABLE' END, g.tgname)
      FROM triggers g
     WHERE (g.tgisinternal OR g.is_ours)
       AND (g.tgenabled IN ('D', 'R') OR g.is_always AND g.tgenabled <> 'A')
    UNION ALL
    SELECT CASE WHEN r.rolsuper OR r.rolname = 'clinic_owner' THEN 'info' ELSE 'error' END,
           'trigger_beside', format('%s.%I', g.name, g.tgname),
           format('The trigger is none of pg_clinic''s: it runs as clinic_owner, with every row that the engine writes, and "%s" can change its function %s.',
                  r.rolname, g.action),
           format('DROP TRIGGER %I ON %s', g.tgname, g.name)
      FROM triggers g JOIN pg_roles r ON r.oid = g.proowner
     WHERE NOT g.tgisinternal AND NOT g.is_ours
    UNION ALL
    SELECT 'error', 'rule_beside', format('%s.%I', t.name, w.rulename), 'A rewrite rule changes what statements of the engine do.',
           format('DROP RULE %I ON %s', w.rulename, t.name)
      FROM tables t JOIN pg_rewrite w ON w.ev_class = t.oid AND w.rulename <> '_RETURN'
    UNION ALL
    SELECT 'warning', 'table_published', format('%I: %s', b.pubname, t.name),
           'A publication carries the rows of every tenant to whoever may subscribe.',
           CASE WHEN b.puballtables THEN format('DROP PUBLICATION %I', b.pubname)
                WHEN s.oid IS NOT NULL THEN format('ALTER PUBLICATION %I DROP TABLES IN SCHEMA clinic_data', b.pubname)
                ELSE format('ALTER PUBLICATION %I DROP TABLE %s', b.pubname, t.name) END
      FROM tables t
     CROSS JOIN pg_publication b
      LEFT JOIN pg_publication_namespace s ON s.pnpubid = b.oid AND s.pnnspid = to_regnamespace('clinic_data')::oid
     WHERE b.puballtables OR s.oid IS NOT NULL
        OR EXISTS (SELECT FROM pg_publication_rel l WHERE l.prpubid = b.oid AND l.prrelid = t.oid);
END;
COMMENT ON FUNCTION clinic_private.lint_tables() IS
    'Findings about the tables of clinic_data: row security, policies, owners, triggers, rules, publications.';
REVOKE ALL ON FUNCTION clinic_private.lint_tables() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.lint_tables() TO clinic_admin;

-- Rights on our schemas, tables, views and functions.
CREATE FUNCTION clinic_private.lint_rights()
    RETURNS TABLE (severity text, rule text, object text, finding text, fix text)
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH relations AS (
        SELECT c.oid::regclass AS name, c.relkind, c.relnamespace = to_regnamespace('clinic_data')::oid AS is_data, g.grantee, g.privilege_type
          FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) g
         WHERE c.relnamespace IN (to_regnamespace('clinic_data')::oid, 'clinic'::regnamespace) AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
           AND g.grantee <> c.relowner
        UNION ALL
        SELECT c.oid::regclass, c.relkind, c.relnamespace = to_regnamespace('clinic_data')::oid, g.grantee, g.privilege_type
          FROM pg_class c
          JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
         CROSS JOIN LATERAL aclexplode(a.attacl) g
         WHERE c.relnamespace IN (to_regnamespace('clinic_data')::oid, 'clinic'::regnamespace) AND g.grantee <> c.relowner
    ),
    rights AS (
        SELECT r.name, r.relkind, r.is_data, r.grantee, coalesce(quote_ident(o.rolname), 'PUBLIC') AS role,
               string_agg(DISTINCT r.privilege_type, ', ' ORDER BY r.privilege_type) AS privileges,
               bool_or(r.privilege_type <> 'SELECT') AS may_write,
               bool_or(r.privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER')) AS past_row_security
          FROM relations r LEFT JOIN pg_roles o ON o.oid = r.grantee
         WHERE r.grantee NOT IN (to_regrole('clinic_owner')::oid, to_regrole('clinic_system')::oid)
         GROUP BY r.name, r.relkind, r.is_data, r.grantee, o.rolname
    ),
    routines AS (
        SELECT p.oid::regprocedure AS signature, p.prosecdef, p.provolatile, p.prokind, p.proowner, p.proconfig, p.proacl, p.prolang,
               n.nspname,
               EXISTS (SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
                        WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_extension'::regclass
                          AND d.deptype = 'e' AND e.extname = 'pg_clinic') AS is_ours,
               EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) g
                        WHERE g.grantee = 0 AND g.privilege_type = 'EXECUTE') AS is_public
          FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE n.nspname IN ('clinic', 'clinic_private', 'clinic_data')
    ),
    schemas AS (
        SELECT n.nspname, g.privilege_type, g.grantee, coalesce(quote_ident(o.rolname), 'PUBLIC') AS role
          FROM pg_namespace n
         CROSS JOIN LATERAL aclexplode(n.nspacl) g
          LEFT JOIN pg_roles o ON o.oid = g.grantee
         WHERE g.grantee <> n.nspowner
           AND g.grantee NOT IN (to_regrole('clinic_owner')::oid, to_regrole('clinic_system')::oid)
    )
    SELECT 'error', CASE WHEN r.past_row_security THEN 'grant_past_row_security' ELSE 'grant_on_table' END, format('%s: %s', r.name, r.role),
           format('%s has %s; callers have rights on views and functions alone.', r.role, r.privileges),
           format('REVOKE ALL ON %s %s FROM %s CASCADE', CASE r.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, r.name, r.role)
      FROM rights r WHERE r.is_data
    UNION ALL
    SELECT CASE WHEN r.may_write THEN 'error' ELSE 'warning' END, 'grant_on_view', format('%s: %s', r.name, r.role),
           format('%s has %s; a view is for reading, by those whom clinic_user or clinic_anon let in.', r.role, r.privileges),
           format('REVOKE %s ON TABLE %s FROM %s CASCADE', CASE WHEN r.grantee = 0 THEN 'ALL' ELSE 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER' END,
                  r.name, r.role)
      FROM rights r WHERE NOT r.is_data AND (r.may_write OR r.grantee = 0)
    UNION ALL
    SELECT 'error', 'function_open_to_public', f.signature::text, 'PUBLIC executes a function that is meant for named roles.',
           format('REVOKE EXECUTE ON ROUTINE %s FROM PUBLIC', f.signature)
      FROM routines f
     WHERE f.is_ours AND f.is_public AND (f.prosecdef OR f.provolatile = 'v' OR f.prokind = 'p')
       AND f.signature::oid <> coalesce(to_regprocedure('clinic.new_id()')::oid, 0)
    UNION ALL
    SELECT 'error', 'function_altered', f.signature::text, format('A function of pg_clinic that runs with its owner''s rights belongs to "%s".',
                                                                pg_get_userbyid(f.proowner)),
           format('ALTER ROUTINE %s OWNER TO clinic_owner', f.signature)
      FROM routines f
     WHERE f.is_ours AND f.prosecdef AND f.proowner NOT IN (to_regrole('clinic_owner')::oid, to_regrole('clinic_system')::oid)
    UNION ALL
    SELECT 'error', 'function_search_path', f.signature::text, 'The search_path of a function of pg_clinic is not the one it was made with.',
           format('ALTER ROUTINE %s SET search_path = pg_catalog, pg_temp', f.signature)
      FROM routines f
     WHERE f.is_ours AND f.prosecdef AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (f.proconfig), false)
    UNION ALL
    SELECT 'error', 'function_beside', f.signature::text, 'The function stands in a schema of pg_clinic and is none of its own: calls may reach it instead.',
           format('DROP ROUTINE %s', f.signature)
      FROM routines f WHERE NOT f.is_ours
    UNION ALL
    SELECT CASE WHEN s.nspname = 'public' THEN 'warning' ELSE 'error' END, 'create_in_schema', format('%I: %s', s.nspname, s.role),
           format('%s may create objects in the schema, in front of those that others mean.', s.role),
           format('REVOKE CREATE ON SCHEMA %I FROM %s CASCADE', s.nspname, s.role)
      FROM schemas s
     WHERE s.privilege_type = 'CREATE'
       AND (s.nspname IN ('clinic', 'clinic_private', 'clinic_data') OR s.nspname = 'public' AND s.grantee = 0)
    UNION ALL
    SELECT 'warning', 'usage_of_schema', format('%I: %s', s.nspname, s.role),
           format('%s may name what stands in the schema; nobody outside needs to.', s.role),
           format('REVOKE USAGE ON SCHEMA %I FROM %s CASCADE', s.nspname, s.role)
      FROM schemas s WHERE s.privilege_type = 'USAGE' AND s.nspname IN ('clinic_private', 'clinic_data');
END;
COMMENT ON FUNCTION clinic_private.lint_rights() IS
    'Findings about rights on the schemas, tables, views and functions of pg_clinic.';
REVOKE ALL ON FUNCTION clinic_private.lint_rights() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.lint_rights() TO clinic_admin;

-- What others made that passes row security: definer functions, views, materialised views, event triggers, extensions.
CREATE FUNCTION clinic_private.lint_others()
    RETURNS TABLE (severity text, rule text, object text, finding text, fix text)
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH RECURSIVE definers AS (
        SELECT p.oid::regprocedure AS signature, r.rolname, n.nspname,
               r.rolsuper OR r.rolbypassrls OR r.rolname IN ('clinic_owner', 'clinic_system') AS is_strong,
               (SELECT substr(s.setting, 13) FROM unnest(p.proconfig) AS s (setting) WHERE s.setting LIKE 'search_path=%') AS path
          FROM pg_proc p
          JOIN pg_namespace n ON n.oid = p.pronamespace
          JOIN pg_roles r ON r.oid = p.proowner
         WHERE p.prosecdef AND n.nspname NOT IN ('pg_catalog', 'information_schema')
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
    ),
    reads AS (
        -- Which relation the query of a view names.
        SELECT DISTINCT w.ev_class AS reader, d.refobjid AS source
          FROM pg_rewrite w
          JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
                          AND d.refobjid <> w.ev_class
          JOIN pg_class v ON v.oid = w.ev_class AND v.relkind IN ('v', 'm')
         WHERE w.rulename = '_RETURN'
    ),
    guarded AS (
        SELECT c.oid FROM pg_class c
         WHERE c.relkind IN ('r', 'p') AND (c.relrowsecurity OR c.relnamespace = to_regnamespace('clinic_data')::oid)
    ),
    reached AS (
        SELECT r.reader FROM reads r JOIN guarded g ON g.oid = r.source
        UNION
        SELECT r.reader FROM reached v JOIN reads r ON r.source = v.reader
    ),
    views AS (
        SELECT c.oid::regclass AS name, c.relkind, c.relnamespace = 'clinic'::regnamespace AS is_ours, o.rolname,
               o.rolsuper OR o.rolbypassrls AS is_strong,
               coalesce(c.reloptions::text ~ 'security_invoker=(true|on|1|yes)', false) AS as_invoker,
               coalesce(c.reloptions::text ~ 'security_barrier=(true|on|1|yes)', false) AS is_barrier,
               EXISTS (SELECT FROM reads r JOIN guarded g ON g.oid = r.source WHERE r.reader = c.oid) AS is_direct
          FROM pg_class c
          JOIN reached v ON v.reader = c.oid
          JOIN pg_roles o ON o.oid = c.relowner
    )
    SELECT 'error', 'definer_passes_row_security', d.signature::text,
           format('The function runs with the rights of "%s", whatever its caller may see.', d.rolname),
           format('ALTER ROUTINE %s SECURITY INVOKER', d.signature)
      FROM definers d WHERE d.is_strong
    UNION ALL
    SELECT 'warning', 'definer_search_path', d.signature::text,
           CASE WHEN d.path IS NULL THEN 'The function runs with its owner''s rights and looks names up where its caller says.'
                ELSE 'The function looks names up in the caller''s temporary schema first: pg_temp belongs at the end of its search_path.' END,
           format('ALTER ROUTINE %s SET search_path = %s, pg_temp', d.signature,
                  CASE WHEN d.path IS NULL THEN 'pg_catalog, ' || quote_ident(d.nspname)
                       ELSE coalesce(nullif(regexp_replace(d.path, '("?pg_temp"?\s*,\s*|,?\s*"?pg_temp"?\s*$)', '', 'g'), ''), 'pg_catalog') END)
      FROM definers d WHERE d.path IS NULL OR d.path !~ ',\s*"?pg_temp"?\s*$' OR d.path ~ '"?pg_temp"?\s*,'
    UNION ALL
    SELECT 'error', 'view_passes_row_security', v.name::text,
           format('The view reads rows with the rights of "%s", who passes row security.', v.rolname),
           format('ALTER VIEW %s SET (security_invoker = true)', v.name)
      FROM views v WHERE v.relkind = 'v' AND NOT v.is_ours AND v.is_direct AND v.is_strong AND NOT v.as_invoker
    UNION ALL
    SELECT 'warning', 'view_without_barrier', v.name::text,
           'A function in a query over the view may see rows that the view leaves out.',
           format('ALTER VIEW %s SET (security_barrier = true)', v.name)
      FROM views v WHERE v.relkind = 'v' AND NOT v.is_ours AND NOT v.is_barrier AND v.is_direct
    UNION ALL
    SELECT 'error', 'view_altered', v.name::text, 'The view is not as it was installed: a security barrier of clinic_owner.', 'CALL clinic.install()'
      FROM views v
     WHERE v.relkind = 'v' AND v.is_ours AND (v.rolname <> 'clinic_owner' OR NOT v.is_barrier OR v.as_invoker)
    UNION ALL
    SELECT 'error', 'materialized_view', v.name::text,
           'The materialised view keeps the rows that one caller saw, and row security holds back none of them.',
           format('DROP MATERIALIZED VIEW %s', v.name)
      FROM views v WHERE v.relkind = 'm'
    UNION ALL
    SELECT 'info', 'event_trigger', e.evtname::text,
           format('The function %s runs with every %s; "%s" owns the trigger.', e.evtfoid::regprocedure, e.evtevent, pg_get_userbyid(e.evtowner)),
           format('ALTER EVENT TRIGGER %I DISABLE', e.evtname)
      FROM pg_event_trigger e WHERE e.evtenabled <> 'D'
    UNION ALL
    SELECT CASE WHEN EXISTS (SELECT FROM pg_depend d
                               JOIN pg_proc p ON p.oid = d.objid
                              CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) g
                              WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
                                AND d.classid = 'pg_proc'::regclass AND g.grantee = 0 AND k.is_open)
                THEN 'warning' ELSE 'info' END,
           'extension_reads_around', e.extname::text, k.reason, format('DROP EXTENSION %I', e.extname)
      FROM pg_extension e
      JOIN (VALUES ('dblink', true, 'Its functions open connections as other roles, where the context and the rights are others.'),
                   ('http', true, 'Its functions carry data out of the database.'),
                   ('pg_net', true, 'Its functions carry data out of the database.'),
                   ('pg_background', true, 'Its functions run statements in a session without the caller''s context.'),
                   ('adminpack', false, 'Its functions write files of the server.'),
                   ('pageinspect', false, 'Its functions read pages, whatever row security says.'),
                   ('pg_walinspect', false, 'Its functions read the write-ahead log, whatever row security says.'),
                   ('file_fdw', false, 'Its tables read files of the server.'),
                   ('postgres_fdw', false, 'Its tables open connections as other roles, where the context and the rights are others.'),
                   ('plpython3u', false, 'Functions in it do what the server''s user may.'),
                   ('plperlu', false, 'Functions in it do what the server''s user may.'),
                   ('pltclu', false, 'Functions in it do what the server''s user may.'),
                   ('plsh', false, 'Functions in it do what the server''s user may.')) AS k (name, is_open, reason) ON k.name = e.extname
    UNION ALL
    SELECT 'warning', 'foreign_data_open', format('%I: %s', w.fdwname, coalesce(quote_ident(o.rolname), 'PUBLIC')),
           format('%s may make servers of the foreign-data wrapper.', coalesce(quote_ident(o.rolname), 'PUBLIC')),
           format('REVOKE USAGE ON FOREIGN DATA WRAPPER %I FROM %s CASCADE', w.fdwname, coalesce(quote_ident(o.rolname), 'PUBLIC'))
      FROM pg_foreign_data_wrapper w CROSS JOIN LATERAL aclexplode(w.fdwacl) g LEFT JOIN pg_roles o ON o.oid = g.grantee
     WHERE g.grantee <> w.fdwowner AND g.privilege_type = 'USAGE';
END;
COMMENT ON FUNCTION clinic_private.lint_others() IS
    'Findings about what stands outside pg_clinic and passes its row security: functions, views, event triggers, extensions.';
REVOKE ALL ON FUNCTION clinic_private.lint_others() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.lint_others() TO clinic_admin;
