-- Records of the audit: writing them, and computing their hashes again.

CREATE FUNCTION clinic_private.audit_leaf(audit_record record)
    RETURNS bytea
    LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'clinic_audit_leaf';
COMMENT ON FUNCTION clinic_private.audit_leaf(record) IS
    'The leaf hash of a row of clinic_data.audit_records, computed from its columns: SHA-256 of 0x00 and their canonical form. A record is whole when it equals
the column leaf_hash. Errors: 42804 for a row of another table.';

CREATE FUNCTION clinic_private.audit_content_digest(audit_record record)
    RETURNS bytea
    LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'clinic_audit_content_digest';
COMMENT ON FUNCTION clinic_private.audit_content_digest(record) IS
    'SHA-256 of the columns of a row of clinic_data.audit_records from action to salt: what its leaf hash holds of them, and what stays of them when it is purged.
Errors: 42804 for a row of another table.';

CREATE FUNCTION clinic_private.write_audit(
    class text,
    action text,
    table_name text DEFAULT NULL,
    row_id text DEFAULT NULL,
    patient_id uuid DEFAULT NULL,
    reason text DEFAULT NULL,
    before jsonb DEFAULT NULL,
    after jsonb DEFAULT NULL,
    row_ids uuid[] DEFAULT NULL,
    tenant_id uuid DEFAULT NULL)
    RETURNS uuid
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'clinic_write_audit';
COMMENT ON FUNCTION clinic_private.write_audit(text, text, text, text, uuid, text, jsonb, jsonb, uuid[], uuid) IS
    'Writes one record of the audit: what the triggers of changes and the record of reads do not say by themselves, such as merge, shred, break_glass, disclose.
Who and from where comes from context, request and connection; without a tenant_id the tenant is that of the context. Values must hold no plaintext of patients.
Returns the audit_id. Errors: 22004 without class or action, 25006 in a read-only transaction.';

REVOKE ALL ON FUNCTION clinic_private.audit_leaf, clinic_private.audit_content_digest, clinic_private.write_audit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.audit_leaf, clinic_private.audit_content_digest, clinic_private.write_audit TO clinic_owner, clinic_system;

CREATE FUNCTION clinic_private.audit_change()
    RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'clinic_audit_change';
COMMENT ON FUNCTION clinic_private.audit_change() IS
    'Trigger: a record of the audit for each row that is added, changed or deleted. AFTER ROW it gathers, AFTER STATEMENT it writes what was gathered; of TRUNCATE both.
Arguments: the table''s name, its key columns, its patient column or nothing, the class of its records, its secret columns; lists are separated by commas.
Of secret columns, of all of type bytea and of domain clinic_data.encrypted a record says that they changed and nothing of what they hold.';

REVOKE ALL ON FUNCTION clinic_private.audit_change FROM PUBLIC;
GRANT EXECUTE ON FUNCTION clinic_private.audit_change TO clinic_owner;
