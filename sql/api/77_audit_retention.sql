-- How long the audit is kept: classes, legal holds, purging. Time is the server's wall clock here, never clinic.clock.
--
-- Records of class 'retention' tell how long a class is kept and what went: they stay, since clinic.verify_audit() holds each purge against
-- them, and where they say nothing against default_retention(). So a later version may make a period there shorter, never longer.

CREATE FUNCTION clinic_private.default_retention()
    RETURNS TABLE (class text, keep_months integer, purpose text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    VALUES ('medical', 84, 'Changes of patients'' data: seven years, as medical records.'),
           ('security', 72, 'Changes of identity, permissions and configuration, break-glass, disclosures: six years (45 CFR 164.316).'),
           ('access', 12, 'Reads: one year (DPDP Rules 2025, rule 6).')
$$;
COMMENT ON FUNCTION clinic_private.default_retention() IS 'The classes of audit records, and how long each is kept where the tenant says nothing.';
REVOKE ALL ON FUNCTION clinic_private.default_retention FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.default_retention TO clinic_owner, clinic_user;

CREATE FUNCTION clinic_private.keep_months(tenant_id uuid, class text)
    RETURNS integer
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    -- A class that nobody gave a period is kept as long as the longest.
    RETURN coalesce(
        (SELECT r.keep_months FROM clinic_data.retention_classes AS r
          WHERE r.tenant_id = keep_months.tenant_id AND r.class = keep_months.class),
        (SELECT d.keep_months FROM clinic_private.default_retention() AS d WHERE d.class = keep_months.class),
        (SELECT max(d.keep_months) FROM clinic_private.default_retention() AS d));
END
$$;
COMMENT ON FUNCTION clinic_private.keep_months(uuid, text) IS 'How long a tenant keeps the records of a class, in months.';
REVOKE ALL ON FUNCTION clinic_private.keep_months FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.keep_months TO clinic_owner;

CREATE FUNCTION clinic_private.months_before(instant timestamptz, months integer)
    RETURNS timestamptz
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN (months_before.instant AT TIME ZONE 'UTC' - make_interval(months => months_before.months)) AT TIME ZONE 'UTC';
COMMENT ON FUNCTION clinic_private.months_before(timestamptz, integer) IS 'The same time of UTC so many months before, whatever the session''s zone; the last day of a month that is too short.';
REVOKE ALL ON FUNCTION clinic_private.months_before FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.months_before TO clinic_owner;

CREATE FUNCTION clinic.set_retention(class text, keep_months integer)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('audit:retain');
BEGIN
    PERFORM clinic_private.require_permission('audit:read');
    PERFORM clinic_private.require_arguments(jsonb_build_object('class', set_retention.class, 'keep_months', set_retention.keep_months));
    IF set_retention.class !~ '^[a-z_]{1,40}$' THEN
        PERFORM clinic_private.refuse_argument('class', 'class must be a word in lower case');
    END IF;
    IF set_retention.class = 'retention' THEN
        PERFORM clinic_private.refuse_argument('class', 'records of class retention are kept for ever', 'They tell why others are gone.');
    END IF;
    IF set_retention.keep_months NOT BETWEEN 12 AND 1200 THEN
        PERFORM clinic_private.refuse_argument('keep_months', 'keep_months must be between 12 and 1200');
    END IF;
    INSERT INTO clinic_data.retention_classes AS r (tenant_id, class, keep_months, created_by)
    VALUES (tenant, set_retention.class, set_retention.keep_months, clinic.current_user_id())
    ON CONFLICT ON CONSTRAINT retention_classes_pkey DO UPDATE SET keep_months = excluded.keep_months;
END
$$;
ALTER FUNCTION clinic.set_retention OWNER TO clinic_owner;
COMMENT ON FUNCTION clinic.set_retention(text, integer) IS
    'Says how long the tenant keeps audit records of a class, in months, 12 to 1200; not those of class retention, which are kept for ever. Needs audit:retain and audit:read. class: any
word in lower case, by design: one that is neither shipped (medical, security, access) nor there yet is declared by this, and is one for clinic.enable_audit and clinic.purge_audit
from then on. Errors: no_context, forbidden, 22004, 22023.';
REVOKE ALL ON FUNCTION clinic.set_retention FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.set_retention TO clinic_user;

CREATE FUNCTION clinic.place_legal_hold(patient_id uuid, reason text)
    RETURNS uuid
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('audit:retain');
    new_id uuid := clinic.new_id();
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('reason', place_legal_hold.reason));
    IF length(btrim(place_legal_hold.reason)) NOT BETWEEN 10 AND 1000 THEN
        PERFORM clinic_private.refuse_argument('reason', 'reason must have 10 to 1000 characters', hint => 'Say what the hold is for, and name nobody.');
    END IF;
    IF place_legal_hold.patient_id IS NOT NULL THEN
        PERFORM clinic_private.require_unmerged(place_legal_hold.patient_id);
    END IF;
    INSERT INTO clinic_data.legal_holds (tenant_id, hold_id, patient_id, reason, placed_at, placed_by)
    VALUES (tenant, new_id, place_legal_hold.patient_id, btrim(place_legal_hold.reason), clock_timestamp(), clinic.current_user_id());
    RETURN new_id;
EXCEPTION
    WHEN foreign_key_violation THEN
        PERFORM clinic_private.raise_error('not_found', format('patient "%s" does not exist', place_legal_hold.patient_id),
            jsonb_build_object('patient_id', place_legal_hold.patient_id), NULL);
END
$$;
ALTER FUNCTION clinic.place_legal_hold OWNER TO clinic_owner;
COMMENT ON FUNCTION clinic.place_legal_hold(uuid, text) IS
    'Keeps the audit of a patient, or with null all of the tenant''s, from being purged until clinic.release_legal_hold. reason: 10 to 1000 characters, naming nobody.
Returns the hold''s id. Needs audit:retain and audit:read. Errors: no_context, forbidden, not_found, 22004, 22023.';
REVOKE ALL ON FUNCTION clinic.place_legal_hold FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.place_legal_hold TO clinic_user;

CREATE FUNCTION clinic.release_legal_hold(hold_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('audit:retain');
BEGIN
    PERFORM clinic_private.require_permission('audit:read');
    PERFORM clinic_private.require_arguments(jsonb_build_object('hold_id', release_legal_hold.hold_id));
    UPDATE clinic_data.legal_holds AS h
    SET released_at = clock_timestamp(), released_by = clinic.current_user_id()
    WHERE h.tenant_id = tenant AND h.hold_id = release_legal_hold.hold_id AND h.released_at IS NULL;
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_error('not_found', 'there is no such hold that stands',
            jsonb_build_object('hold_id', release_legal_hold.hold_id), NULL);
    END IF;
END
$$;
ALTER FUNCTION clinic.release_legal_hold OWNER TO clinic_owner;
COMMENT ON FUNCTION clinic.release_legal_hold(uuid) IS
    'Ends a legal hold. Needs audit:retain and audit:read. Errors: no_context, forbidden, not_found (also for one that was released), 22004.';
REVOKE ALL ON FUNCTION clinic.release_legal_hold FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.release_legal_hold TO clinic_user;

CREATE FUNCTION clinic_private.purge_class(tenant uuid, of_class text, most integer)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    v_keep integer;
    v_before timestamptz;
    v_sealed bigint;
    v_purge uuid := clinic.new_id();
    v_record uuid;
    v_ids uuid[];
    v_digest bytea;
    parts regclass[];
    part regclass;
    deleted bigint;
    done bigint := 0;
BEGIN
    IF purge_class.of_class = 'retention' THEN
        RETURN 0;
    END IF;
    -- A change of the period, or a hold, comes before this purge or after it, and so do the records of both.
    PERFORM clinic_private.require_read_committed('purging the audit');
    LOCK TABLE clinic_data.retention_classes, clinic_data.legal_holds IN SHARE MODE;
    v_keep := clinic_private.keep_months(purge_class.tenant, purge_class.of_class);
    v_before := clinic_private.months_before(clock_timestamp(), v_keep);
    -- What a head proves to have been there then.
    v_sealed := clinic_private.tree_size_at(purge_class.tenant, v_before);
    IF v_sealed IS NULL THEN
        RETURN 0;
    END IF;
    -- Both time and id: a record that was ingested late has the id of its time.
    SELECT array_agg(o.audit_id), sha256(string_agg(o.leaf_hash, ''::bytea ORDER BY o.place))
    INTO v_ids, v_digest
    FROM (SELECT a.audit_id, a.leaf_hash, s.place
          FROM clinic_data.audit_records AS a
         CROSS JOIN LATERAL clinic_private.sealed_position(a.tenant_id, a.transaction_id, a.audit_id) AS s (place)
          WHERE a.tenant_id = purge_class.tenant AND a.class = purge_class.of_class
            AND a.audit_id < clinic.uuid_floor(v_before) AND a.recorded_at < v_before
            AND NOT EXISTS (SELECT FROM clinic_data.legal_holds AS h
                            WHERE h.tenant_id = a.tenant_id AND h.released_at IS NULL
                              AND (h.patient_id IS NULL OR h.patient_id = a.patient_id OR h.patient_id = ANY (a.row_ids)
                                   OR EXISTS (SELECT FROM clinic_data.audit_read_patients AS r
                                               WHERE r.tenant_id = a.tenant_id AND r.patient_id = h.patient_id AND r.audit_id = a.audit_id)))
            AND s.place < v_sealed
          ORDER BY a.audit_id
          LIMIT purge_class.most) AS o;
    IF v_ids IS NULL THEN
        RETURN 0;
    END IF;
    INSERT INTO clinic_data.audit_purges (tenant_id, purge_id, class, recorded_before, keep_months, purged_at, record_count, leaves_digest)
    VALUES (purge_class.tenant, v_purge, purge_class.of_class, v_before, v_keep, clock_timestamp(), cardinality(v_ids), v_digest);
    INSERT INTO clinic_data.purged_audit_records (tenant_id, audit_id, purge_id, transaction_id, recorded_at, class, content_digest)
    SELECT a.tenant_id, a.audit_id, v_purge, a.transaction_id, a.recorded_at, a.class, clinic_private.audit_content_digest(a)
    FROM clinic_data.audit_records AS a
    WHERE a.tenant_id = purge_class.tenant AND a.audit_id = ANY (v_ids);
    -- Looked up before: a partition that a query still reads cannot be opened.
    parts := ARRAY(SELECT DISTINCT a.tableoid FROM clinic_data.audit_records AS a
                   WHERE a.tenant_id = purge_class.tenant AND a.audit_id = ANY (v_ids)
                   ORDER BY a.tableoid);
    FOREACH part IN ARRAY parts LOOP
        CALL clinic_private.open_append_only(part, true);
        EXECUTE format('DELETE FROM ONLY %s AS a WHERE a.tenant_id = $1 AND a.audit_id = ANY ($2)', part) USING purge_class.tenant, v_ids;
        GET DIAGNOSTICS deleted = ROW_COUNT;
        CALL clinic_private.open_append_only(part, false);
        done := done + deleted;
    END LOOP;
    DELETE FROM clinic_data.audit_read_patients AS r WHERE r.tenant_id = purge_class.tenant AND r.audit_id = ANY (v_ids);
    IF done <> cardinality(v_ids) THEN
        RAISE EXCEPTION 'purged % records instead of %', done, cardinality(v_ids);
    END IF;
    v_record := clinic_private.write_audit('retention', 'purge', 'audit_records', v_purge::text, tenant_id => purge_class.tenant,
        after => jsonb_build_object('class', purge_class.of_class, 'recorded_before', clinic_private.audit_utc(v_before), 'keep_months', v_keep,
                                    'record_count', done, 'leaves_digest', encode(v_digest, 'hex')));
    -- Or it would seem to have been too early: by its own time, or by a period that was set by a clock that stood later.
    IF v_before > (SELECT clinic_private.months_before(a.recorded_at, v_keep) FROM clinic_data.audit_records AS a
                    WHERE a.tenant_id = purge_class.tenant AND a.audit_id = v_record)
       OR EXISTS (SELECT FROM clinic_data.audit_records AS a
                   WHERE a.tenant_id = purge_class.tenant AND a.audit_id > clinic.uuid_floor(clock_timestamp() + interval '10 milliseconds')
                     AND a.class = 'retention' AND a.table_name = 'retention_classes' AND a.row_id = purge_class.of_class) THEN
        RAISE EXCEPTION 'the clock went back before or during a purge';
    END IF;
    RETURN done;
END
$$;
COMMENT ON FUNCTION clinic_private.purge_class(uuid, text, integer) IS
    'Deletes up to so many records of a tenant and class whose time is over, that a signed head has had as long, and that no legal hold keeps; keeps what proves
their class and time, and records that in the audit itself.';
REVOKE ALL ON FUNCTION clinic_private.purge_class FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.purge_class TO clinic_owner;

CREATE FUNCTION clinic_private.purge_audit_job()
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_tenant();
    kind record;
    done bigint := 0;
BEGIN
    FOR kind IN
        SELECT d.class FROM clinic_private.default_retention() AS d
        UNION
        SELECT r.class FROM clinic_data.retention_classes AS r WHERE r.tenant_id = tenant
        ORDER BY 1
    LOOP
        done := done + clinic_private.purge_class(tenant, kind.class, 10000);
    END LOOP;
    RETURN done;
END
$$;
COMMENT ON FUNCTION clinic_private.purge_audit_job() IS 'Job: purges records of the audit whose time is over, up to 10000 of each class.';
REVOKE ALL ON FUNCTION clinic_private.purge_audit_job FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.purge_audit_job TO clinic_owner;

CREATE FUNCTION clinic.purge_audit(class text, most integer DEFAULT 10000)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant uuid := clinic_private.require_permission('audit:retain');
BEGIN
    PERFORM clinic_private.require_permission('audit:read');
    PERFORM clinic_private.require_arguments(jsonb_build_object('class', purge_audit.class, 'most', purge_audit.most));
    IF purge_audit.most NOT BETWEEN 1 AND 1000000 THEN
        PERFORM clinic_private.refuse_argument('most', 'most must be between 1 and 1000000');
    END IF;
    -- What is neither shipped nor declared here may still have records, of a table that another tenant has a period for.
    IF purge_audit.class <> 'retention'
       AND NOT EXISTS (SELECT FROM clinic_data.audit_records AS a WHERE a.tenant_id = tenant AND a.class = purge_audit.class) THEN
        PERFORM clinic_private.require_retention_class(purge_audit.class);
    END IF;
    RETURN clinic_private.purge_class(tenant, purge_audit.class, purge_audit.most);
END
$$;
ALTER FUNCTION clinic.purge_audit OWNER TO clinic_owner;
COMMENT ON FUNCTION clinic.purge_audit(text, integer) IS
    'Deletes records of the tenant''s audit: of one class, that is shipped, that clinic.set_retention has declared or that there are records of, up to most (10000), the oldest first; only those whose time is over (clinic.retention_classes), that have been
sealed as long, with a signature, and that no legal hold keeps. Everything else stays, whoever asks. Returns how many went. Their leaf hashes stay in the seal, and the purge is itself
recorded: until that record is sealed, clinic.verify_audit() says unsealed. Readers and writers of their month wait meanwhile, and so do clinic.set_retention() and
clinic.place_legal_hold(). Needs audit:retain and audit:read. Errors: no_context, forbidden, 22004, 22023; 25001 above READ COMMITTED.';
REVOKE ALL ON FUNCTION clinic.purge_audit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.purge_audit TO clinic_user;
