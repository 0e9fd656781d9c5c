#!/usr/bin/env bash
# A transaction apart: what it writes survives its caller's rollback, counts under many callers at once and locks by the rule. Without a
# worker, when its rows are locked, when it is stopped or its argument is wrong, it says false. A cancel ends the waiting only, nobody
# else calls it, and what a user has put on the tables finds no superuser.
set -euo pipefail
# shellcheck source=test/support/tap.sh
. "$(dirname "$0")/../support/tap.sh"

# Shared memory in files that one can count.
export PG_CLINIC_SETTINGS="dynamic_shared_memory_type = 'mmap'"
new_cluster main
installed_database apart >/dev/null 2>&1
readonly tenant=00000000-0000-7000-8000-000000000001 user=00000000-0000-7000-8000-0000000000 session=00000000-0000-7000-8000-00000000aa
sql apart "BEGIN; SELECT clinic.create_tenant('here', 'Here', tenant_id => '$tenant');
    INSERT INTO clinic_data.users (tenant_id, user_id, kind, name)
    SELECT '$tenant', ('$user' || lpad(g::text, 2, '0'))::uuid, 'staff', 'User ' || g FROM generate_series(1, 30) g;
    INSERT INTO clinic_data.sessions (tenant_id, session_id, user_id, refresh_hash, refreshed_at, expires_at, method)
    SELECT '$tenant', ('$session' || lpad(g::text, 2, '0'))::uuid, '${user}01', '\\x00', clinic.now(), clinic.now() + '7 days'::interval, 'password'
      FROM generate_series(1, 2) g; COMMIT" >/dev/null

failed() { # number of the user [, further members]: an expression
    printf "clinic_private.run_apart('sign_in_failed', '{\"tenant_id\": \"%s\", \"user_id\": \"%s%02d\", \"count\": true%s}')" "$tenant" "$user" "$1" "${2:+, $2}"
}
count_of() { # number of the user
    sql apart "SELECT failed_count FROM clinic_data.credentials WHERE user_id = '$user$(printf '%02d' "$1")'"
}
events_of() {
    sql apart "SELECT count(*) FROM clinic_data.sign_in_events WHERE user_id = '$user$(printf '%02d' "$1")'"
}
quiet() { # no worker is left
    for _ in $(seq 200); do
        [[ $(sql apart "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pg_clinic'") == 0 ]] && return
        sleep 0.05
    done
    return 1
}

# --- it survives
is 'the caller is told that it is done' "$(sql apart "BEGIN; SELECT $(failed 1); ROLLBACK")" t
is 'the caller was rolled back, the count was not' "$(count_of 1)" 1
is 'what is recorded' \
    "$(sql apart "SELECT $(failed 2 '"kind": "code_used", "identifier_hash": "00ff", "request_id": "r-1", "client_address": "192.0.2.1", "peer_address": "192.0.2.2", "user_agent": "x\"y"')" \
        "SELECT tenant_id, occurred_at > now() - interval '1 minute', kind, outcome, user_id, identifier_hash, session_id IS NULL, request_id, client_address, peer_address, user_agent
           FROM clinic_data.sign_in_events WHERE kind = 'code_used'")" \
    "t
$tenant|t|code_used|refused|${user}02|\\x00ff|t|r-1|192.0.2.1|192.0.2.2|x\"y"
is 'long texts are cut' \
    "$(sql apart "SELECT clinic_private.run_apart('sign_in_failed', jsonb_build_object('tenant_id', '$tenant', 'kind', 'long', 'user_agent', repeat('u', 50000)))" \
        "SELECT length(user_agent), user_id FROM clinic_data.sign_in_events WHERE kind = 'long'")" $'t\n500|'
is 'without "count" nothing is counted' \
    "$(sql apart "SELECT clinic_private.run_apart('sign_in_failed', '{\"tenant_id\": \"$tenant\", \"user_id\": \"${user}03\"}')")|$(count_of 3)|$(events_of 3)" 't||1'
is 'the next statement of the caller sees it, an older snapshot does not' \
    "$(sql apart "BEGIN; SELECT $(failed 4); SELECT failed_count FROM clinic_data.credentials WHERE user_id = '${user}04'; COMMIT" \
        "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1; SELECT $(failed 4); SELECT failed_count FROM clinic_data.credentials WHERE user_id = '${user}04'; COMMIT" | tr '\n' ' ')" 't 1 1 t 1 '
is 'it works for a caller that may only read' "$(sql apart "BEGIN READ ONLY; SELECT $(failed 4); ROLLBACK")|$(count_of 4)" 't|3'
is 'in a subtransaction that is rolled back' "$(sql apart "BEGIN; SAVEPOINT a; SELECT $(failed 4); ROLLBACK TO a; COMMIT")|$(count_of 4)" 't|4'
is 'for clinic_owner, in a function that ends in an error' "$(sql apart 'SET ROLE clinic_owner' \
    "DO \$\$ BEGIN PERFORM $(failed 4); RAISE EXCEPTION 'refused'; END \$\$" 2>&1 | grep -c refused)|$(count_of 4)" '1|5'

# --- the lock-out
is 'the lock: none before the fifth failure, then 1, 2, 4 ... 60 minutes' \
    "$(for _ in $(seq 0 12); do
        sql apart "SET clinic.clock = '2026-03-02 08:00:00Z'" "SELECT $(failed 5)" >/dev/null
        sql apart "SELECT coalesce(extract(epoch FROM locked_until - last_failed_at)::int / 60, 0) FROM clinic_data.credentials WHERE user_id = '${user}05'"
    done | tr '\n' ' ')" '0 0 0 0 1 2 4 8 16 32 60 60 60 '
is 'time was frozen for the worker too' \
    "$(sql apart "SELECT max(occurred_at) = '2026-03-02 08:00Z', count(*) FROM clinic_data.sign_in_events WHERE user_id = '${user}05'")" 't|13'
sql apart "UPDATE clinic_data.credentials SET locked_until = '2027-01-01Z' WHERE user_id = '${user}05'" "SET clinic.clock = '2026-03-02 08:00:00Z'" "SELECT $(failed 5)" >/dev/null
is 'a longer lock stays' "$(sql apart "SELECT locked_until = '2027-01-01Z' FROM clinic_data.credentials WHERE user_id = '${user}05'")" t
sql apart "UPDATE clinic_data.credentials SET failed_count = 2147483647 WHERE user_id = '${user}05'" "SELECT $(failed 5)" >/dev/null
is 'no count overflows' "$(count_of 5)" 1000001

# --- stolen sessions
stolen() { # number
    printf "clinic_private.run_apart('session_stolen', '{\"tenant_id\": \"%s\", \"session_id\": \"%s%02d\", \"request_id\": \"r-2\"}')" "$tenant" "$session" "$1"
}
is 'a stolen session is revoked, whatever becomes of the caller' \
    "$(sql apart "BEGIN; SELECT $(stolen 1); ROLLBACK" "SELECT revoked_at IS NOT NULL, revoke_reason FROM clinic_data.sessions WHERE session_id = '${session}01'" \
        "SELECT kind, outcome, user_id, request_id FROM clinic_data.sign_in_events WHERE session_id = '${session}01'")" $'t\nt|reused\n'"refresh|refused|${user}01|r-2"
sql apart "UPDATE clinic_data.sessions SET revoked_at = '2026-01-01Z', revoke_reason = 'signed_out' WHERE session_id = '${session}02'" "SELECT $(stolen 2)" >/dev/null
is 'one that was revoked stays as it was, and the attempt is recorded' \
    "$(sql apart "SELECT s.revoked_at = '2026-01-01Z', s.revoke_reason, (SELECT count(*) FROM clinic_data.sign_in_events e WHERE e.session_id = s.session_id) FROM clinic_data.sessions s WHERE s.session_id = '${session}02'")" 't|signed_out|1'
is 'a session of nobody' "$(sql apart "SELECT $(stolen 3)")" f

# --- many at once
cat >"$tap_work/fail.sql" <<SQL
BEGIN;
INSERT INTO answers SELECT $(failed 6);
COMMIT;
SQL
sql apart 'CREATE TABLE answers (done boolean)'
pgbench -n -c 20 -j 2 -t 5 -f "$tap_work/fail.sql" apart >/dev/null 2>&1
is 'twenty callers at once, five times each: every one is counted' \
    "$(sql apart "SELECT count(*) FILTER (WHERE done), count(*) FROM answers")|$(count_of 6)|$(events_of 6)" '100|100|100|100'

# --- what goes wrong is false, and leaves nothing
is 'a user who is not there' "$(sql apart "SELECT clinic_private.run_apart('sign_in_failed', '{\"tenant_id\": \"$tenant\", \"user_id\": \"${user}99\", \"count\": true}')")|$(events_of 99)" 'f|0'
is 'arguments that are no such thing' "$(for argument in '{}' '[]' '"x"' '{"tenant_id": "x"}' "{\"tenant_id\": \"$tenant\", \"identifier_hash\": \"xyz\"}"; do
    sql apart "SELECT clinic_private.run_apart('sign_in_failed', '$argument')"; done | sort -u)" f
refused 'an unknown task' 22023 'unknown task' apart "SELECT clinic_private.run_apart('sign_in_failed(\$1); DROP TABLE answers --', '{}')"
refused 'a task of null' 22004 'task' apart "SELECT clinic_private.run_apart(NULL, '{}')"
refused 'an argument of null' 22004 'argument' apart "SELECT clinic_private.run_apart('sign_in_failed', NULL)"
refused 'an argument that is too long' 22023 '64 kB' apart "SELECT clinic_private.run_apart('sign_in_failed', jsonb_build_object('tenant_id', repeat('x', 70000)))"
for members in '"user_agent": "agent-4711"' "\"tenant_id\": \"$tenant\", \"user_id\": \"${user}99\", \"count\": true, \"client_address\": \"agent-4711\""; do
    sql apart "SELECT clinic_private.run_apart('sign_in_failed', '{$members}')"
done >/dev/null
is 'what went wrong is in the log, the argument is not' \
    "$(grep -c 'the event is of no tenant' "$tap_work/cluster_main/server.log") $(grep -c 'agent-4711' "$tap_work/cluster_main/server.log")" '4 0'

start=$(date +%s%N)
is 'a caller that holds the row gets false, and no deadlock' \
    "$(sql apart "BEGIN; SELECT 1 FROM clinic_data.credentials WHERE user_id = '${user}01' FOR UPDATE; SELECT $(failed 1); ROLLBACK" | tr '\n' ' ')|$(count_of 1)" '1 f |1'
elapsed=$((($(date +%s%N) - start) / 1000000))
is 'after two seconds' "$((elapsed >= 1900 && elapsed < 4900))" 1

# --- cancelled and killed, while the worker waits for a row
hold() { # holds the row of user 7 until the file is gone
    touch "$tap_work/hold"
    psql -XqAt -d apart >/dev/null <<SQL &
BEGIN;
INSERT INTO clinic_data.credentials (tenant_id, user_id) VALUES ('$tenant', '${user}07') ON CONFLICT DO NOTHING;
SELECT 1 FROM clinic_data.credentials WHERE user_id = '${user}07' FOR UPDATE;
\! touch $tap_work/held; while [ -e $tap_work/hold ]; do sleep 0.05; done
COMMIT;
SQL
    until [[ -e $tap_work/held ]]; do sleep 0.05; done
    rm "$tap_work/held"
}
until_waiting() { # until a worker waits for a lock
    until [[ $(sql apart "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pg_clinic' AND wait_event_type = 'Lock'") == 1 ]]; do sleep 0.02; done
}
hold
PGOPTIONS="$PGOPTIONS -c statement_timeout=700" sql apart "SELECT $(failed 7)" >"$tap_work/cancelled" 2>&1 || true
is 'a cancelled caller stops waiting' "$(grep -c 57014 "$tap_work/cancelled")" 1
rm "$tap_work/hold"
ok 'the worker ends' quiet
wait
is 'and what it was to count is counted' "$(count_of 7)" 1

hold
sql apart "SELECT $(failed 7)" >"$tap_work/terminated" 2>&1 &
until_waiting
sql apart "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'pg_clinic'" >/dev/null
until grep -q . "$tap_work/terminated"; do sleep 0.05; done
is 'a worker that is stopped: false' "$(cat "$tap_work/terminated")" f
rm "$tap_work/hold"
wait
is 'and nothing is counted' "$(count_of 7)" 1

hold
sql apart "SELECT $(failed 7)" >"$tap_work/gone" 2>&1 &
until_waiting
sql apart "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%run_apart%' AND backend_type = 'client backend' AND pid <> pg_backend_pid()" >/dev/null
rm "$tap_work/hold"
ok 'a caller that is ended leaves no worker behind' quiet
wait || true
is 'and its failure is counted' "$(count_of 7)" 2
# What is smaller than a statistics segment is ours, or the one that lists the others.
is 'no shared memory is left behind' "$(find "$tap_work/cluster_main/data/pg_dynshmem" -type f -size -200k | wc -l)" 1

# --- settings of the database do not reach the worker
sql apart "ALTER DATABASE apart SET search_path = 'evil'" "ALTER DATABASE apart SET default_transaction_isolation = 'serializable'" \
    "ALTER DATABASE apart SET lock_timeout = '1ms'" "ALTER DATABASE apart SET session_replication_role = 'replica'" "ALTER DATABASE apart SET row_security = off"
is 'the settings of the database do no harm' "$(sql apart "SELECT $(failed 8)")|$(count_of 8)" 't|1'
is 'foreign keys are looked at' "$(sql apart "SELECT $(failed 99)")" f
for setting in search_path default_transaction_isolation lock_timeout session_replication_role row_security; do
    sql apart "ALTER DATABASE apart RESET $setting"
done

# --- what somebody has put on the tables runs as clinic_system, and stays it
sql apart 'CREATE SCHEMA mine' 'CREATE TABLE mine.seen (who name, session name, super text)' 'GRANT USAGE ON SCHEMA mine TO clinic_system' 'GRANT INSERT ON mine.seen TO clinic_system' \
    "CREATE FUNCTION mine.look() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN
         INSERT INTO mine.seen VALUES (current_user, session_user, current_setting('is_superuser'));
         IF new.kind = 'reset' THEN RESET ROLE; END IF;
         IF new.kind = 'become' THEN EXECUTE 'SET SESSION AUTHORIZATION DEFAULT'; END IF;
         IF new.kind = 'secret' THEN PERFORM password_hash FROM clinic_data.credentials; END IF;
         IF new.kind = 'update' THEN UPDATE clinic_data.credentials SET password_hash = NULL; END IF;
         IF new.kind = 'others' THEN PERFORM FROM clinic_data.patients; END IF;
         RETURN new; END \$\$" \
    'CREATE TRIGGER look BEFORE INSERT ON clinic_data.sign_in_events FOR EACH ROW EXECUTE FUNCTION mine.look()'
is 'a trigger runs as clinic_system' "$(sql apart "SELECT $(failed 9)" 'SELECT DISTINCT who FROM mine.seen')" $'t\nclinic_system'
for kind in reset become secret update others; do
    is "and cannot do more: $kind" "$(sql apart "SELECT $(failed 9 "\"kind\": \"$kind\"")")|$(events_of 9)" 'f|1'
done
sql apart 'DROP SCHEMA mine CASCADE'

# --- rights
sql apart 'CREATE ROLE visitor' 'CREATE ROLE boss IN ROLE clinic_admin' 'CREATE ROLE gate IN ROLE clinic_gateway'
for role in visitor boss gate clinic_user clinic_anon clinic_system; do
    refused "$role cannot run a task apart" 42501 'permission denied' apart "SET ROLE $role" "SELECT $(failed 1)"
done
for role in visitor boss gate clinic_user clinic_owner; do
    refused "$role cannot run a task itself" 42501 'permission denied' apart "SET ROLE $role" "SELECT clinic_private.apart_sign_in_failed('{}')"
done
is 'nobody but clinic_system executes a task' \
    "$(sql apart "SELECT string_agg(DISTINCT g.grantee::regrole::text, ' ') FROM pg_proc p CROSS JOIN LATERAL aclexplode(p.proacl) g
                   WHERE p.pronamespace = 'clinic_private'::regnamespace AND p.proname LIKE 'apart\\_%' AND g.grantee <> p.proowner")" clinic_system
refused 'not in a parallel operation' 25000 'parallel' apart 'SET parallel_setup_cost = 0' 'SET parallel_tuple_cost = 0' 'SET min_parallel_table_scan_size = 0' \
    "CREATE FUNCTION pg_temp.claims_to_be_safe() RETURNS boolean LANGUAGE plpgsql PARALLEL SAFE AS \$\$ BEGIN RETURN $(failed 1); END \$\$" \
    "SET $([[ $(sql apart 'SHOW server_version_num') -ge 160000 ]] && echo debug_parallel_query || echo force_parallel_mode) = on" 'SELECT pg_temp.claims_to_be_safe()'

# --- how long it takes
cat >"$tap_work/one.sql" <<SQL
SELECT $(failed 10);
SQL
printf '# one caller: %s\n' "$(pgbench -n -c 1 -t 100 -f "$tap_work/one.sql" apart 2>/dev/null | grep 'latency average')"

# --- no worker process to be had
"$top/tools/cluster.sh" halt "$tap_work/cluster_main"
# One place, which the launcher of logical replication takes.
printf 'max_worker_processes = 1\n' >>"$tap_work/cluster_main/data/postgresql.conf"
"$top/tools/cluster.sh" start "$tap_work/cluster_main"
start=$(date +%s%N)
is 'no free worker process: false' "$(sql apart "SELECT $(failed 11)")|$(count_of 11)" 'f|'
elapsed=$((($(date +%s%N) - start) / 1000000))
is 'after two seconds' "$((elapsed >= 1900 && elapsed < 4000))" 1
