-- Duplicates and merged patients.

CREATE TABLE clinic_data.patient_merges (
    tenant_id uuid NOT NULL,
    merge_id uuid NOT NULL,
    master_patient_id uuid NOT NULL,
    duplicate_patient_id uuid NOT NULL,
    reason text NOT NULL,
    status_before text NOT NULL,
    moved jsonb NOT NULL,
    completed jsonb NOT NULL,
    state jsonb NOT NULL,
    merged_at timestamptz NOT NULL,
    merged_by uuid,
    undone_at timestamptz,
    undone_by uuid,
    undo_reason text,
    CONSTRAINT patient_merges_pkey PRIMARY KEY (tenant_id, merge_id),
    CONSTRAINT patient_merges_master_patient_id_fkey FOREIGN KEY (tenant_id, master_patient_id)
        REFERENCES clinic_data.patients (tenant_id, patient_id),
    CONSTRAINT patient_merges_duplicate_patient_id_fkey FOREIGN KEY (tenant_id, duplicate_patient_id)
        REFERENCES clinic_data.patients (tenant_id, patient_id),
    CONSTRAINT patient_merges_distinct_check CHECK (master_patient_id <> duplicate_patient_id),
    CONSTRAINT patient_merges_reason_check CHECK (length(btrim(reason)) BETWEEN 1 AND 1000)
);
CREATE INDEX patient_merges_master_patient_id_idx ON clinic_data.patient_merges (tenant_id, master_patient_id);
CREATE INDEX patient_merges_duplicate_patient_id_idx ON clinic_data.patient_merges (tenant_id, duplicate_patient_id);
COMMENT ON TABLE clinic_data.patient_merges IS 'Which records of patients were merged, what moved, and how everything was afterwards, so that it can be undone.';
COMMENT ON COLUMN clinic_data.patient_merges.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.patient_merges.merge_id IS 'Identifies the merge.';
COMMENT ON COLUMN clinic_data.patient_merges.master_patient_id IS 'The record that counts.';
COMMENT ON COLUMN clinic_data.patient_merges.duplicate_patient_id IS 'The record that it replaces.';
COMMENT ON COLUMN clinic_data.patient_merges.reason IS 'Why; it names nobody.';
COMMENT ON COLUMN clinic_data.patient_merges.status_before IS 'Status of the duplicate before.';
COMMENT ON COLUMN clinic_data.patient_merges.moved IS 'By table and column, the keys of the rows that moved.';
COMMENT ON COLUMN clinic_data.patient_merges.completed IS 'Which fields of the master were empty and came from the duplicate.';
COMMENT ON COLUMN clinic_data.patient_merges.state IS 'By table, the keys of the rows of both and a hash of each, after the merge.';
COMMENT ON COLUMN clinic_data.patient_merges.merged_at IS 'When.';
COMMENT ON COLUMN clinic_data.patient_merges.merged_by IS 'User who did it.';
COMMENT ON COLUMN clinic_data.patient_merges.undone_at IS 'When it was undone; null: it holds.';
COMMENT ON COLUMN clinic_data.patient_merges.undone_by IS 'User who undid it.';
COMMENT ON COLUMN clinic_data.patient_merges.undo_reason IS 'Why it was undone.';

CREATE TABLE clinic_data.distinct_patients (
    tenant_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    other_patient_id uuid NOT NULL,
    reason text NOT NULL,
    decided_at timestamptz NOT NULL,
    decided_by uuid,
    CONSTRAINT distinct_patients_pkey PRIMARY KEY (tenant_id, patient_id, other_patient_id),
    CONSTRAINT distinct_patients_patient_id_fkey FOREIGN KEY (tenant_id, patient_id)
        REFERENCES clinic_data.patients (tenant_id, patient_id),
    CONSTRAINT distinct_patients_other_patient_id_fkey FOREIGN KEY (tenant_id, other_patient_id)
        REFERENCES clinic_data.patients (tenant_id, patient_id),
    CONSTRAINT distinct_patients_order_check CHECK (patient_id < other_patient_id),
    CONSTRAINT distinct_patients_reason_check CHECK (length(btrim(reason)) BETWEEN 1 AND 1000)
);
CREATE INDEX distinct_patients_other_patient_id_idx ON clinic_data.distinct_patients (tenant_id, other_patient_id);
COMMENT ON TABLE clinic_data.distinct_patients IS 'Pairs that look alike and are two people: somebody said so.';
COMMENT ON COLUMN clinic_data.distinct_patients.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.distinct_patients.patient_id IS 'The one with the smaller id.';
COMMENT ON COLUMN clinic_data.distinct_patients.other_patient_id IS 'The other.';
COMMENT ON COLUMN clinic_data.distinct_patients.reason IS 'Why; it names nobody.';
COMMENT ON COLUMN clinic_data.distinct_patients.decided_at IS 'When.';
COMMENT ON COLUMN clinic_data.distinct_patients.decided_by IS 'Who.';
