-- Consents, rights of patients, disclosures. What was consented to, withdrawn or disclosed is history: those tables only grow.

CREATE TABLE clinic_data.consent_purposes (
    tenant_id uuid NOT NULL,
    purpose text NOT NULL,
    description text NOT NULL,
    valid_days integer,
    warn_days integer NOT NULL DEFAULT 30,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by uuid,
    CONSTRAINT consent_purposes_pkey PRIMARY KEY (tenant_id, purpose),
    CONSTRAINT consent_purposes_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES clinic_data.tenants (tenant_id),
    CONSTRAINT consent_purposes_purpose_check CHECK (purpose ~ '^[a-z][a-z0-9_]{0,39}$'),
    CONSTRAINT consent_purposes_description_check CHECK (length(btrim(description)) BETWEEN 1 AND 200),
    CONSTRAINT consent_purposes_days_check CHECK (valid_days BETWEEN 1 AND 3660 AND warn_days BETWEEN 0 AND 365)
);
COMMENT ON TABLE clinic_data.consent_purposes IS 'What a tenant asks consent for, beside and in place of the purposes that are shipped.';
COMMENT ON COLUMN clinic_data.consent_purposes.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.consent_purposes.purpose IS 'A word, such as marketing.';
COMMENT ON COLUMN clinic_data.consent_purposes.description IS 'What it means, in a few words that patients read in messages.';
COMMENT ON COLUMN clinic_data.consent_purposes.valid_days IS 'How long a consent holds that says nothing of its end, in days; null: until it is withdrawn.';
COMMENT ON COLUMN clinic_data.consent_purposes.warn_days IS 'How many days before its end the patient is written to; 0: never.';
COMMENT ON COLUMN clinic_data.consent_purposes.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic_data.consent_purposes.created_at IS 'When the row was made.';
COMMENT ON COLUMN clinic_data.consent_purposes.created_by IS 'User who made the row.';
COMMENT ON COLUMN clinic_data.consent_purposes.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN clinic_data.consent_purposes.updated_by IS 'User who last changed the row.';

CREATE TABLE clinic_data.consent_texts (
    tenant_id uuid NOT NULL,
    text_id uuid NOT NULL,
    purpose text NOT NULL,
    language text NOT NULL,
    version_no integer NOT NULL,
    body text NOT NULL,
    valid_from_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    CONSTRAINT consent_texts_pkey PRIMARY KEY (tenant_id, text_id),
    CONSTRAINT consent_texts_tenant_id_purpose_key UNIQUE (tenant_id, purpose, language, version_no),
    CONSTRAINT consent_texts_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES clinic_data.tenants (tenant_id),
    CONSTRAINT consent_texts_language_check CHECK (language ~ '^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$'),
    CONSTRAINT consent_texts_version_no_check CHECK (version_no > 0),
    CONSTRAINT consent_texts_body_check CHECK (length(btrim(body)) BETWEEN 1 AND 100000)
);
COMMENT ON TABLE clinic_data.consent_texts IS 'The words that patients consent to. They are never changed: other words are another version.';
COMMENT ON COLUMN clinic_data.consent_texts.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.consent_texts.text_id IS 'Identifies the text.';
COMMENT ON COLUMN clinic_data.consent_texts.purpose IS 'What it is about.';
COMMENT ON COLUMN clinic_data.consent_texts.language IS 'Language tag, such as en or hi-IN.';
COMMENT ON COLUMN clinic_data.consent_texts.version_no IS 'Counts the versions of a purpose and language, from 1.';
COMMENT ON COLUMN clinic_data.consent_texts.body IS 'The words.';
COMMENT ON COLUMN clinic_data.consent_texts.valid_from_at IS 'Since when it is what one consents to, in place of the version before.';
COMMENT ON COLUMN clinic_data.consent_texts.created_at IS 'When the row was made.';
COMMENT ON COLUMN clinic_data.consent_texts.created_by IS 'User who made the row.';

CREATE TABLE clinic_data.consents (
    tenant_id uuid NOT NULL,
    consent_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    purpose text NOT NULL,
    scope text,
    text_id uuid NOT NULL,
    given_by text NOT NULL,
    guardian_patient_id uuid,
    evidence text,
    given_at timestamptz NOT NULL,
    expires_at timestamptz,
    recorded_at timestamptz NOT NULL,
    recorded_by uuid,
    CONSTRAINT consents_pkey PRIMARY KEY (tenant_id, consent_id),
    CONSTRAINT consents_patient_id_fkey FOREIGN KEY (tenant_id, patient_id)
        REFERENCES clinic_data.patients (tenant_id, patient_id),
    CONSTRAINT consents_guardian_patient_id_fkey FOREIGN KEY (tenant_id, guardian_patient_id)
        REFERENCES clinic_data.patients (tenant_id, patient_id),
    CONSTRAINT consents_text_id_fkey FOREIGN KEY (tenant_id, text_id)
        REFERENCES clinic_data.consent_texts (tenant_id, text_id),
    CONSTRAINT consents_scope_check CHECK (length(scope) BETWEEN 1 AND 200),
    CONSTRAINT consents_given_by_check CHECK (given_by IN ('patient', 'guardian', 'paper')),
    CONSTRAINT consents_evidence_check CHECK (length(evidence) BETWEEN 1 AND 200 AND (given_by <> 'paper' OR evidence IS NOT NULL)),
    CONSTRAINT consents_expires_at_check CHECK (expires_at > given_at)
);
CREATE INDEX consents_patient_id_idx ON clinic_data.consents (tenant_id, patient_id, purpose);
CREATE INDEX consents_guardian_patient_id_idx ON clinic_data.consents (tenant_id, guardian_patient_id);
CREATE INDEX consents_text_id_idx ON clinic_data.consents (tenant_id, text_id);
CREATE INDEX consents_expires_at_idx ON clinic_data.consents (tenant_id, expires_at);
COMMENT ON TABLE clinic_data.consents IS 'What patients consented to; append-only. One stands from given_at until it expires or is withdrawn.';
COMMENT ON COLUMN clinic_data.consents.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.consents.consent_id IS 'Identifies the consent; ordered by time.';
COMMENT ON COLUMN clinic_data.consents.patient_id IS 'Whose.';
COMMENT ON COLUMN clinic_data.consents.purpose IS 'What for.';
COMMENT ON COLUMN clinic_data.consents.scope IS 'What exactly, such as the recipient; null: the purpose as a whole.';
COMMENT ON COLUMN clinic_data.consents.text_id IS 'The words.';
COMMENT ON COLUMN clinic_data.consents.given_by IS 'patient, guardian (both themselves, here) or paper (staff recorded what was signed).';
COMMENT ON COLUMN clinic_data.consents.guardian_patient_id IS 'The guardian, where one gave it who is known here.';
COMMENT ON COLUMN clinic_data.consents.evidence IS 'Where the proof is kept, such as the number of a scan; it names nobody.';
COMMENT ON COLUMN clinic_data.consents.given_at IS 'Since when it holds.';
COMMENT ON COLUMN clinic_data.consents.expires_at IS 'Until when; null: until it is withdrawn.';
COMMENT ON COLUMN clinic_data.consents.recorded_at IS 'When it was recorded.';
COMMENT ON COLUMN clinic_data.consents.recorded_by IS 'User who recorded it.';

CREATE TABLE clinic_data.consent_withdrawals (
    tenant_id uuid NOT NULL,
    consent_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    withdrawn_at timestamptz NOT NULL,
    withdrawn_by text NOT NULL,
    reason text,
    evidence text,
    recorded_by uuid,
    CONSTRAINT consent_withdrawals_pkey PRIMARY KEY (tenant_id, consent_id),
    CONSTRAINT consent_withdrawals_consent_id_fkey FOREIGN KEY (tenant_id, consent_id)
        REFERENCES clinic_data.consents (tenant_id, consent_id),
    CONSTRAINT consent_withdrawals_patient_id_fkey FOREIGN KEY (tenant_id, patient_id)
        REFERENCES clinic_data.patients (tenant_id, patient_id),
    CONSTRAINT consent_withdrawals_withdrawn_by_check CHECK (withdrawn_by IN ('patient', 'guardian', 'staff')),
    CONSTRAINT consent_withdrawals_texts_check CHECK (length(reason) BETWEEN 1 AND 1000 AND length(evidence) BETWEEN 1 AND 200)
);
CREATE INDEX consent_withdrawals_patient_id_idx ON clinic_data.consent_withdrawals (tenant_id, patient_id);
COMMENT ON TABLE clinic_data.consent_withdrawals IS 'Which consents were withdrawn; append-only. Whoever consents again gives another consent.';
COMMENT ON COLUMN clinic_data.consent_withdrawals.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.consent_withdrawals.consent_id IS 'The consent.';
COMMENT ON COLUMN clinic_data.consent_withdrawals.patient_id IS 'Whose.';
COMMENT ON COLUMN clinic_data.consent_withdrawals.withdrawn_at IS 'Since when it does not hold.';
COMMENT ON COLUMN clinic_data.consent_withdrawals.withdrawn_by IS 'patient, guardian, or staff on their behalf.';
COMMENT ON COLUMN clinic_data.consent_withdrawals.reason IS 'Why, where somebody said so; it names nobody.';
COMMENT ON COLUMN clinic_data.consent_withdrawals.evidence IS 'Where the proof is kept.';
COMMENT ON COLUMN clinic_data.consent_withdrawals.recorded_by IS 'User who recorded it.';

CREATE TABLE clinic_data.consent_warnings (
    tenant_id uuid NOT NULL,
    consent_id uuid NOT NULL,
    warned_at timestamptz NOT NULL,
    notification_id uuid NOT NULL,
    CONSTRAINT consent_warnings_pkey PRIMARY KEY (tenant_id, consent_id),
    CONSTRAINT consent_warnings_consent_id_fkey FOREIGN KEY (tenant_id, consent_id)
        REFERENCES clinic_data.consents (tenant_id, consent_id)
);
COMMENT ON TABLE clinic_data.consent_warnings IS 'Of which consents the patient was told that they are about to end: each once.';
COMMENT ON COLUMN clinic_data.consent_warnings.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.consent_warnings.consent_id IS 'The consent.';
COMMENT ON COLUMN clinic_data.consent_warnings.warned_at IS 'When.';
COMMENT ON COLUMN clinic_data.consent_warnings.notification_id IS 'The message.';

CREATE TABLE clinic_data.disclosures (
    tenant_id uuid NOT NULL,
    disclosure_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    disclosed_at timestamptz NOT NULL,
    recipient text NOT NULL,
    recipient_address text,
    description clinic_data.encrypted NOT NULL,
    purpose text NOT NULL,
    legal_basis text NOT NULL,
    consent_id uuid,
    recorded_at timestamptz NOT NULL,
    recorded_by uuid,
    CONSTRAINT disclosures_pkey PRIMARY KEY (tenant_id, disclosure_id),
    CONSTRAINT disclosures_patient_id_fkey FOREIGN KEY (tenant_id, patient_id)
        REFERENCES clinic_data.patients (tenant_id, patient_id),
    CONSTRAINT disclosures_consent_id_fkey FOREIGN KEY (tenant_id, consent_id)
        REFERENCES clinic_data.consents (tenant_id, consent_id),
    CONSTRAINT disclosures_recipient_check CHECK (length(btrim(recipient)) BETWEEN 1 AND 200 AND length(recipient_address) BETWEEN 1 AND 500),
    CONSTRAINT disclosures_purpose_check CHECK (length(btrim(purpose)) BETWEEN 1 AND 200),
    CONSTRAINT disclosures_legal_basis_check
        CHECK (legal_basis IN ('consent', 'treatment', 'payment', 'operations', 'required_by_law', 'public_health', 'oversight', 'court_order', 'emergency')),
    CONSTRAINT disclosures_consent_check CHECK ((legal_basis = 'consent') = (consent_id IS NOT NULL))
);
CREATE INDEX disclosures_patient_id_idx ON clinic_data.disclosures (tenant_id, patient_id, disclosed_at);
CREATE INDEX disclosures_consent_id_idx ON clinic_data.disclosures (tenant_id, consent_id);
COMMENT ON TABLE clinic_data.disclosures IS 'To whom what of patients was disclosed; append-only.';
COMMENT ON COLUMN clinic_data.disclosures.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.disclosures.disclosure_id IS 'Identifies the disclosure; ordered by time.';
COMMENT ON COLUMN clinic_data.disclosures.patient_id IS 'Whose data.';
COMMENT ON COLUMN clinic_data.disclosures.disclosed_at IS 'When.';
COMMENT ON COLUMN clinic_data.disclosures.recipient IS 'To whom: an organisation, or the office of a person.';
COMMENT ON COLUMN clinic_data.disclosures.recipient_address IS 'Their address, where it is known.';
COMMENT ON COLUMN clinic_data.disclosures.description IS 'What was disclosed, in a few words; encrypted by the patients key.';
COMMENT ON COLUMN clinic_data.disclosures.purpose IS 'What for.';
COMMENT ON COLUMN clinic_data.disclosures.legal_basis IS 'consent, treatment, payment, operations, required_by_law, public_health, oversight, court_order or emergency.';
COMMENT ON COLUMN clinic_data.disclosures.consent_id IS 'The consent, where that is the basis.';
COMMENT ON COLUMN clinic_data.disclosures.recorded_at IS 'When it was recorded.';
COMMENT ON COLUMN clinic_data.disclosures.recorded_by IS 'User who recorded it.';

CREATE TABLE clinic_data.correction_requests (
    tenant_id uuid NOT NULL,
    request_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    request clinic_data.encrypted NOT NULL,
    status text NOT NULL DEFAULT 'open',
    requested_at timestamptz NOT NULL,
    requested_by uuid,
    due_at timestamptz NOT NULL,
    decided_at timestamptz,
    decided_by uuid,
    decision_reason text,
    disagreement clinic_data.encrypted,
    disagreed_at timestamptz,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by uuid,
    CONSTRAINT correction_requests_pkey PRIMARY KEY (tenant_id, request_id),
    CONSTRAINT correction_requests_patient_id_fkey FOREIGN KEY (tenant_id, patient_id)
        REFERENCES clinic_data.patients (tenant_id, patient_id),
    CONSTRAINT correction_requests_status_check CHECK (status IN ('open', 'accepted', 'refused')),
    CONSTRAINT correction_requests_decision_check CHECK ((status = 'open') = (decided_at IS NULL) AND (status <> 'refused' OR length(btrim(decision_reason)) > 0)),
    CONSTRAINT correction_requests_disagreement_check CHECK ((disagreement IS NULL) = (disagreed_at IS NULL) AND (disagreement IS NULL OR status = 'refused'))
);
CREATE INDEX correction_requests_patient_id_idx ON clinic_data.correction_requests (tenant_id, patient_id);
COMMENT ON TABLE clinic_data.correction_requests IS 'What patients want corrected in their record, and what came of it.';
COMMENT ON COLUMN clinic_data.correction_requests.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.correction_requests.request_id IS 'Identifies the request; ordered by time.';
COMMENT ON COLUMN clinic_data.correction_requests.patient_id IS 'Whose record.';
COMMENT ON COLUMN clinic_data.correction_requests.request IS 'What is wrong and what is right; encrypted by the patients key.';
COMMENT ON COLUMN clinic_data.correction_requests.status IS 'open, accepted or refused.';
COMMENT ON COLUMN clinic_data.correction_requests.requested_at IS 'When.';
COMMENT ON COLUMN clinic_data.correction_requests.requested_by IS 'User who asked or wrote it down.';
COMMENT ON COLUMN clinic_data.correction_requests.due_at IS 'When it has to be decided: 60 days later (45 CFR 164.526).';
COMMENT ON COLUMN clinic_data.correction_requests.decided_at IS 'When it was decided.';
COMMENT ON COLUMN clinic_data.correction_requests.decided_by IS 'User who decided.';
COMMENT ON COLUMN clinic_data.correction_requests.decision_reason IS 'Why; it names nobody.';
COMMENT ON COLUMN clinic_data.correction_requests.disagreement IS 'What the patient says to a refusal; encrypted by the patients key.';
COMMENT ON COLUMN clinic_data.correction_requests.disagreed_at IS 'When.';
COMMENT ON COLUMN clinic_data.correction_requests.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic_data.correction_requests.created_at IS 'When the row was made.';
COMMENT ON COLUMN clinic_data.correction_requests.created_by IS 'User who made the row.';
COMMENT ON COLUMN clinic_data.correction_requests.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN clinic_data.correction_requests.updated_by IS 'User who last changed the row.';
