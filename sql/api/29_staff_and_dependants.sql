-- What belongs to people beside what they may do: the professional data of staff, and for whom patients act.

CREATE FUNCTION clinic_private.is_npi(npi text)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    -- Luhn's check over the number behind 80840: every second digit from the right counts twice, as the sum of its digits.
    SELECT is_npi.npi ~ '^[0-9]{10}$'
       AND (SELECT sum(CASE WHEN g.place % 2 = 0 THEN (d.digit * 2) / 10 + (d.digit * 2) % 10 ELSE d.digit END) % 10 = 0
            FROM generate_series(1, 15) AS g (place)
            CROSS JOIN LATERAL (SELECT ascii(substr('80840' || is_npi.npi, g.place, 1)) - ascii('0')) AS d (digit))
$$;
COMMENT ON FUNCTION clinic_private.is_npi(text) IS 'Tells whether a text is a National Provider Identifier: ten digits with a valid check digit.';
REVOKE ALL ON FUNCTION clinic_private.is_npi FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.is_npi TO clinic_owner;

CREATE FUNCTION clinic_private.normal_language(language text)
    RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT nullif(concat_ws('-', lower(m.parts[1]), initcap(m.parts[2]), upper(m.parts[3])), '')
    FROM regexp_match(btrim(normal_language.language),
                      '^([a-zA-Z]{2,3})(?:-([a-zA-Z]{4}))?(?:-([a-zA-Z]{2}|[0-9]{3}))?$') AS m (parts)
$$;
COMMENT ON FUNCTION clinic_private.normal_language(text) IS
    'A language tag of BCP 47 (language, script, region) in its usual letters, such as zh-Hant-TW; null for what is none.';
REVOKE ALL ON FUNCTION clinic_private.normal_language FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.normal_language TO clinic_owner;

CREATE FUNCTION clinic_private.checked_texts(argument text, given jsonb)
    RETURNS text[]
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF jsonb_typeof(checked_texts.given) <> 'array' OR EXISTS (
        SELECT FROM jsonb_array_elements(CASE jsonb_typeof(checked_texts.given) WHEN 'array' THEN checked_texts.given ELSE '[]' END)
                    AS i (item)
        WHERE jsonb_typeof(i.item) <> 'string' OR length(btrim(i.item #>> '{}')) NOT BETWEEN 1 AND 100)
       OR jsonb_array_length(checked_texts.given) > 50
    THEN
        PERFORM clinic_private.refuse_argument(checked_texts.argument,
            format('%s must be an array of at most 50 texts of 1 to 100 characters', checked_texts.argument),
            hint => format('Write it like {"%s": ["...", "..."]}.', checked_texts.argument));
    END IF;
    RETURN ARRAY(SELECT btrim(t.item) FROM jsonb_array_elements_text(checked_texts.given) WITH ORDINALITY AS t (item, place)
                 ORDER BY t.place);
END
$$;
COMMENT ON FUNCTION clinic_private.checked_texts(text, jsonb) IS 'The texts of a JSON array, trimmed. argument: its name. Errors: 22023.';
REVOKE ALL ON FUNCTION clinic_private.checked_texts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.checked_texts TO clinic_owner;

CREATE FUNCTION clinic.set_staff_profile(user_id uuid, changes jsonb)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_users_write();
    allowed text[] := ARRAY['registration_number', 'registration_council', 'licence_number', 'licence_expires_on', 'npi', 'hpr_id',
                            'qualification', 'specialisations', 'languages', 'signature_ref'];
    checked jsonb;
    tags text[];
    new_version integer;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('user_id', set_staff_profile.user_id));
    IF clinic_private.require_governed(set_staff_profile.user_id) <> 'staff' THEN
        PERFORM clinic_private.refuse_argument('user_id', 'only staff have professional data');
    END IF;
    checked := clinic_private.checked_changes(set_staff_profile.changes, allowed);
    -- Blank means none.
    SELECT jsonb_object_agg(c.key, CASE WHEN jsonb_typeof(c.value) = 'string' THEN to_jsonb(nullif(btrim(c.value #>> '{}'), ''))
                                        ELSE c.value END)
    INTO checked
    FROM jsonb_each(checked) AS c;
    IF clinic_private.is_npi(checked ->> 'npi') IS FALSE THEN
        PERFORM clinic_private.refuse_argument('npi', 'npi must be ten digits with a valid check digit');
    END IF;
    IF checked ? 'specialisations' THEN
        checked := checked || jsonb_build_object('specialisations',
            clinic_private.checked_texts('specialisations', checked -> 'specialisations'));
    END IF;
    IF checked ? 'languages' THEN
        tags := ARRAY(SELECT clinic_private.normal_language(t.tag)
                      FROM unnest(clinic_private.checked_texts('languages', checked -> 'languages')) WITH ORDINALITY AS t (tag, place)
                      ORDER BY t.place);
        IF array_position(tags, NULL) IS NOT NULL THEN
            PERFORM clinic_private.refuse_argument('languages', 'languages must be language tags of BCP 47',
                hint => 'Write them like en, hi-IN or zh-Hant-TW.');
        END IF;
        checked := checked || jsonb_build_object('languages', tags);
    END IF;

    INSERT INTO clinic_data.staff_profiles (tenant_id, user_id)
    VALUES (tenant, set_staff_profile.user_id)
    ON CONFLICT ON CONSTRAINT staff_profiles_pkey DO NOTHING;
    new_version := clinic_private.update_row('staff_profiles', 'user_id', set_staff_profile.user_id, checked, allowed);
    PERFORM clinic_private.require_date('licence_expires_on', p.licence_expires_on)
    FROM clinic_data.staff_profiles AS p
    WHERE p.tenant_id = tenant AND p.user_id = set_staff_profile.user_id;
    RETURN new_version;
END
$$;
ALTER FUNCTION clinic.set_staff_profile OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.set_staff_profile FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.set_staff_profile TO clinic_user;
COMMENT ON FUNCTION clinic.set_staff_profile IS
    'Changes the professional data of a member of staff, and returns its new version. Needs users:write, or users:write:branch for
users of the caller''s own branches.
changes: an object of columns and new values, null or blank for none: registration_number, registration_council, licence_number,
licence_expires_on (last day, a date), npi (ten digits with a valid check digit), hpr_id, qualification (as printed), specialisations
and languages (arrays of texts; languages as BCP 47 tags such as en or hi-IN), signature_ref (where the image is kept); with
"version", only that version is changed.
Errors: no_context, forbidden, not_found, 22004, 22023, stale_version.';

-- ----------------------------------------------------------------------------------------------------------------------
-- Dependants.

CREATE FUNCTION clinic.add_dependant(guardian_patient_id uuid, patient_id uuid, relationship text DEFAULT NULL, until_on date DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('patients:write');
BEGIN
    PERFORM clinic_private.require_permission('patients:read');
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'guardian_patient_id', add_dependant.guardian_patient_id, 'patient_id', add_dependant.patient_id));
    PERFORM clinic_private.require_row('patient', add_dependant.guardian_patient_id);
    PERFORM clinic_private.require_row('patient', add_dependant.patient_id);
    PERFORM clinic_private.require_whole_record(add_dependant.guardian_patient_id), clinic_private.require_whole_record(add_dependant.patient_id);
    PERFORM clinic_private.require_date('until_on', add_dependant.until_on);
    DELETE FROM clinic_data.dependants AS d
    WHERE d.tenant_id = tenant AND d.guardian_patient_id = add_dependant.guardian_patient_id
      AND d.patient_id = add_dependant.patient_id;
    PERFORM clinic_private.insert_row('dependants', jsonb_build_object(
        'guardian_patient_id', add_dependant.guardian_patient_id,
        'patient_id', add_dependant.patient_id,
        'relationship', nullif(btrim(add_dependant.relationship), ''),
        'until_on', add_dependant.until_on));
END
$$;
ALTER FUNCTION clinic.add_dependant OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.add_dependant FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.add_dependant TO clinic_user;
COMMENT ON FUNCTION clinic.add_dependant IS
    'Lets a patient act for another, from the next transaction on; a second call replaces the first. Needs patients:write and
patients:read, of both.
guardian_patient_id: who acts; patient_id: for whom; relationship: in words, such as child; until_on: last day (UTC), such as the day
before coming of age; null: until taken back.
Errors: no_context, forbidden, not_found, 22004, 22023.';

CREATE FUNCTION clinic.remove_dependant(guardian_patient_id uuid, patient_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('patients:write');
BEGIN
    PERFORM clinic_private.require_permission('patients:read');
    PERFORM clinic_private.require_arguments(jsonb_build_object(
        'guardian_patient_id', remove_dependant.guardian_patient_id, 'patient_id', remove_dependant.patient_id));
    PERFORM clinic_private.require_row('patient', remove_dependant.guardian_patient_id);
    PERFORM clinic_private.require_row('patient', remove_dependant.patient_id);
    DELETE FROM clinic_data.dependants AS d
    WHERE d.tenant_id = tenant AND d.guardian_patient_id = remove_dependant.guardian_patient_id
      AND d.patient_id = remove_dependant.patient_id;
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_error('not_found',
            format('patient "%s" does not act for patient "%s"', remove_dependant.guardian_patient_id, remove_dependant.patient_id),
            jsonb_build_object('guardian_patient_id', remove_dependant.guardian_patient_id, 'patient_id', remove_dependant.patient_id), NULL);
    END IF;
END
$$;
ALTER FUNCTION clinic.remove_dependant OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.remove_dependant FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.remove_dependant TO clinic_user;
COMMENT ON FUNCTION clinic.remove_dependant IS
    'Ends that a patient acts for another, from the next transaction on. Needs patients:write and patients:read, of both.
Errors: no_context, forbidden, not_found, 22004.';
