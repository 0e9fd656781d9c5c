-- The read views of consents and rights; what 50_views.sql says of views holds here.

CALL clinic_private.ensure_view('consent_purposes', $view$
    SELECT clinic.current_tenant_id() AS tenant_id,
           COALESCE(p.purpose, s.purpose) AS purpose,
           CASE WHEN p.purpose IS NULL THEN s.description ELSE p.description END AS description,
           CASE WHEN p.purpose IS NULL THEN s.valid_days ELSE p.valid_days END AS valid_days,
           CASE WHEN p.purpose IS NULL THEN s.warn_days ELSE p.warn_days END AS warn_days
      FROM clinic_private.shipped_purposes() s
      FULL JOIN clinic_data.consent_purposes p ON p.purpose = s.purpose
     WHERE clinic.current_tenant_id() IS NOT NULL AND NOT clinic_private.is_public()
$view$);
COMMENT ON VIEW clinic.consent_purposes IS 'What consent is asked for.';
CALL clinic_private.ensure_view('consent_texts', $view$
    SELECT t.tenant_id, t.text_id, t.purpose, t.language, t.version_no, t.body, t.valid_from_at, t.created_at
      FROM clinic_data.consent_texts t
$view$);
COMMENT ON VIEW clinic.consent_texts IS 'The words that patients consent to, all versions.';
CALL clinic_private.ensure_view('consents', $view$
    SELECT c.tenant_id, c.consent_id, c.patient_id, c.purpose, c.scope, c.text_id, c.given_by, c.guardian_patient_id, c.evidence, c.given_at,
           c.expires_at, c.recorded_at, c.recorded_by, w.withdrawn_at, w.withdrawn_by, w.reason AS withdrawal_reason,
           CASE WHEN w.withdrawn_at <= clinic.now() THEN 'withdrawn'
                WHEN c.expires_at <= clinic.now() THEN 'expired'
                ELSE 'standing' END AS state
      FROM clinic_data.consents c
      LEFT JOIN clinic_data.consent_withdrawals w ON w.tenant_id = c.tenant_id AND w.consent_id = c.consent_id
$view$);
COMMENT ON VIEW clinic.consents IS 'What patients whom the caller sees have consented to, with what became of it.';
CALL clinic_private.ensure_view('disclosures', $view$
    SELECT d.tenant_id, d.disclosure_id, d.patient_id, d.disclosed_at, d.recipient, d.recipient_address, d.purpose, d.legal_basis, d.consent_id,
           d.recorded_at, d.recorded_by
      FROM clinic_data.disclosures d
$view$);
COMMENT ON VIEW clinic.disclosures IS 'To whom data of patients was disclosed; what it was tells clinic.accounting_of_disclosures.';
CALL clinic_private.ensure_view('correction_requests', $view$
    SELECT r.tenant_id, r.request_id, r.patient_id, r.status, r.requested_at, r.requested_by, r.due_at, r.decided_at, r.decided_by, r.decision_reason,
           r.disagreed_at, r.version, r.updated_at
      FROM clinic_data.correction_requests r
$view$);
COMMENT ON VIEW clinic.correction_requests IS 'What patients want corrected, and what came of it; what exactly tells clinic.read_correction.';

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
         WHERE v.relnamespace = 'clinic'::regnamespace
           AND v.relname IN ('consent_purposes', 'consent_texts', 'consents', 'disclosures', 'correction_requests')
    LOOP
        EXECUTE pg_catalog.format('COMMENT ON COLUMN clinic.%I.%I IS %L', shown.view_name, shown.name,
            CASE shown.name WHEN 'tenant_id' THEN 'The tenant; the same in every row a caller sees, for joins.' ELSE shown.remark END);
    END LOOP;
END
$$;
COMMENT ON COLUMN clinic.consents.withdrawn_at IS 'Since when it does not hold.';
COMMENT ON COLUMN clinic.consents.withdrawn_by IS 'patient, guardian, or staff on their behalf.';
COMMENT ON COLUMN clinic.consents.withdrawal_reason IS 'Why, where somebody said so.';
COMMENT ON COLUMN clinic.consents.state IS 'standing, withdrawn or expired.';
