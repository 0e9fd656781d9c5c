-- Tenants, and which database login acts for whom.

CREATE FUNCTION clinic.create_tenant(
    slug text,
    name text,
    patient_overlap text DEFAULT 'forbid',
    allow_several_seats boolean DEFAULT false,
    refuse_late_cancellation boolean DEFAULT false,
    buffer_before_minutes integer DEFAULT 0,
    buffer_after_minutes integer DEFAULT 0,
    tenant_id uuid DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    new_id uuid := coalesce(create_tenant.tenant_id, clinic.new_id());
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'slug', create_tenant.slug, 'name', create_tenant.name, 'patient_overlap', create_tenant.patient_overlap,
        'allow_several_seats', create_tenant.allow_several_seats,
        'refuse_late_cancellation', create_tenant.refuse_late_cancellation,
        'buffer_before_minutes', create_tenant.buffer_before_minutes,
        'buffer_after_minutes', create_tenant.buffer_after_minutes));
    PERFORM clinic_private.enter_new_tenant(new_id);
    PERFORM clinic_private.insert_row('tenants', jsonb_build_object(
        'slug', create_tenant.slug,
        'name', create_tenant.name,
        'patient_overlap', create_tenant.patient_overlap,
        'allow_several_seats', create_tenant.allow_several_seats,
        'refuse_late_cancellation', create_tenant.refuse_late_cancellation,
        'buffer_before_minutes', create_tenant.buffer_before_minutes,
        'buffer_after_minutes', create_tenant.buffer_after_minutes));
    PERFORM clinic_private.insert_row('tenant_slugs', jsonb_build_object('slug', create_tenant.slug));
    PERFORM clinic_private.insert_row('identifier_secrets', jsonb_build_object('secret', clinic_private.new_identifier_secret(new_id)));
    PERFORM clinic_private.add_shipped_roles(new_id);
    RETURN new_id;
END
$$;
ALTER FUNCTION clinic.create_tenant OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.create_tenant FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.create_tenant TO clinic_admin;
COMMENT ON FUNCTION clinic.create_tenant IS
    'Makes a tenant, chooses it for the rest of the transaction, and returns its id. For administrators.
slug: short name, unique in the database: 1 to 63 lower-case letters, digits and hyphens; name: shown to people;
patient_overlap: forbid, warn or allow visits of one patient that overlap; allow_several_seats: may one patient take several
seats of a session; refuse_late_cancellation: refuse cancellations inside the cancellation window instead of marking them;
buffer_before_minutes, buffer_after_minutes: least buffers around every visit, 0 to 1440; tenant_id: for imports.
Errors: 22004, 22023, duplicate, key_unavailable (a master key is configured, and cannot be had).';

CREATE FUNCTION clinic.update_tenant(changes jsonb)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('setup:write');
    allowed text[] := ARRAY['name', 'status', 'patient_overlap', 'allow_several_seats', 'refuse_late_cancellation',
                            'buffer_before_minutes', 'buffer_after_minutes', 'patient_access', 'published',
                            'hold_minutes', 'hold_cap_minutes', 'holds_per_patient', 'idempotency_hours',
                            'consumes_events', 'notifies_events', 'keep_deliveries_days', 'keep_messages_days',
                            'keep_sign_in_events_days', 'keep_holds_days', 'keep_claims_days',
        'waitlist_mode', 'offer_minutes', 'broadcast_size', 'offers_per_slot', 'offers_per_entry_day', 'offers_per_patient_day',
        'language', 'message_time_zone', 'quiet_from', 'quiet_until', 'message_channels', 'message_delay_minutes',
        'series_days',
                            'late_keeps_place_minutes', 'no_show_grace_minutes', 'no_show_policy', 'no_show_limit',
                            'no_show_window_months', 'prepayment_amount', 'no_show_fee_amount', 'charge_currency',
        'mrn_format', 'duplicate_weights'];
BEGIN
    PERFORM clinic_private.require_weights(update_tenant.changes -> 'duplicate_weights');
    PERFORM clinic_private.require_language('language', update_tenant.changes ->> 'language');
    PERFORM clinic.canonical_time_zone(update_tenant.changes ->> 'message_time_zone');
    PERFORM clinic_private.require_channels_by_kind('message_channels', update_tenant.changes -> 'message_channels');
    RETURN clinic_private.update_row('tenants', 'tenant_id', tenant,
        clinic_private.checked_changes(update_tenant.changes, allowed), allowed);
END
$$;
ALTER FUNCTION clinic.update_tenant OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.update_tenant FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.update_tenant TO clinic_user;
COMMENT ON FUNCTION clinic.update_tenant IS
    'Changes the tenant of the context, and returns its new version. Needs setup:write.
changes: an object of columns and new values, each as the view clinic.tenants explains it; with "version", only that version is changed.
The organisation: name, status (active or suspended), published, patient_access (care or tenant), series_days (1 to 3660).
Booking: patient_overlap (forbid, warn or allow), allow_several_seats, refuse_late_cancellation, buffer_before_minutes, buffer_after_minutes (0 to 1440),
hold_minutes, hold_cap_minutes (1 to 1440), holds_per_patient (0 to 100), idempotency_hours (1 to 8784).
Patients: mrn_format (such as MRN-{YYYY}-{000000}, or null), duplicate_weights (an object of numbers: name, date_of_birth, email, phone, identifier, evidence, high, medium).
Waitlist: waitlist_mode (single, broadcast or off), offer_minutes (1 to 10080), broadcast_size (1 to 100), offers_per_slot, offers_per_entry_day, offers_per_patient_day (1 to 1000).
Front desk: late_keeps_place_minutes, no_show_grace_minutes (0 to 1440), no_show_policy (none, block_online, prepayment or fee), no_show_limit (0 to 1000),
no_show_window_months (1 to 120), prepayment_amount, no_show_fee_amount, charge_currency (such as INR); prepayment and fee need their amount and the currency.
Messages: language (such as en-IN), message_time_zone, quiet_from and quiet_until (quiet hours, the same twice for none), message_channels (by kind of message, or *, a list of
channels in order), message_delay_minutes (0 to 1440, before confirmations, changes and cancellations).
Events: consumes_events, notifies_events (every event wakes listeners: such commits wait for one another).
Keeping: keep_deliveries_days, keep_messages_days, keep_sign_in_events_days, keep_holds_days, keep_claims_days (1 to 3660).
Errors: no_context, forbidden, 22004, 22023, stale_version.';

CREATE FUNCTION clinic_private.login_problems(login name, actor text, permissions text[])
    RETURNS text[]
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN array_remove(ARRAY[
    CASE WHEN NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = login_problems.login)
        THEN 'the role does not exist' END,
    CASE WHEN EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = login_problems.login AND NOT r.rolcanlogin)
        THEN 'the role cannot log in; what a group may do is mapped for each of its members' END,
    CASE WHEN EXISTS (
            SELECT FROM pg_roles AS r
            WHERE r.rolname = login_problems.login
              AND NOT pg_has_role(r.oid, 'clinic_user', 'MEMBER')
              AND NOT (login_problems.actor = 'public' AND pg_has_role(r.oid, 'clinic_anon', 'MEMBER')))
        THEN format('the role may call nothing yet: GRANT clinic_user TO %I', login_problems.login) END,
    CASE WHEN clinic_private.count_mappings(login_problems.login::text) > 1
        THEN 'it is mapped in another tenant too, and so acts for none' END,
    (SELECT 'no function asks for ' || string_agg(p.permission, ', ' ORDER BY p.permission)
     FROM unnest(login_problems.permissions) AS p (permission)
     WHERE NOT EXISTS (
        SELECT FROM unnest(ARRAY['appointments:read', 'appointments:write', 'appointments:override', 'appointments:overbook', 'schedules:write',
                                 'patients:read', 'users:read', 'users:write', 'tokens:write', 'outbox:deliver', 'emergency:use', 'emergency:review',
                                 'setup:write', 'patients:write', 'reports:read', 'billing:write', 'audit:read', 'audit:retain',
                                 'patients:export', 'patients:erase']) AS known (permission)
        -- With a scope (own, branch, limited, nursing, financial) or without.
        WHERE known.permission = regexp_replace(p.permission, ':(own|branch|limited|nursing|financial)$', '')
           OR right(p.permission, 1) = '*' AND starts_with(known.permission, left(p.permission, -1))))
    ], NULL);
COMMENT ON FUNCTION clinic_private.login_problems(name, text, text[]) IS
    'Why a mapped login would not do what was meant, in words; empty when nothing is wrong.';
REVOKE ALL ON FUNCTION clinic_private.login_problems FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.login_problems TO clinic_owner;

CREATE FUNCTION clinic.map_login(
    login name,
    actor text,
    permissions text[] DEFAULT '{}',
    user_id uuid DEFAULT NULL,
    patient_id uuid DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('setup:write');
    problem text;
    v_state text;
    v_column text;
    v_constraint text;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'login', map_login.login, 'actor', map_login.actor, 'permissions', map_login.permissions));
    IF NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = map_login.login) THEN
        PERFORM clinic_private.raise_error('not_found', format('role "%s" does not exist', map_login.login),
            jsonb_build_object('login', map_login.login),
            format('Make it first: CREATE ROLE %I LOGIN IN ROLE clinic_user;', map_login.login));
    END IF;
    PERFORM clinic_private.require_permissions_formed(map_login.permissions);
    IF map_login.patient_id IS NOT NULL THEN
        PERFORM clinic_private.require_row('patient', map_login.patient_id);
    END IF;

    INSERT INTO clinic_data.logins AS l
        (tenant_id, login, actor, user_id, patient_id, permissions, created_at, created_by)
    VALUES
        (tenant, map_login.login, map_login.actor, map_login.user_id, map_login.patient_id, map_login.permissions,
         clinic.now(), clinic.current_user_id())
    ON CONFLICT ON CONSTRAINT logins_pkey DO UPDATE
        SET actor = excluded.actor,
            user_id = excluded.user_id,
            patient_id = excluded.patient_id,
            permissions = excluded.permissions,
            active = true;
    FOREACH problem IN ARRAY clinic_private.login_problems(map_login.login, map_login.actor, map_login.permissions) LOOP
        RAISE WARNING 'login "%": %', map_login.login, problem
            USING HINT = 'It is mapped all the same. clinic.mapped_logins() lists every login with what is wrong.';
    END LOOP;
EXCEPTION
    WHEN integrity_constraint_violation THEN
        GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_column = COLUMN_NAME, v_constraint = CONSTRAINT_NAME;
        PERFORM clinic_private.raise_violation(v_state, 'logins', v_column, v_constraint);
END
$$;
ALTER FUNCTION clinic.map_login OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.map_login FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.map_login TO clinic_admin;
COMMENT ON FUNCTION clinic.map_login IS
    'Lets a database login act in the tenant of the context; a second call replaces the first. For administrators, with setup:write.
login: name of an existing role that logs in; actor: admin, staff, patient or public; permissions: such as appointments:read,
appointments:write, appointments:override, appointments:overbook, schedules:write, setup:write, patients:write; * for all;
user_id: the person, as stamped on rows; patient_id: the patient, for actor patient.
A login that is active in several tenants acts for none. Warns of that, of a role that cannot log in or is not in clinic_user, and
of permissions that no function asks for. Errors: no_context, forbidden, not_found, 22004, 22023.';

CREATE FUNCTION clinic.mapped_logins()
    RETURNS TABLE (
        login name,
        actor text,
        permissions text[],
        user_id uuid,
        patient_id uuid,
        active boolean,
        problems text[])
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('setup:write');
BEGIN
    RETURN QUERY
        SELECT l.login, l.actor, l.permissions, l.user_id, l.patient_id, l.active,
               CASE WHEN l.active THEN clinic_private.login_problems(l.login, l.actor, l.permissions) ELSE '{}' END
        FROM clinic_data.logins AS l
        WHERE l.tenant_id = tenant
        ORDER BY l.login;
END
$$;
ALTER FUNCTION clinic.mapped_logins OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.mapped_logins FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.mapped_logins TO clinic_admin;
COMMENT ON FUNCTION clinic.mapped_logins() IS
    'Lists the logins that clinic.map_login has mapped in the tenant of the context, by name. For administrators, with setup:write.
active: false after clinic.unmap_login. problems: why the login would not do what was meant, such as a role that is gone or not in
clinic_user, or a login that is mapped in another tenant too; empty when nothing is wrong. Errors: no_context, forbidden.';

CREATE FUNCTION clinic.unmap_login(login name)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('setup:write');
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('login', unmap_login.login));
    UPDATE clinic_data.logins AS l
    SET active = false
    WHERE l.tenant_id = tenant AND l.login = unmap_login.login AND l.active;
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_error('not_found', format('login "%s" is not mapped', unmap_login.login),
            jsonb_build_object('login', unmap_login.login), 'clinic.mapped_logins() lists those that are.');
    END IF;
END
$$;
ALTER FUNCTION clinic.unmap_login OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.unmap_login FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.unmap_login TO clinic_admin;
COMMENT ON FUNCTION clinic.unmap_login IS
    'Ends what clinic.map_login began: from the next transaction on the login has no context here. For administrators, with setup:write.
login: name of the role. Errors: no_context, forbidden, not_found, 22004.';
