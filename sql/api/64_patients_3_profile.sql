-- A patient as a whole, decrypted; and which record counts.

CREATE FUNCTION clinic_private.surviving_patient(patient_id uuid)
    RETURNS uuid
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant constant uuid := clinic_private.require_tenant();
    saved constant text := clinic_private.saved_context();
    place uuid := surviving_patient.patient_id;
    next_place uuid;
BEGIN
    -- Whoever knows the old id is led to the record that counts, which row security then shows them or not.
    PERFORM clinic_private.act_as_system(tenant);
    LOOP
        SELECT p.merged_into_id INTO next_place FROM clinic_data.patients AS p WHERE p.tenant_id = tenant AND p.patient_id = place;
        EXIT WHEN next_place IS NULL;
        place := next_place;
    END LOOP;
    PERFORM clinic_private.restore_context(saved);
    RETURN place;
END
$$;
COMMENT ON FUNCTION clinic_private.surviving_patient(uuid) IS
    'The record that counts: the one that a merged record was merged into, else the id itself, whether there is such a patient or not. Errors: no_context.';
REVOKE ALL ON FUNCTION clinic_private.surviving_patient FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.surviving_patient TO clinic_owner;

CREATE FUNCTION clinic_private.records_of(tenant_id uuid, patient_id uuid)
    RETURNS uuid[]
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE records AS (
        SELECT records_of.patient_id AS id
        UNION
        SELECT p.patient_id
        FROM records AS r
        JOIN clinic_data.patients AS p ON p.tenant_id = records_of.tenant_id AND p.merged_into_id = r.id)
    SELECT array_agg(r.id ORDER BY r.id <> records_of.patient_id, r.id) FROM records AS r
$$;
COMMENT ON FUNCTION clinic_private.records_of(uuid, uuid) IS
    'All records of a person: the one that counts, first, and those that were merged into it. For the context of the system, which sees them all.';
REVOKE ALL ON FUNCTION clinic_private.records_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.records_of TO clinic_owner;

CREATE FUNCTION clinic_private.masked_object(given jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_object_agg(e.key, '*****'::text) FROM jsonb_each(masked_object.given) AS e
$$;
COMMENT ON FUNCTION clinic_private.masked_object(jsonb) IS 'An object with every value masked.';
REVOKE ALL ON FUNCTION clinic_private.masked_object FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.masked_object TO clinic_owner;

CREATE FUNCTION clinic_private.patient_parts(tenant_id uuid, patient_id uuid, whole boolean)
    RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object(
        'details', (
            SELECT jsonb_strip_nulls(jsonb_build_object(
                       'address', CASE WHEN patient_parts.whole THEN o.address ELSE clinic_private.masked_object(o.address) END,
                       'emergency_contact', CASE WHEN patient_parts.whole THEN o.emergency_contact ELSE clinic_private.masked_object(o.emergency_contact) END,
                       'blood_group', CASE WHEN patient_parts.whole THEN o.blood_group ELSE clinic.mask('value', o.blood_group) END,
                       'version', d.version))
            FROM clinic_data.patient_details AS d
            CROSS JOIN LATERAL (SELECT
                clinic_private.decrypt_field(d.tenant_id, d.patient_id, 'clinic_data.patient_details', 'address', d.patient_id::text, d.address)::jsonb AS address,
                clinic_private.decrypt_field(d.tenant_id, d.patient_id, 'clinic_data.patient_details', 'emergency_contact', d.patient_id::text, d.emergency_contact)::jsonb AS emergency_contact,
                clinic_private.decrypt_field(d.tenant_id, d.patient_id, 'clinic_data.patient_details', 'blood_group', d.patient_id::text, d.blood_group) AS blood_group
                OFFSET 0) AS o
            WHERE d.tenant_id = patient_parts.tenant_id AND d.patient_id = patient_parts.patient_id),
        'contacts', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('contact_id', c.contact_id, 'channel', c.channel,
                       'destination', CASE WHEN patient_parts.whole THEN o.destination
                                           ELSE clinic.mask(CASE c.channel WHEN 'email' THEN 'email' WHEN 'push' THEN 'value' ELSE 'phone' END, o.destination) END,
                       'verified_at', c.verified_at, 'opted_out_at', c.opted_out_at, 'bounced_at', c.bounced_at) ORDER BY c.channel, c.contact_id), '[]')
            FROM clinic_data.patient_contacts AS c
            CROSS JOIN LATERAL (SELECT clinic_private.contact_text(c.tenant_id, c.patient_id, c.contact_id, c.destination) AS destination OFFSET 0) AS o
            WHERE c.tenant_id = patient_parts.tenant_id AND c.patient_id = patient_parts.patient_id),
        'identifiers', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('identifier_id', i.identifier_id, 'system', i.system,
                       'value', CASE WHEN patient_parts.whole THEN o.value ELSE clinic.mask('id', o.value) END) ORDER BY i.system, i.identifier_id), '[]')
            FROM clinic_data.patient_identifiers AS i
            CROSS JOIN LATERAL (SELECT clinic_private.decrypt_field(i.tenant_id, i.patient_id, 'clinic_data.patient_identifiers', 'value',
                                                                   i.identifier_id::text, i.value) AS value OFFSET 0) AS o
            WHERE i.tenant_id = patient_parts.tenant_id AND i.patient_id = patient_parts.patient_id))
        || (
        SELECT jsonb_object_agg(k.list, (
                   SELECT coalesce(jsonb_agg(jsonb_build_object('item_id', h.item_id, 'version', h.version)
                              || CASE WHEN patient_parts.whole THEN o.item ELSE clinic_private.masked_object(o.item) END ORDER BY h.item_id), '[]')
                   FROM clinic_data.patient_health_items AS h
                   CROSS JOIN LATERAL (SELECT clinic_private.decrypt_field(h.tenant_id, h.patient_id, 'clinic_data.patient_health_items', 'item',
                                                                          h.item_id::text, h.item)::jsonb AS item OFFSET 0) AS o
                   WHERE h.tenant_id = patient_parts.tenant_id AND h.patient_id = patient_parts.patient_id AND h.kind = k.kind))
        FROM (VALUES ('allergy', 'allergies'), ('condition', 'conditions'), ('medication', 'medications')) AS k (kind, list))
        || jsonb_build_object(
        'language', (SELECT p.language FROM clinic_data.communication_preferences AS p
                     WHERE p.tenant_id = patient_parts.tenant_id AND p.patient_id = patient_parts.patient_id),
        'guardians', (SELECT coalesce(jsonb_agg(jsonb_build_object('patient_id', d.guardian_patient_id, 'relationship', d.relationship, 'until_on', d.until_on)
                                                ORDER BY d.guardian_patient_id), '[]')
                      FROM clinic_data.dependants AS d WHERE d.tenant_id = patient_parts.tenant_id AND d.patient_id = patient_parts.patient_id),
        'dependants', (SELECT coalesce(jsonb_agg(jsonb_build_object('patient_id', d.patient_id, 'relationship', d.relationship, 'until_on', d.until_on)
                                                 ORDER BY d.patient_id), '[]')
                       FROM clinic_data.dependants AS d WHERE d.tenant_id = patient_parts.tenant_id AND d.guardian_patient_id = patient_parts.patient_id),
        'replaces', (SELECT coalesce(jsonb_agg(p.patient_id ORDER BY p.patient_id), '[]')
                     FROM clinic_data.patients AS p WHERE p.tenant_id = patient_parts.tenant_id AND p.merged_into_id = patient_parts.patient_id))
$$;
COMMENT ON FUNCTION clinic_private.patient_parts(uuid, uuid, boolean) IS
    'What is kept of a patient beside the demographics, decrypted, or masked. Checks no permission. Errors: key_unavailable, decryption_failed.';
REVOKE ALL ON FUNCTION clinic_private.patient_parts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.patient_parts TO clinic_owner;

CREATE FUNCTION clinic.patient_profile(patient_id uuid)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant constant uuid := clinic_private.require_tenant();
    saved constant text := clinic_private.saved_context();
    place uuid;
    whole boolean;
    profile jsonb;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('patient_id', patient_profile.patient_id));
    place := clinic_private.surviving_patient(patient_profile.patient_id);
    SELECT to_jsonb(v.*) - 'tenant_id' INTO profile FROM clinic.patients AS v WHERE v.patient_id = place;
    IF profile IS NULL THEN
        PERFORM clinic_private.raise_error('not_found', format('patient "%s" does not exist', patient_profile.patient_id),
            jsonb_build_object('patient_id', patient_profile.patient_id), NULL);
    END IF;
    whole := clinic_private.sees_whole_patient(place);
    -- What is encrypted is another's to see masked only, where row security shows none of it.
    PERFORM clinic_private.act_as_system(tenant);
    IF EXISTS (SELECT FROM clinic_data.shredded_patients AS s WHERE s.tenant_id = tenant AND s.patient_id = place) THEN
        PERFORM clinic_private.raise_error('shredded', 'the patient was erased', jsonb_build_object('patient_id', place),
            'What was kept of them is unreadable for ever; clinic.patients shows what remains.');
    END IF;
    profile := profile || clinic_private.patient_parts(tenant, place, whole) || jsonb_build_object('masked', NOT whole);
    PERFORM clinic_private.restore_context(saved);
    PERFORM clinic_private.record_reads('patients', ARRAY[place], ARRAY[place], 'view');
    RETURN profile;
END
$$;
ALTER FUNCTION clinic.patient_profile OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.patient_profile FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.patient_profile TO clinic_user;
COMMENT ON FUNCTION clinic.patient_profile IS
    'All that is kept of a patient, decrypted: the columns of clinic.patients, and details (address, emergency_contact, blood_group), contacts, identifiers, allergies,
conditions, medications, language, guardians, dependants, replaces (records merged into this one). For who sees the patient; for the scope limited of patients:read values
are masked, and masked is true. The id of a merged record gives the record that counts: patient_id says which.
Errors: no_context, not_found (also for one that the caller may not see), 22004, key_unavailable, shredded, decryption_failed.';
