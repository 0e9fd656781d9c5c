-- What is kept of patients, encrypted by their keys: details, health, identifiers; and the whole of it, the profile.

CREATE FUNCTION clinic_private.contact_index(tenant_id uuid, destination text)
    RETURNS bytea
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT clinic_private.blind_index(contact_index.tenant_id, 'clinic_data.patient_contacts.destination', contact_index.destination)
$$;
COMMENT ON FUNCTION clinic_private.contact_index(uuid, text) IS 'Blind index of a destination in its normal form. Errors: key_unavailable.';

CREATE FUNCTION clinic_private.contact_text(tenant_id uuid, patient_id uuid, contact_id uuid, destination bytea)
    RETURNS text
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT clinic_private.decrypt_field(contact_text.tenant_id, contact_text.patient_id, 'clinic_data.patient_contacts', 'destination',
                                        contact_text.contact_id::text, contact_text.destination)
$$;
COMMENT ON FUNCTION clinic_private.contact_text(uuid, uuid, uuid, bytea) IS 'A destination decrypted. Errors: key_unavailable, decryption_failed.';

CREATE FUNCTION clinic_private.readable_contact_text(tenant_id uuid, patient_id uuid, contact_id uuid, destination bytea)
    RETURNS text
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT clinic_private.decrypted_field(readable_contact_text.tenant_id, readable_contact_text.patient_id, 'clinic_data.patient_contacts',
                                          'destination', readable_contact_text.contact_id::text, readable_contact_text.destination)
$$;
COMMENT ON FUNCTION clinic_private.readable_contact_text(uuid, uuid, uuid, bytea) IS
    'A destination decrypted; null for one that does not decrypt. Errors: key_unavailable.';

CREATE FUNCTION clinic_private.shown_contact(patient_id uuid, contact_id uuid, destination bytea, destination_index bytea)
    RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
BEGIN
    IF shown_contact.destination_index IS NULL OR NOT clinic_private.sees_whole_patient(shown_contact.patient_id) THEN
        RETURN NULL;
    END IF;
    RETURN clinic_private.contact_text(clinic_private.require_tenant(), shown_contact.patient_id, shown_contact.contact_id, shown_contact.destination);
END
$$;
ALTER FUNCTION clinic_private.shown_contact OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic_private.shown_contact FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.shown_contact TO clinic_user, clinic_owner;
COMMENT ON FUNCTION clinic_private.shown_contact(uuid, uuid, bytea, bytea) IS
    'The destination of a row of clinic.patient_contacts, for who may see the patient whole; null after shredding. Errors: key_unavailable, decryption_failed.';

REVOKE ALL ON FUNCTION clinic_private.contact_index, clinic_private.contact_text, clinic_private.readable_contact_text FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.contact_index, clinic_private.contact_text, clinic_private.readable_contact_text TO clinic_owner;

-- ----------------------------------------------------------------------------------------------------------------------
-- Details.

CREATE FUNCTION clinic_private.put_patient_details(patient_id uuid, changes jsonb)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant constant uuid := clinic.current_tenant_id();
    patient constant uuid := put_patient_details.patient_id;
    given constant jsonb := clinic_private.checked_details(put_patient_details.patient_id, put_patient_details.changes);
    new_version integer;
BEGIN
    INSERT INTO clinic_data.patient_details AS d (tenant_id, patient_id, address, emergency_contact, blood_group)
    VALUES (tenant, patient,
            clinic_private.encrypt_field(tenant, patient, 'clinic_data.patient_details', 'address', patient::text, nullif(given -> 'address', 'null')::text),
            clinic_private.encrypt_field(tenant, patient, 'clinic_data.patient_details', 'emergency_contact', patient::text, nullif(given -> 'emergency_contact', 'null')::text),
            clinic_private.encrypt_field(tenant, patient, 'clinic_data.patient_details', 'blood_group', patient::text, given ->> 'blood_group'))
    ON CONFLICT ON CONSTRAINT patient_details_pkey DO UPDATE
        SET address = CASE WHEN given ? 'address' THEN excluded.address ELSE d.address END,
            emergency_contact = CASE WHEN given ? 'emergency_contact' THEN excluded.emergency_contact ELSE d.emergency_contact END,
            blood_group = CASE WHEN given ? 'blood_group' THEN excluded.blood_group ELSE d.blood_group END
        WHERE coalesce(d.version = (given ->> 'version')::integer, true)
    RETURNING d.version INTO new_version;
    IF new_version IS NULL THEN
        PERFORM clinic_private.raise_error('stale_version', 'the row was changed by somebody else', jsonb_build_object('patient_id', patient), NULL);
    END IF;
    RETURN new_version;
END
$$;
COMMENT ON FUNCTION clinic_private.put_patient_details(uuid, jsonb) IS
    'Writes what is given of address, emergency_contact and blood_group, and returns the version of the details. Errors: 22004, 22023, stale_version, key_unavailable, shredded.';
REVOKE ALL ON FUNCTION clinic_private.put_patient_details FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.put_patient_details TO clinic_owner;

CREATE FUNCTION clinic.set_patient_details(patient_id uuid, changes jsonb)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_own_or_written(set_patient_details.patient_id);
    given jsonb := clinic_private.checked_changes(set_patient_details.changes, '{address,emergency_contact,blood_group}');
BEGIN
    PERFORM clinic_private.require_unmerged(set_patient_details.patient_id);
    PERFORM clinic_private.checked_object('changes', given - 'version', '{address object,emergency_contact object,blood_group text 3}');
    IF given ? 'version' AND (given ->> 'version' ~ '^[0-9]{1,9}$') IS NOT TRUE THEN
        PERFORM clinic_private.refuse_argument('version', 'version must be a number');
    END IF;
    IF given ? 'blood_group' THEN
        PERFORM clinic_private.require_permission('patients:write');
    END IF;
    RETURN clinic_private.put_patient_details(set_patient_details.patient_id, given);
END
$$;
ALTER FUNCTION clinic.set_patient_details OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.set_patient_details FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.set_patient_details TO clinic_user;
COMMENT ON FUNCTION clinic.set_patient_details IS
    'Writes what is known of a patient once, encrypted, and returns the version of these details. For the patient and those who act for them, else needs patients:write and
patients:read; blood_group always needs them.
changes: an object of address (line1, line2, city, district, state, postal_code, country), emergency_contact (name, relationship, phone; a number without country code
is one of the first location''s country), blood_group (such as AB-); null takes one away; with "version", only that version is changed.
Errors: no_context, forbidden, not_found, inactive (a merged record), 22004, 22023, stale_version, key_unavailable, shredded; each names the field, none shows a value.';

-- ----------------------------------------------------------------------------------------------------------------------
-- Allergies, conditions, medications.

CREATE FUNCTION clinic_private.put_health_item(kind text, patient_id uuid, item jsonb, item_id uuid, version integer)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant constant uuid := clinic.current_tenant_id();
    checked constant jsonb := clinic_private.checked_health_item(put_health_item.kind, put_health_item.item);
    id constant uuid := coalesce(put_health_item.item_id, clinic.new_id());
    sealed constant bytea := clinic_private.encrypt_field(tenant, put_health_item.patient_id, 'clinic_data.patient_health_items', 'item', id::text, checked::text);
BEGIN
    IF put_health_item.item_id IS NULL THEN
        INSERT INTO clinic_data.patient_health_items (tenant_id, item_id, patient_id, kind, item)
        VALUES (tenant, id, put_health_item.patient_id, put_health_item.kind, sealed);
        RETURN id;
    END IF;
    UPDATE clinic_data.patient_health_items AS h
    SET item = sealed
    WHERE h.tenant_id = tenant AND h.item_id = id AND h.patient_id = put_health_item.patient_id AND h.kind = put_health_item.kind
      AND coalesce(h.version = put_health_item.version, true);
    IF NOT FOUND THEN
        PERFORM clinic_private.refuse_health_item(put_health_item.kind, put_health_item.patient_id, id);
    END IF;
    RETURN id;
END
$$;
COMMENT ON FUNCTION clinic_private.put_health_item(text, uuid, jsonb, uuid, integer) IS
    'Adds an item, or writes the one of that id anew. Errors: not_found, stale_version, 22004, 22023, key_unavailable, shredded.';

CREATE FUNCTION clinic_private.refuse_health_item(kind text, patient_id uuid, item_id uuid)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF EXISTS (SELECT FROM clinic_data.patient_health_items AS h
               WHERE h.tenant_id = clinic.current_tenant_id() AND h.item_id = refuse_health_item.item_id AND h.patient_id = refuse_health_item.patient_id
                 AND h.kind = refuse_health_item.kind) THEN
        PERFORM clinic_private.raise_error('stale_version', 'the row was changed by somebody else', jsonb_build_object('item_id', refuse_health_item.item_id), NULL);
    END IF;
    PERFORM clinic_private.raise_error('not_found', format('%s "%s" does not exist', refuse_health_item.kind, refuse_health_item.item_id),
        jsonb_build_object('item_id', refuse_health_item.item_id), NULL);
END
$$;
COMMENT ON FUNCTION clinic_private.refuse_health_item(text, uuid, uuid) IS 'Says why an item was not changed. Errors: not_found, stale_version.';

CREATE FUNCTION clinic_private.set_health_item(kind text, patient_id uuid, item jsonb, item_id uuid, version integer, remove boolean)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant constant uuid := clinic_private.require_permission('patients:write');
    removed uuid;
BEGIN
    PERFORM clinic_private.require_permission('patients:read');
    PERFORM clinic_private.require_arguments(jsonb_build_object('patient_id', set_health_item.patient_id, 'remove', set_health_item.remove)
        || CASE WHEN set_health_item.remove THEN jsonb_build_object('item_id', set_health_item.item_id)
                ELSE jsonb_build_object(set_health_item.kind, set_health_item.item) END);
    PERFORM clinic_private.require_row('patient', set_health_item.patient_id);
    PERFORM clinic_private.require_unmerged(set_health_item.patient_id);
    IF NOT set_health_item.remove THEN
        RETURN clinic_private.put_health_item(set_health_item.kind, set_health_item.patient_id, set_health_item.item, set_health_item.item_id, set_health_item.version);
    END IF;
    DELETE FROM clinic_data.patient_health_items AS h
    WHERE h.tenant_id = tenant AND h.item_id = set_health_item.item_id AND h.patient_id = set_health_item.patient_id AND h.kind = set_health_item.kind
      AND coalesce(h.version = set_health_item.version, true)
    RETURNING h.item_id INTO removed;
    IF removed IS NULL THEN
        PERFORM clinic_private.refuse_health_item(set_health_item.kind, set_health_item.patient_id, set_health_item.item_id);
    END IF;
    RETURN removed;
END
$$;
COMMENT ON FUNCTION clinic_private.set_health_item(text, uuid, jsonb, uuid, integer, boolean) IS 'What clinic.set_patient_allergy, _condition and _medication do.';
REVOKE ALL ON FUNCTION clinic_private.put_health_item, clinic_private.refuse_health_item, clinic_private.set_health_item FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.put_health_item, clinic_private.refuse_health_item, clinic_private.set_health_item TO clinic_owner;

CREATE FUNCTION clinic.set_patient_allergy(patient_id uuid, allergy jsonb DEFAULT NULL, item_id uuid DEFAULT NULL, version integer DEFAULT NULL, remove boolean DEFAULT false)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
BEGIN
    RETURN clinic_private.set_health_item('allergy', set_patient_allergy.patient_id, set_patient_allergy.allergy, set_patient_allergy.item_id, set_patient_allergy.version,
                                          set_patient_allergy.remove);
END
$$;
ALTER FUNCTION clinic.set_patient_allergy OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.set_patient_allergy FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.set_patient_allergy TO clinic_user;
COMMENT ON FUNCTION clinic.set_patient_allergy IS
    'Adds an allergy to a patient, encrypted, or with item_id writes it anew or removes it, and returns its id. Needs patients:write and patients:read.
allergy: an object of allergen and severity (mild, moderate, severe or life_threatening), and where known reaction, onset_on, verified_by and note; dates like 2024-05-31; version: only that version is changed.
Errors: no_context, forbidden, not_found, inactive (a merged record), 22004, 22023, stale_version, key_unavailable, shredded; each names the field, none shows a value.';

CREATE FUNCTION clinic.set_patient_condition(patient_id uuid, condition jsonb DEFAULT NULL, item_id uuid DEFAULT NULL, version integer DEFAULT NULL, remove boolean DEFAULT false)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
BEGIN
    RETURN clinic_private.set_health_item('condition', set_patient_condition.patient_id, set_patient_condition.condition, set_patient_condition.item_id, set_patient_condition.version,
                                          set_patient_condition.remove);
END
$$;
ALTER FUNCTION clinic.set_patient_condition OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.set_patient_condition FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.set_patient_condition TO clinic_user;
COMMENT ON FUNCTION clinic.set_patient_condition IS
    'Adds a condition to a patient, encrypted, or with item_id writes it anew or removes it, and returns its id. Needs patients:write and patients:read.
condition: an object of name, and where known code, code_system, onset_on, ended_on and note; dates like 2024-05-31; version: only that version is changed.
Errors: no_context, forbidden, not_found, inactive (a merged record), 22004, 22023, stale_version, key_unavailable, shredded; each names the field, none shows a value.';

CREATE FUNCTION clinic.set_patient_medication(patient_id uuid, medication jsonb DEFAULT NULL, item_id uuid DEFAULT NULL, version integer DEFAULT NULL, remove boolean DEFAULT false)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
BEGIN
    RETURN clinic_private.set_health_item('medication', set_patient_medication.patient_id, set_patient_medication.medication, set_patient_medication.item_id, set_patient_medication.version,
                                          set_patient_medication.remove);
END
$$;
ALTER FUNCTION clinic.set_patient_medication OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.set_patient_medication FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.set_patient_medication TO clinic_user;
COMMENT ON FUNCTION clinic.set_patient_medication IS
    'Adds a medication to a patient, encrypted, or with item_id writes it anew or removes it, and returns its id. Needs patients:write and patients:read.
medication: an object of name, and where known dosage, frequency, from_on, until_on and note; dates like 2024-05-31; version: only that version is changed.
Errors: no_context, forbidden, not_found, inactive (a merged record), 22004, 22023, stale_version, key_unavailable, shredded; each names the field, none shows a value.';

-- ----------------------------------------------------------------------------------------------------------------------
-- Identifiers.

CREATE FUNCTION clinic_private.identifier_index(tenant_id uuid, system text, normal text)
    RETURNS bytea
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT clinic_private.blind_index(identifier_index.tenant_id, 'clinic_data.patient_identifiers.value', identifier_index.system || ' ' || identifier_index.normal)
$$;
COMMENT ON FUNCTION clinic_private.identifier_index(uuid, text, text) IS
    'Blind index of an identifier, with its system in it, so that equal numbers of two systems do not look equal. Errors: key_unavailable.';

CREATE FUNCTION clinic_private.put_identifier(patient_id uuid, system text, value text)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant constant uuid := clinic.current_tenant_id();
    id uuid := clinic.new_id();
    checked record;
    wanted bytea;
    present uuid;
BEGIN
    SELECT * INTO checked FROM clinic_private.checked_identifier(put_identifier.system, put_identifier.value);
    wanted := clinic_private.identifier_index(tenant, put_identifier.system, checked.normal);
    SELECT i.identifier_id INTO present
    FROM clinic_data.patient_identifiers AS i
    WHERE i.tenant_id = tenant AND i.system = put_identifier.system AND i.value_index = wanted AND i.patient_id = put_identifier.patient_id;
    IF FOUND THEN
        RETURN present;
    END IF;
    INSERT INTO clinic_data.patient_identifiers (tenant_id, identifier_id, patient_id, system, value, value_index, is_unique)
    VALUES (tenant, id, put_identifier.patient_id, put_identifier.system,
            clinic_private.encrypt_field(tenant, put_identifier.patient_id, 'clinic_data.patient_identifiers', 'value', id::text, checked.normal),
            wanted, checked.is_unique);
    RETURN id;
EXCEPTION WHEN unique_violation THEN
    PERFORM clinic_private.raise_error('duplicate', 'another patient has this identifier', jsonb_build_object('argument', 'value', 'system', put_identifier.system),
        'Look the patient up before adding a second record.');
END
$$;
COMMENT ON FUNCTION clinic_private.put_identifier(uuid, text, text) IS 'Adds an identifier; the same again changes nothing. Errors: 22023, duplicate, key_unavailable, shredded.';

CREATE FUNCTION clinic.set_patient_identifier(patient_id uuid, system text, value text, remove boolean DEFAULT false)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant constant uuid := clinic_private.require_permission('patients:write');
    removed uuid;
BEGIN
    PERFORM clinic_private.require_permission('patients:read');
    PERFORM clinic_private.require_arguments(jsonb_build_object('patient_id', set_patient_identifier.patient_id, 'system', set_patient_identifier.system,
        'value', set_patient_identifier.value, 'remove', set_patient_identifier.remove));
    PERFORM clinic_private.require_row('patient', set_patient_identifier.patient_id);
    PERFORM clinic_private.require_unmerged(set_patient_identifier.patient_id);
    IF NOT set_patient_identifier.remove THEN
        RETURN clinic_private.put_identifier(set_patient_identifier.patient_id, set_patient_identifier.system, set_patient_identifier.value);
    END IF;
    DELETE FROM clinic_data.patient_identifiers AS i
    WHERE i.tenant_id = tenant AND i.patient_id = set_patient_identifier.patient_id AND i.system = set_patient_identifier.system
      AND i.value_index = clinic_private.identifier_index(tenant, set_patient_identifier.system,
            (SELECT c.normal FROM clinic_private.checked_identifier(set_patient_identifier.system, set_patient_identifier.value) AS c))
    RETURNING i.identifier_id INTO removed;
    RETURN removed;
END
$$;
ALTER FUNCTION clinic.set_patient_identifier OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.set_patient_identifier FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.set_patient_identifier TO clinic_user;
COMMENT ON FUNCTION clinic.set_patient_identifier IS
    'Adds a number by which others know a patient, encrypted, or removes it, and returns its id; null when there was none to remove. Needs patients:write and patients:read.
system: abha_number (14 digits with their check digit), abha_address (name@abdm), or national:, insurance: or external: and a name, such as national:passport; all but
insurance are of one patient only. value: blanks and hyphens do not matter.
Errors: no_context, forbidden, not_found, inactive (a merged record), duplicate (another patient has it), 22004, 22023, key_unavailable, shredded; none shows the value.';

CREATE FUNCTION clinic_private.put_patient_parts(patient_id uuid, given jsonb)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    saved constant text := clinic_private.saved_context();
    seen constant boolean := clinic_private.sees_whole_patient(put_patient_parts.patient_id);
    part record;
    normal jsonb;
BEGIN
    FOR part IN SELECT k.list FROM unnest('{contacts,identifiers,allergies,conditions,medications}'::text[]) AS k (list) LOOP
        IF jsonb_typeof(put_patient_parts.given -> part.list) = 'array' AND jsonb_array_length(put_patient_parts.given -> part.list) > 200 THEN
            PERFORM clinic_private.refuse_argument(part.list, format('%s must have at most 200 items', part.list));
        END IF;
    END LOOP;
    IF NOT put_patient_parts.given ?| '{address,emergency_contact,blood_group,contacts,identifiers,allergies,conditions,medications,language}' THEN
        RETURN;
    END IF;
    -- Who makes a patient that is not in their care yet writes what they were given all the same.
    IF NOT seen THEN
        PERFORM clinic_private.act_as_system(clinic.current_tenant_id());
    END IF;
    IF put_patient_parts.given ?| '{address,emergency_contact,blood_group}' THEN
        PERFORM clinic_private.put_patient_details(put_patient_parts.patient_id, put_patient_parts.given);
    END IF;
    FOR part IN
        SELECT k.kind, k.list, e.item
        FROM (VALUES ('allergy', 'allergies'), ('condition', 'conditions'), ('medication', 'medications')) AS k (kind, list)
        CROSS JOIN LATERAL jsonb_array_elements(coalesce(put_patient_parts.given -> k.list, '[]')) AS e (item)
    LOOP
        PERFORM clinic_private.put_health_item(part.kind, put_patient_parts.patient_id, part.item, NULL, NULL);
    END LOOP;
    FOR part IN SELECT e.item FROM jsonb_array_elements(coalesce(put_patient_parts.given -> 'identifiers', '[]')) AS e (item) LOOP
        normal := clinic_private.checked_object('identifiers', part.item, '{system text 100 !,value text 100 !}');
        PERFORM clinic_private.put_identifier(put_patient_parts.patient_id, normal ->> 'system', normal ->> 'value');
    END LOOP;
    FOR part IN SELECT e.item FROM jsonb_array_elements(coalesce(put_patient_parts.given -> 'contacts', '[]')) AS e (item) LOOP
        normal := clinic_private.checked_object('contacts', part.item, '{channel text 20 !,destination text 4096 !}');
        PERFORM clinic_private.put_contact(put_patient_parts.patient_id, normal ->> 'channel', normal ->> 'destination', NULL, NULL);
    END LOOP;
    IF put_patient_parts.given ? 'language' THEN
        PERFORM clinic_private.require_language('language', put_patient_parts.given ->> 'language');
        INSERT INTO clinic_data.communication_preferences (tenant_id, patient_id, language)
        VALUES (clinic.current_tenant_id(), put_patient_parts.patient_id, put_patient_parts.given ->> 'language');
    END IF;
    IF NOT seen THEN
        PERFORM clinic_private.restore_context(saved);
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.put_patient_parts(uuid, jsonb) IS 'Writes the details that clinic.create_patient was given. Errors: those of the functions for each part.';
REVOKE ALL ON FUNCTION clinic_private.identifier_index, clinic_private.put_identifier, clinic_private.put_patient_parts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.identifier_index, clinic_private.put_identifier, clinic_private.put_patient_parts TO clinic_owner;
