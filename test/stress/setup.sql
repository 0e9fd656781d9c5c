-- The clinic of the stress program: few providers and rooms, so that everybody is in everybody's way.
-- Ids tell what they are: kind, then number. The week of Monday 2035-03-05 is open from 9 to 17.

\set ON_ERROR_STOP on

CREATE EXTENSION IF NOT EXISTS pg_clinic CASCADE;
CALL clinic.install();

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'stress_desk') THEN
        CREATE ROLE stress_desk LOGIN IN ROLE clinic_user;
    END IF;
END
$$;

-- Deadlocks that a foreign writer causes are found quickly.
ALTER DATABASE :"DBNAME" SET deadlock_timeout = '100ms';

BEGIN;
SET LOCAL client_min_messages = warning;
\o /dev/null
SELECT clinic.create_tenant('stress', 'Stress', tenant_id => '00000000-0000-7000-8000-000000000001');
SELECT clinic.map_login('stress_desk', 'staff', '{*}');
SELECT clinic.create_location('Centre', 'Europe/Berlin', location_id => '00000000-0010-7000-8000-000000000001');

SELECT clinic.create_provider('Provider ' || n, 'Europe/Berlin', provider_id => ('00000000-0020-7000-8000-00000000000' || n)::uuid)
FROM generate_series(1, 3) AS n;
SELECT clinic.create_resource('Room ' || n, 'room', 'room', '00000000-0010-7000-8000-000000000001',
                              resource_id => ('00000000-0030-7000-8000-00000000000' || n)::uuid)
FROM generate_series(1, 2) AS n;

-- 1: plain; 2: needs a room, with buffers; 3: a group of four; 4: a group of three in a room; 5: limited to six a day.
SELECT clinic.create_service('Plain', 30, 15, service_id => '00000000-0040-7000-8000-000000000001');
SELECT clinic.create_service('Room', 30, 15, buffer_before_minutes => 5, buffer_after_minutes => 5,
                             service_id => '00000000-0040-7000-8000-000000000002');
SELECT clinic.create_service('Group', 60, 30, capacity => 4, service_id => '00000000-0040-7000-8000-000000000003');
SELECT clinic.create_service('Group in a room', 60, 30, capacity => 3, service_id => '00000000-0040-7000-8000-000000000004');
SELECT clinic.create_service('Limited', 30, 15, max_per_day => 6, service_id => '00000000-0040-7000-8000-000000000005');
SELECT clinic.require_resource('00000000-0040-7000-8000-000000000002', 'room');
SELECT clinic.require_resource('00000000-0040-7000-8000-000000000004', 'room');
SELECT clinic.offer_service(('00000000-0040-7000-8000-00000000000' || s)::uuid, ('00000000-0020-7000-8000-00000000000' || p)::uuid)
FROM generate_series(1, 5) AS s, generate_series(1, 3) AS p;
SELECT clinic.add_hours(('00000000-0020-7000-8000-00000000000' || p)::uuid, '00000000-0010-7000-8000-000000000001',
                        'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', '09:00', '17:00', valid_from => '2035-03-05')
FROM generate_series(1, 3) AS p;

SELECT clinic.create_patient('Patient ' || n, patient_id => ('00000000-0050-7000-8000-' || lpad(n::text, 12, '0'))::uuid)
FROM generate_series(1, 120) AS n;
\o
COMMIT;
