-- The life of a booking: holds and approvals with a deadline, what happened to an appointment when, idempotent calls, events.

ALTER TABLE clinic_data.tenants
    ADD COLUMN hold_minutes integer NOT NULL DEFAULT 10,
    ADD COLUMN hold_cap_minutes integer NOT NULL DEFAULT 30,
    ADD COLUMN holds_per_patient integer NOT NULL DEFAULT 2,
    ADD COLUMN idempotency_hours integer NOT NULL DEFAULT 24,
    ADD CONSTRAINT tenants_hold_check CHECK (hold_minutes BETWEEN 1 AND 1440 AND hold_cap_minutes BETWEEN hold_minutes AND 1440),
    ADD CONSTRAINT tenants_holds_per_patient_check CHECK (holds_per_patient BETWEEN 0 AND 100),
    ADD CONSTRAINT tenants_idempotency_check CHECK (idempotency_hours BETWEEN 1 AND 8784);
COMMENT ON COLUMN clinic_data.tenants.hold_minutes IS 'How long a hold lives, in minutes; extending begins again from then.';
COMMENT ON COLUMN clinic_data.tenants.hold_cap_minutes IS 'How long a hold lives at most, counted from its first moment, in minutes.';
COMMENT ON COLUMN clinic_data.tenants.holds_per_patient IS 'How many live holds a patient may have at one time.';
COMMENT ON COLUMN clinic_data.tenants.idempotency_hours IS 'How long the result of a call with an idempotency key is kept, in hours.';

ALTER TABLE clinic_data.services
    ADD COLUMN requires_approval boolean NOT NULL DEFAULT false,
    ADD COLUMN approval_minutes integer,
    ADD CONSTRAINT services_approval_check CHECK (approval_minutes BETWEEN 1 AND 527040);
COMMENT ON COLUMN clinic_data.services.requires_approval IS 'Whether what patients book themselves waits for approval by staff.';
COMMENT ON COLUMN clinic_data.services.approval_minutes IS 'How long it waits before its time is free again, in minutes; null: until its start.';

ALTER TABLE clinic_data.appointments
    ADD COLUMN expires_at timestamptz,
    ADD COLUMN status_before text,
    ADD COLUMN status_reason text,
    ADD COLUMN seats integer NOT NULL DEFAULT 1,
    ADD COLUMN arrived_at timestamptz,
    ADD COLUMN started_at timestamptz,
    ADD COLUMN completed_at timestamptz,
    ADD COLUMN no_show_flagged_at timestamptz,
    ADD COLUMN out_of_hours boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT appointments_expires_check CHECK ((status <> 'held' OR expires_at IS NOT NULL)
                                                     AND (expires_at IS NULL OR status IN ('held', 'pending'))),
    ADD CONSTRAINT appointments_seats_check CHECK (seats BETWEEN 1 AND 1000);
CREATE INDEX appointments_expires_idx ON clinic_data.appointments (tenant_id, expires_at) WHERE expires_at IS NOT NULL;
COMMENT ON COLUMN clinic_data.appointments.expires_at IS 'When held or pending: dead from this microsecond on, whether somebody has cleared it away or not.';
COMMENT ON COLUMN clinic_data.appointments.status_before IS 'The status before the present one; what reversing a no-show and undoing a check-in go back to.';
COMMENT ON COLUMN clinic_data.appointments.status_reason IS 'Why the status last changed, where a reason was given.';
COMMENT ON COLUMN clinic_data.appointments.seats IS 'How many seats it takes, where several bookings share the time.';
COMMENT ON COLUMN clinic_data.appointments.arrived_at IS 'When the patient was checked in.';
COMMENT ON COLUMN clinic_data.appointments.started_at IS 'When the visit began.';
COMMENT ON COLUMN clinic_data.appointments.completed_at IS 'When the visit was over.';
COMMENT ON COLUMN clinic_data.appointments.no_show_flagged_at IS 'When the patient was found missing; staff confirm or clear it.';
COMMENT ON COLUMN clinic_data.appointments.out_of_hours IS 'The hours were changed so that the visit is no longer wholly inside them.';

ALTER TABLE clinic_data.claims
    ADD COLUMN owner_id uuid,
    DROP CONSTRAINT claims_kind_check,
    DROP CONSTRAINT claims_expires_check,
    DROP CONSTRAINT claims_appointment_check,
    ADD CONSTRAINT claims_kind_check CHECK (kind IN ('booking', 'pending', 'hold', 'offer', 'session')),
    ADD CONSTRAINT claims_expires_check CHECK (expires_at IS NOT NULL OR kind IN ('booking', 'pending', 'session')),
    ADD CONSTRAINT claims_appointment_check CHECK (kind <> 'booking' OR appointment_id IS NOT NULL),
    ADD CONSTRAINT claims_owner_check CHECK (owner_id IS NULL OR appointment_id IS NULL);
CREATE INDEX claims_owner_id_idx ON clinic_data.claims (tenant_id, owner_id) WHERE owner_id IS NOT NULL;
COMMENT ON COLUMN clinic_data.claims.kind IS 'booking, pending (approval), hold, offer (of a waitlist) or session (of a group).';
COMMENT ON COLUMN clinic_data.claims.owner_id IS 'What it belongs to when that is no appointment: the slot that a waitlist offers, or a group session.';

CREATE TABLE clinic_data.holds (
    tenant_id uuid NOT NULL,
    appointment_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    caller_id uuid NOT NULL,
    first_held_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT holds_pkey PRIMARY KEY (tenant_id, appointment_id),
    CONSTRAINT holds_tenant_id_token_hash_key UNIQUE (tenant_id, token_hash),
    CONSTRAINT holds_appointment_id_fkey FOREIGN KEY (tenant_id, appointment_id)
        REFERENCES clinic_data.appointments (tenant_id, appointment_id),
    CONSTRAINT holds_token_hash_check CHECK (length(token_hash) = 32)
);
COMMENT ON TABLE clinic_data.holds IS 'Whose an appointment is while it is only held: who has the token. The token itself is kept nowhere.';
COMMENT ON COLUMN clinic_data.holds.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.holds.appointment_id IS 'The appointment that is held, or was once.';
COMMENT ON COLUMN clinic_data.holds.token_hash IS 'SHA-256 of the token.';
COMMENT ON COLUMN clinic_data.holds.caller_id IS 'Who holds it: a user, or the identity of a login without one.';
COMMENT ON COLUMN clinic_data.holds.first_held_at IS 'When it was first held; the cap counts from here.';
COMMENT ON COLUMN clinic_data.holds.created_at IS 'When the row was made.';

CREATE TABLE clinic_data.idempotency_keys (
    tenant_id uuid NOT NULL,
    caller_id uuid NOT NULL,
    key_hash bytea NOT NULL,
    call text NOT NULL,
    payload_hash bytea NOT NULL,
    result bytea,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (tenant_id, caller_id, key_hash),
    CONSTRAINT idempotency_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES clinic_data.tenants (tenant_id),
    CONSTRAINT idempotency_keys_hashes_check CHECK (length(key_hash) = 32 AND length(payload_hash) = 32)
);
CREATE INDEX idempotency_keys_expires_idx ON clinic_data.idempotency_keys (tenant_id, expires_at);
COMMENT ON TABLE clinic_data.idempotency_keys IS 'Results of calls that succeeded, by the key the caller gave: the same call again gives the same result and writes nothing.';
COMMENT ON COLUMN clinic_data.idempotency_keys.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.idempotency_keys.caller_id IS 'Whose key: a user, or the identity of a login without one.';
COMMENT ON COLUMN clinic_data.idempotency_keys.key_hash IS 'SHA-256 of the key.';
COMMENT ON COLUMN clinic_data.idempotency_keys.call IS 'Which function.';
COMMENT ON COLUMN clinic_data.idempotency_keys.payload_hash IS 'SHA-256 of its arguments.';
COMMENT ON COLUMN clinic_data.idempotency_keys.result IS 'What it returned, as JSON, sealed by a key derived from the key itself (AES-256-GCM).';
COMMENT ON COLUMN clinic_data.idempotency_keys.created_at IS 'When it was called.';
COMMENT ON COLUMN clinic_data.idempotency_keys.expires_at IS 'The key may be used anew from then on.';

-- What happened, one row for each change, in the transaction that made it: the history of every appointment, and what
-- subscribers are told. By month of its own id; without partitions everything lies in the default one.
CREATE TABLE clinic_data.events (
    tenant_id uuid NOT NULL,
    event_id uuid NOT NULL,
    name text NOT NULL,
    subject_id uuid NOT NULL,
    sequence integer NOT NULL,
    occurred_at timestamptz NOT NULL,
    actor_id uuid,
    request_id text,
    status text,
    status_before text,
    reason text,
    service_id uuid,
    provider_id uuid,
    location_id uuid,
    patient_id uuid,
    starts_at timestamptz,
    ends_at timestamptz,
    data jsonb,
    CONSTRAINT events_pkey PRIMARY KEY (tenant_id, event_id),
    CONSTRAINT events_name_check CHECK (name ~ '^[a-z_]+\.[a-z_]+$')
) PARTITION BY RANGE (event_id);
CREATE TABLE clinic_data.events_default PARTITION OF clinic_data.events DEFAULT;
CREATE INDEX events_subject_id_idx ON clinic_data.events (tenant_id, subject_id, sequence);
CREATE INDEX events_provider_id_idx ON clinic_data.events (tenant_id, provider_id, starts_at);
COMMENT ON TABLE clinic_data.events IS 'What happened to appointments (and other subjects), append-only: names, ids and times, never a name, a phone or a note of a person but in reason.';
COMMENT ON TABLE clinic_data.events_default IS 'Events of months without a partition of their own.';
COMMENT ON COLUMN clinic_data.events.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.events.event_id IS 'Identifies the event; ordered by time.';
COMMENT ON COLUMN clinic_data.events.name IS 'What happened: subject.verb, such as appointment.scheduled.';
COMMENT ON COLUMN clinic_data.events.subject_id IS 'To what: the appointment for appointment.*, the patient for patient.*.';
COMMENT ON COLUMN clinic_data.events.sequence IS 'Order among the events of one subject: the version of its row.';
COMMENT ON COLUMN clinic_data.events.occurred_at IS 'When, by the engine''s clock.';
COMMENT ON COLUMN clinic_data.events.actor_id IS 'User who did it.';
COMMENT ON COLUMN clinic_data.events.request_id IS 'The request it was done in.';
COMMENT ON COLUMN clinic_data.events.status IS 'Of an appointment: its status since then.';
COMMENT ON COLUMN clinic_data.events.status_before IS 'Of an appointment: its status before; null for a new one.';
COMMENT ON COLUMN clinic_data.events.reason IS 'The reason given; may be personal, and leaves the database with no event.';
COMMENT ON COLUMN clinic_data.events.service_id IS 'Of an appointment: its service.';
COMMENT ON COLUMN clinic_data.events.provider_id IS 'Of an appointment: its provider since then.';
COMMENT ON COLUMN clinic_data.events.location_id IS 'Of an appointment: its location since then.';
COMMENT ON COLUMN clinic_data.events.patient_id IS 'The patient concerned.';
COMMENT ON COLUMN clinic_data.events.starts_at IS 'Of an appointment: its start since then.';
COMMENT ON COLUMN clinic_data.events.ends_at IS 'Of an appointment: its end since then.';
COMMENT ON COLUMN clinic_data.events.data IS 'Further facts, ids and times only.';
