-- Passwords: set by users themselves, with the old one or a one-time code; administrators can only take them away.

CREATE FUNCTION clinic_private.require_good_password(user_id uuid, new_password text, identifier text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    fault text := clinic_private.password_fault(require_good_password.new_password);
BEGIN
    -- Without the blanks and signs that a phone number may be written with, too.
    IF fault IS NULL AND EXISTS (
        SELECT FROM clinic_data.user_identifiers AS i
        WHERE i.tenant_id = clinic.current_tenant_id() AND i.user_id = require_good_password.user_id
          AND (i.identifier_hash = clinic_private.identifier_hash(i.tenant_id, i.kind, lower(require_good_password.new_password))
               OR i.kind = 'phone'
                  AND i.identifier_hash = clinic_private.identifier_hash(i.tenant_id, i.kind,
                          '+' || regexp_replace(require_good_password.new_password, '[^0-9]', '', 'g'))
                  AND require_good_password.new_password ~ '^[-+0-9() ./]+$'))
       OR lower(require_good_password.new_password) = lower(require_good_password.identifier)
    THEN
        fault := 'is the identifier itself';
    END IF;
    IF fault IS NOT NULL THEN
        PERFORM clinic_private.refuse_argument('new_password', 'new_password ' || fault,
            hint => 'Choose a password of 10 to 72 bytes that nobody guesses, such as four words.');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_good_password(uuid, text, text) IS
    'Refuses a password that is too short, too long (bcrypt ignores what follows 72 bytes), one of the commonest, or an identifier of the
user. Errors: 22023, without the password.';
REVOKE ALL ON FUNCTION clinic_private.require_good_password FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_good_password TO clinic_owner;

CREATE FUNCTION clinic_private.put_password(user_id uuid, new_password text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    INSERT INTO clinic_data.credentials AS c (tenant_id, user_id, password_hash, password_changed_at)
    VALUES (clinic.current_tenant_id(), put_password.user_id, clinic_private.hash_password(put_password.new_password), clinic.now())
    ON CONFLICT ON CONSTRAINT credentials_pkey DO UPDATE
    SET password_hash = excluded.password_hash, password_changed_at = excluded.password_changed_at, failed_count = 0,
        locked_until = NULL;
END
$$;
COMMENT ON FUNCTION clinic_private.put_password(uuid, text) IS 'Keeps the hash of a user''s new password, and forgets the failures with the old one.';
REVOKE ALL ON FUNCTION clinic_private.put_password FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.put_password TO clinic_owner;

CREATE FUNCTION clinic.set_password(new_password text, old_password text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    caller uuid := clinic_private.require_user();
    tenant uuid := clinic.current_tenant_id();
    facts jsonb := clinic_private.request_facts();
    before record;
    after record;
    fits boolean;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('new_password', set_password.new_password));
    PERFORM clinic_private.require_good_password(caller, set_password.new_password);
    SELECT * INTO before FROM clinic_private.account_state(tenant, caller, clinic.now());
    IF NOT before.active THEN
        PERFORM clinic_private.raise_error('forbidden', 'a service account has API keys, and no password',
            jsonb_build_object('user_id', caller), 'Call clinic.create_api_key.');
    END IF;
    IF before.password_hash IS NOT NULL THEN
        PERFORM clinic_private.require_arguments(jsonb_build_object('old_password', set_password.old_password));
        PERFORM clinic_private.require_login_calls('user:' || caller);
        fits := clinic_private.password_matches(set_password.old_password, before.password_hash);
        SELECT * INTO after FROM clinic_private.account_state(tenant, caller, clinic.now());
        IF NOT fits OR after.locked OR after.password_hash IS DISTINCT FROM before.password_hash THEN
            PERFORM clinic_private.refuse_sign_in('password_changed', tenant, caller, NULL, NOT fits AND NOT after.locked, facts);
        END IF;
    END IF;
    PERFORM clinic_private.put_password(caller, set_password.new_password);
    PERFORM clinic_private.end_sessions(caller, 'password_changed', clinic_private.current_session_id());
    PERFORM clinic_private.record_sign_in('password_changed', caller, facts, clinic_private.current_session_id());
END
$$;
ALTER FUNCTION clinic.set_password OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.set_password FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.set_password TO clinic_user;
COMMENT ON FUNCTION clinic.set_password IS
    'Sets the caller''s own password, and ends the caller''s other sessions.
new_password: 10 to 72 bytes, none of the commonest, no identifier of the user; old_password: needed where there is one.
Errors: no_context, forbidden without a user and for service accounts, 22023, 22004, invalid_credentials for a wrong old password or
a locked account, rate_limited, busy.';

CREATE FUNCTION clinic.reset_password(tenant text, identifier text, code text, new_password text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    subject record;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('code', reset_password.code,
        'new_password', reset_password.new_password));
    -- Before the code, so that a poor password does not use it up; of the account nothing is asked yet.
    PERFORM clinic_private.require_good_password(NULL, reset_password.new_password, reset_password.identifier);
    SELECT * INTO subject FROM clinic_private.enter_sign_in(reset_password.tenant, reset_password.identifier);
    PERFORM clinic_private.use_code(subject.tenant_id, subject.user_id, subject.kind, subject.value, subject.identifier_hash,
        'reset_password', 'password_reset', reset_password.code, subject.facts);
    PERFORM clinic_private.require_good_password(subject.user_id, reset_password.new_password);
    PERFORM clinic_private.put_password(subject.user_id, reset_password.new_password);
    PERFORM clinic_private.end_sessions(subject.user_id, 'password_changed');
    PERFORM clinic_private.record_sign_in('password_reset', subject.user_id, subject.facts, NULL, subject.identifier_hash);
    PERFORM clinic_private.restore_context(subject.saved);
END
$$;
ALTER FUNCTION clinic.reset_password OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.reset_password FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.reset_password TO clinic_anon, clinic_user;
COMMENT ON FUNCTION clinic.reset_password IS
    'Sets a new password by a one-time code, and ends all sessions of the user.
tenant: its slug; identifier: that the code was sent to; code: asked for with clinic.request_code and purpose reset_password;
new_password: as for clinic.set_password.
Errors: invalid_credentials, whatever is wrong with tenant, identifier, code or account; 22023, 22004, rate_limited, busy.';

CREATE FUNCTION clinic.require_password_reset(user_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('user_id', require_password_reset.user_id));
    PERFORM clinic.end_sessions_of(require_password_reset.user_id);
    UPDATE clinic_data.credentials AS c
    SET password_hash = NULL, password_changed_at = clinic.now(), failed_count = 0, locked_until = NULL
    WHERE c.tenant_id = clinic.current_tenant_id() AND c.user_id = require_password_reset.user_id;
    PERFORM clinic_private.record_sign_in('password_reset', require_password_reset.user_id, clinic_private.request_facts());
END
$$;
ALTER FUNCTION clinic.require_password_reset OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.require_password_reset FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.require_password_reset TO clinic_user;
COMMENT ON FUNCTION clinic.require_password_reset IS
    'Takes a user''s password away and ends their sessions: they come in by a one-time code only, and set a new one. Nobody sets the
password of somebody else. Needs users:write, or users:write:branch for users of the caller''s own branches; never over a user who may do
more than the caller.
Errors: no_context, forbidden, not_found, 22004.';
