-- Rotation of keys. The master key wraps tenants' keys, and seals the secrets that the engine itself works with: rotating it wraps all of them anew, at once. A tenant's field key wraps patients' keys and
-- encrypts the tenant's own fields: it is replaced in batches by the job rotate_keys, while everything stays readable, and destroyed
-- when nothing in sight of anybody needs it any more.

CREATE FUNCTION clinic_private.kept_anew(kept text, place text)
    RETURNS text
    LANGUAGE sql VOLATILE STRICT PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
RETURN clinic_private.keep_secret(clinic_private.open_kept_secret(kept_anew.kept, kept_anew.place), kept_anew.place);
COMMENT ON FUNCTION clinic_private.kept_anew(text, text) IS
    'A kept secret of the engine''s own, sealed by the current master key. Errors: key_unavailable, decryption_failed.';
REVOKE ALL ON FUNCTION clinic_private.kept_anew FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.kept_anew TO clinic_owner;

-- The secrets that tables keep as clinic_private.keep_secret makes them. A new kind of them is a row here.
CREATE FUNCTION clinic_private.kept_secret_columns()
    RETURNS TABLE (kind text, table_name text, column_name text, place text, row_id text, of_tenant boolean, condition text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 8
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT c.kind, c.table_name, c.column_name, format('clinic_private.secret_place(%L, (%s)::text, %L)', c.table_name, c.key, c.bound_column),
           c.row_id, c.of_tenant, c.condition
    FROM (VALUES
        ('message', 'outbox', 'destination', 't.message_id', 'destination', 't.message_id', true, 't.status = ''waiting'''),
        ('message', 'outbox', 'payload', 't.message_id', 'payload', 't.message_id', true, 't.status = ''waiting'''),
        ('identifier', 'user_identifiers', 'value', 'encode(t.identifier_hash, ''hex'')', 'value', 't.user_id', true, 'true'),
        ('identifier_secret', 'identifier_secrets', 'secret', 't.tenant_id', 'secret', 't.tenant_id', true, 'true'),
        ('webhook_secret', 'subscriptions', 'secret', 't.subscription_id', 'secret', 't.subscription_id', true, 't.status <> ''deleted'''),
        ('webhook_secret', 'subscriptions', 'previous_secret', 't.subscription_id', 'secret', 't.subscription_id', true, 't.status <> ''deleted'''),
        ('token_key', 'token_keys', 'verify_key', 't.kid', 'verify_key', 't.kid', false, 't.algorithm = ''HS256'''),
        ('token_key', 'token_keys', 'signing_key', 't.kid', 'signing_key', 't.kid', false, 'true')
    ) AS c (kind, table_name, column_name, key, bound_column, row_id, of_tenant, condition);
END;
COMMENT ON FUNCTION clinic_private.kept_secret_columns() IS
    'Where secrets are kept: kind, as clinic.encryption_status() calls it; table and column in clinic_data; SQL over a row t: place, what the secret is bound to, row_id, what
names the row in reports, condition, which rows count; of_tenant: whether the rows belong to tenants.';
REVOKE ALL ON FUNCTION clinic_private.kept_secret_columns FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.kept_secret_columns TO clinic_owner;

CREATE FUNCTION clinic_private.kept_secrets(tenant_id uuid)
    RETURNS TABLE (kind text, table_name text, column_name text, row_id text, place text, kept text, created_at timestamptz)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
BEGIN
    RETURN QUERY EXECUTE (
        SELECT string_agg(format('SELECT %L::text, %L::text, %L::text, (%s)::text, %s, t.%I, t.created_at FROM clinic_data.%I AS t WHERE t.%I IS NOT NULL AND %s%s',
                                 c.kind, c.table_name, c.column_name, c.row_id, c.place, c.column_name, c.table_name, c.column_name, c.condition,
                                 CASE WHEN c.of_tenant THEN ' AND t.tenant_id = $1' END), ' UNION ALL ')
        FROM clinic_private.kept_secret_columns() AS c
        WHERE c.of_tenant = (kept_secrets.tenant_id IS NOT NULL))
    USING kept_secrets.tenant_id;
END
$$;
COMMENT ON FUNCTION clinic_private.kept_secrets(uuid) IS
    'The secrets kept for a tenant, whose context is that of the system, or (null) for the whole database: as clinic_private.kept_secret_columns() says, and as they are kept.';
REVOKE ALL ON FUNCTION clinic_private.kept_secrets FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.kept_secrets TO clinic_owner;

CREATE FUNCTION clinic_private.keep_secrets_anew(tenant_id uuid, master_key_id text, OUT changed integer, OUT unreadable text[])
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict error
DECLARE
    target record;
    number integer;
BEGIN
    changed := 0;
    FOR target IN
        SELECT c.* FROM clinic_private.kept_secret_columns() AS c WHERE c.of_tenant = (keep_secrets_anew.tenant_id IS NOT NULL)
    LOOP
        EXECUTE format('UPDATE clinic_data.%1$I AS t SET %2$I = clinic_private.kept_anew(t.%2$I, %3$s)
                        WHERE t.%2$I IS NOT NULL AND %4$s AND clinic_private.master_key_of(t.%2$I) IS DISTINCT FROM $2
                          AND clinic_private.opened_kept_secret(t.%2$I, %3$s) IS NOT NULL%5$s',
                       target.table_name, target.column_name, target.place, target.condition,
                       CASE WHEN target.of_tenant THEN ' AND t.tenant_id = $1' END)
            USING keep_secrets_anew.tenant_id, keep_secrets_anew.master_key_id;
        GET DIAGNOSTICS number = ROW_COUNT;
        changed := changed + number;
    END LOOP;
    unreadable := ARRAY(
        SELECT concat_ws(' ', s.table_name || '.' || s.column_name, s.row_id)
        FROM clinic_private.kept_secrets(keep_secrets_anew.tenant_id) AS s
        WHERE clinic_private.master_key_of(s.kept) IS DISTINCT FROM keep_secrets_anew.master_key_id
          AND clinic_private.opened_kept_secret(s.kept, s.place) IS NULL
        ORDER BY 1);
END
$$;
COMMENT ON FUNCTION clinic_private.keep_secrets_anew(uuid, text) IS
    'Seals the secrets kept for a tenant, whose context is that of the system, or (null) for the whole database, by the current master key, which has that id. Returns how many it
changed, and table, column and row of those that do not open, which stay as they are. Errors: key_unavailable.';
REVOKE ALL ON FUNCTION clinic_private.keep_secrets_anew FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.keep_secrets_anew TO clinic_owner;

CREATE FUNCTION clinic.rotate_master_key()
    RETURNS TABLE (wrapped integer, unreadable integer, complete boolean)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 1 SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    saved constant text := clinic_private.saved_context();
    master constant text := clinic_private.current_master_key();
    tenant record;
    secrets record;
    changed integer;
    left_over text[] := '{}';
BEGIN
    rotate_master_key.wrapped := 0;
    FOR tenant IN SELECT k.tenant_id FROM clinic_private.known_tenants() AS k ORDER BY k.tenant_id LOOP
        PERFORM clinic_private.enter_system(tenant.tenant_id);
        UPDATE clinic_data.encryption_keys AS k
        SET wrapped = clinic_private.rewrap_tenant_key(k.tenant_id, k.kind, k.key_no, k.master_key_id, k.wrapped),
            master_key_id = master
        WHERE k.tenant_id = tenant.tenant_id AND k.status <> 'destroyed' AND k.master_key_id <> master
          AND clinic_private.is_wrapped_tenant_key(k.tenant_id, k.kind, k.key_no, k.master_key_id, k.wrapped);
        GET DIAGNOSTICS changed = ROW_COUNT;
        SELECT * INTO secrets FROM clinic_private.keep_secrets_anew(tenant.tenant_id, master);
        rotate_master_key.wrapped := rotate_master_key.wrapped + changed + secrets.changed;
        left_over := left_over || secrets.unreadable || ARRAY(
            SELECT format('encryption_keys %s %s %s', k.tenant_id, k.kind, k.key_no)
            FROM clinic_data.encryption_keys AS k
            WHERE k.tenant_id = tenant.tenant_id AND k.status <> 'destroyed' AND k.master_key_id <> master
              AND NOT clinic_private.is_wrapped_tenant_key(k.tenant_id, k.kind, k.key_no, k.master_key_id, k.wrapped)
            ORDER BY k.kind, k.key_no);
    END LOOP;
    PERFORM clinic_private.restore_context(saved);
    SELECT * INTO secrets FROM clinic_private.keep_secrets_anew(NULL, master);
    rotate_master_key.wrapped := rotate_master_key.wrapped + secrets.changed;
    left_over := left_over || secrets.unreadable;
    rotate_master_key.unreadable := cardinality(left_over);
    rotate_master_key.complete := left_over = '{}';
    IF NOT rotate_master_key.complete THEN
        RAISE WARNING '% keys and secrets do not open, and were left as they are', rotate_master_key.unreadable
            USING DETAIL = array_to_string(left_over[:20], ', ') || CASE WHEN cardinality(left_over) > 20 THEN ', ...' ELSE '.' END,
                  HINT = 'If the file holds another key under an id than before, put the right one there and call this again; what is damaged is to be made anew.';
    END IF;
    RETURN NEXT;
END
$$;
ALTER FUNCTION clinic.rotate_master_key OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.rotate_master_key() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.rotate_master_key() TO clinic_admin;
COMMENT ON FUNCTION clinic.rotate_master_key() IS
    'Wraps the keys of all tenants by the current master key, the first one of the file or command, and seals by it what the engine itself keeps: private keys and secrets of tokens
and webhooks, what users sign in by, messages that wait; also what stands in clear from before there was one. Returns how many of all of them it wrapped anew; how many do not open by the key of
their id, and stay as they are: a warning names the rows, twenty at most; and whether the rotation is complete, which it is when there are none of these. Again, it finds nothing to do. Nothing is
encrypted anew. Put the new key first in the file, above the old one; reload the configuration; call this; take the old key out when it was complete and
clinic.encryption_status() names the old key no more. For administrators. Errors: key_unavailable, also when the old key is not in the file any more.';

CREATE FUNCTION clinic.rotate_tenant_key(tenant_id uuid)
    RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    saved constant text := clinic_private.saved_context();
    new_no integer;
BEGIN
    PERFORM clinic_private.enter_system(rotate_tenant_key.tenant_id);
    new_no := clinic_private.add_tenant_key(rotate_tenant_key.tenant_id, 'field');
    INSERT INTO clinic_data.key_rotations (tenant_id, key_no, started_at)
    SELECT k.tenant_id, k.key_no, clinic.now()
    FROM clinic_data.encryption_keys AS k
    WHERE k.tenant_id = rotate_tenant_key.tenant_id AND k.kind = 'field' AND k.status = 'previous'
    ON CONFLICT ON CONSTRAINT key_rotations_pkey DO UPDATE SET step = 'patient_keys', stuck_fields = NULL WHERE key_rotations.step = 'stuck';
    PERFORM clinic_private.restore_context(saved);
    RETURN new_no;
END
$$;
ALTER FUNCTION clinic.rotate_tenant_key OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.rotate_tenant_key(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.rotate_tenant_key(uuid) TO clinic_admin;
COMMENT ON FUNCTION clinic.rotate_tenant_key(uuid) IS
    'Gives a tenant a new field key, and returns its number. From the commit on it encrypts; the job rotate_keys (clinic.run_jobs) wraps the patients'' keys and
encrypts the tenant''s own fields anew, batch by batch, goes on where it was interrupted, and destroys the old key in the end; until then everything stays
readable. clinic.encryption_status() tells how far it has come. For administrators. Errors: not_found, key_unavailable, 22004.';

-- The parts of the registry with the tables that they name; of a partitioned table its leaves.
CREATE FUNCTION clinic_private.encrypted_tables()
    RETURNS TABLE (place text, relation oid, tenant_column text, row_column text, column_name text, bound_table text, bound_column text,
                   patient_column text, index_column text, root oid)
    LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 20
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT format('%s.%s.%s', n.nspname, leaf.relname, c.column_name), leaf.oid, c.tenant_column, c.row_column, c.column_name, c.bound_table,
           c.bound_column, c.patient_column, c.index_column, r.oid
    FROM clinic_private.encrypted_columns() AS c
    JOIN pg_namespace AS rn ON rn.nspname = c.schema_name
    JOIN pg_class AS r ON r.relnamespace = rn.oid AND r.relname = c.table_name AND r.relkind IN ('r', 'p')
    CROSS JOIN LATERAL (SELECT r.oid AS id WHERE r.relkind = 'r'
                        UNION ALL
                        SELECT t.relid::oid FROM pg_partition_tree(r.oid) AS t WHERE r.relkind = 'p' AND t.isleaf) AS part
    JOIN pg_class AS leaf ON leaf.oid = part.id AND leaf.relkind = 'r'
    JOIN pg_namespace AS n ON n.oid = leaf.relnamespace
    ORDER BY 1;
END;
COMMENT ON FUNCTION clinic_private.encrypted_tables() IS
    'The registered columns whose tables are there, in a fixed order: a row for each table or leaf partition. root: the table as it was registered.';
REVOKE ALL ON FUNCTION clinic_private.encrypted_tables() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.encrypted_tables() TO clinic_owner;

-- One batch of one rotation. Returns the rows dealt with.
CREATE FUNCTION clinic_private.go_on_rotating(tenant_id uuid, key_no integer, batch_rows integer)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant constant uuid := go_on_rotating.tenant_id;
    old_no constant integer := go_on_rotating.key_no;
    r clinic_data.key_rotations;
    fresh_no integer;
    part record;
    changed bigint := 0;
    done bigint := 0;
    next_block bigint;
    left_over bigint := 0;
BEGIN
    SELECT * INTO r FROM clinic_data.key_rotations AS k WHERE k.tenant_id = tenant AND k.key_no = old_no FOR UPDATE;
    SELECT k.key_no INTO STRICT fresh_no
    FROM clinic_data.encryption_keys AS k WHERE k.tenant_id = tenant AND k.kind = 'field' AND k.status = 'current';

    IF r.step = 'patient_keys' THEN
        UPDATE clinic_data.patient_keys AS k
        SET wrapped = clinic_private.rewrap_patient_key(k.tenant_id, k.patient_id, k.key_no, k.wrapping_key_no, k.wrapped, fresh_no),
            wrapping_key_no = fresh_no
        WHERE k.tenant_id = tenant AND k.wrapping_key_no = old_no
          AND (k.patient_id, k.key_no) IN (
              SELECT b.patient_id, b.key_no FROM clinic_data.patient_keys AS b
              WHERE b.tenant_id = tenant AND b.wrapping_key_no = old_no LIMIT go_on_rotating.batch_rows);
        GET DIAGNOSTICS changed = ROW_COUNT;
        r.patient_keys := r.patient_keys + changed;
        IF changed < go_on_rotating.batch_rows THEN
            r.step := 'fields';
        END IF;
    ELSIF r.step = 'fields' THEN
        r.step := 'verifying';
        FOR part IN
            SELECT t.* FROM clinic_private.encrypted_tables() AS t
            WHERE t.patient_column IS NULL AND (r.at_column IS NULL OR t.place COLLATE "C" >= r.at_column COLLATE "C")
            ORDER BY t.place COLLATE "C"
        LOOP
            SELECT a.next_block, a.changed INTO next_block, done
            FROM clinic_private.encrypt_rows_anew(tenant, old_no, part.relation, part.tenant_column, part.row_column, part.column_name, part.bound_table,
                     part.bound_column, CASE WHEN part.place = r.at_column THEN r.next_block ELSE 0 END,
                     (go_on_rotating.batch_rows - changed)::integer) AS a;
            changed := changed + done;
            IF next_block IS NOT NULL THEN
                r.step := 'fields';
                r.at_column := part.place;
                r.next_block := next_block;
                EXIT;
            END IF;
        END LOOP;
        r.fields := r.fields + changed;
        IF r.step = 'verifying' THEN
            r.at_column := NULL;
            r.next_block := 0;
        END IF;
    ELSIF r.step = 'verifying' THEN
        -- Nobody who has encrypted with the old key is still at work, and nobody can begin to be: what is committed now is all there is.
        IF clinic_private.try_key_lock(tenant, old_no) THEN
            IF clinic_private.has_patient_keys_under(tenant, old_no) THEN
                r.step := 'patient_keys';
            ELSE
                FOR part IN SELECT t.* FROM clinic_private.encrypted_tables() AS t WHERE t.patient_column IS NULL LOOP
                    left_over := left_over + clinic_private.count_old_rows(tenant, old_no, part.relation, part.tenant_column, part.row_column,
                                                                           part.column_name, part.bound_table, part.bound_column);
                END LOOP;
                IF left_over > 0 THEN
                    -- What is left twice is no row that moved under our eyes, but one that cannot be decrypted.
                    r.step := CASE WHEN r.stuck_fields = left_over THEN 'stuck' ELSE 'fields' END;
                ELSE
                    r.step := 'waiting';
                    r.verified_in := pg_current_xact_id();
                END IF;
                r.stuck_fields := left_over;
            END IF;
        END IF;
    ELSIF r.step = 'waiting' THEN
        -- Who has an older snapshot may still see a value as it was, and needs the key to read it.
        IF clinic_private.is_seen_by_all(r.verified_in) THEN
            UPDATE clinic_data.encryption_keys AS k
            SET status = 'destroyed', wrapped = '', destroyed_at = clinic.now()
            WHERE k.tenant_id = tenant AND k.kind = 'field' AND k.key_no = old_no;
            r.step := 'done';
            r.finished_at := clinic.now();
            changed := 1;
        END IF;
    END IF;

    UPDATE clinic_data.key_rotations AS k
    SET step = r.step, at_column = r.at_column, next_block = r.next_block, verified_in = r.verified_in, patient_keys = r.patient_keys,
        fields = r.fields, stuck_fields = r.stuck_fields, finished_at = r.finished_at
    WHERE k.tenant_id = tenant AND k.key_no = old_no;
    RETURN changed;
END
$$;
ALTER FUNCTION clinic_private.go_on_rotating OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic_private.go_on_rotating FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.go_on_rotating TO clinic_owner;
COMMENT ON FUNCTION clinic_private.go_on_rotating(uuid, integer, integer) IS
    'Goes one step, of so many rows at most, in replacing a field key of a tenant, whose context is that of the system; returns how many rows it dealt with.';

CREATE FUNCTION clinic_private.rotate_keys_job()
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    tenant constant uuid := clinic_private.require_tenant();
    rotation record;
    done bigint := 0;
BEGIN
    FOR rotation IN
        SELECT r.key_no FROM clinic_data.key_rotations AS r WHERE r.tenant_id = tenant AND r.step NOT IN ('done', 'stuck') ORDER BY r.key_no
    LOOP
        done := done + clinic_private.go_on_rotating(tenant, rotation.key_no, 5000);
    END LOOP;
    RETURN done;
END
$$;
ALTER FUNCTION clinic_private.rotate_keys_job OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic_private.rotate_keys_job FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.rotate_keys_job TO clinic_owner;
COMMENT ON FUNCTION clinic_private.rotate_keys_job() IS
    'Goes on with replacing the field keys of the context''s tenant, 5000 rows a time; returns how many. Errors: key_unavailable.';

CREATE FUNCTION clinic_private.unreadable_problem(unreadable bigint)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN unreadable > 0
            THEN format('%s of it do not open by the master key of that id: the file holds another key under it than before, or they are damaged', unreadable) END;
COMMENT ON FUNCTION clinic_private.unreadable_problem(bigint) IS 'What encryption_status() says of so many keys or secrets that do not open; null for none.';
REVOKE ALL ON FUNCTION clinic_private.unreadable_problem FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.unreadable_problem TO clinic_owner;

CREATE FUNCTION clinic_private.state_of_secrets(tenant_id uuid, master_problem text)
    RETURNS TABLE (kind text, status text, master_key_id text, created_at timestamptz, unreadable bigint, problem text)
    LANGUAGE sql VOLATILE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT s.kind, CASE WHEN s.id IS NULL THEN 'in_clear' ELSE 'sealed' END, s.id, s.created_at, s.unreadable,
           CASE WHEN s.id IS NULL THEN format('%s of them stand in clear, in the table and in dumps', s.number)
                WHEN NOT s.is_there AND state_of_secrets.master_problem IS NULL THEN 'its master key is not among those that were read'
                ELSE clinic_private.unreadable_problem(s.unreadable) END
    FROM (
        SELECT k.kind, m.id, m.is_there, min(k.created_at) AS created_at, count(*) AS number,
               CASE WHEN m.is_there
                    THEN count(*) FILTER (WHERE CASE WHEN m.is_there THEN clinic_private.opened_kept_secret(k.kept, k.place) IS NULL END) END AS unreadable
        FROM clinic_private.kept_secrets(state_of_secrets.tenant_id) AS k
        CROSS JOIN LATERAL (SELECT clinic_private.master_key_of(k.kept) AS id,
                                   coalesce(clinic_private.has_master_key(clinic_private.master_key_of(k.kept)), false) AS is_there OFFSET 0) AS m
        GROUP BY k.kind, m.id, m.is_there) AS s
    ORDER BY s.kind, s.id;
END;
COMMENT ON FUNCTION clinic_private.state_of_secrets(uuid, text) IS
    'Of the secrets that clinic_private.kept_secrets() tells of: for each kind a row for each master key that seals some, and one for those in clear. unreadable: how many do not open;
null where the key is not there.';
REVOKE ALL ON FUNCTION clinic_private.state_of_secrets FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.state_of_secrets TO clinic_owner;

CREATE FUNCTION clinic.encryption_status()
    RETURNS TABLE (
        tenant_id uuid,
        kind text,
        key_no integer,
        status text,
        master_key_id text,
        created_at timestamptz,
        age interval,
        retired_at timestamptz,
        destroyed_at timestamptz,
        wrapped_patient_keys bigint,
        rotation_step text,
        fields_done bigint,
        stuck_fields bigint,
        unreadable bigint,
        problem text)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET row_security = on
AS $$
#variable_conflict error
DECLARE
    saved constant text := clinic_private.saved_context();
    state record;
    tenant record;
BEGIN
    SELECT * INTO state FROM clinic_private.master_key_state() AS s;
    kind := 'master';
    status := CASE WHEN state.problem IS NULL THEN 'current' ELSE 'unavailable' END;
    master_key_id := state.master_key_id;
    problem := coalesce(state.problem, CASE WHEN NOT state.locked_in_memory THEN 'the system does not let the server lock keys in memory (RLIMIT_MEMLOCK)' END);
    RETURN NEXT;
    FOR tenant IN SELECT k.tenant_id FROM clinic_private.known_tenants() AS k ORDER BY k.tenant_id LOOP
        PERFORM clinic_private.enter_system(tenant.tenant_id);
        RETURN QUERY
        SELECT k.tenant_id, k.kind, k.key_no, k.status, k.master_key_id, k.created_at, clinic.now() - k.created_at, k.retired_at, k.destroyed_at,
               CASE WHEN k.kind = 'field' THEN (SELECT count(*) FROM clinic_data.patient_keys AS p
                                                WHERE p.tenant_id = k.tenant_id AND p.wrapping_key_no = k.key_no) END,
               r.step, r.fields, r.stuck_fields, u.unreadable,
               CASE WHEN k.status <> 'destroyed' AND state.problem IS NULL AND NOT h.is_there THEN 'its master key is not among those that were read'
                    ELSE clinic_private.unreadable_problem(u.unreadable) END
        FROM clinic_data.encryption_keys AS k
        LEFT JOIN clinic_data.key_rotations AS r ON r.tenant_id = k.tenant_id AND r.key_no = k.key_no AND k.kind = 'field'
        CROSS JOIN LATERAL (SELECT clinic_private.has_master_key(k.master_key_id) AS is_there OFFSET 0) AS h
        CROSS JOIN LATERAL (
            SELECT CASE WHEN h.is_there AND k.status <> 'destroyed'
                        THEN CASE WHEN clinic_private.is_wrapped_tenant_key(k.tenant_id, k.kind, k.key_no, k.master_key_id, k.wrapped) THEN 0 ELSE 1 END::bigint
                        END AS unreadable OFFSET 0) AS u
        WHERE k.tenant_id = tenant.tenant_id
        ORDER BY k.kind, k.key_no;
        RETURN QUERY
        SELECT tenant.tenant_id, s.kind, NULL::integer, s.status, s.master_key_id, s.created_at, clinic.now() - s.created_at,
               NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::text, NULL::bigint, NULL::bigint, s.unreadable, s.problem
        FROM clinic_private.state_of_secrets(tenant.tenant_id, state.problem) AS s;
    END LOOP;
    PERFORM clinic_private.restore_context(saved);
    RETURN QUERY
    SELECT NULL::uuid, s.kind, NULL::integer, s.status, s.master_key_id, s.created_at, clinic.now() - s.created_at,
           NULL::timestamptz, NULL::timestamptz, NULL::bigint, NULL::text, NULL::bigint, NULL::bigint, s.unreadable, s.problem
    FROM clinic_private.state_of_secrets(NULL, state.problem) AS s;
END
$$;
ALTER FUNCTION clinic.encryption_status OWNER TO clinic_owner;
REVOKE ALL ON FUNCTION clinic.encryption_status() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic.encryption_status() TO clinic_admin;
COMMENT ON FUNCTION clinic.encryption_status() IS
    'The keys of encrypted fields, without their bytes. The first row, of kind master and no tenant, is the current master key, or tells in problem what is wrong with it;
then come the keys of each tenant: kind field or index; status current, previous or destroyed; master_key_id: what wraps it; wrapped_patient_keys: how many
patients'' keys it wraps; rotation_step, fields_done: how far its replacement has come (patient_keys, fields, verifying, waiting, stuck, done); stuck_fields: values of
it that cannot be decrypted and so keep it alive (stuck: mend or empty them, and rotate again); unreadable: how many of what the row is about the master key of that id
does not open, each of them tried, null where that key is not there: then the file holds another key under the id than before, or rows are damaged. Rows of kind token_key, webhook_secret, identifier, identifier_secret and message tell of
the secrets that the engine itself works with, of what users sign in by, and of messages that wait to be sent: one for each master_key_id that seals some, and one of status in_clear for those that stand as they are. For administrators.';
