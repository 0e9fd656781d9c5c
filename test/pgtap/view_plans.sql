-- Under row security the views still read by index: a day of one provider reads that day of that provider.
-- 200,000 appointments of four tenants; triggers are off while they are loaded.
BEGIN;
SET LOCAL search_path = pg_catalog, public;
SELECT no_plan();

SET LOCAL session_replication_role = replica;
CREATE FUNCTION pg_temp.id(tenant integer, kind integer, number integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT format('%s-%s-7000-8000-%s', lpad(tenant::text, 8, '0'), lpad(kind::text, 4, '0'), lpad(number::text, 12, '0'))::uuid $$;
INSERT INTO clinic_data.tenants (tenant_id, slug, name) SELECT pg_temp.id(t, 0, 0), 'plan-' || t, 'T' FROM generate_series(1, 4) t;
INSERT INTO clinic_data.locations (tenant_id, location_id, name, time_zone)
    SELECT pg_temp.id(t, 0, 0), pg_temp.id(t, 1, n), 'L' || n, 'Europe/Berlin' FROM generate_series(1, 4) t, generate_series(1, 3) n;
INSERT INTO clinic_data.services (tenant_id, service_id, name, duration_minutes, step_minutes)
    SELECT pg_temp.id(t, 0, 0), pg_temp.id(t, 4, n), 'S' || n, 30, 15 FROM generate_series(1, 4) t, generate_series(1, 8) n;
INSERT INTO clinic_data.resources (tenant_id, resource_id, kind, name)
    SELECT pg_temp.id(t, 0, 0), pg_temp.id(t, 2, n), 'provider', 'P' || n FROM generate_series(1, 4) t, generate_series(1, 25) n;
INSERT INTO clinic_data.providers (tenant_id, provider_id, time_zone)
    SELECT pg_temp.id(t, 0, 0), pg_temp.id(t, 2, n), 'Europe/Berlin' FROM generate_series(1, 4) t, generate_series(1, 25) n;
INSERT INTO clinic_data.calendars (tenant_id, resource_id, lane)
    SELECT tenant_id, resource_id, 1 FROM clinic_data.resources WHERE name LIKE 'P%' AND tenant_id <= pg_temp.id(4, 0, 0);
INSERT INTO clinic_data.patients (tenant_id, patient_id, name, mrn, date_of_birth)
    SELECT pg_temp.id(t, 0, 0), pg_temp.id(t, 9, n), 'Pat ' || n, 'M' || n, date '1950-01-01' + n FROM generate_series(1, 4) t, generate_series(0, 4999) n;
INSERT INTO clinic_data.patient_search_keys (tenant_id, search_key, patient_id)
    SELECT tenant_id, 's:' || name, patient_id FROM clinic_data.patients WHERE name LIKE 'Pat %' AND tenant_id <= pg_temp.id(4, 0, 0);
INSERT INTO clinic_data.patient_contacts (tenant_id, contact_id, patient_id, channel, destination, destination_index)
    SELECT tenant_id, patient_id, patient_id, 'sms', decode('015000000001' || repeat('5e', 40), 'hex'), int4send(right(patient_id::text, 6)::integer)
      FROM clinic_data.patients WHERE name LIKE 'Pat %' AND tenant_id <= pg_temp.id(4, 0, 0);
INSERT INTO clinic_data.patient_identifiers (tenant_id, identifier_id, patient_id, system, value, value_index, is_unique)
    SELECT tenant_id, patient_id, patient_id, 'external:x', decode('015000000001' || repeat('5e', 40), 'hex'), int4send(right(patient_id::text, 6)::integer), true
      FROM clinic_data.patients WHERE name LIKE 'Pat %' AND tenant_id <= pg_temp.id(4, 0, 0);
INSERT INTO clinic_data.appointments (tenant_id, appointment_id, confirmation_code, service_id, provider_id, location_id, patient_id,
                                      status, starts_at, ends_at, local_starts_at, time_zone)
    SELECT pg_temp.id(t, 0, 0), pg_temp.id(t, 11, p * 10000 + n), 'C' || p * 10000 + n, pg_temp.id(t, 4, 1 + n % 8),
           pg_temp.id(t, 2, p), pg_temp.id(t, 1, 1 + n % 3), pg_temp.id(t, 9, n * 7919 % 5000), 'booked', x.starts_at,
           x.starts_at + interval '30 minutes', x.starts_at AT TIME ZONE 'UTC', 'Europe/Berlin'
      FROM generate_series(1, 4) t, generate_series(1, 25) p, generate_series(0, 1999) n
     CROSS JOIN LATERAL (SELECT timestamptz '2026-01-01 08:00+00' + n / 16 * interval '1 day' + n % 16 * interval '30 minutes') x (starts_at);
INSERT INTO clinic_data.claims (tenant_id, claim_id, resource_id, calendar_no, during, starts_at, ends_at, kind, appointment_id)
    SELECT a.tenant_id, a.appointment_id, a.provider_id, c.calendar_no, tstzrange(a.starts_at, a.ends_at), a.starts_at, a.ends_at,
           'booking', a.appointment_id
      FROM clinic_data.appointments a JOIN clinic_data.calendars c ON c.tenant_id = a.tenant_id AND c.resource_id = a.provider_id
     WHERE a.starts_at >= '2026-05-01' AND a.tenant_id <= pg_temp.id(4, 0, 0);
ANALYZE clinic_data.appointments, clinic_data.claims, clinic_data.patients, clinic_data.patient_search_keys, clinic_data.patient_contacts,
    clinic_data.patient_identifiers, clinic_data.resources, clinic_data.calendars;
SET LOCAL session_replication_role = origin;

-- How many rows a statement fetches from a table, those included that its filters throw away; null: it is not in the plan.
CREATE FUNCTION pg_temp.fetched(relation text, statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    plan jsonb;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ' || statement INTO plan;
    RETURN (SELECT sum(((node ->> 'Actual Rows')::numeric + coalesce((node ->> 'Rows Removed by Filter')::numeric, 0)
                        + coalesce((node ->> 'Rows Removed by Index Recheck')::numeric, 0)) * (node ->> 'Actual Loops')::numeric)
              FROM jsonb_path_query(plan, 'strict $.** ? (@."Relation Name" == $relation)', jsonb_build_object('relation', relation)) node);
END
$$;

SELECT clinic.use_tenant('plan-3');
SELECT is((SELECT count(*) FROM clinic.appointments), 50000::bigint, 'a tenant sees its own appointments');

SELECT is(pg_temp.fetched('appointments', $$ SELECT * FROM clinic.appointments
              WHERE provider_id = pg_temp.id(3, 2, 7) AND starts_at >= '2026-03-02' AND starts_at < '2026-03-03' ORDER BY starts_at $$),
          16::bigint, 'a provider''s day reads the appointments of that day');
SELECT cmp_ok(pg_temp.fetched('patients', $$ SELECT * FROM clinic.appointments
              WHERE provider_id = pg_temp.id(3, 2, 7) AND starts_at >= '2026-03-02' AND starts_at < '2026-03-03' $$),
          '<=', 16::bigint, 'and their patients');
SELECT is(pg_temp.fetched('patients', $$ SELECT starts_at, status FROM clinic.appointments
              WHERE provider_id = pg_temp.id(3, 2, 7) AND starts_at >= '2026-03-02' AND starts_at < '2026-03-03' $$),
          NULL, 'names that nobody asks for are not joined');
SELECT is(pg_temp.fetched('appointments', $$ SELECT a.starts_at, p.name FROM clinic.appointments a JOIN clinic.providers p USING (tenant_id, provider_id)
              WHERE a.provider_id = pg_temp.id(3, 2, 7) AND a.starts_at >= '2026-03-02' AND a.starts_at < '2026-03-03' $$),
          16::bigint, 'so it stays when views are joined');
SELECT is(pg_temp.fetched('appointments', $$ SELECT * FROM clinic.appointments
              WHERE location_id = pg_temp.id(3, 1, 1) AND starts_at >= '2026-03-02 08:00+00' AND starts_at < '2026-03-02 09:00+00' $$),
          (SELECT count(*) FROM clinic_data.appointments WHERE location_id = pg_temp.id(3, 1, 1)
              AND starts_at >= '2026-03-02 08:00+00' AND starts_at < '2026-03-02 09:00+00'), 'a location''s hour reads that hour');
SELECT is(pg_temp.fetched('appointments', $$ SELECT * FROM clinic.appointments WHERE confirmation_code = 'C70033' $$),
          1::bigint, 'a confirmation code reads one appointment');
SELECT is(pg_temp.fetched('appointments', $$ SELECT * FROM clinic.appointments WHERE appointment_id = pg_temp.id(3, 11, 70033) $$),
          1::bigint, 'and so does an id');
SELECT is(pg_temp.fetched('appointments', $$ SELECT * FROM clinic.appointments WHERE patient_id = pg_temp.id(3, 9, 100) $$),
          (SELECT count(*) FROM clinic_data.appointments WHERE patient_id = pg_temp.id(3, 9, 100)),
          'a patient''s visits read that patient''s appointments');
SELECT is(pg_temp.fetched('claims', $$ SELECT * FROM clinic.busy_times
              WHERE resource_id = pg_temp.id(3, 2, 7) AND starts_at >= '2026-05-02' AND starts_at < '2026-05-03' $$),
          (SELECT count(*) FROM clinic_data.claims WHERE resource_id = pg_temp.id(3, 2, 7) AND starts_at >= '2026-05-02'
              AND starts_at < '2026-05-03'), 'a provider''s busy day reads the claims of that day');

-- What the search for patients asks, as the owner of its functions.
SET LOCAL ROLE clinic_owner;
SELECT is(pg_temp.fetched('patient_contacts', $$ SELECT c.patient_id FROM clinic_data.patient_contacts c
              WHERE c.tenant_id = clinic.current_tenant_id() AND c.destination_index = int4send(77) $$), 1::bigint, 'a telephone number reads one contact');
SELECT is(pg_temp.fetched('patient_identifiers', $$ SELECT c.patient_id FROM clinic_data.patient_identifiers c
              WHERE c.tenant_id = clinic.current_tenant_id() AND c.system = 'external:x' AND c.value_index = int4send(77) $$), 1::bigint, 'an identifier reads one');
SELECT is(pg_temp.fetched('patient_search_keys', $$ SELECT c.patient_id FROM clinic_data.patient_search_keys c
              WHERE c.tenant_id = clinic.current_tenant_id() AND c.search_key = 's:Pat 77' $$), 1::bigint, 'the sound of a name reads who sounds so');
SELECT is(pg_temp.fetched('patients', $$ SELECT c.patient_id FROM clinic_data.patients c
              WHERE c.tenant_id = clinic.current_tenant_id() AND c.mrn = 'M77' $$), 1::bigint, 'a medical record number reads one patient');
SELECT is(pg_temp.fetched('patients', $$ SELECT c.patient_id FROM clinic_data.patients c
              WHERE c.tenant_id = clinic.current_tenant_id() AND c.date_of_birth = '1950-03-01' $$), 1::bigint, 'a date of birth reads who was born then');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
