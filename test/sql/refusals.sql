-- Refusals that a newcomer meets: each says what to do.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
BEGIN;
SELECT clinic.create_tenant(slug => 'refusals-test', name => 'Refusals Test', tenant_id => '5e70000a-0000-7000-8000-000000000001');
SELECT clinic.create_location('Oslo', 'Europe/Oslo', location_id => '5e70000a-0010-7000-8000-000000000001') AS oslo,
       clinic.create_provider('Dr. Berg', 'Europe/Oslo', provider_id => '5e70000a-0020-7000-8000-000000000001') AS berg,
       clinic.create_service('Scan', 30, service_id => '5e70000a-0030-7000-8000-000000000001') AS scan,
       clinic.create_patient('Kari Nord', patient_id => '5e70000a-0040-7000-8000-000000000001') AS kari \gset
SELECT clinic.create_resource('Room A', 'room', 'scan_room', :'oslo') IS NOT NULL AS room;
SELECT clinic.require_resource(:'scan', 'scan_room'), clinic.offer_service(:'scan', :'berg');
SAVEPOINT here;

-- Where nothing ever opens, what is past is past, and an override must say where.
SELECT e.step, e.reason FROM clinic.explain_slot(:'scan', '2026-02-02 09:00Z', :'berg') AS e;
SELECT clinic.book_appointment(:'scan', :'kari', '2026-02-02 09:00Z');
ROLLBACK TO here;
SELECT clinic.book_appointment(:'scan', :'kari', '2026-02-02 09:00Z', override => true, reason => 'written down later');
ROLLBACK TO here;
SELECT b.local_starts_at, cardinality(b.resource_ids) AS rooms
FROM clinic.book_appointment(:'scan', :'kari', '2026-02-02 09:00Z', location_id => :'oslo', override => true,
                             reason => 'written down later') AS b;
-- The room is still known later.
SELECT a.service_name, r.name
FROM clinic.appointments AS a
CROSS JOIN LATERAL unnest(a.resource_ids) AS u (resource_id)
JOIN clinic.resources AS r ON r.resource_id = u.resource_id;

-- An id that was right once.
SELECT clinic.add_hours(:'berg', :'oslo', 'FREQ=WEEKLY;BYDAY=MO', '09:00', '12:00',
                        rule_id => '5e70000a-0050-7000-8000-000000000001') AS hours \gset
SELECT clinic.change_hours(:'hours', '2026-04-01', end_time => '13:00') IS NOT NULL AS changed;
SAVEPOINT here;
SELECT clinic.end_hours(:'hours', '2026-05-01');
ROLLBACK TO here;
SELECT clinic.add_holiday(:'oslo', '2026-05-17', 'Constitution Day', holiday_id => '5e70000a-0060-7000-8000-000000000001') AS holiday \gset
SELECT clinic.remove_holiday(:'holiday');
SELECT clinic.remove_holiday(:'holiday');
ROLLBACK TO here;
SELECT clinic.remove_holiday('5e70000a-0060-7000-8000-00000000ffff');
ROLLBACK;
