-- Proofs about the sealed audit, which tools/verify_audit.py checks without the database; and verifying all of it inside.

CREATE FUNCTION clinic_private.audit_utc(instant timestamptz)
    RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN to_char(audit_utc.instant AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
COMMENT ON FUNCTION clinic_private.audit_utc(timestamptz) IS 'An instant in UTC with microseconds.';
REVOKE ALL ON FUNCTION clinic_private.audit_utc FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.audit_utc TO clinic_owner;

CREATE FUNCTION clinic.audit_head(tree_size bigint DEFAULT NULL)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant constant uuid := clinic_private.require_permission('audit:read');
BEGIN
    RETURN clinic_private.head_json(tenant, coalesce(audit_head.tree_size, clinic_private.last_tree_size(tenant)));
END
$$;
ALTER FUNCTION clinic.audit_head OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.audit_head FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.audit_head TO clinic_user;
COMMENT ON FUNCTION clinic.audit_head(bigint) IS
    'The latest head of the tenant''s sealed audit, or that of tree_size records; null when there is none. Keep it where whoever runs the database cannot
change it: clinic.verify_audit(head) and tools/verify_audit.py hold the database against it. Needs audit:read.
tenant_id, head_no, tree_size; root_hash: of the tree of RFC 6962; sealed_at: by the server''s wall clock; key_id, public_key, signature: of Ed25519, in
hexadecimal digits, null when no key is set up; checkpoint: the signed text, as a signed note for witnesses of transparency logs.
Errors: no_context, forbidden.';

CREATE FUNCTION clinic_private.require_record(tenant_id uuid, audit_id uuid)
    RETURNS xid8
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    v_transaction_id xid8;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('audit_id', require_record.audit_id));
    SELECT r.transaction_id INTO v_transaction_id
    FROM clinic_data.audit_records AS r
    WHERE r.tenant_id = require_record.tenant_id AND r.audit_id = require_record.audit_id;
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_error('not_found', format('audit record "%s" does not exist', require_record.audit_id),
            jsonb_build_object('audit_id', require_record.audit_id));
    END IF;
    RETURN v_transaction_id;
END
$$;
COMMENT ON FUNCTION clinic_private.require_record(uuid, uuid) IS 'The transaction of an audit record. Errors: 22004, not_found.';
REVOKE ALL ON FUNCTION clinic_private.require_record FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.require_record TO clinic_owner;

-- The columns of the canonical form as JSON texts, so that nobody has to guess how a number or an instant was meant.
CREATE FUNCTION clinic_private.audit_record_json(tenant_id uuid, audit_id uuid)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    RETURN (
    SELECT jsonb_build_object(
        'tenant_id', r.tenant_id, 'audit_id', r.audit_id, 'transaction_id', r.transaction_id::text,
        'recorded_at', clinic_private.audit_utc(r.recorded_at), 'class', r.class, 'action', r.action, 'table_name', r.table_name,
        'row_id', r.row_id, 'patient_id', r.patient_id, 'user_id', r.user_id, 'actor', r.actor, 'login', r.login, 'session_id', r.session_id,
        'purpose', r.purpose, 'reason', r.reason, 'request_id', r.request_id, 'client_address', r.client_address, 'peer_address', r.peer_address,
        'user_agent', r.user_agent, 'application_name', r.application_name, 'before', r.before::text, 'after', r.after::text,
        'row_ids', to_jsonb(r.row_ids), 'row_count', r.row_count::text, 'statement_id', r.statement_id::text, 'salt', encode(r.salt, 'hex'))
    FROM clinic_data.audit_records AS r
    WHERE r.tenant_id = audit_record_json.tenant_id AND r.audit_id = audit_record_json.audit_id);
END
$$;
COMMENT ON FUNCTION clinic_private.audit_record_json(uuid, uuid) IS
    'An audit record for the recomputation of its leaf: numbers, instants (UTC, microseconds) and the text forms of before and after as texts.';
REVOKE ALL ON FUNCTION clinic_private.audit_record_json FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.audit_record_json TO clinic_owner;

CREATE FUNCTION clinic_private.refuse_unsealed(audit_id uuid)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    PERFORM clinic_private.raise_error('too_early', format('audit record "%s" is not sealed yet', refuse_unsealed.audit_id),
        jsonb_build_object('audit_id', refuse_unsealed.audit_id), 'The job seal_audit seals it when its transaction and all before it are over.');
END
$$;
COMMENT ON FUNCTION clinic_private.refuse_unsealed(uuid) IS 'Says that a proof of that record has to wait. Errors: too_early.';
REVOKE ALL ON FUNCTION clinic_private.refuse_unsealed FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.refuse_unsealed TO clinic_owner;

CREATE FUNCTION clinic.audit_inclusion_proof(audit_id uuid, tree_size bigint DEFAULT NULL)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant constant uuid := clinic_private.require_permission('audit:read');
    v_transaction_id constant xid8 := clinic_private.require_record(tenant, audit_inclusion_proof.audit_id);
    v_size constant bigint := coalesce(audit_inclusion_proof.tree_size, clinic_private.last_tree_size(tenant));
    v_position constant bigint := clinic_private.sealed_position(tenant, v_transaction_id, audit_inclusion_proof.audit_id);
    head constant jsonb := clinic_private.head_json(tenant, v_size);
BEGIN
    IF v_position IS NULL THEN
        PERFORM clinic_private.refuse_unsealed(audit_inclusion_proof.audit_id);
    END IF;
    IF head IS NULL OR v_position >= v_size THEN
        PERFORM clinic_private.refuse_argument('tree_size', 'there is no head of that size with this record',
            format('The record has position %s.', v_position));
    END IF;
    RETURN jsonb_build_object(
        'kind', 'inclusion', 'position', v_position, 'record', clinic_private.audit_record_json(tenant, audit_inclusion_proof.audit_id),
        'path', clinic_private.audit_path(tenant, v_position, v_size), 'head', head);
END
$$;
ALTER FUNCTION clinic.audit_inclusion_proof OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.audit_inclusion_proof FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.audit_inclusion_proof TO clinic_user;
COMMENT ON FUNCTION clinic.audit_inclusion_proof(uuid, bigint) IS
    'Proves that a record of the audit is in the sealed log: the record, its position, its audit path and a head, which tools/verify_audit.py checks
without the database. tree_size: of the head to prove it for; by default the latest. The record is shown as it is kept. Needs audit:read.
Errors: no_context, forbidden, not_found, too_early for a record that is not sealed yet, 22004, 22023.';

CREATE FUNCTION clinic.audit_consistency_proof(from_size bigint, to_size bigint DEFAULT NULL)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant constant uuid := clinic_private.require_permission('audit:read');
    v_to constant bigint := coalesce(audit_consistency_proof.to_size, clinic_private.last_tree_size(tenant));
    to_head constant jsonb := clinic_private.head_json(tenant, v_to);
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('from_size', audit_consistency_proof.from_size));
    IF to_head IS NULL THEN
        PERFORM clinic_private.raise_error('not_found', 'there is no head of that size', jsonb_build_object('tree_size', v_to),
            'clinic.audit_head() shows the latest.');
    END IF;
    IF audit_consistency_proof.from_size NOT BETWEEN 1 AND v_to THEN
        PERFORM clinic_private.refuse_argument('from_size', 'from_size must lie between 1 and to_size');
    END IF;
    RETURN jsonb_build_object(
        'kind', 'consistency', 'from_size', audit_consistency_proof.from_size,
        'path', (SELECT coalesce(jsonb_agg(encode(p.hash, 'hex') ORDER BY p.place), '[]')
                 FROM unnest(clinic_private.consistency_path(tenant, audit_consistency_proof.from_size, v_to)) WITH ORDINALITY AS p (hash, place)),
        'head', to_head);
END
$$;
ALTER FUNCTION clinic.audit_consistency_proof OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.audit_consistency_proof FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.audit_consistency_proof TO clinic_user;
COMMENT ON FUNCTION clinic.audit_consistency_proof(bigint, bigint) IS
    'Proves that the sealed log of from_size records only grew until it had to_size, by default all: tools/verify_audit.py checks it against the earlier
head, which was kept elsewhere. Needs audit:read. Errors: no_context, forbidden, not_found without a head of to_size, 22004, 22023.';

CREATE FUNCTION clinic_private.audit_path(tenant_id uuid, audit_position bigint, tree_size bigint)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    RETURN (SELECT coalesce(jsonb_agg(encode(p.hash, 'hex') ORDER BY p.place), '[]')
              FROM unnest(clinic_private.inclusion_path(audit_path.tenant_id, audit_path.audit_position, audit_path.tree_size))
                   WITH ORDINALITY AS p (hash, place));
END
$$;
COMMENT ON FUNCTION clinic_private.audit_path(uuid, bigint, bigint) IS 'The audit path of a position as a JSON array, in hexadecimal digits. Errors: those of inclusion_path.';
REVOKE ALL ON FUNCTION clinic_private.audit_path FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.audit_path TO clinic_owner;

CREATE FUNCTION clinic.audit_purge_proof(audit_id uuid)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant constant uuid := clinic_private.require_permission('audit:read');
    v_transaction_id constant xid8 := clinic_private.require_record(tenant, audit_purge_proof.audit_id);
    v_position constant bigint := clinic_private.sealed_position(tenant, v_transaction_id, audit_purge_proof.audit_id);
    v_size bigint;
    v_aged_size bigint;
    purge record;
    period record;
BEGIN
    SELECT p.purge_id, p.class, r.recorded_at, clinic_private.months_before(r.recorded_at, p.keep_months) AS recorded_before INTO purge
    FROM clinic_data.audit_records AS r
    JOIN clinic_data.audit_purges AS p ON p.tenant_id = r.tenant_id AND p.purge_id::text = r.row_id
    WHERE r.tenant_id = tenant AND r.audit_id = audit_purge_proof.audit_id AND r.class = 'retention' AND r.action = 'purge';
    IF NOT FOUND THEN
        PERFORM clinic_private.raise_error('not_found', format('audit record "%s" tells of no purge', audit_purge_proof.audit_id),
            jsonb_build_object('audit_id', audit_purge_proof.audit_id));
    END IF;
    SELECT min(h.tree_size) INTO v_size FROM clinic_data.audit_heads AS h WHERE h.tenant_id = tenant AND h.tree_size > v_position;
    IF v_size IS NULL THEN
        PERFORM clinic_private.refuse_unsealed(audit_purge_proof.audit_id);
    END IF;
    v_aged_size := clinic_private.tree_size_at(tenant, purge.recorded_before);
    SELECT r.audit_id, s.place INTO period
    FROM clinic_data.audit_records AS r
    CROSS JOIN LATERAL clinic_private.sealed_position(r.tenant_id, r.transaction_id, r.audit_id) AS s (place)
    WHERE r.tenant_id = tenant AND r.class = 'retention' AND r.table_name = 'retention_classes' AND r.row_id = purge.class
      AND (r.action = 'delete' OR r.after ? 'keep_months') AND s.place < v_size
      AND (r.recorded_at <= purge.recorded_at OR (s.place < v_position AND r.recorded_at > purge.recorded_at + interval '1 day'))
    ORDER BY r.recorded_at DESC, r.transaction_id DESC, r.audit_id DESC
    LIMIT 1;
    RETURN jsonb_build_object(
        'kind', 'purge', 'position', v_position, 'record', clinic_private.audit_record_json(tenant, audit_purge_proof.audit_id),
        'path', clinic_private.audit_path(tenant, v_position, v_size), 'head', clinic_private.head_json(tenant, v_size),
        'period', CASE WHEN period.audit_id IS NOT NULL
                       THEN jsonb_build_object('position', period.place, 'record', clinic_private.audit_record_json(tenant, period.audit_id),
                                               'path', clinic_private.audit_path(tenant, period.place, v_size)) END,
        'aged_head', clinic_private.head_json(tenant, v_aged_size),
        'consistency', (SELECT coalesce(jsonb_agg(encode(p.hash, 'hex') ORDER BY p.place), '[]')
                        FROM unnest(clinic_private.consistency_path(tenant, v_aged_size, v_size)) WITH ORDINALITY AS p (hash, place)),
        'purged', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                              'position', s.place, 'audit_id', g.audit_id, 'transaction_id', g.transaction_id::text,
                              'recorded_at', clinic_private.audit_utc(g.recorded_at), 'class', g.class, 'content_digest', encode(g.content_digest, 'hex'),
                              'path', clinic_private.audit_path(tenant, s.place, v_aged_size)) ORDER BY s.place), '[]')
                   FROM clinic_data.purged_audit_records AS g
                   CROSS JOIN LATERAL clinic_private.sealed_position(g.tenant_id, g.transaction_id, g.audit_id) AS s (place)
                   WHERE g.tenant_id = tenant AND g.purge_id = purge.purge_id));
END
$$;
ALTER FUNCTION clinic.audit_purge_proof OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.audit_purge_proof FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.audit_purge_proof TO clinic_user;
COMMENT ON FUNCTION clinic.audit_purge_proof(uuid) IS
    'Proves that a purge of the audit took what it tells of, and that its time had come, which tools/verify_audit.py checks without the database. audit_id: of the
record of the purge (action purge). Shows that record, the first head with it, the record that set the period, if any did, what is left of the records that
went, and a signed head that had them so long ago (aged_head). Needs audit:read. Errors: no_context, forbidden, not_found, too_early for a purge that is not sealed
yet, 22004.';

-- Heads given: one, or an array of them.
CREATE FUNCTION clinic_private.given_heads(tenant_id uuid, heads jsonb)
    RETURNS TABLE (tree_size bigint, root_hash bytea, sealed_at timestamptz, problem text)
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    head jsonb;
BEGIN
    FOR head IN
        SELECT e.value FROM jsonb_array_elements(CASE jsonb_typeof(given_heads.heads) WHEN 'array' THEN given_heads.heads
                                                      ELSE jsonb_build_array(given_heads.heads) END) AS e (value)
    LOOP
        IF jsonb_typeof(head) <> 'object' OR coalesce(head ->> 'tree_size', '') !~ '^[0-9]{1,18}$'
           OR coalesce(head ->> 'root_hash', '') !~ '^[0-9a-f]{64}$'
           OR head ->> 'sealed_at' !~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$' THEN
            PERFORM clinic_private.refuse_argument('heads', 'heads must be heads as clinic.audit_head() shows them, or an array of those');
        END IF;
        -- A file of heads has those of every log.
        CONTINUE WHEN head ->> 'tenant_id' IS DISTINCT FROM given_heads.tenant_id::text;
        tree_size := (head ->> 'tree_size')::bigint;
        root_hash := decode(head ->> 'root_hash', 'hex');
        sealed_at := coalesce((head ->> 'sealed_at')::timestamptz, 'infinity');
        problem := NULL;
        IF head ->> 'signature' IS NOT NULL THEN
            IF coalesce(head ->> 'signature', '') !~ '^[0-9a-f]{128}$' OR coalesce(head ->> 'public_key', '') !~ '^[0-9a-f]{64}$'
               OR head ->> 'sealed_at' IS NULL
               OR NOT clinic_private.seal_verifies(decode(head ->> 'public_key', 'hex'),
                      clinic_private.head_text(given_heads.tenant_id, tree_size, root_hash, sealed_at),
                      decode(head ->> 'signature', 'hex')) THEN
                problem := 'the head given is not signed by the key it names';
            ELSIF NOT EXISTS (SELECT FROM clinic_data.audit_seal_keys AS k
                              WHERE k.tenant_id = given_heads.tenant_id AND k.public_key = decode(head ->> 'public_key', 'hex')) THEN
                problem := 'the head given is signed by a key that this database has never used';
            END IF;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clinic_private.given_heads(uuid, jsonb) IS
    'Reads heads of a log that were kept elsewhere; those of other logs are left out. sealed_at: infinity for one that does
not say. problem: what is wrong with the signature. Errors: 22008, 22023.';
REVOKE ALL ON FUNCTION clinic_private.given_heads FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.given_heads TO clinic_owner;

CREATE FUNCTION clinic_private.verify_tenant_audit(tenant_id uuid, heads jsonb, max_lag interval)
    RETURNS TABLE (intact boolean, problem text, first_position bigint, until_position bigint, audit_id uuid, detail text, tree_size bigint,
                   records bigint, purged bigint, unsealed bigint, unsealed_since timestamptz, unsigned_heads bigint)
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 1
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    v record;
    given record;
BEGIN
    SELECT coalesce(array_agg(g.tree_size ORDER BY g.tree_size), '{}') AS sizes, coalesce(array_agg(g.root_hash ORDER BY g.tree_size), '{}') AS roots,
           coalesce(array_agg(g.sealed_at ORDER BY g.tree_size), '{}') AS times,
           min(g.tree_size) FILTER (WHERE g.problem IS NOT NULL) AS bad_size, (array_agg(g.problem ORDER BY g.tree_size) FILTER (WHERE g.problem IS NOT NULL))[1] AS problem
    INTO given
    FROM clinic_private.given_heads(verify_tenant_audit.tenant_id, verify_tenant_audit.heads) AS g
    WHERE verify_tenant_audit.heads IS NOT NULL;
    SELECT l.* INTO v FROM clinic_private.verify_log(verify_tenant_audit.tenant_id, given.sizes, given.roots, given.times) AS l;
    IF v.problem IS NULL AND given.problem IS NOT NULL THEN
        v.problem := 'bad_signature';
        v.detail := given.problem;
        v.until_position := given.bad_size;
    ELSIF v.problem IS NULL AND v.unsealed_since < clock_timestamp() - verify_tenant_audit.max_lag THEN
        v.problem := 'unsealed';
        v.detail := 'records wait for their seal longer than they should';
    END IF;
    RETURN QUERY SELECT v.problem IS NULL, v.problem, v.first_position, v.until_position, v.audit_id, v.detail, v.tree_size, v.records, v.purged,
                        v.unsealed, v.unsealed_since, v.unsigned_heads;
END
$$;
COMMENT ON FUNCTION clinic_private.verify_tenant_audit(uuid, jsonb, interval) IS 'Verifies the log of the tenant of the context, as clinic.verify_audit says.';
REVOKE ALL ON FUNCTION clinic_private.verify_tenant_audit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.verify_tenant_audit TO clinic_owner;

CREATE FUNCTION clinic.verify_audit(heads jsonb DEFAULT NULL, max_lag interval DEFAULT '1 hour')
    RETURNS TABLE (intact boolean, problem text, first_position bigint, until_position bigint, audit_id uuid, detail text, tree_size bigint,
                   records bigint, purged bigint, unsealed bigint, unsealed_since timestamptz, unsigned_heads bigint)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER ROWS 1
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant constant uuid := clinic_private.require_permission('audit:read');
    saved constant text := clinic_private.saved_context();
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('max_lag', verify_audit.max_lag));
    -- As the engine: what the caller may not see of the trail has its place in the tree too.
    PERFORM clinic_private.enter_system(tenant);
    RETURN QUERY SELECT v.* FROM clinic_private.verify_tenant_audit(tenant, verify_audit.heads, verify_audit.max_lag) AS v;
    PERFORM clinic_private.restore_context(saved);
END
$$;
ALTER FUNCTION clinic.verify_audit OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.verify_audit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.verify_audit TO clinic_user;
COMMENT ON FUNCTION clinic.verify_audit(jsonb, interval) IS
    'Verifies the tenant''s sealed audit: every record against the leaf that was sealed, the tree against every head, the heads'' signatures; and all of
it against heads that were kept elsewhere (heads: one of clinic.audit_head(), or an array; those of other tenants are left out). Needs audit:read.
intact: nothing is wrong. Else problem names the first thing that is, in the positions from first_position up to, but not including, until_position,
where that can be told, and audit_id the record: changed, missing, inserted, swapped, truncated (the log ends before a head), rewritten (the tree
has not the root of a head), bad_signature, backdated (a head is dated before a smaller one), or unsealed (records older than max_lag wait for their
seal, or that of a purge does, whatever its age; clinic.audit_status() says why).
tree_size: positions read; records: found for them; purged: deleted by retention: of a class and age that what is left of them proves, and sealed long
enough ago by heads that are signed, or given and say sealed_at; unsealed, unsealed_since:
records without a position yet; unsigned_heads: heads without a signature. Reads the whole log.
Errors: no_context, forbidden, 22004, 22023 for what is no head.';

CREATE FUNCTION clinic.verify_audits(heads jsonb DEFAULT NULL, max_lag interval DEFAULT '1 hour')
    RETURNS TABLE (tenant_id uuid, intact boolean, problem text, first_position bigint, until_position bigint, audit_id uuid, detail text,
                   tree_size bigint, records bigint, purged bigint, unsealed bigint, unsealed_since timestamptz, unsigned_heads bigint)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    saved constant text := clinic_private.saved_context();
    log uuid;
BEGIN
    PERFORM clinic_private.require_arguments(jsonb_build_object('max_lag', verify_audits.max_lag));
    FOR log IN
        SELECT i.id FROM clinic_private.audit_log_ids(NULL) AS i (id)
        UNION
        -- A log that is told of, and is not there any more.
        SELECT (e.value ->> 'tenant_id')::uuid
        FROM jsonb_array_elements(CASE jsonb_typeof(verify_audits.heads) WHEN 'array' THEN verify_audits.heads ELSE jsonb_build_array(verify_audits.heads) END) AS e (value)
        WHERE e.value ->> 'tenant_id' ~ '^[0-9a-f-]{36}$' AND EXISTS (SELECT FROM clinic_private.audit_log_ids(ARRAY[(e.value ->> 'tenant_id')::uuid]))
        ORDER BY 1
    LOOP
        PERFORM clinic_private.enter_system(log);
        RETURN QUERY
        SELECT nullif(log, '00000000-0000-0000-0000-000000000000'), v.*
        FROM clinic_private.verify_tenant_audit(log, verify_audits.heads, verify_audits.max_lag) AS v;
    END LOOP;
    PERFORM clinic_private.restore_context(saved);
END
$$;
ALTER FUNCTION clinic.verify_audits OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.verify_audits FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.verify_audits TO clinic_admin;
COMMENT ON FUNCTION clinic.verify_audits(jsonb, interval) IS
    'Verifies the sealed audit of every tenant, and that of what concerns none (tenant_id null), as clinic.verify_audit() does that of one.
For administrators. heads: as clinic.audit_heads() or the file of clinic.seal_export_file has them. Errors: 22004, 22023.';

-- ---------------------------------------------------------------------------------------------------------------------
-- For retention

CREATE FUNCTION clinic_private.is_sealed(tenant_id uuid, audit_id uuid)
    RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    RETURN (
    SELECT coalesce((SELECT clinic_private.sealed_position(r.tenant_id, r.transaction_id, r.audit_id) IS NOT NULL
                     FROM clinic_data.audit_records AS r
                     WHERE r.tenant_id = is_sealed.tenant_id AND r.audit_id = is_sealed.audit_id), false));
END
$$;
COMMENT ON FUNCTION clinic_private.is_sealed(uuid, uuid) IS 'Whether a record that is there has a position in the sealed log of the tenant of the context.';
REVOKE ALL ON FUNCTION clinic_private.is_sealed FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.is_sealed TO clinic_owner;
