-- Rotating and destroying keys: what SQL cannot do itself. For clinic_owner's functions only.

CREATE FUNCTION clinic_private.registered_columns()
RETURNS TABLE (schema_name text, table_name text, column_name text, tenant_column text, row_column text, patient_column text,
               bound_table text, bound_column text, index_column text, index_form text)
LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 20
AS 'MODULE_PATHNAME', 'clinic_registered_columns';
COMMENT ON FUNCTION clinic_private.registered_columns() IS 'The rows of clinic_data.encrypted_columns as they are by now, whatever the context.';

CREATE FUNCTION clinic_private.add_tenant_key(tenant_id uuid, kind text)
RETURNS integer
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_add_tenant_key';
COMMENT ON FUNCTION clinic_private.add_tenant_key(uuid, text) IS
'Makes a new current key of a tenant and the present one a previous one; returns the new number. kind: field or index. Raises key_unavailable, busy.';

CREATE FUNCTION clinic_private.is_wrapped_tenant_key(tenant_id uuid, kind text, key_no integer, master_key_id text, wrapped bytea)
RETURNS boolean
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_is_wrapped_tenant_key';
COMMENT ON FUNCTION clinic_private.is_wrapped_tenant_key(uuid, text, integer, text, bytea) IS
'Whether the master key of that id unwraps a tenant''s key. Raises key_unavailable when it is not among those that were read.';

CREATE FUNCTION clinic_private.rewrap_tenant_key(tenant_id uuid, kind text, key_no integer, master_key_id text, wrapped bytea)
RETURNS bytea
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_rewrap_tenant_key';
COMMENT ON FUNCTION clinic_private.rewrap_tenant_key(uuid, text, integer, text, bytea) IS
'A tenant''s key, wrapped by the current master key instead. Raises key_unavailable.';

CREATE FUNCTION clinic_private.rewrap_patient_key(
    tenant_id uuid,
    patient_id uuid,
    key_no integer,
    wrapping_key_no integer,
    wrapped bytea,
    new_wrapping_key_no integer)
RETURNS bytea
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_rewrap_patient_key';
COMMENT ON FUNCTION clinic_private.rewrap_patient_key(uuid, uuid, integer, integer, bytea, integer) IS
'A patient''s key, wrapped by another key of the tenant instead. Raises key_unavailable.';

CREATE FUNCTION clinic_private.current_master_key()
RETURNS text
LANGUAGE c VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'clinic_current_master_key';
COMMENT ON FUNCTION clinic_private.current_master_key() IS 'The id of the master key that wraps. Raises key_unavailable.';

CREATE FUNCTION clinic_private.master_key_state(
    OUT master_key_id text, OUT problem text, OUT locked_in_memory boolean, OUT kept_keys integer)
LANGUAGE c VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'clinic_master_key_state';
COMMENT ON FUNCTION clinic_private.master_key_state() IS
'The id of the master key that wraps, or what is wrong; whether the system lets this backend lock its keys in memory; how many unwrapped keys it keeps.';

CREATE FUNCTION clinic_private.keep_secret(secret text, place text)
RETURNS text
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'clinic_keep_secret';
COMMENT ON FUNCTION clinic_private.keep_secret(text, text) IS
'The text by which a table keeps a secret of the engine''s own: sealed by the current master key and bound to the place, or as it is where none is configured.
place: as clinic_private.secret_place gives it. Raises key_unavailable.';

CREATE FUNCTION clinic_private.secret_place(table_name text, row_id text, column_name text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN table_name || ' ' || row_id || ' ' || column_name;
COMMENT ON FUNCTION clinic_private.secret_place(text, text, text) IS
'What a kept secret is bound to: table, key of the row and column. Which there are, clinic_private.kept_secret_columns() lists.';

CREATE FUNCTION clinic_private.open_kept_secret(kept text, place text)
RETURNS text
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'clinic_open_kept_secret';
COMMENT ON FUNCTION clinic_private.open_kept_secret(text, text) IS
'The secret that keep_secret was given. Raises key_unavailable, decryption_failed.';

CREATE FUNCTION clinic_private.opened_kept_secret(kept text, place text)
RETURNS text
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'clinic_opened_kept_secret';
COMMENT ON FUNCTION clinic_private.opened_kept_secret(text, text) IS
'The secret that keep_secret was given; null for what does not open at this place. Raises key_unavailable.';

CREATE FUNCTION clinic_private.master_key_of(kept text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN kept LIKE 'sealed %' THEN split_part(substr(kept, 8), ':', 1) END;
COMMENT ON FUNCTION clinic_private.master_key_of(text) IS 'The id of the master key that a kept secret is sealed by; NULL for one in clear.';

CREATE FUNCTION clinic_private.has_master_key(master_key_id text)
RETURNS boolean
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'clinic_has_master_key';
COMMENT ON FUNCTION clinic_private.has_master_key(text) IS 'Whether a master key is among those that were read; false too when none can be.';

CREATE FUNCTION clinic_private.try_key_lock(tenant_id uuid, key_no integer)
RETURNS boolean
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_try_key_lock';
COMMENT ON FUNCTION clinic_private.try_key_lock(uuid, integer) IS
'Whether every transaction that has encrypted with a field key of the tenant has ended; if so, none will before this one has.';

CREATE FUNCTION clinic_private.is_seen_by_all(transaction_id xid8)
RETURNS boolean
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'clinic_is_seen_by_all';
COMMENT ON FUNCTION clinic_private.is_seen_by_all(xid8) IS 'Whether no transaction has a snapshot older than the end of that transaction.';

CREATE FUNCTION clinic_private.has_patient_keys_under(tenant_id uuid, key_no integer)
RETURNS boolean
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'clinic_has_patient_keys_under';
COMMENT ON FUNCTION clinic_private.has_patient_keys_under(uuid, integer) IS 'Whether a field key of the tenant wraps any patient''s key, as it is by now.';

CREATE FUNCTION clinic_private.encrypt_rows_anew(
    tenant_id uuid,
    key_no integer,
    relation oid,
    tenant_column text,
    row_column text,
    column_name text,
    bound_table text,
    bound_column text,
    from_block bigint,
    most_rows integer,
    OUT next_block bigint,
    OUT changed bigint)
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_encrypt_rows_anew';
COMMENT ON FUNCTION clinic_private.encrypt_rows_anew(uuid, integer, oid, text, text, text, text, text, bigint, integer) IS
'Encrypts by the current key the values of a table that an older key of the tenant encrypts, from a block on, until so many are changed; past
row security and triggers. next_block: where to go on; null at the end. Values that do not decrypt are left. Raises key_unavailable, 42703, 42809.';

CREATE FUNCTION clinic_private.count_old_rows(
    tenant_id uuid,
    key_no integer,
    relation oid,
    tenant_column text,
    row_column text,
    column_name text,
    bound_table text,
    bound_column text)
RETURNS bigint
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'clinic_count_old_rows';
COMMENT ON FUNCTION clinic_private.count_old_rows(uuid, integer, oid, text, text, text, text, text) IS
'How many values of a table a field key of the tenant encrypts, as it is by now, past row security. Raises 42703, 42809.';

CREATE FUNCTION clinic_private.destroy_patient_keys(
    tenant_id uuid,
    patient_id uuid,
    shredded_at timestamptz,
    shredded_by uuid,
    reason text)
RETURNS integer
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_destroy_patient_keys';
COMMENT ON FUNCTION clinic_private.destroy_patient_keys(uuid, uuid, timestamptz, uuid, text) IS
'Deletes the keys of a patient, and writes the tombstone unless there is one; returns how many keys. Waits for who is encrypting for the
patient. The patient need not be there. Raises 22004, busy, 25006.';

CREATE FUNCTION clinic_private.hold_patient(tenant_id uuid, patient_id uuid)
RETURNS void
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_hold_patient';
COMMENT ON FUNCTION clinic_private.hold_patient(uuid, uuid) IS
'Waits for who is merging or erasing the patient''s record, and keeps others from it until the transaction ends; past row security. Look at the record after
it. Raises 22004, busy.';

CREATE FUNCTION clinic_private.query_as_owner(relation regclass, statement text, parameters jsonb)
RETURNS jsonb
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_query_as_owner';
COMMENT ON FUNCTION clinic_private.query_as_owner(regclass, text, jsonb) IS
'Runs a SELECT of the engine''s own making, which may change rows in a WITH, with the rights of the table''s owner, and returns its one value: whatever of the table''s owner fires
meanwhile runs as nobody else. $1: the parameters. Settings that it changes are put back, and nothing can be deferred. Errors: 42P01, and those of the statement.';

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['registered_columns', 'query_as_owner', 'add_tenant_key', 'is_wrapped_tenant_key', 'rewrap_tenant_key', 'rewrap_patient_key', 'current_master_key', 'master_key_state',
                                'has_master_key', 'keep_secret', 'secret_place', 'open_kept_secret', 'opened_kept_secret', 'master_key_of', 'try_key_lock', 'is_seen_by_all', 'has_patient_keys_under', 'encrypt_rows_anew', 'count_old_rows',
                                'destroy_patient_keys', 'hold_patient'] LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION clinic_private.%I FROM PUBLIC', name);
        EXECUTE format('GRANT EXECUTE ON FUNCTION clinic_private.%I TO clinic_owner', name);
    END LOOP;
    -- clinic.lint() runs with the rights of its caller.
    GRANT EXECUTE ON FUNCTION clinic_private.registered_columns() TO clinic_admin;
END
$$;
