-- Patients: making and changing them, their medical record numbers, putting them away. What else is kept of them is in
-- 64_patients*.sql, duplicates are in 65_duplicates*.sql.

CREATE FUNCTION clinic_private.require_birth_date(date_of_birth date)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    today date := clinic_private.today_in('Etc/UTC');
BEGIN
    -- Somewhere on Earth it is already tomorrow.
    IF require_birth_date.date_of_birth <= (today - interval '150 years')::date OR require_birth_date.date_of_birth > today + 1 THEN
        PERFORM clinic_private.refuse_argument('date_of_birth', 'date_of_birth must not lie in the future, nor 150 years back or more');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_birth_date(date) IS
    'Refuses dates of birth in the future or 150 years ago; null passes. Errors: 22023.';
REVOKE ALL ON FUNCTION clinic_private.require_birth_date FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_birth_date TO clinic_owner;

-- ----------------------------------------------------------------------------------------------------------------------
-- Medical record numbers.

CREATE FUNCTION clinic_private.mrn_pattern(mrn_format text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT '^' || regexp_replace(
        replace(replace(replace(mrn_pattern.mrn_format, '.', '\.'), '{YYYY}', '[0-9][0-9][0-9][0-9]'), '{}', '{0}'),
        '\{0+\}', format('[0-9]{%s,18}', length(substring(replace(mrn_pattern.mrn_format, '{}', '{0}') FROM '\{(0+)\}')))) || '$'
$$;
COMMENT ON FUNCTION clinic_private.mrn_pattern(text) IS 'The regular expression that numbers of a form match.';
REVOKE ALL ON FUNCTION clinic_private.mrn_pattern FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.mrn_pattern TO clinic_owner;

CREATE FUNCTION clinic_private.next_mrn_number(tenant_id uuid, year integer)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    taken record;
    block bigint;
BEGIN
    LOOP
        -- A block that nobody else is taking from, the lowest first.
        SELECT b.block_no, b.used INTO taken
        FROM clinic_data.mrn_blocks AS b
        WHERE b.tenant_id = next_mrn_number.tenant_id AND b.year = next_mrn_number.year AND b.used < 10
        ORDER BY b.block_no
        LIMIT 1
        FOR UPDATE SKIP LOCKED;
        IF FOUND THEN
            UPDATE clinic_data.mrn_blocks AS b
            SET used = taken.used + 1
            WHERE b.tenant_id = next_mrn_number.tenant_id AND b.year = next_mrn_number.year AND b.block_no = taken.block_no;
            RETURN taken.block_no * 10 + taken.used + 1;
        END IF;
        -- Else a new one: the first behind the last that nobody else is making.
        SELECT coalesce(max(b.block_no) + 1, 0) INTO block
        FROM clinic_data.mrn_blocks AS b
        WHERE b.tenant_id = next_mrn_number.tenant_id AND b.year = next_mrn_number.year;
        WHILE NOT pg_try_advisory_xact_lock(hashtextextended(
                      format('pg_clinic mrn %s %s %s', next_mrn_number.tenant_id, next_mrn_number.year, block), 0)) LOOP
            block := block + 1;
        END LOOP;
        INSERT INTO clinic_data.mrn_blocks AS b (tenant_id, year, block_no)
        VALUES (next_mrn_number.tenant_id, next_mrn_number.year, block)
        ON CONFLICT ON CONSTRAINT mrn_blocks_pkey DO NOTHING;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clinic_private.next_mrn_number(uuid, integer) IS
    'The next number of a year. It waits for no other transaction; what rolls back gives its number back or leaves a gap.';
REVOKE ALL ON FUNCTION clinic_private.next_mrn_number FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.next_mrn_number TO clinic_owner;

CREATE FUNCTION clinic_private.checked_mrn(tenant_id uuid, mrn text)
    RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    form text;
    given text := nullif(btrim(checked_mrn.mrn), '');
BEGIN
    SELECT t.mrn_format INTO form FROM clinic_data.tenants AS t WHERE t.tenant_id = checked_mrn.tenant_id;
    IF given !~ clinic_private.mrn_pattern(form) THEN
        PERFORM clinic_private.refuse_argument('mrn', 'the medical record number does not have the form of this organisation',
            hint => format('Its form is %s; leave it out, and the next number is given.', form));
    END IF;
    RETURN given;
END
$$;
COMMENT ON FUNCTION clinic_private.checked_mrn(uuid, text) IS
    'A given medical record number, trimmed, when it has the tenant''s form; null for an empty one. Errors: 22023; none shows the number.';
REVOKE ALL ON FUNCTION clinic_private.checked_mrn FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.checked_mrn TO clinic_owner;

CREATE FUNCTION clinic_private.new_mrn(tenant_id uuid)
    RETURNS text
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    form text;
    digits integer;
    year integer;
    number text;
    made text;
BEGIN
    SELECT replace(t.mrn_format, '{}', '{0}') INTO form FROM clinic_data.tenants AS t WHERE t.tenant_id = new_mrn.tenant_id;
    IF form IS NULL THEN
        RETURN NULL;
    END IF;
    digits := length(substring(form FROM '\{(0+)\}'));
    year := CASE WHEN strpos(form, '{YYYY}') > 0
                 THEN extract(year FROM clinic_private.today_in(coalesce(
                     (SELECT min(l.time_zone::text) FROM clinic_data.locations AS l WHERE l.tenant_id = new_mrn.tenant_id), 'Etc/UTC')))
                 ELSE 0 END;
    LOOP
        number := clinic_private.next_mrn_number(new_mrn.tenant_id, year)::text;
        made := regexp_replace(replace(form, '{YYYY}', lpad(year::text, 4, '0')), '\{0+\}', lpad(number, greatest(digits, length(number)), '0'));
        -- One that was given by hand is passed over; patients whom the caller does not see have numbers too.
        EXIT WHEN NOT clinic_private.mrn_is_taken(new_mrn.tenant_id, made);
    END LOOP;
    RETURN made;
END
$$;
COMMENT ON FUNCTION clinic_private.new_mrn(uuid) IS 'The next medical record number in the tenant''s form; null where it has none.';
REVOKE ALL ON FUNCTION clinic_private.new_mrn FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.new_mrn TO clinic_owner;

CREATE FUNCTION clinic_private.mrn_is_taken(tenant_id uuid, mrn text)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    saved constant text := clinic_private.saved_context();
    taken boolean;
BEGIN
    PERFORM clinic_private.act_as_system(mrn_is_taken.tenant_id);
    taken := EXISTS (SELECT FROM clinic_data.patients AS p WHERE p.tenant_id = mrn_is_taken.tenant_id AND p.mrn = mrn_is_taken.mrn);
    PERFORM clinic_private.restore_context(saved);
    RETURN taken;
END
$$;
COMMENT ON FUNCTION clinic_private.mrn_is_taken(uuid, text) IS 'Whether any patient of the tenant has the number.';
REVOKE ALL ON FUNCTION clinic_private.mrn_is_taken FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.mrn_is_taken TO clinic_owner;

-- ----------------------------------------------------------------------------------------------------------------------
-- Names as they are searched.

CREATE FUNCTION clinic_private.fill_name_key()
    RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- What is longer is refused by the checks of the table, which come after this.
    NEW.name_key := clinic_private.fold_name(concat_ws(' ', left(NEW.name, 1000), left(NEW.preferred_name, 1000)));
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION clinic_private.fill_name_key() IS 'Trigger: the names of a patient as the search compares them.';

CREATE FUNCTION clinic_private.write_search_keys()
    RETURNS trigger
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM clinic_data.patient_search_keys AS k WHERE k.tenant_id = NEW.tenant_id AND k.patient_id = NEW.patient_id;
    END IF;
    INSERT INTO clinic_data.patient_search_keys (tenant_id, search_key, patient_id)
    SELECT DISTINCT NEW.tenant_id, s.search_key, NEW.patient_id
    FROM clinic_private.search_keys(NEW.name_key) AS s (search_key);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION clinic_private.write_search_keys() IS 'Trigger: how the words of a patient''s names sound and begin.';

CREATE FUNCTION clinic_private.search_keys(name text)
    RETURNS SETOF text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 5
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 's:' || k.sound FROM unnest(clinic_private.sound_keys(search_keys.name)) AS k (sound)
    UNION
    SELECT 'p:' || left(w.word, 3) FROM regexp_split_to_table(clinic_private.fold_name(search_keys.name), ' ') AS w (word) WHERE length(w.word) >= 3
$$;
COMMENT ON FUNCTION clinic_private.search_keys(text) IS 'By which keys records with a name are found: how its words sound, and their first three letters.';
REVOKE ALL ON FUNCTION clinic_private.fill_name_key, clinic_private.write_search_keys, clinic_private.search_keys FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.fill_name_key, clinic_private.write_search_keys, clinic_private.search_keys TO clinic_owner;

-- ----------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION clinic.create_patient(
    name text,
    mrn text DEFAULT NULL,
    date_of_birth date DEFAULT NULL,
    sex text DEFAULT NULL,
    patient_id uuid DEFAULT NULL,
    details jsonb DEFAULT NULL)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('patients:write');
    new_id uuid := coalesce(create_patient.patient_id, clinic.new_id());
    given jsonb := coalesce(create_patient.details, '{}');
BEGIN
    PERFORM clinic_private.require_permission('patients:read');
    PERFORM clinic_private.require_arguments(jsonb_build_object('name', create_patient.name));
    PERFORM clinic_private.require_birth_date(create_patient.date_of_birth);
    given := clinic_private.checked_object('details', given,
        '{preferred_name text 100,photo_reference text 500,first_location_id uuid,address object,emergency_contact object,blood_group text 3,contacts array,identifiers array,allergies array,conditions array,medications array,language text 35}');
    IF given ->> 'first_location_id' IS NOT NULL THEN
        PERFORM clinic_private.require_row('location', (given ->> 'first_location_id')::uuid);
    END IF;
    PERFORM clinic_private.insert_row('patients', jsonb_build_object(
        'patient_id', new_id,
        'name', create_patient.name,
        'mrn', coalesce(clinic_private.checked_mrn(tenant, create_patient.mrn), clinic_private.new_mrn(tenant)),
        'date_of_birth', create_patient.date_of_birth,
        'sex', create_patient.sex,
        'preferred_name', given ->> 'preferred_name',
        'photo_reference', given ->> 'photo_reference',
        'first_location_id', given ->> 'first_location_id'));
    PERFORM clinic_private.put_patient_parts(new_id, given);
    RETURN new_id;
END
$$;
ALTER FUNCTION clinic.create_patient OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.create_patient FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.create_patient TO clinic_user;
COMMENT ON FUNCTION clinic.create_patient IS
    'Makes a patient, and returns the id. Needs patients:write and patients:read.
mrn: medical record number, unique in the tenant and in its mrn_format; without one the next number in that form is given, where there is a form;
sex: female, male, other or unknown; patient_id: for imports; details: an object of preferred_name, photo_reference, first_location_id, address, emergency_contact,
blood_group, language, and the lists contacts (channel, destination), identifiers (system, value), allergies, conditions and medications, each as its set_patient_ function
has it. What is encrypted needs the server''s master key.
Errors: no_context, forbidden, 22004, 22023, duplicate, key_unavailable; each names the field, as in allergies.severity; none shows a name, date or number.';

CREATE FUNCTION clinic.update_patient(patient_id uuid, changes jsonb)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('patients:write');
    allowed text[] := ARRAY['name', 'mrn', 'date_of_birth', 'sex', 'status', 'preferred_name', 'photo_reference', 'first_location_id', 'deceased_on'];
    given jsonb;
    present record;
    new_version integer;
BEGIN
    PERFORM clinic_private.require_permission('patients:read');
    PERFORM clinic_private.require_arguments(jsonb_build_object('patient_id', update_patient.patient_id));
    PERFORM clinic_private.require_row('patient', update_patient.patient_id);
    PERFORM clinic_private.require_whole_record(update_patient.patient_id);
    given := clinic_private.checked_changes(update_patient.changes, allowed);
    IF given ->> 'status' = 'merged' THEN
        PERFORM clinic_private.refuse_argument('status', 'status must be active, inactive or deceased', hint => 'Records are merged by clinic.merge_patients().');
    END IF;
    IF given ? 'mrn' THEN
        given := jsonb_set(given, '{mrn}', coalesce(to_jsonb(clinic_private.checked_mrn(tenant, given ->> 'mrn')), 'null'));
    END IF;
    IF given ->> 'first_location_id' IS NOT NULL AND clinic_private.checked_object('changes', jsonb_build_object('first_location_id', given -> 'first_location_id'), '{first_location_id uuid}') IS NOT NULL THEN
        PERFORM clinic_private.require_row('location', (given ->> 'first_location_id')::uuid);
    END IF;
    IF given ->> 'deceased_on' IS NOT NULL AND NOT given ? 'status' THEN
        given := given || '{"status": "deceased"}';
    END IF;
    new_version := clinic_private.update_row('patients', 'patient_id', update_patient.patient_id, given, allowed);
    SELECT p.date_of_birth, p.deceased_on, p.status INTO present
    FROM clinic_data.patients AS p
    WHERE p.tenant_id = tenant AND p.patient_id = update_patient.patient_id;
    PERFORM clinic_private.require_birth_date(present.date_of_birth);
    IF present.deceased_on IS NOT NULL AND (present.status <> 'deceased' OR present.deceased_on < present.date_of_birth
                                            OR present.deceased_on > clinic_private.today_in('Etc/UTC') + 1) THEN
        PERFORM clinic_private.refuse_argument('deceased_on',
            'deceased_on must be a date of a deceased patient, not before the date of birth nor in the future');
    END IF;
    RETURN new_version;
END
$$;
ALTER FUNCTION clinic.update_patient OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.update_patient FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.update_patient TO clinic_user;
COMMENT ON FUNCTION clinic.update_patient IS
    'Changes a patient, and returns the new version. Needs patients:write and patients:read.
changes: an object of columns and new values: name, mrn, date_of_birth, sex, status (active, inactive or deceased; only active
patients can be booked), deceased_on (makes the patient deceased), preferred_name, photo_reference, first_location_id; with "version", only that version is changed.
Errors: no_context, forbidden, not_found, inactive (a merged record), shredded (erased), 22004, 22023, duplicate, stale_version; none shows a name, date or number.';

CREATE FUNCTION clinic_private.require_unmerged(patient_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    surviving uuid;
BEGIN
    -- Who is merging or erasing the record ends first.
    PERFORM clinic_private.hold_patient(clinic.current_tenant_id(), require_unmerged.patient_id);
    SELECT p.merged_into_id INTO surviving
    FROM clinic_data.patients AS p
    WHERE p.tenant_id = clinic.current_tenant_id() AND p.patient_id = require_unmerged.patient_id AND p.status = 'merged';
    IF FOUND THEN
        PERFORM clinic_private.raise_error('inactive', format('patient "%s" was merged into another record', require_unmerged.patient_id),
            jsonb_build_object('patient_id', require_unmerged.patient_id, 'merged_into_id', surviving), 'Use the record it was merged into.');
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_unmerged(uuid) IS 'Refuses to change a record that was merged; until the transaction ends, nobody merges or erases it. Errors: inactive, with the id of the record that counts; busy;
40001 above READ COMMITTED, when the record was changed since the transaction''s snapshot.';
REVOKE ALL ON FUNCTION clinic_private.require_unmerged FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_unmerged TO clinic_owner;

CREATE FUNCTION clinic_private.require_read_committed(what text)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION '% needs the isolation level READ COMMITTED', require_read_committed.what
            USING ERRCODE = 'active_sql_transaction',
                  DETAIL = format('The transaction is %s: it does not see what was written since it began, and would leave that behind.',
                                  upper(current_setting('transaction_isolation'))),
                  HINT = 'BEGIN ISOLATION LEVEL READ COMMITTED.';
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_read_committed(text) IS
    'Refuses transactions that do not see what is committed while they last, for what must find every row. what: begins the error. Errors: 25001.';
REVOKE ALL ON FUNCTION clinic_private.require_read_committed FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_read_committed TO clinic_owner;

CREATE FUNCTION clinic_private.require_whole_record(patient_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.require_unmerged(require_whole_record.patient_id);
    IF clinic_private.is_erased(clinic.current_tenant_id(), require_whole_record.patient_id) THEN
        PERFORM clinic_private.raise_error('shredded', 'the patient was erased', jsonb_build_object('patient_id', require_whole_record.patient_id), NULL);
    END IF;
END
$$;
COMMENT ON FUNCTION clinic_private.require_whole_record(uuid) IS
    'Refuses to change a record that was merged or erased; until the transaction ends, nobody does either. Errors: inactive, shredded, busy.';
REVOKE ALL ON FUNCTION clinic_private.require_whole_record FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_whole_record TO clinic_owner;

CREATE FUNCTION clinic.delete_patient(patient_id uuid, version integer DEFAULT NULL)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('patients:write');
    coming uuid[];
BEGIN
    PERFORM clinic_private.require_permission('patients:read');
    PERFORM clinic_private.require_arguments(jsonb_build_object('patient_id', delete_patient.patient_id));
    PERFORM clinic_private.require_row('patient', delete_patient.patient_id);
    PERFORM clinic_private.require_unmerged(delete_patient.patient_id);
    PERFORM clinic_private.lock_resources(tenant, ARRAY[delete_patient.patient_id]);
    coming := clinic_private.coming_appointments(tenant, delete_patient.patient_id);
    IF cardinality(coming) > 0 THEN
        PERFORM clinic_private.raise_error('bad_transition', format('patient "%s" has visits to come', delete_patient.patient_id),
            jsonb_build_object('patient_id', delete_patient.patient_id, 'appointments', cardinality(coming)), 'Cancel them first.');
    END IF;
    RETURN clinic_private.update_row('patients', 'patient_id', delete_patient.patient_id,
        jsonb_strip_nulls(jsonb_build_object('deleted_at', clinic.now(), 'version', delete_patient.version,
            'status', (SELECT CASE p.status WHEN 'active' THEN 'inactive' ELSE p.status END FROM clinic_data.patients AS p
                       WHERE p.tenant_id = tenant AND p.patient_id = delete_patient.patient_id))),
        ARRAY['deleted_at', 'status']);
END
$$;
ALTER FUNCTION clinic.delete_patient OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.delete_patient FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.delete_patient TO clinic_user;
COMMENT ON FUNCTION clinic.delete_patient IS
    'Puts a patient''s record away, and returns its new version: it is in no list and no search, cannot be booked, and everything that refers to it stays. Needs
patients:write and patients:read. clinic.restore_patient takes it back. version: only that version. What the law lets go is destroyed by shredding, not by this.
Errors: no_context, forbidden, not_found, inactive (a merged record), bad_transition (visits to come), stale_version, 22004.';

CREATE FUNCTION clinic.restore_patient(patient_id uuid)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('patients:write');
BEGIN
    PERFORM clinic_private.require_permission('patients:read');
    PERFORM clinic_private.require_arguments(jsonb_build_object('patient_id', restore_patient.patient_id));
    PERFORM clinic_private.require_row('patient', restore_patient.patient_id);
    PERFORM clinic_private.require_unmerged(restore_patient.patient_id);
    RETURN clinic_private.update_row('patients', 'patient_id', restore_patient.patient_id, '{"deleted_at": null}', '{deleted_at}');
END
$$;
ALTER FUNCTION clinic.restore_patient OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.restore_patient FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.restore_patient TO clinic_user;
COMMENT ON FUNCTION clinic.restore_patient IS
    'Takes back a patient''s record that was put away, and returns its new version; the patient is inactive until clinic.update_patient says otherwise. Needs patients:write
and patients:read. Errors: no_context, forbidden, not_found, inactive (a merged record), 22004.';

CREATE FUNCTION clinic_private.coming_appointments(tenant_id uuid, patient_id uuid)
    RETURNS uuid[]
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    saved constant text := clinic_private.saved_context();
    found_ids uuid[];
BEGIN
    PERFORM clinic_private.act_as_system(coming_appointments.tenant_id);
    found_ids := ARRAY(SELECT a.appointment_id FROM clinic_data.appointments AS a
                       WHERE a.tenant_id = coming_appointments.tenant_id AND a.patient_id = coming_appointments.patient_id
                         AND a.ends_at > clinic.now() AND a.status IN ('held', 'pending', 'booked', 'confirmed', 'arrived', 'in_progress')
                       ORDER BY a.appointment_id);
    PERFORM clinic_private.restore_context(saved);
    RETURN found_ids;
END
$$;
COMMENT ON FUNCTION clinic_private.coming_appointments(uuid, uuid) IS 'Visits of a patient that are still to come, those that the caller does not see among them.';
REVOKE ALL ON FUNCTION clinic_private.coming_appointments FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.coming_appointments TO clinic_owner;
