-- Sealing the audit: by the job or by hand, heads for whoever keeps them, how far it has come.

-- A head for the world: its text is what is signed, in the form that witnesses of transparency logs take
-- (c2sp.org/tlog-checkpoint, c2sp.org/signed-note).
CREATE FUNCTION clinic_private.head_json(tenant_id uuid, tree_size bigint)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    RETURN (
    SELECT jsonb_build_object(
        'tenant_id', h.tenant_id,
        'head_no', h.head_no,
        'tree_size', h.tree_size,
        'root_hash', encode(h.root_hash, 'hex'),
        'previous_tree_size', h.previous_tree_size,
        'sealed_at', substr(split_part(t.head, E'\n', 4), 11),
        'key_id', h.key_id,
        'public_key', encode(k.public_key, 'hex'),
        'signature', encode(h.signature, 'hex'),
        'checkpoint', t.head || CASE WHEN h.signature IS NULL THEN '' ELSE format(E'\n— %s %s\n', o.origin,
            translate(encode(substr(sha256(convert_to(o.origin, 'UTF8') || '\x0a01' || k.public_key), 1, 4) || h.signature, 'base64'), E'\n', '')) END)
    FROM clinic_data.audit_heads AS h
    LEFT JOIN clinic_data.audit_seal_keys AS k ON k.tenant_id = h.tenant_id AND k.key_id = h.key_id
    CROSS JOIN LATERAL clinic_private.head_text(h.tenant_id, h.tree_size, h.root_hash, h.sealed_at) AS t (head)
    CROSS JOIN LATERAL split_part(t.head, E'\n', 1) AS o (origin)
    WHERE h.tenant_id = head_json.tenant_id AND h.tree_size = head_json.tree_size);
END
$$;
COMMENT ON FUNCTION clinic_private.head_json(uuid, bigint) IS 'A head of a log as clinic.audit_head() shows it; null without it.';
REVOKE ALL ON FUNCTION clinic_private.head_json FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.head_json TO clinic_owner;

CREATE FUNCTION clinic_private.last_tree_size(tenant_id uuid)
    RETURNS bigint
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    RETURN (SELECT max(h.tree_size) FROM clinic_data.audit_heads AS h WHERE h.tenant_id = last_tree_size.tenant_id);
END
$$;
COMMENT ON FUNCTION clinic_private.last_tree_size(uuid) IS 'Size of the latest head of a log; null without one.';
REVOKE ALL ON FUNCTION clinic_private.last_tree_size FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.last_tree_size TO clinic_owner;

CREATE FUNCTION clinic_private.tree_size_at(tenant_id uuid, until timestamptz)
    RETURNS bigint
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    RETURN (SELECT h.tree_size FROM clinic_data.audit_heads AS h
             WHERE h.tenant_id = tree_size_at.tenant_id AND h.signature IS NOT NULL AND h.sealed_at <= tree_size_at.until
             ORDER BY h.tree_size DESC
             LIMIT 1);
END
$$;
COMMENT ON FUNCTION clinic_private.tree_size_at(uuid, timestamptz) IS 'Size of the latest head of a log that is signed and was sealed by then; null without one.';
REVOKE ALL ON FUNCTION clinic_private.tree_size_at FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.tree_size_at TO clinic_owner;

-- Heads that earlier transactions have committed: a head that is written down is never taken back. A crash in between writes them twice.
CREATE FUNCTION clinic_private.export_heads(tenant_id uuid)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    lines text;
    last_no integer;
    problem text;
BEGIN
    IF NOT clinic_private.has_seal_export() THEN
        RETURN;
    END IF;
    SELECT string_agg(clinic_private.head_json(h.tenant_id, h.tree_size)::text || E'\n', '' ORDER BY h.head_no), max(h.head_no)
    INTO lines, last_no
    FROM (SELECT s.tenant_id, s.tree_size, s.head_no
          FROM clinic_data.audit_logs AS g
          JOIN clinic_data.audit_heads AS s ON s.tenant_id = g.tenant_id AND s.head_no > g.exported_head_no
          WHERE g.tenant_id = export_heads.tenant_id
          ORDER BY s.head_no
          LIMIT 10000) AS h;
    IF lines IS NULL THEN
        RETURN;
    END IF;
    problem := clinic_private.append_seal_export(lines);
    IF problem IS NOT NULL THEN
        RAISE WARNING 'heads of the audit were not exported: %', problem USING HINT = 'See the setting clinic.seal_export_file.';
        RETURN;
    END IF;
    UPDATE clinic_data.audit_logs AS g SET exported_head_no = last_no WHERE g.tenant_id = export_heads.tenant_id;
END
$$;
COMMENT ON FUNCTION clinic_private.export_heads(uuid) IS
    'Appends heads of a log that are not in the file of clinic.seal_export_file yet, up to 10000. The caller has the log''s lock, and has not sealed in
this transaction. What goes wrong is a warning: the next call tries again.';
REVOKE ALL ON FUNCTION clinic_private.export_heads FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.export_heads TO clinic_owner;

CREATE FUNCTION clinic_private.seal_tenant(tenant_id uuid, max_records bigint, wait boolean)
    RETURNS TABLE (sealed bigint, tree_size bigint, complete boolean)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 1
    -- The index has the records in the order of the seal, whatever the statistics say.
    SET search_path = pg_catalog, pg_temp SET enable_sort = off
AS $$
#variable_conflict error
DECLARE
    done record;
    head jsonb;
BEGIN
    IF NOT clinic_private.lock_seal(seal_tenant.tenant_id, seal_tenant.wait) THEN
        RETURN QUERY SELECT 0::bigint, clinic_private.last_tree_size(seal_tenant.tenant_id), false;
        RETURN;
    END IF;
    PERFORM clinic_private.export_heads(seal_tenant.tenant_id);
    SELECT s.* INTO done FROM clinic_private.seal_log(seal_tenant.tenant_id, seal_tenant.max_records) AS s;
    IF done.key_problem IS NOT NULL THEN
        RAISE WARNING 'the head of the audit is not signed: %', done.key_problem USING HINT = 'See the setting clinic.seal_key_file.';
    END IF;
    -- A head a minute is worth an event only to who asked for it by name.
    IF done.sealed > 0 THEN
        PERFORM FROM clinic_data.subscriptions AS u
        WHERE u.tenant_id = seal_tenant.tenant_id AND u.status <> 'deleted' AND u.events && '{audit.sealed,audit.*}';
        IF FOUND THEN
            head := clinic_private.head_json(seal_tenant.tenant_id, done.tree_size);
            PERFORM clinic_private.write_event(seal_tenant.tenant_id, 'audit.sealed', seal_tenant.tenant_id, (head ->> 'head_no')::integer,
                head, NULL);
        END IF;
    END IF;
    RETURN QUERY SELECT done.sealed, done.tree_size, done.complete;
END
$$;
COMMENT ON FUNCTION clinic_private.seal_tenant(uuid, bigint, boolean) IS
    'Seals the log of the tenant of the context as clinic_private.seal_log says, tells those who want to know, and exports earlier heads.
wait false: does nothing while somebody else seals it. Errors: those of seal_log.';
REVOKE ALL ON FUNCTION clinic_private.seal_tenant FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.seal_tenant TO clinic_owner;

CREATE FUNCTION clinic_private.seal_audit_job()
    RETURNS bigint
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s.sealed FROM clinic_private.seal_tenant(clinic_private.require_tenant(), 1000000, false) AS s
$$;
COMMENT ON FUNCTION clinic_private.seal_audit_job() IS 'Job: seals the tenant''s audit, looking at up to 1000000 records, and returns how many it sealed.';
REVOKE ALL ON FUNCTION clinic_private.seal_audit_job FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.seal_audit_job TO clinic_owner;

CREATE FUNCTION clinic_private.seal_database_audit_job()
    RETURNS bigint
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s.sealed FROM clinic_private.seal_tenant('00000000-0000-0000-0000-000000000000', 1000000, false) AS s
$$;
COMMENT ON FUNCTION clinic_private.seal_database_audit_job() IS 'Job: seals the audit of what concerns no tenant, as seal_audit does that of tenants.';
REVOKE ALL ON FUNCTION clinic_private.seal_database_audit_job FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.seal_database_audit_job TO clinic_owner;

-- Every log there is: of no tenant, and of each.
CREATE FUNCTION clinic_private.audit_log_ids(tenant_ids uuid[])
    RETURNS SETOF uuid
    LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 10
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT i.id
    FROM (SELECT '00000000-0000-0000-0000-000000000000'::uuid UNION ALL SELECT k.tenant_id FROM clinic_private.known_tenants() AS k) AS i (id)
    WHERE coalesce(i.id = ANY (audit_log_ids.tenant_ids), true)
    ORDER BY i.id
$$;
COMMENT ON FUNCTION clinic_private.audit_log_ids(uuid[]) IS 'The tenants with a log, the nil UUID for what concerns none; of those given, or all.';
REVOKE ALL ON FUNCTION clinic_private.audit_log_ids FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.audit_log_ids TO clinic_owner;

CREATE FUNCTION clinic.seal_audit(max_records bigint DEFAULT 1000000, tenant_ids uuid[] DEFAULT NULL)
    RETURNS TABLE (tenant_id uuid, sealed bigint, tree_size bigint, complete boolean)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    saved constant text := clinic_private.saved_context();
    log uuid;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('max_records', seal_audit.max_records));
    IF seal_audit.max_records < 1 THEN
        PERFORM clinic_private.refuse_argument('max_records', 'max_records must be at least 1');
    END IF;
    FOR log IN SELECT i.id FROM clinic_private.audit_log_ids(seal_audit.tenant_ids) AS i (id) LOOP
        PERFORM clinic_private.enter_system(log);
        RETURN QUERY
        SELECT nullif(log, '00000000-0000-0000-0000-000000000000'), s.sealed, s.tree_size, s.complete
        FROM clinic_private.seal_tenant(log, seal_audit.max_records, true) AS s;
    END LOOP;
    PERFORM clinic_private.restore_context(saved);
END
$$;
ALTER FUNCTION clinic.seal_audit OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.seal_audit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.seal_audit TO clinic_admin, clinic_system;
COMMENT ON FUNCTION clinic.seal_audit IS
    'Seals the audit now, as the job seal_audit does every minute: numbers the records of finished transactions, extends the trees, signs heads.
max_records: how many records of each log are looked at; tenant_ids: of these tenants only. tenant_id null: the log of what concerns no tenant.
sealed: how many records got a position; tree_size: how many have one; complete: none is left that may be sealed. Waits for another sealer.
Errors: 22004, 22023; XX001 for a log that does not fit its last head: nothing is sealed then, and clinic.verify_audit() says what is wrong.';

CREATE FUNCTION clinic.audit_status()
    RETURNS TABLE (
        tenant_id uuid,
        tree_size bigint,
        sealed_at timestamptz,
        signed boolean,
        unsealed bigint,
        unsealed_since timestamptz,
        lag interval,
        waits_for_transaction xid8,
        waits_for_pid integer)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    saved constant text := clinic_private.saved_context();
    oldest constant xid8 := pg_snapshot_xmin(pg_current_snapshot());
    log uuid;
BEGIN
    FOR log IN SELECT i.id FROM clinic_private.audit_log_ids(NULL) AS i (id) LOOP
        PERFORM clinic_private.enter_system(log);
        RETURN QUERY
        SELECT nullif(log, '00000000-0000-0000-0000-000000000000'), coalesce(h.tree_size, 0), h.sealed_at, h.key_id IS NOT NULL, w.unsealed, w.since,
               coalesce(clock_timestamp() - w.since, interval '0'), CASE WHEN w.unsealed > w.may_be_sealed THEN oldest END,
               CASE WHEN w.unsealed > w.may_be_sealed
                    THEN (SELECT l.pid FROM pg_locks AS l
                          WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.granted AND l.transactionid = oldest::xid
                          LIMIT 1) END
        FROM (SELECT count(*) AS unsealed, min(r.recorded_at) AS since, count(*) FILTER (WHERE r.transaction_id < oldest) AS may_be_sealed
              FROM (SELECT coalesce(max(g.after_transaction_id), '0'::xid8) AS after_transaction_id,
                           coalesce(max(g.after_audit_id::text)::uuid, '00000000-0000-0000-0000-000000000000') AS after_audit_id,
                           coalesce(bool_or(g.pass_transaction_id IS NOT NULL OR g.foreign_transaction_id >= g.after_transaction_id), false) AS looks
                    FROM clinic_data.audit_logs AS g WHERE g.tenant_id = log) AS s
              JOIN clinic_data.audit_records AS r ON r.tenant_id = log AND (r.transaction_id, r.audit_id) > (s.after_transaction_id, s.after_audit_id)
              WHERE NOT s.looks OR clinic_private.sealed_position(r.tenant_id, r.transaction_id, r.audit_id) IS NULL) AS w
        LEFT JOIN LATERAL (SELECT t.tree_size, t.sealed_at, t.key_id FROM clinic_data.audit_heads AS t
                           WHERE t.tenant_id = log ORDER BY t.tree_size DESC LIMIT 1) AS h ON true;
    END LOOP;
    PERFORM clinic_private.restore_context(saved);
END
$$;
ALTER FUNCTION clinic.audit_status OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.audit_status FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.audit_status TO clinic_admin;
COMMENT ON FUNCTION clinic.audit_status() IS
    'Shows how far the seal of each log has come, and what holds it up. For administrators. tenant_id null: the log of what concerns no tenant.
tree_size, sealed_at, signed: of the latest head. unsealed: records that have no position yet; unsealed_since: the oldest of them, by the
wall clock; lag: its age. waits_for_transaction: a transaction that was begun before some of them were written and still runs, in whatever
database of the server, so that they cannot be sealed; waits_for_pid: its process; null for a prepared transaction (pg_prepared_xacts).';

CREATE FUNCTION clinic.audit_heads()
    RETURNS TABLE (tenant_id uuid, head jsonb)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    saved constant text := clinic_private.saved_context();
    log uuid;
BEGIN
    FOR log IN SELECT i.id FROM clinic_private.audit_log_ids(NULL) AS i (id) LOOP
        PERFORM clinic_private.enter_system(log);
        RETURN QUERY
        SELECT nullif(log, '00000000-0000-0000-0000-000000000000'), j.head
        FROM clinic_private.head_json(log, clinic_private.last_tree_size(log)) AS j (head)
        WHERE j.head IS NOT NULL;
    END LOOP;
    PERFORM clinic_private.restore_context(saved);
END
$$;
ALTER FUNCTION clinic.audit_heads OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.audit_heads FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.audit_heads TO clinic_admin;
COMMENT ON FUNCTION clinic.audit_heads() IS
    'The latest head of each log, for keeping them elsewhere; form as of clinic.audit_head(). For administrators. tenant_id null: the log of what concerns no tenant.';

CREATE FUNCTION clinic_private.lint_seal()
    RETURNS TABLE (severity text, rule text, object text, finding text, fix text)
    LANGUAGE sql STABLE PARALLEL RESTRICTED SECURITY INVOKER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN k.problem = 'clinic.seal_key_file is not set' THEN 'warning' ELSE 'error' END, 'setting_seal_key', 'clinic.seal_key_file',
           format('Heads of the audit are not signed, so that who keeps one cannot tell whether it came from here, and nothing sealed now can be purged later: %s.',
                  k.problem),
           'ALTER SYSTEM SET clinic.seal_key_file = ''/path/to/seal.pem'''
      FROM clinic_private.seal_key_problem() AS k (problem)
     WHERE k.problem IS NOT NULL;
END;
COMMENT ON FUNCTION clinic_private.lint_seal() IS 'Findings about the signing of the audit''s heads.';
REVOKE ALL ON FUNCTION clinic_private.lint_seal() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.lint_seal() TO clinic_admin;
