-- Merging two records of one person: everything that refers to the duplicate moves to the master, what the master lacks is completed, the
-- duplicate stays as a link. And undoing it, while nothing that moved has changed.

-- Every column that refers to a patient, and what becomes of it. The test of this list fails when a table has one that is not in it.
CREATE FUNCTION clinic_private.patient_references()
    RETURNS TABLE (table_name text, column_name text, handling text, compared boolean)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 40
    SET search_path = pg_catalog, pg_temp
AS $$
    VALUES
        -- Rows move.
        ('appointments', 'patient_id', 'move', true),
        ('blocks', 'patient_id', 'move', true),
        ('series', 'patient_id', 'move', true),
        ('visits', 'patient_id', 'move', true),
        ('tickets', 'patient_id', 'move', true),
        ('waitlist_entries', 'patient_id', 'move', true),
        ('patient_health_items', 'patient_id', 'move', true),
        ('patient_identifiers', 'patient_id', 'move', true),
        ('correction_requests', 'patient_id', 'move', true),
        -- So do these, which the engine itself changes, so that a change is none of people.
        ('waitlist_offers', 'patient_id', 'move', false),
        ('notifications', 'patient_id', 'move', false),
        ('emergency_accesses', 'patient_id', 'move', false),
        ('logins', 'patient_id', 'move', false),
        -- Those move that the master does not have: a contact, a plan for a service, the one user.
        ('patient_contacts', 'patient_id', 'unless_there', true),
        ('reminder_plans', 'patient_id', 'unless_there', true),
        ('users', 'patient_id', 'unless_there', false),
        -- The key is the patient: what the master lacks is copied.
        ('patient_details', 'patient_id', 'complete', true),
        ('communication_preferences', 'patient_id', 'complete', true),
        ('dependants', 'patient_id', 'pair', true),
        ('dependants', 'guardian_patient_id', 'pair', true),
        -- What is held of the duplicate is held of the master too.
        ('legal_holds', 'patient_id', 'copy', false),
        -- History does not move. What stands of it stands for the master too: see merge_consents.
        ('consents', 'patient_id', 'stay', true),
        ('consents', 'guardian_patient_id', 'stay', false),
        ('consent_withdrawals', 'patient_id', 'stay', true),
        ('disclosures', 'patient_id', 'stay', true),
        -- These speak of the record, not of the person, or are history.
        ('patients', 'merged_into_id', 'stay', false),
        ('patient_keys', 'patient_id', 'stay', false),
        ('patient_search_keys', 'patient_id', 'stay', false),
        ('shredded_patients', 'patient_id', 'stay', false),
        ('patient_merges', 'master_patient_id', 'stay', false),
        ('patient_merges', 'duplicate_patient_id', 'stay', false),
        ('distinct_patients', 'patient_id', 'stay', false),
        ('distinct_patients', 'other_patient_id', 'stay', false),
        ('events', 'patient_id', 'stay', false),
        ('audit_records', 'patient_id', 'stay', false),
        ('audit_read_patients', 'patient_id', 'stay', false)
$$;
COMMENT ON FUNCTION clinic_private.patient_references() IS
    'The columns of clinic_data that refer to patients, and what a merge does with their rows: move; unless_there (move what the master does not have); complete; pair; copy; stay.
compared: whether a change after the merge keeps it from being undone.';

CREATE FUNCTION clinic_private.key_columns(relation regclass)
    RETURNS text[]
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT array_agg(a.attname::text ORDER BY k.place)
    FROM pg_index AS i
    CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
    JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
    WHERE i.indrelid = key_columns.relation AND i.indisprimary AND a.attname <> 'tenant_id'
$$;
COMMENT ON FUNCTION clinic_private.key_columns(regclass) IS 'The columns of a table''s primary key beside the tenant.';

CREATE FUNCTION clinic_private.key_expression(relation regclass, alias text)
    RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('concat_ws('','', %s)', string_agg(format('%s.%I', key_expression.alias, k.name), ', ' ORDER BY k.place))
    FROM unnest(clinic_private.key_columns(key_expression.relation)) WITH ORDINALITY AS k (name, place)
$$;
COMMENT ON FUNCTION clinic_private.key_expression(regclass, text) IS 'SQL for the key of a row, as text.';

-- Foreign keys of tables of one's own.
CREATE FUNCTION clinic_private.foreign_patient_references()
    RETURNS TABLE (relation regclass, tenant_column text, column_name text, movable boolean)
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT c.conrelid::regclass, t.attname::text, p.attname::text,
           has_schema_privilege('clinic_owner', r.relnamespace, 'USAGE') AND has_table_privilege('clinic_owner', c.conrelid, 'SELECT')
           AND has_table_privilege('clinic_owner', c.conrelid, 'UPDATE') AND clinic_private.key_columns(c.conrelid) IS NOT NULL
           AND p.attname <> ALL (clinic_private.key_columns(c.conrelid))
           AND NOT EXISTS (SELECT FROM pg_trigger AS g WHERE g.tgrelid = c.conrelid AND g.tginitdeferred)
    FROM pg_constraint AS c
    JOIN pg_class AS r ON r.oid = c.conrelid
    JOIN pg_attribute AS t ON t.attrelid = c.conrelid AND t.attnum = c.conkey[array_position(c.confkey, (
        SELECT a.attnum FROM pg_attribute AS a WHERE a.attrelid = c.confrelid AND a.attname = 'tenant_id'))]
    JOIN pg_attribute AS p ON p.attrelid = c.conrelid AND p.attnum = c.conkey[array_position(c.confkey, (
        SELECT a.attnum FROM pg_attribute AS a WHERE a.attrelid = c.confrelid AND a.attname = 'patient_id'))]
    WHERE c.contype = 'f' AND c.conparentid = 0 AND c.confrelid = 'clinic_data.patients'::regclass AND r.relnamespace <> 'clinic_data'::regnamespace
$$;
COMMENT ON FUNCTION clinic_private.foreign_patient_references() IS
    'Foreign keys of other schemas'' tables on patients, and whether their rows may be moved: clinic_owner has SELECT and UPDATE, the primary key is
without the patient, and nothing is deferred.';

-- Rows of a table that is not ours: read, encrypted anew, and written as its owner.
CREATE FUNCTION clinic_private.move_foreign_rows(relation regclass, tenant_column text, column_name text, tenant_id uuid, from_patient uuid, to_patient uuid,
    only_keys text[])
    RETURNS text[]
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    key constant text := clinic_private.key_expression(move_foreign_rows.relation, 't');
    given constant jsonb := jsonb_build_object('tenant', move_foreign_rows.tenant_id, 'from', move_foreign_rows.from_patient, 'to', move_foreign_rows.to_patient,
                                               'keys', move_foreign_rows.only_keys);
    part record;
    found_rows jsonb;
    recoded jsonb := '{}';
    assignments text := '';
BEGIN
    FOR part IN
        SELECT DISTINCT e.column_name, e.bound_table, e.bound_column, e.row_column
        FROM clinic_private.encrypted_tables() AS e
        WHERE e.root = move_foreign_rows.relation AND e.patient_column = move_foreign_rows.column_name
        ORDER BY e.column_name
    LOOP
        found_rows := clinic_private.query_as_owner(move_foreign_rows.relation,
            format('SELECT jsonb_agg(jsonb_build_array(l.key, l.row_id, l.value)) FROM (SELECT %2$s AS key, t.%6$I::text AS row_id, encode(t.%5$I, ''hex'') AS value FROM %1$s AS t'
                   ' WHERE t.%4$I = ($1 ->> ''tenant'')::uuid AND t.%3$I = ($1 ->> ''from'')::uuid AND t.%5$I IS NOT NULL'
                   ' AND ($1 -> ''keys'' = ''null'' OR $1 -> ''keys'' ? %2$s) FOR UPDATE) AS l',
                   move_foreign_rows.relation, key, move_foreign_rows.column_name, move_foreign_rows.tenant_column, part.column_name, part.row_column), given);
        recoded := recoded || jsonb_build_object(part.column_name, (
            SELECT coalesce(jsonb_object_agg(r.item ->> 0, encode(
                       clinic_private.encrypt_field(move_foreign_rows.tenant_id, move_foreign_rows.to_patient, part.bound_table, part.bound_column, r.item ->> 1,
                           clinic_private.decrypt_field(move_foreign_rows.tenant_id, move_foreign_rows.from_patient, part.bound_table, part.bound_column, r.item ->> 1,
                               decode(r.item ->> 2, 'hex'))), 'hex')), '{}')
            FROM jsonb_array_elements(found_rows) AS r (item)));
        assignments := assignments || format(', %1$I = coalesce(decode($1 -> ''values'' -> %1$L ->> %2$s, ''hex''), t.%1$I)', part.column_name, key);
    END LOOP;
    RETURN ARRAY(SELECT k.key FROM jsonb_array_elements_text(nullif(clinic_private.query_as_owner(move_foreign_rows.relation,
        format('WITH moved AS (UPDATE %1$s AS t SET %3$I = ($1 ->> ''to'')::uuid%5$s WHERE t.%4$I = ($1 ->> ''tenant'')::uuid AND t.%3$I = ($1 ->> ''from'')::uuid'
               ' AND ($1 -> ''keys'' = ''null'' OR $1 -> ''keys'' ? %2$s) RETURNING %2$s AS key) SELECT jsonb_agg(m.key ORDER BY m.key) FROM moved AS m',
               move_foreign_rows.relation, key, move_foreign_rows.column_name, move_foreign_rows.tenant_column, assignments),
        given || jsonb_build_object('values', recoded)), 'null')) AS k (key));
END
$$;
COMMENT ON FUNCTION clinic_private.move_foreign_rows(regclass, text, text, uuid, uuid, uuid, text[]) IS
    'As clinic_private.move_patient_rows, for a table of another schema: with the rights of its owner, whose triggers and policies run as nobody else.';

CREATE FUNCTION clinic_private.move_patient_rows(
    relation regclass,
    tenant_column text,
    column_name text,
    tenant_id uuid,
    from_patient uuid,
    to_patient uuid,
    only_keys text[],
    condition text DEFAULT 'true')
    RETURNS text[]
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    key constant text := clinic_private.key_expression(move_patient_rows.relation, 't');
    recoded text;
    moved text[];
BEGIN
    IF (SELECT c.relnamespace <> 'clinic_data'::regnamespace FROM pg_class AS c WHERE c.oid = move_patient_rows.relation) THEN
        moved := clinic_private.move_foreign_rows(move_patient_rows.relation, move_patient_rows.tenant_column, move_patient_rows.column_name,
            move_patient_rows.tenant_id, move_patient_rows.from_patient, move_patient_rows.to_patient, move_patient_rows.only_keys);
        RETURN CASE WHEN cardinality(moved) > 0 THEN moved END;
    END IF;
    -- What the one patient's key encrypted is encrypted by the other's, for the same place.
    SELECT coalesce(string_agg(format(
               ', %1$I = clinic_private.encrypt_field($1, $3, %2$L, %3$L, t.%4$I::text, clinic_private.decrypt_field($1, $2, %2$L, %3$L, t.%4$I::text, t.%1$I))',
               e.column_name, e.bound_table, e.bound_column, e.row_column), ''), '')
    INTO recoded
    FROM (SELECT DISTINCT t.column_name, t.bound_table, t.bound_column, t.row_column
          FROM clinic_private.encrypted_tables() AS t
          WHERE t.root = move_patient_rows.relation AND t.patient_column = move_patient_rows.column_name) AS e;
    EXECUTE format('WITH moved AS (UPDATE %1$s AS t SET %2$I = $3%3$s WHERE t.%4$I = $1 AND t.%2$I = $2 AND ($4::text[] IS NULL OR %5$s = ANY ($4)) AND %6$s RETURNING %5$s AS key)'
                   ' SELECT array_agg(m.key ORDER BY m.key) FROM moved AS m',
                   move_patient_rows.relation, move_patient_rows.column_name, recoded, move_patient_rows.tenant_column, key, move_patient_rows.condition)
        INTO moved
        USING move_patient_rows.tenant_id, move_patient_rows.from_patient, move_patient_rows.to_patient, move_patient_rows.only_keys;
    RETURN moved;
END
$$;
COMMENT ON FUNCTION clinic_private.move_patient_rows(regclass, text, text, uuid, uuid, uuid, text[], text) IS
    'Gives rows of one patient to another, encrypted fields anew under the other''s key, and returns their keys. only_keys: these alone; null: all. condition: SQL of our own
about t. Errors: key_unavailable, decryption_failed, shredded, and what constraints say.';

-- ----------------------------------------------------------------------------------------------------------------------
-- Claims of time.

CREATE FUNCTION clinic_private.move_claims(tenant_id uuid, from_patient uuid, to_patient uuid, only_claims uuid[])
    RETURNS text[]
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    claim record;
    place bigint;
    moved text[] := '{}';
BEGIN
    FOR claim IN
        SELECT c.claim_id, c.during FROM clinic_data.claims AS c
        WHERE c.tenant_id = move_claims.tenant_id AND c.resource_id = move_claims.from_patient
          AND (move_claims.only_claims IS NULL OR c.claim_id = ANY (move_claims.only_claims))
        ORDER BY c.starts_at, c.claim_id
    LOOP
        SELECT k.calendar_no INTO place
        FROM clinic_data.calendars AS k
        WHERE k.tenant_id = move_claims.tenant_id AND k.resource_id = move_claims.to_patient
          AND NOT EXISTS (SELECT FROM clinic_data.claims AS o WHERE o.calendar_no = k.calendar_no AND o.during && claim.during)
        ORDER BY k.lane
        LIMIT 1;
        IF NOT FOUND THEN
            INSERT INTO clinic_data.calendars AS k (tenant_id, resource_id, lane)
            SELECT move_claims.tenant_id, move_claims.to_patient, max(o.lane) + 1
            FROM clinic_data.calendars AS o WHERE o.tenant_id = move_claims.tenant_id AND o.resource_id = move_claims.to_patient
            RETURNING k.calendar_no INTO place;
        END IF;
        UPDATE clinic_data.claims AS c
        SET resource_id = move_claims.to_patient, calendar_no = place
        WHERE c.tenant_id = move_claims.tenant_id AND c.claim_id = claim.claim_id;
        moved := moved || claim.claim_id::text;
    END LOOP;
    RETURN moved;
END
$$;
COMMENT ON FUNCTION clinic_private.move_claims(uuid, uuid, uuid, uuid[]) IS
    'Gives the time that one patient''s visits take to another, each on the first lane that is free then. The caller holds the locks of both, and has looked for conflicts.';

CREATE FUNCTION clinic_private.merge_conflicts(tenant_id uuid, master uuid, duplicate uuid)
    RETURNS TABLE (kind text, master_row text, duplicate_row text)
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'overlapping_visits', m.appointment_id::text, d.appointment_id::text
    FROM clinic_data.claims AS d
    JOIN clinic_data.claims AS m ON m.tenant_id = d.tenant_id AND m.resource_id = merge_conflicts.master AND m.during && d.during
    WHERE d.tenant_id = merge_conflicts.tenant_id AND d.resource_id = merge_conflicts.duplicate AND least(m.capacity, d.capacity) = 1
      AND coalesce(m.expires_at > clinic.now(), true) AND coalesce(d.expires_at > clinic.now(), true) AND upper(d.during) > clinic.now()
    UNION ALL
    SELECT 'waiting_twice', m.entry_id::text, d.entry_id::text
    FROM clinic_data.waitlist_entries AS d
    JOIN clinic_data.waitlist_entries AS m ON m.tenant_id = d.tenant_id AND m.patient_id = merge_conflicts.master AND m.service_id = d.service_id
        AND m.status = 'waiting' AND daterange(m.from_on, m.until_on, '[]') && daterange(d.from_on, d.until_on, '[]')
    WHERE d.tenant_id = merge_conflicts.tenant_id AND d.patient_id = merge_conflicts.duplicate AND d.status = 'waiting'
    UNION ALL
    SELECT 'own_table', r.relation::text, NULL
    FROM clinic_private.foreign_patient_references() AS r WHERE NOT r.movable
    ORDER BY 1, 2, 3
$$;
COMMENT ON FUNCTION clinic_private.merge_conflicts(uuid, uuid, uuid) IS
    'What keeps two records from being merged: overlapping_visits (appointments of both at one time, where the tenant forbids that), waiting_twice (entries of the waitlist for one
service and date), own_table (a table with a foreign key on patients whose rows clinic_owner may not move).';

-- ----------------------------------------------------------------------------------------------------------------------
-- How everything is.

CREATE FUNCTION clinic_private.merge_state(tenant_id uuid, master uuid, duplicate uuid)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
AS $$
#variable_conflict error
DECLARE
    part record;
    rows_of jsonb;
    state jsonb := '{}';
BEGIN
    FOR part IN
        SELECT 'patients' AS table_name, 'patient_id' AS column_name
        UNION ALL
        SELECT r.table_name, r.column_name FROM clinic_private.patient_references() AS r WHERE r.compared
        ORDER BY 1, 2
    LOOP
        EXECUTE format('SELECT jsonb_object_agg(%2$s, left(encode(sha256(convert_to(to_jsonb(t)::text, ''UTF8'')), ''hex''), 16)) FROM clinic_data.%1$I AS t'
                       ' WHERE t.tenant_id = $1 AND t.%3$I IN ($2, $3)',
                       part.table_name, clinic_private.key_expression(format('clinic_data.%I', part.table_name)::regclass, 't'), part.column_name)
            INTO rows_of
            USING merge_state.tenant_id, merge_state.master, merge_state.duplicate;
        state := jsonb_set(state, ARRAY[part.table_name], coalesce(state -> part.table_name, '{}') || coalesce(rows_of, '{}'));
    END LOOP;
    RETURN state;
END
$$;
COMMENT ON FUNCTION clinic_private.merge_state(uuid, uuid, uuid) IS 'By table the keys of the rows of two patients, with a hash of each row.';

CREATE FUNCTION clinic_private.state_changes(before jsonb, after jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object('table', c.table_name, 'row', c.key, 'what', c.what) ORDER BY c.table_name, c.key), '[]')
    FROM (
        SELECT t.table_name, k.key,
               CASE WHEN NOT coalesce(state_changes.before -> t.table_name, '{}') ? k.key THEN 'added'
                    WHEN NOT coalesce(state_changes.after -> t.table_name, '{}') ? k.key THEN 'removed'
                    WHEN state_changes.before -> t.table_name ->> k.key <> state_changes.after -> t.table_name ->> k.key THEN 'changed' END AS what
        FROM (SELECT jsonb_object_keys(state_changes.before) UNION SELECT jsonb_object_keys(state_changes.after)) AS t (table_name)
        CROSS JOIN LATERAL (SELECT jsonb_object_keys(coalesce(state_changes.before -> t.table_name, '{}'))
                            UNION SELECT jsonb_object_keys(coalesce(state_changes.after -> t.table_name, '{}'))) AS k (key)
    ) AS c
    WHERE c.what IS NOT NULL
$$;
COMMENT ON FUNCTION clinic_private.state_changes(jsonb, jsonb) IS 'What differs between two results of clinic_private.merge_state: table, row and what (added, changed, removed).';

-- ----------------------------------------------------------------------------------------------------------------------
-- The steps of a merge, in the context of the system.

-- Both are locked as a booking locks them, in its order, and then their rows, so that nothing is booked for one of them meanwhile.
CREATE FUNCTION clinic_private.lock_patients(tenant_id uuid, patient_ids uuid[])
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.lock_resources(lock_patients.tenant_id, lock_patients.patient_ids);
    PERFORM FROM clinic_data.patients AS p
    WHERE p.tenant_id = lock_patients.tenant_id AND p.patient_id = ANY (lock_patients.patient_ids)
    ORDER BY p.patient_id
    FOR UPDATE;
END
$$;
COMMENT ON FUNCTION clinic_private.lock_patients(uuid, uuid[]) IS 'Takes the booking''s locks on patients, and locks their rows.';

CREATE FUNCTION clinic_private.move_patient(tenant_id uuid, duplicate uuid, master uuid)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    part record;
    keys text[];
    moved jsonb := '{}';
BEGIN
    FOR part IN
        SELECT format('clinic_data.%I', r.table_name)::regclass AS relation, 'tenant_id' AS tenant_column, r.column_name, r.table_name AS label,
               CASE WHEN r.handling = 'move' THEN 'true'
                    WHEN r.table_name = 'patient_contacts' THEN
                        'NOT EXISTS (SELECT FROM clinic_data.patient_contacts AS o WHERE o.tenant_id = $1 AND o.patient_id = $3 AND o.channel = t.channel AND o.destination_index = t.destination_index)'
                    WHEN r.table_name = 'reminder_plans' THEN
                        'NOT EXISTS (SELECT FROM clinic_data.reminder_plans AS o WHERE o.tenant_id = $1 AND o.patient_id = $3 AND o.service_id IS NOT DISTINCT FROM t.service_id)'
                    WHEN r.table_name = 'users' THEN
                        'NOT EXISTS (SELECT FROM clinic_data.users AS o WHERE o.tenant_id = $1 AND o.patient_id = $3)' END AS condition
        FROM clinic_private.patient_references() AS r
        WHERE r.handling IN ('move', 'unless_there')
        UNION ALL
        SELECT r.relation, r.tenant_column, r.column_name, r.relation::text, 'true'
        FROM clinic_private.foreign_patient_references() AS r
    LOOP
        keys := clinic_private.move_patient_rows(part.relation, part.tenant_column, part.column_name, move_patient.tenant_id, move_patient.duplicate,
                                                 move_patient.master, NULL, part.condition);
        IF keys IS NOT NULL THEN
            moved := moved || jsonb_build_object(part.label, keys);
        END IF;
    END LOOP;
    keys := clinic_private.move_claims(move_patient.tenant_id, move_patient.duplicate, move_patient.master, NULL);
    IF cardinality(keys) > 0 THEN
        moved := moved || jsonb_build_object('claims', keys);
    END IF;
    RETURN moved;
END
$$;
COMMENT ON FUNCTION clinic_private.move_patient(uuid, uuid, uuid) IS 'Moves everything that moves from a duplicate to its master, and returns the keys by table.';

-- By kind of message, or * for the others, lists of channels; an empty one: not wanted.
CREATE FUNCTION clinic_private.stricter_channels(channels jsonb, others jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN bool_or(k.other = '[]' AND k.own IS DISTINCT FROM '[]')
                THEN jsonb_object_agg(k.kind, CASE WHEN '[]' IN (k.own, k.other) THEN '[]' ELSE coalesce(k.own, k.other) END)
                ELSE stricter_channels.channels END
    FROM (
        SELECT n.kind, coalesce(stricter_channels.channels -> n.kind, stricter_channels.channels -> '*') AS own,
               coalesce(stricter_channels.others -> n.kind, stricter_channels.others -> '*') AS other
        FROM (SELECT jsonb_object_keys(stricter_channels.channels) UNION SELECT jsonb_object_keys(stricter_channels.others)) AS n (kind)) AS k;
END;
COMMENT ON FUNCTION clinic_private.stricter_channels(jsonb, jsonb) IS
    'Preferred channels by kind of message, as of clinic_data.communication_preferences, with the kinds that others do not want not wanted either.';

CREATE FUNCTION clinic_private.complete_patient(tenant_id uuid, duplicate uuid, master uuid)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant constant uuid := complete_patient.tenant_id;
    one record;
    other record;
    completed jsonb := '{}';
    ids uuid[];
    pairs jsonb;
BEGIN
    SELECT p.* INTO one FROM clinic_data.patients AS p WHERE p.tenant_id = tenant AND p.patient_id = complete_patient.master;
    SELECT p.* INTO other FROM clinic_data.patients AS p WHERE p.tenant_id = tenant AND p.patient_id = complete_patient.duplicate;
    completed := completed || jsonb_build_object('patients', array_remove(ARRAY[
        CASE WHEN one.date_of_birth IS NULL AND other.date_of_birth IS NOT NULL THEN 'date_of_birth' END,
        CASE WHEN one.sex IS NULL AND other.sex IS NOT NULL THEN 'sex' END,
        CASE WHEN one.preferred_name IS NULL AND other.preferred_name IS NOT NULL THEN 'preferred_name' END,
        CASE WHEN one.photo_reference IS NULL AND other.photo_reference IS NOT NULL THEN 'photo_reference' END,
        CASE WHEN one.first_location_id IS NULL AND other.first_location_id IS NOT NULL THEN 'first_location_id' END], NULL));
    UPDATE clinic_data.patients AS p
    SET date_of_birth = coalesce(one.date_of_birth, other.date_of_birth), sex = coalesce(one.sex, other.sex),
        preferred_name = coalesce(one.preferred_name, other.preferred_name), photo_reference = coalesce(one.photo_reference, other.photo_reference),
        first_location_id = coalesce(one.first_location_id, other.first_location_id)
    WHERE p.tenant_id = tenant AND p.patient_id = complete_patient.master AND jsonb_array_length(completed -> 'patients') > 0;

    -- Encrypted details, field by field, under the master's key.
    SELECT d.* INTO other FROM clinic_data.patient_details AS d WHERE d.tenant_id = tenant AND d.patient_id = complete_patient.duplicate;
    IF FOUND THEN
        SELECT d.* INTO one FROM clinic_data.patient_details AS d WHERE d.tenant_id = tenant AND d.patient_id = complete_patient.master;
        completed := completed || jsonb_build_object('patient_details', array_remove(ARRAY[
            CASE WHEN one.address IS NULL AND other.address IS NOT NULL THEN 'address' END,
            CASE WHEN one.emergency_contact IS NULL AND other.emergency_contact IS NOT NULL THEN 'emergency_contact' END,
            CASE WHEN one.blood_group IS NULL AND other.blood_group IS NOT NULL THEN 'blood_group' END], NULL));
        IF jsonb_array_length(completed -> 'patient_details') > 0 THEN
            INSERT INTO clinic_data.patient_details AS d (tenant_id, patient_id, address, emergency_contact, blood_group)
            VALUES (tenant, complete_patient.master,
                    clinic_private.copied_detail(tenant, complete_patient.duplicate, complete_patient.master, 'address', other.address),
                    clinic_private.copied_detail(tenant, complete_patient.duplicate, complete_patient.master, 'emergency_contact', other.emergency_contact),
                    clinic_private.copied_detail(tenant, complete_patient.duplicate, complete_patient.master, 'blood_group', other.blood_group))
            ON CONFLICT ON CONSTRAINT patient_details_pkey DO UPDATE
                SET address = coalesce(d.address, excluded.address), emergency_contact = coalesce(d.emergency_contact, excluded.emergency_contact),
                    blood_group = coalesce(d.blood_group, excluded.blood_group);
        END IF;
    END IF;

    INSERT INTO clinic_data.communication_preferences AS p (tenant_id, patient_id, language, time_zone, quiet_from, quiet_until, channels)
    SELECT o.tenant_id, complete_patient.master, o.language, o.time_zone, o.quiet_from, o.quiet_until, o.channels
    FROM clinic_data.communication_preferences AS o WHERE o.tenant_id = tenant AND o.patient_id = complete_patient.duplicate
    ON CONFLICT ON CONSTRAINT communication_preferences_pkey DO NOTHING;
    completed := completed || jsonb_build_object('communication_preferences', FOUND);
    -- Messages of a kind that the one record does not want are not wanted by the other.
    WITH changed AS (
        UPDATE clinic_data.communication_preferences AS p
        SET channels = clinic_private.stricter_channels(b.channels, d.channels)
        FROM clinic_data.communication_preferences AS b, clinic_data.communication_preferences AS d
        WHERE p.tenant_id = tenant AND p.patient_id = complete_patient.master AND b.tenant_id = p.tenant_id AND b.patient_id = p.patient_id
          AND d.tenant_id = tenant AND d.patient_id = complete_patient.duplicate
          AND clinic_private.stricter_channels(b.channels, d.channels) <> b.channels
        RETURNING b.channels AS before)
    SELECT coalesce(jsonb_object_agg('channels_before', c.before), '{}') || completed INTO completed FROM changed AS c;

    -- Who wanted nothing at a place wants nothing there as the other record.
    WITH changed AS (
        UPDATE clinic_data.patient_contacts AS c
        SET opted_out_at = o.opted_out_at
        FROM clinic_data.patient_contacts AS o
        WHERE c.tenant_id = tenant AND c.patient_id = complete_patient.master AND c.opted_out_at IS NULL
          AND o.tenant_id = tenant AND o.patient_id = complete_patient.duplicate AND o.channel = c.channel AND o.destination_index = c.destination_index
          AND o.opted_out_at IS NOT NULL
        RETURNING c.contact_id)
    SELECT array_agg(c.contact_id ORDER BY c.contact_id) INTO ids FROM changed AS c;
    completed := completed || jsonb_build_object('opted_out', coalesce(ids, '{}'));

    -- Guardians and dependants, but for the two themselves.
    WITH gone AS (
        DELETE FROM clinic_data.dependants AS d
        WHERE d.tenant_id = tenant AND complete_patient.duplicate IN (d.patient_id, d.guardian_patient_id)
        RETURNING d.*)
    SELECT coalesce(jsonb_agg(to_jsonb(g) ORDER BY g.guardian_patient_id, g.patient_id), '[]') INTO pairs FROM gone AS g;
    completed := completed || jsonb_build_object('dependants', pairs);
    WITH added AS (
        INSERT INTO clinic_data.dependants AS d (tenant_id, guardian_patient_id, patient_id, relationship, until_on, created_at, created_by)
        SELECT r.tenant_id, CASE r.guardian_patient_id WHEN complete_patient.duplicate THEN complete_patient.master ELSE r.guardian_patient_id END,
               CASE r.patient_id WHEN complete_patient.duplicate THEN complete_patient.master ELSE r.patient_id END, r.relationship, r.until_on, r.created_at, r.created_by
        FROM jsonb_populate_recordset(NULL::clinic_data.dependants, pairs) AS r
        WHERE complete_patient.master NOT IN (r.guardian_patient_id, r.patient_id)
        ON CONFLICT ON CONSTRAINT dependants_pkey DO NOTHING
        RETURNING d.guardian_patient_id, d.patient_id)
    SELECT coalesce(jsonb_agg(jsonb_build_array(a.guardian_patient_id, a.patient_id)), '[]') INTO pairs FROM added AS a;
    completed := completed || jsonb_build_object('dependants_added', pairs);

    WITH copied AS (
        INSERT INTO clinic_data.legal_holds AS h (tenant_id, hold_id, patient_id, reason, placed_at, placed_by)
        SELECT o.tenant_id, clinic.new_id(), complete_patient.master, o.reason, o.placed_at, o.placed_by
        FROM clinic_data.legal_holds AS o
        WHERE o.tenant_id = tenant AND o.patient_id = complete_patient.duplicate AND o.released_at IS NULL
        RETURNING h.hold_id)
    SELECT array_agg(c.hold_id ORDER BY c.hold_id) INTO ids FROM copied AS c;
    RETURN completed || jsonb_build_object('legal_holds', coalesce(ids, '{}'),
        'consents', clinic_private.merge_consents(tenant, complete_patient.duplicate, complete_patient.master));
END
$$;
COMMENT ON FUNCTION clinic_private.complete_patient(uuid, uuid, uuid) IS
    'Gives a master what it lacks and the duplicate has, and returns which fields and rows those are, without what they hold. Errors: key_unavailable, decryption_failed.';

-- A person who has said no as one record has said no; a person who consents as one record consents.
CREATE FUNCTION clinic_private.merge_consents(tenant_id uuid, duplicate uuid, master uuid)
    RETURNS uuid[]
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant constant uuid := merge_consents.tenant_id;
    ids uuid[];
BEGIN
    INSERT INTO clinic_data.consent_withdrawals (tenant_id, consent_id, patient_id, withdrawn_at, withdrawn_by, reason)
    SELECT c.tenant_id, c.consent_id, c.patient_id, clinic.now(), w.withdrawn_by, 'It was withdrawn in a record of the same person.'
    FROM clinic_data.consents AS c
    CROSS JOIN LATERAL (
        SELECT o.withdrawn_by
        FROM clinic_data.consents AS g
        JOIN clinic_data.consent_withdrawals AS o ON o.tenant_id = g.tenant_id AND o.consent_id = g.consent_id
        WHERE g.tenant_id = tenant AND g.patient_id = merge_consents.duplicate AND g.purpose = c.purpose
          AND (g.scope IS NULL OR g.scope = c.scope) AND o.withdrawn_at >= c.given_at
        ORDER BY o.withdrawn_at DESC
        LIMIT 1) AS w
    WHERE c.tenant_id = tenant AND c.patient_id = merge_consents.master
    ON CONFLICT ON CONSTRAINT consent_withdrawals_pkey DO NOTHING;

    WITH copied AS (
        INSERT INTO clinic_data.consents AS n
            (tenant_id, consent_id, patient_id, purpose, scope, text_id, given_by, guardian_patient_id, evidence, given_at, expires_at, recorded_at)
        SELECT c.tenant_id, clinic.new_id(), merge_consents.master, c.purpose, c.scope, c.text_id, c.given_by, c.guardian_patient_id, c.evidence,
               c.given_at, c.expires_at, clinic.now()
        FROM clinic_data.consents AS c
        WHERE c.tenant_id = tenant AND c.patient_id = merge_consents.duplicate
          AND clinic_private.standing_consent(tenant, c.patient_id, c.purpose, c.scope) = c.consent_id
          AND clinic_private.standing_consent(tenant, merge_consents.master, c.purpose, c.scope) IS NULL
          AND NOT EXISTS (
              SELECT FROM clinic_data.consents AS g
              JOIN clinic_data.consent_withdrawals AS o ON o.tenant_id = g.tenant_id AND o.consent_id = g.consent_id
              WHERE g.tenant_id = tenant AND g.patient_id = merge_consents.master AND g.purpose = c.purpose
                AND (g.scope IS NULL OR g.scope = c.scope) AND o.withdrawn_at >= c.given_at)
        ORDER BY c.consent_id
        RETURNING n.consent_id)
    SELECT array_agg(c.consent_id ORDER BY c.consent_id) INTO ids FROM copied AS c;
    RETURN coalesce(ids, '{}');
END
$$;
COMMENT ON FUNCTION clinic_private.merge_consents(uuid, uuid, uuid) IS
    'Consents of a master that were withdrawn later as the duplicate, for the same purpose and scope, are withdrawn; those of the duplicate that stand, and that the master neither
gave nor withdrew later, are given to the master, in copies whose ids are returned. The rows of the duplicate stay.';

CREATE FUNCTION clinic_private.copied_detail(tenant_id uuid, from_patient uuid, to_patient uuid, column_name text, value bytea)
    RETURNS bytea
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT clinic_private.encrypt_field(copied_detail.tenant_id, copied_detail.to_patient, 'clinic_data.patient_details', copied_detail.column_name,
        copied_detail.to_patient::text,
        clinic_private.decrypt_field(copied_detail.tenant_id, copied_detail.from_patient, 'clinic_data.patient_details', copied_detail.column_name,
                                     copied_detail.from_patient::text, copied_detail.value))
$$;
COMMENT ON FUNCTION clinic_private.copied_detail(uuid, uuid, uuid, text, bytea) IS 'A detail of one patient, encrypted for another.';

REVOKE ALL ON FUNCTION clinic_private.patient_references, clinic_private.key_columns, clinic_private.key_expression, clinic_private.foreign_patient_references,
    clinic_private.move_foreign_rows, clinic_private.move_patient_rows, clinic_private.move_claims, clinic_private.merge_conflicts, clinic_private.merge_state, clinic_private.state_changes,
    clinic_private.lock_patients, clinic_private.move_patient, clinic_private.stricter_channels, clinic_private.complete_patient, clinic_private.merge_consents, clinic_private.copied_detail FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.patient_references, clinic_private.key_columns, clinic_private.key_expression, clinic_private.foreign_patient_references,
    clinic_private.move_foreign_rows, clinic_private.move_patient_rows, clinic_private.move_claims, clinic_private.merge_conflicts, clinic_private.merge_state, clinic_private.state_changes,
    clinic_private.lock_patients, clinic_private.move_patient, clinic_private.stricter_channels, clinic_private.complete_patient, clinic_private.merge_consents, clinic_private.copied_detail TO clinic_owner;
