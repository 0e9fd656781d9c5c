-- Access reviews: plain queries over the audit, for those with audit:read. They say who, when and of which id; never a name of a patient.

CREATE FUNCTION clinic_private.patients_of_record(table_name text, patient_id uuid, row_ids uuid[], after jsonb)
    RETURNS SETOF uuid
    LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 3
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT patients_of_record.patient_id WHERE patients_of_record.patient_id IS NOT NULL
    UNION
    SELECT u.id FROM unnest(patients_of_record.row_ids) AS u (id)
    WHERE patients_of_record.table_name = 'patients' AND patients_of_record.patient_id IS NULL
    UNION
    SELECT e.id::uuid
    FROM jsonb_array_elements_text(CASE jsonb_typeof(patients_of_record.after -> 'patient_ids') WHEN 'array' THEN patients_of_record.after -> 'patient_ids' ELSE '[]' END) AS e (id)
    WHERE patients_of_record.patient_id IS NULL AND e.id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
$$;
COMMENT ON FUNCTION clinic_private.patients_of_record(text, uuid, uuid[], jsonb) IS
    'Of whom a record of the audit is: its patient_id; else the rows of patients that were read, or the patient_ids in after.';

CREATE FUNCTION clinic_private.require_window(from_at timestamptz, until_at timestamptz)
    RETURNS uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('audit:read');
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('from_at', require_window.from_at, 'until_at', require_window.until_at));
    IF NOT isfinite(require_window.from_at) OR NOT isfinite(require_window.until_at) OR require_window.until_at <= require_window.from_at
       OR require_window.from_at < '1970-01-02' THEN
        PERFORM clinic_private.refuse_argument('from_at, until_at', 'until_at must be after from_at, and both finite');
    END IF;
    RETURN tenant;
END
$$;
COMMENT ON FUNCTION clinic_private.require_window(timestamptz, timestamptz) IS
    'Returns the tenant of a caller with audit:read, when the window is one. Errors: no_context, forbidden, 22004, 22023.';

-- The records of a window. Ids follow the clock of their making: what was spooled comes in later, with the id of its time.
CREATE FUNCTION clinic_private.records_between(tenant uuid, from_at timestamptz, until_at timestamptz)
    RETURNS TABLE (audit_id uuid, recorded_at timestamptz, action text, table_name text, row_id text, patient_id uuid, user_id uuid, actor text, login text,
                   purpose text, reason text, client_address text, application_name text, row_ids uuid[], row_count bigint, after jsonb)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 10000
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    RETURN QUERY
    SELECT a.audit_id, a.recorded_at, a.action, a.table_name, a.row_id, a.patient_id, a.user_id, a.actor, a.login, a.purpose, a.reason, a.client_address,
           a.application_name, a.row_ids, a.row_count::bigint, a.after
    FROM clinic_data.audit_records AS a
    WHERE a.tenant_id = records_between.tenant
      AND a.audit_id >= clinic.uuid_floor(records_between.from_at - interval '1 minute')
      AND a.audit_id < clinic.uuid_floor(records_between.until_at + interval '1 minute')
      AND a.recorded_at >= records_between.from_at AND a.recorded_at < records_between.until_at;
END
$$;
COMMENT ON FUNCTION clinic_private.records_between(uuid, timestamptz, timestamptz) IS 'The audit records of a window (until_at exclusive) that the caller may read.';

REVOKE ALL ON FUNCTION clinic_private.patients_of_record, clinic_private.require_window, clinic_private.records_between FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.patients_of_record, clinic_private.require_window, clinic_private.records_between TO clinic_owner;

CREATE FUNCTION clinic.patient_access_report(patient_id uuid, from_at timestamptz, until_at timestamptz)
    RETURNS TABLE (recorded_at timestamptz, audit_id uuid, action text, table_name text, row_id text, row_count bigint, user_id uuid, actor text, login text,
                   purpose text, reason text, client_address text, application_name text, emergency_access_id uuid)
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_window(patient_access_report.from_at, patient_access_report.until_at);
    saved constant text := clinic_private.saved_context();
    records uuid[];
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('patient_id', patient_access_report.patient_id));
    PERFORM clinic_private.act_as_system(tenant);
    records := clinic_private.records_of(tenant, patient_access_report.patient_id);
    RETURN QUERY
    SELECT a.recorded_at, a.audit_id, a.action, a.table_name, a.row_id, a.row_count::bigint, a.user_id, a.actor, a.login, a.purpose, a.reason, a.client_address,
           a.application_name,
           (SELECT e.access_id FROM clinic_data.emergency_accesses AS e
            WHERE e.tenant_id = tenant AND e.user_id = a.user_id AND e.patient_id = ANY (records)
              AND a.recorded_at >= e.starts_at AND a.recorded_at < coalesce(e.ended_at, e.expires_at)
            ORDER BY e.starts_at DESC LIMIT 1)
    FROM clinic_private.records_between(tenant, patient_access_report.from_at, patient_access_report.until_at) AS a
    WHERE a.patient_id = ANY (records)
       OR a.patient_id IS NULL
          AND EXISTS (SELECT FROM clinic_private.patients_of_record(a.table_name, a.patient_id, a.row_ids, a.after) AS p (id) WHERE p.id = ANY (records))
    ORDER BY a.recorded_at, a.audit_id;
    PERFORM clinic_private.restore_context(saved);
END
$$;
ALTER FUNCTION clinic.patient_access_report OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.patient_access_report FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.patient_access_report TO clinic_user;
COMMENT ON FUNCTION clinic.patient_access_report IS
    'Who did what with the data of one patient, records merged into the patient''s among them, in a window, until_at exclusive: every record of the audit that is about the patient, reads of many rows that returned the patient
among them. Needs audit:read. row_count: of reads, how many rows left, of whomever; emergency_access_id: the broken glass under which it was, by clinic.now().
An id that is no patient of the tenant gives no rows. Errors: no_context, forbidden, 22004, 22023.';

CREATE FUNCTION clinic.user_activity_report(user_id uuid, from_at timestamptz, until_at timestamptz)
    RETURNS TABLE (action text, table_name text, records bigint, row_count bigint, patients bigint, first_recorded_at timestamptz, last_recorded_at timestamptz)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_window(user_activity_report.from_at, user_activity_report.until_at);
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('user_id', user_activity_report.user_id));
    RETURN QUERY
    SELECT a.action, a.table_name, count(DISTINCT a.audit_id), sum(a.row_count) FILTER (WHERE p.place = 1)::bigint, count(DISTINCT p.id), min(a.recorded_at),
           max(a.recorded_at)
    FROM clinic_private.records_between(tenant, user_activity_report.from_at, user_activity_report.until_at) AS a
    LEFT JOIN LATERAL clinic_private.patients_of_record(a.table_name, a.patient_id, a.row_ids, a.after) WITH ORDINALITY AS p (id, place) ON true
    WHERE a.user_id = user_activity_report.user_id
    GROUP BY a.action, a.table_name
    ORDER BY a.action, a.table_name;
END
$$;
ALTER FUNCTION clinic.user_activity_report OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.user_activity_report FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.user_activity_report TO clinic_user;
COMMENT ON FUNCTION clinic.user_activity_report IS
    'What one user did in a window, until_at exclusive: by action and table how many records, rows read and different patients, and the first and last. denied are refusals.
Needs audit:read. Errors: no_context, forbidden, 22004, 22023.';

CREATE FUNCTION clinic.breach_report(from_at timestamptz, until_at timestamptz, user_ids uuid[] DEFAULT NULL, patient_ids uuid[] DEFAULT NULL)
    RETURNS TABLE (patient_id uuid, user_id uuid, actor text, login text, saw boolean, changed boolean, actions text[], tables text[], records bigint,
                   first_recorded_at timestamptz, last_recorded_at timestamptz, client_addresses text[])
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_window(breach_report.from_at, breach_report.until_at);
BEGIN
    RETURN QUERY
    SELECT p.id, a.user_id, a.actor, a.login, bool_or(a.action IN ('view', 'export', 'print', 'disclose')),
           bool_or(a.action IN ('create', 'update', 'delete', 'merge', 'erase', 'shred') AND a.table_name IS DISTINCT FROM 'emergency_accesses'),
           array_agg(DISTINCT a.action), array_remove(array_agg(DISTINCT a.table_name), NULL), count(*), min(a.recorded_at), max(a.recorded_at),
           array_remove(array_agg(DISTINCT a.client_address), NULL)
    FROM clinic_private.records_between(tenant, breach_report.from_at, breach_report.until_at) AS a
    CROSS JOIN LATERAL clinic_private.patients_of_record(a.table_name, a.patient_id, a.row_ids, a.after) AS p (id)
    WHERE a.action <> 'denied' AND coalesce(a.user_id = ANY (breach_report.user_ids), breach_report.user_ids IS NULL)
      AND coalesce(p.id = ANY (breach_report.patient_ids), breach_report.patient_ids IS NULL)
    GROUP BY p.id, a.user_id, a.actor, a.login
    ORDER BY p.id, a.user_id, a.actor, a.login;
END
$$;
ALTER FUNCTION clinic.breach_report OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.breach_report FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.breach_report TO clinic_user;
COMMENT ON FUNCTION clinic.breach_report IS
    'Whose data was seen or changed by whom in a window, until_at exclusive: one row for each patient and user (or login), for the notice of a breach. Needs audit:read.
user_ids, patient_ids: these only; null: all. saw: something was read, exported, printed or disclosed; refused attempts do not count. Errors: no_context, forbidden, 22004, 22023.';

CREATE FUNCTION clinic.emergency_access_report(from_at timestamptz, until_at timestamptz)
    RETURNS TABLE (access_id uuid, user_id uuid, patient_id uuid, reason text, starts_at timestamptz, until_before timestamptz, reviewed_at timestamptz, reviewed_by uuid,
                   review_note text, records bigint, actions text[], tables text[])
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_window(emergency_access_report.from_at, emergency_access_report.until_at);
    saved constant text := clinic_private.saved_context();
BEGIN
    PERFORM clinic_private.act_as_system(tenant);
    RETURN QUERY
    SELECT e.access_id, e.user_id, e.patient_id, e.reason, e.starts_at, least(e.ended_at, e.expires_at), e.reviewed_at, e.reviewed_by, e.review_note, d.records,
           d.actions, d.tables
    FROM clinic_data.emergency_accesses AS e
    CROSS JOIN LATERAL (
        SELECT count(*) AS records, coalesce(array_agg(DISTINCT a.action), '{}') AS actions,
               coalesce(array_agg(DISTINCT a.table_name) FILTER (WHERE a.table_name IS NOT NULL), '{}') AS tables
        FROM clinic_private.records_between(tenant, e.starts_at, least(e.ended_at, e.expires_at)) AS a
        WHERE a.user_id = e.user_id AND a.table_name IS DISTINCT FROM 'emergency_accesses'
          AND e.patient_id IN (SELECT p.id FROM clinic_private.patients_of_record(a.table_name, a.patient_id, a.row_ids, a.after) AS p (id))) AS d
    WHERE e.tenant_id = tenant AND e.starts_at >= emergency_access_report.from_at AND e.starts_at < emergency_access_report.until_at
    ORDER BY e.reviewed_at IS NOT NULL, e.starts_at, e.access_id;
    PERFORM clinic_private.restore_context(saved);
END
$$;
ALTER FUNCTION clinic.emergency_access_report OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.emergency_access_report FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.emergency_access_report TO clinic_user;
COMMENT ON FUNCTION clinic.emergency_access_report IS
    'Who broke the glass in a window, those that wait for a review first, with what they did with that patient''s data meanwhile: records, actions, tables. Needs audit:read; reviewing needs
emergency:review (clinic.review_emergency_access). until_before: when it ended or expires. Errors: no_context, forbidden, 22004, 22023.';
