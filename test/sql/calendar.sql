-- The calendar of several providers: what is in it, in which colours, for whom, and how far it reaches.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE calendar_admin LOGIN IN ROLE clinic_admin;
CREATE ROLE calendar_planner LOGIN IN ROLE clinic_user;
CREATE ROLE calendar_stranger LOGIN IN ROLE clinic_user;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set T '\'5e700004-0000-7000-8000-000000000001\''
\set ny '\'5e700004-0010-7000-8000-000000000001\''
\set pune '\'5e700004-0010-7000-8000-000000000002\''
\set adler '\'5e700004-0020-7000-8000-000000000001\''
\set bose '\'5e700004-0020-7000-8000-000000000002\''
\set gone '\'5e700004-0020-7000-8000-000000000003\''
\set visit '\'5e700004-0040-7000-8000-000000000001\''
\set exam '\'5e700004-0040-7000-8000-000000000002\''
\set pat '\'5e700004-0090-7000-8000-000000000001\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'calendar-test', name => 'Calendar', tenant_id => :T) \g /dev/null
SELECT clinic.map_login('calendar_admin', 'admin', '{*}'),
       clinic.map_login('calendar_planner', 'staff', '{appointments:write}'),
       clinic.map_login('calendar_stranger', 'public', '{}') \g /dev/null
SELECT clinic.create_location('Midtown', 'America/New_York', location_id => :ny),
       clinic.create_location('Pune', 'Asia/Kolkata', location_id => :pune),
       clinic.create_provider('Dr. Adler', 'America/New_York', provider_id => :adler, color => '#112233'),
       clinic.create_provider('Dr. Bose', 'Asia/Kolkata', provider_id => :bose),
       clinic.create_provider('Dr. Gone', 'Asia/Kolkata', provider_id => :gone),
       clinic.create_service('Visit', 30, service_id => :visit, color => '#445566'),
       clinic.create_service('Exam', 60, service_id => :exam),
       clinic.create_patient('Ann Ample', patient_id => :pat) \g /dev/null
SELECT clinic.add_hours(:adler, :ny, 'FREQ=DAILY', '09:00', '12:00'),
       clinic.add_hours(:adler, :ny, 'FREQ=DAILY', '12:00', '17:00', service_ids => ARRAY[:visit]::uuid[]),
       clinic.add_hours(:bose, :pune, 'FREQ=WEEKLY;BYDAY=TU', '22:30', '02:30'),
       clinic.add_hours(:gone, :pune, 'FREQ=DAILY', '09:00', '12:00'),
       clinic.add_break(:adler, 'FREQ=DAILY', '12:30', '13:00', title => 'Lunch'),
       clinic.add_leave(:bose, '2026-03-12', '2026-03-13', title => 'Wedding'),
       clinic.add_block('2026-03-10 09:00-04', '2026-03-10 09:30-04', location_id => :ny, title => 'Fire drill'),
       clinic.add_block('2026-03-10 15:00-04', '2026-03-10 16:00-04', resource_id => :adler, kind => 'external'),
       clinic.add_block('2026-03-10 16:00-04', '2026-03-10 16:30-04', resource_id => :adler, patient_id => :pat),
       clinic.update_provider(:gone, '{"status": "inactive"}') \g /dev/null
COMMIT;
RESET ROLE;
INSERT INTO clinic_data.appointments (tenant_id, appointment_id, confirmation_code, service_id, provider_id, location_id, patient_id,
                                      status, starts_at, ends_at, local_starts_at, time_zone)
SELECT :T, v.id::uuid, v.code, v.service::uuid, v.provider::uuid, v.location::uuid, :pat::uuid, v.status,
       v.starts_at, v.ends_at, v.starts_at AT TIME ZONE v.zone, v.zone
FROM (VALUES
    ('5e700004-00a0-7000-8000-000000000001', 'AAAA', :visit, :adler, :ny, 'booked', timestamptz '2026-03-10 10:00-04', timestamptz '2026-03-10 10:30-04', 'America/New_York'),
    ('5e700004-00a0-7000-8000-000000000002', 'BBBB', :exam, :adler, :ny, 'no_show', '2026-03-10 11:00-04', '2026-03-10 12:00-04', 'America/New_York'),
    ('5e700004-00a0-7000-8000-000000000003', 'CCCC', :exam, :bose, :pune, 'booked', '2026-03-10 23:30+05:30', '2026-03-11 00:30+05:30', 'Asia/Kolkata'))
    AS v (id, code, service, provider, location, status, starts_at, ends_at, zone);
INSERT INTO clinic_data.claims (tenant_id, claim_id, resource_id, calendar_no, during, starts_at, ends_at, kind, appointment_id, location_id, expires_at)
SELECT :T, clinic.new_id(), v.resource::uuid, c.calendar_no, tstzrange(v.starts_at, v.ends_at), v.starts_at, v.ends_at, v.kind,
       v.appointment::uuid, v.location::uuid, v.expires_at
FROM (VALUES
    (:adler, :ny, 'booking', '5e700004-00a0-7000-8000-000000000001', timestamptz '2026-03-10 10:00-04', timestamptz '2026-03-10 10:30-04', NULL::timestamptz),
    (:bose, :pune, 'booking', '5e700004-00a0-7000-8000-000000000003', '2026-03-10 23:30+05:30', '2026-03-11 00:30+05:30', NULL),
    (:adler, :ny, 'hold', NULL, '2026-03-10 14:00-04', '2026-03-10 14:30-04', '2026-03-02 12:10Z'),
    (:adler, :ny, 'hold', NULL, '2026-03-10 14:30-04', '2026-03-10 15:00-04', '2026-03-02 12:00Z'))
    AS v (resource, location, kind, appointment, starts_at, ends_at, expires_at)
JOIN clinic_data.calendars AS c ON c.tenant_id = :T AND c.resource_id = v.resource::uuid AND c.lane = 1;

SET SESSION AUTHORIZATION calendar_admin;
-- Everybody active, one call. A hold that has expired at this very microsecond is gone.
SELECT c.provider, c.kind, to_char(c.local_start, 'DD HH24:MI') AS start, to_char(c.local_end, 'DD HH24:MI') AS "end", c.utc_offset,
       c.location, c.title, c.color, c.status, c.confirmation_code AS code, c.patient
FROM clinic.calendar('2026-03-10 00:00-04', '2026-03-11 00:00-04') AS c;
-- The colours of things without one are always the same.
SELECT count(DISTINCT c.color) AS one
FROM clinic.calendar('2026-03-01', '2026-05-30', provider_ids => ARRAY[:bose]::uuid[]) AS c
WHERE c.kind = 'available';
-- Chosen providers, in any order and twice; an inactive one when asked for; a location.
SELECT c.provider, count(*), count(*) FILTER (WHERE c.kind = 'available') AS windows
FROM clinic.calendar('2026-03-02', '2026-03-16', provider_ids => ARRAY[:gone, :bose, :gone]::uuid[]) AS c
GROUP BY c.provider ORDER BY c.provider;
SELECT c.provider, c.kind, count(*)
FROM clinic.calendar('2026-03-09', '2026-03-16', location_id => :pune) AS c
GROUP BY c.provider, c.kind ORDER BY c.provider, c.kind;
-- What touches the range comes in full, what only touches its edge does not.
SELECT c.provider, to_char(c.local_start, 'DD HH24:MI') AS start, to_char(c.local_end, 'DD HH24:MI') AS "end"
FROM clinic.calendar('2026-03-10 17:30Z', '2026-03-10 18:00Z', provider_ids => ARRAY[:bose]::uuid[]) AS c;
SELECT count(*) AS none FROM clinic.calendar('2026-03-10 21:00Z', '2026-03-10 22:00Z', provider_ids => ARRAY[:bose]::uuid[]) AS c;
-- Days of 23 and of 25 hours keep their wall clock.
SELECT to_char(c.local_start, 'YYYY-MM-DD HH24:MI') AS start, c.utc_offset
FROM clinic.calendar('2026-03-07 00:00-05', '2026-03-10 00:00-04', provider_ids => ARRAY[:adler]::uuid[]) AS c WHERE c.kind = 'available'
UNION ALL
SELECT to_char(c.local_start, 'YYYY-MM-DD HH24:MI'), c.utc_offset
FROM clinic.calendar('2026-10-31 00:00-04', '2026-11-03 00:00-05', provider_ids => ARRAY[:adler]::uuid[]) AS c WHERE c.kind = 'available'
ORDER BY 1;

-- Without appointments:read: busy, without identity. Without any permission: nothing.
SET SESSION AUTHORIZATION calendar_planner;
SELECT c.provider, c.kind, to_char(c.local_start, 'DD HH24:MI') AS start, c.title, c.color, c.status, c.appointment_id, c.service_id, c.patient_id
FROM clinic.calendar('2026-03-10 00:00-04', '2026-03-11 00:00-04') AS c
WHERE c.kind IN ('appointment', 'busy', 'block');
SET SESSION AUTHORIZATION calendar_stranger;
SELECT * FROM clinic.calendar('2026-03-10', '2026-03-11');

-- Bad input. Ninety-two days are the most, whatever the clock does in them.
SET SESSION AUTHORIZATION calendar_admin;
SELECT count(*) > 0 AS ninety_two_days FROM clinic.calendar('2026-10-01 00:00-04', '2027-01-01 00:00-05') AS c;
SELECT * FROM clinic.calendar('2026-03-01', '2026-06-02');
SELECT * FROM clinic.calendar('2026-03-01', '2026-03-01');
SELECT * FROM clinic.calendar('2026-03-01', 'infinity');
SELECT * FROM clinic.calendar(NULL, '2026-03-01');
SELECT * FROM clinic.calendar('12026-03-01', '12026-03-02');
SELECT * FROM clinic.calendar('2026-03-01', '2026-03-02', provider_ids => '{00000000-0000-0000-0000-00000000dead}');
SELECT * FROM clinic.calendar('2026-03-01', '2026-03-02', provider_ids => '{NULL}');
SELECT * FROM clinic.calendar('2026-03-01', '2026-03-02', location_id => '00000000-0000-0000-0000-00000000dead');
SELECT count(*) AS nobody FROM clinic.calendar('2026-03-01', '2026-03-02', provider_ids => '{}') AS c;
RESET SESSION AUTHORIZATION;
DROP ROLE calendar_admin, calendar_planner, calendar_stranger;
