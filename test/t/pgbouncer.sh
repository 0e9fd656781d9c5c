#!/usr/bin/env bash
# The context behind the real pgbouncer: in transaction pooling, with one server connection for everybody, nobody finds what
# another one left.
set -euo pipefail
# shellcheck source=test/support/tap.sh
. "$(dirname "$0")/../support/tap.sh"

new_cluster main
installed_database diary >/dev/null 2>&1
readonly lake=b0b0000a-0010-7000-8000-000000000001 ada=b0b0000a-0090-7000-8000-000000000001
readonly hill=b0b0000b-0010-7000-8000-000000000001 bob=b0b0000b-0090-7000-8000-000000000001
sql diary 'CREATE ROLE app LOGIN IN ROLE clinic_user' 'CREATE ROLE boss LOGIN IN ROLE clinic_admin, clinic_user' 'SET ROLE clinic_admin; SELECT clinic.create_signing_key()' >/dev/null
make_tenant() { # slug, tenant, user, number of patients
    sql diary "SELECT clinic.create_tenant('$1', '$1', tenant_id => '$2');
               SELECT clinic.create_user('staff', 'X', roles => '{receptionist}', all_locations => true, user_id => '$3');
               SELECT clinic.create_patient('Patient of $1') FROM generate_series(1, $4);
               INSERT INTO clinic_data.sessions (tenant_id, session_id, user_id, refresh_hash, refreshed_at, expires_at, method)
               VALUES ('$2', '$3', '$3', '\x01', now(), now() + interval '1 day', 'password')" >/dev/null
}
make_tenant lake "$lake" "$ada" 2
make_tenant hill "$hill" "$bob" 3
token_a=$(sql diary "SELECT clinic_private.sign_access_token('$lake', '$ada', '$ada', interval '15 minutes')")
token_b=$(sql diary "SELECT clinic_private.sign_access_token('$hill', '$bob', '$bob', interval '15 minutes')")
readonly token_a token_b

# ----------------------------------------------------------------------------------------------------------------------
# pgbouncer, run by the server's user as the server is

pgbouncer=$(PATH=$PATH:/usr/sbin command -v pgbouncer) || die 'pgbouncer is missing: install the Debian package pgbouncer'
readonly server_port=$PGPORT server_host=$PGHOST pool=$tap_work/pool pool_port=$((PGPORT + 1))
mkdir "$pool"
if is_root; then
    chown postgres: "$pool"
fi
as_server_user tee "$pool/pgbouncer.ini" >/dev/null <<EOT
[databases]
diary = host=$server_host port=$server_port dbname=diary user=app
managed = host=$server_host port=$server_port dbname=diary user=boss
[pgbouncer]
listen_addr =
listen_port = $pool_port
unix_socket_dir = $pool
auth_type = any
pool_mode = transaction
default_pool_size = 1
logfile = $pool/pgbouncer.log
pidfile = $pool/pgbouncer.pid
ignore_startup_parameters = extra_float_digits,options
EOT
as_server_user "$pgbouncer" -q -d "$pool/pgbouncer.ini"
stop_pool() {
    if [[ -f $pool/pgbouncer.pid ]]; then
        kill "$(cat "$pool/pgbouncer.pid")" 2>/dev/null || true
    fi
}
trap 'stop_pool; tap_end' EXIT

# Clients, each a psql that stays connected and answers line by line.
declare -A asks answers
client() { # name, database
    local to from
    mkfifo "$tap_work/$1.in" "$tap_work/$1.out"
    # pgbouncer knows no options of a connection.
    PGOPTIONS='' psql -XqAt -h "$pool" -p "$pool_port" -d "$2" <"$tap_work/$1.in" >"$tap_work/$1.out" 2>&1 &
    exec {to}>"$tap_work/$1.in" {from}<"$tap_work/$1.out"
    asks[$1]=$to answers[$1]=$from
}
# What a client's psql prints for SQL, in one line.
says() { # client, SQL
    local line output=''
    printf '%s\n\\echo .end\n' "$2" >&"${asks[$1]}"
    while IFS= read -r -t 60 line <&"${answers[$1]}" && [[ $line != .end ]]; do
        output+=${output:+ }$line
    done
    printf '%s\n' "$output"
}
client a diary
client b diary
whoami="SELECT coalesce((SELECT tenant || ' ' || source FROM clinic.whoami()), 'nobody');"
seen='SELECT count(*) FROM clinic.patients;'

is 'both clients have the same server connection' "$(says a 'SELECT pg_backend_pid();')" "$(says b 'SELECT pg_backend_pid();')"
is 'at first nobody is anybody' "$(says a "$whoami") $(says b "$whoami")" 'nobody nobody'

says a "BEGIN; SELECT clinic.authenticate('$token_a');" >/dev/null
is 'within its transaction a client is who it says' "$(says a "$whoami $seen")" 'lake token 2'
is 'and remains so' "$(says a "$whoami $seen")" 'lake token 2'
says a 'COMMIT;' >/dev/null
is 'the next client on the connection is nobody' "$(says b "$whoami $seen")" 'nobody 0'
is 'and so is the first one' "$(says a "$whoami $seen")" 'nobody 0'
is 'a statement alone is a transaction' "$(says a "SELECT clinic.authenticate('$token_a');") $(says a "$whoami") $(says b "$whoami")" ' nobody nobody'

for ending in 'ROLLBACK;' 'SELECT 1 / 0; ROLLBACK;' 'SELECT 1 / 0; COMMIT;' 'SAVEPOINT s; SELECT 1 / 0; ROLLBACK TO s; COMMIT;' \
    'RESET ALL; COMMIT;' 'COMMIT AND CHAIN; ROLLBACK;' 'PREPARE TRANSACTION $$x$$; ROLLBACK;'; do
    says a "BEGIN; SELECT clinic.authenticate('$token_a');" >/dev/null
    says a "$ending" >/dev/null
    is "nobody after: $ending" "$(says b "$whoami $seen") $(says a "$whoami $seen")" 'nobody 0 nobody 0'
done
says a "BEGIN; SELECT clinic.authenticate('$token_a'); RESET ALL;" >/dev/null
is 'RESET ALL ends it within the transaction' "$(says a "$whoami $seen")" 'nobody 0'
says a "ROLLBACK; BEGIN; SELECT clinic.authenticate('$token_a'); COMMIT AND CHAIN;" >/dev/null
is 'a chained transaction begins as nobody' "$(says a "$whoami $seen")" 'nobody 0'
says a "ROLLBACK; BEGIN; SELECT clinic.authenticate('$token_a'); SAVEPOINT s; SELECT clinic.authenticate('$token_b');" >/dev/null
is 'the second one holds' "$(says a "$whoami $seen")" 'hill token 3'
is 'a savepoint brings back the first' "$(says a "ROLLBACK TO s; $whoami $seen ROLLBACK;")" 'lake token 2'

# Plans that are kept: prepared once on the server connection, run under two contexts, which the plan must not have taken in.
says a "PREPARE patients AS SELECT count(*), min(name), clinic.current_tenant_id() = '$lake' FROM clinic.patients; SET plan_cache_mode = force_generic_plan;" >/dev/null
as() { # client, token
    says "$1" "BEGIN; SELECT clinic.authenticate('$2'); EXECUTE patients; COMMIT;"
}
for round in 1 2; do
    is "a kept plan: the first tenant ($round)" "$(as a "$token_a")" '2|Patient of lake|t'
    is "a kept plan: the second tenant ($round)" "$(as b "$token_b")" '3|Patient of hill|f'
    is "a kept plan: nobody ($round)" "$(says a 'EXECUTE patients;')" '0||'
done
says a "CREATE FUNCTION pg_temp.patients() RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) || max(name) FROM clinic.patients); END';" >/dev/null
is 'so it is in functions' "$(for token in "$token_a" "$token_b" "$token_a"; do says b "BEGIN; SELECT clinic.authenticate('$token'); SELECT pg_temp.patients(); COMMIT;"; done | xargs)" \
    '2Patient of lake 3Patient of hill 2Patient of lake'

says a 'DISCARD ALL;' >/dev/null
is 'DISCARD ALL leaves nobody, and no plan' "$(says b "$whoami") $(says b 'EXECUTE patients;' | grep -c 'does not exist')" 'nobody 1'
is 'a context cannot be left in a setting' "$(says a "SET clinic.context = 'v2 tenant=$lake actor=admin door=administrator permissions=*';" | grep -c 'permission denied') $(says b "$whoami")" '1 nobody'

# Claims in settings that one client left are worth nothing from another: the login is no gateway.
says a "SELECT set_config('request.jwt.claims', '{\"sub\": \"$ada\", \"tenant_id\": \"$lake\", \"exp\": 4000000000}', false);" >/dev/null
is 'claims that were left behind make nobody' "$(says b 'SELECT clinic.pre_request();' | grep -c 'only a gateway') $(says b "$whoami")" '1 nobody'

# Administrators of the database, pooled alike.
client c managed
client d managed
is 'administrators share a connection, too' "$(says c 'SELECT pg_backend_pid();')" "$(says d 'SELECT pg_backend_pid();')"
is 'use_tenant holds for its transaction' "$(says c "BEGIN; SELECT clinic.use_tenant('lake'); $whoami $seen COMMIT;")" 'lake administrator 2'
is 'and not for the next client' "$(says d "$whoami $seen") $(says c "$whoami $seen")" 'nobody 0 nobody 0'

is 'all of it went over one connection each' "$(sql diary "SELECT string_agg(usename, ' ' ORDER BY usename) FROM pg_stat_activity WHERE usename IN ('app', 'boss')")" 'app boss'
