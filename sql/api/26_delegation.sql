-- The rules of delegation, in one place: nobody grants what they do not have, nor outside their branches; nobody touches a
-- user who has more; nobody lifts themselves; a tenant does not lose its last administrator. What the caller has is asked of
-- the context (clinic.has_permission, clinic.sees_location), never of the tables, so that a narrowed context grants less.
-- Locks are taken in one order: users by their id, then roles.

CREATE FUNCTION clinic_private.require_permissions_formed(permissions text[])
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    wrong text;
BEGIN
    SELECT p.permission INTO wrong
    FROM unnest(require_permissions_formed.permissions) WITH ORDINALITY AS p (permission, position)
    WHERE (clinic.is_permission(p.permission) AND length(p.permission) <= 100) IS NOT TRUE
    ORDER BY p.position LIMIT 1;
    IF FOUND THEN
        PERFORM clinic_private.refuse_argument('permissions',
            format('permission "%s" is not well formed', coalesce(left(wrong, 120), 'null')),
            'A permission is resource:action or resource:action:scope in lower case; * stands alone or last.',
            'Write it like appointments:read, appointments:write:own or schedules:*.');
    END IF;
    IF cardinality(require_permissions_formed.permissions) > 200 THEN
        PERFORM clinic_private.refuse_argument('permissions', 'there are more than 200 permissions');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_permissions_formed(text[]) IS
    'Refuses a list with anything that is no permission, and names the first. Errors: 22023.';
REVOKE ALL ON FUNCTION clinic_private.require_permissions_formed FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_permissions_formed TO clinic_owner;

-- ----------------------------------------------------------------------------------------------------------------------
-- What the caller has.

CREATE FUNCTION clinic_private.is_own(permission text)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN split_part(permission, ':', 3) = 'own';
COMMENT ON FUNCTION clinic_private.is_own(text) IS 'Tells whether a permission has the scope own.';
REVOKE ALL ON FUNCTION clinic_private.is_own FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.is_own TO clinic_owner;

CREATE FUNCTION clinic_private.first_uncovered(permissions text[])
    RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT p.permission
    FROM unnest(first_uncovered.permissions) WITH ORDINALITY AS p (permission, position)
    WHERE NOT clinic.has_permission(p.permission)
    ORDER BY p.position LIMIT 1
$$;
COMMENT ON FUNCTION clinic_private.first_uncovered(text[]) IS 'The first permission of a list that the context does not cover; null when it covers all.';
REVOKE ALL ON FUNCTION clinic_private.first_uncovered FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.first_uncovered TO clinic_owner;

CREATE FUNCTION clinic_private.require_users_write()
    RETURNS uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF clinic.has_permission('users:write:branch') THEN
        RETURN clinic_private.require_tenant();
    END IF;
    RETURN clinic_private.require_permission('users:write');
END
$$;
COMMENT ON FUNCTION clinic_private.require_users_write() IS
    'Returns the tenant of a context that may change users, at least those of its branches.
Errors: no_context, forbidden.';
REVOKE ALL ON FUNCTION clinic_private.require_users_write FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_users_write TO clinic_owner;

CREATE FUNCTION clinic_private.governs_all_locations()
    RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN clinic.sees_all_locations() AND clinic.has_permission('users:write');
COMMENT ON FUNCTION clinic_private.governs_all_locations() IS 'Tells whether the caller may change users of every branch.';
REVOKE ALL ON FUNCTION clinic_private.governs_all_locations FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.governs_all_locations TO clinic_owner;

CREATE FUNCTION clinic_private.governs_location(location_id uuid)
    RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    RETURN clinic.sees_location(governs_location.location_id)
       AND (clinic.has_permission('users:write')
            OR EXISTS (SELECT FROM clinic_data.user_locations AS l
                       WHERE l.tenant_id = clinic.current_tenant_id() AND l.user_id = clinic.current_user_id()
                         AND l.location_id = governs_location.location_id));
END
$$;
COMMENT ON FUNCTION clinic_private.governs_location(uuid) IS
    'Tells whether the caller may change users of a branch. With users:write:branch only those of the caller''s own branches count.';
REVOKE ALL ON FUNCTION clinic_private.governs_location FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.governs_location TO clinic_owner;

-- ----------------------------------------------------------------------------------------------------------------------
-- What may be granted.

CREATE FUNCTION clinic_private.require_grantable(permissions text[], kind text)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    beyond text;
BEGIN
    -- "Own" means something else to everybody. A patient's own is the patient's; of staff, granting it needs the permission
    -- over all, since the caller's own is not what is granted.
    beyond := clinic_private.first_uncovered(ARRAY(
        SELECT CASE WHEN require_grantable.kind <> 'patient' AND clinic_private.is_own(p.permission)
                    THEN split_part(p.permission, ':', 1) || ':' || split_part(p.permission, ':', 2) ELSE p.permission END
        FROM unnest(require_grantable.permissions) WITH ORDINALITY AS p (permission, position)
        WHERE (require_grantable.kind = 'patient' AND clinic_private.is_own(p.permission)) IS NOT TRUE
        ORDER BY p.position));
    IF beyond IS NOT NULL THEN
        PERFORM clinic_private.raise_error('forbidden', format('permission "%s" is not yours to grant', beyond),
            jsonb_build_object('permission', beyond), 'Nobody grants what they do not have.');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_grantable(text[], text) IS
    'Refuses to grant what the context does not cover.
kind: of the user who gets it: staff, service or patient; null: of a role that nobody has. Errors: forbidden, with the permission.';
REVOKE ALL ON FUNCTION clinic_private.require_grantable FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_grantable TO clinic_owner;

-- A provider may read the patients in their care, where the tenant has it so: who is no provider would read all of them.
CREATE FUNCTION clinic_private.refuse_beyond_care(user_id uuid, permissions text[])
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF clinic.current_provider_id() IS NULL
       -- Who sets the tenant's rules is not held back by this one.
       OR clinic.has_permission('setup:write')
       OR refuse_beyond_care.permissions && ARRAY['*', 'patients:*', 'patients:read', 'patients:read:*'] IS NOT TRUE THEN
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM clinic_data.tenants AS t
               WHERE t.tenant_id = clinic.current_tenant_id() AND t.patient_access = 'care')
       AND EXISTS (SELECT FROM clinic_data.users AS u
                   WHERE u.tenant_id = clinic.current_tenant_id() AND u.user_id = refuse_beyond_care.user_id
                     AND u.provider_id IS NULL) THEN
        PERFORM clinic_private.raise_error('forbidden', 'patients beyond your care are not yours to grant',
            jsonb_build_object('user_id', refuse_beyond_care.user_id, 'permission', 'patients:read'),
            'Somebody who reads all patients can.');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.refuse_beyond_care(uuid, text[]) IS
    'Refuses that somebody who reads the patients in their care alone lets another read all. permissions: what the user gets or has.
Errors: forbidden.';
REVOKE ALL ON FUNCTION clinic_private.refuse_beyond_care FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.refuse_beyond_care TO clinic_owner;

CREATE FUNCTION clinic_private.require_fit_for(permissions text[], kind text)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF require_fit_for.kind = 'patient'
       AND EXISTS (SELECT FROM unnest(require_fit_for.permissions) AS p (permission) WHERE NOT clinic_private.is_own(p.permission)) THEN
        PERFORM clinic_private.refuse_argument('role', 'a patient can only have permissions of scope own',
            hint => 'Somebody who works here too is a second user, of kind staff.');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_fit_for(text[], text) IS
    'Refuses permissions that a kind of user cannot have: patients have those of scope own. Errors: 22023.';
REVOKE ALL ON FUNCTION clinic_private.require_fit_for FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_fit_for TO clinic_owner;

CREATE FUNCTION clinic_private.require_grantable_location(location_id uuid)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.require_row('location', require_grantable_location.location_id);
    IF NOT clinic_private.governs_location(require_grantable_location.location_id) THEN
        PERFORM clinic_private.raise_error('forbidden', format('location "%s" is not among your branches', require_grantable_location.location_id),
            jsonb_build_object('location_id', require_grantable_location.location_id), 'Nobody grants outside their branches.');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_grantable_location(uuid) IS
    'Refuses a branch that the caller does not govern. Errors: not_found, forbidden.';
REVOKE ALL ON FUNCTION clinic_private.require_grantable_location FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_grantable_location TO clinic_owner;

CREATE FUNCTION clinic_private.require_all_locations()
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF NOT clinic_private.governs_all_locations() THEN
        PERFORM clinic_private.raise_error('forbidden', 'all locations are not yours to grant',
            jsonb_build_object('argument', 'all_locations'), 'Name the locations one by one.');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_all_locations() IS 'Refuses all_locations to a caller who does not have it. Errors: forbidden.';
REVOKE ALL ON FUNCTION clinic_private.require_all_locations FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_all_locations TO clinic_owner;

CREATE FUNCTION clinic_private.refuse_self(user_id uuid, what text)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF refuse_self.user_id = clinic.current_user_id() THEN
        PERFORM clinic_private.raise_error('forbidden', format('nobody widens their own %s', refuse_self.what),
            jsonb_build_object('user_id', refuse_self.user_id), 'Somebody else who may change users can.');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.refuse_self(uuid, text) IS
    'Refuses a change that lifts the caller themselves. what: the word for what would grow. Errors: forbidden.';
REVOKE ALL ON FUNCTION clinic_private.refuse_self FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.refuse_self TO clinic_owner;

CREATE FUNCTION clinic_private.role_permissions_of(user_id uuid)
    RETURNS text[]
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    RETURN ARRAY(
        SELECT DISTINCT p.permission
        FROM clinic_data.user_roles AS g
        JOIN clinic_data.roles AS r ON r.tenant_id = g.tenant_id AND r.role = g.role
        CROSS JOIN LATERAL unnest(r.permissions) AS p (permission)
        WHERE g.tenant_id = clinic.current_tenant_id() AND g.user_id = role_permissions_of.user_id
        ORDER BY p.permission);
END
$$;
COMMENT ON FUNCTION clinic_private.role_permissions_of(uuid) IS 'The permissions of all roles of a user of the tenant.';
REVOKE ALL ON FUNCTION clinic_private.role_permissions_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.role_permissions_of TO clinic_owner;

-- A context may be wider than the user behind it, such as that of a mapped login: what it may do once is not what the user gets.
CREATE FUNCTION clinic_private.refuse_lifting_self(user_id uuid, permissions text[])
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF refuse_lifting_self.user_id = clinic.current_user_id() AND EXISTS (
        SELECT FROM unnest(refuse_lifting_self.permissions) AS w (permission)
        WHERE NOT EXISTS (
            SELECT FROM unnest(clinic_private.role_permissions_of(refuse_lifting_self.user_id)) AS h (permission)
            WHERE h.permission = w.permission
               OR starts_with(w.permission, h.permission || ':')
               OR right(h.permission, 1) = '*' AND starts_with(w.permission || ':', left(h.permission, -1))))
    THEN
        PERFORM clinic_private.refuse_self(refuse_lifting_self.user_id, 'roles');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.refuse_lifting_self(uuid, text[]) IS
    'Refuses to give the caller themselves a permission that their roles do not have yet. Errors: forbidden.';
REVOKE ALL ON FUNCTION clinic_private.refuse_lifting_self FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.refuse_lifting_self TO clinic_owner;

-- ----------------------------------------------------------------------------------------------------------------------
-- Whom the caller may touch.

CREATE FUNCTION clinic_private.permissions_of(user_id uuid)
    RETURNS text[]
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    RETURN ARRAY(
        SELECT p.permission
        FROM unnest(clinic_private.role_permissions_of(permissions_of.user_id)) AS p (permission)
        UNION
        SELECT p.permission
        FROM clinic_data.logins AS l
        CROSS JOIN LATERAL unnest(l.permissions) AS p (permission)
        WHERE l.tenant_id = clinic.current_tenant_id() AND l.user_id = permissions_of.user_id AND l.active
        ORDER BY 1);
END
$$;
COMMENT ON FUNCTION clinic_private.permissions_of(uuid) IS
    'What a user of the tenant may do at most: the permissions of all roles and mapped logins, active or not.';
REVOKE ALL ON FUNCTION clinic_private.permissions_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.permissions_of TO clinic_owner;

CREATE FUNCTION clinic_private.require_governed(user_id uuid)
    RETURNS text
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_users_write();
    target record;
    beyond text;
    outside boolean;
BEGIN
    SELECT u.kind, u.all_locations, u.patient_id INTO target
    FROM clinic_data.users AS u
    WHERE u.tenant_id = tenant AND u.user_id = require_governed.user_id
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_error('not_found', format('user "%s" does not exist', require_governed.user_id),
            jsonb_build_object('user_id', require_governed.user_id), NULL);
    END IF;

    -- Who can give somebody an address to sign in with can do what that user does with their own: that is not the caller's own.
    beyond := clinic_private.first_uncovered(ARRAY(
        SELECT CASE WHEN clinic_private.is_own(p.permission) AND require_governed.user_id IS DISTINCT FROM clinic.current_user_id()
                    THEN split_part(p.permission, ':', 1) || ':' || split_part(p.permission, ':', 2) ELSE p.permission END
        FROM unnest(clinic_private.permissions_of(require_governed.user_id)) AS p (permission)
        WHERE NOT (target.kind = 'patient' AND clinic_private.is_own(p.permission))));
    IF beyond IS NOT NULL THEN
        PERFORM clinic_private.raise_error('forbidden', format('user "%s" has permissions that you do not have', require_governed.user_id),
            jsonb_build_object('user_id', require_governed.user_id, 'permission', beyond),
            'Nobody changes a user who may do more than they.');
    END IF;

    -- The role super_admin acts everywhere by its name.
    SELECT target.all_locations
           OR EXISTS (SELECT FROM clinic_data.user_roles AS g
                      WHERE g.tenant_id = tenant AND g.user_id = require_governed.user_id AND g.role = 'super_admin')
           OR bool_or(NOT clinic_private.governs_location(l.location_id))
           -- Who works nowhere is in no branch.
           OR count(*) = 0 AND NOT clinic.has_permission('users:write')
    INTO outside
    FROM clinic_data.user_locations AS l
    WHERE l.tenant_id = tenant AND l.user_id = require_governed.user_id;
    IF outside AND NOT clinic_private.governs_all_locations() THEN
        PERFORM clinic_private.raise_error('forbidden', format('user "%s" does not work at your branches alone', require_governed.user_id),
            jsonb_build_object('user_id', require_governed.user_id), 'Nobody changes a user of branches beyond their own.');
    END IF;

    -- Who can give a patient's account an address to sign in with can read what the patient reads.
    IF target.kind = 'patient' THEN
        PERFORM clinic_private.require_permission('patients:write'), clinic_private.require_permission('patients:read');
        PERFORM clinic_private.require_row('patient', target.patient_id);
    END IF;
    RETURN target.kind;
END
$$;
COMMENT ON FUNCTION clinic_private.require_governed(uuid) IS
    'Locks a user whom the caller may change, and returns the kind: one of the tenant who has no permission and no branch beyond the
caller''s; of a patient''s account one must be able to read and change the patient.
Errors: no_context, not_found, forbidden.';
REVOKE ALL ON FUNCTION clinic_private.require_governed FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_governed TO clinic_owner;

-- ----------------------------------------------------------------------------------------------------------------------
-- The last administrator.

CREATE FUNCTION clinic_private.is_administrator(user_id uuid)
    RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    RETURN EXISTS (
        SELECT FROM clinic_data.users AS u
        JOIN clinic_data.user_roles AS g ON g.tenant_id = u.tenant_id AND g.user_id = u.user_id
        JOIN clinic_data.roles AS r ON r.tenant_id = g.tenant_id AND r.role = g.role
        WHERE u.tenant_id = clinic.current_tenant_id() AND u.user_id = is_administrator.user_id AND u.status = 'active'
          AND '*' = ANY (r.permissions));
END
$$;
COMMENT ON FUNCTION clinic_private.is_administrator(uuid) IS 'Tells whether a user is active and has a role with all permissions.';
REVOKE ALL ON FUNCTION clinic_private.is_administrator FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.is_administrator TO clinic_owner;

CREATE FUNCTION clinic_private.lock_administrators()
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    locked uuid[];
    number integer;
BEGIN
    SELECT array_agg(a.user_id) INTO locked
    FROM (SELECT u.user_id
          FROM clinic_data.users AS u
          WHERE u.tenant_id = tenant AND u.status = 'active'
            AND u.user_id IN (SELECT g.user_id
                              FROM clinic_data.roles AS r
                              JOIN clinic_data.user_roles AS g ON g.tenant_id = r.tenant_id AND g.role = r.role
                              WHERE r.tenant_id = tenant AND '*' = ANY (r.permissions))
          ORDER BY u.user_id
          FOR NO KEY UPDATE OF u) AS a;
    -- Written, not only locked: a concurrent transaction with an older snapshot then fails instead of counting on it. Looked at
    -- again, because waiting for the locks may have taken long.
    UPDATE clinic_data.users AS u
    SET version = u.version
    WHERE u.tenant_id = tenant AND u.user_id = ANY (locked) AND clinic_private.is_administrator(u.user_id);
    GET DIAGNOSTICS number = ROW_COUNT;
    RETURN number;
END
$$;
COMMENT ON FUNCTION clinic_private.lock_administrators() IS
    'Locks the active users with all permissions, and returns how many there are: two who demote each other at once come one after
the other, in every isolation level.';
REVOKE ALL ON FUNCTION clinic_private.lock_administrators FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.lock_administrators TO clinic_owner;

CREATE FUNCTION clinic_private.require_administrator_left()
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF NOT EXISTS (
        SELECT FROM clinic_data.roles AS r
        JOIN clinic_data.user_roles AS g ON g.tenant_id = r.tenant_id AND g.role = r.role
        WHERE r.tenant_id = clinic.current_tenant_id() AND '*' = ANY (r.permissions) AND clinic_private.is_administrator(g.user_id))
    THEN
        PERFORM clinic_private.raise_error('bad_transition', 'the tenant would have no administrator left',
            jsonb_build_object('permission', '*'), 'Grant somebody else a role with all permissions first, such as super_admin.');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_administrator_left() IS
    'Refuses what has just taken the last active user with all permissions. Errors: bad_transition.';
REVOKE ALL ON FUNCTION clinic_private.require_administrator_left FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_administrator_left TO clinic_owner;
