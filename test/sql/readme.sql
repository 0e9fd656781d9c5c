-- The SQL of README.md and docs/tutorial.md runs as printed, in order, each document in a database of its own; that of
-- docs/booking_life.md, series.md and visits.md after the README's first block.
\getenv srcdir PG_ABS_SRCDIR
\getenv builddir PG_ABS_BUILDDIR

-- The first block is examples/quickstart.sql, in ten statements.
\set difference `sh "$PG_ABS_SRCDIR/support/sql_blocks.sh" "$PG_ABS_SRCDIR/../README.md" 1 | diff - "$PG_ABS_SRCDIR/../examples/quickstart.sql" && echo same`
\echo :difference
\set statements `grep -c -E '(;|\\gset)$' "$PG_ABS_SRCDIR/../examples/quickstart.sql"`
\echo :statements

-- Errors would show here; the rows, full of ids and codes, do not.
\set ECHO none
\set SHOW_CONTEXT never
SET client_min_messages = warning;
\set extract `sh "$PG_ABS_SRCDIR/support/sql_blocks.sh" "$PG_ABS_SRCDIR/../README.md" > "$PG_ABS_BUILDDIR/results/README.sql"`
\set extract `sh "$PG_ABS_SRCDIR/support/sql_blocks.sh" "$PG_ABS_SRCDIR/../docs/tutorial.md" > "$PG_ABS_BUILDDIR/results/tutorial.sql"`
\set extract `for page in README booking_life series visits; do case $page in README) sh "$PG_ABS_SRCDIR/support/sql_blocks.sh" "$PG_ABS_SRCDIR/../README.md" 1 ;; *) sh "$PG_ABS_SRCDIR/support/sql_blocks.sh" "$PG_ABS_SRCDIR/../docs/$page.md" ;; esac; done > "$PG_ABS_BUILDDIR/results/booking_life.sql"`
\set database :DBNAME

CREATE DATABASE readme_test;
\c readme_test
SET client_min_messages = warning;
\set blocks 0
\set file :builddir/results/README.sql
\o /dev/null
\i :file
\o
\if :{?appointment}
\else
\echo 'README.md did not get as far as an appointment'
\endif
SELECT :blocks > 10 AS "blocks were run",
       (SELECT count(*) FROM clinic.appointments AS a WHERE a.status = 'cancelled') AS cancelled,
       (SELECT count(*) FROM clinic.check_integrity()) AS problems;

\c :database
CREATE DATABASE tutorial_test;
\c tutorial_test
SET client_min_messages = warning;
\set blocks 0
\set file :builddir/results/tutorial.sql
\o /dev/null
\i :file
\o
SELECT :blocks > 10 AS "blocks were run",
       (SELECT count(*) > 0 FROM clinic.appointments AS a) AS booked,
       (SELECT count(*) FROM clinic.check_integrity()) AS problems;
-- Which rooms and devices a visit takes, by the view.
SELECT DISTINCT a.service_name, r.kind, r.name
FROM clinic.appointments AS a
CROSS JOIN LATERAL unnest(a.resource_ids) AS u (resource_id)
JOIN clinic.resources AS r ON r.resource_id = u.resource_id;

\c :database
CREATE DATABASE booking_life_test;
\c booking_life_test
SET client_min_messages = warning;
\set file :builddir/results/booking_life.sql
\o /dev/null
\i :file
\o
SELECT (SELECT count(*) FROM clinic.waitlist_offers AS o WHERE o.status = 'accepted') AS offers, (SELECT count(*) FROM clinic.series) AS series,
       (SELECT string_agg(v.status, ', ') FROM clinic.visits AS v) AS visits, (SELECT count(*) FROM clinic.check_integrity()) AS problems;

\c :database
DROP DATABASE booking_life_test;
DROP DATABASE readme_test;
DROP DATABASE tutorial_test;
DROP ROLE front_desk, lena_ortiz, app_owner;
