-- The audit of reads: marking tables, bringing the spool into the audit, and how that stands.

CREATE PROCEDURE clinic_private.ensure_read_audit(target regclass, table_name text, key_column text, patient_column text)
    LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF (SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute a
         WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid = 'uuid'::pg_catalog.regtype
           AND a.attname IN (key_column, patient_column)) < (CASE WHEN patient_column IN ('', key_column) THEN 1 ELSE 2 END) THEN
        RAISE EXCEPTION '% has no columns % and % of type uuid', target, key_column, patient_column;
    END IF;
    CALL clinic_private.ensure_always_trigger(target, 'zz_93_audit_reads', 'AFTER TRUNCATE', 'STATEMENT',
        pg_catalog.format('clinic_private.audit_reads(%L, %L, %L)', table_name, key_column, patient_column),
        'Marks the table: reads of its rows leave records of the audit.');
END
$$;
COMMENT ON PROCEDURE clinic_private.ensure_read_audit(regclass, text, text, text) IS
    'Marks a table of patients'' data. The columns are of type uuid; patient_column may be empty.';
REVOKE ALL ON PROCEDURE clinic_private.ensure_read_audit(regclass, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON PROCEDURE clinic_private.ensure_read_audit(regclass, text, text, text) TO clinic_owner;

-- ---- Tables of your own

CREATE FUNCTION clinic.audit_reads()
    RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'clinic_audit_reads';
COMMENT ON FUNCTION clinic.audit_reads() IS
    'Trigger by which clinic.enable_read_audit marks tables of your own: see there. Not for triggers made by hand.';
REVOKE ALL ON FUNCTION clinic.audit_reads FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.audit_reads TO clinic_admin;

CREATE FUNCTION clinic_private.mark_reads(relation regclass, key_column text, patient_column text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    label text;
    owner oid;
    kind "char";
    key_name text := mark_reads.key_column;
    missing text;
BEGIN
    IF mark_reads.relation IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', COLUMN = 'relation', MESSAGE = 'relation must not be null';
    END IF;
    SELECT n.nspname || '.' || c.relname, c.relowner, c.relkind INTO label, owner, kind
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = mark_reads.relation;
    IF kind IS NULL OR kind NOT IN ('r', 'p') OR label ~ '^(clinic_data|pg_catalog|information_schema)\.' THEN
        RAISE EXCEPTION USING ERRCODE = 'wrong_object_type', MESSAGE = format('%s is no table of your own', mark_reads.relation);
    END IF;
    IF NOT pg_has_role(owner, 'USAGE') THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege', MESSAGE = format('must be owner of %s', mark_reads.relation);
    END IF;
    IF key_name IS NULL THEN
        SELECT min(a.attname) INTO key_name
          FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
         WHERE i.indrelid = mark_reads.relation AND i.indisprimary AND a.attname <> 'tenant_id'
        HAVING count(*) = 1;
        IF key_name IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', COLUMN = 'key_column',
                MESSAGE = format('%s has no key of one column beside the tenant', mark_reads.relation), HINT = 'Name the column that tells rows apart.';
        END IF;
    END IF;
    SELECT string_agg(left(k.name, 63), ', ') INTO missing
      FROM unnest(ARRAY[key_name, mark_reads.patient_column]) AS k (name)
     WHERE k.name IS NOT NULL
       AND NOT EXISTS (SELECT FROM pg_attribute a
                        WHERE a.attrelid = mark_reads.relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attname = k.name AND a.atttypid = 'uuid'::regtype);
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_column', MESSAGE = format('%s has no column %s of type uuid', mark_reads.relation, missing);
    END IF;
    EXECUTE format('CREATE OR REPLACE TRIGGER zz_93_audit_reads AFTER TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION clinic.audit_reads(%L, %L, %L)',
                   mark_reads.relation, label, key_name, coalesce(mark_reads.patient_column, ''));
    EXECUTE format('COMMENT ON TRIGGER zz_93_audit_reads ON %s IS %L', mark_reads.relation,
                   'Made by clinic.enable_read_audit: reads of the rows leave records of the audit.');
END
$$;
COMMENT ON FUNCTION clinic_private.mark_reads(regclass, text, text) IS 'See clinic.enable_read_audit.';
REVOKE ALL ON FUNCTION clinic_private.mark_reads FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.mark_reads TO clinic_admin;

CREATE FUNCTION clinic_private.unmark_reads(relation regclass)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    IF unmark_reads.relation IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', COLUMN = 'relation', MESSAGE = 'relation must not be null';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE c.oid = unmark_reads.relation AND c.relkind IN ('r', 'p') AND n.nspname <> 'clinic_data') THEN
        RAISE EXCEPTION USING ERRCODE = 'wrong_object_type', MESSAGE = format('%s is no table of your own', unmark_reads.relation);
    END IF;
    EXECUTE format('DROP TRIGGER IF EXISTS zz_93_audit_reads ON %s', unmark_reads.relation);
END
$$;
COMMENT ON FUNCTION clinic_private.unmark_reads(regclass) IS 'See clinic.disable_read_audit.';
REVOKE ALL ON FUNCTION clinic_private.unmark_reads FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.unmark_reads TO clinic_admin;

CREATE FUNCTION clinic_private.note_read_audit(relation regclass, enabled boolean)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.write_audit('security', CASE WHEN note_read_audit.enabled THEN 'enable_read_audit' ELSE 'disable_read_audit' END,
                                       note_read_audit.relation::text);
END
$$;
ALTER FUNCTION clinic_private.note_read_audit OWNER TO clinic_owner;
COMMENT ON FUNCTION clinic_private.note_read_audit(regclass, boolean) IS 'Records that the audit of a table''s reads was enabled or disabled.';
REVOKE ALL ON FUNCTION clinic_private.note_read_audit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.note_read_audit TO clinic_admin;

CREATE FUNCTION clinic.enable_read_audit(relation regclass, key_column text DEFAULT NULL, patient_column text DEFAULT NULL)
    RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT clinic_private.mark_reads(enable_read_audit.relation, enable_read_audit.key_column, enable_read_audit.patient_column);
    SELECT clinic_private.note_read_audit(enable_read_audit.relation, true);
END;
COMMENT ON FUNCTION clinic.enable_read_audit(regclass, text, text) IS
    'Lets reads of a table of your own leave records in the audit: which rows left which statement, to whom, when and why.
relation: an ordinary or partitioned table that the caller owns. key_column: tells rows apart, by default the primary key beside tenant_id; patient_column: of whom they
are; both of type uuid. Again, it replaces what it said. For clinic_admin and superusers, with the rights of the caller. Errors: 22004, 42809 (no table of your own),
42501 (not the owner), 42703, 22023.';
REVOKE ALL ON FUNCTION clinic.enable_read_audit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.enable_read_audit TO clinic_admin;

CREATE FUNCTION clinic.disable_read_audit(relation regclass)
    RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT clinic_private.unmark_reads(disable_read_audit.relation);
    SELECT clinic_private.note_read_audit(disable_read_audit.relation, false);
END;
COMMENT ON FUNCTION clinic.disable_read_audit(regclass) IS
    'Takes back what clinic.enable_read_audit said, and records that. For the owner of the table who is a member of clinic_admin, and superusers.
Errors: 42809 for tables of clinic_data, 42501.';
REVOKE ALL ON FUNCTION clinic.disable_read_audit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.disable_read_audit TO clinic_admin;

-- ---- From the spool into the audit

-- Each record once: its bytes and the mark of how far they are read are written by the same transaction. A file goes when all it held was there
-- at the beginning of a run, so committed; a mark goes when its file is gone.
CREATE FUNCTION clinic_private.ingest_reads_job()
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    nobody constant uuid := '00000000-0000-0000-0000-000000000000';
    most constant bigint := 100000;
    file record;
    part record;
    v_mark bigint;
    v_place bigint;
    done bigint := 0;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('pg_clinic: ingest reads', 0)) THEN
        RETURN 0;
    END IF;
    FOR file IN SELECT f.spool FROM clinic_private.spool_files() AS f WHERE f.of_this_database ORDER BY f.spool LOOP
        v_mark := coalesce((SELECT s.ingested_bytes FROM clinic_data.audit_spools AS s WHERE s.tenant_id = nobody AND s.spool = file.spool), 0);
        v_place := v_mark;
        LOOP
            EXIT WHEN done >= most;
            SELECT * INTO part FROM clinic_private.ingest_spool(file.spool, v_place, 1000) AS p;
            EXIT WHEN NOT FOUND;
            v_place := part.ends_at;
            done := done + part.records;
            EXIT WHEN part.state <> 'partly';
        END LOOP;
        EXIT WHEN done >= most AND v_place = v_mark;
        CONTINUE WHEN part IS NULL;
        IF v_place > v_mark THEN
            INSERT INTO clinic_data.audit_spools AS s (tenant_id, spool, ingested_bytes, ingested_at)
            VALUES (nobody, file.spool, v_place, clock_timestamp())
            ON CONFLICT ON CONSTRAINT audit_spools_pkey DO UPDATE
            SET ingested_bytes = excluded.ingested_bytes, ingested_at = excluded.ingested_at;
        ELSIF NOT part.writer_lives AND part.state <> 'partly' THEN
            PERFORM clinic_private.remove_spool(file.spool, part.state = 'damaged');
            IF part.state = 'damaged' THEN
                RAISE WARNING 'file "%" of the spool of reads is damaged behind byte %, and was set aside', file.spool, v_mark
                    USING HINT = 'What it holds of records before is in the audit.';
            END IF;
        END IF;
    END LOOP;
    DELETE FROM clinic_data.audit_spools AS s
    WHERE s.tenant_id = nobody AND NOT EXISTS (SELECT FROM clinic_private.spool_files() AS f WHERE f.spool = s.spool);
    RETURN done;
END
$$;
COMMENT ON FUNCTION clinic_private.ingest_reads_job() IS
    'The job ingest_reads: brings up to 100000 records of the spool of this database into the audit, and removes files that are done. Zero where another session is at it.';
REVOKE ALL ON FUNCTION clinic_private.ingest_reads_job FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.ingest_reads_job TO clinic_owner;

CREATE FUNCTION clinic.ingest_audit()
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    saved constant text := clinic_private.saved_context();
    done bigint;
BEGIN
    PERFORM clinic_private.enter_system('00000000-0000-0000-0000-000000000000');
    done := clinic_private.ingest_reads_job();
    PERFORM clinic_private.restore_context(saved);
    RETURN done;
END
$$;
ALTER FUNCTION clinic.ingest_audit OWNER TO clinic_owner;
COMMENT ON FUNCTION clinic.ingest_audit() IS
    'Brings records of reads from the spool into the audit, of all tenants, and returns how many; at most 100000 at a time. Each comes in exactly once, however often and by
however many this is called, and whatever kills them. The job ingest_reads does the same every minute. For administrators. Errors: 25006, 58030.';
REVOKE ALL ON FUNCTION clinic.ingest_audit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.ingest_audit TO clinic_admin, clinic_system;

CREATE FUNCTION clinic.read_audit_status()
    RETURNS TABLE (files bigint, waiting_bytes bigint, waiting_since timestamptz, lag interval, trouble text)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    nobody constant uuid := '00000000-0000-0000-0000-000000000000';
    saved constant text := clinic_private.saved_context();
BEGIN
    IF to_regclass('clinic_data.audit_spools') IS NULL THEN
        RETURN;
    END IF;
    PERFORM clinic_private.enter_system(nobody);
    SELECT count(*), coalesce(sum(w.waiting), 0), min(w.since) FILTER (WHERE w.waiting > 0)
    INTO files, waiting_bytes, waiting_since
    FROM (SELECT f.bytes - coalesce(s.ingested_bytes, 0) AS waiting, coalesce(s.ingested_at, f.changed_at) AS since
          FROM clinic_private.spool_files() AS f
          LEFT JOIN clinic_data.audit_spools AS s ON s.tenant_id = nobody AND s.spool = f.spool
          WHERE f.of_this_database) AS w;
    PERFORM clinic_private.restore_context(saved);
    lag := coalesce(clock_timestamp() - waiting_since, interval '0');
    trouble := clinic_private.spool_trouble();
    RETURN NEXT;
END
$$;
ALTER FUNCTION clinic.read_audit_status OWNER TO clinic_owner;
COMMENT ON FUNCTION clinic.read_audit_status() IS
    'How the audit of reads stands: files of the spool of this database, bytes that are not in the audit yet, since when at most and how long that is (lag), and what is wrong with
the directory of the spool. No row before clinic.install(). For administrators. Errors: 58030.';
REVOKE ALL ON FUNCTION clinic.read_audit_status FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.read_audit_status TO clinic_admin, clinic_system;

CREATE FUNCTION clinic_private.lint_reads()
    RETURNS TABLE (severity text, rule text, object text, finding text, fix text)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY INVOKER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT 'warning', 'reads_not_ingested', 'pg_clinic_spool', 'Records of reads have been waiting in the spool for longer than 15 minutes.',
           'SELECT clinic.ingest_audit()'
      FROM clinic.read_audit_status() s WHERE s.lag > interval '15 minutes'
    UNION ALL
    SELECT 'error', 'spool_unsafe', 'pg_clinic_spool', 'The directory of the spool is not as it should be: ' || s.trouble || '.',
           'Look at pg_clinic_spool in the data directory'
      FROM clinic.read_audit_status() s WHERE s.trouble IS NOT NULL
    UNION ALL
    SELECT DISTINCT 'warning', 'reads_not_audited', t.tgrelid::regclass::text,
           'Changes of the table''s rows leave records that name a patient, reads of them do not.',
           format('SELECT clinic.enable_read_audit(%L, patient_column => %L)', t.tgrelid::regclass::text, split_part(encode(t.tgargs, 'escape'), '\000', 3))
      FROM pg_trigger t
     WHERE t.tgfoid = 'clinic.audit_change()'::regprocedure AND t.tgparentid = 0
       AND split_part(encode(t.tgargs, 'escape'), '\000', 3) <> ''
       -- Rows are told by one key of type uuid.
       AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.tgrelid AND a.attname = split_part(encode(t.tgargs, 'escape'), '\000', 2)
                                                AND a.atttypid = 'uuid'::regtype)
       AND NOT EXISTS (SELECT FROM pg_trigger m WHERE m.tgrelid = t.tgrelid AND m.tgfoid = 'clinic.audit_reads()'::regprocedure);
END;
COMMENT ON FUNCTION clinic_private.lint_reads() IS
    'Findings about the audit of reads: records that wait, an unsafe spool, tables whose changes are audited and whose reads are not.';
REVOKE ALL ON FUNCTION clinic_private.lint_reads() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.lint_reads() TO clinic_admin;

-- ---- Our own functions. What they read on behalf of their callers is not watched, since they read much that leaves nobody's sight. Those that
-- return rows of patients to who did not write them have their statements watched; test/pgtap/audit_reads.sql knows which functions
-- these are, and what of all others is why not.

ALTER FUNCTION clinic.affected_by_block SET clinic.record_own_reads = on;
ALTER FUNCTION clinic.calendar SET clinic.record_own_reads = on;
ALTER FUNCTION clinic.claim_deliveries SET clinic.record_own_reads = on;
ALTER FUNCTION clinic.claim_due_notifications SET clinic.record_own_reads = on;
ALTER FUNCTION clinic.claim_events SET clinic.record_own_reads = on;
ALTER FUNCTION clinic.claim_messages SET clinic.record_own_reads = on;
ALTER FUNCTION clinic.day_sheet SET clinic.record_own_reads = on;
ALTER FUNCTION clinic.day_sheet_text SET clinic.record_own_reads = on;
ALTER FUNCTION clinic.diary_as_of SET clinic.record_own_reads = on;
ALTER FUNCTION clinic.get_appointment SET clinic.record_own_reads = on;
ALTER FUNCTION clinic.list_appointments SET clinic.record_own_reads = on;
ALTER FUNCTION clinic.list_patients SET clinic.record_own_reads = on;
ALTER FUNCTION clinic.preview_schedule_change SET clinic.record_own_reads = on;
ALTER FUNCTION clinic.reassign_day SET clinic.record_own_reads = on;
ALTER FUNCTION clinic.record_reply SET clinic.record_own_reads = on;
ALTER FUNCTION clinic.running_late SET clinic.record_own_reads = on;
ALTER FUNCTION clinic.time_zone_drift SET clinic.record_own_reads = on;
