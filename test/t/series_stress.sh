#!/usr/bin/env bash
# Series under load: many connections book, move and cancel series, and single appointments between them, at few providers in few
# rooms, while the job extends series without end. Nobody deadlocks or meets an error that is no answer, and the diary is sound.
#
# STRESS_SECONDS is the length of one run; STRESS_SEED another course of events.
set -euo pipefail
# shellcheck source=test/support/tap.sh
. "$(dirname "$0")/../support/tap.sh"

readonly seconds=${STRESS_SECONDS:-3} seed=${STRESS_SEED:-1}
export STRESS_DIR=$top/test/stress

new_cluster main
createdb series
psql -Xqd series -f "$STRESS_DIR/setup.sql"
psql -Xqd series -v ON_ERROR_STOP=1 <<'SQL'
BEGIN;
SELECT clinic.use_tenant('stress'), clinic.update_tenant('{"series_days": 14}') \g /dev/null
COMMIT;
-- Just before the week in question, and for the job a week later.
ALTER DATABASE series SET clinic.clock = '2035-03-01T08:00:00Z';
CREATE TABLE told (what text NOT NULL, reason text NOT NULL);
CREATE FUNCTION id(kind text, n integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT format('00000000-%s-7000-8000-%s', kind, lpad(n::text, 12, '0'))::uuid $$;
CREATE FUNCTION pick(n integer) RETURNS integer LANGUAGE sql VOLATILE AS $$ SELECT 1 + floor(random() * n)::integer $$;
CREATE FUNCTION start() RETURNS timestamp LANGUAGE sql VOLATILE AS
    $$ SELECT '2035-03-05 09:00'::timestamp + pick(5) * interval '1 day' - interval '1 day' + pick(28) * interval '15 minutes' $$;
-- One act of one client; what the rules refuse is an answer, and kept.
CREATE FUNCTION act(client integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    what text := (ARRAY['book single', 'book single', 'book series', 'book series', 'move single', 'cancel single', 'move series', 'split series',
                        'change rule', 'cancel series', 'preview', 'extend'])[pick(12)];
    reason text := 'done';
    provider uuid := CASE WHEN random() < 0.6 THEN id('0020', pick(3)) END;
    service uuid := id('0040', pick(2));
    patient uuid := id('0050', pick(40));
    chosen record;
    nothing boolean := false;
BEGIN
    PERFORM clinic.use_tenant('stress');
    BEGIN
        CASE what
            WHEN 'book single' THEN
                PERFORM clinic.book_appointment(service, patient, start() AT TIME ZONE 'Europe/Berlin', provider, id('0010', 1));
            WHEN 'book series' THEN
                PERFORM clinic.book_series(service, patient, (ARRAY['FREQ=DAILY;COUNT=4', 'FREQ=WEEKLY;COUNT=3', 'FREQ=WEEKLY'])[pick(3)], start(), provider_id => provider,
                                           location_id => id('0010', 1), mode => (ARRAY['skip', 'skip', 'all_or_nothing'])[pick(3)]);
            WHEN 'preview' THEN
                PERFORM clinic.preview_series(service, patient, 'FREQ=DAILY;COUNT=4', start(), provider_id => provider, location_id => id('0010', 1));
            WHEN 'extend' THEN
                PERFORM set_config('clinic.clock', '2035-03-08T08:00:00Z', true);
                PERFORM clinic_private.extend_series_job();
            ELSE
                SELECT v.series_id, v.appointment_id, v.local_original_start, v.local_starts_at, v.actual_starts_at INTO chosen
                FROM clinic.series_appointments AS v WHERE v.status = 'booked' ORDER BY random() LIMIT 1;
                nothing := NOT FOUND;
                CASE what
                    WHEN 'move single' THEN PERFORM clinic.reschedule_appointment(chosen.appointment_id, chosen.actual_starts_at + pick(8) * interval '15 minutes');
                    WHEN 'cancel single' THEN PERFORM clinic.cancel_appointment(chosen.appointment_id);
                    WHEN 'move series' THEN PERFORM clinic.edit_series(chosen.series_id, 'all', local_original_start => chosen.local_original_start,
                                                                       local_starts_at => chosen.local_starts_at + (pick(9) - 5) * interval '15 minutes', mode => 'skip');
                    WHEN 'split series' THEN PERFORM clinic.edit_series(chosen.series_id, 'following', local_original_start => chosen.local_original_start,
                                                                        local_starts_at => chosen.local_starts_at + (pick(9) - 5) * interval '15 minutes', provider_id => provider, mode => 'skip');
                    WHEN 'change rule' THEN PERFORM clinic.edit_series(chosen.series_id, 'following', local_original_start => chosen.local_original_start,
                                                                       rule => 'FREQ=DAILY;COUNT=3', mode => 'skip');
                    WHEN 'cancel series' THEN PERFORM clinic.cancel_series(chosen.series_id, (ARRAY['all', 'following'])[pick(2)], local_original_start => chosen.local_original_start,
                                                                           include_exceptions => random() < 0.5, mode => 'skip');
                END CASE;
        END CASE;
    EXCEPTION WHEN OTHERS THEN
        -- A series may be split, cancelled or moved by others between choosing and calling; nothing else may go wrong.
        reason := SQLSTATE;
        IF NOT (reason LIKE 'CL0%' AND reason <> 'CL030' OR reason = '40001' AND current_setting('transaction_isolation') <> 'read committed' OR reason = '22004' AND nothing) THEN
            INSERT INTO public.told VALUES (what, format('UNEXPECTED %s %s', reason, SQLERRM));
            RETURN;
        END IF;
    END;
    INSERT INTO public.told VALUES (what, reason);
END $$;
SQL

for level in 'read committed' 'repeatable read'; do
    printf 'SELECT act(:client_id);\n' >"$tap_work/act.sql"
    PGOPTIONS="-c client_min_messages=error -c default_transaction_isolation=${level// /\\ }" \
        pgbench -n -c 12 -j 2 -T "$seconds" --random-seed "$seed" --max-tries 20 -f "$tap_work/act.sql" series >"$tap_work/load" 2>&1 || true
    is "$level: every answer was an answer" "$(sql series "SELECT string_agg(DISTINCT what || ': ' || reason, '; ') FROM told WHERE reason LIKE 'UNEXPECTED%'")" ''
    is "$level: nobody was aborted" "$(grep 'aborted' "$tap_work/load" || true)" ''
    is "$level: the diary is sound" "$(psql -XqAt -d series -f "$STRESS_DIR/verify.sql")" ''
    is "$level: no date was made twice, none belongs to somebody else" "$(sql series "
        SELECT to_jsonb(e), to_jsonb(s) FROM clinic_data.series_appointments e JOIN clinic_data.series s USING (tenant_id, series_id)
          LEFT JOIN clinic_data.appointments a USING (tenant_id, appointment_id)
         WHERE a.patient_id <> s.patient_id OR a.service_id <> s.service_id OR e.local_original_start < s.local_from
            OR s.status = 'active' AND e.local_original_start >= s.local_until")" ''
    is "$level: and the engine says so too" "$(sql series "SELECT i.problem FROM (SELECT clinic.use_tenant('stress')) t, LATERAL clinic.check_integrity() i")" ''
done
printf '# %s\n' "$(sql series "SELECT string_agg(format('%s %s: %s', what, reason, n), ', ' ORDER BY n DESC) FROM (SELECT what, reason, count(*) n FROM told GROUP BY 1, 2) t" | cut -c1-900)"
is 'every kind of act was done' "$(sql series "SELECT count(DISTINCT what) FROM told WHERE reason = 'done'")" 10
