-- Rights of patients over their data: disclosures and their account, corrections, one document of everything, and being erased.

CREATE FUNCTION clinic_private.is_erased(tenant_id uuid, patient_id uuid)
    RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    RETURN EXISTS (SELECT FROM clinic_data.shredded_patients AS s WHERE s.tenant_id = is_erased.tenant_id AND s.patient_id = is_erased.patient_id);
END
$$;
COMMENT ON FUNCTION clinic_private.is_erased(uuid, uuid) IS 'Whether a patient''s keys were destroyed.';

CREATE FUNCTION clinic_private.field_text(tenant_id uuid, patient_id uuid, table_name text, column_name text, row_id text, value bytea)
    RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF field_text.value IS NULL OR clinic_private.is_erased(field_text.tenant_id, field_text.patient_id) THEN
        RETURN NULL;
    END IF;
    RETURN clinic_private.decrypt_field(field_text.tenant_id, field_text.patient_id, field_text.table_name, field_text.column_name, field_text.row_id,
        field_text.value);
END
$$;
COMMENT ON FUNCTION clinic_private.field_text(uuid, uuid, text, text, text, bytea) IS
    'A decrypted field; null for an erased patient. Checks no permission. Errors: decryption_failed, key_unavailable.';

CREATE FUNCTION clinic_private.require_own_or_whole(patient_id uuid, permission text)
    RETURNS uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('patient_id', require_own_or_whole.patient_id));
    IF NOT clinic_private.is_own_patient(require_own_or_whole.patient_id) THEN
        PERFORM clinic_private.require_permission(require_own_or_whole.permission);
        PERFORM clinic_private.require_permission('patients:read');
    END IF;
    PERFORM clinic_private.require_row('patient', require_own_or_whole.patient_id);
    RETURN tenant;
END
$$;
COMMENT ON FUNCTION clinic_private.require_own_or_whole(uuid, text) IS
    'Returns the tenant when the caller is the patient, acts for them, or has the permission and patients:read and sees them. Errors: no_context, forbidden, not_found, 22004.';

REVOKE ALL ON FUNCTION clinic_private.is_erased, clinic_private.field_text, clinic_private.require_own_or_whole FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.is_erased, clinic_private.field_text, clinic_private.require_own_or_whole TO clinic_owner;

-- ----------------------------------------------------------------------------------------------------------------------
-- Disclosures.

CREATE FUNCTION clinic.record_disclosure(
    patient_id uuid,
    recipient text,
    description text,
    purpose text,
    legal_basis text DEFAULT 'consent',
    scope text DEFAULT NULL,
    disclosed_at timestamptz DEFAULT NULL,
    recipient_address text DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('patients:write');
    new_id uuid := clinic.new_id();
    happened timestamptz := coalesce(record_disclosure.disclosed_at, clinic.now());
    consent uuid;
BEGIN
    PERFORM clinic_private.require_permission('patients:read');
    PERFORM clinic_private.require_arguments(jsonb_build_object('patient_id', record_disclosure.patient_id, 'recipient', record_disclosure.recipient,
        'description', record_disclosure.description, 'purpose', record_disclosure.purpose, 'legal_basis', record_disclosure.legal_basis));
    PERFORM clinic_private.require_row('patient', record_disclosure.patient_id);
    IF length(btrim(record_disclosure.description)) NOT BETWEEN 1 AND 2000 THEN
        PERFORM clinic_private.refuse_argument('description', 'description must have 1 to 2000 characters');
    END IF;
    IF happened > clinic.now() THEN
        PERFORM clinic_private.refuse_argument('disclosed_at', 'disclosed_at must not be in the future');
    END IF;
    IF record_disclosure.legal_basis = 'consent' THEN
        consent := clinic_private.standing_consent(tenant, record_disclosure.patient_id, 'sharing',
            coalesce(record_disclosure.scope, record_disclosure.recipient), happened);
        IF consent IS NULL THEN
            PERFORM clinic_private.raise_error('consent_required', 'the patient has not consented to sharing with this recipient',
                jsonb_build_object('patient_id', record_disclosure.patient_id, 'purpose', 'sharing'), NULL);
        END IF;
    END IF;
    PERFORM clinic_private.insert_row('disclosures', jsonb_build_object('disclosure_id', new_id, 'patient_id', record_disclosure.patient_id,
        'disclosed_at', happened, 'recipient', btrim(record_disclosure.recipient),
        'recipient_address', nullif(btrim(record_disclosure.recipient_address), ''), 'purpose', btrim(record_disclosure.purpose),
        'legal_basis', record_disclosure.legal_basis, 'consent_id', consent, 'recorded_at', clinic.now(), 'recorded_by', clinic.current_user_id(),
        'description', clinic_private.encrypt_field(tenant, record_disclosure.patient_id, 'clinic_data.disclosures', 'description', new_id::text,
                                                    btrim(record_disclosure.description))));
    PERFORM clinic_private.write_audit('security', 'disclose', 'disclosures', new_id::text, record_disclosure.patient_id,
        after => jsonb_build_object('legal_basis', record_disclosure.legal_basis, 'consent_id', consent));
    RETURN new_id;
END
$$;
ALTER FUNCTION clinic.record_disclosure OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.record_disclosure FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.record_disclosure TO clinic_user;
COMMENT ON FUNCTION clinic.record_disclosure IS
    'Records that data of a patient is disclosed to somebody outside, and returns the disclosure_id: call it in the transaction that discloses, which it refuses where there is neither a
consent nor another legal basis. Needs patients:write and patients:read.
recipient: an organisation, or the office of a person; description: what, in a few words (encrypted); purpose: what for; legal_basis: consent (to the purpose sharing, of the scope, by
default the recipient), treatment, payment, operations, required_by_law, public_health, oversight, court_order or emergency; disclosed_at: null: now.
Errors: no_context, forbidden, not_found, consent_required, shredded, key_unavailable, 22004, 22023.';

CREATE FUNCTION clinic.accounting_of_disclosures(patient_id uuid, from_at timestamptz DEFAULT NULL, until_at timestamptz DEFAULT NULL, complete boolean DEFAULT false)
    RETURNS TABLE (disclosure_id uuid, disclosed_at timestamptz, recipient text, recipient_address text, description text, purpose text, legal_basis text)
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_own_or_whole(accounting_of_disclosures.patient_id, 'patients:read');
    saved constant text := clinic_private.saved_context();
BEGIN
    -- The account is of the person: what was disclosed before records were merged belongs to it.
    PERFORM clinic_private.act_as_system(tenant);
    RETURN QUERY
    SELECT d.disclosure_id, d.disclosed_at, d.recipient, d.recipient_address,
           clinic_private.field_text(tenant, d.patient_id, 'clinic_data.disclosures', 'description', d.disclosure_id::text, d.description), d.purpose,
           d.legal_basis
    FROM clinic_data.disclosures AS d
    WHERE d.tenant_id = tenant AND d.patient_id = ANY (clinic_private.records_of(tenant, accounting_of_disclosures.patient_id))
      AND d.disclosed_at >= coalesce(accounting_of_disclosures.from_at, clinic.now() - interval '6 years')
      AND d.disclosed_at < coalesce(accounting_of_disclosures.until_at, 'infinity')
      AND (accounting_of_disclosures.complete OR d.legal_basis NOT IN ('consent', 'treatment', 'payment', 'operations'))
    ORDER BY d.disclosed_at, d.disclosure_id;
    PERFORM clinic_private.restore_context(saved);
    PERFORM clinic_private.record_reads('disclosures', ARRAY[accounting_of_disclosures.patient_id], ARRAY[accounting_of_disclosures.patient_id]);
END
$$;
ALTER FUNCTION clinic.accounting_of_disclosures OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.accounting_of_disclosures FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.accounting_of_disclosures TO clinic_user;
COMMENT ON FUNCTION clinic.accounting_of_disclosures IS
    'The account of disclosures of one patient (45 CFR 164.528), of merged records too: when, to whom, what, why, on which basis. For the patient, who acts for them, and staff with patients:read.
from_at: null: six years ago; until_at: exclusive, null: no end; complete: also those for treatment, payment and operations, and those that the patient consented to, which the
account may leave out. description is null for a patient who was erased. Errors: no_context, forbidden, not_found, key_unavailable, 22004.';

-- ----------------------------------------------------------------------------------------------------------------------
-- Corrections.

CREATE FUNCTION clinic.request_correction(patient_id uuid, request text)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_own_or_written(request_correction.patient_id);
    new_id uuid := clinic.new_id();
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('request', request_correction.request));
    PERFORM clinic_private.require_whole_record(request_correction.patient_id);
    IF length(btrim(request_correction.request)) NOT BETWEEN 1 AND 10000 THEN
        PERFORM clinic_private.refuse_argument('request', 'request must have 1 to 10000 characters');
    END IF;
    INSERT INTO clinic_data.correction_requests (tenant_id, request_id, patient_id, request, requested_at, requested_by, due_at)
    VALUES (tenant, new_id, request_correction.patient_id,
            clinic_private.encrypt_field(tenant, request_correction.patient_id, 'clinic_data.correction_requests', 'request', new_id::text,
                                         btrim(request_correction.request)),
            clinic.now(), clinic.current_user_id(), clinic.now() + interval '1440 hours');
    RETURN new_id;
END
$$;
ALTER FUNCTION clinic.request_correction OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.request_correction FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.request_correction TO clinic_user;
COMMENT ON FUNCTION clinic.request_correction IS
    'Records that a patient wants something corrected, and returns the request_id; it is due in 60 days. For the patient, who acts for them, and staff with patients:write and
patients:read. request: what is wrong and what is right, 1 to 10000 characters (encrypted). Errors: no_context, forbidden, not_found, shredded, key_unavailable, 22004, 22023.';

CREATE FUNCTION clinic_private.require_correction(wanted uuid, OUT request_id uuid, OUT patient_id uuid, OUT status text, OUT disagreed_at timestamptz)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    SELECT r.request_id, r.patient_id, r.status, r.disagreed_at
    INTO require_correction.request_id, require_correction.patient_id, require_correction.status, require_correction.disagreed_at
    FROM clinic_data.correction_requests AS r
    WHERE r.tenant_id = clinic_private.require_tenant() AND r.request_id = require_correction.wanted
    FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_error('not_found', 'there is no such request', jsonb_build_object('request_id', require_correction.wanted), NULL);
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_correction(uuid) IS 'A request for correction that the caller may see, locked. Errors: no_context, not_found.';
REVOKE ALL ON FUNCTION clinic_private.require_correction FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_correction TO clinic_owner;

CREATE FUNCTION clinic.decide_correction(request_id uuid, accept boolean, reason text DEFAULT NULL, changes jsonb DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('patients:write');
    asked record;
BEGIN
    PERFORM clinic_private.require_permission('patients:read');
    PERFORM clinic_private.require_arguments(jsonb_build_object('request_id', decide_correction.request_id, 'accept', decide_correction.accept));
    SELECT * INTO asked FROM clinic_private.require_correction(decide_correction.request_id);
    IF asked.status <> 'open' THEN
        PERFORM clinic_private.raise_error('bad_transition', 'the request has been decided', jsonb_build_object('request_id', asked.request_id), NULL);
    END IF;
    IF NOT decide_correction.accept AND coalesce(btrim(decide_correction.reason), '') = '' OR length(decide_correction.reason) > 1000 THEN
        PERFORM clinic_private.refuse_argument('reason', 'a refusal needs a reason, of up to 1000 characters', hint => 'The patient reads it. Name nobody.');
    END IF;
    IF decide_correction.changes IS NOT NULL THEN
        IF NOT decide_correction.accept THEN
            PERFORM clinic_private.refuse_argument('changes', 'a refusal changes nothing');
        END IF;
        PERFORM clinic.update_patient(asked.patient_id, decide_correction.changes);
    END IF;
    UPDATE clinic_data.correction_requests AS r
    SET status = CASE WHEN decide_correction.accept THEN 'accepted' ELSE 'refused' END, decided_at = clinic.now(),
        decided_by = clinic.current_user_id(), decision_reason = nullif(btrim(decide_correction.reason), '')
    WHERE r.tenant_id = tenant AND r.request_id = asked.request_id;
END
$$;
ALTER FUNCTION clinic.decide_correction OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.decide_correction FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.decide_correction TO clinic_user;
COMMENT ON FUNCTION clinic.decide_correction IS
    'Decides a request for correction, once. Needs patients:write and patients:read.
accept: false needs a reason; changes: what is applied at once, as by clinic.update_patient, null: it was applied elsewhere. Errors: no_context, forbidden, not_found, bad_transition,
22004, 22023, and those of clinic.update_patient.';

CREATE FUNCTION clinic.note_disagreement(request_id uuid, statement text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    asked record;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('request_id', note_disagreement.request_id, 'statement', note_disagreement.statement));
    IF length(btrim(note_disagreement.statement)) NOT BETWEEN 1 AND 10000 THEN
        PERFORM clinic_private.refuse_argument('statement', 'statement must have 1 to 10000 characters');
    END IF;
    SELECT * INTO asked FROM clinic_private.require_correction(note_disagreement.request_id);
    PERFORM clinic_private.require_own_or_written(asked.patient_id);
    IF asked.status <> 'refused' OR asked.disagreed_at IS NOT NULL THEN
        PERFORM clinic_private.raise_error('bad_transition', 'only a refusal can be disagreed with, and once',
            jsonb_build_object('request_id', asked.request_id), NULL);
    END IF;
    UPDATE clinic_data.correction_requests AS r
    SET disagreement = clinic_private.encrypt_field(tenant, asked.patient_id, 'clinic_data.correction_requests', 'disagreement', asked.request_id::text,
                                                    btrim(note_disagreement.statement)),
        disagreed_at = clinic.now()
    WHERE r.tenant_id = tenant AND r.request_id = asked.request_id;
END
$$;
ALTER FUNCTION clinic.note_disagreement OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.note_disagreement FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.note_disagreement TO clinic_user;
COMMENT ON FUNCTION clinic.note_disagreement IS
    'Adds to a refused request for correction what the patient says to that; it stays with the record. For the patient, who acts for them, and staff with patients:write and patients:read.
Errors: no_context, forbidden, not_found, bad_transition, shredded, key_unavailable, 22004, 22023.';

CREATE FUNCTION clinic.read_correction(request_id uuid, OUT patient_id uuid, OUT status text, OUT request text, OUT decision_reason text, OUT disagreement text)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    v_id constant uuid := read_correction.request_id;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('request_id', v_id));
    SELECT r.patient_id, r.status, r.decision_reason,
           clinic_private.field_text(tenant, r.patient_id, 'clinic_data.correction_requests', 'request', r.request_id::text, r.request),
           clinic_private.field_text(tenant, r.patient_id, 'clinic_data.correction_requests', 'disagreement', r.request_id::text, r.disagreement)
    INTO read_correction.patient_id, read_correction.status, read_correction.decision_reason, read_correction.request, read_correction.disagreement
    FROM clinic_data.correction_requests AS r
    WHERE r.tenant_id = tenant AND r.request_id = v_id;
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_error('not_found', 'there is no such request', jsonb_build_object('request_id', v_id), NULL);
    END IF;
    PERFORM clinic_private.record_reads('correction_requests', ARRAY[v_id], ARRAY[read_correction.patient_id]);
END
$$;
ALTER FUNCTION clinic.read_correction OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.read_correction FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.read_correction TO clinic_user;
COMMENT ON FUNCTION clinic.read_correction IS
    'What a patient whom the caller may see whole wants corrected, the answer, and what the patient says to that; texts are null once the patient was erased.
Errors: no_context, not_found, key_unavailable, 22004.';
