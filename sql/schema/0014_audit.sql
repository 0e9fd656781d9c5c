-- The audit: records of changes and reads, append-only.

CREATE TABLE clinic_data.audit_records (
    tenant_id uuid NOT NULL,
    audit_id uuid NOT NULL,
    transaction_id xid8 NOT NULL,
    recorded_at timestamptz NOT NULL,
    class text NOT NULL,
    action text NOT NULL,
    table_name text,
    row_id text,
    patient_id uuid,
    user_id uuid,
    actor text,
    login text NOT NULL,
    session_id uuid,
    purpose text,
    reason text,
    request_id text,
    client_address text,
    peer_address text,
    user_agent text,
    application_name text,
    before jsonb,
    after jsonb,
    row_ids uuid[],
    row_count bigint,
    statement_id bigint,
    salt bytea NOT NULL,
    leaf_hash bytea NOT NULL,
    CONSTRAINT audit_records_pkey PRIMARY KEY (tenant_id, audit_id),
    CONSTRAINT audit_records_class_check CHECK (class ~ '^[a-z_]{1,40}$'),
    CONSTRAINT audit_records_action_check CHECK (action ~ '^[a-z_]{1,40}$')
) PARTITION BY RANGE (audit_id);
CREATE TABLE clinic_data.audit_records_default PARTITION OF clinic_data.audit_records DEFAULT;
CREATE INDEX audit_records_patient_id_idx ON clinic_data.audit_records (tenant_id, patient_id, audit_id);
CREATE INDEX audit_records_user_id_idx ON clinic_data.audit_records (tenant_id, user_id, audit_id);
CREATE INDEX audit_records_transaction_id_idx ON clinic_data.audit_records (tenant_id, transaction_id, audit_id);
COMMENT ON TABLE clinic_data.audit_records IS 'Who changed or read what of whom, when, why and from where; append-only, sealed by an RFC 6962 tree.';
COMMENT ON COLUMN clinic_data.audit_records.tenant_id IS 'The tenant; the nil UUID for what concerns none.';
COMMENT ON COLUMN clinic_data.audit_records.audit_id IS 'Identifies the record; ordered by time.';
COMMENT ON COLUMN clinic_data.audit_records.transaction_id IS 'The top-level transaction that wrote it.';
COMMENT ON COLUMN clinic_data.audit_records.recorded_at IS 'The server''s wall clock; clinic.clock does not move it.';
COMMENT ON COLUMN clinic_data.audit_records.class IS 'Retention class.';
COMMENT ON COLUMN clinic_data.audit_records.action IS 'create, update, delete, truncate, view, export, print, denied, or what happened otherwise.';
COMMENT ON COLUMN clinic_data.audit_records.table_name IS 'The table or relation concerned.';
COMMENT ON COLUMN clinic_data.audit_records.row_id IS 'Key of the row beside the tenant.';
COMMENT ON COLUMN clinic_data.audit_records.patient_id IS 'Whose data.';
COMMENT ON COLUMN clinic_data.audit_records.user_id IS 'User of the context; null without one.';
COMMENT ON COLUMN clinic_data.audit_records.actor IS 'Kind of actor of the context: admin, staff, patient, public_visitor or system; null without one.';
COMMENT ON COLUMN clinic_data.audit_records.login IS 'The login of the connection.';
COMMENT ON COLUMN clinic_data.audit_records.session_id IS 'Session of the token.';
COMMENT ON COLUMN clinic_data.audit_records.purpose IS 'Declared purpose of use.';
COMMENT ON COLUMN clinic_data.audit_records.reason IS 'Why, where the call asked for a reason.';
COMMENT ON COLUMN clinic_data.audit_records.request_id IS 'Id of the request.';
COMMENT ON COLUMN clinic_data.audit_records.client_address IS 'Address of the client, as claimed.';
COMMENT ON COLUMN clinic_data.audit_records.peer_address IS 'Address of the peer of the connection.';
COMMENT ON COLUMN clinic_data.audit_records.user_agent IS 'User agent, as claimed.';
COMMENT ON COLUMN clinic_data.audit_records.application_name IS 'application_name of the connection.';
COMMENT ON COLUMN clinic_data.audit_records.before IS 'Changed fields before; never what an encrypted or secret column holds.';
COMMENT ON COLUMN clinic_data.audit_records.after IS 'Changed fields after.';
COMMENT ON COLUMN clinic_data.audit_records.row_ids IS 'Of reads: the rows that left.';
COMMENT ON COLUMN clinic_data.audit_records.row_count IS 'Of reads: how many.';
COMMENT ON COLUMN clinic_data.audit_records.statement_id IS 'Of reads: fingerprint of the statement (query id).';
COMMENT ON COLUMN clinic_data.audit_records.salt IS '16 random bytes.';
COMMENT ON COLUMN clinic_data.audit_records.leaf_hash IS 'SHA-256 of 0x00 and the canonical form of all columns before it.';
