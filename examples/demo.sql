-- `make demo`: a clinic's week, told in SQL. Every statement here is one that you can use yourself.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
\pset footer off
\pset null ''

\echo
\echo '=== 1. Install: an extension, and the tables that belong to you'
\echo
CREATE EXTENSION pg_clinic CASCADE;
CALL clinic.install();
SELECT clinic.version() AS pg_clinic;

\echo
\echo '=== 2. A clinic group: four locations in three zones, filled through the API (examples/clinic.sql)'
\echo
\o /dev/null
\ir clinic.sql
\o
SELECT l.name AS location, l.time_zone, to_char(clinic.now() AT TIME ZONE l.time_zone, 'Dy HH24:MI') AS now_there,
       (SELECT count(DISTINCT h.resource_id) FROM clinic.availability_rules AS h
        JOIN clinic.providers AS p ON p.provider_id = h.resource_id
        WHERE h.location_id = l.location_id) AS providers,
       (SELECT count(*) FROM clinic.resources AS r WHERE r.location_id = l.location_id) AS rooms_devices,
       (SELECT count(*) FROM clinic.appointments AS a WHERE a.location_id = l.location_id AND a.status = 'booked') AS booked
FROM clinic.locations AS l
ORDER BY l.location_id;

SELECT p.provider_id AS moss FROM clinic.providers AS p WHERE p.name = 'Dr. Ada Moss' \gset
SELECT p.provider_id AS voss FROM clinic.providers AS p WHERE p.name = 'Dr. Clara Voss' \gset
SELECT p.provider_id AS lang FROM clinic.providers AS p WHERE p.name = 'Dr. Dmitri Lang' \gset
SELECT p.provider_id AS ito FROM clinic.providers AS p WHERE p.name = 'Dr. Sam Ito' \gset
SELECT s.service_id AS consultation FROM clinic.services AS s WHERE s.name = 'Consultation' \gset
SELECT s.service_id AS laser FROM clinic.services AS s WHERE s.name = 'Laser treatment' \gset
SELECT l.location_id AS midtown FROM clinic.locations AS l WHERE l.name = 'Midtown' \gset
SELECT p.patient_id AS alma FROM clinic.patients AS p WHERE p.mrn = 'R1001' \gset
SELECT p.patient_id AS bruno FROM clinic.patients AS p WHERE p.mrn = 'R1002' \gset

\echo
\echo '=== 3. Hours are recurrence rules (RFC 5545), in words and as dates'
\echo
SELECT p.name AS provider, clinic.describe_rrule(h.rule) AS hours_on,
       to_char(h.start_time, 'HH24:MI') || '–' || to_char(h.end_time, 'HH24:MI') AS hours
FROM clinic.availability_rules AS h
JOIN clinic.providers AS p ON p.provider_id = h.resource_id
WHERE p.name IN ('Dr. Clara Voss', 'Dr. Dmitri Lang', 'Dr. Sam Ito', 'Elena Prado')
ORDER BY p.name, h.rule_id;

SELECT to_char(o AT TIME ZONE 'America/New_York', 'Dy DD Mon YYYY HH24:MI') AS the_first_mondays_of_dr_voss
FROM clinic.occurrences('FREQ=MONTHLY;BYDAY=1MO', dtstart => '2026-03-02 14:00', tz => 'America/New_York', max_count => 4) AS o;

\echo
\echo '=== 4. The real week of one provider: hours after overrides, holidays and stays, and what lies in them'
\echo
SELECT to_char(c.local_start, 'Dy DD Mon') AS day,
       string_agg(to_char(c.local_start, 'HH24:MI') || '–' || to_char(c.local_end, 'HH24:MI'), '  ' ORDER BY c.starts_at)
           FILTER (WHERE c.kind = 'available') AS hours,
       count(*) FILTER (WHERE c.kind = 'appointment') AS visits,
       string_agg(c.title, ', ' ORDER BY c.starts_at) FILTER (WHERE c.block_id IS NOT NULL) AS blocked
FROM clinic.calendar(range_start => '2026-03-09 00:00-04', range_end => '2026-03-15 00:00-04',
                     provider_ids => ARRAY[:'moss']::uuid[]) AS c
GROUP BY to_char(c.local_start, 'Dy DD Mon'), c.local_start::date
ORDER BY c.local_start::date;

\echo
\echo '=== 5. What is free? Slots are rows: ordered, joinable, for any number of providers'
\echo
SELECT p.name AS provider, l.name AS location, s.local_date, s.local_time, s.utc_offset, s.remaining
FROM clinic.available_slots(service_id => :'consultation', range_start => '2026-03-03 00:00-05',
                            range_end => '2026-03-04 00:00-05', max_rows => 6) AS s
JOIN clinic.providers AS p ON p.provider_id = s.provider_id
JOIN clinic.locations AS l ON l.location_id = s.location_id
ORDER BY s.starts_at, s.provider_id;

\echo 'The first that Dr. Moss has:'
SELECT s.starts_at AS slot_starts, s.provider_id AS slot_provider, s.location_id AS slot_location, s.local_date, s.local_time
FROM clinic.first_available(service_id => :'consultation', range_start => '2026-03-03 00:00-05',
                            range_end => '2026-03-17 00:00-04', provider_id => :'moss', patient_id => :'alma') AS s \gset
\echo :local_date :local_time

\echo
\echo '=== 6. Book it'
\echo
SELECT b.appointment_id, b.confirmation_code
FROM clinic.book_appointment(service_id => :'consultation', patient_id => :'alma', starts_at => :'slot_starts',
                             provider_id => :'slot_provider') AS b \gset
SELECT a.confirmation_code, a.status, a.local_starts_at, a.time_zone
FROM clinic.appointments AS a
WHERE a.appointment_id = :'appointment_id';

\echo
\echo '=== 7. Book it again, for somebody else: refused, with a code to branch on and what is free instead'
\echo
\set ON_ERROR_STOP off
\set SHOW_CONTEXT never
SELECT * FROM clinic.book_appointment(service_id => :'consultation', patient_id => :'bruno', starts_at => :'slot_starts',
                                      provider_id => :'slot_provider');
\set ON_ERROR_STOP on
\echo SQLSTATE :LAST_ERROR_SQLSTATE

\echo
\echo '=== 8. Why not then? Every rule that refuses, in the order in which booking would raise them'
\echo
\echo 'The same start:'
SELECT e.step, e.reason, e.source, e.message
FROM clinic.explain_slot(service_id => :'consultation', starts_at => :'slot_starts', provider_id => :'moss') AS e
ORDER BY e.step;
\echo 'The laser on a Tuesday at 13:20:'
SELECT e.step, e.reason, e.source, e.message
FROM clinic.explain_slot(service_id => :'laser', starts_at => '2026-03-10 13:20-04', provider_id => :'voss') AS e
ORDER BY e.step;

\echo
\echo '=== 9. Move it, then cancel it: the time is free again'
\echo
SELECT s.starts_at AS later_starts
FROM clinic.available_slots(service_id => :'consultation', range_start => :'slot_starts', range_end => '2026-03-17 00:00-04',
                            provider_id => :'moss', patient_id => :'alma') AS s
ORDER BY s.starts_at OFFSET 2 LIMIT 1 \gset
SELECT count(*) FROM clinic.reschedule_appointment(appointment_id => :'appointment_id', starts_at => :'later_starts') \g /dev/null
SELECT 'moved' AS step, a.status, a.local_starts_at, a.late_cancellation
FROM clinic.appointments AS a WHERE a.appointment_id = :'appointment_id';
SELECT count(*) FROM clinic.cancel_appointment(appointment_id => :'appointment_id', reason => 'feels better') \g /dev/null
SELECT 'cancelled' AS step, a.status, a.local_starts_at, a.late_cancellation
FROM clinic.appointments AS a WHERE a.appointment_id = :'appointment_id';

\echo
\echo '=== 10. The weekend when the clocks change: one night is an hour shorter, and every wall clock stays what it was'
\echo
SELECT to_char(c.local_start, 'Dy DD Mon HH24:MI') AS opens, to_char(c.local_end, 'Dy DD Mon HH24:MI') AS closes,
       c.ends_at - c.starts_at AS elapsed
FROM clinic.calendar(range_start => '2026-03-05 12:00-05', range_end => '2026-03-13 12:00-04',
                     provider_ids => ARRAY[:'ito']::uuid[]) AS c
WHERE c.kind = 'available' AND c.local_start::time = '21:00'
ORDER BY c.starts_at;
SELECT to_char(s.local_date, 'Dy DD Mon') AS day, min(s.local_time) AS first_start, min(s.utc_offset) AS utc_offset
FROM clinic.available_slots(service_id => :'consultation', range_start => '2026-03-06 00:00-05',
                            range_end => '2026-03-11 00:00-04', provider_id => :'moss') AS s
GROUP BY s.local_date
ORDER BY s.local_date;

\echo
\echo '=== 11. The diary of a day'
\echo
\pset format unaligned
\pset tuples_only on
SELECT * FROM clinic.day_sheet_text(on_date => '2026-03-10', location_id => :'midtown');
\echo
\echo 'A holiday in Pune: Dr. Rao alone is on call.'
SELECT * FROM clinic.day_sheet_text(on_date => '2026-03-04',
                                    location_id => (SELECT l.location_id FROM clinic.locations AS l WHERE l.name = 'Pune'));
\pset format aligned
\pset tuples_only off

\echo
\echo '=== 12. Leave is laid over bookings: they stay, and are listed'
\echo
SELECT clinic.add_leave(resource_id => :'lang', from_on => '2026-03-17', until_on => '2026-03-18', title => 'Leave') AS leave \gset
SELECT a.confirmation_code, to_char(a.local_starts_at, 'Dy DD Mon HH24:MI') AS local_start, a.status
FROM clinic.affected_by_block(:'leave') AS a;

\echo
\echo '=== 13. Is everything as it must be? No row: nothing overlaps, nothing is over capacity, nothing is orphaned'
\echo
SELECT * FROM clinic.check_integrity();

\echo
\echo 'That was pg_clinic. README.md has the first ten lines for your own database, docs/ the rest.'
