-- Several resources and services at once: who else takes part in a visit, visits of several services, and how the provider is
-- chosen where the caller leaves it open.

CREATE TABLE clinic_data.service_participants (
    tenant_id uuid NOT NULL,
    service_id uuid NOT NULL,
    role text NOT NULL,
    quantity integer NOT NULL DEFAULT 1,
    optional boolean NOT NULL DEFAULT false,
    CONSTRAINT service_participants_pkey PRIMARY KEY (tenant_id, service_id, role),
    CONSTRAINT service_participants_service_id_fkey FOREIGN KEY (tenant_id, service_id)
        REFERENCES clinic_data.services (tenant_id, service_id),
    CONSTRAINT service_participants_role_check CHECK (length(role) BETWEEN 1 AND 60),
    CONSTRAINT service_participants_quantity_check CHECK (quantity BETWEEN 1 AND 20)
);
COMMENT ON TABLE clinic_data.service_participants IS
    'Who or what takes part in a visit beside its provider and the rooms of its classes: any so many of the candidates.';
COMMENT ON COLUMN clinic_data.service_participants.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.service_participants.service_id IS 'The service.';
COMMENT ON COLUMN clinic_data.service_participants.role IS 'What they do, such as assistant or interpreter.';
COMMENT ON COLUMN clinic_data.service_participants.quantity IS 'How many of the candidates; nobody fills two roles.';
COMMENT ON COLUMN clinic_data.service_participants.optional IS 'True: a slot without them is offered and bookable, and says who is missing.';

CREATE TABLE clinic_data.service_participant_candidates (
    tenant_id uuid NOT NULL,
    service_id uuid NOT NULL,
    role text NOT NULL,
    resource_id uuid NOT NULL,
    CONSTRAINT service_participant_candidates_pkey PRIMARY KEY (tenant_id, service_id, role, resource_id),
    CONSTRAINT service_participant_candidates_role_fkey FOREIGN KEY (tenant_id, service_id, role)
        REFERENCES clinic_data.service_participants (tenant_id, service_id, role),
    CONSTRAINT service_participant_candidates_resource_id_fkey FOREIGN KEY (tenant_id, resource_id)
        REFERENCES clinic_data.resources (tenant_id, resource_id)
);
CREATE INDEX service_participant_candidates_resource_id_idx
    ON clinic_data.service_participant_candidates (tenant_id, resource_id);
COMMENT ON TABLE clinic_data.service_participant_candidates IS 'Who can fill a role: providers, rooms or devices.';
COMMENT ON COLUMN clinic_data.service_participant_candidates.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.service_participant_candidates.service_id IS 'The service.';
COMMENT ON COLUMN clinic_data.service_participant_candidates.role IS 'The role.';
COMMENT ON COLUMN clinic_data.service_participant_candidates.resource_id IS 'The provider, room or device.';

CREATE TABLE clinic_data.visits (
    tenant_id uuid NOT NULL,
    visit_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by uuid,
    CONSTRAINT visits_pkey PRIMARY KEY (tenant_id, visit_id),
    CONSTRAINT visits_patient_id_fkey FOREIGN KEY (tenant_id, patient_id)
        REFERENCES clinic_data.patients (tenant_id, patient_id)
);
CREATE INDEX visits_patient_id_idx ON clinic_data.visits (tenant_id, patient_id);
COMMENT ON TABLE clinic_data.visits IS 'Several appointments of one patient, booked together and one after the other.';
COMMENT ON COLUMN clinic_data.visits.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.visits.visit_id IS 'Identifies the visit.';
COMMENT ON COLUMN clinic_data.visits.patient_id IS 'For whom.';
COMMENT ON COLUMN clinic_data.visits.version IS 'Grows by one each time the visit is moved or cancelled as a whole.';
COMMENT ON COLUMN clinic_data.visits.created_at IS 'When it was booked.';
COMMENT ON COLUMN clinic_data.visits.created_by IS 'User who booked it.';
COMMENT ON COLUMN clinic_data.visits.updated_at IS 'When it was last moved or cancelled as a whole.';
COMMENT ON COLUMN clinic_data.visits.updated_by IS 'User who did.';

CREATE TABLE clinic_data.visit_appointments (
    tenant_id uuid NOT NULL,
    visit_id uuid NOT NULL,
    step integer NOT NULL,
    appointment_id uuid NOT NULL,
    min_gap_minutes integer NOT NULL DEFAULT 0,
    max_gap_minutes integer,
    CONSTRAINT visit_appointments_pkey PRIMARY KEY (tenant_id, visit_id, step),
    CONSTRAINT visit_appointments_appointment_id_key UNIQUE (tenant_id, appointment_id),
    CONSTRAINT visit_appointments_visit_id_fkey FOREIGN KEY (tenant_id, visit_id)
        REFERENCES clinic_data.visits (tenant_id, visit_id),
    CONSTRAINT visit_appointments_appointment_id_fkey FOREIGN KEY (tenant_id, appointment_id)
        REFERENCES clinic_data.appointments (tenant_id, appointment_id),
    CONSTRAINT visit_appointments_step_check CHECK (step BETWEEN 1 AND 10),
    CONSTRAINT visit_appointments_gap_check
        CHECK (min_gap_minutes BETWEEN 0 AND 527040 AND max_gap_minutes BETWEEN min_gap_minutes AND 527040)
);
COMMENT ON TABLE clinic_data.visit_appointments IS 'The appointments of a visit, in order.';
COMMENT ON COLUMN clinic_data.visit_appointments.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.visit_appointments.visit_id IS 'The visit.';
COMMENT ON COLUMN clinic_data.visit_appointments.step IS 'Its place in the visit, from 1.';
COMMENT ON COLUMN clinic_data.visit_appointments.appointment_id IS 'The appointment.';
COMMENT ON COLUMN clinic_data.visit_appointments.min_gap_minutes IS 'Least time after the step before, in minutes; the way between locations counts too.';
COMMENT ON COLUMN clinic_data.visit_appointments.max_gap_minutes IS 'Most time after the step before, in minutes; null: no bound.';

-- Providers as patients look for them. Languages and specialisations of staff are in staff_profiles too.
ALTER TABLE clinic_data.providers
    ADD COLUMN gender text,
    ADD CONSTRAINT providers_gender_check CHECK (gender IN ('female', 'male', 'other', 'unknown'));
COMMENT ON COLUMN clinic_data.providers.gender IS 'FHIR administrative gender: female, male, other or unknown.';

CREATE TABLE clinic_data.provider_languages (
    tenant_id uuid NOT NULL,
    provider_id uuid NOT NULL,
    language text NOT NULL,
    CONSTRAINT provider_languages_pkey PRIMARY KEY (tenant_id, provider_id, language),
    CONSTRAINT provider_languages_provider_id_fkey FOREIGN KEY (tenant_id, provider_id)
        REFERENCES clinic_data.providers (tenant_id, provider_id),
    CONSTRAINT provider_languages_language_check CHECK (language ~ '^[a-zA-Z]{2,8}(-[a-zA-Z0-9]{1,8})*$' AND length(language) <= 35)
);
COMMENT ON TABLE clinic_data.provider_languages IS 'Languages that providers speak, beside those of their staff profile.';
COMMENT ON COLUMN clinic_data.provider_languages.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.provider_languages.provider_id IS 'The provider.';
COMMENT ON COLUMN clinic_data.provider_languages.language IS 'BCP 47 tag such as en or hi-IN.';

CREATE TABLE clinic_data.provider_insurers (
    tenant_id uuid NOT NULL,
    provider_id uuid NOT NULL,
    insurer text NOT NULL,
    CONSTRAINT provider_insurers_pkey PRIMARY KEY (tenant_id, provider_id, insurer),
    CONSTRAINT provider_insurers_provider_id_fkey FOREIGN KEY (tenant_id, provider_id)
        REFERENCES clinic_data.providers (tenant_id, provider_id),
    CONSTRAINT provider_insurers_insurer_check CHECK (length(insurer) BETWEEN 1 AND 100)
);
COMMENT ON TABLE clinic_data.provider_insurers IS 'Insurers whose patients a provider treats as in network.';
COMMENT ON COLUMN clinic_data.provider_insurers.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.provider_insurers.provider_id IS 'The provider.';
COMMENT ON COLUMN clinic_data.provider_insurers.insurer IS 'Name of the insurer, as chosen from.';

CREATE TABLE clinic_data.assignment_rules (
    tenant_id uuid NOT NULL,
    rule_id uuid NOT NULL,
    service_id uuid,
    rules text[] NOT NULL DEFAULT '{}',
    expression text,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by uuid,
    CONSTRAINT assignment_rules_pkey PRIMARY KEY (tenant_id, rule_id),
    CONSTRAINT assignment_rules_tenant_id_service_id_key UNIQUE NULLS NOT DISTINCT (tenant_id, service_id),
    CONSTRAINT assignment_rules_service_id_fkey FOREIGN KEY (tenant_id, service_id)
        REFERENCES clinic_data.services (tenant_id, service_id),
    CONSTRAINT assignment_rules_rules_check
        CHECK (rules <@ ARRAY['established_provider', 'round_robin', 'fewest_bookings', 'shortest_wait', 'best_fit', 'expression']
               AND cardinality(rules) <= 6),
    CONSTRAINT assignment_rules_expression_check
        CHECK (length(expression) BETWEEN 1 AND 10000 AND (expression IS NOT NULL OR 'expression' <> ALL (rules)))
);
COMMENT ON TABLE clinic_data.assignment_rules IS 'Whom clinic.book_first_available prefers among providers who are free: rules in order, each deciding what the ones before leave open.';
COMMENT ON COLUMN clinic_data.assignment_rules.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.assignment_rules.rule_id IS 'Identifies the row.';
COMMENT ON COLUMN clinic_data.assignment_rules.service_id IS 'For this service; null: for those without a row of their own.';
COMMENT ON COLUMN clinic_data.assignment_rules.rules IS 'established_provider, round_robin, fewest_bookings, shortest_wait, best_fit, expression; the first comes first. Empty: the earliest start.';
COMMENT ON COLUMN clinic_data.assignment_rules.expression IS 'SQL expression over a candidate; the lowest value comes first. Set by administrators of the database.';
COMMENT ON COLUMN clinic_data.assignment_rules.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic_data.assignment_rules.created_at IS 'When the row was made.';
COMMENT ON COLUMN clinic_data.assignment_rules.created_by IS 'User who made the row.';
COMMENT ON COLUMN clinic_data.assignment_rules.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN clinic_data.assignment_rules.updated_by IS 'User who last changed the row.';

CREATE TABLE clinic_data.assignment_turns (
    tenant_id uuid NOT NULL,
    service_id uuid NOT NULL,
    provider_id uuid NOT NULL,
    turn bigint NOT NULL,
    CONSTRAINT assignment_turns_pkey PRIMARY KEY (tenant_id, service_id, provider_id),
    CONSTRAINT assignment_turns_service_id_fkey FOREIGN KEY (tenant_id, service_id)
        REFERENCES clinic_data.services (tenant_id, service_id),
    CONSTRAINT assignment_turns_provider_id_fkey FOREIGN KEY (tenant_id, provider_id)
        REFERENCES clinic_data.providers (tenant_id, provider_id),
    CONSTRAINT assignment_turns_turn_check CHECK (turn >= 1)
);
CREATE INDEX assignment_turns_provider_id_idx ON clinic_data.assignment_turns (tenant_id, provider_id);
COMMENT ON TABLE clinic_data.assignment_turns IS 'Whose turn it was last, for round_robin: whoever has the lowest number, or none, is next.';
COMMENT ON COLUMN clinic_data.assignment_turns.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.assignment_turns.service_id IS 'The service.';
COMMENT ON COLUMN clinic_data.assignment_turns.provider_id IS 'The provider.';
COMMENT ON COLUMN clinic_data.assignment_turns.turn IS 'Number of the last assignment; grows within the service.';
