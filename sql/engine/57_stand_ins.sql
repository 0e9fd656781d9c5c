-- Stand-ins for functions that other parts bring.
CREATE FUNCTION clinic_private.sign_access_token(tenant_id uuid, user_id uuid, session_id uuid, lifetime interval) RETURNS text LANGUAGE sql VOLATILE
    AS $$ SELECT concat_ws('.', $1, $2, $3, extract(epoch FROM $4)::int) $$;
CREATE FUNCTION clinic_private.count_call(call_class text, key text, limit_override integer) RETURNS TABLE (counted boolean, allowed boolean, call_limit integer, remaining integer, reset_seconds integer, retry_after_seconds integer)
    LANGUAGE sql VOLATILE AS $$ SELECT false, true, 5, 5, 60, NULL::integer $$;
CREATE FUNCTION clinic_private.run_apart(task text, argument jsonb) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF task = 'code_tried' THEN
        UPDATE clinic_data.one_time_codes AS o SET attempts = o.attempts + 1 WHERE o.tenant_id = (argument ->> 'tenant_id')::uuid AND o.code_id = (argument ->> 'code_id')::uuid;
    END IF;
    RETURN true;
END $$;
GRANT EXECUTE ON FUNCTION clinic_private.sign_access_token, clinic_private.count_call, clinic_private.run_apart TO clinic_owner;
