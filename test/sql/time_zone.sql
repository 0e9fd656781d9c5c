-- Which texts name a time zone, and whether the zones are the server's.
SET timezone = 'UTC';
SET datestyle = 'ISO';

-- Names, in any case.
SELECT name, clinic.is_time_zone(name) AS accepted, clinic.canonical_time_zone(name) AS canonical
FROM unnest(ARRAY['Europe/Vienna', 'europe/vienna', 'EUROPE/VIENNA', 'Asia/Kolkata', 'UTC', 'utc', 'Etc/GMT+5', 'EST5EDT', 'GMT',
    'America/Argentina/Buenos_Aires', 'Etc/UTC']) WITH ORDINALITY u(name, n) ORDER BY n;

-- Aliases, wherever the server's tzdata has them (Debian keeps old ones in the package tzdata-legacy).
SELECT name FROM unnest(ARRAY['US/Eastern', 'Asia/Calcutta', 'Europe/Kiev', 'EST', 'GB', 'Zulu']) u(name)
WHERE clinic.is_time_zone(name) <> EXISTS (SELECT FROM pg_timezone_names z WHERE z.name = u.name);

-- No names of zones: towns without one, abbreviations, offsets, POSIX strings, what depends on the machine, files.
SELECT name, clinic.is_time_zone(name) AS accepted
FROM unnest(ARRAY['America/Miami', 'EDT', 'CEST', 'IST', 'UTC+5', '+05:30', '', ' ', 'Europe', 'Europe/', '/Europe/Vienna',
    'Europe/Vienna ', 'localtime', 'LocalTime', 'posixrules', 'Factory', 'posix/Europe/Vienna', 'right/UTC', ':UTC', '<+03>-3',
    'FOO5BAR', 'CET-1CEST,M3.5.0,M10.5.0/3', 'zone.tab', '../../etc/passwd', E'Europe/Vienna\n', repeat('x', 300)])
    WITH ORDINALITY u(name, n) WHERE clinic.is_time_zone(name);

SELECT clinic.canonical_time_zone('America/Miami');
SELECT clinic.canonical_time_zone('');
SELECT clinic.is_time_zone(NULL), clinic.canonical_time_zone(NULL);

-- Every zone of the server but those that mean none in particular.
SELECT name FROM pg_timezone_names WHERE NOT clinic.is_time_zone(name) AND name !~ '^(posix|right)/' AND name !~ '^SystemV/'
ORDER BY name COLLATE "C";
SELECT count(*) > 400 AS many, bool_and(clinic.canonical_time_zone(lower(name)) = name) AS same_spelling
FROM pg_timezone_names WHERE clinic.is_time_zone(name);

-- Noon of four days in every seventeenth year is the same instant as the server's, in every zone, from local mean time to the
-- far future. (Names that are abbreviations too are left out: AT TIME ZONE reads those.)
WITH times AS (
    SELECT make_timestamp(y, m, 15, 12, 0, 0) AS local FROM generate_series(1850, 3500, 17) y, unnest(ARRAY[1, 4, 7, 10]) m
)
SELECT count(*) > 100000 AS many, count(*) FILTER (WHERE ours IS DISTINCT FROM local AT TIME ZONE name) AS different
FROM pg_timezone_names, times, LATERAL clinic.next_occurrence('FREQ=DAILY;COUNT=1', local, name, '-infinity') ours
WHERE clinic.is_time_zone(name) AND name NOT IN (SELECT abbrev FROM pg_timezone_abbrevs);

-- Before the first transition: local mean time, Vienna 1:05:21 ahead.
SELECT clinic.next_occurrence('FREQ=DAILY;COUNT=1', '1850-01-01 12:00', 'Europe/Vienna', '-infinity');

-- Rules of the far future: the change of March 9998 in New York lies on its second Sunday.
SELECT o AS instant FROM clinic.occurrences('FREQ=DAILY;COUNT=3', '9998-03-07 12:00', 'America/New_York') o;

-- Changes known only as a list, not by a rule: Ramadan in Morocco, on every day of fifty years.
SELECT count(*) AS days, count(*) FILTER (WHERE o AT TIME ZONE 'Africa/Casablanca' <> date_trunc('day', o) + interval '12 h') AS different
FROM clinic.occurrences('FREQ=DAILY', '2020-01-01 12:00', 'Africa/Casablanca', '2020-01-01', '2070-01-01') o;

-- Half-hour changes of the clock: Lord Howe.
SELECT o AS instant FROM clinic.occurrences('FREQ=DAILY', '2026-04-04 12:00', 'Australia/Lord_Howe', max_count => 3) o;

RESET timezone;
RESET datestyle;
