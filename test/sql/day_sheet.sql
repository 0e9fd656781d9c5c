-- Day sheets: hours, visits, buffers, blocks and what is free, without gaps; overnight, when the clocks change, half-hour zones.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
CREATE ROLE day_sheet_admin LOGIN IN ROLE clinic_admin;
CREATE ROLE day_sheet_planner LOGIN IN ROLE clinic_user;
CREATE ROLE day_sheet_patient LOGIN IN ROLE clinic_user;
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never
\set T '\'5e700003-0000-7000-8000-000000000001\''
\set ny '\'5e700003-0010-7000-8000-000000000001\''
\set pune '\'5e700003-0010-7000-8000-000000000002\''
\set brooklyn '\'5e700003-0010-7000-8000-000000000003\''
\set day '\'5e700003-0020-7000-8000-000000000001\''
\set night '\'5e700003-0020-7000-8000-000000000002\''
\set rao '\'5e700003-0020-7000-8000-000000000003\''
\set visit '\'5e700003-0040-7000-8000-000000000001\''
\set class '\'5e700003-0040-7000-8000-000000000002\''
\set pat1 '\'5e700003-0090-7000-8000-000000000001\''
\set pat2 '\'5e700003-0090-7000-8000-000000000002\''

BEGIN;
SET ROLE clinic_admin;
SELECT clinic.create_tenant(slug => 'day-sheet', name => 'Day Sheet', tenant_id => :T) \g /dev/null
SELECT clinic.map_login('day_sheet_admin', 'admin', '{*}'),
       clinic.map_login('day_sheet_planner', 'staff', '{schedules:write}') \g /dev/null
SELECT clinic.create_location('Midtown', 'America/New_York', location_id => :ny),
       clinic.create_location('Brooklyn', 'America/New_York', location_id => :brooklyn),
       clinic.create_location('Pune', 'Asia/Kolkata', location_id => :pune),
       clinic.create_provider('Dr. Day', 'America/New_York', provider_id => :day),
       clinic.create_provider('Dr. Night', 'America/New_York', provider_id => :night),
       clinic.create_provider('Dr. Rao', 'Asia/Kolkata', provider_id => :rao),
       clinic.create_service('Visit', 30, service_id => :visit, color => '#123456'),
       clinic.create_service('Class', 60, capacity => 6, service_id => :class),
       clinic.create_patient('Ann Ample', patient_id => :pat1),
       clinic.create_patient('Bob Brisk', patient_id => :pat2) \g /dev/null
SELECT clinic.map_login('day_sheet_patient', 'patient', '{}', patient_id => :pat1) \g /dev/null
SELECT clinic.add_hours(:day, :ny, 'FREQ=WEEKLY;BYDAY=MO,TU,WE', '09:00', '12:00', service_ids => ARRAY[:visit]::uuid[]),
       clinic.add_hours(:day, :ny, 'FREQ=WEEKLY;BYDAY=MO', '12:00', '12:30'),
       clinic.add_hours(:day, :brooklyn, 'FREQ=WEEKLY;BYDAY=MO,SU', '14:00', '18:00'),
       clinic.add_hours(:night, :ny, 'FREQ=DAILY', '22:00', '06:00'),
       clinic.add_hours(:rao, :pune, 'FREQ=DAILY', '09:30', '13:30'),
       clinic.add_break(:day, 'FREQ=DAILY', '10:00', '10:15', title => 'Tea'),
       clinic.add_block('2026-03-09 15:00-04', '2026-03-09 16:00-04', resource_id => :day, location_id => :brooklyn, title => 'Painters'),
       clinic.add_block('2026-03-09 17:00-04', '2026-03-09 17:30-04', resource_id => :day, patient_id => :pat2),
       clinic.add_leave(:rao, '2026-03-10', '2026-03-11', title => 'Leave'),
       clinic.add_leave(:rao, '2026-03-12', '2026-03-12', service_ids => ARRAY[:class]::uuid[], title => 'No classes') \g /dev/null
COMMIT;
RESET ROLE;

-- Visits, as booking would leave them: a pair in one class, one over midnight, one done, one cancelled, one of another day.
INSERT INTO clinic_data.appointments (tenant_id, appointment_id, confirmation_code, service_id, provider_id, location_id, patient_id,
                                      status, starts_at, ends_at, local_starts_at, time_zone, cancelled_at)
SELECT :T, v.id::uuid, v.code, v.service::uuid, v.provider::uuid, v.location::uuid, v.patient::uuid, v.status,
       v.starts_at, v.ends_at, v.starts_at AT TIME ZONE 'America/New_York', 'America/New_York',
       CASE v.status WHEN 'cancelled' THEN v.starts_at END
FROM (VALUES
    ('5e700003-00a0-7000-8000-000000000001', 'AAAA', :visit, :day, :ny, :pat1, 'booked', timestamptz '2026-03-09 09:00-04', timestamptz '2026-03-09 09:30-04'),
    ('5e700003-00a0-7000-8000-000000000002', 'BBBB', :class, :day, :brooklyn, :pat1, 'booked', '2026-03-09 14:00-04', '2026-03-09 15:00-04'),
    ('5e700003-00a0-7000-8000-000000000003', 'CCCC', :class, :day, :brooklyn, :pat2, 'confirmed', '2026-03-09 14:00-04', '2026-03-09 15:00-04'),
    ('5e700003-00a0-7000-8000-000000000004', 'DDDD', :visit, :day, :ny, :pat2, 'cancelled', '2026-03-09 11:00-04', '2026-03-09 11:30-04'),
    ('5e700003-00a0-7000-8000-000000000005', 'EEEE', :visit, :day, :ny, :pat2, 'booked', '2026-03-09 19:00-04', '2026-03-09 19:30-04'),
    ('5e700003-00a0-7000-8000-000000000006', 'FFFF', :visit, :night, :ny, :pat2, 'booked', '2026-03-07 23:45-05', '2026-03-08 00:15-05'),
    ('5e700003-00a0-7000-8000-000000000007', 'GGGG', :visit, :night, :ny, :pat2, 'booked', '2026-03-08 03:00-04', '2026-03-08 03:30-04'),
    ('5e700003-00a0-7000-8000-000000000008', 'HHHH', :visit, :rao, :pune, :pat1, 'completed', '2026-03-02 09:30+05:30', '2026-03-02 10:00+05:30'))
    AS v (id, code, service, provider, location, patient, status, starts_at, ends_at);
INSERT INTO clinic_data.appointment_resources (tenant_id, appointment_id, resource_id, buffer_before_minutes, buffer_after_minutes)
SELECT a.tenant_id, a.appointment_id, a.provider_id, 5, CASE a.confirmation_code WHEN 'FFFF' THEN 15 ELSE 10 END
FROM clinic_data.appointments AS a
WHERE a.tenant_id = :T AND a.confirmation_code IN ('AAAA', 'FFFF', 'HHHH');
INSERT INTO clinic_data.calendars (tenant_id, resource_id, lane) VALUES (:T, :day, 2);
INSERT INTO clinic_data.claims (tenant_id, claim_id, resource_id, calendar_no, during, starts_at, ends_at, kind, capacity, appointment_id, location_id)
SELECT a.tenant_id, clinic.new_id(), a.provider_id, c.calendar_no,
       tstzrange(a.starts_at - make_interval(mins => coalesce(ar.buffer_before_minutes, 0)),
                 a.ends_at + make_interval(mins => coalesce(ar.buffer_after_minutes, 0))),
       a.starts_at, a.ends_at, 'booking', CASE a.service_id WHEN :class THEN 6 ELSE 1 END, a.appointment_id, a.location_id
FROM clinic_data.appointments AS a
JOIN clinic_data.calendars AS c ON c.tenant_id = a.tenant_id AND c.resource_id = a.provider_id
     AND c.lane = CASE a.confirmation_code WHEN 'CCCC' THEN 2 ELSE 1 END
LEFT JOIN clinic_data.appointment_resources AS ar ON ar.tenant_id = a.tenant_id AND ar.appointment_id = a.appointment_id
WHERE a.tenant_id = :T AND a.status IN ('booked', 'confirmed');

SET SESSION AUTHORIZATION day_sheet_admin;
-- A day in two places: windows that touch are one; what the day holds, in order.
SELECT s.kind, to_char(s.local_start, 'DD HH24:MI') AS start, to_char(s.local_end, 'DD HH24:MI') AS "end", s.location, s.label,
       s.confirmation_code, s.patient, s.status
FROM clinic.day_sheet('2026-03-09', provider_id => :day) AS s;
-- One place only: the visits at the other are simply elsewhere.
SELECT s.kind, to_char(s.local_start, 'DD HH24:MI') AS start, to_char(s.local_end, 'DD HH24:MI') AS "end", s.location, s.label, s.patient
FROM clinic.day_sheet('2026-03-09', provider_id => :day, location_id => :ny) AS s;
-- The night in which the clocks go forward: both halves of two windows, 23 hours in the day.
SELECT s.kind, to_char(s.local_start, 'DD HH24:MI') AS start, to_char(s.local_end, 'DD HH24:MI') AS "end", s.utc_offset,
       s.ends_at - s.starts_at AS elapsed, s.confirmation_code
FROM clinic.day_sheet('2026-03-08', provider_id => :night) AS s;
-- The night in which they go back: 25 hours.
SELECT s.kind, to_char(s.local_start, 'DD HH24:MI') AS start, to_char(s.local_end, 'DD HH24:MI') AS "end", s.utc_offset,
       s.ends_at - s.starts_at AS elapsed
FROM clinic.day_sheet('2026-11-01', provider_id => :night) AS s;
-- Half an hour's zone; leave of all services closes, leave of one does not; a visit that is over keeps no buffer.
SELECT s.kind, to_char(s.local_start, 'DD HH24:MI') AS start, to_char(s.local_end, 'DD HH24:MI') AS "end", s.utc_offset, s.label, s.status
FROM generate_series(date '2026-03-02', '2026-03-12', '5 days') AS d
CROSS JOIN LATERAL clinic.day_sheet(d::date, provider_id => :rao) AS s;
SELECT s.kind, to_char(s.local_start, 'DD HH24:MI') AS start, to_char(s.local_end, 'DD HH24:MI') AS "end", s.label, s.status
FROM clinic.day_sheet('2026-03-11', location_id => :pune) AS s;

-- Whatever the day: the rows lie within it or reach over its edge, and leave no gap.
SELECT count(*) AS sheets,
       count(*) FILTER (WHERE c.covered @> c.day) AS without_gaps,
       count(*) FILTER (WHERE c.day_length <> '24:00') AS of_odd_length,
       count(*) FILTER (WHERE c.doubly_free) AS both_free_and_taken
FROM (
    SELECT s.provider_id, d.d,
           range_agg(tstzrange(s.starts_at, s.ends_at)) FILTER (WHERE s.kind <> 'hours') AS covered,
           tstzrange(d.d::timestamp AT TIME ZONE s.time_zone, (d.d + 1)::timestamp AT TIME ZONE s.time_zone) AS day,
           (d.d + 1)::timestamp AT TIME ZONE s.time_zone - d.d::timestamp AT TIME ZONE s.time_zone AS day_length,
           range_agg(tstzrange(s.starts_at, s.ends_at)) FILTER (WHERE s.kind IN ('free', 'outside'))
           && range_agg(tstzrange(s.starts_at, s.ends_at)) FILTER (WHERE s.kind IN ('booked', 'buffer')) AS doubly_free
    FROM generate_series(date '2026-03-01', '2026-03-31', '1 day') AS g (d)
    CROSS JOIN LATERAL (SELECT g.d::date) AS d (d)
    CROSS JOIN LATERAL clinic.day_sheet(d.d) AS s
    GROUP BY s.provider_id, s.time_zone, d.d
) AS c;

-- As text.
\pset format unaligned
\pset tuples_only on
SELECT * FROM clinic.day_sheet_text('2026-03-09');
SELECT * FROM clinic.day_sheet_text('2026-03-08', provider_id => :night);
SELECT * FROM clinic.day_sheet_text('2026-03-12', location_id => :brooklyn);
SELECT * FROM clinic.day_sheet_text('2026-03-12', provider_id => :day);
\pset tuples_only off
\pset format aligned

-- Who may plan but not read sees when, not who or what; a patient sees no diary.
SET SESSION AUTHORIZATION day_sheet_planner;
SELECT s.kind, to_char(s.local_start, 'HH24:MI') AS start, to_char(s.local_end, 'HH24:MI') AS "end", s.label,
       s.appointment_id, s.confirmation_code, s.service, s.patient_id, s.patient, s.status
FROM clinic.day_sheet('2026-03-09', provider_id => :day) AS s
WHERE s.kind IN ('booked', 'buffer', 'blocked');
SET SESSION AUTHORIZATION day_sheet_patient;
SELECT * FROM clinic.day_sheet('2026-03-09');
SELECT * FROM clinic.day_sheet_text('2026-03-09');

-- Bad input.
SET SESSION AUTHORIZATION day_sheet_admin;
SELECT * FROM clinic.day_sheet(NULL);
SELECT * FROM clinic.day_sheet('infinity');
SELECT * FROM clinic.day_sheet('2026-03-09', provider_id => '00000000-0000-0000-0000-00000000dead');
SELECT * FROM clinic.day_sheet('2026-03-09', location_id => '00000000-0000-0000-0000-00000000dead');
RESET SESSION AUTHORIZATION;
DROP ROLE day_sheet_admin, day_sheet_planner, day_sheet_patient;
