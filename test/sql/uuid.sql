-- Time-ordered ids.
SET timezone = 'UTC';

-- Version 7, RFC variant, all different, ascending within the session.
WITH ids AS (SELECT n, clinic.new_id() AS id FROM generate_series(1, 20000) n)
SELECT count(DISTINCT id) AS different, bool_and(substr(id::text, 15, 1) = '7') AS version_7,
    bool_and(substr(id::text, 20, 1) IN ('8', '9', 'a', 'b')) AS rfc_variant,
    (SELECT bool_and(later > id) FROM (SELECT id, lead(id) OVER (ORDER BY n) AS later FROM ids) pairs) AS ascending
FROM ids;

-- The id's time is the clock's.
SET clinic.clock = '2026-03-02 08:00:00.123456Z';
SELECT left(clinic.new_id()::text, 13) = left(clinic.uuid_floor(clinic.now())::text, 13) AS same_millisecond,
    clinic.new_id() > clinic.uuid_floor(clinic.now()) AS above_floor,
    clinic.new_id() < clinic.uuid_floor(clinic.now() + interval '1 ms') AS below_next;
SET clinic.clock = '2026-03-01 08:00:00Z';
SELECT clinic.new_id() BETWEEN clinic.uuid_floor(clinic.now()) AND clinic.uuid_floor(clinic.now() + interval '1 ms') AS set_back;
RESET clinic.clock;
SELECT clinic.new_id() > clinic.uuid_floor(clock_timestamp() - interval '1 s') AS released;

-- The floor: 2022-02-22T19:22:22Z is RFC 9562's example, 017F22E2-79B0.
SELECT clinic.uuid_floor('2022-02-22 19:22:22Z');
SELECT clinic.uuid_floor('2022-02-22 19:22:22.000999Z') = clinic.uuid_floor('2022-02-22 19:22:22Z') AS same_millisecond;
SELECT clinic.uuid_floor('1970-01-01Z'), clinic.uuid_floor('1960-01-01Z') = clinic.uuid_floor('1970-01-01Z') AS clamped;
SELECT clinic.uuid_floor('-infinity'), clinic.uuid_floor('infinity');
SELECT clinic.uuid_floor(NULL);

RESET timezone;
