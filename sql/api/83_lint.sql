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

-- Keys and encrypted columns, as clinic.encryption_status() and the registry tell.
CREATE FUNCTION clinic_private.lint_encryption()
    RETURNS TABLE (severity text, rule text, object text, finding text, fix text)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    PERFORM FROM pg_class AS c WHERE c.relname = 'encrypted_columns' AND c.relnamespace = to_regnamespace('clinic_data')::oid;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH state AS MATERIALIZED (SELECT * FROM clinic.encryption_status()),
    findings (severity, rule, object, finding, fix) AS (
        SELECT 'error', 'key_unavailable', 'master key', format('Nothing encrypted can be read or written: %s.', s.problem),
               'Mend clinic.master_key_file or clinic.master_key_command, and SELECT pg_reload_conf()'
        FROM state AS s
        WHERE s.kind = 'master' AND s.status = 'unavailable' AND EXISTS (SELECT FROM state AS k WHERE k.kind <> 'master' AND k.status <> 'in_clear')
        UNION ALL
        SELECT 'info', 'key_unavailable', 'master key', format('Nothing can be encrypted: %s.', s.problem),
               'Set clinic.master_key_file or clinic.master_key_command, and SELECT pg_reload_conf()'
        FROM state AS s
        WHERE s.kind = 'master' AND s.status = 'unavailable' AND NOT EXISTS (SELECT FROM state AS k WHERE k.kind <> 'master' AND k.status <> 'in_clear')
        UNION ALL
        SELECT 'info', 'key_memory_not_locked', 'master key', format('Keys can reach the swap space: %s.', s.problem), 'Raise LimitMEMLOCK of the server''s service'
        FROM state AS s WHERE s.kind = 'master' AND s.status = 'current' AND s.problem IS NOT NULL
        UNION ALL
        SELECT 'error', 'key_missing', concat_ws(' ', s.tenant_id || ':', s.kind, s.key_no), format('The key is wrapped by master key "%s": %s.', s.master_key_id, s.problem),
               'Add that master key to the file again, below the current one'
        FROM state AS s WHERE s.kind <> 'master' AND s.status <> 'in_clear' AND s.problem IS NOT NULL AND s.unreadable IS NULL
        UNION ALL
        SELECT 'error', 'master_key_mismatch', concat_ws(' ', s.tenant_id || ':', s.kind, s.key_no),
               format('Of what master key "%s" wraps, %s.', s.master_key_id, s.problem),
               'Put the key that wrapped it into the file under that id, SELECT pg_reload_conf(), then SELECT * FROM clinic.rotate_master_key(), which names what is damaged'
        FROM state AS s WHERE s.unreadable > 0
        UNION ALL
        SELECT 'info', 'key_not_rewrapped', concat_ws(' ', s.tenant_id || ':', s.kind, s.key_no),
               format('The key is wrapped by master key "%s", which is not the current one any more.', s.master_key_id), 'SELECT clinic.rotate_master_key()'
        FROM state AS s JOIN state AS m ON m.kind = 'master' AND m.status = 'current'
        WHERE s.kind <> 'master' AND s.status NOT IN ('destroyed', 'in_clear') AND s.problem IS NULL AND s.master_key_id <> m.master_key_id
        UNION ALL
        SELECT CASE WHEN s.kind IN ('token_key', 'webhook_secret', 'identifier_secret') THEN 'warning' ELSE 'info' END, 'secret_in_clear', concat_ws(' ', s.tenant_id || ':', s.kind),
               format('Of what the master key should seal, %s.', s.problem),
               'Set clinic.master_key_file or clinic.master_key_command, SELECT pg_reload_conf(), then SELECT clinic.rotate_master_key()'
        FROM state AS s WHERE s.status = 'in_clear'
        UNION ALL
        SELECT 'warning', 'key_old', format('%s: %s %s', s.tenant_id, s.kind, s.key_no), 'The key encrypts since more than a year.',
               format('SELECT clinic.rotate_tenant_key(%L)', s.tenant_id)
        FROM state AS s WHERE s.kind = 'field' AND s.status = 'current' AND s.created_at < clinic.now() - interval '1 year'
        UNION ALL
        SELECT 'warning', 'key_stuck', format('%s: %s %s', s.tenant_id, s.kind, s.key_no),
               format('%s values of the old key cannot be decrypted, and keep it alive.', s.stuck_fields),
               format('Empty or mend them, and SELECT clinic.rotate_tenant_key(%L)', s.tenant_id)
        FROM state AS s WHERE s.rotation_step = 'stuck'
    )
    SELECT f.severity, f.rule, f.object, f.finding, f.fix FROM findings AS f;
END
$$;
COMMENT ON FUNCTION clinic_private.lint_encryption() IS
    'Findings about keys of encrypted fields: those that are missing, other than before, in clear, old, not wrapped anew or stuck.';
REVOKE ALL ON FUNCTION clinic_private.lint_encryption() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.lint_encryption() TO clinic_admin;

-- Callers may not look into clinic_private: what names it is parsed here and now.
CREATE FUNCTION clinic_private.lint_encrypted_columns()
    RETURNS TABLE (severity text, rule text, object text, finding text, fix text)
    LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY INVOKER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN a.attname IS NULL THEN 'warning' ELSE 'info' END, CASE WHEN a.attname IS NULL THEN 'encrypted_column_missing' ELSE 'encrypted_column_unchecked' END,
           format('%I.%I.%I', c.schema_name, c.table_name, c.column_name),
           CASE WHEN a.attname IS NULL THEN 'The column is registered as encrypted, and is not there: rotation and shredding do not reach it.'
                ELSE 'The column is registered as encrypted, and takes plain bytes.' END,
           CASE WHEN a.attname IS NULL THEN 'Register it under its new name with clinic.encrypt_column(), bound_table and bound_column'
                ELSE format('ALTER TABLE %I.%I ALTER COLUMN %I TYPE clinic_data.encrypted', c.schema_name, c.table_name, c.column_name) END
    FROM clinic_private.encrypted_columns() AS c
    LEFT JOIN pg_namespace AS n ON n.nspname = c.schema_name
    LEFT JOIN pg_class AS r ON r.relnamespace = n.oid AND r.relname = c.table_name
    LEFT JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attname = c.column_name AND NOT a.attisdropped
    LEFT JOIN pg_type AS t ON t.oid = a.atttypid
    WHERE a.attname IS NULL OR t.typname <> 'encrypted' OR t.typnamespace <> to_regnamespace('clinic_data')::oid;
END;
COMMENT ON FUNCTION clinic_private.lint_encrypted_columns() IS 'Findings about registered columns: those that are not there, or take plain bytes.';
REVOKE ALL ON FUNCTION clinic_private.lint_encrypted_columns() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.lint_encrypted_columns() TO clinic_admin;

CREATE FUNCTION clinic.lint()
    RETURNS TABLE (severity text, rule text, object text, finding text, fix text)
    LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY INVOKER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT f.severity, f.rule, f.object, f.finding, f.fix || CASE WHEN f.rule = 'not_seen' THEN '' ELSE ';' END
      FROM (SELECT * FROM clinic_private.lint_schema()
            UNION ALL SELECT * FROM clinic_private.lint_tables()
            UNION ALL SELECT * FROM clinic_private.lint_audit()
            UNION ALL SELECT * FROM clinic_private.lint_statistics()
            UNION ALL SELECT * FROM clinic_private.lint_rights()
            UNION ALL SELECT * FROM clinic_private.lint_others()
            UNION ALL SELECT * FROM clinic_private.own_table_findings(NULL)
            UNION ALL SELECT * FROM clinic_private.key_findings(NULL)
            UNION ALL SELECT * FROM clinic_private.lint_roles()
            UNION ALL SELECT * FROM clinic_private.lint_logins()
            UNION ALL SELECT * FROM clinic_private.lint_settings()
            UNION ALL SELECT * FROM clinic_private.lint_seal()
            UNION ALL SELECT * FROM clinic_private.lint_encryption()
            UNION ALL SELECT * FROM clinic_private.lint_encrypted_columns()
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
