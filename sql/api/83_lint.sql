-- clinic.lint(): what is unsafe in the database, and what mends it.

CREATE FUNCTION clinic_private.lint_schema()
    RETURNS TABLE (severity text, rule text, object text, finding text, fix text)
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT 'error', 'schema_not_installed', 'clinic_data', 'The schema is not installed.', 'CALL clinic.install()'
      FROM clinic.schema_status() s WHERE NOT s.installed
    UNION ALL
    SELECT 'error', 'schema_pending', p.name, 'The migration has not been applied: tables and functions do not fit.', 'CALL clinic.migrate()'
      FROM clinic.schema_status() s CROSS JOIN LATERAL unnest(s.pending) AS p (name) WHERE s.installed
    UNION ALL
    SELECT 'error', 'schema_unknown', p.name, 'The schema had a migration that this version of the extension does not know.', 'ALTER EXTENSION pg_clinic UPDATE'
      FROM clinic.schema_status() s CROSS JOIN LATERAL unnest(s.unknown) AS p (name)
    UNION ALL
    SELECT 'warning', 'schema_mismatched', p.name, 'The migration''s text has changed since it was applied.', 'ALTER EXTENSION pg_clinic UPDATE'
      FROM clinic.schema_status() s CROSS JOIN LATERAL unnest(s.mismatched) AS p (name);
END;
COMMENT ON FUNCTION clinic_private.lint_schema() IS 'Findings about the version of the schema clinic_data.';
REVOKE ALL ON FUNCTION clinic_private.lint_schema() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.lint_schema() TO clinic_admin;

CREATE FUNCTION clinic.lint()
    RETURNS TABLE (severity text, rule text, object text, finding text, fix text)
    LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY INVOKER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT f.severity, f.rule, f.object, f.finding, f.fix || CASE WHEN f.rule = 'not_seen' THEN '' ELSE ';' END
      FROM (SELECT * FROM clinic_private.lint_schema()
            UNION ALL SELECT * FROM clinic_private.lint_tables()
            UNION ALL SELECT * FROM clinic_private.lint_audit()
            UNION ALL SELECT * FROM clinic_private.lint_rights()
            UNION ALL SELECT * FROM clinic_private.lint_others()
            UNION ALL SELECT * FROM clinic_private.own_table_findings(NULL)
            UNION ALL SELECT * FROM clinic_private.key_findings(NULL)
            UNION ALL SELECT * FROM clinic_private.lint_roles()
            UNION ALL SELECT * FROM clinic_private.lint_logins()
            UNION ALL SELECT * FROM clinic_private.lint_settings()
            UNION ALL SELECT * FROM clinic_private.lint_reads()) f
     ORDER BY array_position(ARRAY['error', 'warning', 'info'], f.severity), f.rule COLLATE "C", f.object COLLATE "C", f.finding COLLATE "C";
END;
COMMENT ON FUNCTION clinic.lint() IS
    'Lists what is unsafe in the database: row security, policies, rights, keys, functions, views, roles, settings; no tenant needed.
severity: error (rows are open, or protection is off), warning (a defence is weak, or data of patients gets into logs) or info (to know).
rule: a stable word for the kind of finding. object: what it is about. fix: the statement that mends it, to be judged before it is run;
what changes the server''s files (ALTER SYSTEM) runs outside a transaction. Ordered by severity, rule and object. Reads the catalogs with
the rights of the caller, and says with the rule not_seen what they do not reach; a superuser sees all. For clinic_admin.';
REVOKE ALL ON FUNCTION clinic.lint() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.lint() TO clinic_admin;
