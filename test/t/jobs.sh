#!/usr/bin/env bash
# Jobs by pg_cron and by several runners at once; jobs that meet a booking in the middle; partitions under load.
set -euo pipefail
# shellcheck source=test/support/tap.sh
. "$(dirname "$0")/../support/tap.sh"

tenant() { # number
    printf '0000000%d-0010-7000-8000-000000000001' "$1"
}

patient() { # tenant
    printf '0000000%d-0060-7000-8000-000000000001' "$1"
}

waits_for() { # seconds, condition in SQL
    local i
    for ((i = 0; i < $1 * 5; i++)); do
        if [[ $(sql diary "SELECT $2") == t ]]; then
            return 0
        fi
        sleep 0.2
    done
    return 1
}

# pg_cron is a package of its own, for the server that the package is for.
library=no
if [[ -e $("${PG_CONFIG:-pg_config}" --pkglibdir)/pg_cron.so ]]; then
    library=yes
    export PG_CLINIC_SETTINGS="shared_preload_libraries = 'pg_cron'
cron.database_name = 'diary'
cron.use_background_workers = on
max_worker_processes = 20"
fi
new_cluster main
installed_database diary
sql diary "CREATE ROLE chief LOGIN IN ROLE clinic_admin" "CREATE ROLE desk LOGIN IN ROLE clinic_user" >/dev/null
for n in 1 2; do
    sql diary "SELECT clinic.create_tenant('clinic-$n', 'Clinic', tenant_id => '$(tenant $n)'), clinic.create_location('Place', 'Etc/UTC', location_id => '$(tenant $n)'),
        clinic.create_provider('Doctor', 'Etc/UTC', provider_id => '$(tenant $n)'), clinic.create_service('Visit', 30, service_id => '$(tenant $n)'),
        clinic.create_patient('Patient 1', patient_id => '$(patient $n)'), clinic.create_patient('Patient 2', patient_id => clinic.new_id()),
        clinic.offer_service('$(tenant $n)', '$(tenant $n)'), clinic.add_hours('$(tenant $n)', '$(tenant $n)', 'FREQ=DAILY', '00:00', '24:00')" >/dev/null
done
sql diary "SELECT clinic.use_tenant('clinic-1'), clinic.map_login('desk', 'admin', '{*}')" >/dev/null
hold() { # starts in hours
    sql 'dbname=diary user=desk' "SELECT appointment_id FROM clinic.hold_slot('$(tenant 1)', '$(patient 1)', date_trunc('hour', now()) + interval '$1 hours')"
}
expire() { # appointment
    sql diary "UPDATE clinic_data.claims SET expires_at = now() WHERE appointment_id = '$1'" "UPDATE clinic_data.appointments SET expires_at = now() WHERE appointment_id = '$1'"
}
status_of() { # appointment
    sql diary "SELECT status FROM clinic_data.appointments WHERE appointment_id = '$1'"
}

# --- from any scheduler
is 'an administrator runs them from a shell' \
    "$(psql -XqAt -U chief -d diary -c "SELECT DISTINCT outcome FROM clinic.run_jobs() WHERE outcome <> 'missing'")" ok
is 'a minute later only what is due' "$(psql -XqAt -U chief -d diary -c "SELECT count(*) FROM clinic.run_jobs() WHERE outcome <> 'missing'")" 0

# --- two runners at once: while one is at it, the other finds every job busy, and no job runs twice
held=$(hold 30)
expire "$held"
psql -XqAt -U chief -d diary -c "BEGIN" -c "SELECT outcome, row_count FROM clinic.run_jobs('{sweep_claims}', ARRAY['$(tenant 1)']::uuid[])" -c 'SELECT pg_sleep(3)' \
    -c COMMIT >"$tap_work/first" &
first=$!
waits_for 5 "EXISTS (SELECT FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(3)' AND state = 'active')"
is 'the second runner finds the job busy in the tenant where the first is, and runs it elsewhere' \
    "$(psql -XqAt -U chief -d diary -c "SELECT tenant_id, outcome FROM clinic.run_jobs('{sweep_claims}')")" "$(tenant 1)|busy
$(tenant 2)|ok"
job_ok 'the first ends' "$first" "$tap_work/first"
is 'it did the work' "$(head -n 1 "$tap_work/first")" 'ok|1'
is 'once' "$(status_of "$held") $(sql diary "SELECT count(*) FROM clinic_data.events WHERE subject_id = '$held' AND name = 'appointment.expired'")" 'cancelled 1'

# --- many runners, and bookings between them
sql diary "DO \$\$ BEGIN PERFORM clinic.use_tenant('clinic-1'); UPDATE clinic_data.tenants SET holds_per_patient = 100;
    FOR i IN 1..60 LOOP PERFORM clinic.hold_slot('$(tenant 1)', '$(patient 1)', date_trunc('hour', now()) + i * interval '1 hour' + interval '48 hours'); END LOOP; END \$\$" \
    "UPDATE clinic_data.claims SET expires_at = now() WHERE expires_at > now()" "UPDATE clinic_data.appointments SET expires_at = now() WHERE expires_at > now()"
cat >"$tap_work/runner.sql" <<'SQL'
SELECT count(*) FROM clinic.run_jobs('{sweep_claims,retention,daily_snapshot,partitions}');
SQL
cat >"$tap_work/booker.sql" <<SQL
\set h random(49, 108)
SELECT count(*) FROM clinic.book_appointments(jsonb_build_array(jsonb_build_object('service_id', '$(tenant 1)', 'patient_id', '$(patient 1)', 'starts_at', date_trunc('hour', now()) + :h * interval '1 hour')));
SQL
pgbench -n -U chief -c 4 -T 6 -f "$tap_work/runner.sql" diary >"$tap_work/runners" 2>&1 &
runners=$!
pgbench -n -U desk -c 4 -T 6 -f "$tap_work/booker.sql" diary >"$tap_work/bookers" 2>&1 &
bookers=$!
job_ok 'four runners at once' "$runners" "$tap_work/runners"
job_ok 'and four who book what they sweep' "$bookers" "$tap_work/bookers"
is 'nobody met a deadlock' "$(grep -c 'deadlock detected' "$tap_work/cluster_main/server.log" || true)" 0
is 'every hold that expired is swept, with one event' "$(sql diary "SELECT clinic.run_jobs('{sweep_claims}')" >/dev/null; sql diary \
    "SELECT (SELECT count(*) FROM clinic_data.appointments WHERE status = 'held'),
            (SELECT count(*) FROM clinic_data.events WHERE name = 'appointment.held') = (SELECT count(DISTINCT subject_id) FROM clinic_data.events WHERE name = 'appointment.expired'),
            (SELECT count(*) FROM clinic_data.events WHERE name = 'appointment.expired') = (SELECT count(DISTINCT subject_id) FROM clinic_data.events WHERE name = 'appointment.expired')")" '0|t|t'
is 'the diary is whole' "$(psql -XqAt -U desk -d diary -c 'SELECT count(*) FROM clinic.check_integrity()')" 0

# --- a job that has to wait gives up, and the booking it waits for does not notice
held=$(hold 200)
expire "$held"
psql -XqAt -U desk -d diary -v ON_ERROR_STOP=1 -c 'BEGIN' -c "SELECT count(*) FROM clinic.book_appointment('$(tenant 1)', '$(patient 1)', date_trunc('hour', now()) + interval '300 hours')" \
    -c 'SELECT pg_sleep(2)' -c COMMIT >"$tap_work/booking" 2>&1 &
booking=$!
waits_for 5 "EXISTS (SELECT FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(2)' AND state = 'active')"
is 'a job does not wait for a booking in progress' \
    "$(psql -XqAt -U chief -d diary -c "SELECT outcome, error_message FROM clinic.run_jobs('{sweep_claims}', ARRAY['$(tenant 1)']::uuid[])" 2>/dev/null)" \
    'failed|canceling statement due to lock timeout'
job_ok 'the booking ends as if nothing had been' "$booking" "$tap_work/booking"
is 'and the next run makes up for it' "$(psql -XqAt -U chief -d diary -c "SELECT outcome, row_count FROM clinic.run_jobs('{sweep_claims}', ARRAY['$(tenant 1)']::uuid[])")" 'ok|1'
is 'its own patience is back' "$(psql -XqAt -U chief -d diary -c 'BEGIN' -c "SELECT count(*) FROM clinic.run_jobs('{}')" -c 'SHOW lock_timeout' -c COMMIT)" $'0\n0'

# --- no permission of a tenant, and no setting, makes anybody the system
refused 'a caller cannot enter the system' 42501 'permission denied' 'dbname=diary options=-crole=clinic_user' "SELECT clinic_private.enter_system('$(tenant 1)')"
refused 'nor run jobs' 42501 'permission denied' 'dbname=diary options=-crole=clinic_user' 'SELECT clinic.run_jobs()'

# --- a database whose events came before its partitions
sql diary "INSERT INTO clinic_data.events (tenant_id, event_id, name, subject_id, sequence, occurred_at)
    SELECT ('0000000' || 1 + i % 2 || '-0010-7000-8000-000000000001')::uuid, (left(clinic.uuid_floor('2026-01-01Z'::timestamptz + i * interval '1 hour')::text, 24) || lpad(i::text, 12, '0'))::uuid, 'x.y', clinic.new_id(), 1, now()
      FROM generate_series(0, 4999) AS i" >/dev/null
rows_before=$(sql diary "SELECT count(*), md5(string_agg(e::text, '|' ORDER BY e.event_id)) FROM clinic_data.events e")
is 'the rows of seven months and two tenants move into their partitions' \
    "$(psql -XqAt -U chief -d diary -c "SELECT outcome, row_count, error_message FROM clinic.run_jobs('{partitions}')")" 'ok|5007|'
is 'all of them, unchanged' "$(sql diary "SELECT count(*), md5(string_agg(e::text, '|' ORDER BY e.event_id)) FROM clinic_data.events e")" "$rows_before"
is 'the default partition is empty' "$(sql diary 'SELECT count(*) FROM clinic_data.events_default')" 0
ok 'install() finds nothing to mend' sql diary 'CALL clinic.install()'
snapshot diary "$tap_work/before" && sql diary 'CALL clinic.install()' && snapshot diary "$tap_work/after"
same_files 'and changes nothing' "$tap_work/after" "$tap_work/before"
pg_dump diary >"$tap_work/dump.sql"
createdb copy
ok 'a dump with partitions comes back' psql -Xq -1 -v ON_ERROR_STOP=1 -d copy -f "$tap_work/dump.sql"
is 'whole' "$(sql copy "SELECT count(*), md5(string_agg(e::text, '|' ORDER BY e.event_id)) FROM clinic_data.events e")" "$rows_before"

# --- pg_cron
if [[ $library == no ]]; then
    pass 'pg_cron runs the jobs # SKIP pg_cron is not installed for this server'
    exit 0
fi
refused 'without the extension there is nothing to schedule with' 55000 'pg_cron is not installed' diary 'SELECT clinic.schedule_jobs()'
sql diary 'CREATE EXTENSION pg_cron' >/dev/null
refused 'pg_cron has to be open to the caller' 42501 'GRANT USAGE ON SCHEMA cron TO chief' 'dbname=diary user=chief' 'SELECT clinic.schedule_jobs()'
sql diary 'GRANT USAGE ON SCHEMA cron TO chief'
refused 'a role that cannot log in cannot run jobs' 55000 'cannot log in' diary 'GRANT USAGE ON SCHEMA cron TO clinic_admin' 'SET ROLE clinic_admin' 'SELECT clinic.schedule_jobs()'
sql diary 'REVOKE USAGE ON SCHEMA cron FROM clinic_admin'
refused 'who is no administrator cannot schedule' 42501 'permission denied' 'dbname=diary user=desk' 'SELECT clinic.schedule_jobs()'
held=$(hold 400)
expire "$held"
since=$(sql diary 'SELECT now()')
jobs=$(sql diary 'SELECT count(*) FROM clinic_private.jobs()')
is 'an administrator schedules all' "$(psql -XqAt -U chief -d diary -c 'SELECT clinic.schedule_jobs()')" "$jobs"
is 'again brings them up to date' "$(psql -XqAt -U chief -d diary -c 'SELECT clinic.schedule_jobs()')" "$jobs"
is 'each has its times in pg_cron' "$(sql diary "SELECT count(*), count(DISTINCT jobname), bool_and(username = 'chief' AND database = 'diary') FROM cron.job")" "$((jobs + 1))|$((jobs + 1))|t"
if waits_for 150 "EXISTS (SELECT FROM clinic.job_status() WHERE job = 'sweep_claims' AND tenant_id = '$(tenant 1)' AND succeeded_at > '$since')"; then
    pass 'pg_cron runs the jobs'
else
    fail 'pg_cron runs the jobs' "$(sql diary 'SELECT * FROM cron.job_run_details' 2>&1)"
fi
waits_for 10 "NOT EXISTS (SELECT FROM cron.job_run_details WHERE status IN ('starting', 'running'))" || true
is 'every run that pg_cron began ended well' "$(sql diary "SELECT count(*) FILTER (WHERE status <> 'succeeded'), count(*) > 0 FROM cron.job_run_details")" '0|t'
is 'what had expired is swept' "$(status_of "$held")" cancelled
is 'unscheduling takes all out' "$(psql -XqAt -U chief -d diary -c 'SELECT clinic.unschedule_jobs()') $(sql diary 'SELECT count(*) FROM cron.job')" "$jobs 0"
is 'once' "$(psql -XqAt -U chief -d diary -c 'SELECT clinic.unschedule_jobs()')" 0
