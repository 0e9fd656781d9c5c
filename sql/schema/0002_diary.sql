-- Who and what can be booked, for which services, at which hours.

CREATE TABLE clinic_data.resources (
    tenant_id uuid NOT NULL,
    resource_id uuid NOT NULL,
    kind text NOT NULL,
    name text,
    resource_class text,
    location_id uuid,
    quantity integer NOT NULL DEFAULT 1,
    buffer_before_minutes integer NOT NULL DEFAULT 0,
    buffer_after_minutes integer NOT NULL DEFAULT 0,
    color text,
    status text NOT NULL DEFAULT 'active',
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by uuid,
    CONSTRAINT resources_pkey PRIMARY KEY (tenant_id, resource_id),
    CONSTRAINT resources_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES clinic_data.tenants (tenant_id),
    CONSTRAINT resources_location_id_fkey FOREIGN KEY (tenant_id, location_id)
        REFERENCES clinic_data.locations (tenant_id, location_id),
    CONSTRAINT resources_kind_check CHECK (kind IN ('provider', 'room', 'device', 'patient')),
    CONSTRAINT resources_name_check CHECK (kind = 'patient' OR length(name) BETWEEN 1 AND 200),
    CONSTRAINT resources_class_check
        CHECK ((resource_class IS NOT NULL) = (kind IN ('room', 'device')) AND length(resource_class) BETWEEN 1 AND 60),
    CONSTRAINT resources_location_check CHECK (kind NOT IN ('room', 'device') OR location_id IS NOT NULL),
    CONSTRAINT resources_quantity_check CHECK (quantity BETWEEN 1 AND 1000 AND (quantity = 1 OR kind IN ('room', 'device'))),
    CONSTRAINT resources_buffers_check
        CHECK (buffer_before_minutes BETWEEN 0 AND 1440 AND buffer_after_minutes BETWEEN 0 AND 1440),
    CONSTRAINT resources_color_check CHECK (color ~ '^#[0-9a-f]{6}$'),
    CONSTRAINT resources_status_check CHECK (status IN ('active', 'inactive'))
);
CREATE INDEX resources_location_id_idx ON clinic_data.resources (tenant_id, location_id, resource_class);
-- Patients are resources too, and many.
CREATE INDEX resources_class_idx ON clinic_data.resources (tenant_id, resource_class, kind) WHERE kind <> 'patient';
COMMENT ON TABLE clinic_data.resources IS
    'Everything that can be busy: providers, rooms, devices and patients. Providers and patients have a table of their own beside it, under the same id.';
COMMENT ON COLUMN clinic_data.resources.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.resources.resource_id IS 'Identifies the resource; equals provider_id or patient_id for those kinds.';
COMMENT ON COLUMN clinic_data.resources.kind IS 'provider, room, device or patient.';
COMMENT ON COLUMN clinic_data.resources.name IS 'Name shown to people; none for patients.';
COMMENT ON COLUMN clinic_data.resources.resource_class IS 'What a service asks for, such as laser or treatment_room; rooms and devices only.';
COMMENT ON COLUMN clinic_data.resources.location_id IS 'Where a room or device stands.';
COMMENT ON COLUMN clinic_data.resources.quantity IS 'How many interchangeable units there are.';
COMMENT ON COLUMN clinic_data.resources.buffer_before_minutes IS 'Least buffer before each use, in minutes.';
COMMENT ON COLUMN clinic_data.resources.buffer_after_minutes IS 'Least buffer after each use, in minutes.';
COMMENT ON COLUMN clinic_data.resources.color IS 'Colour in calendars, #rrggbb.';
COMMENT ON COLUMN clinic_data.resources.status IS 'active or inactive.';
COMMENT ON COLUMN clinic_data.resources.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic_data.resources.created_at IS 'When the row was made.';
COMMENT ON COLUMN clinic_data.resources.created_by IS 'User who made the row.';
COMMENT ON COLUMN clinic_data.resources.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN clinic_data.resources.updated_by IS 'User who last changed the row.';

CREATE TABLE clinic_data.providers (
    tenant_id uuid NOT NULL,
    provider_id uuid NOT NULL,
    time_zone clinic_data.time_zone_name NOT NULL,
    specialty text,
    max_per_day integer,
    max_per_week integer,
    CONSTRAINT providers_pkey PRIMARY KEY (tenant_id, provider_id),
    CONSTRAINT providers_provider_id_fkey FOREIGN KEY (tenant_id, provider_id)
        REFERENCES clinic_data.resources (tenant_id, resource_id),
    CONSTRAINT providers_limits_check CHECK (max_per_day >= 0 AND max_per_week >= 0)
);
COMMENT ON TABLE clinic_data.providers IS 'People who see patients; the common part (name, status, buffers, colour) is in resources.';
COMMENT ON COLUMN clinic_data.providers.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.providers.provider_id IS 'Identifies the provider; the resource of the same id.';
COMMENT ON COLUMN clinic_data.providers.time_zone IS 'Home zone: limits, leave and stays count local dates in it.';
COMMENT ON COLUMN clinic_data.providers.specialty IS 'Specialty in words.';
COMMENT ON COLUMN clinic_data.providers.max_per_day IS 'Most visits of any service on a local day; null: no limit.';
COMMENT ON COLUMN clinic_data.providers.max_per_week IS 'Most visits of any service in an ISO week; null: no limit.';

CREATE TABLE clinic_data.patients (
    tenant_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    mrn text,
    name text NOT NULL,
    date_of_birth date,
    sex text,
    status text NOT NULL DEFAULT 'active',
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by uuid,
    CONSTRAINT patients_pkey PRIMARY KEY (tenant_id, patient_id),
    CONSTRAINT patients_tenant_id_mrn_key UNIQUE (tenant_id, mrn),
    CONSTRAINT patients_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES clinic_data.tenants (tenant_id),
    CONSTRAINT patients_name_check CHECK (length(name) BETWEEN 1 AND 200),
    CONSTRAINT patients_sex_check CHECK (sex IN ('female', 'male', 'other', 'unknown')),
    CONSTRAINT patients_status_check CHECK (status IN ('active', 'inactive', 'deceased'))
);
COMMENT ON TABLE clinic_data.patients IS 'Patients, with the demographics that booking needs.';
COMMENT ON COLUMN clinic_data.patients.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.patients.patient_id IS 'Identifies the patient.';
COMMENT ON COLUMN clinic_data.patients.mrn IS 'Medical record number shown to people; unique in the tenant.';
COMMENT ON COLUMN clinic_data.patients.name IS 'Name of the patient.';
COMMENT ON COLUMN clinic_data.patients.date_of_birth IS 'Date of birth.';
COMMENT ON COLUMN clinic_data.patients.sex IS 'FHIR administrative gender: female, male, other or unknown.';
COMMENT ON COLUMN clinic_data.patients.status IS 'active, inactive or deceased; only active patients can be booked.';
COMMENT ON COLUMN clinic_data.patients.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic_data.patients.created_at IS 'When the row was made.';
COMMENT ON COLUMN clinic_data.patients.created_by IS 'User who made the row.';
COMMENT ON COLUMN clinic_data.patients.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN clinic_data.patients.updated_by IS 'User who last changed the row.';

CREATE TABLE clinic_data.services (
    tenant_id uuid NOT NULL,
    service_id uuid NOT NULL,
    name text NOT NULL,
    duration_minutes integer NOT NULL,
    min_duration_minutes integer,
    max_duration_minutes integer,
    step_minutes integer NOT NULL,
    anchor text NOT NULL DEFAULT 'window',
    buffer_before_minutes integer NOT NULL DEFAULT 0,
    buffer_after_minutes integer NOT NULL DEFAULT 0,
    buffers_inside_hours boolean NOT NULL DEFAULT false,
    lead_time_minutes integer NOT NULL DEFAULT 0,
    same_day boolean NOT NULL DEFAULT true,
    horizon_days integer,
    cancel_window_minutes integer NOT NULL DEFAULT 0,
    capacity integer NOT NULL DEFAULT 1,
    max_per_day integer,
    max_per_week integer,
    color text,
    status text NOT NULL DEFAULT 'active',
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by uuid,
    CONSTRAINT services_pkey PRIMARY KEY (tenant_id, service_id),
    CONSTRAINT services_tenant_id_name_key UNIQUE (tenant_id, name),
    CONSTRAINT services_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES clinic_data.tenants (tenant_id),
    CONSTRAINT services_name_check CHECK (length(name) BETWEEN 1 AND 200),
    CONSTRAINT services_duration_check CHECK (duration_minutes BETWEEN 1 AND 10080),
    CONSTRAINT services_duration_range_check
        CHECK (min_duration_minutes BETWEEN 1 AND duration_minutes
               AND max_duration_minutes BETWEEN duration_minutes AND 10080),
    CONSTRAINT services_step_check CHECK (step_minutes BETWEEN 1 AND 1440),
    CONSTRAINT services_anchor_check CHECK (anchor IN ('window', 'midnight')),
    CONSTRAINT services_buffers_check
        CHECK (buffer_before_minutes BETWEEN 0 AND 1440 AND buffer_after_minutes BETWEEN 0 AND 1440),
    CONSTRAINT services_lead_time_check CHECK (lead_time_minutes BETWEEN 0 AND 527040),
    CONSTRAINT services_horizon_check CHECK (horizon_days BETWEEN 0 AND 3660),
    CONSTRAINT services_cancel_window_check CHECK (cancel_window_minutes BETWEEN 0 AND 527040),
    CONSTRAINT services_capacity_check CHECK (capacity BETWEEN 1 AND 1000),
    CONSTRAINT services_limits_check CHECK (max_per_day >= 0 AND max_per_week >= 0),
    CONSTRAINT services_color_check CHECK (color ~ '^#[0-9a-f]{6}$'),
    CONSTRAINT services_status_check CHECK (status IN ('active', 'inactive'))
);
COMMENT ON TABLE clinic_data.services IS 'Appointment types: how long, on which grid, how far ahead, with what around them.';
COMMENT ON COLUMN clinic_data.services.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.services.service_id IS 'Identifies the service.';
COMMENT ON COLUMN clinic_data.services.name IS 'Name shown to people; unique in the tenant.';
COMMENT ON COLUMN clinic_data.services.duration_minutes IS 'Length of a visit, in minutes.';
COMMENT ON COLUMN clinic_data.services.min_duration_minutes IS 'Shortest length that may be asked for; null: duration_minutes.';
COMMENT ON COLUMN clinic_data.services.max_duration_minutes IS 'Longest length that may be asked for; null: duration_minutes.';
COMMENT ON COLUMN clinic_data.services.step_minutes IS 'Distance of the starts on the grid, in elapsed minutes.';
COMMENT ON COLUMN clinic_data.services.anchor IS 'Where the grid begins: window (the start of each merged window) or midnight (local).';
COMMENT ON COLUMN clinic_data.services.buffer_before_minutes IS 'Buffer before the visit, in minutes; additive.';
COMMENT ON COLUMN clinic_data.services.buffer_after_minutes IS 'Buffer after the visit, in minutes; additive.';
COMMENT ON COLUMN clinic_data.services.buffers_inside_hours IS 'Whether the hours must contain the buffers too.';
COMMENT ON COLUMN clinic_data.services.lead_time_minutes IS 'Least elapsed time between booking and start, in minutes; exactly that much is allowed.';
COMMENT ON COLUMN clinic_data.services.same_day IS 'False: a start on today''s date of the location is too soon.';
COMMENT ON COLUMN clinic_data.services.horizon_days IS 'How many local days ahead may be booked, today plus n inclusive; null: no limit.';
COMMENT ON COLUMN clinic_data.services.cancel_window_minutes IS 'A cancellation less than this before the start is late, in elapsed minutes.';
COMMENT ON COLUMN clinic_data.services.capacity IS 'How many bookings may share the provider and rooms at one time.';
COMMENT ON COLUMN clinic_data.services.max_per_day IS 'Most visits of this service at one provider on a local day; null: no limit.';
COMMENT ON COLUMN clinic_data.services.max_per_week IS 'Most visits of this service at one provider in an ISO week; null: no limit.';
COMMENT ON COLUMN clinic_data.services.color IS 'Colour in calendars, #rrggbb.';
COMMENT ON COLUMN clinic_data.services.status IS 'active or inactive.';
COMMENT ON COLUMN clinic_data.services.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic_data.services.created_at IS 'When the row was made.';
COMMENT ON COLUMN clinic_data.services.created_by IS 'User who made the row.';
COMMENT ON COLUMN clinic_data.services.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN clinic_data.services.updated_by IS 'User who last changed the row.';

CREATE TABLE clinic_data.service_providers (
    tenant_id uuid NOT NULL,
    service_id uuid NOT NULL,
    provider_id uuid NOT NULL,
    duration_minutes integer,
    buffer_before_minutes integer,
    buffer_after_minutes integer,
    CONSTRAINT service_providers_pkey PRIMARY KEY (tenant_id, service_id, provider_id),
    CONSTRAINT service_providers_service_id_fkey FOREIGN KEY (tenant_id, service_id)
        REFERENCES clinic_data.services (tenant_id, service_id),
    CONSTRAINT service_providers_provider_id_fkey FOREIGN KEY (tenant_id, provider_id)
        REFERENCES clinic_data.providers (tenant_id, provider_id),
    CONSTRAINT service_providers_duration_check CHECK (duration_minutes BETWEEN 1 AND 10080),
    CONSTRAINT service_providers_buffers_check
        CHECK (buffer_before_minutes BETWEEN 0 AND 1440 AND buffer_after_minutes BETWEEN 0 AND 1440)
);
CREATE INDEX service_providers_provider_id_idx ON clinic_data.service_providers (tenant_id, provider_id);
COMMENT ON TABLE clinic_data.service_providers IS 'Who offers which service, with what differs for that provider.';
COMMENT ON COLUMN clinic_data.service_providers.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.service_providers.service_id IS 'The service.';
COMMENT ON COLUMN clinic_data.service_providers.provider_id IS 'The provider.';
COMMENT ON COLUMN clinic_data.service_providers.duration_minutes IS 'Length of the visit at this provider; null: the service''s.';
COMMENT ON COLUMN clinic_data.service_providers.buffer_before_minutes IS 'Explicit buffer before the visit on the provider, instead of the longest of the defaults.';
COMMENT ON COLUMN clinic_data.service_providers.buffer_after_minutes IS 'Explicit buffer after the visit on the provider, instead of the longest of the defaults.';

CREATE TABLE clinic_data.service_resources (
    tenant_id uuid NOT NULL,
    service_id uuid NOT NULL,
    resource_class text NOT NULL,
    quantity integer NOT NULL DEFAULT 1,
    CONSTRAINT service_resources_pkey PRIMARY KEY (tenant_id, service_id, resource_class),
    CONSTRAINT service_resources_service_id_fkey FOREIGN KEY (tenant_id, service_id)
        REFERENCES clinic_data.services (tenant_id, service_id),
    CONSTRAINT service_resources_quantity_check CHECK (quantity BETWEEN 1 AND 20)
);
COMMENT ON TABLE clinic_data.service_resources IS 'Which rooms or devices a service needs, by class.';
COMMENT ON COLUMN clinic_data.service_resources.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.service_resources.service_id IS 'The service.';
COMMENT ON COLUMN clinic_data.service_resources.resource_class IS 'The class needed.';
COMMENT ON COLUMN clinic_data.service_resources.quantity IS 'How many different resources of the class.';

CREATE TABLE clinic_data.availability_rules (
    tenant_id uuid NOT NULL,
    rule_id uuid NOT NULL,
    resource_id uuid NOT NULL,
    location_id uuid NOT NULL,
    rule clinic_data.hours_rule NOT NULL,
    dtstart_on date NOT NULL,
    start_time time NOT NULL,
    end_time time NOT NULL,
    time_zone clinic_data.time_zone_name NOT NULL,
    valid_from date NOT NULL,
    valid_until date,
    service_ids uuid[],
    max_appointments integer,
    replaces_rule_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    retired_at timestamptz,
    retired_by uuid,
    CONSTRAINT availability_rules_pkey PRIMARY KEY (tenant_id, rule_id),
    CONSTRAINT availability_rules_resource_id_fkey FOREIGN KEY (tenant_id, resource_id)
        REFERENCES clinic_data.resources (tenant_id, resource_id),
    CONSTRAINT availability_rules_location_id_fkey FOREIGN KEY (tenant_id, location_id)
        REFERENCES clinic_data.locations (tenant_id, location_id),
    CONSTRAINT availability_rules_replaces_fkey FOREIGN KEY (tenant_id, replaces_rule_id)
        REFERENCES clinic_data.availability_rules (tenant_id, rule_id),
    CONSTRAINT availability_rules_start_check CHECK (start_time < '24:00'),
    CONSTRAINT availability_rules_valid_check CHECK (valid_until >= valid_from),
    CONSTRAINT availability_rules_services_check CHECK (cardinality(service_ids) > 0),
    CONSTRAINT availability_rules_max_check CHECK (max_appointments >= 0)
);
CREATE INDEX availability_rules_resource_id_idx ON clinic_data.availability_rules (tenant_id, resource_id);
CREATE INDEX availability_rules_location_id_idx ON clinic_data.availability_rules (tenant_id, location_id);
CREATE INDEX availability_rules_replaces_idx ON clinic_data.availability_rules (tenant_id, replaces_rule_id);
COMMENT ON TABLE clinic_data.availability_rules IS
    'Recurring hours: on the dates of a recurrence rule, a wall-clock window at a location. Rows are never rewritten: a change retires one and adds the next.';
COMMENT ON COLUMN clinic_data.availability_rules.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.availability_rules.rule_id IS 'Identifies this version of the hours.';
COMMENT ON COLUMN clinic_data.availability_rules.resource_id IS 'Whose hours: a provider, room or device (a room or device without hours is always open).';
COMMENT ON COLUMN clinic_data.availability_rules.location_id IS 'Where.';
COMMENT ON COLUMN clinic_data.availability_rules.rule IS 'On which dates: an RRULE value, such as FREQ=WEEKLY;INTERVAL=2;BYDAY=MO.';
COMMENT ON COLUMN clinic_data.availability_rules.dtstart_on IS 'DTSTART of the rule: its phase (which fortnight) and where COUNT begins.';
COMMENT ON COLUMN clinic_data.availability_rules.start_time IS 'Wall-clock start of the window.';
COMMENT ON COLUMN clinic_data.availability_rules.end_time IS 'Wall-clock end; not after start_time: on the next day; 24:00 is the end of the day.';
COMMENT ON COLUMN clinic_data.availability_rules.time_zone IS 'Zone of the wall clock.';
COMMENT ON COLUMN clinic_data.availability_rules.valid_from IS 'First date on which it counts.';
COMMENT ON COLUMN clinic_data.availability_rules.valid_until IS 'Last date on which it counts; null: for ever.';
COMMENT ON COLUMN clinic_data.availability_rules.service_ids IS 'Which services; null: all.';
COMMENT ON COLUMN clinic_data.availability_rules.max_appointments IS 'Most visits starting in one window; null: no limit.';
COMMENT ON COLUMN clinic_data.availability_rules.replaces_rule_id IS 'The version before this one.';
COMMENT ON COLUMN clinic_data.availability_rules.created_at IS 'Since when it is known.';
COMMENT ON COLUMN clinic_data.availability_rules.created_by IS 'User who made the row.';
COMMENT ON COLUMN clinic_data.availability_rules.retired_at IS 'Since when it no longer counts at all; null: it counts.';
COMMENT ON COLUMN clinic_data.availability_rules.retired_by IS 'User who retired it.';

CREATE TABLE clinic_data.date_overrides (
    tenant_id uuid NOT NULL,
    override_id uuid NOT NULL,
    resource_id uuid NOT NULL,
    location_id uuid,
    on_date date NOT NULL,
    kind text NOT NULL,
    start_time time,
    end_time time,
    time_zone clinic_data.time_zone_name,
    works_on_holidays boolean NOT NULL DEFAULT false,
    service_ids uuid[],
    max_appointments integer,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    retired_at timestamptz,
    retired_by uuid,
    CONSTRAINT date_overrides_pkey PRIMARY KEY (tenant_id, override_id),
    CONSTRAINT date_overrides_resource_id_fkey FOREIGN KEY (tenant_id, resource_id)
        REFERENCES clinic_data.resources (tenant_id, resource_id),
    CONSTRAINT date_overrides_location_id_fkey FOREIGN KEY (tenant_id, location_id)
        REFERENCES clinic_data.locations (tenant_id, location_id),
    CONSTRAINT date_overrides_kind_check CHECK (kind IN ('open', 'closed')),
    CONSTRAINT date_overrides_window_check
        CHECK (CASE kind
                   WHEN 'open' THEN start_time IS NOT NULL AND end_time IS NOT NULL AND location_id IS NOT NULL
                                    AND time_zone IS NOT NULL AND start_time < '24:00'
                   ELSE start_time IS NULL AND end_time IS NULL AND service_ids IS NULL AND max_appointments IS NULL
               END),
    CONSTRAINT date_overrides_services_check CHECK (cardinality(service_ids) > 0),
    CONSTRAINT date_overrides_max_check CHECK (max_appointments >= 0)
);
CREATE INDEX date_overrides_resource_id_idx ON clinic_data.date_overrides (tenant_id, resource_id, on_date);
CREATE INDEX date_overrides_location_id_idx ON clinic_data.date_overrides (tenant_id, location_id, on_date);
COMMENT ON TABLE clinic_data.date_overrides IS
    'What differs on one date: the rows of a date (several windows, or one closed) replace the rules'' windows that start on it.';
COMMENT ON COLUMN clinic_data.date_overrides.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.date_overrides.override_id IS 'Identifies the row.';
COMMENT ON COLUMN clinic_data.date_overrides.resource_id IS 'Whose hours.';
COMMENT ON COLUMN clinic_data.date_overrides.location_id IS 'Where; null with closed: everywhere.';
COMMENT ON COLUMN clinic_data.date_overrides.on_date IS 'The local date on which the replaced windows start.';
COMMENT ON COLUMN clinic_data.date_overrides.kind IS 'open (a window) or closed.';
COMMENT ON COLUMN clinic_data.date_overrides.start_time IS 'Wall-clock start of the window.';
COMMENT ON COLUMN clinic_data.date_overrides.end_time IS 'Wall-clock end; not after start_time: on the next day.';
COMMENT ON COLUMN clinic_data.date_overrides.time_zone IS 'Zone of the wall clock.';
COMMENT ON COLUMN clinic_data.date_overrides.works_on_holidays IS 'Whether the window holds on a holiday of the location.';
COMMENT ON COLUMN clinic_data.date_overrides.service_ids IS 'Which services; null: all.';
COMMENT ON COLUMN clinic_data.date_overrides.max_appointments IS 'Most visits starting in the window; null: no limit.';
COMMENT ON COLUMN clinic_data.date_overrides.created_at IS 'Since when it is known.';
COMMENT ON COLUMN clinic_data.date_overrides.created_by IS 'User who made the row.';
COMMENT ON COLUMN clinic_data.date_overrides.retired_at IS 'Since when it no longer counts; null: it counts.';
COMMENT ON COLUMN clinic_data.date_overrides.retired_by IS 'User who retired it.';

CREATE TABLE clinic_data.holidays (
    tenant_id uuid NOT NULL,
    holiday_id uuid NOT NULL,
    location_id uuid NOT NULL,
    on_date date NOT NULL,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    retired_at timestamptz,
    retired_by uuid,
    CONSTRAINT holidays_pkey PRIMARY KEY (tenant_id, holiday_id),
    CONSTRAINT holidays_location_id_fkey FOREIGN KEY (tenant_id, location_id)
        REFERENCES clinic_data.locations (tenant_id, location_id)
);
CREATE INDEX holidays_location_id_idx ON clinic_data.holidays (tenant_id, location_id, on_date);
COMMENT ON TABLE clinic_data.holidays IS 'Dates on which a location is closed: no window starts, but those of an override that works on holidays.';
COMMENT ON COLUMN clinic_data.holidays.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.holidays.holiday_id IS 'Identifies the row.';
COMMENT ON COLUMN clinic_data.holidays.location_id IS 'Where.';
COMMENT ON COLUMN clinic_data.holidays.on_date IS 'The local date.';
COMMENT ON COLUMN clinic_data.holidays.name IS 'Name of the holiday.';
COMMENT ON COLUMN clinic_data.holidays.created_at IS 'Since when it is known.';
COMMENT ON COLUMN clinic_data.holidays.created_by IS 'User who made the row.';
COMMENT ON COLUMN clinic_data.holidays.retired_at IS 'Since when it no longer counts; null: it counts.';
COMMENT ON COLUMN clinic_data.holidays.retired_by IS 'User who retired it.';

CREATE TABLE clinic_data.stays (
    tenant_id uuid NOT NULL,
    stay_id uuid NOT NULL,
    resource_id uuid NOT NULL,
    from_on date NOT NULL,
    until_on date NOT NULL,
    time_zone clinic_data.time_zone_name NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    retired_at timestamptz,
    retired_by uuid,
    CONSTRAINT stays_pkey PRIMARY KEY (tenant_id, stay_id),
    CONSTRAINT stays_resource_id_fkey FOREIGN KEY (tenant_id, resource_id)
        REFERENCES clinic_data.resources (tenant_id, resource_id),
    CONSTRAINT stays_dates_check CHECK (until_on >= from_on)
);
CREATE INDEX stays_resource_id_idx ON clinic_data.stays (tenant_id, resource_id, from_on);
COMMENT ON TABLE clinic_data.stays IS 'Stays in another zone: for these home dates the wall-clock hours are read in it. Booked instants stay.';
COMMENT ON COLUMN clinic_data.stays.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.stays.stay_id IS 'Identifies the row.';
COMMENT ON COLUMN clinic_data.stays.resource_id IS 'Who is away (a provider).';
COMMENT ON COLUMN clinic_data.stays.from_on IS 'First home date.';
COMMENT ON COLUMN clinic_data.stays.until_on IS 'Last home date, inclusive.';
COMMENT ON COLUMN clinic_data.stays.time_zone IS 'The zone in force.';
COMMENT ON COLUMN clinic_data.stays.created_at IS 'Since when it is known.';
COMMENT ON COLUMN clinic_data.stays.created_by IS 'User who made the row.';
COMMENT ON COLUMN clinic_data.stays.retired_at IS 'Since when it no longer counts; null: it counts.';
COMMENT ON COLUMN clinic_data.stays.retired_by IS 'User who retired it.';

CREATE TABLE clinic_data.blocks (
    tenant_id uuid NOT NULL,
    block_id uuid NOT NULL,
    resource_id uuid,
    location_id uuid,
    kind text NOT NULL,
    starts_at timestamptz,
    ends_at timestamptz,
    from_on date,
    until_on date,
    rule clinic_data.hours_rule,
    start_time time,
    end_time time,
    time_zone clinic_data.time_zone_name,
    service_ids uuid[],
    patient_id uuid,
    title text,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    retired_at timestamptz,
    retired_by uuid,
    CONSTRAINT blocks_pkey PRIMARY KEY (tenant_id, block_id),
    CONSTRAINT blocks_resource_id_fkey FOREIGN KEY (tenant_id, resource_id)
        REFERENCES clinic_data.resources (tenant_id, resource_id),
    CONSTRAINT blocks_location_id_fkey FOREIGN KEY (tenant_id, location_id)
        REFERENCES clinic_data.locations (tenant_id, location_id),
    CONSTRAINT blocks_patient_id_fkey FOREIGN KEY (tenant_id, patient_id)
        REFERENCES clinic_data.patients (tenant_id, patient_id),
    CONSTRAINT blocks_owner_check CHECK (resource_id IS NOT NULL OR location_id IS NOT NULL),
    CONSTRAINT blocks_kind_check CHECK (kind IN ('block', 'leave', 'break', 'external')),
    CONSTRAINT blocks_form_check
        CHECK (CASE
                   WHEN rule IS NOT NULL THEN
                       from_on IS NOT NULL AND start_time IS NOT NULL AND end_time IS NOT NULL AND start_time < '24:00'
                       AND time_zone IS NOT NULL AND starts_at IS NULL AND ends_at IS NULL
                   WHEN from_on IS NOT NULL THEN
                       until_on IS NOT NULL AND time_zone IS NOT NULL AND starts_at IS NULL AND ends_at IS NULL
                       AND start_time IS NULL AND end_time IS NULL
                   ELSE
                       starts_at IS NOT NULL AND ends_at IS NOT NULL AND isfinite(starts_at) AND isfinite(ends_at)
                       AND until_on IS NULL AND start_time IS NULL AND end_time IS NULL
               END),
    CONSTRAINT blocks_order_check CHECK (ends_at > starts_at AND until_on >= from_on),
    CONSTRAINT blocks_services_check CHECK (cardinality(service_ids) > 0)
);
CREATE INDEX blocks_resource_id_idx ON clinic_data.blocks (tenant_id, resource_id);
CREATE INDEX blocks_location_id_idx ON clinic_data.blocks (tenant_id, location_id);
CREATE INDEX blocks_patient_id_idx ON clinic_data.blocks (tenant_id, patient_id);
COMMENT ON TABLE clinic_data.blocks IS
    'Time that is not open whatever the hours say: blocks between two instants, leave by inclusive local dates, breaks by a recurrence rule, external busy time. They may lie over bookings, which stay.';
COMMENT ON COLUMN clinic_data.blocks.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.blocks.block_id IS 'Identifies the row.';
COMMENT ON COLUMN clinic_data.blocks.resource_id IS 'Whose time; null: everybody at the location.';
COMMENT ON COLUMN clinic_data.blocks.location_id IS 'At this location only; null: everywhere.';
COMMENT ON COLUMN clinic_data.blocks.kind IS 'block, leave, break or external.';
COMMENT ON COLUMN clinic_data.blocks.starts_at IS 'Start, for a span between two instants.';
COMMENT ON COLUMN clinic_data.blocks.ends_at IS 'End, exclusive.';
COMMENT ON COLUMN clinic_data.blocks.from_on IS 'First local date of leave; DTSTART of a recurring break.';
COMMENT ON COLUMN clinic_data.blocks.until_on IS 'Last local date, inclusive.';
COMMENT ON COLUMN clinic_data.blocks.rule IS 'On which dates a recurring break falls: an RRULE value.';
COMMENT ON COLUMN clinic_data.blocks.start_time IS 'Wall-clock start of a recurring break.';
COMMENT ON COLUMN clinic_data.blocks.end_time IS 'Wall-clock end; not after start_time: on the next day.';
COMMENT ON COLUMN clinic_data.blocks.time_zone IS 'Zone of the local dates and times.';
COMMENT ON COLUMN clinic_data.blocks.service_ids IS 'Only these services are blocked; null: all.';
COMMENT ON COLUMN clinic_data.blocks.patient_id IS 'The time is kept for this patient: blocked for everybody else.';
COMMENT ON COLUMN clinic_data.blocks.title IS 'Label for staff, without personal data.';
COMMENT ON COLUMN clinic_data.blocks.created_at IS 'Since when it is known.';
COMMENT ON COLUMN clinic_data.blocks.created_by IS 'User who made the row.';
COMMENT ON COLUMN clinic_data.blocks.retired_at IS 'Since when it no longer counts; null: it counts.';
COMMENT ON COLUMN clinic_data.blocks.retired_by IS 'User who retired it.';

-- The patient of a login, now that there are patients.
ALTER TABLE clinic_data.logins
    ADD CONSTRAINT logins_patient_id_fkey FOREIGN KEY (tenant_id, patient_id)
        REFERENCES clinic_data.patients (tenant_id, patient_id);
CREATE INDEX logins_patient_id_idx ON clinic_data.logins (tenant_id, patient_id);
