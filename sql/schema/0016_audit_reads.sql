-- Audit of reads: what was ingested, and which patients its records are about.

CREATE TABLE clinic_data.audit_spools (
    tenant_id uuid NOT NULL,
    spool text NOT NULL,
    ingested_bytes bigint NOT NULL,
    ingested_at timestamptz NOT NULL,
    CONSTRAINT audit_spools_pkey PRIMARY KEY (tenant_id, spool),
    CONSTRAINT audit_spools_bytes_check CHECK (ingested_bytes >= 0)
);
COMMENT ON TABLE clinic_data.audit_spools IS 'How far each file of the spool is in the audit; a row goes with its file.';
COMMENT ON COLUMN clinic_data.audit_spools.tenant_id IS 'The nil UUID: a file holds records of all tenants.';
COMMENT ON COLUMN clinic_data.audit_spools.spool IS 'Name of the file below pg_clinic_spool.';
COMMENT ON COLUMN clinic_data.audit_spools.ingested_bytes IS 'Up to which byte its records are in the audit.';
COMMENT ON COLUMN clinic_data.audit_spools.ingested_at IS 'Since when, by the server''s wall clock.';

CREATE TABLE clinic_data.audit_read_patients (
    tenant_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    audit_id uuid NOT NULL,
    CONSTRAINT audit_read_patients_pkey PRIMARY KEY (tenant_id, patient_id, audit_id)
);
CREATE INDEX audit_read_patients_audit_id_idx ON clinic_data.audit_read_patients (tenant_id, audit_id);
COMMENT ON TABLE clinic_data.audit_read_patients IS
    'Finds the records of reads by patient: a record tells of all rows of a statement, and names their patients in row_ids, patient_id or after. Made when records are ingested.';
COMMENT ON COLUMN clinic_data.audit_read_patients.tenant_id IS 'The tenant of the record.';
COMMENT ON COLUMN clinic_data.audit_read_patients.patient_id IS 'Of whom something was read.';
COMMENT ON COLUMN clinic_data.audit_read_patients.audit_id IS 'The record that says so.';
