#!/usr/bin/env bash
# Master keys: where they may come from, what is refused, what a reload changes; keys made by two sessions at once; and that neither keys nor
# what was encrypted is found in logs, in what the server shows, or in a dump.
set -euo pipefail
# shellcheck source=test/support/tap.sh
. "$(dirname "$0")/../support/tap.sh"

tenant=5e7000c1-0000-7000-8000-000000000001
patient=5e7000c1-0100-7000-8000-000000000001
secret='sentinel-of-what-is-encrypted'
export PG_CLINIC_SETTINGS="log_statement = none
log_min_error_statement = panic
shared_preload_libraries = 'pg_clinic'"
new_cluster main
installed_database clinic
dir=$tap_work/cluster_main
file=$dir/master.keys
key=$(as_server_user cat "$file" | cut -d' ' -f2)

encrypt() { # text
    printf "SELECT clinic_private.encrypt_field('%s', '%s', 't', 'c', 'r', '%s')" "$tenant" "$patient" "$1"
}
decrypt() { # value
    printf "SELECT clinic_private.decrypt_field('%s', '%s', 't', 'c', 'r', '%s')" "$tenant" "$patient" "$1"
}

# Writes the key file and lets the server read its configuration again.
keys() { # mode, text
    as_server_user sh -c 'printf "%b" "$2" >"$1"; chmod "$3" "$1"' sh "$file" "$2" "$1"
    reload
}
reload() {
    sql clinic 'SELECT pg_reload_conf()' >/dev/null
    sleep 0.5
}
unavailable() { # description, pattern
    refused "$1" CL040 "$2" clinic "$(decrypt "$value")"
}

# --- secrets that the engine itself works with
kept() { # query: how each secret is kept
    sql clinic "SELECT string_agg(kept, ' ' ORDER BY kept) FROM (
        SELECT CASE WHEN k.signing_key LIKE 'sealed test:%' THEN 'sealed' ELSE left(k.signing_key, 27) END FROM clinic_data.token_keys k WHERE k.signing_key IS NOT NULL
        UNION ALL SELECT CASE WHEN k.verify_key LIKE 'sealed test:%' THEN 'sealed' ELSE k.verify_key END FROM clinic_data.token_keys k WHERE k.algorithm = 'HS256'
        UNION ALL SELECT CASE WHEN s.secret LIKE 'sealed test:%' THEN 'sealed' ELSE left(s.secret, 6) END FROM clinic_data.subscriptions s
        UNION ALL SELECT CASE WHEN i.value LIKE 'sealed test:%' THEN 'sealed' ELSE i.value END FROM clinic_data.user_identifiers i
        UNION ALL SELECT CASE WHEN o.destination LIKE 'sealed test:%' THEN 'sealed' ELSE o.destination END FROM clinic_data.outbox o) AS s (kept)"
}
hs_secret=dGhpcyBpcyBhIHNlY3JldCBvZiB0aGlydHktdHdvIGJ5dGVzIQ
sql clinic "ALTER SYSTEM SET clinic.master_key_file = ''"
reload
sql clinic 'BEGIN' "SELECT clinic.create_tenant('keys', 'Keys', tenant_id => '$tenant'), clinic.create_patient('Ann', patient_id => '$patient')" COMMIT >/dev/null
sql clinic "SELECT clinic.create_signing_key()" "SELECT clinic.add_token_key('hs', 'HS256', '$hs_secret', 'i', 'a')" \
    BEGIN "SELECT clinic.use_tenant('keys')" "SELECT clinic.create_subscription('x', 'https://receiver.com/x')" \
    "SELECT clinic.create_user('staff', 'Ada', 'ada@example.org')" COMMIT "SELECT clinic.request_code('keys', 'ada@example.org')" >/dev/null
refused 'without one, no address begins as what is sealed does' 22023 'email' clinic BEGIN "SELECT clinic.use_tenant('keys')" \
    "SELECT clinic.create_user('staff', 'Eve', 'sealed test:AAAA@example.org')"
refused 'nor is anything else kept that would' 22023 'cannot begin as a sealed one does' clinic "SELECT clinic_private.keep_secret('sealed test:AAAA', 'p')"
is 'without a master key secrets are kept as they are' "$(kept)" "-----BEGIN PRIVATE KEY----- ada@example.org ada@example.org $hs_secret whsec_"
is 'and lint() says so' "$(sql clinic "SELECT count(*) FROM clinic.lint() WHERE rule = 'secret_in_clear' AND severity = 'warning'")" 3
sql clinic "ALTER SYSTEM RESET clinic.master_key_file"
reload
is 'rotate_master_key() seals them, once' "$(sql clinic 'SELECT * FROM clinic.rotate_master_key()' 'SELECT * FROM clinic.rotate_master_key()' | xargs)" '7|0|t 0|0|t'
is 'all of them' "$(kept)" 'sealed sealed sealed sealed sealed'
is 'and lint() is content' "$(sql clinic "SELECT count(*) FROM clinic.lint() WHERE rule = 'secret_in_clear'")" 0
sql clinic "SELECT clinic.create_signing_key()" BEGIN "SELECT clinic.use_tenant('keys')" "SELECT clinic.create_subscription('y', 'https://receiver.com/y')" COMMIT >/dev/null
is 'what is new is sealed at once' "$(kept)" 'sealed sealed sealed sealed sealed sealed sealed'
is 'a key in another row opens nothing' "$(sql clinic BEGIN "UPDATE clinic_data.token_keys k SET signing_key = (SELECT o.signing_key FROM clinic_data.token_keys o
        WHERE o.kid <> k.kid AND o.signing_key IS NOT NULL) WHERE k.signing_key IS NOT NULL" \
    "SELECT clinic_private.sign_access_token('$tenant', '$tenant', '$tenant', '60 s')" 2>&1 | grep -o 'CL041' | head -n 1)" CL041
is 'with one, what only looks sealed is a text like any other' "$(sql clinic "SELECT clinic_private.open_kept_secret(clinic_private.keep_secret('sealed test:AAAA', 'p'), 'p')")" 'sealed test:AAAA'
is 'tokens are signed' "$(sql clinic "SELECT clinic_private.sign_access_token('$tenant', '$tenant', '$tenant', '60 s') LIKE 'ey%.%.%'")" t
is 'and messages are read' "$(sql clinic BEGIN "SELECT clinic.use_tenant('keys')" "SELECT c.destination || (c.payload ->> 'code' ~ '^[0-9]{6}$') FROM clinic.claim_messages() c" COMMIT | tail -n 1)" \
    'ada@example.orgtrue'

# --- several at once
makers=()
for n in 1 2 3 4 5 6 7 8; do
    sql clinic "$(encrypt "$secret $n")" >"$tap_work/value_$n" 2>&1 &
    makers+=($!)
done
wait "${makers[@]}" || true
is 'eight sessions that need a key at once make one' \
    "$(sql clinic "SELECT (SELECT count(*) FROM clinic_data.encryption_keys), (SELECT count(*) FROM clinic_data.patient_keys)")" '1|1'
for n in 1 2 3 4 5 6 7 8; do
    sql clinic "$(decrypt "$(cat "$tap_work/value_$n")")"
done >"$tap_work/all" 2>&1
is 'and each value can be read' "$(sort -u "$tap_work/all" | wc -l)/$(grep -c "^$secret" "$tap_work/all")" 8/8
value=$(cat "$tap_work/value_1")

# --- the file
keys 0640 "test $key\n"
unavailable 'a file that the group may read is refused' 'open to others'
keys 0604 "test $key\n"
unavailable 'a file that all may read is refused' 'open to others'
keys 0600 "test ${key:1}\n"
unavailable 'a short key is refused' 'line 1 is not 64 hexadecimal digits'
keys 0600 "test ${key:1}g\n"
unavailable 'a key of other characters is refused' 'line 1 is not 64 hexadecimal digits'
keys 0600 "# empty\n\n"
unavailable 'a file without keys is refused' 'no key in it'
keys 0600 "test $key\ntest $key\n"
unavailable 'two keys of one id are refused' 'line 2 has the id'
keys 0600 "te/st $key\n"
unavailable 'a bad id is refused' 'line 1 is not an id'
keys 0600 "$(head -c 9000 /dev/zero | tr '\0' '#')\n"
unavailable 'a long file is refused' 'longer than'
keys 0600 "other $key\n"
unavailable 'a key of another id is missing' 'master key "test" is not among'
keys 0600 "test $(printf '0%.0s' {1..64})\n"
refused 'other bytes under the same id decrypt nothing' CL041 'cannot be decrypted' clinic "$(decrypt "$value")"
is 'encryption_status() tells of each kind that nothing of it opens' \
    "$(sql clinic "SELECT string_agg(kind || ' ' || unreadable, ', ' ORDER BY kind) FROM clinic.encryption_status() WHERE unreadable > 0 AND problem LIKE '%holds another key%'")" \
    'field 1, identifier 1, identifier_secret 1, message 2, token_key 3, webhook_secret 2'
is 'and lint() calls it an error' "$(sql clinic "SELECT count(*) FROM clinic.lint() WHERE rule = 'master_key_mismatch' AND severity = 'error'")" 6
as_server_user mv "$file" "$file.away"
reload
unavailable 'a missing file is said to be' 'No such file'
refused 'nothing is signed' CL040 'master key is not available' clinic "SELECT clinic_private.sign_access_token('$tenant', '$tenant', '$tenant', '60 s')"
# Whether an account exists or not, the answer is the same while nothing can be sealed.
for who in "'keys', 'ada@example.org'" "'keys', 'nobody@example.org'" "'keys', 'nonsense'" "'nowhere', 'ada@example.org'"; do
    sql clinic '\set VERBOSITY verbose' "SELECT clinic.request_code($who)" 2>&1 | grep -v -E '^(LOCATION|psql)' || true
done | sort -u >"$tap_work/answers"
is 'asking for a code tells nobody whether there is an account' "$(grep -c CL040 "$tap_work/answers") $(grep -c ERROR "$tap_work/answers")" '1 1'
is 'encryption_status() says so too' "$(sql clinic "SELECT status FROM clinic.encryption_status() WHERE kind = 'master'")" unavailable
is 'and lint() calls it an error' "$(sql clinic "SELECT severity FROM clinic.lint() WHERE rule = 'key_unavailable'")" error
is 'and everything else works' "$(sql clinic 'BEGIN' "SELECT clinic.use_tenant('keys')" 'SELECT name FROM clinic.patients' COMMIT | tail -n 1)" Ann
as_server_user mv "$file.away" "$file"
keys 0600 "test $key\r\n"
is 'a good file is read again after a reload' "$(sql clinic "$(decrypt "$value")")" "$(head -n 1 "$tap_work/all")"

# --- a reload in a session that has the key in use
coproc session { psql -XqAt -v VERBOSITY=terse -d clinic 2>&1; }
# shellcheck disable=SC2154 # the coprocess
ask() {
    printf '%s;\n' "$1" >&"${session[1]}"
    read -r -t 10 answer <&"${session[0]}" || answer='no answer'
}
ask "$(decrypt "$value")"
is 'a session reads' "$answer" "$secret 1"
keys 0644 "test $key\n"
ask "$(decrypt "$value")"
is 'after a reload it has no key any more' "${answer:0:60}" 'ERROR:  the master key is not available: the file of clinic.'
keys 0600 "new $(printf 'ab%.0s' {1..32})\ntest $key\n"
is 'lint() tells of keys under the older one, and of old ones' \
    "$(sql clinic "SET clinic.clock = '2099-01-01 00:00:00Z'" "SELECT string_agg(DISTINCT rule, ' ' ORDER BY rule) FROM clinic.lint() WHERE rule LIKE 'key_%'")" 'key_not_rewrapped key_old'
ask "$(decrypt "$value")"
is 'and after the next it has one again' "$answer" "$secret 1"
# --- what does not open is left, and told
sql clinic 'CREATE TABLE good AS SELECT subscription_id, secret FROM clinic_data.subscriptions' \
    'CREATE TABLE good_message AS SELECT message_id, payload FROM clinic_data.outbox' 'CREATE TABLE good_key AS SELECT key_no, wrapped FROM clinic_data.encryption_keys' \
    "UPDATE clinic_data.subscriptions SET secret = (SELECT g.secret FROM good AS g WHERE g.subscription_id <> subscriptions.subscription_id LIMIT 1) WHERE name = 'x'" \
    "UPDATE clinic_data.outbox SET payload = 'sealed test:AAAA'" "UPDATE clinic_data.encryption_keys SET wrapped = set_byte(wrapped, 20, get_byte(wrapped, 20) # 1)"
sql clinic 'SELECT * FROM clinic.rotate_master_key()' >"$tap_work/rotated" 2>&1
is 'what does not open is skipped and counted, and the rotation is not complete' "$(tail -n 1 "$tap_work/rotated")" '7|3|f'
is 'a warning names the rows' "$(grep -c 'WARNING.*3 keys and secrets do not open' "$tap_work/rotated") $(grep -c -E \
    'DETAIL: +subscriptions.secret [0-9a-f-]{36}, outbox.payload [0-9a-f-]{36}, encryption_keys|DETAIL: +outbox.payload [0-9a-f-]{36}, subscriptions.secret [0-9a-f-]{36}, encryption_keys' "$tap_work/rotated")" '1 1'
is 'it still needs the old key, as encryption_status() says' \
    "$(sql clinic "SELECT string_agg(kind || ' ' || unreadable, ', ' ORDER BY kind) FROM clinic.encryption_status() WHERE master_key_id = 'test'")" 'field 1, message 1, webhook_secret 1'
is 'the others were sealed anew, and work' "$(sql clinic "SELECT clinic_private.sign_access_token('$tenant', '$tenant', '$tenant', '60 s') LIKE 'ey%.%.%'")" t
sql clinic 'UPDATE clinic_data.subscriptions AS s SET secret = g.secret FROM good AS g WHERE g.subscription_id = s.subscription_id AND s.name = '"'x'" \
    'UPDATE clinic_data.outbox AS o SET payload = g.payload FROM good_message AS g WHERE g.message_id = o.message_id' \
    'UPDATE clinic_data.encryption_keys AS k SET wrapped = g.wrapped FROM good_key AS g' 'DROP TABLE good, good_message, good_key'
is 'the new first key wraps' "$(sql clinic 'SELECT * FROM clinic.rotate_master_key()' 'SELECT * FROM clinic.rotate_master_key()' \
    'SELECT DISTINCT master_key_id FROM clinic_data.encryption_keys' | xargs)" '3|0|t 0|0|t new'
keys 0600 "new $(printf 'ab%.0s' {1..32})\n"
ask "$(decrypt "$value")"
is 'the old one is not needed any more' "$answer" "$secret 1"
eval "exec ${session[1]}>&-"

# --- the command
as_server_user sh -c "printf '#!/bin/sh\necho run >>%s/runs\ncat %s\n' '$dir' '$file' >'$dir/command'; chmod 700 '$dir/command'"
sql clinic "ALTER SYSTEM SET clinic.master_key_command = '$dir/command'"
reload
unavailable 'a file and a command are one too many' 'both'
sql clinic "ALTER SYSTEM SET clinic.master_key_file = ''"
reload
is 'a command is run once for each session' "$(sql clinic "$(decrypt "$value")" "$(decrypt "$value")" && wc -l <"$dir/runs")" "$secret 1
$secret 1
1"
sql clinic "ALTER SYSTEM SET clinic.master_key_command = 'cat $file; exit 3'"
reload
unavailable 'a command that fails gives no key' 'command of clinic.master_key_command failed'
sql clinic "ALTER SYSTEM SET clinic.master_key_command = ''"
reload
unavailable 'nothing set is no key' 'neither'
sql clinic 'ALTER SYSTEM RESET clinic.master_key_file' 'ALTER SYSTEM RESET clinic.master_key_command'
reload
is 'and back' "$(sql clinic "$(decrypt "$value")")" "$secret 1"
refused 'nobody sets the file for a session' 55P02 'cannot be changed now' clinic "SET clinic.master_key_file = '/tmp/x'"
refused 'nor for a database' 55P02 'cannot be changed now' clinic "ALTER DATABASE clinic SET clinic.master_key_file = '/tmp/x'"

# --- nothing leaks
sql clinic 'CREATE EXTENSION IF NOT EXISTS pgcrypto' 'CREATE TABLE own (tenant_id uuid, id text, secret clinic_data.encrypted)' \
    "INSERT INTO own SELECT '$tenant', 'r', '$value'" 'ANALYZE own'
pg_dump clinic >"$tap_work/dump"
is 'a dump holds the value' "$(grep -c "$value" "$tap_work/dump" | sed 's/[1-9][0-9]*/yes/')" yes
for word in "$secret" "$key" "$(printf 'ab%.0s' {1..32})"; do
    found=$(grep -l -i -e "$word" "$tap_work/dump" "$dir/server.log" || true)
    shown=$(sql clinic "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%' || left('$word', 20) || '%' AND pid <> pg_backend_pid()")
    data=$(as_server_user grep -rl -i -e "$word" "$dir/data/base" "$dir/data/pg_wal" "$dir/data/global" 2>/dev/null || true)
    is "what is secret (${#word} characters) is in no log, dump, view or file of the database" "$found$shown$data" 0
done
