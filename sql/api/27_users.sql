-- Users: people and programs that act in the tenant, where they act, and what they sign in by. Whom the caller may change,
-- and what may be granted, is decided in 26_delegation.sql.

CREATE FUNCTION clinic_private.normal_identifier(kind text, value text, argument text DEFAULT NULL)
    RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    normal text;
BEGIN
    CASE normal_identifier.kind
        WHEN 'email' THEN
            normal := lower(btrim(normal_identifier.value, E' \t\r\n'));
            IF (normal ~ '^[^@\s]+@[^@\s]+\.[^@\s]+$' AND length(normal) <= 254) IS NOT TRUE THEN
                PERFORM clinic_private.refuse_argument(coalesce(normal_identifier.argument, 'email'), 'the e-mail address is not well formed',
                    hint => 'Write it like name@example.org, with at most 254 characters.');
            END IF;
        WHEN 'phone' THEN
            normal := regexp_replace(normal_identifier.value, '[\s()\[\]\-]', '', 'g');
            IF (normal ~ '^\+[1-9][0-9]{6,14}$') IS NOT TRUE THEN
                PERFORM clinic_private.refuse_argument(coalesce(normal_identifier.argument, 'phone'), 'the phone number is not in international form',
                    hint => 'Write it with + and country code, 7 to 15 digits; blanks, hyphens and brackets do not matter.');
            END IF;
        ELSE
            PERFORM clinic_private.refuse_argument('kind', 'kind must be email or phone');
    END CASE;
    RETURN normal;
END
$$;
COMMENT ON FUNCTION clinic_private.normal_identifier(text, text, text) IS
    'The form in which an e-mail address (lower case, trimmed) or phone number (E.164) is kept. No error shows the value.
kind: email or phone; argument: what errors name, null for the kind. Errors: 22023.';
REVOKE ALL ON FUNCTION clinic_private.normal_identifier FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.normal_identifier TO clinic_owner;

-- Without a look at rights: for functions that have looked.
CREATE FUNCTION clinic_private.add_user_location(user_id uuid, location_id uuid, is_primary boolean)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
BEGIN
    IF add_user_location.is_primary THEN
        UPDATE clinic_data.user_locations AS l
        SET is_primary = false
        WHERE l.tenant_id = tenant AND l.user_id = add_user_location.user_id AND l.is_primary;
    END IF;
    INSERT INTO clinic_data.user_locations AS l (tenant_id, user_id, location_id, is_primary)
    VALUES (tenant, add_user_location.user_id, add_user_location.location_id, add_user_location.is_primary)
    ON CONFLICT ON CONSTRAINT user_locations_pkey DO UPDATE SET is_primary = excluded.is_primary;
END
$$;
COMMENT ON FUNCTION clinic_private.add_user_location(uuid, uuid, boolean) IS
    'Writes that a user acts at a branch; a user has one primary branch at most.';
REVOKE ALL ON FUNCTION clinic_private.add_user_location FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.add_user_location TO clinic_owner;

-- A user's roles and branches are part of the user: changing them makes a new version.
CREATE FUNCTION clinic_private.touch_user(user_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    UPDATE clinic_data.users AS u
    SET version = u.version + 1
    WHERE u.tenant_id = clinic.current_tenant_id() AND u.user_id = touch_user.user_id;
END
$$;
COMMENT ON FUNCTION clinic_private.touch_user(uuid) IS 'Gives a user the next version, for a change in another table.';
REVOKE ALL ON FUNCTION clinic_private.touch_user FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.touch_user TO clinic_owner;

CREATE FUNCTION clinic.create_user(
    kind text,
    name text,
    email text DEFAULT NULL,
    phone text DEFAULT NULL,
    roles text[] DEFAULT NULL,
    location_ids uuid[] DEFAULT '{}',
    all_locations boolean DEFAULT false,
    provider_id uuid DEFAULT NULL,
    patient_id uuid DEFAULT NULL,
    user_id uuid DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_users_write();
    new_id uuid := coalesce(create_user.user_id, clinic.new_id());
    wanted text[] := coalesce(create_user.roles, CASE create_user.kind WHEN 'patient' THEN '{patient}' ELSE '{}' END::text[]);
    one_role text;
    place uuid;
    position bigint;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'kind', create_user.kind, 'name', create_user.name, 'location_ids', create_user.location_ids,
        'all_locations', create_user.all_locations));
    PERFORM clinic_private.refuse_self(new_id, 'rights');
    IF create_user.all_locations THEN
        PERFORM clinic_private.require_all_locations();
    END IF;
    IF create_user.provider_id IS NOT NULL THEN
        PERFORM clinic_private.require_row('provider', create_user.provider_id);
    END IF;
    IF create_user.patient_id IS NOT NULL THEN
        PERFORM clinic_private.require_permission('patients:write'), clinic_private.require_permission('patients:read');
        PERFORM clinic_private.require_row('patient', create_user.patient_id);
        PERFORM clinic_private.require_whole_record(create_user.patient_id);
    END IF;
    PERFORM clinic_private.insert_row('users', jsonb_build_object(
        'user_id', new_id,
        'kind', create_user.kind,
        'name', create_user.name,
        'provider_id', create_user.provider_id,
        'patient_id', create_user.patient_id,
        'all_locations', create_user.all_locations));

    IF create_user.kind = 'patient' AND (create_user.all_locations OR cardinality(create_user.location_ids) > 0) THEN
        PERFORM clinic_private.refuse_argument('location_ids', 'a patient works at no location');
    END IF;
    FOR place, position IN
        SELECT w.location_id, min(w.position)
        FROM unnest(create_user.location_ids) WITH ORDINALITY AS w (location_id, position)
        GROUP BY w.location_id
        ORDER BY min(w.position)
    LOOP
        PERFORM clinic_private.require_arguments(jsonb_build_object('location_ids', place));
        PERFORM clinic_private.require_grantable_location(place);
        PERFORM clinic_private.add_user_location(new_id, place, position = 1);
    END LOOP;
    -- The branches of a caller who may change users there alone; and an id that a mapped login has already.
    PERFORM clinic_private.require_governed(new_id);
    FOR one_role IN SELECT DISTINCT r.role FROM unnest(wanted) AS r (role) ORDER BY r.role LOOP
        PERFORM clinic_private.require_arguments(jsonb_build_object('roles', one_role));
        PERFORM clinic_private.add_user_role(new_id, create_user.kind, one_role);
    END LOOP;

    IF create_user.kind = 'staff' THEN
        PERFORM clinic_private.insert_row('staff_profiles', jsonb_build_object('user_id', new_id));
    END IF;
    IF create_user.email IS NOT NULL THEN
        PERFORM clinic_private.insert_row('user_identifiers',
            clinic_private.identifier_row(new_id, 'email', clinic_private.normal_identifier('email', create_user.email)));
    END IF;
    IF create_user.phone IS NOT NULL THEN
        PERFORM clinic_private.insert_row('user_identifiers',
            clinic_private.identifier_row(new_id, 'phone', clinic_private.normal_identifier('phone', create_user.phone)));
    END IF;
    RETURN new_id;
END
$$;
ALTER FUNCTION clinic.create_user OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.create_user FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.create_user TO clinic_user;
COMMENT ON FUNCTION clinic.create_user IS
    'Makes a user of the tenant, and returns the id. Needs users:write, or users:write:branch for users of the caller''s own branches;
for a patient''s account patients:read and patients:write too.
kind: staff, patient or service (a program); name: shown to colleagues; email, phone: by what the user signs in, phone with + and
country code; roles: names of clinic.roles, by default patient for a patient and none for others; location_ids: where the user
works, the first is the primary; all_locations: everywhere; provider_id: the provider that this member of staff is; patient_id: the
patient, for kind patient; user_id: for somebody who is a user of another tenant too, and for imports.
Nobody grants what they do not have, nor outside their branches.
Errors: no_context, forbidden, not_found, duplicate, 22004, 22023.';

CREATE FUNCTION clinic.update_user(user_id uuid, changes jsonb)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_users_write();
    allowed text[] := ARRAY['name', 'provider_id', 'all_locations'];
    user_kind text;
    checked jsonb;
    before record;
    after record;
    new_version integer;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('user_id', update_user.user_id));
    user_kind := clinic_private.require_governed(update_user.user_id);
    checked := clinic_private.checked_changes(update_user.changes, allowed);
    SELECT u.provider_id, u.all_locations INTO before
    FROM clinic_data.users AS u
    WHERE u.tenant_id = tenant AND u.user_id = update_user.user_id;

    new_version := clinic_private.update_row('users', 'user_id', update_user.user_id, checked, allowed);

    SELECT u.provider_id, u.all_locations INTO after
    FROM clinic_data.users AS u
    WHERE u.tenant_id = tenant AND u.user_id = update_user.user_id;
    IF after.all_locations AND NOT before.all_locations THEN
        IF user_kind = 'patient' THEN
            PERFORM clinic_private.refuse_argument('all_locations', 'a patient works at no location');
        END IF;
        PERFORM clinic_private.refuse_self(update_user.user_id, 'branches');
        PERFORM clinic_private.require_all_locations();
    END IF;
    IF after.provider_id IS DISTINCT FROM before.provider_id AND after.provider_id IS NOT NULL THEN
        PERFORM clinic_private.require_row('provider', after.provider_id);
    END IF;
    IF after.provider_id IS DISTINCT FROM before.provider_id THEN
        -- What the user may do with their own, and which patients they see, follows the provider.
        PERFORM clinic_private.refuse_self(update_user.user_id, 'provider');
        PERFORM clinic_private.require_grantable(clinic_private.permissions_of(update_user.user_id), user_kind);
        PERFORM clinic_private.refuse_beyond_care(update_user.user_id, clinic_private.permissions_of(update_user.user_id));
    END IF;
    RETURN new_version;
END
$$;
ALTER FUNCTION clinic.update_user OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.update_user FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.update_user TO clinic_user;
COMMENT ON FUNCTION clinic.update_user IS
    'Changes a user, and returns the new version. Needs users:write, or users:write:branch for users of the caller''s own branches.
changes: an object of columns and new values: name, provider_id (the provider that a member of staff is), all_locations; with
"version", only that version is changed. Nobody changes a user who may do more than they, nor lifts themselves.
Errors: no_context, forbidden, not_found, 22004, 22023, duplicate, stale_version.';

CREATE FUNCTION clinic.deactivate_user(user_id uuid)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_users_write();
    new_version integer;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('user_id', deactivate_user.user_id));
    IF clinic_private.is_administrator(deactivate_user.user_id) THEN
        PERFORM clinic_private.lock_administrators();
    END IF;
    PERFORM clinic_private.require_governed(deactivate_user.user_id);
    UPDATE clinic_data.users AS u
    SET status = 'inactive', signed_out_at = clinic.now()
    WHERE u.tenant_id = tenant AND u.user_id = deactivate_user.user_id AND u.status = 'active'
    RETURNING u.version INTO new_version;
    IF new_version IS NULL THEN
        PERFORM clinic_private.raise_error('bad_transition', format('user "%s" is not active', deactivate_user.user_id),
            jsonb_build_object('user_id', deactivate_user.user_id, 'status', 'inactive'), NULL);
    END IF;
    UPDATE clinic_data.sessions AS s
    SET revoked_at = clinic.now(), revoke_reason = 'administrator'
    WHERE s.tenant_id = tenant AND s.user_id = deactivate_user.user_id AND s.revoked_at IS NULL;
    IF '*' = ANY (clinic_private.role_permissions_of(deactivate_user.user_id)) THEN
        PERFORM clinic_private.require_administrator_left();
    END IF;
    RETURN new_version;
END
$$;
ALTER FUNCTION clinic.deactivate_user OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.deactivate_user FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.deactivate_user TO clinic_user;
COMMENT ON FUNCTION clinic.deactivate_user IS
    'Takes a user''s access from the next transaction on, ends the sessions, and returns the user''s new version. The user keeps roles
and branches. Needs users:write, or users:write:branch for users of the caller''s own branches.
Nobody deactivates a user who may do more than they, and nobody the last active user with all permissions.
Errors: no_context, forbidden, not_found, bad_transition when the user is not active or is the last administrator, 22004.';

CREATE FUNCTION clinic.activate_user(user_id uuid)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_users_write();
    user_kind text;
    new_version integer;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('user_id', activate_user.user_id));
    user_kind := clinic_private.require_governed(activate_user.user_id);
    PERFORM clinic_private.require_grantable(clinic_private.permissions_of(activate_user.user_id), user_kind);
    PERFORM clinic_private.refuse_beyond_care(activate_user.user_id, clinic_private.permissions_of(activate_user.user_id));
    UPDATE clinic_data.users AS u
    SET status = 'active'
    WHERE u.tenant_id = tenant AND u.user_id = activate_user.user_id AND u.status <> 'active'
    RETURNING u.version INTO new_version;
    IF new_version IS NULL THEN
        PERFORM clinic_private.raise_error('bad_transition', format('user "%s" is active', activate_user.user_id),
            jsonb_build_object('user_id', activate_user.user_id, 'status', 'active'), NULL);
    END IF;
    RETURN new_version;
END
$$;
ALTER FUNCTION clinic.activate_user OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.activate_user FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.activate_user TO clinic_user;
COMMENT ON FUNCTION clinic.activate_user IS
    'Gives a deactivated user access again, with the roles and branches of before, and returns the new version. Sessions stay ended.
Needs users:write, or users:write:branch for users of the caller''s own branches, and all that the user may do.
Errors: no_context, forbidden, not_found, bad_transition when the user is active, 22004.';

CREATE FUNCTION clinic.assign_location(user_id uuid, location_id uuid, is_primary boolean DEFAULT false)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_users_write();
    user_kind text;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'user_id', assign_location.user_id, 'location_id', assign_location.location_id, 'is_primary', assign_location.is_primary));
    user_kind := clinic_private.require_governed(assign_location.user_id);
    IF user_kind = 'patient' THEN
        PERFORM clinic_private.refuse_argument('user_id', 'a patient works at no location');
    END IF;
    PERFORM clinic_private.require_grantable_location(assign_location.location_id);
    -- More branches are more of every permission that the user has.
    PERFORM clinic_private.require_grantable(clinic_private.permissions_of(assign_location.user_id), NULL);
    IF NOT EXISTS (SELECT FROM clinic_data.user_locations AS l
                   WHERE l.tenant_id = tenant AND l.user_id = assign_location.user_id AND l.location_id = assign_location.location_id)
       AND NOT EXISTS (SELECT FROM clinic_data.users AS u
                       WHERE u.tenant_id = tenant AND u.user_id = assign_location.user_id AND u.all_locations) THEN
        PERFORM clinic_private.refuse_self(assign_location.user_id, 'branches');
    END IF;
    PERFORM clinic_private.add_user_location(assign_location.user_id, assign_location.location_id, assign_location.is_primary);
    PERFORM clinic_private.touch_user(assign_location.user_id);
END
$$;
ALTER FUNCTION clinic.assign_location OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.assign_location FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.assign_location TO clinic_user;
COMMENT ON FUNCTION clinic.assign_location IS
    'Lets a user act at a location, from the next transaction on; a second call changes is_primary.
Needs users:write, or users:write:branch for users of the caller''s own branches; the location must be a branch of the caller.
is_primary: where the user is at home; one location at most. Errors: no_context, forbidden, not_found, 22004, 22023.';

CREATE FUNCTION clinic.withdraw_location(user_id uuid, location_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_users_write();
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'user_id', withdraw_location.user_id, 'location_id', withdraw_location.location_id));
    PERFORM clinic_private.require_governed(withdraw_location.user_id);
    DELETE FROM clinic_data.user_locations AS l
    WHERE l.tenant_id = tenant AND l.user_id = withdraw_location.user_id AND l.location_id = withdraw_location.location_id;
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_error('not_found',
            format('user "%s" does not work at location "%s"', withdraw_location.user_id, withdraw_location.location_id),
            jsonb_build_object('user_id', withdraw_location.user_id, 'location_id', withdraw_location.location_id), NULL);
    END IF;
    PERFORM clinic_private.touch_user(withdraw_location.user_id);
END
$$;
ALTER FUNCTION clinic.withdraw_location OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.withdraw_location FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.withdraw_location TO clinic_user;
COMMENT ON FUNCTION clinic.withdraw_location IS
    'Ends that a user acts at a location, from the next transaction on. Needs users:write, or users:write:branch for users of the
caller''s own branches. Errors: no_context, forbidden, not_found, 22004.';

CREATE FUNCTION clinic.add_identifier(user_id uuid, kind text, value text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_users_write();
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'user_id', add_identifier.user_id, 'kind', add_identifier.kind, 'value', add_identifier.value));
    PERFORM clinic_private.require_governed(add_identifier.user_id);
    PERFORM clinic_private.require_whole_record(u.patient_id)
    FROM clinic_data.users AS u
    WHERE u.tenant_id = tenant AND u.user_id = add_identifier.user_id AND u.patient_id IS NOT NULL;
    PERFORM clinic_private.insert_row('user_identifiers', clinic_private.identifier_row(add_identifier.user_id, add_identifier.kind,
        clinic_private.normal_identifier(add_identifier.kind, add_identifier.value, 'value')));
END
$$;
ALTER FUNCTION clinic.add_identifier OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.add_identifier FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.add_identifier TO clinic_user;
COMMENT ON FUNCTION clinic.add_identifier IS
    'Lets a user sign in by an e-mail address or phone number, which is unique in the tenant and not verified yet.
Needs users:write, or users:write:branch for users of the caller''s own branches; nobody adds one to a user who may do more than they.
kind: email or phone; value: an e-mail address, or a number with + and country code.
Errors: no_context, forbidden, not_found, duplicate, 22004, 22023; none shows the value.';

CREATE FUNCTION clinic.remove_identifier(user_id uuid, kind text, value text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_users_write();
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'user_id', remove_identifier.user_id, 'kind', remove_identifier.kind, 'value', remove_identifier.value));
    PERFORM clinic_private.require_governed(remove_identifier.user_id);
    DELETE FROM clinic_data.user_identifiers AS i
    WHERE i.tenant_id = tenant AND i.user_id = remove_identifier.user_id AND i.kind = remove_identifier.kind
      AND i.identifier_hash = clinic_private.identifier_hash(tenant, remove_identifier.kind,
              clinic_private.normal_identifier(remove_identifier.kind, remove_identifier.value, 'value'));
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_error('not_found', format('user "%s" has no such identifier', remove_identifier.user_id),
            jsonb_build_object('user_id', remove_identifier.user_id), NULL);
    END IF;
END
$$;
ALTER FUNCTION clinic.remove_identifier OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.remove_identifier FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.remove_identifier TO clinic_user;
COMMENT ON FUNCTION clinic.remove_identifier IS
    'Ends that a user signs in by an e-mail address or phone number. Needs users:write, or users:write:branch for users of the
caller''s own branches. kind: email or phone; value: as clinic.add_identifier takes it.
Errors: no_context, forbidden, not_found, 22004, 22023; none shows the value.';
