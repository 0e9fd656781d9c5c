-- Keys of encrypted fields, wrapped; and who was shredded.

CREATE TABLE clinic_data.encryption_keys (
    tenant_id uuid NOT NULL,
    kind text NOT NULL,
    key_no integer NOT NULL,
    status text NOT NULL DEFAULT 'current',
    master_key_id text NOT NULL,
    wrapped bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    retired_at timestamptz,
    CONSTRAINT encryption_keys_pkey PRIMARY KEY (tenant_id, kind, key_no),
    CONSTRAINT encryption_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES clinic_data.tenants (tenant_id),
    CONSTRAINT encryption_keys_kind_check CHECK (kind IN ('field', 'index')),
    CONSTRAINT encryption_keys_key_no_check CHECK (key_no > 0),
    CONSTRAINT encryption_keys_status_check CHECK (status IN ('current', 'previous', 'destroyed')),
    CONSTRAINT encryption_keys_master_key_id_check CHECK (master_key_id ~ '^[A-Za-z0-9._-]{1,64}$')
);
CREATE UNIQUE INDEX encryption_keys_current_idx ON clinic_data.encryption_keys (tenant_id, kind) WHERE status = 'current';
COMMENT ON TABLE clinic_data.encryption_keys IS 'Keys of tenants, each wrapped by the master key: of fields, and of blind indexes.';
COMMENT ON COLUMN clinic_data.encryption_keys.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.encryption_keys.kind IS 'field or index.';
COMMENT ON COLUMN clinic_data.encryption_keys.key_no IS 'Version, from 1.';
COMMENT ON COLUMN clinic_data.encryption_keys.status IS 'current: encrypts and decrypts; previous: decrypts; destroyed: neither.';
COMMENT ON COLUMN clinic_data.encryption_keys.master_key_id IS 'Name of the master key that wraps it.';
COMMENT ON COLUMN clinic_data.encryption_keys.wrapped IS 'The key, encrypted: nonce, ciphertext, tag.';
COMMENT ON COLUMN clinic_data.encryption_keys.created_at IS 'When it was made.';
COMMENT ON COLUMN clinic_data.encryption_keys.retired_at IS 'Since when it is not the current one.';

CREATE TABLE clinic_data.patient_keys (
    tenant_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    key_no integer NOT NULL,
    wrapping_key_no integer NOT NULL,
    wrapped bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT patient_keys_pkey PRIMARY KEY (tenant_id, patient_id, key_no),
    CONSTRAINT patient_keys_patient_id_fkey FOREIGN KEY (tenant_id, patient_id)
        REFERENCES clinic_data.patients (tenant_id, patient_id),
    CONSTRAINT patient_keys_key_no_check CHECK (key_no > 0)
);
CREATE INDEX patient_keys_wrapping_key_no_idx ON clinic_data.patient_keys (tenant_id, wrapping_key_no);
COMMENT ON TABLE clinic_data.patient_keys IS 'A key for each patient, wrapped by a key of the tenant. Deleting it shreds what it encrypted.';
COMMENT ON COLUMN clinic_data.patient_keys.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.patient_keys.patient_id IS 'Whose.';
COMMENT ON COLUMN clinic_data.patient_keys.key_no IS 'Version, from 1.';
COMMENT ON COLUMN clinic_data.patient_keys.wrapping_key_no IS 'The tenant''s field key that wraps it.';
COMMENT ON COLUMN clinic_data.patient_keys.wrapped IS 'The key, encrypted: nonce, ciphertext, tag.';
COMMENT ON COLUMN clinic_data.patient_keys.created_at IS 'When it was made.';

CREATE TABLE clinic_data.shredded_patients (
    tenant_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    shredded_at timestamptz NOT NULL,
    shredded_by uuid,
    reason text NOT NULL,
    CONSTRAINT shredded_patients_pkey PRIMARY KEY (tenant_id, patient_id),
    CONSTRAINT shredded_patients_reason_check CHECK (length(reason) BETWEEN 1 AND 1000)
);
COMMENT ON TABLE clinic_data.shredded_patients IS
    'Tombstones: whose keys were destroyed. Without a foreign key, so that the list can be applied to a restored database.';
COMMENT ON COLUMN clinic_data.shredded_patients.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.shredded_patients.patient_id IS 'Whose.';
COMMENT ON COLUMN clinic_data.shredded_patients.shredded_at IS 'When.';
COMMENT ON COLUMN clinic_data.shredded_patients.shredded_by IS 'User who did it.';
COMMENT ON COLUMN clinic_data.shredded_patients.reason IS 'Why; it names nobody.';
