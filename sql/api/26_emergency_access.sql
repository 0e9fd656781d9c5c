-- Breaking the glass: reading a patient one does not treat, for a stated reason and a short time, under the eyes of a reviewer.

CREATE FUNCTION clinic_private.forget_visibility()
    RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'clinic_forget_visibility';
COMMENT ON FUNCTION clinic_private.forget_visibility() IS
    'Lets the next look at a patient be judged afresh, after what decides it has changed in this transaction.';
REVOKE ALL ON FUNCTION clinic_private.forget_visibility() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.forget_visibility() TO clinic_owner;

CREATE TYPE clinic_private.emergency_access_state AS (user_id uuid, live boolean, reviewed boolean);
COMMENT ON TYPE clinic_private.emergency_access_state IS 'Of an emergency access: whose, whether it holds, and whether it was reviewed.';

CREATE FUNCTION clinic_private.require_emergency_access(access_id uuid)
    RETURNS clinic_private.emergency_access_state
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    state clinic_private.emergency_access_state;
BEGIN
    SELECT e.user_id, e.ended_at IS NULL AND e.expires_at > clinic.now(), e.reviewed_at IS NOT NULL
    INTO state.user_id, state.live, state.reviewed
    FROM clinic_data.emergency_accesses AS e
    WHERE e.tenant_id = clinic_private.require_tenant() AND e.access_id = require_emergency_access.access_id;
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_error('not_found', 'the emergency access does not exist',
            jsonb_build_object('access_id', require_emergency_access.access_id), NULL);
    END IF;
    RETURN state;
END
$$;
COMMENT ON FUNCTION clinic_private.require_emergency_access(uuid) IS
    'What stands of an emergency access that the caller may see. Errors: no_context, not_found.';
REVOKE ALL ON FUNCTION clinic_private.require_emergency_access FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_emergency_access TO clinic_owner;

CREATE FUNCTION clinic.break_glass(patient_id uuid, reason text, minutes integer DEFAULT 60)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('emergency:use');
    new_id uuid := clinic.new_id();
    started timestamptz := clinic.now();
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'patient_id', break_glass.patient_id, 'reason', break_glass.reason, 'minutes', break_glass.minutes));
    IF clinic.current_user_id() IS NULL THEN
        PERFORM clinic_private.raise_error('forbidden', 'only a user can break the glass', '{}',
            'Call as a user: the access is recorded under a name.');
    END IF;
    IF clinic_private.lacks_purpose() THEN
        PERFORM clinic_private.raise_error('forbidden', 'a purpose must be declared first', '{}',
            'A super_admin sees no patient before: SELECT clinic.declare_purpose(''ETREAT''), or the header x-purpose-of-use, in the same transaction.');
    END IF;
    IF length(btrim(break_glass.reason)) NOT BETWEEN 10 AND 1000 THEN
        PERFORM clinic_private.refuse_argument('reason', 'reason must have 10 to 1000 characters',
            hint => 'Say what the emergency is; a reviewer reads it.');
    END IF;
    IF break_glass.minutes NOT BETWEEN 1 AND 1440 THEN
        PERFORM clinic_private.refuse_argument('minutes', 'minutes must be between 1 and 1440');
    END IF;
    BEGIN
        INSERT INTO clinic_data.emergency_accesses
            (tenant_id, access_id, user_id, patient_id, reason, starts_at, expires_at, request_id)
        VALUES
            (tenant, new_id, clinic.current_user_id(), break_glass.patient_id, btrim(break_glass.reason), started,
             started + make_interval(mins => break_glass.minutes), clinic_private.request_facts() ->> 'request_id');
    EXCEPTION
        WHEN foreign_key_violation THEN
            PERFORM clinic_private.raise_error('not_found', format('patient "%s" does not exist', break_glass.patient_id),
                jsonb_build_object('patient_id', break_glass.patient_id), NULL);
    END;
    PERFORM clinic_private.forget_visibility();
    RETURN new_id;
END
$$;
ALTER FUNCTION clinic.break_glass OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.break_glass FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.break_glass TO clinic_user;
COMMENT ON FUNCTION clinic.break_glass IS
    'Lets the caller read one patient in an emergency, and returns the id of the access. Needs emergency:use.
patient_id: any patient of the tenant; reason: 10 to 1000 characters, for the reviewer; minutes: 1 to 1440, how long it holds.
It is recorded under the caller''s name and waits for a review by somebody else. Errors: no_context, forbidden (also for a super_admin who has declared no purpose), not_found, 22004, 22023.';

CREATE FUNCTION clinic.end_break_glass(access_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    state clinic_private.emergency_access_state := clinic_private.require_emergency_access(end_break_glass.access_id);
BEGIN
    IF state.live THEN
        UPDATE clinic_data.emergency_accesses AS e
        SET ended_at = clinic.now()
        WHERE e.tenant_id = clinic.current_tenant_id() AND e.access_id = end_break_glass.access_id;
        PERFORM clinic_private.forget_visibility();
    END IF;
END
$$;
ALTER FUNCTION clinic.end_break_glass OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.end_break_glass FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.end_break_glass TO clinic_user;
COMMENT ON FUNCTION clinic.end_break_glass IS
    'Ends an emergency access before its time: one''s own, or any with emergency:review. Does nothing when it is over already.
access_id: from clinic.break_glass. Errors: no_context, not_found.';

CREATE FUNCTION clinic.review_emergency_access(access_id uuid, note text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('emergency:review');
    state clinic_private.emergency_access_state := clinic_private.require_emergency_access(review_emergency_access.access_id);
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('note', review_emergency_access.note));
    IF state.user_id = clinic.current_user_id() THEN
        PERFORM clinic_private.raise_error('forbidden', 'nobody reviews their own emergency access',
            jsonb_build_object('access_id', review_emergency_access.access_id), 'Leave the review to somebody else.');
    END IF;
    IF state.reviewed THEN
        PERFORM clinic_private.raise_error('bad_transition', 'the emergency access has been reviewed',
            jsonb_build_object('access_id', review_emergency_access.access_id), NULL);
    END IF;
    UPDATE clinic_data.emergency_accesses AS e
    SET reviewed_at = clinic.now(), reviewed_by = clinic.current_user_id(), review_note = btrim(review_emergency_access.note)
    WHERE e.tenant_id = tenant AND e.access_id = review_emergency_access.access_id;
END
$$;
ALTER FUNCTION clinic.review_emergency_access OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.review_emergency_access FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.review_emergency_access TO clinic_user;
COMMENT ON FUNCTION clinic.review_emergency_access IS
    'Records that somebody else has looked at an emergency access. Needs emergency:review.
access_id: from the view clinic.emergency_accesses; note: what was found. Errors: no_context, forbidden, not_found, bad_transition, 22004.';
