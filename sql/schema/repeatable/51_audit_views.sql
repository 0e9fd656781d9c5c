-- The read views of the audit; what 50_views.sql says of views holds here.

CALL clinic_private.ensure_view('audit_records', $view$
    SELECT a.tenant_id, a.audit_id, a.transaction_id, a.recorded_at, a.class, a.action, a.table_name, a.row_id, a.patient_id, a.user_id, a.actor,
           a.login, a.session_id, a.purpose, a.reason, a.request_id, a.client_address, a.peer_address, a.user_agent, a.application_name, a.before,
           a.after, a.row_ids, a.row_count, a.statement_id, a.leaf_hash
      FROM clinic_data.audit_records a
     WHERE clinic.has_permission('audit:read')
$view$);
COMMENT ON VIEW clinic.audit_records IS 'Who changed or read what of whom, when, why and from where. Needs audit:read. Ask by patient_id or user_id, and by audit_id >= clinic.uuid_floor(since).';
CALL clinic_private.ensure_view('retention_classes', $view$
    SELECT clinic.current_tenant_id() AS tenant_id,
           COALESCE(r.class, d.class) AS class,
           COALESCE(r.keep_months, d.keep_months) AS keep_months
      FROM clinic_private.default_retention() d
      FULL JOIN clinic_data.retention_classes r ON r.class = d.class
     WHERE clinic.has_permission('audit:read')
$view$);
COMMENT ON VIEW clinic.retention_classes IS 'How long the tenant keeps audit records, by class. Needs audit:read.';
COMMENT ON COLUMN clinic.retention_classes.tenant_id IS 'The tenant; the same in every row a caller sees, for joins.';
COMMENT ON COLUMN clinic.retention_classes.class IS 'Class of audit records.';
COMMENT ON COLUMN clinic.retention_classes.keep_months IS 'How long, in months.';
CALL clinic_private.ensure_view('legal_holds', $view$
    SELECT h.tenant_id, h.hold_id, h.patient_id, h.reason, h.placed_at, h.placed_by, h.released_at, h.released_by
      FROM clinic_data.legal_holds h
     WHERE clinic.has_permission('audit:read')
$view$);
COMMENT ON VIEW clinic.legal_holds IS 'What must not be purged, and what must no longer. Needs audit:read.';

-- Their columns mean what those of the tables do.
DO $$
DECLARE
    shown record;
BEGIN
    FOR shown IN
        SELECT v.relname AS view_name, a.attname AS name, pg_catalog.col_description(t.oid, b.attnum) AS remark
          FROM pg_catalog.pg_class v
          JOIN pg_catalog.pg_class t ON t.relname = v.relname AND t.relnamespace = 'clinic_data'::regnamespace
          JOIN pg_catalog.pg_attribute a ON a.attrelid = v.oid AND a.attnum > 0
          JOIN pg_catalog.pg_attribute b ON b.attrelid = t.oid AND b.attname = a.attname
         WHERE v.relnamespace = 'clinic'::regnamespace AND v.relname IN ('audit_records', 'legal_holds')
    LOOP
        EXECUTE pg_catalog.format('COMMENT ON COLUMN clinic.%I.%I IS %L', shown.view_name, shown.name,
            CASE shown.name WHEN 'tenant_id' THEN 'The tenant; the same in every row a caller sees, for joins.' ELSE shown.remark END);
    END LOOP;
END
$$;
