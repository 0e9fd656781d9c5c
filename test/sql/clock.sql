-- The engine's clock.
SET timezone = 'UTC';
SET datestyle = 'ISO';

SELECT clinic.now() = statement_timestamp() AS runs;

-- One value for the whole statement, a new one for the next, in one transaction.
BEGIN;
SELECT clinic.now() AS first \gset
SELECT clinic.now() > :'first' AS moved_on FROM pg_sleep(0.01);
SELECT count(DISTINCT clinic.now()) AS values FROM generate_series(1, 3), pg_sleep(0.01);
COMMIT;

-- Frozen: an ISO time with an offset, whatever the session's settings.
SET clinic.clock = '2026-03-02 08:00:00Z';
SELECT clinic.now();
SET datestyle = 'German';
SET timezone = 'Asia/Tokyo';
SET clinic.clock = '2026-03-02T08:00+05:30';
SET timezone = 'UTC';
SET datestyle = 'ISO';
SELECT clinic.now();
SET clinic.clock = '2024-02-29 23:59:59.999999-0330';
SELECT clinic.now();

-- For a transaction.
BEGIN;
SET LOCAL clinic.clock = '2030-01-01 00:00Z';
SELECT clinic.now();
ROLLBACK;
SELECT clinic.now();
SET clinic.clock = '';
SELECT clinic.now() = statement_timestamp() AS runs;

-- Refused: anything else.
SET clinic.clock = 'tomorrow';
SET clinic.clock = '2026-03-02 08:00:00';
\set VERBOSITY sqlstate
SET clinic.clock = '2026-02-29 08:00:00Z';
SET clinic.clock = '2026-03-02 24:00:00Z';
SET clinic.clock = '2026-03-02 08:00:00+5';
SET clinic.clock = '2026-03-02 08:00:00.Z';
SET clinic.clock = '2026-03-02 08:00:00Z ';
SET clinic.clock = '0000-01-01 08:00:00Z';
SET clinic.clock = 'infinity';
\set VERBOSITY default
SHOW clinic.clock;

-- A privilege.
SET ROLE clinic_user;
SET clinic.clock = '2026-03-02 08:00:00Z';
RESET ROLE;

-- Other names of the prefix are not to be had.
SET clinic.no_such_setting = 'x';

RESET timezone;
RESET datestyle;
