#!/usr/bin/env bash
# Deliveries and events under several claimers at once, one of which dies: each goes out, in the order of its subject, and wakes whoever listens.
set -euo pipefail
# shellcheck source=test/support/tap.sh
. "$(dirname "$0")/../support/tap.sh"

readonly tenant=00000001-0010-7000-8000-000000000001

new_cluster main
installed_database diary
sql diary 'CREATE ROLE sender LOGIN IN ROLE clinic_user' 'CREATE ROLE quiet LOGIN IN ROLE clinic_user' \
    "SELECT clinic.create_tenant('lake', 'Lake', tenant_id => '$tenant'), clinic.map_login('sender', 'staff', '{outbox:deliver}')" \
    "SELECT clinic.create_tenant('hill', 'Hill'), clinic.map_login('quiet', 'admin', '{*}')" >/dev/null
in_lake() { # SQL...
    psql -XqAt -v ON_ERROR_STOP=1 -d diary -c BEGIN -c "DO \$\$ BEGIN PERFORM clinic.use_tenant('lake'); END \$\$" "${@/#/-c}" -c COMMIT
}

# Forty patients, ten changes each, for two subscribers, and for the consumer inside.
in_lake "SELECT clinic.create_subscription('One', 'https://one.receiver.com'), clinic.create_subscription('Two', 'https://two.receiver.com', '{patient.updated}')" \
    "SELECT clinic.update_tenant('{\"consumes_events\": true}')" \
    "DO \$\$ DECLARE p uuid; BEGIN FOR i IN 1..40 LOOP p := clinic.create_patient('P');
        FOR j IN 1..9 LOOP PERFORM clinic.update_patient(p, jsonb_build_object('name', 'P' || j)); END LOOP; END LOOP; END \$\$" >/dev/null
is 'each event waits for each subscriber that wants it' "$(sql diary 'SELECT count(*) FROM clinic_data.deliveries' 'SELECT count(*) FROM clinic_data.queued_events')" $'760\n400'

# What each claimer does, and when: a log beside the clinic's tables. Every fifth first attempt fails.
sql diary 'CREATE TABLE log (client int, delivery_id uuid, attempts int, claimed_at timestamptz, finished_at timestamptz, outcome text)' 'CREATE INDEX ON log (client) WHERE outcome IS NULL' \
    'CREATE TABLE event_log (client int, batch int, place int, event_id uuid, subject_id uuid, sequence int, claimed_at timestamptz, finished_at timestamptz)' \
    'GRANT ALL ON log, event_log TO sender'
cat >"$tap_work/send.sql" <<'SQL'
INSERT INTO log SELECT :client_id, c.delivery_id, c.attempts, clock_timestamp() FROM clinic.claim_deliveries(7, 2) AS c;
UPDATE log SET finished_at = clock_timestamp(), outcome = CASE WHEN attempts = 1 AND right(delivery_id::text, 1) IN ('0', '5', 'a')
    THEN clinic.finish_delivery(delivery_id, 503, attempt => attempts) ELSE clinic.finish_delivery(delivery_id, 200, attempt => attempts) END WHERE client = :client_id AND outcome IS NULL;
SQL
# Half a minute until the next attempt is too long for a test: it is shortened as it is written.
sql diary "CREATE FUNCTION sooner() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.attempts > 0 AND NEW.claimed_until IS NULL AND NEW.status = ''waiting'' THEN NEW.due_at := clock_timestamp() + interval ''0.2 s''; END IF; RETURN NEW; END'" \
    'CREATE TRIGGER sooner BEFORE UPDATE ON clinic_data.deliveries FOR EACH ROW EXECUTE FUNCTION sooner()'

# One that claims and dies.
psql -XqAt -U sender -d diary -c "SET application_name = 'dying'" -c "INSERT INTO log SELECT 99, c.delivery_id, c.attempts, clock_timestamp(), NULL, 'lost' FROM clinic.claim_deliveries(5, 2) AS c" \
    -c 'SELECT pg_sleep(60)' >"$tap_work/dying" 2>&1 &
dying=$!
until [[ $(sql diary "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'dying' AND query LIKE '%pg_sleep%'") == 1 ]]; do sleep 0.1; done
is 'a claimer that dies' "$(sql diary "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dying'")" t
wait "$dying" || true
pgbench -n -U sender -c 4 -j 2 -T 9 -f "$tap_work/send.sql" diary >"$tap_work/bench" 2>&1 || true
is 'no claimer meets an error' "$(grep -cE 'aborted|ERROR' "$tap_work/bench" || true)" 0
is 'everything is delivered' "$(sql diary 'SELECT status, count(*) FROM clinic_data.deliveries GROUP BY 1')" 'delivered|760'
is 'each once, beside the attempts that failed or were lost' "$(sql diary "SELECT count(*), count(DISTINCT delivery_id) FROM log WHERE outcome = 'delivered'")" '760|760'
is 'some did fail, and came again' "$(sql diary "SELECT count(*) > 20, bool_and(delivery_id IN (SELECT delivery_id FROM log WHERE outcome = 'delivered' AND attempts > 1)) FROM log WHERE outcome = 'waiting'")" 't|t'
is 'what the dead one had came to another when its lease was over' "$(sql diary \
    "SELECT count(*), bool_and(o.attempts >= 2 AND o.claimed_at >= l.claimed_at + interval '1.9 s') FROM log l JOIN log o USING (delivery_id) WHERE l.outcome = 'lost' AND o.outcome = 'delivered'")" '5|t'
is 'no later event of a subject was claimed before the earlier one was delivered' "$(sql diary \
    "SELECT count(*) FROM (SELECT l.claimed_at, lag(max(l.finished_at)) OVER w AS before_at
        FROM log l JOIN clinic_data.deliveries d USING (delivery_id) GROUP BY d.delivery_id, l.claimed_at, d.subscription_id, d.subject_id, d.sequence
        WINDOW w AS (PARTITION BY d.subscription_id, d.subject_id ORDER BY d.sequence, l.claimed_at)) v WHERE claimed_at < before_at")" 0
is 'more than one claimer did the work' "$(sql diary "SELECT count(DISTINCT client) > 1 FROM log WHERE outcome = 'delivered'")" t

# --- the consumer inside
cat >"$tap_work/consume.sql" <<'SQL'
\set batch random(1, 1000000000)
INSERT INTO event_log SELECT :client_id, :batch, row_number() OVER (), e.event_id, e.subject_id, e.sequence, clock_timestamp() FROM clinic.claim_events(9, 30) AS e;
SELECT clinic.finish_events(ARRAY(SELECT event_id FROM event_log WHERE batch = :batch));
UPDATE event_log SET finished_at = clock_timestamp() WHERE batch = :batch;
SQL
pgbench -n -U sender -c 4 -j 2 -T 5 -f "$tap_work/consume.sql" diary >"$tap_work/bench" 2>&1 || true
is 'no consumer meets an error' "$(grep -cE 'aborted|ERROR' "$tap_work/bench" || true)" 0
is 'every event was dealt with, once' "$(sql diary 'SELECT count(*), count(DISTINCT event_id) FROM event_log' 'SELECT count(*) FROM clinic_data.queued_events')" $'400|400\n0'
is 'in the order of its subject, within a claim and from claim to claim' "$(sql diary \
    "SELECT count(*) FROM event_log a JOIN event_log b ON b.subject_id = a.subject_id AND b.sequence > a.sequence
      WHERE CASE WHEN a.batch = b.batch THEN b.place <= a.place ELSE b.claimed_at < a.claimed_at END")" 0

# --- waking: the tenant's id and nothing else, to those who asked for it
listen() { # SQL of the session that listens
    psql -XqAt -d diary -c 'LISTEN clinic_events' -c "$1" -c 'SELECT 1' 2>&1 | grep Asynchronous | sed 's/ received from.*//' || true
}
change="DO \$\$ BEGIN PERFORM clinic.use_tenant('lake'); PERFORM clinic.create_patient('A secret name'); PERFORM clinic.create_patient('Another'); END \$\$"
is 'nobody is woken where the tenant has not asked for it' "$(listen "$change")" ''
in_lake "SELECT clinic.update_tenant('{\"notifies_events\": true}')" >/dev/null
is 'a transaction wakes once, and says which tenant' "$(listen "$change")" "Asynchronous notification \"clinic_events\" with payload \"$tenant\""
is 'an event that is undone wakes nobody' "$(psql -XqAt -d diary -c 'LISTEN clinic_events' -c BEGIN -c "$change" -c ROLLBACK -c 'SELECT 1' 2>&1 | grep -c Asynchronous || true)" 0
is 'another tenant stays quiet' "$(psql -XqAt -U quiet -d diary -c 'LISTEN clinic_events' -c "SELECT clinic.create_patient('X')" -c 'SELECT 1' 2>&1 | grep -c Asynchronous || true)" 0
