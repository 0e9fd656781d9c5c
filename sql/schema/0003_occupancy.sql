-- Appointments, and the claims that occupy time for them.

CREATE SEQUENCE clinic_data.calendar_no_seq AS bigint;
COMMENT ON SEQUENCE clinic_data.calendar_no_seq IS 'Numbers the calendars of all tenants; internal, never shown.';

CREATE TABLE clinic_data.calendars (
    tenant_id uuid NOT NULL,
    resource_id uuid NOT NULL,
    lane integer NOT NULL,
    calendar_no bigint NOT NULL DEFAULT nextval('clinic_data.calendar_no_seq'),
    CONSTRAINT calendars_pkey PRIMARY KEY (tenant_id, resource_id, lane),
    CONSTRAINT calendars_calendar_no_key UNIQUE (calendar_no),
    CONSTRAINT calendars_tenant_id_calendar_no_key UNIQUE (tenant_id, calendar_no, resource_id),
    CONSTRAINT calendars_resource_id_fkey FOREIGN KEY (tenant_id, resource_id)
        REFERENCES clinic_data.resources (tenant_id, resource_id),
    CONSTRAINT calendars_lane_check CHECK (lane BETWEEN 1 AND 100000)
);
COMMENT ON TABLE clinic_data.calendars IS
    'The lanes of each resource: one calendar for each unit of capacity; within one calendar no two claims overlap. Lanes from 50001 take overbooked claims.';
COMMENT ON COLUMN clinic_data.calendars.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.calendars.resource_id IS 'The resource.';
COMMENT ON COLUMN clinic_data.calendars.lane IS 'Number of the lane within the resource, from 1.';
COMMENT ON COLUMN clinic_data.calendars.calendar_no IS 'Number of the calendar in the database: the narrow key of the exclusion constraint.';

CREATE TABLE clinic_data.appointments (
    tenant_id uuid NOT NULL,
    appointment_id uuid NOT NULL,
    confirmation_code text NOT NULL,
    service_id uuid NOT NULL,
    provider_id uuid NOT NULL,
    location_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    status text NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    local_starts_at timestamp NOT NULL,
    time_zone clinic_data.time_zone_name NOT NULL,
    capacity integer NOT NULL DEFAULT 1,
    overbooked boolean NOT NULL DEFAULT false,
    overridden text[] NOT NULL DEFAULT '{}',
    override_reason text,
    warnings text[] NOT NULL DEFAULT '{}',
    cancelled_at timestamptz,
    cancel_reason text,
    late_cancellation boolean NOT NULL DEFAULT false,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by uuid,
    CONSTRAINT appointments_pkey PRIMARY KEY (tenant_id, appointment_id),
    CONSTRAINT appointments_tenant_id_confirmation_code_key UNIQUE (tenant_id, confirmation_code),
    CONSTRAINT appointments_service_id_fkey FOREIGN KEY (tenant_id, service_id)
        REFERENCES clinic_data.services (tenant_id, service_id),
    CONSTRAINT appointments_provider_id_fkey FOREIGN KEY (tenant_id, provider_id)
        REFERENCES clinic_data.providers (tenant_id, provider_id),
    CONSTRAINT appointments_location_id_fkey FOREIGN KEY (tenant_id, location_id)
        REFERENCES clinic_data.locations (tenant_id, location_id),
    CONSTRAINT appointments_patient_id_fkey FOREIGN KEY (tenant_id, patient_id)
        REFERENCES clinic_data.patients (tenant_id, patient_id),
    CONSTRAINT appointments_status_check
        CHECK (status IN ('held', 'pending', 'booked', 'confirmed', 'arrived', 'in_progress', 'completed', 'cancelled', 'no_show')),
    CONSTRAINT appointments_times_check CHECK (ends_at > starts_at AND isfinite(starts_at) AND isfinite(ends_at)),
    CONSTRAINT appointments_cancelled_check CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL)),
    CONSTRAINT appointments_override_check CHECK (cardinality(overridden) = 0 OR length(override_reason) > 0)
);
CREATE INDEX appointments_provider_id_idx ON clinic_data.appointments (tenant_id, provider_id, starts_at);
CREATE INDEX appointments_patient_id_idx ON clinic_data.appointments (tenant_id, patient_id, starts_at);
CREATE INDEX appointments_location_id_idx ON clinic_data.appointments (tenant_id, location_id, starts_at);
CREATE INDEX appointments_starts_at_idx ON clinic_data.appointments (tenant_id, starts_at);
CREATE INDEX appointments_service_id_idx ON clinic_data.appointments (tenant_id, service_id, starts_at);
COMMENT ON TABLE clinic_data.appointments IS 'Visits of patients, past and future. What occupies time are their claims.';
COMMENT ON COLUMN clinic_data.appointments.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.appointments.appointment_id IS 'Identifies the appointment.';
COMMENT ON COLUMN clinic_data.appointments.confirmation_code IS 'Code that people can read out; unique in the tenant.';
COMMENT ON COLUMN clinic_data.appointments.service_id IS 'What is done.';
COMMENT ON COLUMN clinic_data.appointments.provider_id IS 'By whom.';
COMMENT ON COLUMN clinic_data.appointments.location_id IS 'Where.';
COMMENT ON COLUMN clinic_data.appointments.patient_id IS 'For whom.';
COMMENT ON COLUMN clinic_data.appointments.status IS 'held, pending, booked, confirmed, arrived, in_progress, completed, cancelled or no_show; all but the last three occupy their time until it is over.';
COMMENT ON COLUMN clinic_data.appointments.starts_at IS 'Start of the visit.';
COMMENT ON COLUMN clinic_data.appointments.ends_at IS 'End of the visit, exclusive; buffers not included.';
COMMENT ON COLUMN clinic_data.appointments.local_starts_at IS 'The local intent: wall-clock start in time_zone as understood when booked.';
COMMENT ON COLUMN clinic_data.appointments.time_zone IS 'Zone of the local intent.';
COMMENT ON COLUMN clinic_data.appointments.capacity IS 'How many bookings may share the time, as stamped when booked.';
COMMENT ON COLUMN clinic_data.appointments.overbooked IS 'Booked over others with the permission to do so.';
COMMENT ON COLUMN clinic_data.appointments.overridden IS 'Reasons that staff overrode when booking.';
COMMENT ON COLUMN clinic_data.appointments.override_reason IS 'Why they did.';
COMMENT ON COLUMN clinic_data.appointments.warnings IS 'What was warned of when booking, such as patient_conflict.';
COMMENT ON COLUMN clinic_data.appointments.cancelled_at IS 'When it was cancelled.';
COMMENT ON COLUMN clinic_data.appointments.cancel_reason IS 'Why it was cancelled.';
COMMENT ON COLUMN clinic_data.appointments.late_cancellation IS 'Cancelled inside the cancellation window.';
COMMENT ON COLUMN clinic_data.appointments.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic_data.appointments.created_at IS 'When it was booked.';
COMMENT ON COLUMN clinic_data.appointments.created_by IS 'User who booked it.';
COMMENT ON COLUMN clinic_data.appointments.updated_at IS 'When it was last changed.';
COMMENT ON COLUMN clinic_data.appointments.updated_by IS 'User who last changed it.';

CREATE TABLE clinic_data.appointment_resources (
    tenant_id uuid NOT NULL,
    appointment_id uuid NOT NULL,
    resource_id uuid NOT NULL,
    buffer_before_minutes integer NOT NULL DEFAULT 0,
    buffer_after_minutes integer NOT NULL DEFAULT 0,
    CONSTRAINT appointment_resources_pkey PRIMARY KEY (tenant_id, appointment_id, resource_id),
    CONSTRAINT appointment_resources_appointment_id_fkey FOREIGN KEY (tenant_id, appointment_id)
        REFERENCES clinic_data.appointments (tenant_id, appointment_id),
    CONSTRAINT appointment_resources_resource_id_fkey FOREIGN KEY (tenant_id, resource_id)
        REFERENCES clinic_data.resources (tenant_id, resource_id)
);
CREATE INDEX appointment_resources_resource_id_idx ON clinic_data.appointment_resources (tenant_id, resource_id, appointment_id);
COMMENT ON TABLE clinic_data.appointment_resources IS 'Which resources an appointment uses (provider, rooms, devices), kept after its claims are gone.';
COMMENT ON COLUMN clinic_data.appointment_resources.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.appointment_resources.appointment_id IS 'The appointment.';
COMMENT ON COLUMN clinic_data.appointment_resources.resource_id IS 'The resource.';
COMMENT ON COLUMN clinic_data.appointment_resources.buffer_before_minutes IS 'Buffer kept before the visit on this resource, in minutes.';
COMMENT ON COLUMN clinic_data.appointment_resources.buffer_after_minutes IS 'Buffer kept after the visit on this resource, in minutes.';

CREATE TABLE clinic_data.claims (
    tenant_id uuid NOT NULL,
    claim_id uuid NOT NULL,
    resource_id uuid NOT NULL,
    calendar_no bigint NOT NULL,
    during tstzrange NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    kind text NOT NULL,
    capacity integer NOT NULL DEFAULT 1,
    overbooked boolean NOT NULL DEFAULT false,
    service_id uuid,
    location_id uuid,
    appointment_id uuid,
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    CONSTRAINT claims_pkey PRIMARY KEY (tenant_id, claim_id),
    CONSTRAINT claims_calendar_no_during_excl EXCLUDE USING gist (calendar_no WITH =, during WITH &&),
    CONSTRAINT claims_calendar_no_fkey FOREIGN KEY (tenant_id, calendar_no, resource_id)
        REFERENCES clinic_data.calendars (tenant_id, calendar_no, resource_id),
    CONSTRAINT claims_appointment_id_fkey FOREIGN KEY (tenant_id, appointment_id)
        REFERENCES clinic_data.appointments (tenant_id, appointment_id),
    CONSTRAINT claims_during_check
        CHECK (NOT isempty(during) AND lower_inc(during) AND NOT upper_inc(during)
               AND NOT lower_inf(during) AND NOT upper_inf(during)
               AND isfinite(lower(during)) AND isfinite(upper(during))),
    CONSTRAINT claims_visit_check
        CHECK (starts_at < ends_at AND starts_at >= lower(during) AND ends_at <= upper(during)),
    CONSTRAINT claims_length_check CHECK (upper(during) - lower(during) <= '240:00:00'),
    CONSTRAINT claims_kind_check CHECK (kind IN ('booking', 'pending', 'hold', 'offer')),
    CONSTRAINT claims_expires_check CHECK (expires_at IS NOT NULL OR kind IN ('booking', 'pending')),
    CONSTRAINT claims_appointment_check CHECK (kind <> 'booking' OR appointment_id IS NOT NULL),
    CONSTRAINT claims_capacity_check CHECK (capacity BETWEEN 1 AND 1000000)
);
CREATE INDEX claims_resource_id_idx ON clinic_data.claims (tenant_id, resource_id, starts_at);
CREATE INDEX claims_appointment_id_idx ON clinic_data.claims (tenant_id, appointment_id);
COMMENT ON TABLE clinic_data.claims IS
    'Time that is taken, on one lane of one resource. Rows that can no longer conflict leave the table. The exclusion constraint is the proof that nothing overlaps, whoever writes.';
COMMENT ON COLUMN clinic_data.claims.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.claims.claim_id IS 'Identifies the claim.';
COMMENT ON COLUMN clinic_data.claims.resource_id IS 'The resource that is busy.';
COMMENT ON COLUMN clinic_data.claims.calendar_no IS 'The lane of the resource.';
COMMENT ON COLUMN clinic_data.claims.during IS 'The time taken, buffers included, half-open [).';
COMMENT ON COLUMN clinic_data.claims.starts_at IS 'Start of the visit itself.';
COMMENT ON COLUMN clinic_data.claims.ends_at IS 'End of the visit itself, exclusive.';
COMMENT ON COLUMN clinic_data.claims.kind IS 'booking, pending (approval), hold or offer.';
COMMENT ON COLUMN clinic_data.claims.capacity IS 'How many claims this one tolerates on the resource at one time, itself included.';
COMMENT ON COLUMN clinic_data.claims.overbooked IS 'Placed over others with permission; counts as busy, in a lane of its own.';
COMMENT ON COLUMN clinic_data.claims.service_id IS 'The service of the visit.';
COMMENT ON COLUMN clinic_data.claims.location_id IS 'Where the visit is, for driving times.';
COMMENT ON COLUMN clinic_data.claims.appointment_id IS 'The appointment it belongs to.';
COMMENT ON COLUMN clinic_data.claims.expires_at IS 'A hold, offer or timed approval is dead from this microsecond on.';
COMMENT ON COLUMN clinic_data.claims.created_at IS 'When it was made.';
COMMENT ON COLUMN clinic_data.claims.created_by IS 'User who made it.';
