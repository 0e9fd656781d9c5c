-- Consents: what patients agree to, in which words, until when; withdrawing them; and who asks before doing what needs one.

CREATE FUNCTION clinic_private.refuse_rewriting()
    RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
        MESSAGE = format('%s of %s is refused: it is history, which only grows', TG_OP, TG_ARGV[0]),
        HINT = 'Withdraw a consent with clinic.withdraw_consent, replace a text with clinic.add_consent_text.';
END
$$;
COMMENT ON FUNCTION clinic_private.refuse_rewriting() IS
    'Trigger of consents and disclosures: refuses UPDATE, DELETE and TRUNCATE, whoever asks. Argument: the table''s name. Errors: 42501.';
REVOKE ALL ON FUNCTION clinic_private.refuse_rewriting FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.refuse_rewriting TO clinic_owner;

CREATE FUNCTION clinic_private.shipped_purposes()
    RETURNS TABLE (purpose text, description text, valid_days integer, warn_days integer)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 9
    SET search_path = pg_catalog, pg_temp
AS $$
    VALUES ('treatment', 'Treatment', NULL::integer, 30),
           ('marketing', 'News and invitations', 730, 30),
           ('sharing', 'Sharing of records with others', 365, 30),
           ('recording', 'Recording of a consultation', 365, 30),
           ('teleconsultation', 'Consultation by telephone or video', NULL, 30),
           ('photography', 'Photographs for the record', NULL, 30),
           ('research', 'Research', 1825, 30),
           ('abdm_link', 'Linking of records to the ABHA', NULL, 30),
           ('abdm_share', 'Sharing of records through ABDM', 365, 30)
$$;
COMMENT ON FUNCTION clinic_private.shipped_purposes() IS 'What consent is asked for where the tenant says nothing of its own: purpose, words for it, how long it holds, when to warn (days).';
REVOKE ALL ON FUNCTION clinic_private.shipped_purposes FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.shipped_purposes TO clinic_owner, clinic_user;

CREATE FUNCTION clinic_private.purpose_of(tenant_id uuid, purpose text, OUT description text, OUT valid_days integer, OUT warn_days integer)
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    SELECT p.description, p.valid_days, p.warn_days
    INTO purpose_of.description, purpose_of.valid_days, purpose_of.warn_days
    FROM clinic_data.consent_purposes AS p
    WHERE p.tenant_id = purpose_of.tenant_id AND p.purpose = purpose_of.purpose;
    IF NOT FOUND THEN
        SELECT s.description, s.valid_days, s.warn_days
        INTO purpose_of.description, purpose_of.valid_days, purpose_of.warn_days
        FROM clinic_private.shipped_purposes() AS s
        WHERE s.purpose = purpose_of.purpose;
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.purpose_of(uuid, text) IS 'What a purpose means in a tenant; nulls for one that is not there.';

CREATE FUNCTION clinic_private.require_purpose(tenant_id uuid, purpose text)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF (SELECT p.description FROM clinic_private.purpose_of(require_purpose.tenant_id, require_purpose.purpose) AS p) IS NULL THEN
        PERFORM clinic_private.refuse_argument('purpose', 'purpose must be one of clinic.consent_purposes',
            (SELECT 'The tenant has ' || string_agg(a.purpose, ', ' ORDER BY a.purpose COLLATE "C") || '.'
             FROM (SELECT s.purpose FROM clinic_private.shipped_purposes() AS s
                   UNION SELECT p.purpose FROM clinic_data.consent_purposes AS p WHERE p.tenant_id = require_purpose.tenant_id) AS a),
            'Add one with clinic.set_consent_purpose.');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_purpose(uuid, text) IS 'Refuses what is no purpose of the tenant. Errors: 22023.';

CREATE FUNCTION clinic_private.purpose_of_message(kind text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN CASE purpose_of_message.kind WHEN 'recall' THEN 'marketing' END;
COMMENT ON FUNCTION clinic_private.purpose_of_message(text) IS
    'The purpose that a patient must have consented to before a message of a kind is sent; null: none, since it serves a visit, an offer that was asked for, or a consent.';

CREATE FUNCTION clinic_private.standing_consent(tenant_id uuid, patient_id uuid, purpose text, scope text DEFAULT NULL, at timestamptz DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    moment constant timestamptz := coalesce(standing_consent.at, clinic.now());
BEGIN
    RETURN (
        SELECT c.consent_id
        FROM clinic_data.consents AS c
        WHERE c.tenant_id = standing_consent.tenant_id AND c.patient_id = standing_consent.patient_id AND c.purpose = standing_consent.purpose
          AND (c.scope IS NULL OR c.scope = standing_consent.scope)
          AND c.given_at <= moment AND coalesce(c.expires_at > moment, true)
          AND NOT EXISTS (SELECT FROM clinic_data.consent_withdrawals AS w
                          WHERE w.tenant_id = c.tenant_id AND w.consent_id = c.consent_id AND w.withdrawn_at <= moment)
        ORDER BY c.expires_at DESC NULLS FIRST, c.consent_id DESC
        LIMIT 1);
END
$$;
COMMENT ON FUNCTION clinic_private.standing_consent(uuid, uuid, text, text, timestamptz) IS
    'The consent that stands for a purpose at a moment (null: now), the longest, as far as the caller sees the patient; null: none. One without scope stands for every scope, one with a
scope for that alone.';

REVOKE ALL ON FUNCTION clinic_private.purpose_of, clinic_private.require_purpose, clinic_private.purpose_of_message, clinic_private.standing_consent FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.purpose_of, clinic_private.require_purpose, clinic_private.purpose_of_message, clinic_private.standing_consent TO clinic_owner;

-- ----------------------------------------------------------------------------------------------------------------------
-- Purposes and texts.

CREATE FUNCTION clinic.set_consent_purpose(purpose text, description text, valid_days integer DEFAULT NULL, warn_days integer DEFAULT 30)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('setup:write');
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('purpose', set_consent_purpose.purpose,
        'description', set_consent_purpose.description, 'warn_days', set_consent_purpose.warn_days));
    UPDATE clinic_data.consent_purposes AS p
    SET description = btrim(set_consent_purpose.description), valid_days = set_consent_purpose.valid_days, warn_days = set_consent_purpose.warn_days
    WHERE p.tenant_id = tenant AND p.purpose = set_consent_purpose.purpose;
    IF NOT FOUND THEN
        PERFORM clinic_private.insert_row('consent_purposes', jsonb_build_object('purpose', set_consent_purpose.purpose,
            'description', btrim(set_consent_purpose.description), 'valid_days', set_consent_purpose.valid_days,
            'warn_days', set_consent_purpose.warn_days));
    END IF;
EXCEPTION
    WHEN check_violation THEN
        PERFORM clinic_private.refuse_argument('purpose, description, valid_days, warn_days',
            'purpose must be a word in lower case, description have 1 to 200 characters, valid_days be 1 to 3660 and warn_days 0 to 365');
END
$$;
ALTER FUNCTION clinic.set_consent_purpose OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.set_consent_purpose FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.set_consent_purpose TO clinic_user;
COMMENT ON FUNCTION clinic.set_consent_purpose IS
    'Says what consent is asked for: a purpose of the tenant''s own, or other words and days for one that is shipped. Needs setup:write.
purpose: a word in lower case; description: in a few words that patients read; valid_days: how long a consent holds that says nothing of its end, 1 to 3660, null: until it
is withdrawn; warn_days: how many days before its end the patient is written to, 0 to 365, 0: never. Consents that were given keep their end.
Errors: no_context, forbidden, 22004, 22023, duplicate (somebody else added it at this moment).';

CREATE FUNCTION clinic.add_consent_text(purpose text, language text, body text, valid_from_at timestamptz DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('setup:write');
    new_id uuid := clinic.new_id();
    since timestamptz := coalesce(add_consent_text.valid_from_at, clinic.now());
    latest record;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('purpose', add_consent_text.purpose, 'language', add_consent_text.language,
        'body', add_consent_text.body));
    PERFORM clinic_private.require_purpose(tenant, add_consent_text.purpose);
    PERFORM clinic_private.require_language('language', add_consent_text.language);
    SELECT t.version_no, t.valid_from_at INTO latest
    FROM clinic_data.consent_texts AS t
    WHERE t.tenant_id = tenant AND t.purpose = add_consent_text.purpose AND t.language = add_consent_text.language
    ORDER BY t.version_no DESC
    LIMIT 1;
    IF since <= latest.valid_from_at OR NOT isfinite(since) THEN
        PERFORM clinic_private.refuse_argument('valid_from_at', 'valid_from_at must be after that of the version before');
    END IF;
    PERFORM clinic_private.insert_row('consent_texts', jsonb_build_object('text_id', new_id, 'purpose', add_consent_text.purpose,
        'language', add_consent_text.language, 'version_no', coalesce(latest.version_no, 0) + 1, 'body', add_consent_text.body, 'valid_from_at', since));
    RETURN new_id;
END
$$;
ALTER FUNCTION clinic.add_consent_text OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.add_consent_text FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.add_consent_text TO clinic_user;
COMMENT ON FUNCTION clinic.add_consent_text IS
    'Adds the next version of the words for a purpose in a language, and returns its text_id. Needs setup:write. Texts are never changed; consents to an earlier version stay.
purpose: one of clinic.consent_purposes, those of the tenant''s own (clinic.set_consent_purpose) among them; language: a tag of the form of BCP 47, such as en or hi-IN;
valid_from_at: since when one consents to these words and no earlier ones; null: now. Errors: no_context, forbidden, 22004, 22023, duplicate.';

-- ----------------------------------------------------------------------------------------------------------------------
-- Giving and withdrawing.

CREATE FUNCTION clinic_private.lock_consents(patient_id uuid)
    RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
RETURN pg_advisory_xact_lock(hashtextextended('pg_clinic: consents of ' || lock_consents.patient_id, 0));
COMMENT ON FUNCTION clinic_private.lock_consents(uuid) IS
    'Waits until nobody else gives, withdraws or merges consents of the patient, so that what was signed before a withdrawal is never recorded past it. Whoever locks patients'' rows too
locks these first.';
REVOKE ALL ON FUNCTION clinic_private.lock_consents FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.lock_consents TO clinic_owner;

CREATE FUNCTION clinic.give_consent(
    patient_id uuid,
    purpose text,
    text_id uuid,
    scope text DEFAULT NULL,
    expires_at timestamptz DEFAULT NULL,
    guardian_patient_id uuid DEFAULT NULL,
    evidence text DEFAULT NULL,
    given_at timestamptz DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_own_or_written(give_consent.patient_id);
    own constant boolean := clinic_private.is_own_patient(give_consent.patient_id);
    new_id uuid := clinic.new_id();
    since timestamptz := coalesce(give_consent.given_at, clinic.now());
    guardian uuid := give_consent.guardian_patient_id;
    form text := 'paper';
    words record;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('purpose', give_consent.purpose, 'text_id', give_consent.text_id));
    PERFORM clinic_private.require_purpose(tenant, give_consent.purpose);
    PERFORM clinic_private.require_whole_record(give_consent.patient_id);
    IF own THEN
        form := CASE WHEN clinic.current_patient_id() = give_consent.patient_id THEN 'patient' ELSE 'guardian' END;
        guardian := CASE WHEN form = 'guardian' THEN clinic.current_patient_id() END;
        IF give_consent.given_at IS NOT NULL THEN
            PERFORM clinic_private.refuse_argument('given_at', 'only staff who record what was signed say when that was');
        END IF;
    ELSIF coalesce(btrim(give_consent.evidence), '') = '' THEN
        PERFORM clinic_private.refuse_argument('evidence', 'staff who record a consent must say where the proof is kept',
            hint => 'Such as the number of the scanned form. Name nobody in it.');
    ELSIF guardian IS NOT NULL AND NOT EXISTS (
        SELECT FROM clinic_data.dependants AS d
        WHERE d.tenant_id = tenant AND d.patient_id = give_consent.patient_id AND d.guardian_patient_id = guardian
          AND coalesce(d.until_on >= clinic_private.today_in('Etc/UTC'), true)) THEN
        PERFORM clinic_private.refuse_argument('guardian_patient_id', 'the guardian does not act for the patient');
    END IF;
    IF since > clinic.now() THEN
        PERFORM clinic_private.refuse_argument('given_at', 'given_at must not be in the future');
    END IF;
    PERFORM clinic_private.lock_consents(give_consent.patient_id);
    IF EXISTS (SELECT FROM clinic_data.consents AS c
               JOIN clinic_data.consent_withdrawals AS w ON w.tenant_id = c.tenant_id AND w.consent_id = c.consent_id
               WHERE c.tenant_id = tenant AND c.patient_id = give_consent.patient_id AND c.purpose = give_consent.purpose AND w.withdrawn_at > since
                 AND coalesce(c.scope = nullif(btrim(give_consent.scope), ''), true)) THEN
        PERFORM clinic_private.refuse_argument('given_at', 'the patient has withdrawn consent since then', hint => 'A withdrawal ends what was signed before it, too.');
    END IF;
    SELECT t.purpose, t.language, t.version_no, t.valid_from_at INTO words
    FROM clinic_data.consent_texts AS t
    WHERE t.tenant_id = tenant AND t.text_id = give_consent.text_id;
    IF NOT FOUND OR words.purpose <> give_consent.purpose THEN
        PERFORM clinic_private.raise_error('not_found', 'there is no such text for this purpose',
            jsonb_build_object('text_id', give_consent.text_id), 'clinic.consent_texts lists those that there are.');
    END IF;
    IF words.valid_from_at > since
       OR EXISTS (SELECT FROM clinic_data.consent_texts AS n
                  WHERE n.tenant_id = tenant AND n.purpose = words.purpose AND n.language = words.language AND n.version_no > words.version_no
                    AND n.valid_from_at <= since) THEN
        PERFORM clinic_private.refuse_argument('text_id', 'that text was not the one in force', hint => 'Consent is given to the version that holds at that time.');
    END IF;
    PERFORM clinic_private.insert_row('consents', jsonb_build_object('consent_id', new_id, 'patient_id', give_consent.patient_id,
        'purpose', give_consent.purpose, 'scope', nullif(btrim(give_consent.scope), ''), 'text_id', give_consent.text_id, 'given_by', form,
        'guardian_patient_id', guardian, 'evidence', nullif(btrim(give_consent.evidence), ''), 'given_at', since,
        'expires_at', coalesce(give_consent.expires_at,
            (SELECT since + make_interval(hours => 24 * p.valid_days) FROM clinic_private.purpose_of(tenant, give_consent.purpose) AS p)),
        'recorded_at', clinic.now(), 'recorded_by', clinic.current_user_id()));
    RETURN new_id;
END
$$;
ALTER FUNCTION clinic.give_consent OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.give_consent FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.give_consent TO clinic_user;
COMMENT ON FUNCTION clinic.give_consent IS
    'Records that a patient consents, and returns the consent_id. Patients for themselves, guardians for those they act for; staff with patients:write and patients:read record what was
signed, and must say in evidence where the proof is. Nothing is ever consented to by default.
purpose: of clinic.consent_purposes; text_id: the words, in the version that is in force; scope: what exactly, such as the recipient, null: the purpose as a whole; expires_at: null:
the purpose''s days; guardian_patient_id: who signed, where a guardian did; given_at: when it was signed, for staff, null: now.
Errors: no_context, forbidden, not_found (patient, text), shredded, 22004, 22023.';

CREATE FUNCTION clinic.withdraw_consent(
    patient_id uuid,
    purpose text,
    scope text DEFAULT NULL,
    reason text DEFAULT NULL,
    evidence text DEFAULT NULL)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_own_or_written(withdraw_consent.patient_id);
    who constant text := CASE WHEN NOT clinic_private.is_own_patient(withdraw_consent.patient_id) THEN 'staff'
                              WHEN clinic.current_patient_id() = withdraw_consent.patient_id THEN 'patient' ELSE 'guardian' END;
    withdrawn integer;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('purpose', withdraw_consent.purpose));
    IF length(withdraw_consent.reason) > 1000 OR length(withdraw_consent.evidence) > 200 THEN
        PERFORM clinic_private.refuse_argument('reason, evidence', 'reason must have at most 1000 characters, and evidence 200');
    END IF;
    PERFORM clinic_private.require_purpose(tenant, withdraw_consent.purpose);
    PERFORM clinic_private.require_unmerged(withdraw_consent.patient_id);
    PERFORM clinic_private.lock_consents(withdraw_consent.patient_id);
    IF withdraw_consent.scope IS NOT NULL AND EXISTS (
        SELECT FROM clinic_data.consents AS c
        WHERE c.tenant_id = tenant AND c.patient_id = withdraw_consent.patient_id AND c.purpose = withdraw_consent.purpose AND c.scope IS NULL
          AND coalesce(c.expires_at > clinic.now(), true)
          AND NOT EXISTS (SELECT FROM clinic_data.consent_withdrawals AS w WHERE w.tenant_id = c.tenant_id AND w.consent_id = c.consent_id)) THEN
        PERFORM clinic_private.refuse_argument('scope', 'a consent to the whole purpose stands, and covers this scope too',
            hint => 'Withdraw the purpose without a scope, then give consent to the scopes that are to stand.');
    END IF;
    INSERT INTO clinic_data.consent_withdrawals (tenant_id, consent_id, patient_id, withdrawn_at, withdrawn_by, reason, evidence, recorded_by)
    SELECT c.tenant_id, c.consent_id, c.patient_id, clinic.now(), who, nullif(btrim(withdraw_consent.reason), ''),
           nullif(btrim(withdraw_consent.evidence), ''), clinic.current_user_id()
    FROM clinic_data.consents AS c
    WHERE c.tenant_id = tenant AND c.patient_id = withdraw_consent.patient_id AND c.purpose = withdraw_consent.purpose
      AND coalesce(c.scope = withdraw_consent.scope, withdraw_consent.scope IS NULL)
      AND coalesce(c.expires_at > clinic.now(), true)
    ON CONFLICT ON CONSTRAINT consent_withdrawals_pkey DO NOTHING;
    GET DIAGNOSTICS withdrawn = ROW_COUNT;
    -- What waits to be sent on the strength of it is not sent.
    IF withdrawn > 0 THEN
        PERFORM clinic_private.choose_channels_again(withdraw_consent.patient_id);
    END IF;
    RETURN withdrawn;
END
$$;
ALTER FUNCTION clinic.withdraw_consent OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.withdraw_consent FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.withdraw_consent TO clinic_user;
COMMENT ON FUNCTION clinic.withdraw_consent IS
    'Withdraws what consents of a patient stand for a purpose, and returns how many those were; 0: none stood. As easy as giving: patients for themselves, guardians, staff with
patients:write and patients:read. It holds from now on: what was done before remains lawful.
purpose: one of clinic.consent_purposes; scope: only consents of this scope, refused while one to the whole purpose stands, which covers it; null: all of the purpose. reason: why, naming nobody. Errors: no_context, forbidden, not_found (the patient), 22004, 22023.';

-- ----------------------------------------------------------------------------------------------------------------------
-- Asking.

CREATE FUNCTION clinic.has_consent(patient_id uuid, purpose text, scope text DEFAULT NULL)
    RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
BEGIN
    RETURN clinic_private.standing_consent(clinic_private.require_tenant(), has_consent.patient_id, has_consent.purpose, has_consent.scope) IS NOT NULL;
END
$$;
ALTER FUNCTION clinic.has_consent OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.has_consent FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.has_consent TO clinic_user;
COMMENT ON FUNCTION clinic.has_consent IS
    'Whether a consent of a patient stands for a purpose at this moment: given, neither withdrawn nor expired. False, too, for patients whom the caller does not see.
scope: null: the purpose as a whole; otherwise this scope, or the whole. Errors: no_context.';

CREATE FUNCTION clinic.require_consent(patient_id uuid, purpose text, scope text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('patient_id', require_consent.patient_id, 'purpose', require_consent.purpose));
    IF NOT clinic.has_consent(require_consent.patient_id, require_consent.purpose, require_consent.scope) THEN
        PERFORM clinic_private.raise_error('consent_required', format('the patient has not consented to "%s"', left(require_consent.purpose, 40)),
            jsonb_build_object('patient_id', require_consent.patient_id, 'purpose', left(require_consent.purpose, 40)), NULL);
    END IF;
END
$$;
ALTER FUNCTION clinic.require_consent OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.require_consent FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.require_consent TO clinic_user;
COMMENT ON FUNCTION clinic.require_consent IS
    'Raises consent_required unless clinic.has_consent: for programs and triggers to call before they record, photograph or share, in the same transaction.
Errors: no_context, consent_required, 22004.';

-- ----------------------------------------------------------------------------------------------------------------------
-- The end of a consent is told before.

CREATE FUNCTION clinic_private.consent_expiring_job()
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    ending record;
    done bigint := 0;
BEGIN
    FOR ending IN
        SELECT c.consent_id, c.patient_id, c.expires_at, p.description
        FROM clinic_data.consents AS c
        JOIN clinic_data.patients AS who ON who.tenant_id = c.tenant_id AND who.patient_id = c.patient_id AND who.status = 'active'
        CROSS JOIN LATERAL clinic_private.purpose_of(tenant, c.purpose) AS p
        WHERE c.tenant_id = tenant AND c.expires_at > clinic.now() AND c.expires_at <= clinic.now() + interval '8784 hours'
          AND c.expires_at <= clinic.now() + make_interval(hours => 24 * p.warn_days)
          AND NOT EXISTS (SELECT FROM clinic_data.consent_warnings AS w WHERE w.tenant_id = tenant AND w.consent_id = c.consent_id)
          -- Withdrawn, or renewed already: nothing ends.
          AND clinic_private.standing_consent(tenant, c.patient_id, c.purpose, c.scope) = c.consent_id
        ORDER BY c.expires_at, c.consent_id
        LIMIT 500
    LOOP
        INSERT INTO clinic_data.consent_warnings (tenant_id, consent_id, warned_at, notification_id)
        VALUES (tenant, ending.consent_id, clinic.now(),
                clinic_private.queue_notification('consent_expiring', ending.patient_id, NULL,
                    jsonb_build_object('consent', ending.description, 'expires_at', ending.expires_at)));
        done := done + 1;
    END LOOP;
    RETURN done;
END
$$;
COMMENT ON FUNCTION clinic_private.consent_expiring_job() IS
    'Job: writes to patients whose consent ends within the purpose''s warn_days and was neither withdrawn nor renewed, of each once; up to 500.';
REVOKE ALL ON FUNCTION clinic_private.consent_expiring_job FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.consent_expiring_job TO clinic_owner;
