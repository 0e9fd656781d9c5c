-- The seal of the audit: what C++ does of it. All of these are for functions of clinic_owner that have entered the tenant.

CREATE FUNCTION clinic_private.seal_log(tenant_id uuid, max_records bigint)
RETURNS TABLE (sealed bigint, tree_size bigint, complete boolean, key_problem text)
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE ROWS 1
AS 'MODULE_PATHNAME', 'clinic_seal_log';
COMMENT ON FUNCTION clinic_private.seal_log(uuid, bigint) IS
'Seals records of finished transactions that have no position yet, in the order (transaction_id, audit_id), up to max_records looked at, and
writes a head when there were any. The caller has the log''s lock.
complete: nothing that may be sealed is left. key_problem: why the head is not signed although a key is configured.
Raises 22004, 22023, data_corrupted (XX001) for a log that does not fit its last head.';

CREATE FUNCTION clinic_private.verify_log(tenant_id uuid, tree_sizes bigint[], root_hashes bytea[], sealed_at timestamptz[])
RETURNS TABLE (problem text, first_position bigint, until_position bigint, audit_id uuid, detail text, tree_size bigint, records bigint,
               purged bigint, unsealed bigint, unsealed_since timestamptz, unsigned_heads bigint)
LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL UNSAFE ROWS 1
AS 'MODULE_PATHNAME', 'clinic_verify_log';
COMMENT ON FUNCTION clinic_private.verify_log(uuid, bigint[], bytea[], timestamptz[]) IS
'Verifies the log of a tenant against itself and against heads kept elsewhere, as clinic.verify_audit says. sealed_at: of each head; infinity where nobody
knows. Raises 22004.';

CREATE FUNCTION clinic_private.sealed_position(tenant_id uuid, transaction_id xid8, audit_id uuid)
RETURNS bigint
LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_sealed_position';
COMMENT ON FUNCTION clinic_private.sealed_position(uuid, xid8, uuid) IS
'Position of a record in the log of its tenant, from 0; null for one that is not sealed. Raises 22004.';

CREATE FUNCTION clinic_private.inclusion_path(tenant_id uuid, audit_position bigint, tree_size bigint)
RETURNS bytea[]
LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_inclusion_path';
COMMENT ON FUNCTION clinic_private.inclusion_path(uuid, bigint, bigint) IS
'The audit path of a position in the tree of that size (RFC 6962 2.1.1), from the leaf up. Raises 22004, 22023, data_corrupted.';

CREATE FUNCTION clinic_private.consistency_path(tenant_id uuid, from_size bigint, to_size bigint)
RETURNS bytea[]
LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_consistency_path';
COMMENT ON FUNCTION clinic_private.consistency_path(uuid, bigint, bigint) IS
'The proof that the tree of to_size begins with the tree of from_size (RFC 6962 2.1.2). Raises 22004, 22023, data_corrupted.';

CREATE FUNCTION clinic_private.head_text(tenant_id uuid, tree_size bigint, root_hash bytea, sealed_at timestamptz)
RETURNS text
LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_head_text';
COMMENT ON FUNCTION clinic_private.head_text(uuid, bigint, bytea, timestamptz) IS 'The text of a head, which is what is signed. Raises 22004, 22008, 22023.';

CREATE FUNCTION clinic_private.seal_verifies(public_key bytea, head text, signature bytea)
RETURNS boolean
LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'clinic_seal_verifies';
COMMENT ON FUNCTION clinic_private.seal_verifies(bytea, text, bytea) IS 'Whether an Ed25519 signature is of this text, by this key. Raises 22004.';

CREATE FUNCTION clinic_private.seal_key_problem()
RETURNS text
LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'clinic_seal_key_problem';
COMMENT ON FUNCTION clinic_private.seal_key_problem() IS 'Why heads are not signed; null when they are.';

CREATE FUNCTION clinic_private.has_seal_export()
RETURNS boolean
LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_has_seal_export';
COMMENT ON FUNCTION clinic_private.has_seal_export() IS 'Whether clinic.seal_export_file names a file.';

CREATE FUNCTION clinic_private.append_seal_export(lines text)
RETURNS text
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_append_seal_export';
COMMENT ON FUNCTION clinic_private.append_seal_export(text) IS
'Appends lines to the file of clinic.seal_export_file and makes them durable. Returns what went wrong, or null. Raises 22004.';

CREATE FUNCTION clinic_private.lock_seal(tenant_id uuid, wait boolean)
RETURNS boolean
LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clinic_lock_seal';
COMMENT ON FUNCTION clinic_private.lock_seal(uuid, boolean) IS
'Takes the lock of a tenant''s log until the end of the transaction, and tells whether it has it; wait false: only when it is free. Raises 22004.';

REVOKE ALL ON FUNCTION clinic_private.seal_log(uuid, bigint), clinic_private.verify_log(uuid, bigint[], bytea[], timestamptz[]),
    clinic_private.sealed_position(uuid, xid8, uuid), clinic_private.inclusion_path(uuid, bigint, bigint),
    clinic_private.consistency_path(uuid, bigint, bigint), clinic_private.head_text(uuid, bigint, bytea, timestamptz),
    clinic_private.seal_verifies(bytea, text, bytea), clinic_private.seal_key_problem(), clinic_private.has_seal_export(),
    clinic_private.append_seal_export(text), clinic_private.lock_seal(uuid, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.seal_log(uuid, bigint), clinic_private.verify_log(uuid, bigint[], bytea[], timestamptz[]),
    clinic_private.sealed_position(uuid, xid8, uuid), clinic_private.inclusion_path(uuid, bigint, bigint),
    clinic_private.consistency_path(uuid, bigint, bigint), clinic_private.head_text(uuid, bigint, bytea, timestamptz),
    clinic_private.seal_verifies(bytea, text, bytea), clinic_private.seal_key_problem(), clinic_private.has_seal_export(),
    clinic_private.append_seal_export(text), clinic_private.lock_seal(uuid, boolean) TO clinic_owner;
GRANT EXECUTE ON FUNCTION clinic_private.seal_key_problem() TO clinic_admin;
