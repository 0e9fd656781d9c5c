-- Groups: parties, rooms that may be exchanged, planned sessions with seats.

ALTER TABLE clinic_data.appointment_resources
    ADD COLUMN pinned boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN clinic_data.appointment_resources.pinned IS 'Named by who booked, or not to be exchanged; false: the engine chose it, and may exchange it for another of its class to make room.';

ALTER TABLE clinic_data.claims
    ADD COLUMN seats integer NOT NULL DEFAULT 1,
    ADD CONSTRAINT claims_seats_check CHECK (seats BETWEEN 1 AND 1000);
COMMENT ON COLUMN clinic_data.claims.seats IS 'How many of the capacity it takes.';

CREATE TABLE clinic_data.group_sessions (
    tenant_id uuid NOT NULL,
    session_id uuid NOT NULL,
    service_id uuid NOT NULL,
    provider_id uuid NOT NULL,
    location_id uuid NOT NULL,
    title text,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    local_starts_at timestamp NOT NULL,
    time_zone clinic_data.time_zone_name NOT NULL,
    capacity integer NOT NULL,
    buffer_before_minutes integer,
    buffer_after_minutes integer,
    named_resource_ids uuid[] NOT NULL DEFAULT '{}',
    status text NOT NULL DEFAULT 'scheduled',
    overridden text[] NOT NULL DEFAULT '{}',
    reason text,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by uuid,
    CONSTRAINT group_sessions_pkey PRIMARY KEY (tenant_id, session_id),
    CONSTRAINT group_sessions_service_id_fkey FOREIGN KEY (tenant_id, service_id)
        REFERENCES clinic_data.services (tenant_id, service_id),
    CONSTRAINT group_sessions_provider_id_fkey FOREIGN KEY (tenant_id, provider_id)
        REFERENCES clinic_data.providers (tenant_id, provider_id),
    CONSTRAINT group_sessions_location_id_fkey FOREIGN KEY (tenant_id, location_id)
        REFERENCES clinic_data.locations (tenant_id, location_id),
    CONSTRAINT group_sessions_times_check CHECK (ends_at > starts_at AND isfinite(starts_at) AND isfinite(ends_at)),
    CONSTRAINT group_sessions_capacity_check CHECK (capacity BETWEEN 0 AND 1000),
    CONSTRAINT group_sessions_title_check CHECK (length(title) BETWEEN 1 AND 200),
    CONSTRAINT group_sessions_buffers_check
        CHECK (buffer_before_minutes BETWEEN 0 AND 1440 AND buffer_after_minutes BETWEEN 0 AND 1440),
    CONSTRAINT group_sessions_status_check CHECK (status IN ('scheduled', 'cancelled'))
);
CREATE INDEX group_sessions_service_id_idx ON clinic_data.group_sessions (tenant_id, service_id, starts_at);
CREATE INDEX group_sessions_provider_id_idx ON clinic_data.group_sessions (tenant_id, provider_id, starts_at);
CREATE INDEX group_sessions_location_id_idx ON clinic_data.group_sessions (tenant_id, location_id, starts_at);
COMMENT ON TABLE clinic_data.group_sessions IS 'Planned sessions with seats. The session claims its provider and rooms; the seats are appointments.';
COMMENT ON COLUMN clinic_data.group_sessions.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.group_sessions.session_id IS 'Identifies the session; the owner of its claims.';
COMMENT ON COLUMN clinic_data.group_sessions.service_id IS 'What is done.';
COMMENT ON COLUMN clinic_data.group_sessions.provider_id IS 'By whom.';
COMMENT ON COLUMN clinic_data.group_sessions.location_id IS 'Where.';
COMMENT ON COLUMN clinic_data.group_sessions.title IS 'Shown to people, without personal data.';
COMMENT ON COLUMN clinic_data.group_sessions.starts_at IS 'Start.';
COMMENT ON COLUMN clinic_data.group_sessions.ends_at IS 'End, exclusive; buffers not included.';
COMMENT ON COLUMN clinic_data.group_sessions.local_starts_at IS 'The local intent: wall-clock start in time_zone as understood when planned.';
COMMENT ON COLUMN clinic_data.group_sessions.time_zone IS 'Zone of the local intent.';
COMMENT ON COLUMN clinic_data.group_sessions.capacity IS 'How many seats; may be lowered below what is taken.';
COMMENT ON COLUMN clinic_data.group_sessions.buffer_before_minutes IS 'Buffer before the session, in minutes; null: the longest default.';
COMMENT ON COLUMN clinic_data.group_sessions.buffer_after_minutes IS 'Buffer after the session, in minutes; null: the longest default.';
COMMENT ON COLUMN clinic_data.group_sessions.named_resource_ids IS 'The rooms and devices that were named for it; others are chosen.';
COMMENT ON COLUMN clinic_data.group_sessions.status IS 'scheduled or cancelled.';
COMMENT ON COLUMN clinic_data.group_sessions.overridden IS 'Rules that gave way when it was planned.';
COMMENT ON COLUMN clinic_data.group_sessions.reason IS 'Why they did, or why it was cancelled.';
COMMENT ON COLUMN clinic_data.group_sessions.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic_data.group_sessions.created_at IS 'When the row was made.';
COMMENT ON COLUMN clinic_data.group_sessions.created_by IS 'User who made the row.';
COMMENT ON COLUMN clinic_data.group_sessions.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN clinic_data.group_sessions.updated_by IS 'User who last changed the row.';

ALTER TABLE clinic_data.appointments
    ADD COLUMN session_id uuid,
    ADD CONSTRAINT appointments_session_id_fkey FOREIGN KEY (tenant_id, session_id)
        REFERENCES clinic_data.group_sessions (tenant_id, session_id);
CREATE INDEX appointments_session_id_idx ON clinic_data.appointments (tenant_id, session_id) WHERE session_id IS NOT NULL;
COMMENT ON COLUMN clinic_data.appointments.session_id IS 'The session in which it has, or had, its seats; null: a visit of its own.';

CREATE TABLE clinic_data.session_seats (
    tenant_id uuid NOT NULL,
    session_id uuid NOT NULL,
    seat integer NOT NULL,
    appointment_id uuid,
    slot_id uuid,
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT session_seats_pkey PRIMARY KEY (tenant_id, session_id, seat),
    CONSTRAINT session_seats_session_id_fkey FOREIGN KEY (tenant_id, session_id)
        REFERENCES clinic_data.group_sessions (tenant_id, session_id),
    CONSTRAINT session_seats_appointment_id_fkey FOREIGN KEY (tenant_id, appointment_id)
        REFERENCES clinic_data.appointments (tenant_id, appointment_id),
    CONSTRAINT session_seats_slot_id_fkey FOREIGN KEY (tenant_id, slot_id)
        REFERENCES clinic_data.waitlist_slots (tenant_id, slot_id),
    CONSTRAINT session_seats_seat_check CHECK (seat BETWEEN 1 AND 1000),
    CONSTRAINT session_seats_owner_check
        CHECK (num_nonnulls(appointment_id, slot_id) = 1 AND (slot_id IS NULL OR expires_at IS NOT NULL))
);
CREATE INDEX session_seats_appointment_id_idx ON clinic_data.session_seats (tenant_id, appointment_id);
CREATE INDEX session_seats_slot_id_idx ON clinic_data.session_seats (tenant_id, slot_id);
COMMENT ON TABLE clinic_data.session_seats IS 'The seats of sessions that are taken: one row a seat, several for a party.';
COMMENT ON COLUMN clinic_data.session_seats.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.session_seats.session_id IS 'The session.';
COMMENT ON COLUMN clinic_data.session_seats.seat IS 'Number of the seat, from 1 to the capacity at the time it was taken.';
COMMENT ON COLUMN clinic_data.session_seats.appointment_id IS 'Whose seat; null: it is only offered.';
COMMENT ON COLUMN clinic_data.session_seats.slot_id IS 'Offered to those who wait, as this slot of the waitlist; null: an appointment has it.';
COMMENT ON COLUMN clinic_data.session_seats.expires_at IS 'The seat is free again from this microsecond on, when it is offered, or the appointment is only held or waits for approval.';
COMMENT ON COLUMN clinic_data.session_seats.created_at IS 'When it was taken.';

-- Those who wait for seats.
ALTER TABLE clinic_data.waitlist_entries
    ADD COLUMN session_id uuid,
    ADD CONSTRAINT waitlist_entries_session_id_fkey FOREIGN KEY (tenant_id, session_id)
        REFERENCES clinic_data.group_sessions (tenant_id, session_id);
CREATE INDEX waitlist_entries_session_id_idx ON clinic_data.waitlist_entries (tenant_id, session_id);
COMMENT ON COLUMN clinic_data.waitlist_entries.session_id IS 'Seats of this session, and nothing else; null: any time, or seats of any session, of the service.';

ALTER TABLE clinic_data.waitlist_slots
    ADD COLUMN session_id uuid,
    ADD CONSTRAINT waitlist_slots_session_id_fkey FOREIGN KEY (tenant_id, session_id)
        REFERENCES clinic_data.group_sessions (tenant_id, session_id);
CREATE INDEX waitlist_slots_session_id_idx ON clinic_data.waitlist_slots (tenant_id, session_id);
COMMENT ON COLUMN clinic_data.waitlist_slots.session_id IS 'The session whose seats are offered, as many as the party needs; null: time is offered.';

ALTER TABLE clinic_data.waitlist_offers
    ADD COLUMN session_id uuid,
    ADD CONSTRAINT waitlist_offers_session_id_fkey FOREIGN KEY (tenant_id, session_id)
        REFERENCES clinic_data.group_sessions (tenant_id, session_id);
CREATE INDEX waitlist_offers_session_id_idx ON clinic_data.waitlist_offers (tenant_id, session_id);
COMMENT ON COLUMN clinic_data.waitlist_offers.session_id IS 'The session whose seats are offered; null: time is offered.';
