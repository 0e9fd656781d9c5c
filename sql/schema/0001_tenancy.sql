-- Tenants, their locations, and which database login acts for whom.

CREATE DOMAIN clinic_data.time_zone_name AS text;
COMMENT ON DOMAIN clinic_data.time_zone_name IS
    'An IANA time zone name or alias known to this server, such as Asia/Kolkata; abbreviations and offsets are refused.';

CREATE DOMAIN clinic_data.hours_rule AS text;
COMMENT ON DOMAIN clinic_data.hours_rule IS
    'A recurrence rule (RFC 5545 RRULE value) of DAILY or coarser frequency without time parts, kept as text.';

CREATE TABLE clinic_data.tenants (
    tenant_id uuid NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    status text NOT NULL DEFAULT 'active',
    patient_overlap text NOT NULL DEFAULT 'forbid',
    allow_several_seats boolean NOT NULL DEFAULT false,
    refuse_late_cancellation boolean NOT NULL DEFAULT false,
    buffer_before_minutes integer NOT NULL DEFAULT 0,
    buffer_after_minutes integer NOT NULL DEFAULT 0,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by uuid,
    CONSTRAINT tenants_pkey PRIMARY KEY (tenant_id),
    CONSTRAINT tenants_slug_check CHECK (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    CONSTRAINT tenants_name_check CHECK (length(name) BETWEEN 1 AND 200),
    CONSTRAINT tenants_status_check CHECK (status IN ('active', 'suspended')),
    CONSTRAINT tenants_patient_overlap_check CHECK (patient_overlap IN ('forbid', 'warn', 'allow')),
    CONSTRAINT tenants_buffers_check
        CHECK (buffer_before_minutes BETWEEN 0 AND 1440 AND buffer_after_minutes BETWEEN 0 AND 1440)
);
COMMENT ON TABLE clinic_data.tenants IS 'Organisations that share the database; nothing crosses from one to another.';
COMMENT ON COLUMN clinic_data.tenants.tenant_id IS 'Identifies the tenant; first column of every tenant table and key.';
COMMENT ON COLUMN clinic_data.tenants.slug IS 'Short name for addresses, lower-case letters, digits and hyphens; unique by tenant_slugs.';
COMMENT ON COLUMN clinic_data.tenants.name IS 'Name shown to people.';
COMMENT ON COLUMN clinic_data.tenants.status IS 'active, or suspended: nothing can be found or booked.';
COMMENT ON COLUMN clinic_data.tenants.patient_overlap IS 'May one patient have visits that overlap: forbid, warn (books and records a warning) or allow.';
COMMENT ON COLUMN clinic_data.tenants.allow_several_seats IS 'Whether one patient may take several seats of the same session.';
COMMENT ON COLUMN clinic_data.tenants.refuse_late_cancellation IS 'Whether a cancellation inside the cancellation window is refused instead of marked late.';
COMMENT ON COLUMN clinic_data.tenants.buffer_before_minutes IS 'Least buffer before every visit, in minutes.';
COMMENT ON COLUMN clinic_data.tenants.buffer_after_minutes IS 'Least buffer after every visit, in minutes.';
COMMENT ON COLUMN clinic_data.tenants.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic_data.tenants.created_at IS 'When the row was made.';
COMMENT ON COLUMN clinic_data.tenants.created_by IS 'User who made the row.';
COMMENT ON COLUMN clinic_data.tenants.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN clinic_data.tenants.updated_by IS 'User who last changed the row.';

CREATE TABLE clinic_data.tenant_slugs (
    slug text NOT NULL,
    tenant_id uuid NOT NULL,
    CONSTRAINT tenant_slugs_pkey PRIMARY KEY (slug),
    CONSTRAINT tenant_slugs_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES clinic_data.tenants (tenant_id)
);
CREATE INDEX tenant_slugs_tenant_id_idx ON clinic_data.tenant_slugs (tenant_id);
COMMENT ON TABLE clinic_data.tenant_slugs IS
    'The directory of slugs: the one place where a name is unique over all tenants (a reference table when sharded).';
COMMENT ON COLUMN clinic_data.tenant_slugs.slug IS 'The slug.';
COMMENT ON COLUMN clinic_data.tenant_slugs.tenant_id IS 'The tenant it leads to.';

CREATE TABLE clinic_data.logins (
    tenant_id uuid NOT NULL,
    login name NOT NULL,
    actor text NOT NULL,
    user_id uuid,
    patient_id uuid,
    permissions text[] NOT NULL DEFAULT '{}',
    active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    CONSTRAINT logins_pkey PRIMARY KEY (tenant_id, login),
    CONSTRAINT logins_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES clinic_data.tenants (tenant_id),
    CONSTRAINT logins_actor_check CHECK (actor IN ('admin', 'staff', 'patient', 'public')),
    CONSTRAINT logins_patient_check CHECK (actor <> 'patient' OR patient_id IS NOT NULL)
);
CREATE INDEX logins_login_idx ON clinic_data.logins (login);
COMMENT ON TABLE clinic_data.logins IS
    'Which tenant and person a database login acts for. A login active in several tenants acts for none.';
COMMENT ON COLUMN clinic_data.logins.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.logins.login IS 'Name of the database role that logs in (session_user).';
COMMENT ON COLUMN clinic_data.logins.actor IS 'What the login is: admin, staff, patient or public.';
COMMENT ON COLUMN clinic_data.logins.user_id IS 'The person, as stamped on rows (created_by).';
COMMENT ON COLUMN clinic_data.logins.patient_id IS 'The patient, for actor patient.';
COMMENT ON COLUMN clinic_data.logins.permissions IS 'Permissions such as appointments:read, appointments:write, appointments:override, appointments:overbook, schedules:write, setup:write; * for all.';
COMMENT ON COLUMN clinic_data.logins.active IS 'False: the login has no context.';
COMMENT ON COLUMN clinic_data.logins.created_at IS 'When the row was made.';
COMMENT ON COLUMN clinic_data.logins.created_by IS 'User who made the row.';

CREATE TABLE clinic_data.locations (
    tenant_id uuid NOT NULL,
    location_id uuid NOT NULL,
    name text NOT NULL,
    time_zone clinic_data.time_zone_name NOT NULL,
    country text,
    status text NOT NULL DEFAULT 'active',
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by uuid,
    CONSTRAINT locations_pkey PRIMARY KEY (tenant_id, location_id),
    CONSTRAINT locations_tenant_id_name_key UNIQUE (tenant_id, name),
    CONSTRAINT locations_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES clinic_data.tenants (tenant_id),
    CONSTRAINT locations_name_check CHECK (length(name) BETWEEN 1 AND 200),
    CONSTRAINT locations_country_check CHECK (country ~ '^[A-Z]{2}$'),
    CONSTRAINT locations_status_check CHECK (status IN ('active', 'inactive'))
);
COMMENT ON TABLE clinic_data.locations IS 'Places where visits happen (branches).';
COMMENT ON COLUMN clinic_data.locations.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.locations.location_id IS 'Identifies the location.';
COMMENT ON COLUMN clinic_data.locations.name IS 'Name shown to people.';
COMMENT ON COLUMN clinic_data.locations.time_zone IS 'Zone of its wall clock; horizons and "no same-day" count dates in it.';
COMMENT ON COLUMN clinic_data.locations.country IS 'ISO 3166-1 alpha-2 code.';
COMMENT ON COLUMN clinic_data.locations.status IS 'active or inactive.';
COMMENT ON COLUMN clinic_data.locations.version IS 'Grows by one with each change.';
COMMENT ON COLUMN clinic_data.locations.created_at IS 'When the row was made.';
COMMENT ON COLUMN clinic_data.locations.created_by IS 'User who made the row.';
COMMENT ON COLUMN clinic_data.locations.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN clinic_data.locations.updated_by IS 'User who last changed the row.';

CREATE TABLE clinic_data.travel_times (
    tenant_id uuid NOT NULL,
    from_location_id uuid NOT NULL,
    to_location_id uuid NOT NULL,
    minutes integer NOT NULL,
    CONSTRAINT travel_times_pkey PRIMARY KEY (tenant_id, from_location_id, to_location_id),
    CONSTRAINT travel_times_from_fkey FOREIGN KEY (tenant_id, from_location_id)
        REFERENCES clinic_data.locations (tenant_id, location_id),
    CONSTRAINT travel_times_to_fkey FOREIGN KEY (tenant_id, to_location_id)
        REFERENCES clinic_data.locations (tenant_id, location_id),
    CONSTRAINT travel_times_minutes_check CHECK (minutes BETWEEN 0 AND 1440),
    CONSTRAINT travel_times_distinct_check CHECK (from_location_id <> to_location_id)
);
CREATE INDEX travel_times_to_idx ON clinic_data.travel_times (tenant_id, to_location_id);
COMMENT ON TABLE clinic_data.travel_times IS 'Driving time between locations, kept free between a provider''s visits and windows at different ones.';
COMMENT ON COLUMN clinic_data.travel_times.tenant_id IS 'The tenant.';
COMMENT ON COLUMN clinic_data.travel_times.from_location_id IS 'Where the journey begins.';
COMMENT ON COLUMN clinic_data.travel_times.to_location_id IS 'Where it ends.';
COMMENT ON COLUMN clinic_data.travel_times.minutes IS 'How long it takes, in minutes.';
