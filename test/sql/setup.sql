-- The set-up API: what each function makes, changes and keeps.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();
RESET client_min_messages;
SET clinic.clock = '2026-03-02T12:00:00Z';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
\set SHOW_CONTEXT never

-- An administrator makes a tenant, and is in its context for the rest of the transaction.
SET ROLE clinic_admin;
BEGIN;
SELECT clinic.create_tenant(slug => 'setup-test', name => '  Setup Test  ', buffer_after_minutes => 5,
                            tenant_id => '5e700001-0000-7000-8000-000000000001');
SELECT clinic.current_tenant_id();
SELECT clinic.map_login(login => session_user, actor => 'admin', permissions => '{*}');
COMMIT;
-- The mapped login needs no more than to log in.
SELECT t.slug, t.name, t.patient_overlap, t.buffer_after_minutes, t.version, t.created_at FROM clinic.tenants AS t;
SELECT clinic.update_tenant('{"patient_overlap": "warn", "name": "Setup Test Clinics"}');
SELECT t.name, t.patient_overlap, t.version FROM clinic.tenants AS t;

-- Locations.
SELECT clinic.create_location(name => 'Berlin', time_zone => 'europe/berlin', country => 'de',
                              location_id => '5e700001-0010-7000-8000-000000000001') AS berlin \gset
SELECT clinic.create_location(name => 'Kolkata', time_zone => 'Asia/Calcutta',
                              location_id => '5e700001-0010-7000-8000-000000000002') AS kolkata \gset
SELECT clinic.update_location(:'kolkata', '{"country": "IN"}');
SELECT l.name, l.time_zone, l.country, l.status, l.version FROM clinic.locations AS l ORDER BY l.location_id;
SELECT clinic.set_travel_time(:'berlin', :'kolkata', 600);
SELECT clinic.set_travel_time(:'kolkata', :'berlin', 660, both_ways => false);
SELECT t.from_location_id, t.minutes FROM clinic.travel_times AS t ORDER BY t.from_location_id;

-- Providers, rooms and devices.
SELECT clinic.create_provider(name => 'Dr. Eva Lind', time_zone => 'Europe/Berlin', specialty => 'Dermatology', max_per_day => 10,
                              buffer_before_minutes => 5, color => '#2F6FB0',
                              provider_id => '5e700001-0020-7000-8000-000000000001') AS lind \gset
SELECT clinic.update_provider(:'lind', '{"max_per_week": 40, "max_per_day": null}');
SELECT clinic.update_provider(:'lind', '{"status": "inactive", "version": 2}');
SELECT clinic.update_provider(:'lind', '{"status": "active"}');
SELECT p.name, p.time_zone, p.max_per_day, p.max_per_week, p.buffer_before_minutes, p.color, p.status, p.version
FROM clinic.providers AS p;
SELECT clinic.create_resource(name => 'Room 1', kind => 'room', resource_class => 'treatment_room', location_id => :'berlin',
                              resource_id => '5e700001-0030-7000-8000-000000000001') AS room \gset
SELECT clinic.create_resource(name => 'Laser', kind => 'device', resource_class => 'laser', location_id => :'berlin', quantity => 2,
                              resource_id => '5e700001-0030-7000-8000-000000000002') AS laser \gset
SELECT clinic.update_resource(:'laser', '{"quantity": 3, "buffer_after_minutes": 10}');
SELECT r.kind, r.name, r.resource_class, r.quantity, r.buffer_after_minutes, r.version FROM clinic.resources AS r ORDER BY r.resource_id;

-- Services. The step is the duration when nobody says otherwise.
SELECT clinic.create_service(name => 'Consultation', duration_minutes => 30,
                             service_id => '5e700001-0040-7000-8000-000000000001') AS consultation \gset
SELECT clinic.create_service(name => 'Laser', duration_minutes => 45, step_minutes => 15, anchor => 'midnight',
                             min_duration_minutes => 30, max_duration_minutes => 60, buffer_after_minutes => 10,
                             lead_time_minutes => 120, same_day => false, horizon_days => 60, cancel_window_minutes => 1440,
                             max_per_day => 4, color => '#b8336a',
                             service_id => '5e700001-0040-7000-8000-000000000002') AS laser_service \gset
SELECT clinic.create_service(name => 'Two nights', duration_minutes => 2400,
                             service_id => '5e700001-0040-7000-8000-000000000003');
SELECT clinic.update_service(:'consultation', '{"duration_minutes": 20, "capacity": 2}');
SELECT clinic.require_resource(:'laser_service', 'laser', 2);
SELECT clinic.require_resource(:'laser_service', 'laser');
SELECT clinic.require_resource(:'laser_service', 'treatment_room');
SELECT clinic.release_requirement(:'laser_service', 'treatment_room');
SELECT s.name, s.duration_minutes, s.step_minutes, s.anchor, s.capacity, s.horizon_days, s.same_day, s.needs, s.version
FROM clinic.services AS s ORDER BY s.service_id;
SELECT clinic.offer_service(:'consultation', :'lind');
SELECT clinic.offer_service(:'laser_service', :'lind', duration_minutes => 50);
SELECT clinic.offer_service(:'laser_service', :'lind', duration_minutes => 60, buffer_after_minutes => 0);
SELECT clinic.withdraw_service(:'consultation', :'lind');
SELECT sp.service_id, sp.duration_minutes, sp.buffer_before_minutes, sp.buffer_after_minutes FROM clinic.service_providers AS sp;

-- Patients are resources too.
SELECT clinic.create_patient(name => ' Mara Quist ', mrn => ' Q1 ', date_of_birth => '1980-02-29', sex => 'female',
                             patient_id => '5e700001-0090-7000-8000-000000000001') AS mara \gset
SELECT clinic.update_patient(:'mara', '{"mrn": null, "status": "inactive"}');
SELECT p.name, p.mrn, p.date_of_birth, p.sex, p.status, p.version FROM clinic.patients AS p;

-- Hours: versions, with the phase kept.
SELECT clinic.add_hours(resource_id => :'lind', location_id => :'kolkata', rule => 'FREQ=WEEKLY;INTERVAL=2;BYDAY=MO',
                        start_time => '09:00', end_time => '17:00', rule_id => '5e700001-0050-7000-8000-000000000001') AS rule \gset
SELECT clinic.change_hours(:'rule', from_on => '2026-04-01', end_time => '15:00', max_appointments => 6) AS changed \gset
SELECT clinic.change_hours(:'changed', from_on => '2026-04-01', valid_until => '2026-12-31', clear => '{max_appointments}') AS again \gset
SELECT clinic.end_hours(:'again', last_on => '2026-05-31') AS ended \gset
RESET ROLE;
SELECT a.valid_from, a.valid_until, a.dtstart_on, a.start_time, a.end_time, a.max_appointments, a.time_zone,
       a.replaces_rule_id IS NOT NULL AS replaces, a.retired_at IS NOT NULL AS retired
FROM clinic_data.availability_rules AS a
WHERE a.tenant_id = '5e700001-0000-7000-8000-000000000001'
ORDER BY retired, a.valid_from, a.valid_until NULLS LAST, a.max_appointments NULLS LAST;
SET ROLE clinic_admin;
-- A date of the second fortnight before the change, and the first after it: still the same Mondays.
SELECT oh.starts_at, oh.ends_at, oh.time_zone
FROM clinic.open_hours(resource_ids => ARRAY[:'lind']::uuid[], range_start => '2026-03-09', range_end => '2026-04-20') AS oh
ORDER BY oh.starts_at;
SELECT clinic.remove_hours(:'ended');

-- Days that differ, holidays, stays.
SELECT clinic.open_date(:'lind', :'berlin', '2026-03-07', '10:00', '13:00', works_on_holidays => true,
                        override_id => '5e700001-0060-7000-8000-000000000001') AS opened \gset
SELECT clinic.open_date(:'lind', :'berlin', '2026-03-07', '22:00', '02:00') IS NOT NULL AS a_second_window;
SELECT clinic.close_date(:'lind', '2026-03-09') AS closed \gset
SELECT clinic.remove_override(:'closed');
SELECT clinic.close_date(:'lind', '2026-03-09', location_id => :'berlin') IS NOT NULL AS closed_again;
SELECT clinic.add_holiday(:'berlin', '2026-03-08', 'Women''s Day') AS holiday \gset
SELECT clinic.remove_holiday(:'holiday');
SELECT clinic.add_holiday(:'berlin', '2026-03-08', 'Women''s Day') IS NOT NULL AS a_holiday_again;
SELECT clinic.add_stay(:'lind', '2026-03-10', '2026-03-12', 'Asia/Kolkata') AS stay \gset
SELECT clinic.remove_stay(:'stay');
SELECT clinic.add_stay(:'lind', '2026-03-12', '2026-03-12', 'Asia/Kolkata') IS NOT NULL AS a_stay_again;

-- Blocks, leave and breaks.
SELECT clinic.add_block('2026-03-10 10:00+01', '2026-03-10 11:00+01', resource_id => :'lind', title => 'Meeting') AS block \gset
SELECT clinic.add_block('2026-03-10 10:00+01', '2026-03-10 11:00+01', location_id => :'berlin', kind => 'external') IS NOT NULL AS wide;
SELECT clinic.add_block('2026-03-10 12:00+01', '2026-03-10 12:30+01', resource_id => :'room', patient_id => :'mara') IS NOT NULL AS kept;
SELECT clinic.add_leave(:'lind', '2026-03-20', '2026-03-20', service_ids => ARRAY[:'laser_service']::uuid[]) IS NOT NULL AS leave;
SELECT clinic.add_break(:'lind', 'FREQ=DAILY', '12:00', '12:30', until_on => '2026-06-30', title => 'Lunch') IS NOT NULL AS lunch;
SELECT clinic.add_break(NULL, 'FREQ=WEEKLY;BYDAY=FR', '16:00', '17:00', location_id => :'berlin') IS NOT NULL AS location_break;
SELECT clinic.remove_block(:'block');
RESET ROLE;
SELECT b.kind, b.starts_at, b.from_on, b.until_on, b.start_time, b.time_zone, cardinality(b.service_ids) AS services,
       b.patient_id IS NOT NULL AS kept, b.title, b.retired_at IS NOT NULL AS retired
FROM clinic_data.blocks AS b
WHERE b.tenant_id = '5e700001-0000-7000-8000-000000000001'
ORDER BY b.block_id;

-- Permissions decide, not roles: each function says what it misses, and without a context nothing works.
CREATE ROLE setup_clerk LOGIN IN ROLE clinic_user;
SET ROLE clinic_admin;
SELECT clinic.map_login(login => 'setup_clerk', actor => 'staff', permissions => '{schedules:*,appointments:read,patients:read}');
SET SESSION AUTHORIZATION setup_clerk;
SELECT clinic.add_holiday(:'berlin', '2026-12-24', 'Christmas Eve') IS NOT NULL AS may;
SELECT clinic.create_location(name => 'Ghost', time_zone => 'Europe/Berlin');
SELECT clinic.create_patient(name => 'Ghost');
SELECT clinic.create_tenant(slug => 'ghost', name => 'Ghost');
SELECT clinic.map_login(login => 'setup_clerk', actor => 'admin', permissions => '{*}');
RESET SESSION AUTHORIZATION;
SET ROLE clinic_admin;
SELECT clinic.unmap_login('setup_clerk');
SELECT clinic.unmap_login('setup_clerk');
SET SESSION AUTHORIZATION setup_clerk;
SELECT clinic.add_holiday(:'berlin', '2026-12-25', 'Christmas Day');
RESET SESSION AUTHORIZATION;

-- What would keep a mapped login from doing what was meant is said at once, and listed.
CREATE ROLE setup_group;
CREATE ROLE setup_plain LOGIN;
SET ROLE clinic_admin;
SELECT clinic.map_login('setup_group', 'staff', '{appointments:read,patients:read}');
SELECT clinic.map_login('setup_plain', 'staff', '{dairy:read,appointments:*}');
SELECT l.login = session_user AS me, CASE WHEN l.login <> session_user THEN l.login END AS login, l.actor, l.permissions, l.active,
       l.problems
FROM clinic.mapped_logins() AS l
ORDER BY l.login = session_user, l.login;
RESET ROLE;
DROP ROLE setup_plain;
SELECT l.problems FROM clinic.mapped_logins() AS l WHERE l.login = 'setup_plain';
SET SESSION AUTHORIZATION setup_clerk;
SELECT * FROM clinic.mapped_logins();
RESET SESSION AUTHORIZATION;

-- A login in two tenants acts for none, and every refusal says so.
SET ROLE clinic_admin;
BEGIN;
SELECT clinic.use_tenant('setup-test');
SELECT clinic.map_login('setup_clerk', 'staff', '{schedules:*}');
COMMIT;
BEGIN;
SELECT clinic.create_tenant(slug => 'setup-test-2', name => 'Setup Test 2', tenant_id => '5e700001-0000-7000-8000-000000000002');
SELECT clinic.map_login('setup_clerk', 'staff', '{schedules:*}');
COMMIT;
SET SESSION AUTHORIZATION setup_clerk;
SELECT clinic.add_holiday(:'berlin', '2026-12-25', 'Christmas Day');
SELECT * FROM clinic.available_slots(NULL, '2026-03-02', '2026-03-03', duration => '1 hour');
RESET SESSION AUTHORIZATION;
SET ROLE clinic_admin;
BEGIN;
SELECT clinic.use_tenant('setup-test-2');
SELECT clinic.unmap_login('setup_clerk');
COMMIT;
RESET ROLE;
SELECT l.problems FROM clinic.mapped_logins() AS l WHERE l.login = 'setup_clerk';

-- The login is left unmapped for other tests.
SELECT clinic.unmap_login('setup_clerk'), clinic.unmap_login('setup_group'), clinic.unmap_login('setup_plain');
SELECT clinic.unmap_login(session_user);
DROP ROLE setup_clerk, setup_group;
