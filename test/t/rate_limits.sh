#!/usr/bin/env bash
# Rate limits with the library preloaded: limits are hit exactly, one by one and by many at once; neither rollback nor refusal
# undoes a call; keys without number exhaust nothing; bad settings are refused; a crash costs the counts and nothing else.
set -euo pipefail
# shellcheck source=test/support/tap.sh
. "$(dirname "$0")/../support/tap.sh"

call() { # class, key [, limit_override]
    sql limits "SELECT counted, allowed, call_limit, remaining, reset_seconds, retry_after_seconds
                  FROM clinic_private.count_call('$1', '$2'${3:+, $3})"
}

# How many of so many calls in one transaction each are allowed.
allowed() { # class, key, calls [, limit_override]
    sql limits "SELECT count(*) FILTER (WHERE v.allowed) FROM generate_series(1, $3) AS g
                 CROSS JOIN LATERAL clinic_private.count_call('$1', '$2' || left(g::text, 0)${4:+, $4}) AS v"
}

reconfigure() { # settings: name=value...
    local setting
    for setting in "$@"; do
        sql limits "ALTER SYSTEM SET clinic.rate_limit_${setting%%=*} = '${setting#*=}'"
    done
    sql limits 'SELECT pg_reload_conf()' >/dev/null
    for setting in "$@"; do
        until [[ $(sql limits "SHOW clinic.rate_limit_${setting%%=*}") == "${setting#*=}" ]]; do sleep 0.05; done
    done
}

export PG_CLINIC_SETTINGS="shared_preload_libraries = 'pg_clinic'"
new_cluster main
createdb limits
sql limits 'CREATE EXTENSION pg_clinic CASCADE'

is 'the limits that are shipped, all in force' "$(sql limits 'SELECT * FROM clinic.rate_limits()')" 'public|30/min|30|60|t
signed_in|100/min|100|60|t
admin|500/min|500|60|t
login|5/min|5|60|t
api_key|1000/hour|1000|3600|t
burst|10/s|10|1|t'

# --- one by one
is 'the first call of many' "$(call login first)" 't|t|5|4|60|0'
is 'the limit is hit exactly' "$(for _ in 1 2 3 4 5; do call login first; done | cut -d '|' -f 2,4 | tr '\n' ' ')" 't|3 t|2 t|1 t|0 f|0 '
is 'refused: one is told how long to wait' \
    "$(sql limits "SELECT allowed, remaining, reset_seconds BETWEEN 1 AND 60, retry_after_seconds BETWEEN reset_seconds + 1 AND 120
                     FROM clinic_private.count_call('login', 'first')")" 'f|0|t|t'
is 'another key has its own calls' "$(call login second)" 't|t|5|4|60|0'
is 'the same key in another class is another caller' "$(call signed_in first)" 't|t|100|99|60|0'
is 'a limit of its own for one key' "$(allowed login third 20 7)" 7
is 'keys are compared whole, and may be anything' \
    "$(sql limits "SELECT count(*) FILTER (WHERE v.allowed) FROM (VALUES (''), (' '), (repeat('k', 100000)), (repeat('k', 100000) || 'x'), (U&'\\00e4')) AS k (key)
                   CROSS JOIN generate_series(1, 6) AS g CROSS JOIN LATERAL clinic_private.count_call('login', k.key || left(g::text, 0)) AS v")" 25

# --- what does not help
sql limits "BEGIN; SELECT clinic_private.count_call('login', 'rollback'); ROLLBACK" \
    "BEGIN; SAVEPOINT a; SELECT clinic_private.count_call('login', 'rollback'); ROLLBACK TO a; COMMIT" >/dev/null
sql limits "SELECT 1 / (v.remaining - v.remaining) FROM clinic_private.count_call('login', 'rollback') AS v" >/dev/null 2>&1 || true
is 'calls that were rolled back count' "$(call login rollback | cut -d '|' -f 2,4)" 't|1'
is 'a frozen clock does not stop the counting' \
    "$(sql limits "SET clinic.clock = '2000-01-01 00:00Z'" "SELECT reset_seconds BETWEEN 1 AND 60, remaining FROM clinic_private.count_call('login', 'rollback')")" 't|0'

# --- bursts
is 'a burst is cut off, whatever the class' "$(for class in public signed_in admin api_key; do allowed "$class" burst 50; done | tr '\n' ' ')" '10 10 10 10 '
is 'the limit of bursts says so' \
    "$(sql limits "SELECT min(call_limit), min(remaining), max(retry_after_seconds) BETWEEN 1 AND 2 FROM generate_series(1, 30) AS g
                   CROSS JOIN LATERAL clinic_private.count_call('admin', 'other burst' || left(g::text, 0)) AS v WHERE NOT allowed")" '10|0|t'
sleep 2.1
is 'two seconds later it is over' "$(allowed admin burst 50)" 10

# --- a window passes
reconfigure login=3/s burst=
is 'a changed setting holds at once' "$(allowed login window 10)" 3
sleep 2.1
is 'two windows later all is forgotten' "$(allowed login window 10)" 3
reconfigure login=1000000/day

# --- many keys
keys() { # how many, prefix
    sql limits "SELECT count(*), bool_and(v.counted AND v.allowed) FROM generate_series(1, $1) AS g
                 CROSS JOIN LATERAL clinic_private.count_call('signed_in', '$2' || g) AS v"
}
is 'keys without number are all counted' "$(keys 300000 attack)" '300000|t'
reconfigure login=5/min
is 'a key that keeps calling is not forgotten among thousands of others' \
    "$(sql limits "SELECT count(*) FILTER (WHERE mine.allowed) FROM generate_series(1, 2000) AS g
                    CROSS JOIN LATERAL clinic_private.count_call('signed_in', 'crowd' || g) AS others
                    CROSS JOIN LATERAL clinic_private.count_call('login', 'steady' || left(others.call_limit::text, 0)) AS mine")" 5

# --- many at once
cat >"$tap_work/hammer.sql" <<'SQL'
BEGIN;
INSERT INTO verdicts SELECT v.allowed FROM clinic_private.count_call('api_key', 'hot', 500) AS v;
COMMIT;
SQL
sql limits 'CREATE TABLE verdicts (allowed boolean)'
is 'one hundred and sixty calls of each of eight clients: exactly the limit is allowed' \
    "$(pgbench -n -c 8 -j 2 -t 160 -f "$tap_work/hammer.sql" limits >/dev/null 2>&1
        sql limits 'SELECT count(*), count(*) FILTER (WHERE allowed) FROM verdicts')" '1280|500'

# --- off
reconfigure signed_in=
is 'a class that is off is not counted' "$(call signed_in whoever; call signed_in whoever 1)" 'f|t||||
f|t||||'
reconfigure signed_in= burst=10/s
is 'but its bursts are, when they are on' "$(allowed signed_in whoever 50)" 10
is 'and the list says so' "$(sql limits "SELECT * FROM clinic.rate_limits() WHERE call_class = 'signed_in'")" 'signed_in||||f'

# --- bad settings and arguments
for bad in 30 30/ 0/min 1000001/s '30 / min' 30/m 5/min/min x; do
    refused "refused: clinic.rate_limit_public = '$bad'" 22023 'clinic.rate_limit_public|rate limit' limits "ALTER SYSTEM SET clinic.rate_limit_public = '$bad'"
done
refused 'a session cannot change a limit' 55P02 'cannot be changed now' limits "SET clinic.rate_limit_login = ''"
refused 'nor the number of keys' 55P02 'without restarting' limits 'SET clinic.rate_limit_slots = 1024'
refused 'an unknown class' 22023 'invalid call_class' limits "SELECT clinic_private.count_call('burst', 'x')"
refused 'no key' 22004 'key' limits "SELECT clinic_private.count_call('login', NULL)"
refused 'a limit below one' 22023 'limit_override' limits "SELECT clinic_private.count_call('login', 'x', 0)"

# --- rights
sql limits 'CREATE ROLE visitor' 'CREATE ROLE boss IN ROLE clinic_admin' 'CREATE ROLE nurse IN ROLE clinic_user'
for role in visitor nurse boss; do
    refused "$role cannot count calls" 42501 'permission denied' limits "SET ROLE $role" "SELECT clinic_private.count_call('login', 'x')"
done
refused 'the list is not for everybody' 42501 'permission denied' limits 'SET ROLE nurse' 'SELECT clinic.rate_limits()'
is 'administrators read the list' "$(sql limits 'SET ROLE boss' 'SELECT count(*) FROM clinic.rate_limits()')" 6
is 'the owner of the definer functions counts' "$(sql limits 'SET ROLE clinic_owner' "SELECT allowed FROM clinic_private.count_call('login', 'owner')")" t

# --- a backend dies: the server starts its memory anew
is 'before the crash the key is used up' "$(allowed login victim 6; allowed login victim 1)" $'5\n0'
sql limits "SELECT pg_backend_pid()" 'SELECT pg_sleep(60)' >"$tap_work/pid" 2>/dev/null &
until [[ -s $tap_work/pid ]]; do sleep 0.05; done
kill -KILL "$(cat "$tap_work/pid")"
wait || true
until sql limits 'SELECT 1' >/dev/null 2>&1; do sleep 0.1; done
is 'after a crash counting begins anew' "$(allowed login victim 6)" 5

# --- a small table, and one that is not there
"$top/tools/cluster.sh" halt "$tap_work/cluster_main"
printf "clinic.rate_limit_slots = 1024\nclinic.rate_limit_signed_in = '100/min'\n" >>"$tap_work/cluster_main/data/postgresql.conf"
"$top/tools/cluster.sh" start "$tap_work/cluster_main"
sql limits 'ALTER SYSTEM RESET ALL' 'SELECT pg_reload_conf()' >/dev/null
is 'a small table takes any number of keys' "$(keys 20000 small)" '20000|t'
is 'and still counts each caller for itself' "$(allowed login small 9)" 5

export PG_CLINIC_SETTINGS=
new_cluster plain
createdb limits
sql limits 'CREATE EXTENSION pg_clinic CASCADE'
is 'not preloaded: nothing is counted and all is allowed' "$(for _ in 1 2 3 4 5 6; do call login x; done | sort -u)" 'f|t||||'
is 'and the list says so' "$(sql limits 'SELECT count(*), bool_or(active), count(calls) FROM clinic.rate_limits()')" '6|f|6'
