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
    CONSTRAINT audit_records_pkey PRIMARY KEY (tenant_id, audit_id)
) PARTITION BY RANGE (audit_id);
CREATE TABLE clinic_data.audit_records_default PARTITION OF clinic_data.audit_records DEFAULT;
CREATE INDEX audit_records_patient_id_idx ON clinic_data.audit_records (tenant_id, patient_id, audit_id) WHERE patient_id IS NOT NULL;
CREATE INDEX audit_records_transaction_id_idx ON clinic_data.audit_records (tenant_id, transaction_id, audit_id);
COMMENT ON TABLE clinic_data.audit_records IS 'Who changed or read what of whom, when, why and from where; append-only, sealed by an RFC 6962 tree.';
COMMENT ON TABLE clinic_data.audit_records_default IS 'Records of months that have no partition yet.';
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

-- How long records are kept, what must not go, and what went.

CREATE TABLE clinic_data.retention_classes (
    tenant_id uuid NOT NULL,
    class text NOT NULL,
    keep_months integer NOT NULL,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by uuid,
    CONSTRAINT retention_classes_pkey PRIMARY KEY (tenant_id, class),
    CONSTRAINT retention_classes_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES clinic_data.tenants (tenant_id),
    CONSTRAINT retention_classes_class_check CHECK (class ~ '^[a-z_]{1,40}$'),
    CONSTRAINT retention_classes_keep_check CHECK (keep_months BETWEEN 12 AND 1200)
);
COMMENT ON TABLE clinic_data.retention_classes IS 'How long a tenant keeps the records of a class, where that is not the default.';
COMMENT ON COLUMN clinic_data.retention_classes.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.retention_classes.class IS 'Class of audit records.';
COMMENT ON COLUMN clinic_data.retention_classes.keep_months IS 'How long, in months.';
COMMENT ON COLUMN clinic_data.retention_classes.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic_data.retention_classes.created_at IS 'When the row was made.';
COMMENT ON COLUMN clinic_data.retention_classes.created_by IS 'User who made the row.';
COMMENT ON COLUMN clinic_data.retention_classes.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN clinic_data.retention_classes.updated_by IS 'User who last changed the row.';

CREATE TABLE clinic_data.legal_holds (
    tenant_id uuid NOT NULL,
    hold_id uuid NOT NULL,
    patient_id uuid,
    reason text NOT NULL,
    placed_at timestamptz NOT NULL,
    placed_by uuid,
    released_at timestamptz,
    released_by uuid,
    CONSTRAINT legal_holds_pkey PRIMARY KEY (tenant_id, hold_id),
    CONSTRAINT legal_holds_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES clinic_data.tenants (tenant_id),
    CONSTRAINT legal_holds_patient_id_fkey FOREIGN KEY (tenant_id, patient_id)
        REFERENCES clinic_data.patients (tenant_id, patient_id),
    CONSTRAINT legal_holds_reason_check CHECK (length(btrim(reason)) BETWEEN 10 AND 1000)
);
CREATE INDEX legal_holds_patient_id_idx ON clinic_data.legal_holds (tenant_id, patient_id);
COMMENT ON TABLE clinic_data.legal_holds IS 'What must not be purged while a hold stands, whatever its age.';
COMMENT ON COLUMN clinic_data.legal_holds.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.legal_holds.hold_id IS 'Identifies the hold.';
COMMENT ON COLUMN clinic_data.legal_holds.patient_id IS 'Of whom; null: everything of the tenant.';
COMMENT ON COLUMN clinic_data.legal_holds.reason IS 'Why; it names nobody.';
COMMENT ON COLUMN clinic_data.legal_holds.placed_at IS 'Since when.';
COMMENT ON COLUMN clinic_data.legal_holds.placed_by IS 'User who placed it.';
COMMENT ON COLUMN clinic_data.legal_holds.released_at IS 'Since when it stands no more.';
COMMENT ON COLUMN clinic_data.legal_holds.released_by IS 'User who released it.';

CREATE TABLE clinic_data.audit_purges (
    tenant_id uuid NOT NULL,
    purge_id uuid NOT NULL,
    class text NOT NULL,
    recorded_before timestamptz NOT NULL,
    keep_months integer NOT NULL,
    purged_at timestamptz NOT NULL,
    record_count bigint NOT NULL,
    leaves_digest bytea NOT NULL,
    CONSTRAINT audit_purges_pkey PRIMARY KEY (tenant_id, purge_id),
    CONSTRAINT audit_purges_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES clinic_data.tenants (tenant_id)
);
COMMENT ON TABLE clinic_data.audit_purges IS 'Purges of the audit. Each left a record of its own there too, so that a purge that never was cannot be made up.';
COMMENT ON COLUMN clinic_data.audit_purges.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.audit_purges.purge_id IS 'Identifies the purge.';
COMMENT ON COLUMN clinic_data.audit_purges.class IS 'Class of the records that went.';
COMMENT ON COLUMN clinic_data.audit_purges.recorded_before IS 'They were all recorded, and sealed with a signature, before then.';
COMMENT ON COLUMN clinic_data.audit_purges.keep_months IS 'How long the tenant kept that class then, in months.';
COMMENT ON COLUMN clinic_data.audit_purges.purged_at IS 'When they went, by the server''s wall clock.';
COMMENT ON COLUMN clinic_data.audit_purges.record_count IS 'How many.';
COMMENT ON COLUMN clinic_data.audit_purges.leaves_digest IS 'SHA-256 of their leaf hashes in the order they were sealed in.';

CREATE TABLE clinic_data.purged_audit_records (
    tenant_id uuid NOT NULL,
    audit_id uuid NOT NULL,
    purge_id uuid NOT NULL,
    transaction_id xid8 NOT NULL,
    recorded_at timestamptz NOT NULL,
    class text NOT NULL,
    content_digest bytea NOT NULL,
    CONSTRAINT purged_audit_records_pkey PRIMARY KEY (tenant_id, audit_id),
    CONSTRAINT purged_audit_records_purge_id_fkey FOREIGN KEY (tenant_id, purge_id)
        REFERENCES clinic_data.audit_purges (tenant_id, purge_id)
);
CREATE INDEX purged_audit_records_purge_id_idx ON clinic_data.purged_audit_records (tenant_id, purge_id);
COMMENT ON TABLE clinic_data.purged_audit_records IS 'What is left of records that were purged: enough to prove by their leaf, which stays in the seal, of which class and time they were.';
COMMENT ON COLUMN clinic_data.purged_audit_records.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.purged_audit_records.audit_id IS 'The record that went.';
COMMENT ON COLUMN clinic_data.purged_audit_records.purge_id IS 'With which purge.';
COMMENT ON COLUMN clinic_data.purged_audit_records.transaction_id IS 'As the record said.';
COMMENT ON COLUMN clinic_data.purged_audit_records.recorded_at IS 'As the record said.';
COMMENT ON COLUMN clinic_data.purged_audit_records.class IS 'As the record said.';
COMMENT ON COLUMN clinic_data.purged_audit_records.content_digest IS 'SHA-256 of all else it said, salted.';
