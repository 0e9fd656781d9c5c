-- Merging and unmerging, as callers have it.

CREATE FUNCTION clinic_private.require_mergeable(master_patient_id uuid, duplicate_patient_id uuid)
    RETURNS uuid
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant constant uuid := clinic_private.require_permission('patients:merge');
BEGIN
    PERFORM clinic_private.require_permission('patients:read');
    PERFORM clinic_private.require_permission('patients:write');
    PERFORM clinic_private.require_arguments(jsonb_build_object('master_patient_id', require_mergeable.master_patient_id,
        'duplicate_patient_id', require_mergeable.duplicate_patient_id));
    PERFORM clinic_private.require_row('patient', require_mergeable.master_patient_id);
    PERFORM clinic_private.require_row('patient', require_mergeable.duplicate_patient_id);
    IF require_mergeable.master_patient_id = require_mergeable.duplicate_patient_id THEN
        PERFORM clinic_private.refuse_argument('duplicate_patient_id', 'a record cannot be merged into itself');
    END IF;
    RETURN tenant;
END
$$;
COMMENT ON FUNCTION clinic_private.require_mergeable(uuid, uuid) IS
    'Returns the tenant when the caller has patients:merge, patients:read and patients:write and sees both records. Errors: no_context, forbidden, not_found, 22004, 22023.';
REVOKE ALL ON FUNCTION clinic_private.require_mergeable FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_mergeable TO clinic_owner;

CREATE FUNCTION clinic.merge_conflicts(master_patient_id uuid, duplicate_patient_id uuid)
    RETURNS TABLE (kind text, master_row text, duplicate_row text)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 1 SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant constant uuid := clinic_private.require_mergeable(merge_conflicts.master_patient_id, merge_conflicts.duplicate_patient_id);
    saved constant text := clinic_private.saved_context();
BEGIN
    PERFORM clinic_private.act_as_system(tenant);
    RETURN QUERY SELECT c.kind, c.master_row, c.duplicate_row
                 FROM clinic_private.merge_conflicts(tenant, merge_conflicts.master_patient_id, merge_conflicts.duplicate_patient_id) AS c;
    PERFORM clinic_private.restore_context(saved);
END
$$;
ALTER FUNCTION clinic.merge_conflicts OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.merge_conflicts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.merge_conflicts TO clinic_user;
COMMENT ON FUNCTION clinic.merge_conflicts IS
    'What keeps two records from being merged, and would make clinic.merge_patients refuse. Needs patients:merge, patients:read and patients:write.
kind: overlapping_visits (rows: appointments of both at one time, where the tenant forbids that), waiting_twice (rows: entries of the waitlist for one service and date), own_table
(master_row: a table with a foreign key on patients whose rows clinic_owner may not move). Errors: no_context, forbidden, not_found, 22004, 22023.';

CREATE FUNCTION clinic.merge_patients(master_patient_id uuid, duplicate_patient_id uuid, reason text)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant constant uuid := clinic_private.require_mergeable(merge_patients.master_patient_id, merge_patients.duplicate_patient_id);
    master constant uuid := merge_patients.master_patient_id;
    duplicate constant uuid := merge_patients.duplicate_patient_id;
    saved constant text := clinic_private.saved_context();
    who constant uuid := clinic.current_user_id();
    id constant uuid := clinic.new_id();
    present record;
    status_before text;
    conflicts jsonb;
    moved jsonb;
    completed jsonb;
BEGIN
    PERFORM clinic_private.require_read_committed('merging records');
    PERFORM clinic_private.require_arguments(jsonb_build_object('reason', merge_patients.reason));
    IF length(btrim(merge_patients.reason)) NOT BETWEEN 1 AND 1000 THEN
        PERFORM clinic_private.refuse_argument('reason', 'reason must have 1 to 1000 characters', hint => 'Name no patient in it: it stays.');
    END IF;
    PERFORM clinic_private.act_as_system(tenant);
    PERFORM clinic_private.lock_patients(tenant, ARRAY[master, duplicate]);
    PERFORM clinic_private.lock_consents(least(master, duplicate)), clinic_private.lock_consents(greatest(master, duplicate));
    FOR present IN
        SELECT p.patient_id, p.status, p.deleted_at, s.patient_id IS NOT NULL AS is_shredded
        FROM clinic_data.patients AS p
        LEFT JOIN clinic_data.shredded_patients AS s ON s.tenant_id = p.tenant_id AND s.patient_id = p.patient_id
        WHERE p.tenant_id = tenant AND p.patient_id IN (master, duplicate)
    LOOP
        PERFORM clinic_private.require_unmerged(present.patient_id);
        IF present.deleted_at IS NOT NULL THEN
            PERFORM clinic_private.raise_error('inactive', format('patient "%s" is put away', present.patient_id),
                jsonb_build_object('patient_id', present.patient_id), 'Take it back with clinic.restore_patient().');
        ELSIF present.is_shredded THEN
            PERFORM clinic_private.raise_error('shredded', NULL, jsonb_build_object('patient_id', present.patient_id), NULL);
        ELSIF present.patient_id = duplicate THEN
            status_before := present.status;
        END IF;
    END LOOP;
    SELECT jsonb_agg(to_jsonb(c)) INTO conflicts FROM clinic_private.merge_conflicts(tenant, master, duplicate) AS c;
    IF conflicts IS NOT NULL THEN
        PERFORM clinic_private.raise_error('patient_conflict', 'the two records cannot be merged as they are',
            jsonb_build_object('master_patient_id', master, 'duplicate_patient_id', duplicate, 'conflicts', conflicts),
            'clinic.merge_conflicts() lists what is in the way: cancel or move one of each pair first.');
    END IF;
    moved := clinic_private.move_patient(tenant, duplicate, master);
    completed := clinic_private.complete_patient(tenant, duplicate, master);
    UPDATE clinic_data.patients AS p
    SET status = 'merged', merged_into_id = master
    WHERE p.tenant_id = tenant AND p.patient_id = duplicate;
    INSERT INTO clinic_data.patient_merges (tenant_id, merge_id, master_patient_id, duplicate_patient_id, reason, status_before, moved, completed, state, merged_at, merged_by)
    VALUES (tenant, id, master, duplicate, btrim(merge_patients.reason), status_before, moved, completed,
            clinic_private.merge_state(tenant, master, duplicate), clinic.now(), who);
    PERFORM clinic_private.restore_context(saved);
    PERFORM clinic_private.write_audit('medical', 'merge', 'patients', master::text, master, btrim(merge_patients.reason),
        NULL, jsonb_build_object('merge_id', id, 'duplicate_patient_id', duplicate), ARRAY[master, duplicate]);
    RETURN jsonb_build_object('merge_id', id, 'patient_id', master, 'replaces', duplicate,
        'moved', (SELECT coalesce(jsonb_object_agg(m.key, jsonb_array_length(m.value)), '{}') FROM jsonb_each(moved) AS m),
        'completed', (completed -> 'patients') || coalesce(completed -> 'patient_details', '[]'));
END
$$;
ALTER FUNCTION clinic.merge_patients OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.merge_patients FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.merge_patients TO clinic_user;
COMMENT ON FUNCTION clinic.merge_patients IS
    'Merges the record of a patient into another of the same person: whatever refers to the duplicate moves to the master, encrypted fields under the master''s key, and fields
that the master lacks come from the duplicate. The duplicate gets status merged and merged_into_id: its id leads clinic.get_patient, clinic.patient_profile and the search to
the master, which replaces it. A consent stands for the merged record unless it was withdrawn as either, later; what is not to be sent to either, there or of that kind, is not sent. Nothing moves when something is in the way (clinic.merge_conflicts). Needs patients:merge, patients:read and patients:write.
reason: 1 to 1000 characters that name nobody. Returns an object: merge_id, patient_id, replaces, moved (rows by table), completed (fields).
Errors: no_context, forbidden, not_found, inactive (one is merged or put away), shredded, patient_conflict (with conflicts), busy, key_unavailable, decryption_failed, 22004, 22023,
25001 above READ COMMITTED.';

CREATE FUNCTION clinic.unmerge_patients(merge_id uuid, reason text)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant constant uuid := clinic_private.require_permission('patients:merge');
    saved constant text := clinic_private.saved_context();
    who constant uuid := clinic.current_user_id();
    merge record;
    changes jsonb;
    part record;
BEGIN
    PERFORM clinic_private.require_permission('patients:read');
    PERFORM clinic_private.require_permission('patients:write');
    PERFORM clinic_private.require_read_committed('undoing a merge');
    PERFORM clinic_private.require_arguments(jsonb_build_object('merge_id', unmerge_patients.merge_id, 'reason', unmerge_patients.reason));
    IF length(btrim(unmerge_patients.reason)) NOT BETWEEN 1 AND 1000 THEN
        PERFORM clinic_private.refuse_argument('reason', 'reason must have 1 to 1000 characters', hint => 'Name no patient in it: it stays.');
    END IF;
    SELECT m.* INTO merge FROM clinic_data.patient_merges AS m WHERE m.tenant_id = tenant AND m.merge_id = unmerge_patients.merge_id;
    IF NOT FOUND OR NOT clinic.sees_patient(merge.master_patient_id) THEN
        PERFORM clinic_private.raise_error('not_found', format('merge "%s" does not exist', unmerge_patients.merge_id),
            jsonb_build_object('merge_id', unmerge_patients.merge_id), NULL);
    END IF;
    PERFORM clinic_private.act_as_system(tenant);
    PERFORM clinic_private.lock_patients(tenant, ARRAY[merge.master_patient_id, merge.duplicate_patient_id]);
    PERFORM clinic_private.lock_consents(least(merge.master_patient_id, merge.duplicate_patient_id)),
        clinic_private.lock_consents(greatest(merge.master_patient_id, merge.duplicate_patient_id));
    PERFORM FROM clinic_data.patient_merges AS m
    WHERE m.tenant_id = tenant AND m.merge_id = unmerge_patients.merge_id AND m.undone_at IS NULL
    FOR UPDATE;
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_error('bad_transition', format('merge "%s" was undone already', unmerge_patients.merge_id),
            jsonb_build_object('merge_id', unmerge_patients.merge_id), NULL);
    END IF;
    changes := clinic_private.state_changes(merge.state, clinic_private.merge_state(tenant, merge.master_patient_id, merge.duplicate_patient_id));
    IF jsonb_array_length(changes) > 0 THEN
        PERFORM clinic_private.raise_error('stale_version', 'something has changed since the records were merged',
            jsonb_build_object('merge_id', unmerge_patients.merge_id, 'changes', changes), 'What belongs to whom is for people to say now.');
    END IF;
    PERFORM clinic_private.undo_completion(tenant, merge.duplicate_patient_id, merge.master_patient_id, merge.completed);
    PERFORM clinic_private.move_claims(tenant, merge.master_patient_id, merge.duplicate_patient_id,
        ARRAY(SELECT c.id::uuid FROM jsonb_array_elements_text(coalesce(merge.moved -> 'claims', '[]')) AS c (id)));
    FOR part IN
        SELECT format('clinic_data.%I', r.table_name)::regclass AS relation, 'tenant_id' AS tenant_column, r.column_name, r.table_name AS label
        FROM clinic_private.patient_references() AS r WHERE r.handling IN ('move', 'unless_there')
        UNION ALL
        SELECT r.relation, r.tenant_column, r.column_name, r.relation::text FROM clinic_private.foreign_patient_references() AS r
    LOOP
        IF merge.moved ? part.label THEN
            PERFORM clinic_private.move_patient_rows(part.relation, part.tenant_column, part.column_name, tenant, merge.master_patient_id,
                merge.duplicate_patient_id, ARRAY(SELECT k.key FROM jsonb_array_elements_text(merge.moved -> part.label) AS k (key)));
        END IF;
    END LOOP;
    UPDATE clinic_data.patients AS p
    SET status = merge.status_before, merged_into_id = NULL
    WHERE p.tenant_id = tenant AND p.patient_id = merge.duplicate_patient_id;
    UPDATE clinic_data.patient_merges AS m
    SET undone_at = clinic.now(), undone_by = who, undo_reason = btrim(unmerge_patients.reason)
    WHERE m.tenant_id = tenant AND m.merge_id = unmerge_patients.merge_id;
    PERFORM clinic_private.restore_context(saved);
    PERFORM clinic_private.write_audit('medical', 'unmerge', 'patients', merge.master_patient_id::text, merge.master_patient_id, btrim(unmerge_patients.reason),
        NULL, jsonb_build_object('merge_id', unmerge_patients.merge_id, 'duplicate_patient_id', merge.duplicate_patient_id),
        ARRAY[merge.master_patient_id, merge.duplicate_patient_id]);
    RETURN jsonb_build_object('merge_id', unmerge_patients.merge_id, 'patient_id', merge.master_patient_id, 'restored', merge.duplicate_patient_id);
END
$$;
ALTER FUNCTION clinic.unmerge_patients OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.unmerge_patients FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.unmerge_patients TO clinic_user;
COMMENT ON FUNCTION clinic.unmerge_patients IS
    'Undoes a merge: what had moved moves back, and what was completed is taken from the master. Only while the rows of both are as the merge left them, nothing added to them
either; else it says what has changed (table, row, and added, changed or removed). Messages, offers, accounts and holds do not count. Needs patients:merge, patients:read and
patients:write. reason: 1 to 1000 characters that name nobody.
Errors: no_context, forbidden, not_found, bad_transition (undone already), stale_version (with changes), busy, key_unavailable, 22004, 22023,
25001 above READ COMMITTED.';

CREATE FUNCTION clinic_private.undo_completion(tenant_id uuid, duplicate uuid, master uuid, completed jsonb)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant constant uuid := undo_completion.tenant_id;
    fields constant jsonb := undo_completion.completed -> 'patients';
    details constant jsonb := coalesce(undo_completion.completed -> 'patient_details', '[]');
BEGIN
    UPDATE clinic_data.patients AS p
    SET date_of_birth = CASE WHEN fields ? 'date_of_birth' THEN NULL ELSE p.date_of_birth END, sex = CASE WHEN fields ? 'sex' THEN NULL ELSE p.sex END,
        preferred_name = CASE WHEN fields ? 'preferred_name' THEN NULL ELSE p.preferred_name END,
        photo_reference = CASE WHEN fields ? 'photo_reference' THEN NULL ELSE p.photo_reference END,
        first_location_id = CASE WHEN fields ? 'first_location_id' THEN NULL ELSE p.first_location_id END
    WHERE p.tenant_id = tenant AND p.patient_id = undo_completion.master AND fields <> '[]';
    UPDATE clinic_data.patient_details AS d
    SET address = CASE WHEN details ? 'address' THEN NULL ELSE d.address END,
        emergency_contact = CASE WHEN details ? 'emergency_contact' THEN NULL ELSE d.emergency_contact END,
        blood_group = CASE WHEN details ? 'blood_group' THEN NULL ELSE d.blood_group END
    WHERE d.tenant_id = tenant AND d.patient_id = undo_completion.master AND details <> '[]';
    UPDATE clinic_data.communication_preferences AS p
    SET language = NULL, time_zone = NULL, quiet_from = NULL, quiet_until = NULL, channels = '{}'
    WHERE p.tenant_id = tenant AND p.patient_id = undo_completion.master AND (undo_completion.completed -> 'communication_preferences')::boolean;
    UPDATE clinic_data.communication_preferences AS p
    SET channels = undo_completion.completed -> 'channels_before'
    WHERE p.tenant_id = tenant AND p.patient_id = undo_completion.master AND undo_completion.completed ? 'channels_before';
    UPDATE clinic_data.patient_contacts AS c
    SET opted_out_at = NULL
    WHERE c.tenant_id = tenant AND c.patient_id = undo_completion.master AND undo_completion.completed -> 'opted_out' ? c.contact_id::text;
    DELETE FROM clinic_data.dependants AS d
    USING jsonb_array_elements(undo_completion.completed -> 'dependants_added') AS a (pair)
    WHERE d.tenant_id = tenant AND d.guardian_patient_id = (a.pair ->> 0)::uuid AND d.patient_id = (a.pair ->> 1)::uuid;
    INSERT INTO clinic_data.dependants
    SELECT r.* FROM jsonb_populate_recordset(NULL::clinic_data.dependants, undo_completion.completed -> 'dependants') AS r
    ON CONFLICT ON CONSTRAINT dependants_pkey DO NOTHING;
    -- Neither consents nor holds are taken out of what was: they end, and stay to be read.
    INSERT INTO clinic_data.consent_withdrawals (tenant_id, consent_id, patient_id, withdrawn_at, withdrawn_by, reason)
    SELECT c.tenant_id, c.consent_id, c.patient_id, clinic.now(), 'staff', 'The merge that brought it was undone.'
    FROM clinic_data.consents AS c
    WHERE c.tenant_id = tenant AND undo_completion.completed -> 'consents' ? c.consent_id::text AND c.patient_id = undo_completion.master
    ON CONFLICT ON CONSTRAINT consent_withdrawals_pkey DO NOTHING;
    -- A hold is not undone by the way: it is released, and stays to be read.
    UPDATE clinic_data.legal_holds AS h
    SET released_at = clinic.now()
    WHERE h.tenant_id = tenant AND undo_completion.completed -> 'legal_holds' ? h.hold_id::text AND h.released_at IS NULL;
END
$$;
COMMENT ON FUNCTION clinic_private.undo_completion(uuid, uuid, uuid, jsonb) IS 'Takes from a master what clinic_private.complete_patient gave it.';
REVOKE ALL ON FUNCTION clinic_private.undo_completion FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.undo_completion TO clinic_owner;
