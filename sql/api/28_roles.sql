-- Roles: names for what somebody may do, data of each tenant. Widening a role grants to all who have it, so the rules of
-- 26_delegation.sql hold for it as for granting.

-- The permission matrix of the architecture, one line a role; what is added for the functions of this extension stands on a line
-- of its own, marked so.
CREATE FUNCTION clinic_private.shipped_roles()
    RETURNS TABLE (role text, description text, permissions text[])
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT shipped.role, shipped.description, shipped.permissions::text[] || shipped.added::text[]
    FROM (VALUES
        ('super_admin', 'Administers the whole organisation.',
         '{*}',
         '{}'),
        ('branch_admin', 'Administers branches: their staff, patients and diary.',
         '{branches:read,users:read,users:write,patients:*,appointments:*,consultations:*,prescriptions:*,billing:*,reports:read,inventory:*}',
         '{schedules:*,emergency:review}'), -- added: hours and leave of the branches; reviewing who broke the glass
        ('doctor', 'Sees and treats patients.',
         '{patients:read,patients:write,appointments:read,appointments:write:own,consultations:*,prescriptions:*,lab_orders:write,lab_results:read,ipd:read,ipd:write:own}',
         '{schedules:write:own,emergency:use}'), -- added: own hours and leave; breaking the glass
        ('nurse', 'Cares for patients.',
         '{patients:read,appointments:read,vitals:write,ipd:read,ipd:write:nursing,medication_admin:write}',
         '{emergency:use}'), -- added: breaking the glass
        ('receptionist', 'Runs the front desk: patients, diary, bills.',
         '{patients:read,patients:write,appointments:*,billing:read,billing:write,queue:*}',
         '{}'),
        ('pharmacist', 'Dispenses medicines.',
         '{patients:read:limited,prescriptions:read,dispensing:*,inventory:*}',
         '{}'),
        ('lab_tech', 'Takes samples and enters results.',
         '{patients:read:limited,lab_orders:read,lab_results:write,samples:*}',
         '{}'),
        ('accountant', 'Reads bills and financial reports.',
         '{billing:read,reports:read:financial,insurance:read}',
         '{}'),
        ('auditor', 'Reads the audit, and nothing of patients.',
         '{audit:read,users:read}',
         '{}'),
        ('patient', 'Acts for themselves and their dependants, which needs no permission of staff.',
         '{patients:read:own,appointments:read:own,appointments:write:own,prescriptions:read:own,lab_results:read:own,billing:read:own}',
         '{}')
    ) AS shipped (role, description, permissions, added)
$$;
COMMENT ON FUNCTION clinic_private.shipped_roles() IS 'The roles that a new tenant begins with.';
REVOKE ALL ON FUNCTION clinic_private.shipped_roles FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.shipped_roles TO clinic_owner;

CREATE FUNCTION clinic_private.add_shipped_roles(tenant_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    INSERT INTO clinic_data.roles (tenant_id, role, description, permissions)
    SELECT add_shipped_roles.tenant_id, s.role, s.description, s.permissions
    FROM clinic_private.shipped_roles() AS s
    ON CONFLICT ON CONSTRAINT roles_pkey DO NOTHING;
END
$$;
COMMENT ON FUNCTION clinic_private.add_shipped_roles(uuid) IS 'Gives a tenant the shipped roles that it does not have.';
REVOKE ALL ON FUNCTION clinic_private.add_shipped_roles FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.add_shipped_roles TO clinic_owner;

CREATE FUNCTION clinic_private.normal_permissions(permissions text[])
    RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(array_agg(p.permission ORDER BY p.position), '{}')
    FROM (SELECT u.permission, min(u.position) AS position
          FROM unnest(normal_permissions.permissions) WITH ORDINALITY AS u (permission, position)
          GROUP BY u.permission) AS p
$$;
COMMENT ON FUNCTION clinic_private.normal_permissions(text[]) IS 'A list of permissions without repetitions, in its order.';
REVOKE ALL ON FUNCTION clinic_private.normal_permissions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.normal_permissions TO clinic_owner;

CREATE FUNCTION clinic_private.raise_no_role(role text)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.raise_error('not_found', format('role "%s" does not exist', left(raise_no_role.role, 63)),
        jsonb_build_object('role', left(raise_no_role.role, 63)), 'clinic.roles lists those that do.');
END
$$;
COMMENT ON FUNCTION clinic_private.raise_no_role(text) IS 'Raises not_found for a role.';
REVOKE ALL ON FUNCTION clinic_private.raise_no_role FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.raise_no_role TO clinic_owner;

-- Who has no right to the user has been refused before.
CREATE FUNCTION clinic_private.add_user_role(user_id uuid, kind text, role text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    granted text[];
BEGIN
    -- Shared, so that nobody widens the role between this look and the grant.
    SELECT r.permissions INTO granted
    FROM clinic_data.roles AS r
    WHERE r.tenant_id = tenant AND r.role = add_user_role.role
    FOR SHARE;
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_no_role(add_user_role.role);
    END IF;
    PERFORM clinic_private.require_fit_for(granted, add_user_role.kind);
    PERFORM clinic_private.require_grantable(granted, add_user_role.kind);
    PERFORM clinic_private.refuse_lifting_self(add_user_role.user_id, granted);
    PERFORM clinic_private.refuse_beyond_care(add_user_role.user_id, granted);
    -- This role acts everywhere by its name, whatever it permits.
    IF add_user_role.role = 'super_admin' THEN
        PERFORM clinic_private.require_all_locations();
        IF NOT EXISTS (SELECT FROM clinic_data.users AS u
                       WHERE u.tenant_id = tenant AND u.user_id = add_user_role.user_id AND u.all_locations) THEN
            PERFORM clinic_private.refuse_self(add_user_role.user_id, 'branches');
        END IF;
    END IF;
    INSERT INTO clinic_data.user_roles (tenant_id, user_id, role)
    VALUES (tenant, add_user_role.user_id, add_user_role.role)
    ON CONFLICT ON CONSTRAINT user_roles_pkey DO NOTHING;
END
$$;
COMMENT ON FUNCTION clinic_private.add_user_role(uuid, text, text) IS
    'Gives a role to a user whom the caller governs. kind: of the user. Errors: not_found, forbidden, 22023.';
REVOKE ALL ON FUNCTION clinic_private.add_user_role FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.add_user_role TO clinic_owner;

CREATE FUNCTION clinic.grant_role(user_id uuid, role text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_users_write();
    user_kind text;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('user_id', grant_role.user_id, 'role', grant_role.role));
    user_kind := clinic_private.require_governed(grant_role.user_id);
    IF EXISTS (SELECT FROM clinic_data.user_roles AS g
               WHERE g.tenant_id = tenant AND g.user_id = grant_role.user_id AND g.role = grant_role.role) THEN
        RETURN;
    END IF;
    PERFORM clinic_private.add_user_role(grant_role.user_id, user_kind, grant_role.role);
    PERFORM clinic_private.touch_user(grant_role.user_id);
END
$$;
ALTER FUNCTION clinic.grant_role OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.grant_role FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.grant_role TO clinic_user;
COMMENT ON FUNCTION clinic.grant_role IS
    'Gives a user a role, from the next transaction on; one that the user has already is left as it is.
Needs users:write, or users:write:branch for users of the caller''s own branches, and every permission of the role: nobody grants what
they do not have, nor themselves what their roles do not have. A patient can only have roles whose permissions are of scope own.
Errors: no_context, forbidden, not_found, 22004, 22023.';

CREATE FUNCTION clinic.revoke_role(user_id uuid, role text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_users_write();
    was_administrator boolean;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('user_id', revoke_role.user_id, 'role', revoke_role.role));
    was_administrator := clinic_private.is_administrator(revoke_role.user_id);
    IF was_administrator THEN
        PERFORM clinic_private.lock_administrators();
    END IF;
    PERFORM clinic_private.require_governed(revoke_role.user_id);
    DELETE FROM clinic_data.user_roles AS g
    WHERE g.tenant_id = tenant AND g.user_id = revoke_role.user_id AND g.role = revoke_role.role;
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_error('not_found',
            format('user "%s" does not have role "%s"', revoke_role.user_id, left(revoke_role.role, 63)),
            jsonb_build_object('user_id', revoke_role.user_id, 'role', left(revoke_role.role, 63)), NULL);
    END IF;
    IF was_administrator THEN
        PERFORM clinic_private.require_administrator_left();
    END IF;
    PERFORM clinic_private.touch_user(revoke_role.user_id);
END
$$;
ALTER FUNCTION clinic.revoke_role OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.revoke_role FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.revoke_role TO clinic_user;
COMMENT ON FUNCTION clinic.revoke_role IS
    'Takes a role from a user, from the next transaction on. Needs users:write, or users:write:branch for users of the caller''s own
branches. Nobody demotes a user who may do more than they, and nobody the last active user with all permissions.
Errors: no_context, forbidden, not_found, bad_transition for the last administrator, 22004.';

-- ----------------------------------------------------------------------------------------------------------------------
-- The roles themselves. They hold in the whole tenant, so users:write:branch is not enough.

CREATE FUNCTION clinic.create_role(role text, permissions text[], description text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('users:write');
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('role', create_role.role, 'permissions', create_role.permissions));
    PERFORM clinic_private.require_permissions_formed(create_role.permissions);
    PERFORM clinic_private.require_grantable(create_role.permissions, NULL);
    PERFORM clinic_private.insert_row('roles', jsonb_build_object(
        'role', create_role.role,
        'description', create_role.description,
        'permissions', clinic_private.normal_permissions(create_role.permissions)));
END
$$;
ALTER FUNCTION clinic.create_role OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.create_role FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.create_role TO clinic_user;
COMMENT ON FUNCTION clinic.create_role IS
    'Makes a role of the tenant. Needs users:write, and every permission of the role.
role: a name of lower-case letters, digits and underscores, such as front_desk; permissions: resource:action, resource:action:scope,
with * alone or as the last segment; description: what the role is for.
Errors: no_context, forbidden, duplicate, 22004, 22023, which names a permission that is not well formed.';

-- Patients who have a role need no look each: theirs have the scope own, which is nobody's to have or to lack.
CREATE FUNCTION clinic_private.require_holders_governed(role text, permissions text[], added text[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    holder record;
BEGIN
    FOR holder IN
        SELECT u.user_id, u.kind
        FROM clinic_data.user_roles AS g
        JOIN clinic_data.users AS u ON u.tenant_id = g.tenant_id AND u.user_id = g.user_id
        WHERE g.tenant_id = tenant AND g.role = require_holders_governed.role AND u.kind <> 'patient'
        ORDER BY u.user_id
    LOOP
        PERFORM clinic_private.require_governed(holder.user_id);
        PERFORM clinic_private.require_grantable(require_holders_governed.added, holder.kind);
        PERFORM clinic_private.refuse_lifting_self(holder.user_id, require_holders_governed.added);
        PERFORM clinic_private.refuse_beyond_care(holder.user_id, require_holders_governed.added);
    END LOOP;
    IF EXISTS (SELECT FROM clinic_data.user_roles AS g
               JOIN clinic_data.users AS u ON u.tenant_id = g.tenant_id AND u.user_id = g.user_id
               WHERE g.tenant_id = tenant AND g.role = require_holders_governed.role AND u.kind = 'patient') THEN
        PERFORM clinic_private.require_fit_for(require_holders_governed.permissions, 'patient');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_holders_governed(text, text[], text[]) IS
    'Locks everybody on the staff who has a role, and refuses a change of it unless the caller may change them all.
permissions: what the role will permit; added: what of it is new. Errors: forbidden, 22023.';
REVOKE ALL ON FUNCTION clinic_private.require_holders_governed FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_holders_governed TO clinic_owner;

CREATE FUNCTION clinic_private.change_role(role text, changes jsonb)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('users:write');
    before record;
    wanted text[];
    new_description text;
    new_version integer;
    administrates boolean;
BEGIN
    SELECT '*' = ANY (r.permissions) INTO administrates
    FROM clinic_data.roles AS r
    WHERE r.tenant_id = tenant AND r.role = change_role.role;
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_no_role(change_role.role);
    END IF;
    -- Users before roles. Somebody who gets the role from here on waits for this change.
    IF change_role.changes ? 'permissions' THEN
        IF administrates THEN
            PERFORM clinic_private.lock_administrators();
        END IF;
        PERFORM clinic_private.require_holders_governed(change_role.role, '{}', '{}');
    END IF;

    SELECT r.permissions, r.description INTO before
    FROM clinic_data.roles AS r
    WHERE r.tenant_id = tenant AND r.role = change_role.role
    FOR UPDATE;
    PERFORM clinic_private.require_grantable(before.permissions, NULL);
    wanted := before.permissions;
    new_description := before.description;

    IF change_role.changes ? 'permissions' THEN
        wanted := clinic_private.normal_permissions(ARRAY(SELECT jsonb_array_elements_text(change_role.changes -> 'permissions')));
        PERFORM clinic_private.require_permissions_formed(wanted);
        PERFORM clinic_private.require_grantable(wanted, NULL);
        PERFORM clinic_private.require_holders_governed(change_role.role, wanted, ARRAY(
            SELECT w.permission FROM unnest(wanted) WITH ORDINALITY AS w (permission, position)
            WHERE w.permission <> ALL (before.permissions) ORDER BY w.position));
    END IF;
    IF change_role.changes ? 'description' THEN
        new_description := change_role.changes ->> 'description';
    END IF;

    UPDATE clinic_data.roles AS r
    SET permissions = wanted, description = new_description, version = r.version + 1
    WHERE r.tenant_id = tenant AND r.role = change_role.role
      AND r.version::text = coalesce(change_role.changes ->> 'version', r.version::text)
    RETURNING r.version INTO new_version;
    IF new_version IS NULL THEN
        PERFORM clinic_private.raise_error('stale_version', 'the row was changed by somebody else',
            jsonb_build_object('role', change_role.role), NULL);
    END IF;
    IF '*' = ANY (before.permissions) AND '*' <> ALL (wanted) AND EXISTS (
        SELECT FROM clinic_data.user_roles AS g
        JOIN clinic_data.users AS u ON u.tenant_id = g.tenant_id AND u.user_id = g.user_id
        WHERE g.tenant_id = tenant AND g.role = change_role.role AND u.status = 'active')
    THEN
        PERFORM clinic_private.require_administrator_left();
    END IF;
    RETURN new_version;
END
$$;
COMMENT ON FUNCTION clinic_private.change_role(text, jsonb) IS
    'Changes a role by the rules of delegation, and returns its new version. changes: permissions (an array of texts), description,
version. Errors: those of clinic.update_role.';
REVOKE ALL ON FUNCTION clinic_private.change_role FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.change_role TO clinic_owner;

CREATE FUNCTION clinic.update_role(role text, changes jsonb)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('users:write');
    checked jsonb;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('role', update_role.role));
    checked := clinic_private.checked_changes(update_role.changes, ARRAY['permissions', 'description']);
    IF checked ? 'permissions' AND (jsonb_typeof(checked -> 'permissions') <> 'array' OR EXISTS (
        SELECT FROM jsonb_array_elements(CASE jsonb_typeof(checked -> 'permissions') WHEN 'array' THEN checked -> 'permissions'
                                              ELSE '[]' END) AS p (item)
        WHERE jsonb_typeof(p.item) <> 'string'))
    THEN
        PERFORM clinic_private.refuse_argument('permissions', 'permissions must be an array of texts',
            hint => 'Write it like {"permissions": ["appointments:read", "patients:read"]}.');
    END IF;
    IF jsonb_typeof(checked -> 'description') NOT IN ('string', 'null') THEN
        PERFORM clinic_private.refuse_argument('description', 'the value of description is not of type text');
    END IF;
    RETURN clinic_private.change_role(update_role.role, checked);
END
$$;
ALTER FUNCTION clinic.update_role OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.update_role FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.update_role TO clinic_user;
COMMENT ON FUNCTION clinic.update_role IS
    'Changes a role for all who have it, from the next transaction on, and returns its new version. Needs users:write, every
permission of the role before and after, and, to change permissions, the right to change each user who has it: widening a role is
granting.
changes: an object with permissions (an array of texts, the whole new list) and description; with "version", only that version is
changed. Errors: no_context, forbidden, not_found, bad_transition when no administrator would be left, 22004, 22023, stale_version.';

CREATE FUNCTION clinic.remove_role(role text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('users:write');
    present text[];
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('role', remove_role.role));
    SELECT r.permissions INTO present
    FROM clinic_data.roles AS r
    WHERE r.tenant_id = tenant AND r.role = remove_role.role
    FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_no_role(remove_role.role);
    END IF;
    PERFORM clinic_private.require_grantable(present, NULL);
    IF EXISTS (SELECT FROM clinic_data.user_roles AS g WHERE g.tenant_id = tenant AND g.role = remove_role.role) THEN
        PERFORM clinic_private.raise_error('bad_transition', format('somebody has role "%s"', remove_role.role),
            jsonb_build_object('role', remove_role.role), 'Take it from them first: clinic.users lists who has which roles.');
    END IF;
    DELETE FROM clinic_data.roles AS r WHERE r.tenant_id = tenant AND r.role = remove_role.role;
END
$$;
ALTER FUNCTION clinic.remove_role OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.remove_role FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.remove_role TO clinic_user;
COMMENT ON FUNCTION clinic.remove_role IS
    'Removes a role that nobody has. Needs users:write, and every permission of the role.
Errors: no_context, forbidden, not_found, bad_transition while somebody has it, 22004.';

CREATE FUNCTION clinic.restore_shipped_roles()
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('users:write');
    shipped record;
    present record;
    number integer := 0;
BEGIN
    FOR shipped IN SELECT s.role, s.description, s.permissions FROM clinic_private.shipped_roles() AS s LOOP
        SELECT r.permissions, r.description INTO present
        FROM clinic_data.roles AS r
        WHERE r.tenant_id = tenant AND r.role = shipped.role;
        IF NOT FOUND THEN
            PERFORM clinic.create_role(shipped.role, shipped.permissions, shipped.description);
        ELSIF present.permissions <> shipped.permissions THEN
            PERFORM clinic_private.change_role(shipped.role, jsonb_build_object(
                'permissions', shipped.permissions, 'description', shipped.description));
        ELSIF present.description IS DISTINCT FROM shipped.description THEN
            PERFORM clinic_private.change_role(shipped.role, jsonb_build_object('description', shipped.description));
        ELSE
            CONTINUE;
        END IF;
        number := number + 1;
    END LOOP;
    RETURN number;
END
$$;
ALTER FUNCTION clinic.restore_shipped_roles OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.restore_shipped_roles FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.restore_shipped_roles TO clinic_user;
COMMENT ON FUNCTION clinic.restore_shipped_roles() IS
    'Gives the roles that a tenant begins with their first permissions again, adds those that were removed, leaves all others alone,
and returns how many it changed. Needs what clinic.update_role needs for each that differs.
Errors: no_context, forbidden, bad_transition.';
