-- What is kept of patients beside their demographics.

ALTER TABLE clinic_data.tenants
    ADD COLUMN mrn_format text,
    ADD COLUMN duplicate_weights jsonb NOT NULL DEFAULT '{}',
    ADD CONSTRAINT tenants_mrn_format_check
        CHECK (length(mrn_format) BETWEEN 1 AND 60 AND mrn_format ~ '^[A-Za-z0-9/._-]*(\{YYYY\}[A-Za-z0-9/._-]*)?\{0{1,12}\}[A-Za-z0-9/._-]*$'),
    ADD CONSTRAINT tenants_duplicate_weights_check CHECK (jsonb_typeof(duplicate_weights) = 'object');
COMMENT ON COLUMN clinic_data.tenants.mrn_format IS
    'Form of medical record numbers, such as MRN-{YYYY}-{000000}: the year, and the place of the number in its year; null: they are given by hand, in any form.';
COMMENT ON COLUMN clinic_data.tenants.duplicate_weights IS
    'What counts how much when duplicates are looked for: name, date_of_birth, email, phone, identifier, evidence, high, medium; what is not there is as shipped.';

ALTER TABLE clinic_data.patients
    ADD COLUMN preferred_name text,
    ADD COLUMN photo_reference text,
    ADD COLUMN first_location_id uuid,
    ADD COLUMN deceased_on date,
    ADD COLUMN deleted_at timestamptz,
    ADD COLUMN merged_into_id uuid,
    ADD COLUMN name_key text NOT NULL DEFAULT '',
    DROP CONSTRAINT patients_status_check,
    ADD CONSTRAINT patients_status_check CHECK (status IN ('active', 'inactive', 'deceased', 'merged')),
    ADD CONSTRAINT patients_merged_check CHECK ((status = 'merged') = (merged_into_id IS NOT NULL) AND merged_into_id <> patient_id),
    ADD CONSTRAINT patients_deleted_check CHECK (deleted_at IS NULL OR status <> 'active'),
    ADD CONSTRAINT patients_preferred_name_check CHECK (length(preferred_name) BETWEEN 1 AND 100),
    ADD CONSTRAINT patients_photo_reference_check CHECK (length(photo_reference) BETWEEN 1 AND 500),
    ADD CONSTRAINT patients_mrn_check CHECK (length(mrn) BETWEEN 1 AND 60),
    ADD CONSTRAINT patients_first_location_id_fkey FOREIGN KEY (tenant_id, first_location_id)
        REFERENCES clinic_data.locations (tenant_id, location_id),
    ADD CONSTRAINT patients_merged_into_id_fkey FOREIGN KEY (tenant_id, merged_into_id)
        REFERENCES clinic_data.patients (tenant_id, patient_id);
CREATE INDEX patients_first_location_id_idx ON clinic_data.patients (tenant_id, first_location_id);
CREATE INDEX patients_merged_into_id_idx ON clinic_data.patients (tenant_id, merged_into_id);
CREATE INDEX patients_date_of_birth_idx ON clinic_data.patients (tenant_id, date_of_birth);
COMMENT ON COLUMN clinic_data.patients.status IS
    'active, inactive, deceased or merged (into another record, which counts); only active patients can be booked.';
COMMENT ON COLUMN clinic_data.patients.preferred_name IS 'How the patient wants to be called.';
COMMENT ON COLUMN clinic_data.patients.photo_reference IS 'Where the photo is kept: an address or key of another store.';
COMMENT ON COLUMN clinic_data.patients.first_location_id IS 'Where the patient first came to.';
COMMENT ON COLUMN clinic_data.patients.deceased_on IS 'Date of death.';
COMMENT ON COLUMN clinic_data.patients.deleted_at IS 'Since when the record is put away; null: it is not.';
COMMENT ON COLUMN clinic_data.patients.merged_into_id IS 'The record that counts in place of this one.';
COMMENT ON COLUMN clinic_data.patients.name_key IS 'Name and preferred name as the search compares them, written by a trigger.';

ALTER TABLE clinic_data.patient_contacts
    ALTER COLUMN destination TYPE clinic_data.encrypted;

-- Numbers of records are given out of blocks of ten: who makes a patient takes one that nobody else is using, and waits for nobody.
CREATE TABLE clinic_data.mrn_blocks (
    tenant_id uuid NOT NULL,
    year integer NOT NULL,
    block_no bigint NOT NULL,
    used integer NOT NULL DEFAULT 0,
    CONSTRAINT mrn_blocks_pkey PRIMARY KEY (tenant_id, year, block_no),
    CONSTRAINT mrn_blocks_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES clinic_data.tenants (tenant_id),
    CONSTRAINT mrn_blocks_used_check CHECK (block_no >= 0 AND used BETWEEN 0 AND 10)
);
CREATE INDEX mrn_blocks_open_idx ON clinic_data.mrn_blocks (tenant_id, year, block_no) WHERE used < 10;
COMMENT ON TABLE clinic_data.mrn_blocks IS 'Which medical record numbers were given out. Gaps are no fault; what was given out is not given again.';
COMMENT ON COLUMN clinic_data.mrn_blocks.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.mrn_blocks.year IS 'The year; 0 where the form has none.';
COMMENT ON COLUMN clinic_data.mrn_blocks.block_no IS 'The block, from 0: its numbers are the ten behind ten times as many.';
COMMENT ON COLUMN clinic_data.mrn_blocks.used IS 'How many of its numbers were given out.';

-- By what records are found among which one looks for duplicates, and by what the search knows how a name sounds.
CREATE TABLE clinic_data.patient_search_keys (
    tenant_id uuid NOT NULL,
    search_key text NOT NULL,
    patient_id uuid NOT NULL,
    CONSTRAINT patient_search_keys_pkey PRIMARY KEY (tenant_id, search_key, patient_id),
    CONSTRAINT patient_search_keys_patient_id_fkey FOREIGN KEY (tenant_id, patient_id)
        REFERENCES clinic_data.patients (tenant_id, patient_id)
);
CREATE INDEX patient_search_keys_patient_id_idx ON clinic_data.patient_search_keys (tenant_id, patient_id);
COMMENT ON TABLE clinic_data.patient_search_keys IS 'How the words of names sound and begin, written by a trigger of the patients.';
COMMENT ON COLUMN clinic_data.patient_search_keys.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.patient_search_keys.search_key IS 's: and how a word sounds, or p: and its first three letters.';
COMMENT ON COLUMN clinic_data.patient_search_keys.patient_id IS 'Whose name.';

CREATE TABLE clinic_data.patient_details (
    tenant_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    address clinic_data.encrypted,
    emergency_contact clinic_data.encrypted,
    blood_group clinic_data.encrypted,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by uuid,
    CONSTRAINT patient_details_pkey PRIMARY KEY (tenant_id, patient_id),
    CONSTRAINT patient_details_patient_id_fkey FOREIGN KEY (tenant_id, patient_id)
        REFERENCES clinic_data.patients (tenant_id, patient_id)
);
COMMENT ON TABLE clinic_data.patient_details IS 'What is known of a patient once, encrypted by the patient''s key.';
COMMENT ON COLUMN clinic_data.patient_details.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.patient_details.patient_id IS 'Whose.';
COMMENT ON COLUMN clinic_data.patient_details.address IS 'Where the patient lives: encrypted JSON.';
COMMENT ON COLUMN clinic_data.patient_details.emergency_contact IS 'Whom to call: encrypted JSON.';
COMMENT ON COLUMN clinic_data.patient_details.blood_group IS 'Encrypted: A+, A-, B+, B-, AB+, AB-, O+ or O-.';
COMMENT ON COLUMN clinic_data.patient_details.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic_data.patient_details.created_at IS 'When the row was made.';
COMMENT ON COLUMN clinic_data.patient_details.created_by IS 'User who made the row.';
COMMENT ON COLUMN clinic_data.patient_details.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN clinic_data.patient_details.updated_by IS 'User who last changed the row.';

CREATE TABLE clinic_data.patient_health_items (
    tenant_id uuid NOT NULL,
    item_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    kind text NOT NULL,
    item clinic_data.encrypted NOT NULL,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by uuid,
    CONSTRAINT patient_health_items_pkey PRIMARY KEY (tenant_id, item_id),
    CONSTRAINT patient_health_items_patient_id_fkey FOREIGN KEY (tenant_id, patient_id)
        REFERENCES clinic_data.patients (tenant_id, patient_id),
    CONSTRAINT patient_health_items_kind_check CHECK (kind IN ('allergy', 'condition', 'medication'))
);
CREATE INDEX patient_health_items_patient_id_idx ON clinic_data.patient_health_items (tenant_id, patient_id, kind);
COMMENT ON TABLE clinic_data.patient_health_items IS 'Allergies, conditions and medications, each encrypted by the patient''s key.';
COMMENT ON COLUMN clinic_data.patient_health_items.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.patient_health_items.item_id IS 'Identifies the item.';
COMMENT ON COLUMN clinic_data.patient_health_items.patient_id IS 'Whose.';
COMMENT ON COLUMN clinic_data.patient_health_items.kind IS 'allergy, condition or medication.';
COMMENT ON COLUMN clinic_data.patient_health_items.item IS 'What it is: encrypted JSON.';
COMMENT ON COLUMN clinic_data.patient_health_items.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic_data.patient_health_items.created_at IS 'When the row was made.';
COMMENT ON COLUMN clinic_data.patient_health_items.created_by IS 'User who made the row.';
COMMENT ON COLUMN clinic_data.patient_health_items.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN clinic_data.patient_health_items.updated_by IS 'User who last changed the row.';

CREATE TABLE clinic_data.patient_identifiers (
    tenant_id uuid NOT NULL,
    identifier_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    system text NOT NULL,
    value clinic_data.encrypted NOT NULL,
    value_index bytea,
    is_unique boolean NOT NULL,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by uuid,
    CONSTRAINT patient_identifiers_pkey PRIMARY KEY (tenant_id, identifier_id),
    CONSTRAINT patient_identifiers_patient_id_fkey FOREIGN KEY (tenant_id, patient_id)
        REFERENCES clinic_data.patients (tenant_id, patient_id),
    CONSTRAINT patient_identifiers_system_check CHECK (system ~ '^[a-z][a-z0-9_.:/-]{0,99}$')
);
CREATE UNIQUE INDEX patient_identifiers_unique_value_key ON clinic_data.patient_identifiers (tenant_id, system, value_index) WHERE is_unique;
CREATE INDEX patient_identifiers_value_index_idx ON clinic_data.patient_identifiers (tenant_id, system, value_index);
CREATE INDEX patient_identifiers_patient_id_idx ON clinic_data.patient_identifiers (tenant_id, patient_id);
COMMENT ON TABLE clinic_data.patient_identifiers IS 'Numbers by which others know a patient, encrypted by the patient''s key.';
COMMENT ON COLUMN clinic_data.patient_identifiers.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.patient_identifiers.identifier_id IS 'Identifies the row.';
COMMENT ON COLUMN clinic_data.patient_identifiers.patient_id IS 'Whose.';
COMMENT ON COLUMN clinic_data.patient_identifiers.system IS
    'Whose number it is: abha_number, abha_address, or national, insurance or external and a colon with what the tenant calls it.';
COMMENT ON COLUMN clinic_data.patient_identifiers.value IS 'The number, encrypted.';
COMMENT ON COLUMN clinic_data.patient_identifiers.value_index IS 'Its blind index; null after shredding.';
COMMENT ON COLUMN clinic_data.patient_identifiers.is_unique IS 'Whether no two patients may have the same.';
COMMENT ON COLUMN clinic_data.patient_identifiers.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic_data.patient_identifiers.created_at IS 'When the row was made.';
COMMENT ON COLUMN clinic_data.patient_identifiers.created_by IS 'User who made the row.';
COMMENT ON COLUMN clinic_data.patient_identifiers.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN clinic_data.patient_identifiers.updated_by IS 'User who last changed the row.';

-- Names are searched by their trigrams. The index is of the extension that pg_clinic requires, wherever that was installed.
EXECUTE (SELECT format('CREATE INDEX patients_name_key_idx ON clinic_data.patients USING gist (tenant_id, name_key %I.gist_trgm_ops (siglen = 32))', n.nspname)
         FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm');
