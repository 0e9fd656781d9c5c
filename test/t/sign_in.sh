#!/usr/bin/env bash
# Signing in against those who do it at once, roll back, keep old snapshots, measure time and read logs.
set -euo pipefail
# shellcheck source=test/support/tap.sh
. "$(dirname "$0")/../support/tap.sh"

export PG_CLINIC_SETTINGS="log_min_duration_statement = 0
log_error_verbosity = verbose
max_worker_processes = 40"
new_cluster main
installed_database diary >/dev/null 2>&1
readonly ada='5161a001-0100-7000-8000-000000000001' password='violet harbour quilt' wrong='crimson harbour quilt'
sql diary 'CREATE ROLE visitor LOGIN IN ROLE clinic_anon' 'CREATE ROLE sender LOGIN IN ROLE clinic_user' 'CREATE ROLE ada LOGIN IN ROLE clinic_user' \
    'SET ROLE clinic_admin; SELECT clinic.create_signing_key()' \
    "SET ROLE clinic_admin; SELECT clinic.use_tenant('lake') FROM clinic.create_tenant('lake', 'Lake Clinics');
     SELECT clinic.create_user('staff', 'Ada', 'ada@example.org', all_locations => true, user_id => '$ada'), clinic.create_user('service', 'Robot', roles => '{super_admin}', all_locations => true, user_id => '5161a001-0100-7000-8000-000000000002');
     SELECT clinic.map_login('ada', 'admin', '{*}', '$ada'), clinic.map_login('sender', 'staff', '{outbox:deliver}')" >/dev/null

# What is secret stands in a table, so that no statement of this test tells it to the log.
sql diary 'CREATE TABLE secrets (name text PRIMARY KEY, value text)' 'GRANT ALL ON secrets TO PUBLIC'
cat >"$tap_work/secrets.csv" <<EOF
password,$password
wrong,$wrong
EOF
psql -XqAt -d diary -c "\\copy secrets FROM '$tap_work/secrets.csv' WITH (FORMAT csv)"
secret() { # name
    printf "(SELECT value FROM secrets WHERE name = '%s')" "$1"
}
keep() { # name, expression
    printf "INSERT INTO secrets VALUES ('%s', (%s)) ON CONFLICT (name) DO UPDATE SET value = excluded.value" "$1" "$2"
}
as() { # user, SQL...
    PGUSER=$1 sql diary "${@:2}"
}
sign_in() { # name of the password
    printf "clinic.sign_in('lake', 'ada@example.org', %s)" "$(secret "$1")"
}
forget_failures="UPDATE clinic_data.credentials SET failed_count = 0, locked_until = NULL"
failures() {
    sql diary "SELECT failed_count, coalesce(locked_until > now(), false) FROM clinic_data.credentials WHERE user_id = '$ada'"
}
# Whether a session is alive, by a refresh token.
session_state="SELECT coalesce(s.revoke_reason, 'alive') FROM clinic_data.sessions s ORDER BY s.created_at DESC LIMIT 1"
# How many of the outputs match.
outcomes() { # pattern, file...
    grep -lE "$1" "${@:2}" 2>/dev/null | wc -l
}
# Waits until so many backends wait for a lock.
await_waiting() { # number
    local i
    for ((i = 0; i < 600; i++)); do
        if (($(sql diary "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") >= $1)); then
            return
        fi
        sleep 0.05
    done
}

as ada "SELECT clinic.set_password($(secret password))" >/dev/null

# --- refreshing at once: one wins, and the session goes on
as visitor "$(keep token "SELECT refresh_token FROM $(sign_in password)")"
mkfifo "$tap_work/winner"
PGUSER=visitor psql -XqAt -d diary <"$tap_work/winner" >"$tap_work/winner.out" 2>&1 &
exec 7>"$tap_work/winner"
echo "BEGIN; $(keep new "SELECT refresh_token FROM clinic.refresh($(secret token))"); SELECT 'refreshed';" >&7
until grep -q refreshed "$tap_work/winner.out"; do sleep 0.05; done
losers=()
for ((i = 1; i < 20; i++)); do
    (as visitor "SELECT expires_in FROM clinic.refresh($(secret token))" >"$tap_work/loser.$i" 2>&1 || true) &
    losers+=($!)
done
await_waiting 19
echo 'COMMIT;' >&7
exec 7>&-
wait "${losers[@]}"
is 'nineteen that refresh at the same moment are refused' "$(outcomes '^ERROR:  28000: the token is not valid' "$tap_work"/loser.*)" 19
is 'the session of the one that won goes on' "$(sql diary "$session_state")" alive
as visitor "$(keep new "SELECT refresh_token FROM clinic.refresh($(secret new))")"
pass 'what the one returned is good'

# --- a used token that comes back ends the session, though the call is rolled back
PGUSER=visitor refused 'a used token is refused' 28000 'the token is not valid' diary 'BEGIN' "SELECT * FROM clinic.refresh($(secret token))" 'ROLLBACK'
is 'and has ended the session' "$(sql diary "$session_state")" reused
PGUSER=visitor refused 'the good token of the thief, or the user, is dead too' 28000 '' diary "SELECT * FROM clinic.refresh($(secret new))"
is 'the theft is recorded' "$(sql diary "SELECT count(*) FROM clinic_data.sign_in_events WHERE kind = 'refresh' AND outcome = 'refused' AND user_id = '$ada' AND session_id IS NOT NULL" | sed 's/^[0-9][0-9]$/many/')" many

# --- twenty at once with no order: the token is used once, whatever the others find
as visitor "$(keep token "SELECT refresh_token FROM $(sign_in password)")"
clients=()
for ((i = 1; i <= 20; i++)); do
    (as visitor "SELECT 'refreshed', expires_in FROM clinic.refresh($(secret token))" >"$tap_work/client.$i" 2>&1 || true) &
    clients+=($!)
done
wait "${clients[@]}"
is 'of twenty one wins' "$(outcomes '^refreshed' "$tap_work"/client.*)" 1
is 'the others are refused' "$(outcomes '^ERROR:  28000' "$tap_work"/client.*)" 19

# --- failures count, rolled back or not, and lock
sql diary "$forget_failures"
clients=()
for i in 1 2 3 4 5; do
    (as visitor 'BEGIN' "SELECT * FROM $(sign_in wrong)" >"$tap_work/wrong.$i" 2>&1 || true) &
    clients+=($!)
done
wait "${clients[@]}"
is 'five wrong passwords at once are refused' "$(outcomes '^ERROR:  28P01' "$tap_work"/wrong.*)" 5
is 'all five count, and lock the account' "$(failures)" '5|t'
PGUSER=visitor refused 'the right password does not open a locked account' 28P01 '' diary "SELECT * FROM $(sign_in password)"
is 'what is tried on a locked account does not count' "$(failures)" '5|t'

# A transaction with an old snapshot does not see the lock in its own snapshot; the engine does.
sql diary "$forget_failures"
as visitor "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM secrets; DO \$\$
    BEGIN
        FOR i IN 1..5 LOOP
            BEGIN PERFORM * FROM $(sign_in wrong); EXCEPTION WHEN invalid_password THEN NULL; END;
        END LOOP;
        BEGIN
            PERFORM * FROM $(sign_in password);
            RAISE 'let in';
        EXCEPTION WHEN invalid_password THEN RAISE NOTICE 'kept out';
        END;
    END \$\$; COMMIT" >/dev/null
pass 'an old snapshot lets nobody guess on'
is 'failures in savepoints count' "$(failures)" '5|t'

# Who holds the account's row makes the failure impossible to record, and is refused in time.
sql diary "UPDATE clinic_data.credentials SET failed_count = 1, locked_until = NULL"
started=$(date +%s)
PGUSER=visitor refused 'a failure that cannot be recorded is refused all the same' 'CL030' 'busy' diary "BEGIN; SELECT FROM $(sign_in password); SELECT FROM $(sign_in wrong)"
ok 'and does not hang' test $(($(date +%s) - started)) -lt 20
sql diary "$forget_failures"

# --- codes: at most three a minute, at most five compared
clients=()
for ((i = 1; i <= 12; i++)); do
    (as visitor "SELECT clinic.request_code('lake', 'ada@example.org')" >"$tap_work/asked.$i" 2>&1 || true) &
    clients+=($!)
done
wait "${clients[@]}"
sent=$(sql diary "SELECT count(*) FROM clinic_data.outbox")
ok "of twelve who ask at once at most three are sent a code, and at least one ($sent)" test "$sent" -ge 1 -a "$sent" -le 3
is 'the others are told to wait' "$(outcomes '^ERROR:  CL032' "$tap_work"/asked.*)" $((12 - sent))
sql diary 'DELETE FROM clinic_data.one_time_codes'
as visitor "SELECT clinic.request_code('lake', 'ada@example.org')"
sql diary "$(keep code "SELECT clinic_private.open_kept_secret(payload, clinic_private.secret_place('outbox', message_id::text, 'payload'))::jsonb ->> 'code' FROM clinic_data.outbox ORDER BY created_at DESC LIMIT 1")" \
    "$(keep bad_code "SELECT CASE value WHEN '000000' THEN '000001' ELSE '000000' END FROM secrets WHERE name = 'code'")"
with_code() { # name of the code
    printf "clinic.sign_in_with_code('lake', 'ada@example.org', %s)" "$(secret "$1")"
}
# Four guesses that are rolled back in one old snapshot, one more by another, and the code is dead. Only the failures of
# the code are looked at: that they lock the account is taken back in between.
as visitor "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM secrets; DO \$\$
    BEGIN
        FOR i IN 1..4 LOOP
            BEGIN PERFORM * FROM $(with_code bad_code); EXCEPTION WHEN invalid_password THEN NULL; END;
        END LOOP;
    END \$\$; ROLLBACK" >/dev/null
is 'guesses that are rolled back are counted' "$(sql diary 'SELECT max(attempts) FROM clinic_data.one_time_codes WHERE used_at IS NULL')" 4
PGUSER=visitor refused 'a fifth guess is refused' 28P01 '' diary "SELECT * FROM $(with_code bad_code)"
sql diary "$forget_failures"
PGUSER=visitor refused 'after five guesses the right code is dead' 28P01 '' diary "SELECT * FROM $(with_code code)"
sql diary 'UPDATE clinic_data.one_time_codes SET attempts = 0' "$forget_failures"
as visitor "$(keep token "SELECT refresh_token FROM $(with_code code)")"
pass 'without them it would have been good'
sql diary 'UPDATE clinic_data.one_time_codes SET used_at = NULL, attempts = 0 WHERE code_id = (SELECT code_id FROM clinic_data.one_time_codes ORDER BY created_at DESC LIMIT 1)'
clients=()
for ((i = 1; i <= 6; i++)); do
    (as visitor "SELECT 'in' FROM $(with_code code)" >"$tap_work/coded.$i" 2>&1 || true) &
    clients+=($!)
done
wait "${clients[@]}"
is 'of six with the same code one gets in' "$(outcomes '^in$' "$tap_work"/coded.*)" 1

# --- the outbox: programs that claim at once get different messages
sql diary 'DELETE FROM clinic_data.outbox' "INSERT INTO clinic_data.outbox (tenant_id, message_id, topic, channel, destination, payload, created_at, due_at)
    SELECT t.tenant_id, gen_random_uuid(), 'test', 'sms', '+49305550101', '{}', now(), now() FROM clinic_data.tenants t, generate_series(1, 100)"
clients=()
for ((i = 1; i <= 8; i++)); do
    (as sender 'SELECT message_id FROM clinic.claim_messages(10)' 'SELECT message_id FROM clinic.claim_messages(10)' >"$tap_work/claimed.$i" 2>&1) &
    clients+=($!)
done
wait "${clients[@]}"
is 'eight programs claim each message once' "$(sort "$tap_work"/claimed.* | uniq -d | wc -l)" 0
is 'and none of them is left over' "$(sort -u "$tap_work"/claimed.* | grep -c -- -)" "$(sql diary "SELECT count(*) FROM clinic_data.outbox WHERE claimed_until IS NOT NULL")"

# --- time: whoever is unknown takes as long as whoever is known, but for the row that counts
sql diary "$forget_failures"
milliseconds() { # identifier
    local start i
    start=$(date +%s%N)
    for i in 1 2 3 4; do
        as visitor "SELECT * FROM clinic.sign_in('lake', '$1', $(secret wrong))" >/dev/null 2>&1 || true
    done
    echo $((($(date +%s%N) - start) / 4000000))
}
known=$(milliseconds ada@example.org)
unknown=$(milliseconds nobody@example.org)
ok "an unknown user takes as long as a wrong password ($unknown ms, $known ms)" test $((unknown * 2)) -gt "$known" -a $((known * 2)) -gt "$unknown"

# --- nothing secret in logs, in what others see running, or in rows beside the messages
sql diary "$forget_failures"
as ada "$(keep api_key "SELECT api_key FROM clinic.create_api_key('5161a001-0100-7000-8000-000000000002', 'test')")"
sql diary 'TABLE secrets' | cut -d'|' -f2 | awk 'length > 6' >"$tap_work/found"
ok 'there are secrets to look for' test "$(wc -l <"$tap_work/found")" -ge 5
is 'the log holds none of them' "$(grep -cFf "$tap_work/found" "$tap_work/cluster_main/server.log" || true)" 0
ok 'though it holds the statements' grep -q 'clinic.sign_in_with_code' "$tap_work/cluster_main/server.log"
is 'nor do the statements of others' "$(sql diary 'SELECT count(*) FROM pg_stat_activity a, secrets s WHERE length(s.value) > 6 AND strpos(a.query, s.value) > 0')" 0
sql diary 'DELETE FROM secrets WHERE length(value) < 7'
psql -XqAt -d diary -c "\\copy secrets TO '$tap_work/all' WITH (FORMAT csv)"
sql diary 'DROP TABLE secrets'
pg_dump -d diary >"$tap_work/dump"
is 'nor do the tables' "$(grep -cFf "$tap_work/found" "$tap_work/dump" || true)" 0
