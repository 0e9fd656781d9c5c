-- What people write for a whole booking: tables of their own, and one function of PL/pgSQL that keeps the rows that ours keeps: the
-- appointment, its resource, claims of provider and patient that cannot overlap, three reminders and a confirmation, an event in the
-- outbox, audit and the key of the call. It judges nothing: no hours, blocks, limits, zones, permissions or row security.
CREATE TABLE bench.appointments (
    tenant_id uuid NOT NULL, appointment_id uuid NOT NULL DEFAULT gen_random_uuid(), confirmation_code text NOT NULL, service_id uuid NOT NULL,
    provider_id uuid NOT NULL, location_id uuid NOT NULL, patient_id uuid NOT NULL, status text NOT NULL, starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL, local_starts_at timestamp NOT NULL, time_zone text NOT NULL, version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(), created_by uuid, updated_at timestamptz NOT NULL DEFAULT now(), updated_by uuid,
    PRIMARY KEY (tenant_id, appointment_id), UNIQUE (tenant_id, confirmation_code));
CREATE INDEX ON bench.appointments (tenant_id, provider_id, starts_at);
CREATE INDEX ON bench.appointments (tenant_id, patient_id, starts_at);
CREATE INDEX ON bench.appointments (tenant_id, location_id, starts_at);
CREATE INDEX ON bench.appointments (tenant_id, service_id, starts_at);
CREATE TABLE bench.appointment_resources (
    tenant_id uuid NOT NULL, appointment_id uuid NOT NULL, resource_id uuid NOT NULL, PRIMARY KEY (tenant_id, appointment_id, resource_id),
    FOREIGN KEY (tenant_id, appointment_id) REFERENCES bench.appointments);
CREATE INDEX ON bench.appointment_resources (tenant_id, resource_id);
CREATE TABLE bench.allocations (
    tenant_id uuid NOT NULL, allocation_id uuid NOT NULL DEFAULT gen_random_uuid(), appointment_id uuid NOT NULL, resource_id uuid NOT NULL,
    during tstzrange NOT NULL, PRIMARY KEY (tenant_id, allocation_id), FOREIGN KEY (tenant_id, appointment_id) REFERENCES bench.appointments,
    EXCLUDE USING gist (resource_id WITH =, during WITH &&));
CREATE INDEX ON bench.allocations (tenant_id, appointment_id);
CREATE TABLE bench.reminders (
    tenant_id uuid NOT NULL, reminder_id uuid NOT NULL DEFAULT gen_random_uuid(), kind text NOT NULL, patient_id uuid NOT NULL, appointment_id uuid NOT NULL,
    due_at timestamptz NOT NULL, status text NOT NULL DEFAULT 'waiting', created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, reminder_id), FOREIGN KEY (tenant_id, appointment_id) REFERENCES bench.appointments);
CREATE INDEX ON bench.reminders (tenant_id, due_at) WHERE status = 'waiting';
CREATE INDEX ON bench.reminders (tenant_id, appointment_id);
CREATE TABLE bench.outbox (
    tenant_id uuid NOT NULL, event_id uuid NOT NULL DEFAULT gen_random_uuid(), name text NOT NULL, subject_id uuid NOT NULL, payload jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (tenant_id, event_id));
CREATE INDEX ON bench.outbox (tenant_id, subject_id);
CREATE TABLE bench.audit (
    tenant_id uuid NOT NULL, audit_id bigint GENERATED ALWAYS AS IDENTITY, at timestamptz NOT NULL DEFAULT clock_timestamp(), who text NOT NULL DEFAULT session_user,
    action text NOT NULL, table_name text NOT NULL, row_id text NOT NULL, patient_id uuid, before jsonb, after jsonb, PRIMARY KEY (tenant_id, audit_id));
CREATE INDEX ON bench.audit (tenant_id, row_id);
CREATE INDEX ON bench.audit (tenant_id, patient_id, at);
CREATE TABLE bench.idempotency (
    tenant_id uuid NOT NULL, key text NOT NULL, request bytea NOT NULL, result jsonb, expires_at timestamptz NOT NULL, PRIMARY KEY (tenant_id, key));
CREATE TABLE bench.plain (tenant_id uuid NOT NULL, booking_id uuid NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY, resource_id uuid NOT NULL, starts_at timestamptz NOT NULL,
                          ends_at timestamptz NOT NULL);

CREATE FUNCTION bench.book_by_hand(tenant uuid, service uuid, patient uuid, at timestamptz, provider uuid, location uuid, request_key text) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    made bench.appointments;
    known jsonb;
    ends timestamptz := at + interval '30 minutes';
BEGIN
    INSERT INTO bench.idempotency (tenant_id, key, request, expires_at)
    VALUES (tenant, request_key, sha256(convert_to(concat_ws('|', service, patient, at, provider), 'UTF8')), now() + interval '1 day') ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        SELECT i.result INTO known FROM bench.idempotency i WHERE i.tenant_id = tenant AND i.key = request_key;
        RETURN known ->> 'appointment_id';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(r::text, 0)) FROM unnest(ARRAY[least(provider, patient), greatest(provider, patient)]) r;
    -- Not IN: no GiST index can search a list of values.
    IF EXISTS (SELECT FROM bench.allocations a WHERE a.resource_id = provider AND a.during && tstzrange(at, ends))
       OR EXISTS (SELECT FROM bench.allocations a WHERE a.resource_id = patient AND a.during && tstzrange(at, ends)) THEN
        DELETE FROM bench.idempotency i WHERE i.tenant_id = tenant AND i.key = request_key;
        RETURN NULL;
    END IF;
    INSERT INTO bench.appointments (tenant_id, confirmation_code, service_id, provider_id, location_id, patient_id, status, starts_at, ends_at, local_starts_at, time_zone)
    VALUES (tenant, upper(substr(md5(gen_random_uuid()::text), 1, 10)), service, provider, location, patient, 'booked', at, ends, at AT TIME ZONE 'UTC', 'UTC')
    RETURNING * INTO made;
    INSERT INTO bench.appointment_resources VALUES (tenant, made.appointment_id, provider);
    INSERT INTO bench.allocations (tenant_id, appointment_id, resource_id, during)
    VALUES (tenant, made.appointment_id, provider, tstzrange(at, ends)), (tenant, made.appointment_id, patient, tstzrange(at, ends));
    INSERT INTO bench.reminders (tenant_id, kind, patient_id, appointment_id, due_at)
    SELECT tenant, 'reminder', patient, made.appointment_id, at - b FROM unnest('{72 hours,24 hours,2 hours}'::interval[]) b
     UNION ALL SELECT tenant, 'confirmation', patient, made.appointment_id, now();
    INSERT INTO bench.outbox (tenant_id, name, subject_id, payload) VALUES (tenant, 'appointment.booked', made.appointment_id, to_jsonb(made));
    INSERT INTO bench.audit (tenant_id, action, table_name, row_id, patient_id, after)
    VALUES (tenant, 'create', 'appointments', made.appointment_id::text, patient, to_jsonb(made)),
           (tenant, 'create', 'appointment_resources', made.appointment_id || '/' || provider, patient, jsonb_build_object('appointment_id', made.appointment_id, 'resource_id', provider));
    UPDATE bench.idempotency i SET result = jsonb_build_object('appointment_id', made.appointment_id) WHERE i.tenant_id = tenant AND i.key = request_key;
    RETURN made.appointment_id;
END $$;
