-- The waitlist: who waits for what, the time that is offered to them, and the offers.

ALTER TABLE clinic_data.tenants
    ADD COLUMN waitlist_mode text NOT NULL DEFAULT 'single',
    ADD COLUMN offer_minutes integer NOT NULL DEFAULT 30,
    ADD COLUMN broadcast_size integer NOT NULL DEFAULT 5,
    ADD COLUMN offers_per_slot integer NOT NULL DEFAULT 10,
    ADD COLUMN offers_per_entry_day integer NOT NULL DEFAULT 5,
    ADD COLUMN offers_per_patient_day integer NOT NULL DEFAULT 10,
    ADD CONSTRAINT tenants_waitlist_mode_check CHECK (waitlist_mode IN ('single', 'broadcast', 'off')),
    ADD CONSTRAINT tenants_offer_minutes_check CHECK (offer_minutes BETWEEN 1 AND 10080),
    ADD CONSTRAINT tenants_broadcast_size_check CHECK (broadcast_size BETWEEN 1 AND 100),
    ADD CONSTRAINT tenants_offer_limits_check CHECK (offers_per_slot BETWEEN 1 AND 1000 AND offers_per_entry_day BETWEEN 1 AND 1000
                                                     AND offers_per_patient_day BETWEEN 1 AND 1000);
COMMENT ON COLUMN clinic_data.tenants.waitlist_mode IS 'Who is offered time that has become free: single (one patient after the other), broadcast (several at once, the first to accept has it) or off (nobody, but by staff).';
COMMENT ON COLUMN clinic_data.tenants.offer_minutes IS 'How long an offer stands, in minutes; never into the lead time of what is offered.';
COMMENT ON COLUMN clinic_data.tenants.broadcast_size IS 'How many patients are offered the same time at once, where that is done.';
COMMENT ON COLUMN clinic_data.tenants.offers_per_slot IS 'How many offers are made of the same time at most, before it is left to everybody.';
COMMENT ON COLUMN clinic_data.tenants.offers_per_entry_day IS 'How many offers an entry gets on a local day at most.';
COMMENT ON COLUMN clinic_data.tenants.offers_per_patient_day IS 'How many offers a patient gets on a local day at most, by all entries.';

ALTER TABLE clinic_data.services
    ADD COLUMN waitlist_mode text,
    ADD CONSTRAINT services_waitlist_mode_check CHECK (waitlist_mode IN ('single', 'broadcast', 'off'));
COMMENT ON COLUMN clinic_data.services.waitlist_mode IS 'As the tenant''s, for this service; null: the tenant''s.';

CREATE TABLE clinic_data.waitlist_entries (
    tenant_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    service_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    provider_id uuid,
    location_id uuid,
    from_on date NOT NULL,
    until_on date NOT NULL,
    weekdays integer[],
    times_of_day text[],
    urgency integer NOT NULL DEFAULT 0,
    party_size integer NOT NULL DEFAULT 1,
    releases_appointment_id uuid,
    note text,
    status text NOT NULL DEFAULT 'waiting',
    lapses_at timestamptz NOT NULL,
    joined_at timestamptz NOT NULL,
    closed_at timestamptz,
    appointment_id uuid,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by uuid,
    CONSTRAINT waitlist_entries_pkey PRIMARY KEY (tenant_id, entry_id),
    CONSTRAINT waitlist_entries_service_id_fkey FOREIGN KEY (tenant_id, service_id)
        REFERENCES clinic_data.services (tenant_id, service_id),
    CONSTRAINT waitlist_entries_patient_id_fkey FOREIGN KEY (tenant_id, patient_id)
        REFERENCES clinic_data.patients (tenant_id, patient_id),
    CONSTRAINT waitlist_entries_provider_id_fkey FOREIGN KEY (tenant_id, provider_id)
        REFERENCES clinic_data.providers (tenant_id, provider_id),
    CONSTRAINT waitlist_entries_location_id_fkey FOREIGN KEY (tenant_id, location_id)
        REFERENCES clinic_data.locations (tenant_id, location_id),
    CONSTRAINT waitlist_entries_releases_fkey FOREIGN KEY (tenant_id, releases_appointment_id)
        REFERENCES clinic_data.appointments (tenant_id, appointment_id),
    CONSTRAINT waitlist_entries_appointment_id_fkey FOREIGN KEY (tenant_id, appointment_id)
        REFERENCES clinic_data.appointments (tenant_id, appointment_id),
    CONSTRAINT waitlist_entries_dates_check
        CHECK (until_on >= from_on AND until_on - from_on <= 3660 AND isfinite(from_on) AND isfinite(until_on)),
    CONSTRAINT waitlist_entries_weekdays_check CHECK (cardinality(weekdays) > 0 AND weekdays <@ '{1,2,3,4,5,6,7}'),
    CONSTRAINT waitlist_entries_times_check CHECK (cardinality(times_of_day) BETWEEN 1 AND 20),
    CONSTRAINT waitlist_entries_urgency_check CHECK (urgency BETWEEN 0 AND 100),
    CONSTRAINT waitlist_entries_party_check CHECK (party_size BETWEEN 1 AND 1000),
    CONSTRAINT waitlist_entries_note_check CHECK (length(note) BETWEEN 1 AND 500),
    CONSTRAINT waitlist_entries_status_check CHECK (status IN ('waiting', 'booked', 'left', 'removed')),
    CONSTRAINT waitlist_entries_closed_check CHECK ((status = 'waiting') = (closed_at IS NULL)),
    -- The proof that nobody waits twice for the same.
    CONSTRAINT waitlist_entries_no_duplicate_excl
        EXCLUDE USING gist (tenant_id WITH =, patient_id WITH =, service_id WITH =, daterange(from_on, until_on, '[]') WITH &&)
        WHERE (status = 'waiting')
);
CREATE INDEX waitlist_entries_queue_idx ON clinic_data.waitlist_entries (tenant_id, status, urgency DESC, joined_at, entry_id);
CREATE INDEX waitlist_entries_service_id_idx ON clinic_data.waitlist_entries (tenant_id, service_id, status);
CREATE INDEX waitlist_entries_provider_id_idx ON clinic_data.waitlist_entries (tenant_id, provider_id);
CREATE INDEX waitlist_entries_location_id_idx ON clinic_data.waitlist_entries (tenant_id, location_id);
CREATE INDEX waitlist_entries_releases_idx ON clinic_data.waitlist_entries (tenant_id, releases_appointment_id);
CREATE INDEX waitlist_entries_appointment_id_idx ON clinic_data.waitlist_entries (tenant_id, appointment_id);
CREATE INDEX waitlist_entries_patient_id_idx ON clinic_data.waitlist_entries (tenant_id, patient_id, joined_at);
COMMENT ON TABLE clinic_data.waitlist_entries IS 'Who waits for which service, on which dates; served by urgency, then by when they joined.';
COMMENT ON COLUMN clinic_data.waitlist_entries.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.waitlist_entries.entry_id IS 'Identifies the entry.';
COMMENT ON COLUMN clinic_data.waitlist_entries.service_id IS 'What is wanted.';
COMMENT ON COLUMN clinic_data.waitlist_entries.patient_id IS 'Who waits.';
COMMENT ON COLUMN clinic_data.waitlist_entries.provider_id IS 'By whom; null: anybody who offers it.';
COMMENT ON COLUMN clinic_data.waitlist_entries.location_id IS 'Where; null: anywhere.';
COMMENT ON COLUMN clinic_data.waitlist_entries.from_on IS 'First local date that will do.';
COMMENT ON COLUMN clinic_data.waitlist_entries.until_on IS 'Last local date that will do, inclusive.';
COMMENT ON COLUMN clinic_data.waitlist_entries.weekdays IS 'Which days of the week will do, 1 (Monday) to 7; null: any.';
COMMENT ON COLUMN clinic_data.waitlist_entries.times_of_day IS 'Between which local times the visit may begin, such as 09:00-12:00, the end exclusive; null: any.';
COMMENT ON COLUMN clinic_data.waitlist_entries.urgency IS 'How urgent, 0 to 100; the higher is served first.';
COMMENT ON COLUMN clinic_data.waitlist_entries.party_size IS 'How many seats are wanted, all or none.';
COMMENT ON COLUMN clinic_data.waitlist_entries.releases_appointment_id IS 'The later appointment that is given up for an earlier one.';
COMMENT ON COLUMN clinic_data.waitlist_entries.note IS 'What staff should know, at most 500 characters.';
COMMENT ON COLUMN clinic_data.waitlist_entries.status IS 'waiting, booked (an offer was accepted), left, or removed (another entry for the same was booked, or the session was cancelled).';
COMMENT ON COLUMN clinic_data.waitlist_entries.lapses_at IS 'When the last date is over where the visit would be: from then on the entry waits no more.';
COMMENT ON COLUMN clinic_data.waitlist_entries.joined_at IS 'Since when it waits: its place, whatever becomes of its offers.';
COMMENT ON COLUMN clinic_data.waitlist_entries.closed_at IS 'Since when it waits no more.';
COMMENT ON COLUMN clinic_data.waitlist_entries.appointment_id IS 'What was booked for it.';
COMMENT ON COLUMN clinic_data.waitlist_entries.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic_data.waitlist_entries.created_at IS 'When the row was made.';
COMMENT ON COLUMN clinic_data.waitlist_entries.created_by IS 'User who made it.';
COMMENT ON COLUMN clinic_data.waitlist_entries.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN clinic_data.waitlist_entries.updated_by IS 'User who last changed it.';

-- Time that is offered: the owner of the claims that keep it from everybody else.
CREATE TABLE clinic_data.waitlist_slots (
    tenant_id uuid NOT NULL,
    slot_id uuid NOT NULL,
    cause text NOT NULL,
    mode text NOT NULL,
    freed_appointment_id uuid,
    service_id uuid,
    provider_id uuid NOT NULL,
    location_id uuid NOT NULL,
    opens_at timestamptz NOT NULL,
    closes_at timestamptz NOT NULL,
    status text NOT NULL DEFAULT 'open',
    expires_at timestamptz NOT NULL,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    CONSTRAINT waitlist_slots_pkey PRIMARY KEY (tenant_id, slot_id),
    CONSTRAINT waitlist_slots_service_id_fkey FOREIGN KEY (tenant_id, service_id)
        REFERENCES clinic_data.services (tenant_id, service_id),
    CONSTRAINT waitlist_slots_provider_id_fkey FOREIGN KEY (tenant_id, provider_id)
        REFERENCES clinic_data.providers (tenant_id, provider_id),
    CONSTRAINT waitlist_slots_location_id_fkey FOREIGN KEY (tenant_id, location_id)
        REFERENCES clinic_data.locations (tenant_id, location_id),
    CONSTRAINT waitlist_slots_cause_check CHECK (cause IN ('freed', 'opened', 'staff')),
    CONSTRAINT waitlist_slots_mode_check CHECK (mode IN ('single', 'broadcast')),
    CONSTRAINT waitlist_slots_range_check CHECK (closes_at > opens_at),
    CONSTRAINT waitlist_slots_status_check CHECK (status IN ('open', 'booked', 'closed')),
    CONSTRAINT waitlist_slots_closed_check CHECK ((status = 'open') = (closed_at IS NULL))
);
CREATE INDEX waitlist_slots_service_id_idx ON clinic_data.waitlist_slots (tenant_id, service_id);
CREATE INDEX waitlist_slots_provider_id_idx ON clinic_data.waitlist_slots (tenant_id, provider_id);
CREATE INDEX waitlist_slots_location_id_idx ON clinic_data.waitlist_slots (tenant_id, location_id);
CREATE INDEX waitlist_slots_expires_idx ON clinic_data.waitlist_slots (tenant_id, expires_at) WHERE status = 'open';
COMMENT ON TABLE clinic_data.waitlist_slots IS 'Time that is being offered, one row for each free seat. While an offer of it stands, its claims keep the time.';
COMMENT ON COLUMN clinic_data.waitlist_slots.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.waitlist_slots.slot_id IS 'Identifies the offered time; owner_id of its claims.';
COMMENT ON COLUMN clinic_data.waitlist_slots.cause IS 'Why there is time: freed (an appointment), opened (hours), or staff, who offer what is free.';
COMMENT ON COLUMN clinic_data.waitlist_slots.mode IS 'single: one offer at a time; broadcast: several, the first to accept has it.';
COMMENT ON COLUMN clinic_data.waitlist_slots.freed_appointment_id IS 'The appointment whose time was freed.';
COMMENT ON COLUMN clinic_data.waitlist_slots.service_id IS 'Whose queue comes first: the service of what was freed; null: all alike.';
COMMENT ON COLUMN clinic_data.waitlist_slots.provider_id IS 'Whose time.';
COMMENT ON COLUMN clinic_data.waitlist_slots.location_id IS 'Where.';
COMMENT ON COLUMN clinic_data.waitlist_slots.opens_at IS 'Where visits that are offered may begin: from here.';
COMMENT ON COLUMN clinic_data.waitlist_slots.closes_at IS 'Where visits that are offered may begin: up to here, exclusive.';
COMMENT ON COLUMN clinic_data.waitlist_slots.status IS 'open, booked, or closed: nobody wanted it, or it is taken; it is everybody''s then.';
COMMENT ON COLUMN clinic_data.waitlist_slots.expires_at IS 'When the standing offers of it end.';
COMMENT ON COLUMN clinic_data.waitlist_slots.opened_at IS 'When it was first offered.';
COMMENT ON COLUMN clinic_data.waitlist_slots.closed_at IS 'When it was booked or closed.';

CREATE TABLE clinic_data.waitlist_offers (
    tenant_id uuid NOT NULL,
    offer_id uuid NOT NULL,
    slot_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    service_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    provider_id uuid NOT NULL,
    location_id uuid NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    status text NOT NULL DEFAULT 'open',
    offered_at timestamptz NOT NULL,
    answered_at timestamptz,
    appointment_id uuid,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by uuid,
    CONSTRAINT waitlist_offers_pkey PRIMARY KEY (tenant_id, offer_id),
    -- At most one offer for each entry and slot.
    CONSTRAINT waitlist_offers_slot_id_entry_id_key UNIQUE (tenant_id, slot_id, entry_id),
    CONSTRAINT waitlist_offers_slot_id_fkey FOREIGN KEY (tenant_id, slot_id)
        REFERENCES clinic_data.waitlist_slots (tenant_id, slot_id),
    CONSTRAINT waitlist_offers_entry_id_fkey FOREIGN KEY (tenant_id, entry_id)
        REFERENCES clinic_data.waitlist_entries (tenant_id, entry_id),
    CONSTRAINT waitlist_offers_service_id_fkey FOREIGN KEY (tenant_id, service_id)
        REFERENCES clinic_data.services (tenant_id, service_id),
    CONSTRAINT waitlist_offers_patient_id_fkey FOREIGN KEY (tenant_id, patient_id)
        REFERENCES clinic_data.patients (tenant_id, patient_id),
    CONSTRAINT waitlist_offers_provider_id_fkey FOREIGN KEY (tenant_id, provider_id)
        REFERENCES clinic_data.providers (tenant_id, provider_id),
    CONSTRAINT waitlist_offers_location_id_fkey FOREIGN KEY (tenant_id, location_id)
        REFERENCES clinic_data.locations (tenant_id, location_id),
    CONSTRAINT waitlist_offers_appointment_id_fkey FOREIGN KEY (tenant_id, appointment_id)
        REFERENCES clinic_data.appointments (tenant_id, appointment_id),
    CONSTRAINT waitlist_offers_times_check CHECK (ends_at > starts_at AND expires_at > offered_at AND expires_at <= starts_at),
    CONSTRAINT waitlist_offers_status_check
        CHECK (status IN ('open', 'accepted', 'declined', 'expired', 'taken', 'withdrawn')),
    CONSTRAINT waitlist_offers_accepted_check CHECK (appointment_id IS NULL OR status = 'accepted')
);
-- One entry has one offer at a time.
CREATE UNIQUE INDEX waitlist_offers_entry_id_open_key ON clinic_data.waitlist_offers (tenant_id, entry_id) WHERE status = 'open';
CREATE INDEX waitlist_offers_service_id_idx ON clinic_data.waitlist_offers (tenant_id, service_id);
CREATE INDEX waitlist_offers_provider_id_idx ON clinic_data.waitlist_offers (tenant_id, provider_id);
CREATE INDEX waitlist_offers_location_id_idx ON clinic_data.waitlist_offers (tenant_id, location_id);
CREATE INDEX waitlist_offers_appointment_id_idx ON clinic_data.waitlist_offers (tenant_id, appointment_id);
CREATE INDEX waitlist_offers_entry_id_idx ON clinic_data.waitlist_offers (tenant_id, entry_id, offered_at);
CREATE INDEX waitlist_offers_patient_id_idx ON clinic_data.waitlist_offers (tenant_id, patient_id, offered_at);
COMMENT ON TABLE clinic_data.waitlist_offers IS 'What was offered to whom, until when, and what they answered.';
COMMENT ON COLUMN clinic_data.waitlist_offers.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.waitlist_offers.offer_id IS 'Identifies the offer.';
COMMENT ON COLUMN clinic_data.waitlist_offers.slot_id IS 'The offered time; the offers of a broadcast share it.';
COMMENT ON COLUMN clinic_data.waitlist_offers.entry_id IS 'For which entry.';
COMMENT ON COLUMN clinic_data.waitlist_offers.service_id IS 'What is offered.';
COMMENT ON COLUMN clinic_data.waitlist_offers.patient_id IS 'To whom.';
COMMENT ON COLUMN clinic_data.waitlist_offers.provider_id IS 'With whom.';
COMMENT ON COLUMN clinic_data.waitlist_offers.location_id IS 'Where.';
COMMENT ON COLUMN clinic_data.waitlist_offers.starts_at IS 'Start of the visit.';
COMMENT ON COLUMN clinic_data.waitlist_offers.ends_at IS 'End of the visit, exclusive.';
COMMENT ON COLUMN clinic_data.waitlist_offers.expires_at IS 'The offer is dead from this microsecond on, whether somebody has cleared it away or not.';
COMMENT ON COLUMN clinic_data.waitlist_offers.status IS 'open, accepted, declined, expired, taken (somebody else was first) or withdrawn (the entry waits no more, or the session was moved or cancelled).';
COMMENT ON COLUMN clinic_data.waitlist_offers.offered_at IS 'When it was made.';
COMMENT ON COLUMN clinic_data.waitlist_offers.answered_at IS 'When it was answered, or found to be over.';
COMMENT ON COLUMN clinic_data.waitlist_offers.appointment_id IS 'What was booked by accepting it.';
COMMENT ON COLUMN clinic_data.waitlist_offers.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic_data.waitlist_offers.created_at IS 'When the row was made.';
COMMENT ON COLUMN clinic_data.waitlist_offers.created_by IS 'User who made it; null: the engine.';
COMMENT ON COLUMN clinic_data.waitlist_offers.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN clinic_data.waitlist_offers.updated_by IS 'User who last changed it.';

-- Hours that have been opened and not yet been offered: written by triggers, worked off by a job.
CREATE TABLE clinic_data.waitlist_openings (
    tenant_id uuid NOT NULL,
    opening_id uuid NOT NULL,
    resource_id uuid,
    location_id uuid,
    opened tstzmultirange NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT waitlist_openings_pkey PRIMARY KEY (tenant_id, opening_id),
    CONSTRAINT waitlist_openings_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES clinic_data.tenants (tenant_id),
    CONSTRAINT waitlist_openings_opened_check CHECK (NOT isempty(opened))
);
COMMENT ON TABLE clinic_data.waitlist_openings IS 'Hours that have been opened and are still to be offered to those who wait; a row leaves the table once that is done.';
COMMENT ON COLUMN clinic_data.waitlist_openings.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.waitlist_openings.opening_id IS 'Identifies the row; ordered by time.';
COMMENT ON COLUMN clinic_data.waitlist_openings.resource_id IS 'Whose hours; null: everybody''s at the location.';
COMMENT ON COLUMN clinic_data.waitlist_openings.location_id IS 'Where; null: everywhere.';
COMMENT ON COLUMN clinic_data.waitlist_openings.opened IS 'The time that was not open before.';
COMMENT ON COLUMN clinic_data.waitlist_openings.created_at IS 'When it was opened.';
