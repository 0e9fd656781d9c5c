#!/usr/bin/env bash
# Claims written by plain SQL: nobody can make an overlap or a malformed range, and check_integrity() finds every kind of
# damage that a superuser does by force, and nothing in a sound diary.
set -euo pipefail
# shellcheck source=test/support/tap.sh
. "$(dirname "$0")/../support/tap.sh"

new_cluster main
createdb hand
psql -Xqd hand -f "$top/test/stress/setup.sql"

# Two neighbours at provider 1, two of four seats at provider 2, and one visit in a room.
sql hand "CREATE FUNCTION at(clock text) RETURNS timestamptz LANGUAGE sql STABLE AS \$\$ SELECT ('2035-03-05 ' || clock)::timestamp AT TIME ZONE 'Europe/Berlin' \$\$" \
    "CREATE FUNCTION id(kind text, n integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS \$\$ SELECT format('00000000-%s-7000-8000-%s', kind, lpad(n::text, 12, '0'))::uuid \$\$" \
    "BEGIN; SELECT clinic.use_tenant('stress');
     SELECT clinic.book_appointment(id('0040', 1), id('0050', 1), at('10:00'), id('0020', 1));
     SELECT clinic.book_appointment(id('0040', 1), id('0050', 2), at('10:30'), id('0020', 1));
     SELECT clinic.book_appointment(id('0040', 3), id('0050', 3), at('10:00'), id('0020', 2));
     SELECT clinic.book_appointment(id('0040', 3), id('0050', 4), at('10:00'), id('0020', 2));
     SELECT clinic.book_appointment(id('0040', 2), id('0050', 5), at('12:00'), id('0020', 3)); COMMIT" >/dev/null

integrity="SELECT clinic.use_tenant('stress'); SELECT string_agg(DISTINCT problem, ' ' ORDER BY problem) FROM clinic.check_integrity()"
is 'a sound diary has no problem' "$(sql hand "BEGIN; $integrity; COMMIT")" ''

# --- no overlap, no malformed range, whoever writes and however
row() { # resource, range, start, end [, further columns, their values]
    printf '%s' "INSERT INTO clinic_data.claims (tenant_id, claim_id, resource_id, calendar_no, during, starts_at, ends_at, kind${5:-})
        SELECT c.tenant_id, gen_random_uuid(), c.resource_id, c.calendar_no, $2, $3, $4, 'pending'${6:-}
        FROM clinic_data.calendars c WHERE c.resource_id = $1 AND c.lane = 1"
}
p1="id('0020', 1)"
free="id('0030', 2)"
overlap=$(row "$p1" "tstzrange(at('10:15'), at('10:45'))" "at('10:15')" "at('10:45')")

# The owner of the tables is held to row security, so it acts for a tenant.
for who in "SET ROLE clinic_owner" "RESET ROLE" "SET session_replication_role = replica" "ALTER TABLE clinic_data.claims DISABLE TRIGGER ALL" \
    "ALTER TABLE clinic_data.claims DISABLE TRIGGER ALL; SET LOCAL session_replication_role = replica"; do
    state='CL013|23P01'
    for attempt in "$overlap" \
        "UPDATE clinic_data.claims SET during = tstzrange(at('10:00'), at('11:00')), starts_at = at('10:00'), ends_at = at('11:00') WHERE resource_id = $p1 AND starts_at = at('10:30')" \
        "UPDATE clinic_data.claims SET calendar_no = (SELECT calendar_no FROM clinic_data.calendars WHERE resource_id = id('0020', 2) AND lane = 1) WHERE resource_id = $p1" \
        "INSERT INTO clinic_data.claims (tenant_id, claim_id, resource_id, calendar_no, during, starts_at, ends_at, kind) SELECT tenant_id, gen_random_uuid(), resource_id, calendar_no, during, starts_at, ends_at, 'pending' FROM clinic_data.claims"; do
        if [[ $attempt == *'SET calendar_no'* ]]; then
            state='CL013|23P01|23503'
        fi
        refused "$who: ${attempt:0:48}... is refused" "($state)" '' hand "BEGIN; SELECT clinic.use_tenant('stress'); $who; $attempt; COMMIT"
    done
    for range in "'empty'" "tstzrange(NULL, at('14:30'))" "tstzrange(at('14:00'), NULL)" "tstzrange(at('14:00'), at('14:30'), '[]')" \
        "tstzrange(at('14:00'), at('14:30'), '(]')" "tstzrange(at('14:00'), at('14:30'), '()')" "tstzrange('-infinity', at('14:30'))" \
        "tstzrange(at('14:00'), 'infinity')" "tstzrange(at('14:10'), at('14:30'))"; do
        refused "$who: the range $range is refused" '23514' 'claims_(during|visit|length)_check' hand \
            "BEGIN; SELECT clinic.use_tenant('stress'); $who; $(row "$free" "$range" "at('14:00')" "at('14:30')"); COMMIT"
    done
done

# COPY, in a file of its own for the server's sake.
sql hand "COPY (SELECT tenant_id, gen_random_uuid(), resource_id, calendar_no, during, starts_at, ends_at, 'pending', capacity, false, now()
    FROM clinic_data.claims WHERE resource_id = $p1) TO STDOUT WITH (FORMAT csv)" >"$tap_work/claims.csv"
for who in 'RESET ROLE' 'SET session_replication_role = replica' 'ALTER TABLE clinic_data.claims DISABLE TRIGGER ALL'; do
    refused "$who: COPY of taken time is refused" '(CL013|23P01)' '' hand 'BEGIN' "$who" \
        "\\copy clinic_data.claims (tenant_id, claim_id, resource_id, calendar_no, during, starts_at, ends_at, kind, capacity, overbooked, created_at) FROM '$tap_work/claims.csv' WITH (FORMAT csv)" 'COMMIT'
done

# --- what is dead is in nobody's way
sql hand "$(row "$p1" "tstzrange(at('15:00'), at('15:30'))" "at('15:00')" "at('15:30')" ', expires_at' ", '2020-01-01'")"
ok 'an expired claim gives way to plain SQL' sql hand "BEGIN" "$(row "$p1" "tstzrange(at('15:00'), at('15:30'))" "at('15:00')" "at('15:30')")" 'ROLLBACK'
is 'an expired claim hides no slot' "$(sql hand "BEGIN; SELECT clinic.use_tenant('stress'); SELECT count(*) FROM clinic.available_slots(id('0040', 1), at('15:00'), at('15:01'), $p1)")" '
1'
ok 'an expired claim gives way to a booking' sql hand 'BEGIN' "SELECT clinic.use_tenant('stress')" \
    "SELECT clinic.book_appointment(id('0040', 1), id('0050', 6), at('15:00'), $p1)" 'ROLLBACK'
is 'an expired claim is no problem' "$(sql hand "BEGIN; $integrity; COMMIT")" ''

# --- damage by force, each in a transaction that is rolled back
damage() { # expected problems, SQL
    is "$1 is found: ${2:0:60}..." "$(sql hand "BEGIN; SET LOCAL session_replication_role = replica; ALTER TABLE clinic_data.claims DISABLE TRIGGER ALL;
        ALTER TABLE clinic_data.claims DROP CONSTRAINT claims_calendar_no_during_excl, DROP CONSTRAINT claims_during_check, DROP CONSTRAINT claims_visit_check, DROP CONSTRAINT claims_length_check; $2; $integrity; ROLLBACK")" "
$1"
}
lane="(SELECT calendar_no FROM clinic_data.calendars WHERE resource_id = $p1 AND lane = 1)"
is 'no damage, no problem' "$(sql hand "BEGIN; $integrity; ROLLBACK")" ''
damage 'malformed' "UPDATE clinic_data.claims SET during = tstzrange(lower(during), upper(during), '[]') WHERE resource_id = id('0050', 5)"
damage 'malformed' "UPDATE clinic_data.claims SET during = tstzrange(lower(during), NULL) WHERE resource_id = id('0050', 5)"
damage 'malformed' "UPDATE clinic_data.claims SET during = 'empty' WHERE resource_id = id('0050', 5)"
damage 'malformed' "UPDATE clinic_data.claims SET during = tstzrange(lower(during) + '1 min', upper(during)) WHERE resource_id = id('0050', 5)"
damage 'foreign_lane' "UPDATE clinic_data.claims SET calendar_no = $lane WHERE resource_id = id('0020', 3)"
damage 'foreign_lane' "DELETE FROM clinic_data.calendars WHERE resource_id = id('0020', 3)"
damage 'orphaned' "UPDATE clinic_data.appointments SET status = 'cancelled', cancelled_at = now() WHERE patient_id = id('0050', 5)"
damage 'orphaned' "DELETE FROM clinic_data.appointments WHERE patient_id = id('0050', 5)"
damage 'orphaned without_claim' "UPDATE clinic_data.appointments SET starts_at = starts_at + '1 min' WHERE patient_id = id('0050', 5)"
damage 'orphaned' "DELETE FROM clinic_data.appointment_resources WHERE resource_id = id('0030', 1)"
damage 'without_claim' "DELETE FROM clinic_data.claims WHERE resource_id = id('0030', 1)"
damage 'without_claim' "DELETE FROM clinic_data.claims WHERE resource_id = id('0050', 1)"
damage 'without_claim' "DELETE FROM clinic_data.claims WHERE resource_id = $p1"
damage 'without_claim' "UPDATE clinic_data.claims SET expires_at = '2020-01-01' WHERE resource_id = $p1"
damage 'over_capacity' "UPDATE clinic_data.claims SET capacity = 1 WHERE resource_id = id('0020', 2) AND appointment_id IN (SELECT appointment_id FROM clinic_data.appointments WHERE patient_id = id('0050', 3))"
damage 'over_capacity overlap' "$(row "$p1" "tstzrange(at('10:15'), at('10:45'))" "at('10:15')" "at('10:45')")"
damage 'over_capacity' "INSERT INTO clinic_data.calendars (tenant_id, resource_id, lane) SELECT tenant_id, resource_id, 2 FROM clinic_data.calendars WHERE resource_id = $p1;
    INSERT INTO clinic_data.claims (tenant_id, claim_id, resource_id, calendar_no, during, starts_at, ends_at, kind)
    SELECT c.tenant_id, gen_random_uuid(), c.resource_id, c.calendar_no, tstzrange(at('10:15'), at('10:45')), at('10:15'), at('10:45'), 'pending' FROM clinic_data.calendars c WHERE c.resource_id = $p1 AND c.lane = 2"
damage 'orphaned overlap' "INSERT INTO clinic_data.claims (tenant_id, claim_id, resource_id, calendar_no, during, starts_at, ends_at, kind, capacity, appointment_id)
    SELECT c.tenant_id, clinic.new_id(), c.resource_id, l.calendar_no, c.during, c.starts_at, c.ends_at, c.kind, c.capacity, c.appointment_id
    FROM clinic_data.claims c JOIN clinic_data.calendars k USING (calendar_no) JOIN clinic_data.calendars l ON l.resource_id = c.resource_id AND l.lane = 2
    WHERE c.resource_id = id('0020', 2) AND k.lane = 1"
