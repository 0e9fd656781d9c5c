-- Planner statistics keep values of columns word by word, outside of their tables and for longer than the rows. Columns that name or reach somebody,
-- that are free text, or that prove who somebody is, have none; plans over them rest on indexes and defaults.

CREATE FUNCTION clinic_private.silent_columns()
    RETURNS TABLE (relation oid, column_name name, is_silent boolean)
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH listed (table_name, columns) AS (
        VALUES ('patients', '{name,preferred_name,name_key,date_of_birth,mrn,photo_reference,deceased_on}'::text[]),
               ('patient_search_keys', '{search_key}'),
               ('patient_merges', '{reason,undo_reason,state}'),
               ('distinct_patients', '{reason}'),
               ('appointments', '{confirmation_code,override_reason,cancel_reason,status_reason}'),
               ('appointment_charges', '{state_reason}'),
               ('series', '{reason}'),
               ('group_sessions', '{title,reason}'),
               ('blocks', '{title}'),
               ('waitlist_entries', '{note}'),
               ('events', '{reason,data}'),
               ('deliveries', '{last_error}'),
               ('notifications', '{data}'),
               ('notification_tasks', '{before,after}'),
               ('outbox', '{destination,payload,last_error}'),
               ('idempotency_keys', '{result}'),
               ('job_states', '{error_message}'),
               ('users', '{name}'),
               ('user_identifiers', '{identifier_hash,value}'),
               ('identifier_secrets', '{secret}'),
               ('staff_profiles', '{registration_number,licence_number,npi,hpr_id,signature_ref}'),
               ('credentials', '{password_hash}'),
               ('token_keys', '{signing_key,verify_key}'),
               ('subscriptions', '{secret,previous_secret,url}'),
               ('emergency_accesses', '{reason,review_note}'),
               ('shredded_patients', '{reason}'),
               ('legal_holds', '{reason}'),
               ('consents', '{evidence}'),
               ('consent_withdrawals', '{reason,evidence}'),
               ('disclosures', '{recipient,recipient_address,purpose}'),
               ('correction_requests', '{decision_reason}'),
               ('audit_records', '{reason,before,after}')
    )
    SELECT c.oid, a.attname, coalesce(a.attstattarget, -1) = 0
      FROM pg_class AS c
      LEFT JOIN pg_inherits AS i ON i.inhrelid = c.oid AND c.relispartition
      JOIN pg_class AS parent ON parent.oid = coalesce(i.inhparent, c.oid)
      JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN listed AS l ON l.table_name = parent.relname
     WHERE c.relnamespace = to_regnamespace('clinic_data')::oid AND c.relkind IN ('r', 'p')
       AND (coalesce(a.attname = ANY (l.columns), false)
            OR EXISTS (SELECT FROM pg_type AS t WHERE t.oid = a.atttypid AND t.typname = 'encrypted' AND t.typnamespace = c.relnamespace));
END;
COMMENT ON FUNCTION clinic_private.silent_columns() IS
    'Columns of clinic_data that have no planner statistics, for these would hold what they hold: names, dates of birth, numbers, addresses, free text,
secrets, and what is encrypted; with whether that is so.';
REVOKE ALL ON FUNCTION clinic_private.silent_columns() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.silent_columns() TO clinic_owner, clinic_admin;

CREATE PROCEDURE clinic_private.ensure_silent()
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    found record;
BEGIN
    FOR found IN SELECT s.relation, s.column_name FROM clinic_private.silent_columns() AS s WHERE NOT s.is_silent ORDER BY s.relation, s.column_name LOOP
        EXECUTE format('ALTER TABLE ONLY %s ALTER COLUMN %I SET STATISTICS 0', found.relation::regclass, found.column_name);
    END LOOP;
END
$$;
COMMENT ON PROCEDURE clinic_private.ensure_silent() IS 'Takes the planner statistics of the columns of clinic_private.silent_columns() where they are gathered. Does nothing where they are not.';
REVOKE ALL ON PROCEDURE clinic_private.ensure_silent() FROM PUBLIC;
GRANT EXECUTE ON PROCEDURE clinic_private.ensure_silent() TO clinic_owner;

CREATE FUNCTION clinic_private.lint_statistics()
    RETURNS TABLE (severity text, rule text, object text, finding text, fix text)
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT 'warning', 'statistics_hold_values', format('%s.%I', s.relation::regclass, s.column_name),
           'ANALYZE keeps values of the column among the planner''s statistics.', format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS 0', s.relation::regclass, s.column_name)
      FROM clinic_private.silent_columns() AS s WHERE NOT s.is_silent
    UNION ALL
    -- SET STATISTICS 0 leaves what was gathered before.
    SELECT 'warning', 'statistics_hold_values', format('%s.%I', s.relation::regclass, s.column_name),
           'The planner''s statistics have values of the column from an earlier ANALYZE.',
           format('DELETE FROM pg_statistic WHERE starelid = %L::regclass AND staattnum = %s', s.relation::regclass, a.attnum)
      FROM clinic_private.silent_columns() AS s
      JOIN pg_attribute AS a ON a.attrelid = s.relation AND a.attname = s.column_name
      JOIN pg_class AS c ON c.oid = s.relation
     WHERE s.is_silent
       AND EXISTS (SELECT FROM pg_stats AS t WHERE t.schemaname = 'clinic_data' AND t.tablename = c.relname AND t.attname = s.column_name);
END;
COMMENT ON FUNCTION clinic_private.lint_statistics() IS 'Findings about planner statistics that hold values which should stand in their tables alone.';
REVOKE ALL ON FUNCTION clinic_private.lint_statistics() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.lint_statistics() TO clinic_admin;
