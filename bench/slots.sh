#!/usr/bin/env bash
# What a search costs beside what people write by hand, in one run on one machine: ratios, never absolute promises.
#
#   tools/cluster.sh run bench/slots.sh [RUNS]
#
# Fifty providers, eight weeks of five days, about 12,300 visits. The floor reads the busy rows and makes as many rows as
# there are slots; no search can be faster in SQL. The baselines know nothing but open hours and busy rows: no zones, buffers,
# limits, blocks, holidays or rooms. Each figure is the best of the runs.
set -euo pipefail
. "$(dirname "$0")/../tools/common.sh"

readonly runs=${1:-5} database=bench_slots
export PGDATABASE=$database PGOPTIONS='-c client_min_messages=warning -c timezone=UTC'

prepare() {
    dropdb --if-exists "$database"
    createdb "$database"
    psql -Xqd "$database" -v ON_ERROR_STOP=1 -o /dev/null <<'SQL'
CREATE EXTENSION pg_clinic CASCADE;
CALL clinic.install();
CREATE FUNCTION id(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE
    AS $$ SELECT ('00000000-' || kind || '-7000-8000-' || lpad(n::text, 12, '0'))::uuid $$;
BEGIN;
SELECT clinic.create_tenant('bench', 'Bench', patient_overlap => 'allow', tenant_id => id('0000', 1));
SELECT clinic.create_location('Here', 'UTC', location_id => id('0010', 1));
SELECT clinic.create_service('Visit', 30, service_id => id('0040', 1));
SELECT clinic.create_provider('P' || n, 'UTC', provider_id => id('0020', n)),
       clinic.offer_service(id('0040', 1), id('0020', n)),
       clinic.add_hours(id('0020', n), id('0010', 1), 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', '09:00', '15:00', valid_from => '2035-01-01')
FROM generate_series(1, 50) n;
SELECT clinic.create_patient('Patient', patient_id => id('0050', 1));
SELECT setseed(0.5);
CREATE TABLE busy AS
    SELECT p AS resource, s AS starts_at, s + interval '30 min' AS ends_at
      FROM generate_series(1, 50) p, generate_series(timestamptz '2035-03-05 00:00Z', '2035-04-29', '30 min') s
     WHERE extract(isodow FROM s) < 6 AND s::time >= '09:00' AND s::time < '15:00' AND random() < 0.5125;
SELECT count(*) FROM busy b, clinic.book_appointment(id('0040', 1), id('0050', 1), b.starts_at, id('0020', b.resource));
COMMIT;
CREATE INDEX ON busy (resource, starts_at);
CREATE INDEX ON busy USING gist (resource, tstzrange(starts_at, ends_at));
CREATE TABLE open AS
    SELECT p AS resource, tstzrange(d + interval '9 hours', d + interval '15 hours') AS hours
      FROM generate_series(1, 50) p, generate_series(timestamptz '2035-03-05 00:00Z', '2035-04-29', '1 day') d
     WHERE extract(isodow FROM d) < 6;
VACUUM ANALYZE;
SQL
}

# The best of the runs, in milliseconds.
best() { # statement
    local script
    script=$(printf "BEGIN; SELECT clinic.use_tenant('bench') \\\\g /dev/null\n\\\\timing on\n"
        for ((i = 0; i < runs; i++)); do printf '%s\n' "$1"; done)
    psql -Xqd "$database" -v ON_ERROR_STOP=1 <<<"$script" | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | sort -n | head -n 1
}

measure() { # from, until, heading, provider for clinic, resources for the others
    local from=$1 until=$2 heading=$3 who=$4 resources=$5 floor ms name slots statement
    slots=$(psql -XqAtd "$database" <<<"BEGIN; SELECT clinic.use_tenant('bench') \\g /dev/null
        SELECT count(*) FROM clinic.available_slots(id('0040', 1), '$from', '$until', $who);")
    printf '\n%-40s %10s %10s   (%s slots)\n' "$heading" ms 'of floor' "$slots"
    floor=
    while IFS='|' read -r name statement; do
        ms=$(best "$statement")
        floor=${floor:-$ms}
        awk -v name="$name" -v ms="$ms" -v floor="$floor" 'BEGIN { printf "%-40s %10.2f %10.1f\n", name, ms, ms / floor }'
    done <<SQL
floor: read the busy rows, make the slots|SELECT count(*) + (SELECT count(*) FROM generate_series(1, $slots)) FROM busy WHERE resource = ANY ($resources) AND starts_at >= '$from' AND starts_at < '$until';
clinic.available_slots|SELECT count(*) FROM clinic.available_slots(id('0040', 1), '$from', '$until', $who);
clinic.first_available|SELECT count(*) FROM clinic.first_available(id('0040', 1), '$from', '$until', $who);
multiranges, cut into slots|SELECT count(*) FROM (SELECT o.resource, o.hours - coalesce(b.taken, '{}') AS free FROM (SELECT resource, range_agg(hours) AS hours FROM open WHERE resource = ANY ($resources) AND hours && tstzrange('$from', '$until') GROUP BY resource) o LEFT JOIN (SELECT resource, range_agg(tstzrange(starts_at, ends_at)) AS taken FROM busy WHERE resource = ANY ($resources) AND starts_at >= '$from' AND starts_at < '$until' GROUP BY resource) b USING (resource)) f, unnest(f.free) AS r, generate_series(lower(r), upper(r) - interval '30 min', '30 min') AS s;
anti-join with &&|SELECT count(*) FROM open o, generate_series(lower(o.hours), upper(o.hours) - interval '30 min', '30 min') AS s WHERE o.resource = ANY ($resources) AND o.hours && tstzrange('$from', '$until') AND NOT EXISTS (SELECT FROM busy b WHERE b.resource = o.resource AND tstzrange(b.starts_at, b.ends_at) && tstzrange(s, s + interval '30 min'));
SQL
}

main() {
    prepare
    measure '2035-03-05 00:00Z' '2035-04-30 00:00Z' '50 providers, 8 weeks' 'NULL' 'ARRAY(SELECT generate_series(1, 50))'
    measure '2035-03-12 00:00Z' '2035-03-19 00:00Z' '1 provider, 1 week' "id('0020', 7)" 'ARRAY[7]'
    dropdb "$database"
}

main
