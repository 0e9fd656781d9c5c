-- One-time codes: six digits, sent to a phone or an e-mail address, good for ten minutes and five attempts.
--
-- Kept is the SHA-256 of code_id (16 bytes) and the six digits. A code can be asked for three times a minute with an identifier,
-- whether it belongs to somebody or not; who asks learns nothing.

CREATE FUNCTION clinic_private.code_hash(code_id uuid, code text)
    RETURNS bytea
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN sha256(uuid_send(code_id) || convert_to(code, 'UTF8'));
COMMENT ON FUNCTION clinic_private.code_hash(uuid, text) IS 'What is kept of a one-time code.';
REVOKE ALL ON FUNCTION clinic_private.code_hash FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.code_hash TO clinic_owner;

-- Whoever asks in the same moment is refused instead of waiting: a lock that somebody holds must keep nobody.
CREATE FUNCTION clinic_private.require_code_allowance(tenant_id uuid, identifier_hash bytea)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    identifier text := encode(require_code_allowance.identifier_hash, 'hex');
    recent record;
    seconds integer := 1;
BEGIN
    IF pg_try_advisory_xact_lock(hashtextextended('clinic.request_code:' || identifier, 0)) THEN
        SELECT c.number, c.first_at INTO recent
        FROM clinic_private.codes_since(require_code_allowance.tenant_id, identifier, clinic.now() - interval '1 minute') AS c;
        IF recent.number < 3 THEN
            RETURN;
        END IF;
        seconds := greatest(1, ceil(extract(epoch FROM recent.first_at + interval '1 minute' - clinic.now())));
    END IF;
    PERFORM clinic_private.raise_error('rate_limited', NULL, jsonb_build_object('retry_after_seconds', seconds));
END
$$;
COMMENT ON FUNCTION clinic_private.require_code_allowance(uuid, bytea) IS
    'Refuses a fourth code within a minute for one identifier, counted exactly in every isolation level. Errors: rate_limited.';
REVOKE ALL ON FUNCTION clinic_private.require_code_allowance FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_code_allowance TO clinic_owner;

CREATE FUNCTION clinic.request_code(tenant text, identifier text, purpose text DEFAULT 'sign_in')
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    subject record;
    account record;
    recipient uuid;
    new_id uuid := clinic.new_id();
    new_message_id uuid := clinic.new_id();
    code text := clinic_private.random_code();
    until timestamptz := clinic.now() + interval '10 minutes';
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('purpose', request_code.purpose));
    IF request_code.purpose NOT IN ('sign_in', 'reset_password', 'verify') THEN
        PERFORM clinic_private.refuse_argument('purpose', 'purpose must be sign_in, reset_password or verify');
    END IF;
    SELECT * INTO subject FROM clinic_private.enter_sign_in(request_code.tenant, request_code.identifier);
    IF subject.tenant_id IS NULL THEN
        RETURN;
    END IF;
    PERFORM clinic_private.require_code_allowance(subject.tenant_id, subject.identifier_hash);
    SELECT * INTO account FROM clinic_private.account_state(subject.tenant_id, subject.user_id, clinic.now());
    recipient := CASE WHEN account.active THEN subject.user_id END;

    -- A newer code replaces those before; what is a day old serves nothing any more.
    UPDATE clinic_data.one_time_codes AS o
    SET used_at = clinic.now()
    WHERE o.tenant_id = subject.tenant_id AND o.identifier_hash = subject.identifier_hash AND o.purpose = request_code.purpose
      AND o.used_at IS NULL;
    DELETE FROM clinic_data.one_time_codes AS o
    WHERE o.tenant_id = subject.tenant_id AND o.identifier_hash = subject.identifier_hash
      AND o.created_at < clinic.now() - interval '24:00:00';
    INSERT INTO clinic_data.one_time_codes (tenant_id, code_id, identifier_hash, purpose, user_id, code_hash, created_at, expires_at)
    VALUES (subject.tenant_id, new_id, subject.identifier_hash, request_code.purpose, recipient,
        clinic_private.code_hash(new_id, code), clinic.now(), until);
    IF recipient IS NOT NULL THEN
        INSERT INTO clinic_data.outbox (tenant_id, message_id, topic, channel, destination, payload, created_at, due_at, expires_at)
        VALUES (subject.tenant_id, new_message_id, 'one_time_code', CASE subject.kind WHEN 'phone' THEN 'sms' ELSE 'email' END,
            clinic_private.keep_secret(subject.value, clinic_private.secret_place('outbox', new_message_id::text, 'destination')),
            clinic_private.keep_secret(jsonb_build_object('code', code, 'purpose', request_code.purpose, 'expires_at', until)::text,
                clinic_private.secret_place('outbox', new_message_id::text, 'payload')),
            clinic.now(), clinic.now(), until);
    END IF;
    PERFORM clinic_private.record_sign_in('code_requested', recipient, subject.facts, NULL, subject.identifier_hash);
    PERFORM clinic_private.restore_context(subject.saved);
END
$$;
ALTER FUNCTION clinic.request_code OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.request_code FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.request_code TO clinic_anon, clinic_user;
COMMENT ON FUNCTION clinic.request_code IS
    'Sends a one-time code of six digits, good for 10 minutes and five attempts, through clinic_data.outbox; it replaces those before.
Returns nothing, whether the identifier belongs to somebody or not.
tenant: its slug; identifier: an e-mail address, or a phone number with + and country code; purpose: sign_in, reset_password or verify.
Errors: rate_limited for a fourth code within a minute, or while another is being made; key_unavailable, for all alike; 22004, 22023.';

-- ----------------------------------------------------------------------------------------------------------------------
-- Using a code.

CREATE FUNCTION clinic_private.apart_code_tried(argument jsonb)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    UPDATE clinic_data.one_time_codes AS o
    SET attempts = o.attempts + 1
    WHERE o.tenant_id = (apart_code_tried.argument ->> 'tenant_id')::uuid
      AND o.code_id = (apart_code_tried.argument ->> 'code_id')::uuid;
END
$$;
REVOKE ALL ON FUNCTION clinic_private.apart_code_tried FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.apart_code_tried TO clinic_system;
COMMENT ON FUNCTION clinic_private.apart_code_tried IS
    'Task code_tried of clinic_private.run_apart(): counts an attempt with a one-time code. argument: tenant_id, code_id.';

-- The attempt is counted first, apart from this transaction, and only then is the code compared: however many guess at once, and
-- whatever they roll back, no more than five are compared.
CREATE FUNCTION clinic_private.code_fits(tenant_id uuid, identifier_hash bytea, purpose text, code text, OUT code_id uuid, OUT user_id uuid)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    identifier text := encode(code_fits.identifier_hash, 'hex');
    first record;
    live record;
BEGIN
    SELECT * INTO first
    FROM clinic_private.live_code(code_fits.tenant_id, identifier, code_fits.purpose, clinic.now()) AS l
    WHERE l.attempts < 5;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM clinic_private.do_apart('code_tried', jsonb_build_object('tenant_id', code_fits.tenant_id, 'code_id', first.code_id));
    SELECT * INTO live
    FROM clinic_private.live_code(code_fits.tenant_id, identifier, code_fits.purpose, clinic.now()) AS l
    WHERE l.code_id = first.code_id AND l.attempts BETWEEN first.attempts + 1 AND 5;
    IF FOUND AND live.user_id IS NOT NULL
       AND clinic_private.same_secret(clinic_private.code_hash(live.code_id, code_fits.code), decode(live.code_hash, 'hex'))
    THEN
        code_id := live.code_id;
        user_id := live.user_id;
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.code_fits(uuid, bytea, text, text) IS
    'The code that was sent to an identifier for a purpose, and its user, when it is live and this is it; else nulls. Counts the attempt
before it compares. Errors: busy.';
REVOKE ALL ON FUNCTION clinic_private.code_fits FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.code_fits TO clinic_owner;

CREATE FUNCTION clinic_private.use_code(tenant_id uuid, user_id uuid, kind text, value text, identifier_hash bytea, purpose text,
    event_kind text, code text, facts jsonb)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    fitting record;
    account record;
    used boolean := false;
BEGIN
    SELECT * INTO fitting
    FROM clinic_private.code_fits(use_code.tenant_id, use_code.identifier_hash, use_code.purpose, use_code.code);
    SELECT * INTO account FROM clinic_private.account_state(use_code.tenant_id, use_code.user_id, clinic.now());
    IF account.active AND NOT account.locked AND fitting.user_id = use_code.user_id THEN
        UPDATE clinic_data.one_time_codes AS o
        SET used_at = clinic.now()
        WHERE o.tenant_id = use_code.tenant_id AND o.code_id = fitting.code_id AND o.used_at IS NULL;
        used := FOUND;
    END IF;
    IF NOT used THEN
        PERFORM clinic_private.refuse_sign_in(use_code.event_kind, use_code.tenant_id, use_code.user_id, use_code.identifier_hash,
            fitting.code_id IS NULL AND NOT account.locked, use_code.facts);
    END IF;
    UPDATE clinic_data.user_identifiers AS i
    SET verified_at = clinic.now()
    WHERE i.tenant_id = use_code.tenant_id AND i.kind = use_code.kind AND i.identifier_hash = use_code.identifier_hash AND i.verified_at IS NULL;
END
$$;
COMMENT ON FUNCTION clinic_private.use_code(uuid, uuid, text, text, bytea, text, text, text, jsonb) IS
    'Uses a one-time code up; its identifier is proven by that. The first arguments are those of clinic_private.enter_sign_in; event_kind: of
the failure that is recorded. A locked account stays locked. Errors: invalid_credentials, busy.';
REVOKE ALL ON FUNCTION clinic_private.use_code FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.use_code TO clinic_owner;

CREATE FUNCTION clinic.sign_in_with_code(tenant text, identifier text, code text)
    RETURNS TABLE (access_token text, token_type text, expires_in integer, refresh_token text, refresh_expires_at timestamptz,
                   user_id uuid, tenant_id uuid)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 1 SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    subject record;
    opened record;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('code', sign_in_with_code.code));
    SELECT * INTO subject FROM clinic_private.enter_sign_in(sign_in_with_code.tenant, sign_in_with_code.identifier);
    PERFORM clinic_private.use_code(subject.tenant_id, subject.user_id, subject.kind, subject.value, subject.identifier_hash, 'sign_in',
        'code_used', sign_in_with_code.code, subject.facts);
    SELECT * INTO opened
    FROM clinic_private.open_session(subject.user_id, 'code', 'code_used', subject.identifier_hash, subject.facts);
    PERFORM clinic_private.restore_context(subject.saved);
    RETURN QUERY SELECT opened.access_token, 'Bearer', 900, opened.refresh_token, opened.refresh_expires_at, subject.user_id,
                        subject.tenant_id;
END
$$;
ALTER FUNCTION clinic.sign_in_with_code OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.sign_in_with_code FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.sign_in_with_code TO clinic_anon, clinic_user;
COMMENT ON FUNCTION clinic.sign_in_with_code IS
    'Signs a user in with a one-time code of purpose sign_in; returns what clinic.sign_in does.
tenant: its slug; identifier: that the code was sent to; code: six digits. Wrong codes count towards locking the account, as wrong
passwords do.
Errors: invalid_credentials, whatever the reason: unknown, wrong, used, replaced or expired code, five attempts made, inactive or locked
account; rate_limited, busy, 22004.';

CREATE FUNCTION clinic.verify_identifier(tenant text, identifier text, code text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    subject record;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('code', verify_identifier.code));
    SELECT * INTO subject FROM clinic_private.enter_sign_in(verify_identifier.tenant, verify_identifier.identifier);
    PERFORM clinic_private.use_code(subject.tenant_id, subject.user_id, subject.kind, subject.value, subject.identifier_hash, 'verify',
        'code_used', verify_identifier.code, subject.facts);
    PERFORM clinic_private.record_sign_in('code_used', subject.user_id, subject.facts, NULL, subject.identifier_hash);
    PERFORM clinic_private.restore_context(subject.saved);
END
$$;
ALTER FUNCTION clinic.verify_identifier OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.verify_identifier FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.verify_identifier TO clinic_anon, clinic_user;
COMMENT ON FUNCTION clinic.verify_identifier IS
    'Proves with a one-time code of purpose verify that a user receives what is sent to an identifier; nobody is signed in by it.
Errors: as clinic.sign_in_with_code.';
