-- Who else takes part in the visits of a service.

CREATE FUNCTION clinic.set_participants(
    service_id uuid,
    role text,
    candidate_ids uuid[],
    quantity integer DEFAULT 1,
    optional boolean DEFAULT false)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('setup:write');
    wanted uuid[];
    candidate uuid;
    v_state text;
    v_column text;
    v_constraint text;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'service_id', set_participants.service_id, 'role', set_participants.role, 'candidate_ids', set_participants.candidate_ids,
        'quantity', set_participants.quantity, 'optional', set_participants.optional));
    PERFORM clinic_private.require_row('service', set_participants.service_id);
    SELECT coalesce(array_agg(DISTINCT c.id), '{}') INTO wanted FROM unnest(set_participants.candidate_ids) AS c (id);
    FOREACH candidate IN ARRAY wanted LOOP
        PERFORM clinic_private.require_row('resource', candidate);
    END LOOP;
    IF cardinality(wanted) < set_participants.quantity THEN
        PERFORM clinic_private.refuse_argument('candidate_ids', 'there are fewer candidates than the role needs',
            format('Candidates: %s, needed: %s.', cardinality(wanted), set_participants.quantity),
            'Name everybody who can fill the role: providers, rooms or devices.');
    END IF;
    PERFORM clinic_private.lock_service(tenant, set_participants.service_id);
    INSERT INTO clinic_data.service_participants AS p (tenant_id, service_id, role, quantity, optional)
    VALUES (tenant, set_participants.service_id, btrim(set_participants.role), set_participants.quantity, set_participants.optional)
    ON CONFLICT ON CONSTRAINT service_participants_pkey DO UPDATE
        SET quantity = excluded.quantity, optional = excluded.optional;
    DELETE FROM clinic_data.service_participant_candidates AS c
    WHERE c.tenant_id = tenant AND c.service_id = set_participants.service_id AND c.role = btrim(set_participants.role);
    INSERT INTO clinic_data.service_participant_candidates (tenant_id, service_id, role, resource_id)
    SELECT tenant, set_participants.service_id, btrim(set_participants.role), w.id FROM unnest(wanted) AS w (id);
EXCEPTION
    WHEN integrity_constraint_violation THEN
        GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_column = COLUMN_NAME, v_constraint = CONSTRAINT_NAME;
        PERFORM clinic_private.raise_violation(v_state, 'service_participants', v_column, v_constraint);
END
$$;
ALTER FUNCTION clinic.set_participants OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.set_participants FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.set_participants TO clinic_user;
COMMENT ON FUNCTION clinic.set_participants IS
    'Says who or what takes part in the visits of a service beside the provider and the rooms of its classes; a second call replaces the first. Needs setup:write.
role: what they do, such as assistant; candidate_ids: providers, rooms and devices who can, of whom any quantity (1 to 20) must be free, at the visit''s location and in their own hours; optional: slots are offered without them too, and say that they are missing.
Errors: no_context, forbidden, not_found, 22004, 22023.';

CREATE FUNCTION clinic.remove_participants(service_id uuid, role text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('setup:write');
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'service_id', remove_participants.service_id, 'role', remove_participants.role));
    PERFORM clinic_private.require_row('service', remove_participants.service_id);
    PERFORM clinic_private.lock_service(tenant, remove_participants.service_id);
    DELETE FROM clinic_data.service_participant_candidates AS c
    WHERE c.tenant_id = tenant AND c.service_id = remove_participants.service_id AND c.role = remove_participants.role;
    DELETE FROM clinic_data.service_participants AS p
    WHERE p.tenant_id = tenant AND p.service_id = remove_participants.service_id AND p.role = remove_participants.role;
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_error('not_found', 'the service has no such role',
            jsonb_build_object('service_id', remove_participants.service_id),
            'The view clinic.service_participants lists the roles of each service.');
    END IF;
END
$$;
ALTER FUNCTION clinic.remove_participants OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.remove_participants FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.remove_participants TO clinic_user;
COMMENT ON FUNCTION clinic.remove_participants IS
    'Takes back what clinic.set_participants said of a role. Bookings keep who takes part. Needs setup:write.
Errors: no_context, forbidden, not_found, 22004.';
