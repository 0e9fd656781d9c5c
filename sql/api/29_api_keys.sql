-- API keys of service accounts.
--
-- A key is clinic_ and the base64url (RFC 4648, section 5, no padding) of 64 bytes: tenant id (16), key id (16), secret (32); 93
-- characters in all. Kept in clinic_data.api_keys.key_hash is the SHA-256 of the 32 bytes of the secret. A call with the key has the
-- permissions of the key that the account's roles permit at that time too, at the account's branches.

CREATE FUNCTION clinic_private.first_beyond(permissions text[], granted text[])
    RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT w.permission
    FROM unnest(first_beyond.permissions) WITH ORDINALITY AS w (permission, position)
    WHERE NOT EXISTS (
        SELECT FROM unnest(first_beyond.granted) AS g (permission)
        WHERE g.permission = w.permission
           OR starts_with(w.permission, g.permission || ':') AND strpos(g.permission, ':') > 0
           OR right(g.permission, 1) = '*'
              AND (starts_with(w.permission, left(g.permission, -1)) OR w.permission || ':*' = g.permission))
    ORDER BY w.position LIMIT 1
$$;
COMMENT ON FUNCTION clinic_private.first_beyond(text[], text[]) IS 'The first permission of a list that another list does not cover; null when it covers all.';
REVOKE ALL ON FUNCTION clinic_private.first_beyond FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.first_beyond TO clinic_owner;

CREATE FUNCTION clinic_private.require_service_account(user_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    account record;
BEGIN
    SELECT u.kind, u.status, u.all_locations INTO account
    FROM clinic_data.users AS u
    WHERE u.tenant_id = tenant AND u.user_id = require_service_account.user_id
    FOR KEY SHARE;
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_error('not_found', format('user "%s" does not exist', require_service_account.user_id),
            jsonb_build_object('user_id', require_service_account.user_id));
    END IF;
    IF account.kind <> 'service' THEN
        PERFORM clinic_private.refuse_argument('user_id', 'only service accounts have API keys',
            hint => 'Make one with clinic.create_user, kind service.');
    END IF;
    IF account.status <> 'active' THEN
        PERFORM clinic_private.raise_error('inactive', format('user "%s" is not active', require_service_account.user_id),
            jsonb_build_object('user_id', require_service_account.user_id));
    END IF;
    IF account.all_locations AND NOT clinic.sees_all_locations()
       OR EXISTS (SELECT FROM clinic_data.user_locations AS l
                  WHERE l.tenant_id = tenant AND l.user_id = require_service_account.user_id
                    AND NOT clinic.sees_location(l.location_id))
    THEN
        PERFORM clinic_private.raise_error('forbidden',
            format('user "%s" does not work at your branches alone', require_service_account.user_id),
            jsonb_build_object('user_id', require_service_account.user_id), 'Nobody grants outside their branches.');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_service_account(uuid) IS
    'Refuses whoever is no active service account of the tenant, or acts at branches that the caller does not.
Errors: not_found, inactive, forbidden, 22023.';
REVOKE ALL ON FUNCTION clinic_private.require_service_account FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_service_account TO clinic_owner;

CREATE FUNCTION clinic.create_api_key(
    user_id uuid,
    name text,
    permissions text[] DEFAULT NULL,
    calls_per_hour integer DEFAULT 1000,
    expires_at timestamptz DEFAULT NULL)
    RETURNS TABLE (key_id uuid, api_key text)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 1 SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('tokens:write');
    account_permissions text[];
    wanted text[];
    beyond text;
    new_id uuid := clinic.new_id();
    secret bytea := clinic_private.random_bytes(32);
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('user_id', create_api_key.user_id, 'name', create_api_key.name,
        'calls_per_hour', create_api_key.calls_per_hour));
    IF length(btrim(create_api_key.name)) NOT BETWEEN 1 AND 100 THEN
        PERFORM clinic_private.refuse_argument('name', 'name must have 1 to 100 characters');
    END IF;
    IF create_api_key.calls_per_hour NOT BETWEEN 1 AND 1000000 THEN
        PERFORM clinic_private.refuse_argument('calls_per_hour', 'calls_per_hour must be between 1 and 1000000');
    END IF;
    IF NOT isfinite(create_api_key.expires_at) OR create_api_key.expires_at <= clinic.now() THEN
        PERFORM clinic_private.refuse_argument('expires_at', 'expires_at must lie in the future',
            hint => 'Leave it null for a key that is good until it is revoked.');
    END IF;
    PERFORM clinic_private.require_service_account(create_api_key.user_id);
    account_permissions := clinic_private.role_permissions_of(create_api_key.user_id);
    wanted := coalesce(create_api_key.permissions, account_permissions);
    IF cardinality(wanted) = 0 THEN
        PERFORM clinic_private.refuse_argument('permissions', 'the key would permit nothing',
            hint => 'Give the service account a role first, or name permissions.');
    END IF;
    PERFORM clinic_private.require_permissions_formed(wanted);
    beyond := clinic_private.first_beyond(wanted, account_permissions);
    IF beyond IS NOT NULL THEN
        PERFORM clinic_private.raise_error('forbidden', format('the service account does not have permission "%s"', beyond),
            jsonb_build_object('permission', beyond), 'A key permits nothing that its account may not do.');
    END IF;
    PERFORM clinic_private.require_grantable(wanted, 'service');

    INSERT INTO clinic_data.api_keys (tenant_id, key_id, user_id, name, key_hash, permissions, calls_per_hour, expires_at, created_at,
        created_by)
    VALUES (tenant, new_id, create_api_key.user_id, btrim(create_api_key.name), sha256(secret), wanted, create_api_key.calls_per_hour,
        create_api_key.expires_at, clinic.now(), clinic.current_user_id());
    PERFORM clinic_private.record_sign_in('api_key_made', create_api_key.user_id, clinic_private.request_facts());
    RETURN QUERY SELECT new_id, 'clinic_' || clinic_private.to_base64url(uuid_send(tenant) || uuid_send(new_id) || secret);
END
$$;
ALTER FUNCTION clinic.create_api_key OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.create_api_key FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.create_api_key TO clinic_user;
COMMENT ON FUNCTION clinic.create_api_key IS
    'Makes an API key of a service account, and returns it: the only time that it is shown. Needs tokens:write and every permission of the key.
user_id: an active user of kind service whose branches are all the caller''s; name: what the key is used for, 1 to 100 characters;
permissions: what it may do, of what the account may, by default all of that; calls_per_hour: where rate limits are on, 1 to 1000000;
expires_at: when it dies, by default when it is revoked.
Errors: no_context, forbidden, not_found, inactive, 22004, 22023.';

CREATE FUNCTION clinic.revoke_api_key(key_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('tokens:write');
    account uuid;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('key_id', revoke_api_key.key_id));
    UPDATE clinic_data.api_keys AS k
    SET revoked_at = coalesce(k.revoked_at, clinic.now())
    WHERE k.tenant_id = tenant AND k.key_id = revoke_api_key.key_id
    RETURNING k.user_id INTO account;
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_error('not_found', format('API key "%s" does not exist', revoke_api_key.key_id),
            jsonb_build_object('key_id', revoke_api_key.key_id));
    END IF;
    PERFORM clinic_private.record_sign_in('api_key_revoked', account, clinic_private.request_facts());
END
$$;
ALTER FUNCTION clinic.revoke_api_key OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.revoke_api_key FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.revoke_api_key TO clinic_user;
COMMENT ON FUNCTION clinic.revoke_api_key IS
    'Revokes an API key from the next transaction on; revoking a revoked one is no error. Needs tokens:write.
key_id: from clinic.api_keys. Errors: no_context, forbidden, not_found, 22004.';

CREATE FUNCTION clinic.api_keys()
    RETURNS TABLE (key_id uuid, user_id uuid, name text, permissions text[], calls_per_hour integer, expires_at timestamptz,
                   revoked_at timestamptz, created_at timestamptz, created_by uuid)
    LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10 SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('tokens:write');
BEGIN
    RETURN QUERY
    SELECT k.key_id, k.user_id, k.name, k.permissions, k.calls_per_hour, k.expires_at, k.revoked_at, k.created_at, k.created_by
    FROM clinic_data.api_keys AS k
    WHERE k.tenant_id = tenant
    ORDER BY k.created_at DESC, k.key_id DESC;
END
$$;
ALTER FUNCTION clinic.api_keys OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.api_keys FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.api_keys TO clinic_user;
COMMENT ON FUNCTION clinic.api_keys IS
    'Lists the API keys of the tenant, the newest first, without anything secret. Needs tokens:write.
user_id: the service account; permissions: what the key may do, of what the account may. Errors: no_context, forbidden.';
