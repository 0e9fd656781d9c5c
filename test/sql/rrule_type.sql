-- The type clinic.rrule.

-- Any legal text in, the canonical text out.
SELECT text, text::clinic.rrule AS canonical
FROM (VALUES ('freq=weekly;byday=we,mo,mo'), ('RRULE:INTERVAL=1;FREQ=DAILY;WKST=MO'), ('BYDAY=+2TU,-1SU;FREQ=MONTHLY;COUNT=010'),
    ('FREQ=YEARLY;BYSECOND=60;BYMONTH=12,1'), ('FREQ=DAILY;UNTIL=20261231T225900Z'),
    ('SKIP=FORWARD;RSCALE=gregorian;FREQ=MONTHLY;BYMONTHDAY=31')) v(text);

-- Refused, and why.
SELECT ''::clinic.rrule;
SELECT 'FREQ=DAILY;FREQ=DAILY'::clinic.rrule;
SELECT 'FREQ=DAILY;INTERVAL=0'::clinic.rrule;
SELECT E'FREQ=DAILY\nFREQ=DAILY'::clinic.rrule;
SELECT 'FREQ=DAILY;COUNT=2;UNTIL=20260101'::clinic.rrule;
SELECT 'FREQ=DAILY;X-OURS=1'::text::clinic.rrule;
SELECT clinic.is_rrule('FREQ=DAILY') AS legal, clinic.is_rrule('FREQ=NEVER') AS unknown, clinic.is_rrule('') AS empty,
    clinic.is_rrule(NULL) IS NULL AS of_null;

-- Comparison is by canonical text.
SELECT 'FREQ=DAILY;BYDAY=TU,MO'::clinic.rrule OPERATOR(clinic.=) 'byday=mo,tu;freq=daily' AS eq,
    'FREQ=DAILY'::clinic.rrule OPERATOR(clinic.<>) 'FREQ=WEEKLY' AS ne,
    'FREQ=DAILY'::clinic.rrule OPERATOR(clinic.<) 'FREQ=WEEKLY' AS lt,
    'FREQ=DAILY'::clinic.rrule OPERATOR(clinic.<=) 'FREQ=DAILY' AS le,
    'FREQ=DAILY'::clinic.rrule OPERATOR(clinic.>) 'FREQ=WEEKLY' AS gt,
    'FREQ=DAILY'::clinic.rrule OPERATOR(clinic.>=) 'FREQ=DAILY' AS ge;

-- Sorting, grouping, btree and hash indexes, merge and hash joins.
CREATE TEMP TABLE rules (n int, rule clinic.rrule);
INSERT INTO rules SELECT n, ('FREQ=DAILY;INTERVAL=' || n % 100 + 1)::clinic.rrule FROM generate_series(1, 1000) n;
SELECT count(DISTINCT rule) FROM rules;
SELECT rule FROM rules GROUP BY rule ORDER BY rule DESC LIMIT 2;
CREATE INDEX rules_btree ON rules USING btree (rule);
CREATE INDEX rules_hash ON rules USING hash (rule);
ANALYZE rules;
SET search_path = public, clinic;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT n FROM rules WHERE rule < 'FREQ=DAILY;INTERVAL=11';
SELECT count(*) FROM rules WHERE rule < 'FREQ=DAILY;INTERVAL=11';
DROP INDEX rules_btree;
EXPLAIN (COSTS OFF) SELECT n FROM rules WHERE rule = 'INTERVAL=7;FREQ=DAILY';
SELECT count(*) FROM rules WHERE rule = 'INTERVAL=7;FREQ=DAILY';
RESET enable_seqscan;
RESET enable_bitmapscan;
SET enable_nestloop = off;
SET enable_mergejoin = off;
EXPLAIN (COSTS OFF) SELECT * FROM rules a JOIN rules b USING (rule);
SELECT count(*) FROM rules a JOIN rules b USING (rule);
RESET enable_mergejoin;
SET enable_hashjoin = off;
EXPLAIN (COSTS OFF) SELECT * FROM rules a JOIN rules b USING (rule);
SELECT count(*) FROM rules a JOIN rules b USING (rule);
RESET enable_hashjoin;
RESET enable_nestloop;
RESET search_path;

-- Hash partitioning needs the extended hash.
CREATE TEMP TABLE parts (rule clinic.rrule) PARTITION BY HASH (rule);
CREATE TEMP TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TEMP TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parts SELECT rule FROM rules;
SELECT count(*), (SELECT count(*) FROM parts_0) BETWEEN 1 AND 999 AS spread FROM parts;

-- The binary form survives a round trip, and is checked on the way in.
CREATE TEMP TABLE copied (LIKE rules);
\copy rules TO PROGRAM 'cat > "$PG_ABS_BUILDDIR/rrule_type.bin"' (FORMAT binary)
\copy copied FROM PROGRAM 'cat "$PG_ABS_BUILDDIR/rrule_type.bin"' (FORMAT binary)
SELECT count(*) FROM copied JOIN rules USING (n) WHERE copied.rule OPERATOR(clinic.=) rules.rule;
\copy (SELECT 'FREQ=NEVER'::text) TO PROGRAM 'cat > "$PG_ABS_BUILDDIR/rrule_type.bin"' (FORMAT binary)
\copy copied (rule) FROM PROGRAM 'cat "$PG_ABS_BUILDDIR/rrule_type.bin"' (FORMAT binary)

-- Casts: text by assignment both ways, jsonb as in jCal.
CREATE TEMP TABLE texts (t text, r clinic.rrule, j jsonb);
INSERT INTO texts VALUES ('FREQ=DAILY'::clinic.rrule, 'daily is not a rule; this is: '::text || 'x', NULL);
INSERT INTO texts VALUES ('count=2;freq=daily'::clinic.rrule, 'count=2;freq=daily'::text, 'count=2;freq=daily'::clinic.rrule);
SELECT * FROM texts;

SELECT rule::clinic.rrule::jsonb
FROM unnest(ARRAY['FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH;WKST=SU', 'FREQ=MONTHLY;BYDAY=-1SU;COUNT=5', 'FREQ=DAILY;UNTIL=20261231',
    'FREQ=DAILY;UNTIL=20261231T235959', 'FREQ=HOURLY;UNTIL=20261231T235959Z;BYMINUTE=0,30;BYSECOND=15;BYHOUR=9',
    'FREQ=YEARLY;RSCALE=GREGORIAN;SKIP=BACKWARD;BYMONTH=2;BYMONTHDAY=29', 'FREQ=YEARLY;BYWEEKNO=1,53;BYDAY=MO',
    'FREQ=YEARLY;BYYEARDAY=-1,100;BYSETPOS=1']) rule;
SELECT bool_and(rule::clinic.rrule::jsonb::clinic.rrule OPERATOR(clinic.=) rule::clinic.rrule) AS round_trip
FROM unnest(ARRAY['FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH;WKST=SU', 'FREQ=MONTHLY;BYDAY=-1SU;COUNT=5', 'FREQ=DAILY;UNTIL=20261231',
    'FREQ=DAILY;UNTIL=20261231T235959', 'FREQ=HOURLY;UNTIL=20261231T235959Z;BYMINUTE=0,30;BYSECOND=15;BYHOUR=9',
    'FREQ=YEARLY;RSCALE=GREGORIAN;SKIP=BACKWARD;BYMONTH=2;BYMONTHDAY=29', 'FREQ=YEARLY;BYWEEKNO=1,53;BYDAY=MO',
    'FREQ=YEARLY;BYYEARDAY=-1,100;BYSETPOS=1']) rule;
SELECT '{"freq": "monthly", "byday": ["1MO", "-1FR"], "count": 3}'::jsonb::clinic.rrule;
SELECT '{"FREQ": "DAILY", "until": "2026-12-31T23:59:59Z", "bymonth": [1, 2]}'::jsonb::clinic.rrule;

-- JSON that is no rule. No value can smuggle in a part.
SELECT '[]'::jsonb::clinic.rrule;
SELECT '{"freq": "DAILY;COUNT=3"}'::jsonb::clinic.rrule;
SELECT '{"freq": {"a": 1}}'::jsonb::clinic.rrule;
SELECT '{"freq": "DAILY", "count": true}'::jsonb::clinic.rrule;
SELECT '{"freq": "DAILY", "count": 1.5}'::jsonb::clinic.rrule;
SELECT '{"freq": "DAILY", "bymonth": [[1]]}'::jsonb::clinic.rrule;
SELECT '{"freq": "DAILY", "colour": "red"}'::jsonb::clinic.rrule;
SELECT '{}'::jsonb::clinic.rrule;

-- Descriptions: of the type, of text, of a literal, by name. (Their words are tested in the core.)
SELECT clinic.describe_rrule('FREQ=MONTHLY;BYDAY=1MO'::clinic.rrule, 'en') = clinic.describe_rrule('byday=+1mo;freq=monthly') AS literal,
    clinic.describe_rrule('FREQ=MONTHLY;BYDAY=1MO'::text) = clinic.describe_rrule(rrule => 'FREQ=MONTHLY;BYDAY=1MO') AS named,
    length(clinic.describe_rrule('FREQ=MONTHLY;BYDAY=1MO')) > 5 AS says_something;
SELECT clinic.describe_rrule('FREQ=DAILY', 'xx');
SELECT clinic.describe_rrule(NULL::text);

-- Rules for opening hours.
SELECT rule, clinic.is_hours_rule(rule)
FROM unnest(ARRAY['FREQ=WEEKLY;BYDAY=MO', 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29', 'FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29',
    'FREQ=MONTHLY;BYDAY=1MO;UNTIL=19990101', 'FREQ=HOURLY', 'FREQ=DAILY;BYHOUR=9', 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30', 'junk']) rule;
SELECT clinic_private.check_hours_rule('FREQ=WEEKLY;BYDAY=MO', '2026-01-05');
SELECT clinic_private.check_hours_rule('FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30', '2026-01-05');
SELECT clinic_private.check_hours_rule('FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29', '2026-01-05');
SELECT clinic_private.check_hours_rule('FREQ=WEEKLY;UNTIL=20251231', '2026-01-05');
SELECT clinic_private.check_hours_rule('FREQ=HOURLY', '2026-01-05');
SELECT clinic_private.check_hours_rule('FREQ=DAILY;BYMINUTE=30', '2026-01-05');
SELECT clinic_private.check_hours_rule('FREQ=DAILY;BYMINUTES=30', '2026-01-05');
SELECT clinic_private.check_hours_rule('FREQ=DAILY', 'infinity');
SELECT clinic_private.check_hours_rule(NULL, '2026-01-05');
SELECT clinic_private.check_hours_rule('FREQ=DAILY', NULL);

-- Every function over rules in text takes a column of the type, its times typed or not.
CREATE TEMP TABLE visits (n int, rule clinic.rrule, starts timestamp);
INSERT INTO visits VALUES (1, 'freq=weekly;byday=mo;interval=2', '2026-03-02 09:00'), (2, 'FREQ=DAILY;COUNT=2', '2026-03-03 10:00');
SELECT v.n, o.o AT TIME ZONE 'UTC' AS at
FROM visits v CROSS JOIN LATERAL clinic.occurrences(v.rule, v.starts, 'UTC', max_count => 2) AS o (o)
ORDER BY v.n, o.o;
SELECT count(*) FROM visits v CROSS JOIN LATERAL clinic.occurrences(v.rule, '2026-03-02 09:00', 'UTC', '2026-03-01', '2026-04-01');
SELECT n, clinic.next_occurrence(rule, starts, 'UTC', '2026-03-03 12:00Z') AT TIME ZONE 'UTC' AS next,
    clinic.previous_occurrence(rule, starts, 'UTC', '2026-03-03 12:00Z') AT TIME ZONE 'UTC' AS previous,
    clinic.is_occurrence(rule, starts, 'UTC', '2026-03-04 10:00Z') AS is_one
FROM visits ORDER BY n;
SELECT clinic.next_occurrence(rrule => 'FREQ=DAILY', dtstart => '2026-03-02 09:00', tz => 'UTC', after => '2026-03-02 09:00Z')
    AT TIME ZONE 'UTC' AS next;
