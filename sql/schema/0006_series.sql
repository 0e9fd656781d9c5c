-- Recurring appointments: what was asked for, and each of its dates with the appointment it became.

ALTER TABLE clinic_data.tenants
    ADD COLUMN series_days integer NOT NULL DEFAULT 180,
    ADD CONSTRAINT tenants_series_days_check CHECK (series_days BETWEEN 1 AND 3660);
COMMENT ON COLUMN clinic_data.tenants.series_days IS 'How many local days ahead a series without end is booked where its service has no horizon.';

CREATE TABLE clinic_data.series (
    tenant_id uuid NOT NULL,
    series_id uuid NOT NULL,
    previous_series_id uuid,
    status text NOT NULL DEFAULT 'active',
    service_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    provider_id uuid,
    location_id uuid,
    duration interval,
    resource_ids uuid[],
    rule text,
    local_first_starts_at timestamp NOT NULL,
    dates timestamp[],
    time_zone clinic_data.time_zone_name NOT NULL,
    excluded_dates date[] NOT NULL DEFAULT '{}',
    shift interval NOT NULL DEFAULT '0',
    local_from timestamp,
    local_until timestamp,
    gap text NOT NULL,
    mode text NOT NULL,
    override boolean NOT NULL DEFAULT false,
    overbook boolean NOT NULL DEFAULT false,
    reason text,
    endless boolean NOT NULL,
    local_materialised_until timestamp,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by uuid,
    CONSTRAINT series_pkey PRIMARY KEY (tenant_id, series_id),
    CONSTRAINT series_previous_series_id_fkey FOREIGN KEY (tenant_id, previous_series_id)
        REFERENCES clinic_data.series (tenant_id, series_id),
    CONSTRAINT series_service_id_fkey FOREIGN KEY (tenant_id, service_id)
        REFERENCES clinic_data.services (tenant_id, service_id),
    CONSTRAINT series_patient_id_fkey FOREIGN KEY (tenant_id, patient_id)
        REFERENCES clinic_data.patients (tenant_id, patient_id),
    CONSTRAINT series_provider_id_fkey FOREIGN KEY (tenant_id, provider_id)
        REFERENCES clinic_data.providers (tenant_id, provider_id),
    CONSTRAINT series_location_id_fkey FOREIGN KEY (tenant_id, location_id)
        REFERENCES clinic_data.locations (tenant_id, location_id),
    CONSTRAINT series_status_check CHECK (status IN ('active', 'ended', 'cancelled')),
    CONSTRAINT series_form_check CHECK ((rule IS NULL) <> (dates IS NULL)),
    CONSTRAINT series_gap_check CHECK (gap IN ('refuse', 'shift')),
    CONSTRAINT series_mode_check CHECK (mode IN ('all_or_nothing', 'skip')),
    CONSTRAINT series_endless_check CHECK (endless = (local_materialised_until IS NOT NULL))
);
CREATE INDEX series_patient_id_idx ON clinic_data.series (tenant_id, patient_id);
CREATE INDEX series_service_id_idx ON clinic_data.series (tenant_id, service_id);
CREATE INDEX series_provider_id_idx ON clinic_data.series (tenant_id, provider_id);
CREATE INDEX series_location_id_idx ON clinic_data.series (tenant_id, location_id);
CREATE INDEX series_previous_series_id_idx ON clinic_data.series (tenant_id, previous_series_id);
CREATE INDEX series_local_materialised_until_idx ON clinic_data.series (tenant_id, local_materialised_until) WHERE endless AND status = 'active';
COMMENT ON TABLE clinic_data.series IS 'Recurring appointments as they were asked for: a rule or dates in local time, and what is booked on each.';
COMMENT ON COLUMN clinic_data.series.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.series.series_id IS 'Identifies the series.';
COMMENT ON COLUMN clinic_data.series.previous_series_id IS 'The series of which this one was the later part, until it was changed from one date on.';
COMMENT ON COLUMN clinic_data.series.status IS 'active; ended: its later part was cancelled or became another series; cancelled: no date of it is to come.';
COMMENT ON COLUMN clinic_data.series.service_id IS 'What is done.';
COMMENT ON COLUMN clinic_data.series.patient_id IS 'For whom.';
COMMENT ON COLUMN clinic_data.series.provider_id IS 'By whom; null: chosen for each date.';
COMMENT ON COLUMN clinic_data.series.location_id IS 'Where; null: where the hours of the date are.';
COMMENT ON COLUMN clinic_data.series.duration IS 'How long; null: as long as the service takes.';
COMMENT ON COLUMN clinic_data.series.resource_ids IS 'Rooms and devices asked for by name; null: any of the classes that the service requires.';
COMMENT ON COLUMN clinic_data.series.rule IS 'Recurrence rule of RFC 5545, one RRULE value; null: dates.';
COMMENT ON COLUMN clinic_data.series.local_first_starts_at IS 'Local time from which the rule counts (DTSTART); the first of dates.';
COMMENT ON COLUMN clinic_data.series.dates IS 'Local starts one by one, instead of a rule.';
COMMENT ON COLUMN clinic_data.series.time_zone IS 'Zone of all local times.';
COMMENT ON COLUMN clinic_data.series.excluded_dates IS 'Local dates of the rule that are left out.';
COMMENT ON COLUMN clinic_data.series.shift IS 'By how much each date lies after what the rule says, in wall-clock time: what moving the series has changed.';
COMMENT ON COLUMN clinic_data.series.local_from IS 'What the rule yields before this local time belongs to previous_series_id.';
COMMENT ON COLUMN clinic_data.series.local_until IS 'What the rule yields from this local time on belongs to another series, or was cancelled.';
COMMENT ON COLUMN clinic_data.series.gap IS 'What becomes of a local time that the clock skips: refuse (as any other conflict) or shift (by the offset before).';
COMMENT ON COLUMN clinic_data.series.mode IS 'all_or_nothing, or skip: what cannot be booked is left out. Dates made later are always skipped one by one.';
COMMENT ON COLUMN clinic_data.series.override IS 'Booked with the rules overridden, as clinic.book_appointment does.';
COMMENT ON COLUMN clinic_data.series.overbook IS 'Booked over others.';
COMMENT ON COLUMN clinic_data.series.reason IS 'Why the rules gave way.';
COMMENT ON COLUMN clinic_data.series.endless IS 'The rule has neither COUNT nor UNTIL: dates are made as the horizon moves on.';
COMMENT ON COLUMN clinic_data.series.local_materialised_until IS 'Of an endless series: what the rule yields before this local time has been made.';
COMMENT ON COLUMN clinic_data.series.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic_data.series.created_at IS 'When it was booked.';
COMMENT ON COLUMN clinic_data.series.created_by IS 'User who booked it.';
COMMENT ON COLUMN clinic_data.series.updated_at IS 'When it was last changed.';
COMMENT ON COLUMN clinic_data.series.updated_by IS 'User who last changed it.';

-- What was meant for a date stands beside the appointment, so that what somebody did to the single one shows by comparing.
CREATE TABLE clinic_data.series_appointments (
    tenant_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    series_id uuid NOT NULL,
    ordinal integer NOT NULL,
    local_original_start timestamp NOT NULL,
    local_starts_at timestamp NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz,
    provider_id uuid,
    location_id uuid,
    resource_ids uuid[],
    outcome text NOT NULL,
    reason text,
    alternatives jsonb,
    appointment_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT series_appointments_pkey PRIMARY KEY (tenant_id, entry_id),
    CONSTRAINT series_appointments_local_original_start_key UNIQUE (tenant_id, series_id, local_original_start),
    CONSTRAINT series_appointments_appointment_id_key UNIQUE (tenant_id, appointment_id),
    CONSTRAINT series_appointments_series_id_fkey FOREIGN KEY (tenant_id, series_id)
        REFERENCES clinic_data.series (tenant_id, series_id),
    CONSTRAINT series_appointments_appointment_id_fkey FOREIGN KEY (tenant_id, appointment_id)
        REFERENCES clinic_data.appointments (tenant_id, appointment_id),
    CONSTRAINT series_appointments_outcome_check
        CHECK (outcome = 'booked' AND appointment_id IS NOT NULL OR outcome = 'skipped' AND appointment_id IS NULL AND reason IS NOT NULL)
);
COMMENT ON TABLE clinic_data.series_appointments IS 'The dates of series: which appointment each became, or why it could not be booked.';
COMMENT ON COLUMN clinic_data.series_appointments.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.series_appointments.entry_id IS 'Identifies the date, whichever series it belongs to in time.';
COMMENT ON COLUMN clinic_data.series_appointments.series_id IS 'The series.';
COMMENT ON COLUMN clinic_data.series_appointments.ordinal IS 'Number of the date among those made, from 1.';
COMMENT ON COLUMN clinic_data.series_appointments.local_original_start IS 'The local start that the rule yields; it names the date whatever happens to it (RECURRENCE-ID of RFC 5545).';
COMMENT ON COLUMN clinic_data.series_appointments.local_starts_at IS 'The local start meant for the date.';
COMMENT ON COLUMN clinic_data.series_appointments.starts_at IS 'The start meant for the date.';
COMMENT ON COLUMN clinic_data.series_appointments.ends_at IS 'The end meant for the date, exclusive; null for a skipped one.';
COMMENT ON COLUMN clinic_data.series_appointments.provider_id IS 'The provider booked by the series.';
COMMENT ON COLUMN clinic_data.series_appointments.location_id IS 'The location booked by the series.';
COMMENT ON COLUMN clinic_data.series_appointments.resource_ids IS 'Rooms and devices booked by the series.';
COMMENT ON COLUMN clinic_data.series_appointments.outcome IS 'booked, or skipped: it could not be booked.';
COMMENT ON COLUMN clinic_data.series_appointments.reason IS 'Why it could not: a code of clinic.error_codes().';
COMMENT ON COLUMN clinic_data.series_appointments.alternatives IS 'What was free instead at that time: an array of {"starts_at", "provider_id", "location_id"}.';
COMMENT ON COLUMN clinic_data.series_appointments.appointment_id IS 'The appointment that it became.';
COMMENT ON COLUMN clinic_data.series_appointments.created_at IS 'When the date was made.';
