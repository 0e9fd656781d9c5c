#!/usr/bin/env bash
# What a booking costs beside what people write by hand, in one run on one machine: ratios, never absolute promises.
#
#   tools/cluster.sh run bench/booking.sh [SECONDS]        with PG_CLINIC_DURABLE=1 for fsync
#
# Fifty providers, slots of half an hour over three years, every attempt at a random provider and start, so nearly all of
# them succeed. The baselines keep one row a booking in a table of their own; clinic.book_appointment also judges hours,
# blocks, limits and the patient's time, and writes the visit, its resources and two claims.
set -euo pipefail
. "$(dirname "$0")/../tools/common.sh"

readonly seconds=${1:-8} database=bench_booking
scripts=$(mktemp -d)
trap 'rm -rf "$scripts"' EXIT
export PGDATABASE=$database PGOPTIONS='-c client_min_messages=warning'

prepare() {
    dropdb --if-exists "$database"
    createdb "$database"
    psql -Xqd "$database" -v ON_ERROR_STOP=1 -o /dev/null <<'SQL'
CREATE EXTENSION pg_clinic CASCADE;
CALL clinic.install();
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bench_desk') THEN
        CREATE ROLE bench_desk LOGIN IN ROLE clinic_user;
    END IF;
END $$;
CREATE FUNCTION id(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE
    AS $$ SELECT ('00000000-' || kind || '-7000-8000-' || lpad(n::text, 12, '0'))::uuid $$;
BEGIN;
SELECT clinic.create_tenant('bench', 'Bench', patient_overlap => 'allow');
SELECT clinic.map_login('bench_desk', 'staff', '{*}');
SELECT clinic.create_location('Here', 'UTC', location_id => id('0010', 1));
SELECT clinic.create_service('Visit', 30, service_id => id('0040', 1));
SELECT clinic.create_provider('P' || n, 'UTC', provider_id => id('0020', n)),
       clinic.offer_service(id('0040', 1), id('0020', n)),
       clinic.add_hours(id('0020', n), id('0010', 1), 'FREQ=DAILY', '08:00', '18:00', valid_from => '2035-01-01')
FROM generate_series(1, 50) n;
SELECT clinic.create_patient('Patient', patient_id => id('0050', n)) FROM generate_series(1, 2000) n;
COMMIT;

CREATE TABLE plain (booking_id uuid PRIMARY KEY DEFAULT gen_random_uuid(), resource bigint NOT NULL, starts_at timestamptz NOT NULL, ends_at timestamptz NOT NULL);
CREATE TABLE unique_start (LIKE plain INCLUDING ALL, UNIQUE (resource, starts_at));
CREATE TABLE excluded (booking_id uuid PRIMARY KEY DEFAULT gen_random_uuid(), resource bigint NOT NULL, during tstzrange NOT NULL,
                       EXCLUDE USING gist (resource WITH =, during WITH &&));
CREATE TABLE checked (LIKE plain INCLUDING ALL);
CREATE INDEX ON checked (resource, starts_at);
CREATE FUNCTION check_and_book(r bigint, s timestamptz, e timestamptz) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE made uuid;
BEGIN
    PERFORM pg_advisory_xact_lock(r);
    IF EXISTS (SELECT FROM checked c WHERE c.resource = r AND c.starts_at < e AND c.ends_at > s AND c.starts_at > s - interval '1 day') THEN
        RETURN NULL;
    END IF;
    INSERT INTO checked (resource, starts_at, ends_at) VALUES (r, s, e) RETURNING booking_id INTO made;
    RETURN made;
END $$;
GRANT ALL ON ALL TABLES IN SCHEMA public TO bench_desk;
SQL
}

# Each attempt: provider p, start s, which is a half-hour between 8:00 and 18:00 on one of a thousand days.
attempt() { # name, statement
    cat >"$scripts/$1" <<SQL
\set p random(1, 50)
\set n random(1, 2000)
\set s 2051222400 + 86400 * random(0, 999) + 28800 + 1800 * random(0, 19)
$2
SQL
}

rate() { # name, clients: successes a second
    pgbench -n -U bench_desk -M prepared -c "$2" -j 2 -T "$seconds" -f "$scripts/$1" "$database" 2>/dev/null |
        sed -n 's/^tps = \([0-9.]*\).*/\1/p'
}

main() {
    local clients name plain tps
    attempt plain 'INSERT INTO plain (resource, starts_at, ends_at) VALUES (:p, to_timestamp(:s), to_timestamp(:s + 1800));'
    attempt unique_start 'INSERT INTO unique_start (resource, starts_at, ends_at) VALUES (:p, to_timestamp(:s), to_timestamp(:s + 1800)) ON CONFLICT DO NOTHING;'
    attempt excluded 'INSERT INTO excluded (resource, during) VALUES (:p, tstzrange(to_timestamp(:s), to_timestamp(:s + 1800))) ON CONFLICT DO NOTHING;'
    attempt checked 'SELECT check_and_book(:p, to_timestamp(:s), to_timestamp(:s + 1800));'
    # A taken slot ends the script's transaction, not the run; those few count as attempts like the others'.
    attempt clinic "SELECT FROM clinic.available_slots(id('0040', 1), to_timestamp(:s), to_timestamp(:s + 1), id('0020', :p)) a, clinic.book_appointment(id('0040', 1), id('0050', :n), a.starts_at, a.provider_id) b;"
    attempt clinic_book "SELECT FROM book(:p, :n, to_timestamp(:s));"
    prepare
    psql -Xqd "$database" <<'SQL'
CREATE FUNCTION book(p bigint, n bigint, s timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM clinic.book_appointment(id('0040', 1), id('0050', n), s, id('0020', p));
EXCEPTION WHEN SQLSTATE 'CL013' THEN
    NULL;
END $$;
SQL
    for clients in 1 8; do
        printf '\n%d client(s), %s s each              tps   of plain\n' "$clients" "$seconds"
        plain=
        for name in plain unique_start excluded checked clinic_book clinic; do
            tps=$(rate "$name" "$clients")
            plain=${plain:-$tps}
            awk -v name="$name" -v tps="$tps" -v plain="$plain" 'BEGIN { printf "%-28s %10.0f %10.2f\n", name, tps, tps / plain }'
        done
    done
    printf '\nclinic_book is clinic.book_appointment alone; clinic first searches the slot that it books.\n'
    dropdb "$database"
}

main
