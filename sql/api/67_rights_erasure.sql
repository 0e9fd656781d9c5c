-- Erasing a patient: keys are destroyed, and with them everything encrypted; names and what else is in clear goes; what the law makes us keep
-- stays without identity, under an id that leads to nobody.

CREATE FUNCTION clinic_private.erasure_rules()
    RETURNS TABLE (table_name text, handling text, blanked text[], reason text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 40
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.table_name, r.handling, r.blanked::text[], r.reason
    FROM (VALUES
        ('patients', 'tombstone', NULL, 'The row stays, for what refers to it: named Erased patient, everything else in clear is gone.'),
        ('patient_contacts', 'delete', NULL, 'How to reach the patient.'),
        ('communication_preferences', 'delete', NULL, 'How the patient wants to be written to.'),
        ('reminder_plans', 'delete', NULL, 'Reminders of the patient alone.'),
        ('dependants', 'delete', NULL, 'Who acts for whom.'),
        ('patient_details', 'delete', NULL, 'Unreadable without the key.'),
        ('patient_health_items', 'delete', NULL, 'Unreadable without the key.'),
        ('patient_identifiers', 'delete', NULL, 'Unreadable without the key.'),
        ('patient_search_keys', 'delete', NULL, 'Made of the name.'),
        ('users', 'account', NULL, 'The account is closed, and nothing of it names anybody.'),
        ('logins', 'account', NULL, 'The mapping is inactive.'),
        ('appointments', 'blank', '{cancel_reason,status_reason,override_reason}', 'Visits are medical records: kept without identity and free text.'),
        ('waitlist_entries', 'blank', '{note}', 'Kept without free text.'),
        ('blocks', 'blank', '{title}', 'Kept without free text.'),
        ('events', 'blank', '{reason,data}', 'That something happened is kept, without free text.'),
        ('notifications', 'blank', '{data}', 'That a message went out is kept, without its words.'),
        ('series', 'keep', NULL, 'Ids and times.'),
        ('visits', 'keep', NULL, 'Ids and times.'),
        ('tickets', 'keep', NULL, 'Ids and times.'),
        ('waitlist_offers', 'keep', NULL, 'Ids and times.'),
        ('consents', 'keep', NULL, 'Proof that what was done was allowed.'),
        ('consent_withdrawals', 'keep', NULL, 'Proof that what was done was allowed.'),
        ('disclosures', 'keep', NULL, 'The account of disclosures is kept six years; what was disclosed is unreadable.'),
        ('correction_requests', 'keep', NULL, 'That it was asked and decided; the texts are unreadable.'),
        ('emergency_accesses', 'keep', NULL, 'Who broke the glass is kept six years.'),
        ('legal_holds', 'keep', NULL, 'Proof of what was held.'),
        ('distinct_patients', 'keep', NULL, 'Ids.'),
        ('patient_keys', 'keep', NULL, 'Destroyed by shredding.'),
        ('shredded_patients', 'keep', NULL, 'The tombstone.'),
        ('audit_records', 'keep', NULL, 'The audit only grows, and holds nothing in clear.'),
        ('audit_read_patients', 'keep', NULL, 'An index of the audit.')
    ) AS r (table_name, handling, blanked, reason)
$$;
COMMENT ON FUNCTION clinic_private.erasure_rules() IS
    'What erasing a patient does with each table that has a column patient_id: tombstone, delete, blank (the columns in blanked), account, or keep; and why. A table that is missing here
and has rows of the patient stops the erasure; a test compares the list with the catalog.';

CREATE FUNCTION clinic_private.close_patient_account(tenant uuid, patient uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    account uuid := (SELECT u.user_id FROM clinic_data.users AS u WHERE u.tenant_id = close_patient_account.tenant AND u.patient_id = close_patient_account.patient);
BEGIN
    UPDATE clinic_data.logins AS l
    SET active = false
    WHERE l.tenant_id = close_patient_account.tenant AND l.patient_id = close_patient_account.patient AND l.active;
    IF account IS NULL THEN
        RETURN;
    END IF;
    UPDATE clinic_data.users AS u
    SET name = 'Erased patient', status = 'inactive', signed_out_at = clinic.now()
    WHERE u.tenant_id = close_patient_account.tenant AND u.user_id = account AND (u.name <> 'Erased patient' OR u.status <> 'inactive');
    -- Codes that wait to be sent to what the patient signs in by.
    UPDATE clinic_data.outbox AS o
    SET status = 'expired', destination = NULL, payload = NULL, done_at = clinic.now()
    FROM clinic_data.user_identifiers AS i
    WHERE i.tenant_id = close_patient_account.tenant AND i.user_id = account
      AND o.tenant_id = i.tenant_id AND o.topic = 'one_time_code' AND o.status = 'waiting'
      AND i.identifier_hash = CASE WHEN coalesce(clinic_private.has_master_key(clinic_private.master_key_of(o.destination)), true)
                                   THEN clinic_private.identifier_hash(i.tenant_id, i.kind, clinic_private.opened_kept_secret(
                                       o.destination, clinic_private.secret_place('outbox', o.message_id::text, 'destination'))) END;
    DELETE FROM clinic_data.one_time_codes AS c WHERE c.tenant_id = close_patient_account.tenant AND c.user_id = account;
    UPDATE clinic_data.sign_in_events AS e
    SET identifier_hash = NULL
    WHERE e.tenant_id = close_patient_account.tenant AND e.user_id = account AND e.identifier_hash IS NOT NULL;
    DELETE FROM clinic_data.user_identifiers AS i WHERE i.tenant_id = close_patient_account.tenant AND i.user_id = account;
    DELETE FROM clinic_data.credentials AS c WHERE c.tenant_id = close_patient_account.tenant AND c.user_id = account;
    UPDATE clinic_data.sessions AS s
    SET revoked_at = coalesce(s.revoked_at, clinic.now()), revoke_reason = coalesce(s.revoke_reason, 'administrator'), client_address = NULL, user_agent = NULL
    WHERE s.tenant_id = close_patient_account.tenant AND s.user_id = account
      AND (s.revoked_at IS NULL OR s.client_address IS NOT NULL OR s.user_agent IS NOT NULL);
END
$$;
COMMENT ON FUNCTION clinic_private.close_patient_account(uuid, uuid) IS 'Closes the account and the mapped login of a patient, and takes out what names them. For the context of the system.';

CREATE FUNCTION clinic_private.blank_patient(tenant uuid, patient uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    target record;
    assignments text;
    conditions text;
    remaining boolean;
BEGIN
    UPDATE clinic_data.outbox AS o
    SET status = CASE o.status WHEN 'waiting' THEN 'expired' ELSE o.status END, destination = NULL, payload = NULL, last_error = NULL, done_at = coalesce(o.done_at, clinic.now())
    FROM clinic_data.notifications AS n
    WHERE n.tenant_id = blank_patient.tenant AND n.patient_id = blank_patient.patient AND o.tenant_id = n.tenant_id AND o.message_id = n.message_id
      AND (o.status = 'waiting' OR o.destination IS NOT NULL OR o.payload IS NOT NULL OR o.last_error IS NOT NULL);
    UPDATE clinic_data.notifications AS n
    SET status = 'void', status_reason = 'past', done_at = clinic.now()
    WHERE n.tenant_id = blank_patient.tenant AND n.patient_id = blank_patient.patient AND n.status IN ('waiting', 'queued');
    UPDATE clinic_data.appointment_charges AS c
    SET state_reason = NULL
    FROM clinic_data.appointments AS a
    WHERE a.tenant_id = blank_patient.tenant AND a.patient_id = blank_patient.patient AND c.tenant_id = a.tenant_id AND c.appointment_id = a.appointment_id
      AND c.state_reason IS NOT NULL;
    PERFORM clinic_private.close_patient_account(blank_patient.tenant, blank_patient.patient);
    -- Hashes of rows that held names; a merge cannot be undone any more.
    UPDATE clinic_data.patient_merges AS m
    SET state = '{}', completed = '{}'
    WHERE m.tenant_id = blank_patient.tenant AND blank_patient.patient IN (m.master_patient_id, m.duplicate_patient_id)
      AND (m.state <> '{}' OR m.completed <> '{}');

    FOR target IN
        SELECT c.oid, c.oid::regclass AS relation, r.handling, r.blanked,
               CASE c.relname WHEN 'dependants' THEN '(t.patient_id = $2 OR t.guardian_patient_id = $2)' ELSE 't.patient_id = $2' END AS condition
        FROM pg_class AS c
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'patient_id' AND NOT a.attisdropped
        LEFT JOIN clinic_private.erasure_rules() AS r ON r.table_name = c.relname
        WHERE c.relnamespace = 'clinic_data'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
          AND r.handling IS DISTINCT FROM 'keep' AND r.handling IS DISTINCT FROM 'account'
        -- What refers to others first.
        ORDER BY r.handling = 'tombstone', c.relname
    LOOP
        IF target.handling = 'delete' THEN
            EXECUTE format('DELETE FROM %s AS t WHERE t.tenant_id = $1 AND %s', target.relation, target.condition)
                USING blank_patient.tenant, blank_patient.patient;
        ELSIF target.handling IN ('blank', 'tombstone') THEN
            -- Of the patient every column in clear that may be empty.
            SELECT string_agg(format('%I = %s', a.attname,
                              -- An override has to have a reason.
                              CASE a.attname WHEN 'override_reason' THEN 'CASE WHEN t.override_reason IS NOT NULL THEN ''erased'' END' ELSE 'NULL' END), ', '),
                   string_agg(format(CASE a.attname WHEN 'override_reason' THEN 't.%I <> ''erased''' ELSE 't.%I IS NOT NULL' END, a.attname), ' OR ')
            INTO assignments, conditions
            FROM pg_attribute AS a
            JOIN pg_type AS y ON y.oid = a.atttypid
            WHERE a.attrelid = target.oid AND a.attnum > 0 AND NOT a.attisdropped
              AND CASE target.handling WHEN 'blank' THEN a.attname = ANY (target.blanked)
                       ELSE NOT a.attnotnull AND coalesce(nullif(y.typbasetype, 0), y.oid) IN ('text'::regtype, 'date'::regtype, 'jsonb'::regtype, 'text[]'::regtype) END;
            IF target.handling = 'tombstone' THEN
                assignments := concat_ws(', ', assignments, 'name = ''Erased patient''', 'status = CASE t.status WHEN ''active'' THEN ''inactive'' ELSE t.status END');
                conditions := concat_ws(' OR ', conditions, 't.name <> ''Erased patient''', 't.status = ''active''');
            END IF;
            EXECUTE format('UPDATE %s AS t SET %s WHERE t.tenant_id = $1 AND %s AND (%s)', target.relation, assignments, target.condition, conditions)
                USING blank_patient.tenant, blank_patient.patient;
        END IF;
        IF target.handling IS NULL OR target.handling = 'delete' THEN
            EXECUTE format('SELECT EXISTS (SELECT FROM %s AS t WHERE t.tenant_id = $1 AND %s)', target.relation, target.condition)
                INTO remaining USING blank_patient.tenant, blank_patient.patient;
            IF remaining THEN
                RAISE EXCEPTION 'rows of table "%" cannot be erased', target.relation
                    USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'clinic_private.erasure_rules() has to say what becomes of them.';
            END IF;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clinic_private.blank_patient(uuid, uuid) IS
    'Takes out of all tables what names a patient, by clinic_private.erasure_rules(); again, it changes nothing. For the context of the system. Errors: 55000 for a table that has no rule.';

REVOKE ALL ON FUNCTION clinic_private.erasure_rules, clinic_private.close_patient_account, clinic_private.blank_patient FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.erasure_rules, clinic_private.close_patient_account, clinic_private.blank_patient TO clinic_owner;

CREATE FUNCTION clinic_private.require_erasable(tenant uuid, patient uuid, despite_retention boolean)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    last_at timestamptz;
    kept_until timestamptz;
BEGIN
    IF EXISTS (SELECT FROM clinic_data.legal_holds AS h
               WHERE h.tenant_id = require_erasable.tenant AND h.released_at IS NULL AND coalesce(h.patient_id = require_erasable.patient, true)) THEN
        PERFORM clinic_private.raise_error('must_be_kept', 'a legal hold keeps the patient''s data',
            jsonb_build_object('patient_id', require_erasable.patient, 'kept_by', 'legal_hold'), 'Whoever placed the hold has to release it first.');
    END IF;
    IF EXISTS (SELECT FROM clinic_data.appointments AS a
               WHERE a.tenant_id = require_erasable.tenant AND a.patient_id = require_erasable.patient AND a.ends_at > clinic.now()
                 AND a.status NOT IN ('cancelled', 'no_show', 'completed'))
       OR EXISTS (SELECT FROM clinic_data.waitlist_entries AS w
                  WHERE w.tenant_id = require_erasable.tenant AND w.patient_id = require_erasable.patient AND w.closed_at IS NULL AND w.lapses_at > clinic.now()) THEN
        PERFORM clinic_private.raise_error('bad_transition', 'the patient has visits to come, or waits for one',
            jsonb_build_object('patient_id', require_erasable.patient), 'Cancel them, and leave the waitlist, first.');
    END IF;
    SELECT max(a.ends_at) INTO last_at
    FROM clinic_data.appointments AS a
    WHERE a.tenant_id = require_erasable.tenant AND a.patient_id = require_erasable.patient AND a.status IN ('arrived', 'in_progress', 'completed');
    kept_until := last_at + make_interval(months => clinic_private.keep_months(require_erasable.tenant, 'medical'));
    IF kept_until > clinic.now() AND NOT require_erasable.despite_retention THEN
        PERFORM clinic_private.raise_error('must_be_kept', 'medical records are kept for years after the last visit',
            jsonb_build_object('patient_id', require_erasable.patient, 'kept_by', 'retention', 'kept_until', kept_until),
            'Where the law lets them go earlier, pass despite_retention => true.');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_erasable(uuid, uuid, boolean) IS
    'Refuses to erase what a legal hold keeps, who has visits to come, and who was treated within the period of class medical. For the context of the system. Errors: must_be_kept, bad_transition.';
REVOKE ALL ON FUNCTION clinic_private.require_erasable FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_erasable TO clinic_owner;

CREATE FUNCTION clinic.erase_patient(patient_id uuid, reason text, despite_retention boolean DEFAULT false)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('patients:erase');
    saved constant text := clinic_private.saved_context();
    records uuid[];
    record_id uuid;
    again boolean := true;
BEGIN
    PERFORM clinic_private.require_permission('patients:read');
    PERFORM clinic_private.require_arguments(jsonb_build_object('patient_id', erase_patient.patient_id, 'reason', erase_patient.reason,
        'despite_retention', erase_patient.despite_retention));
    IF length(btrim(erase_patient.reason)) NOT BETWEEN 10 AND 1000 THEN
        PERFORM clinic_private.refuse_argument('reason', 'reason must have 10 to 1000 characters', hint => 'It stays for ever: name nobody.');
    END IF;
    PERFORM clinic_private.require_read_committed('erasing a patient');
    PERFORM clinic_private.require_row('patient', erase_patient.patient_id);
    PERFORM clinic_private.require_unmerged(erase_patient.patient_id);
    PERFORM clinic_private.act_as_system(tenant);
    records := clinic_private.records_of(tenant, erase_patient.patient_id);
    -- Against holds and bookings that are being made at this moment: both refer to the row.
    PERFORM FROM clinic_data.patients AS p WHERE p.tenant_id = tenant AND p.patient_id = ANY (records) ORDER BY p.patient_id FOR UPDATE;
    FOREACH record_id IN ARRAY records LOOP
        CONTINUE WHEN clinic_private.is_erased(tenant, record_id);
        again := false;
        PERFORM clinic_private.require_erasable(tenant, record_id, erase_patient.despite_retention);
        PERFORM clinic_private.restore_context(saved);
        PERFORM clinic_private.write_audit('medical', 'erase', 'patients', record_id::text, record_id,
            btrim(erase_patient.reason), after => jsonb_build_object('despite_retention', erase_patient.despite_retention));
        PERFORM clinic_private.shred_patient(tenant, record_id, btrim(erase_patient.reason));
        PERFORM clinic_private.act_as_system(tenant);
    END LOOP;
    FOREACH record_id IN ARRAY records LOOP
        PERFORM clinic_private.blank_patient(tenant, record_id);
    END LOOP;
    PERFORM clinic_private.restore_context(saved);
    RETURN NOT again;
END
$$;
ALTER FUNCTION clinic.erase_patient OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.erase_patient FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.erase_patient TO clinic_user;
COMMENT ON FUNCTION clinic.erase_patient IS
    'Erases a patient for ever: destroys the keys of all that is encrypted, takes out name, number, date of birth, contacts and free text, closes the account. Visits, consents, disclosures
and the audit stay, under an id that leads to nobody. So are records that were merged into the patient''s. Returns true; false when it was done before (what has come back since goes again). Needs patients:erase and patients:read.
reason: 10 to 1000 characters that name nobody: it stays. despite_retention: although the patient was treated within the period of class medical (clinic.retention_classes), where the law
allows. Errors: no_context, forbidden, not_found, inactive (merged into another record: erase that), must_be_kept (a legal hold, or retention), bad_transition (visits to come), busy, 22004, 22023, 25001 above READ COMMITTED.';

CREATE FUNCTION clinic.apply_erasures()
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    saved constant text := clinic_private.saved_context();
    tenant record;
    gone record;
    done integer := 0;
BEGIN
    FOR tenant IN SELECT k.tenant_id FROM clinic_private.known_tenants() AS k ORDER BY k.tenant_id LOOP
        PERFORM clinic_private.enter_system(tenant.tenant_id);
        FOR gone IN
            SELECT p.patient_id
            FROM clinic_data.shredded_patients AS s
            JOIN clinic_data.patients AS p ON p.tenant_id = s.tenant_id AND p.patient_id = s.patient_id
            WHERE s.tenant_id = tenant.tenant_id AND p.name <> 'Erased patient'
            ORDER BY p.patient_id
        LOOP
            PERFORM clinic_private.blank_patient(tenant.tenant_id, gone.patient_id);
            done := done + 1;
        END LOOP;
    END LOOP;
    PERFORM clinic_private.restore_context(saved);
    RETURN done;
END
$$;
ALTER FUNCTION clinic.apply_erasures OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.apply_erasures() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.apply_erasures() TO clinic_admin;
COMMENT ON FUNCTION clinic.apply_erasures() IS
    'Erases again, in a restored database, whose keys were destroyed: call it after clinic.apply_shred_list, before anybody is let in. Returns how many patients had come back.
For administrators.';
