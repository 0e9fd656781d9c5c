-- Keys of encrypted fields, wrapped; and who was shredded. The form of a value is checked by the domain's constraint, which
-- every install makes (repeatable/10_domains.sql).

CREATE DOMAIN clinic_data.encrypted AS bytea;
COMMENT ON DOMAIN clinic_data.encrypted IS 'An encrypted value: its form, its key''s number, nonce, ciphertext and tag.';

CREATE TABLE clinic_data.encryption_keys (
    tenant_id uuid NOT NULL,
    kind text NOT NULL,
    key_no integer NOT NULL,
    status text NOT NULL DEFAULT 'current',
    master_key_id text NOT NULL,
    wrapped bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    retired_at timestamptz,
    destroyed_at timestamptz,
    CONSTRAINT encryption_keys_pkey PRIMARY KEY (tenant_id, kind, key_no),
    CONSTRAINT encryption_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES clinic_data.tenants (tenant_id),
    CONSTRAINT encryption_keys_kind_check CHECK (kind IN ('field', 'index')),
    CONSTRAINT encryption_keys_key_no_check CHECK (key_no > 0),
    CONSTRAINT encryption_keys_status_check CHECK (status IN ('current', 'previous', 'destroyed')),
    CONSTRAINT encryption_keys_wrapped_check CHECK ((status = 'destroyed') = (length(wrapped) = 0)),
    CONSTRAINT encryption_keys_master_key_id_check CHECK (master_key_id ~ '^[A-Za-z0-9._-]{1,64}$')
);
CREATE UNIQUE INDEX encryption_keys_current_idx ON clinic_data.encryption_keys (tenant_id, kind) WHERE status = 'current';
COMMENT ON TABLE clinic_data.encryption_keys IS 'Keys of tenants, each wrapped by the master key: of fields, and of blind indexes.';
COMMENT ON COLUMN clinic_data.encryption_keys.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.encryption_keys.kind IS 'field or index.';
COMMENT ON COLUMN clinic_data.encryption_keys.key_no IS 'Version, from 1.';
COMMENT ON COLUMN clinic_data.encryption_keys.status IS 'current: encrypts and decrypts; previous: decrypts; destroyed: neither.';
COMMENT ON COLUMN clinic_data.encryption_keys.master_key_id IS 'Name of the master key that wraps it.';
COMMENT ON COLUMN clinic_data.encryption_keys.wrapped IS 'The key, encrypted: nonce, ciphertext, tag; empty when it is destroyed.';
COMMENT ON COLUMN clinic_data.encryption_keys.created_at IS 'When it was made.';
COMMENT ON COLUMN clinic_data.encryption_keys.retired_at IS 'Since when it is not the current one.';
COMMENT ON COLUMN clinic_data.encryption_keys.destroyed_at IS 'Since when it is gone.';

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

-- How far the replacement of a tenant's key has come. Where it was interrupted it goes on.
CREATE TABLE clinic_data.key_rotations (
    tenant_id uuid NOT NULL,
    key_no integer NOT NULL,
    step text NOT NULL DEFAULT 'patient_keys',
    at_column text,
    next_block bigint NOT NULL DEFAULT 0,
    verified_in xid8,
    patient_keys bigint NOT NULL DEFAULT 0,
    fields bigint NOT NULL DEFAULT 0,
    stuck_fields bigint,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    CONSTRAINT key_rotations_pkey PRIMARY KEY (tenant_id, key_no),
    CONSTRAINT key_rotations_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES clinic_data.tenants (tenant_id),
    CONSTRAINT key_rotations_step_check CHECK (step IN ('patient_keys', 'fields', 'verifying', 'waiting', 'stuck', 'done'))
);
COMMENT ON TABLE clinic_data.key_rotations IS 'How far the replacement of a tenant''s key has come.';
COMMENT ON COLUMN clinic_data.key_rotations.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.key_rotations.key_no IS 'The field key that is replaced.';
COMMENT ON COLUMN clinic_data.key_rotations.step IS
    'patient_keys: they are wrapped anew; fields: those of the tenant''s key are encrypted anew; verifying: that nothing is left; waiting: for transactions that may still see the old; stuck: some fields cannot be decrypted, and the old key stays for them; done.';
COMMENT ON COLUMN clinic_data.key_rotations.at_column IS 'Of fields: the table and column at work.';
COMMENT ON COLUMN clinic_data.key_rotations.next_block IS 'Of fields: the block of that table where to go on.';
COMMENT ON COLUMN clinic_data.key_rotations.verified_in IS 'The transaction in which nothing was left.';
COMMENT ON COLUMN clinic_data.key_rotations.patient_keys IS 'Patients'' keys wrapped anew so far.';
COMMENT ON COLUMN clinic_data.key_rotations.fields IS 'Fields encrypted anew so far.';
COMMENT ON COLUMN clinic_data.key_rotations.stuck_fields IS 'Fields that the last pass left behind, since they cannot be decrypted; null: not known yet.';
COMMENT ON COLUMN clinic_data.key_rotations.started_at IS 'When it began.';
COMMENT ON COLUMN clinic_data.key_rotations.finished_at IS 'When the old key was destroyed.';

-- Which columns hold encrypted values: for rotation and shredding. Of the database, under the nil tenant, by names, so that a restore finds
-- the tables again.
CREATE TABLE clinic_data.encrypted_columns (
    tenant_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    schema_name text NOT NULL,
    table_name text NOT NULL,
    column_name text NOT NULL,
    tenant_column text NOT NULL,
    row_column text NOT NULL,
    patient_column text,
    bound_table text NOT NULL,
    bound_column text NOT NULL,
    index_column text,
    index_form text,
    CONSTRAINT encrypted_columns_pkey PRIMARY KEY (tenant_id, schema_name, table_name, column_name),
    CONSTRAINT encrypted_columns_bound_key UNIQUE (tenant_id, bound_table, bound_column),
    CONSTRAINT encrypted_columns_index_form_check CHECK (index_form IN ('exact', 'text', 'email', 'phone')),
    CONSTRAINT encrypted_columns_index_column_check CHECK ((index_column IS NULL) = (index_form IS NULL))
);
COMMENT ON TABLE clinic_data.encrypted_columns IS 'Columns that hold encrypted values, of pg_clinic and of others.';
COMMENT ON COLUMN clinic_data.encrypted_columns.tenant_id IS 'The nil UUID: columns are the same for all tenants.';
COMMENT ON COLUMN clinic_data.encrypted_columns.schema_name IS 'Schema of the table.';
COMMENT ON COLUMN clinic_data.encrypted_columns.table_name IS 'The table.';
COMMENT ON COLUMN clinic_data.encrypted_columns.column_name IS 'The column.';
COMMENT ON COLUMN clinic_data.encrypted_columns.tenant_column IS 'Column with the tenant.';
COMMENT ON COLUMN clinic_data.encrypted_columns.row_column IS 'Column that tells the row; its text is part of what a value is bound to.';
COMMENT ON COLUMN clinic_data.encrypted_columns.patient_column IS 'Column with the patient whose key encrypts; null: the tenant''s key does.';
COMMENT ON COLUMN clinic_data.encrypted_columns.bound_table IS 'Name of the table that values are bound to: its name when it was registered.';
COMMENT ON COLUMN clinic_data.encrypted_columns.bound_column IS 'Name of the column that values are bound to.';
COMMENT ON COLUMN clinic_data.encrypted_columns.index_column IS 'Column of type bytea with the blind index of the value; null: none.';
COMMENT ON COLUMN clinic_data.encrypted_columns.index_form IS 'How a value is normalised before it is indexed: exact, text, email or phone.';
