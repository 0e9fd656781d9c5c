#!/usr/bin/env bash
# The sealed audit: whoever changes it behind its back is found, crashes and races leave no gap, a restore goes on, and a program that
# shares nothing with the server agrees.
set -euo pipefail
# shellcheck source=test/support/tap.sh
. "$(dirname "$0")/../support/tap.sh"

tenant=00a5ea1d-0000-7000-8000-000000000001
nobody=00000000-0000-0000-0000-000000000000

# Statements of the tenant, by an administrator.
as_tenant() { # database, SQL
    sql "$1" 'BEGIN' "SELECT clinic.use_tenant('tampering')" "$2" 'COMMIT' | grep -v '^$'
}

# Records as the engine writes them.
write_records() { # database, how many
    sql "$1" "SELECT count(clinic_private.write_audit('medical', 'update', 'patients', n::text, after => jsonb_build_object('n', n),
        tenant_id => '$tenant')) FROM generate_series(1, $2) AS n" >/dev/null
}

seal() { # database
    sql "$1" "SELECT sealed, tree_size, complete FROM clinic.seal_audit(tenant_ids => '{$tenant}')"
}

# What is wrong, where.
verdict() { # database, heads
    as_tenant "$1" "SELECT coalesce(problem, 'intact'), first_position, until_position FROM clinic.verify_audit($2)"
}

# A superuser has his way: no trigger, no foreign key.
open_tables="DO \$\$ DECLARE t regclass; BEGIN FOR t IN SELECT oid FROM pg_class WHERE relnamespace = 'clinic_data'::regnamespace AND relkind IN ('r', 'p') AND relname ~ 'audit' LOOP EXECUTE format('ALTER TABLE ONLY %s DISABLE TRIGGER ALL', t); END LOOP; END \$\$"

# Tampers with the log and rolls it back.
tampered() { # description, expected verdict, heads, SQL...
    local description=$1 expected=$2 heads=$3
    shift 3
    is "$description" "$(sql diary 'BEGIN' "$open_tables" "$@" "SELECT clinic.use_tenant('tampering')" \
        "SELECT coalesce(problem, 'intact'), first_position, until_position FROM clinic.verify_audit($heads)" 'ROLLBACK' | tail -n 1)" "$expected"
}

# A purge of records that is told of in full; the last arguments of tampered.
forged() { # which records, class, months it was kept
    local of="FROM clinic_data.audit_records AS a WHERE a.tenant_id = '$tenant' AND $1"
    forgery=("INSERT INTO clinic_data.audit_purges SELECT '$tenant', '$tenant', '$2', now(), $3, now(), count(*), sha256(string_agg(a.leaf_hash, ''::bytea ORDER BY clinic_private.sealed_position(a.tenant_id, a.transaction_id, a.audit_id))) $of"
        "INSERT INTO clinic_data.purged_audit_records SELECT a.tenant_id, a.audit_id, '$tenant', a.transaction_id, a.recorded_at, a.class, clinic_private.audit_content_digest(a) $of"
        "SELECT clinic_private.write_audit('retention', 'purge', 'audit_records', '$tenant', tenant_id => '$tenant', after => jsonb_build_object('class', '$2', 'keep_months', $3, 'record_count', p.record_count, 'leaves_digest', encode(p.leaves_digest, 'hex'))) FROM clinic_data.audit_purges AS p WHERE p.purge_id = '$tenant'"
        "DELETE $of")
}

# A log that has lost its place is sealed with what its own transaction has written.
seal_at_once=('DELETE FROM clinic_data.audit_logs' "SELECT clinic.seal_audit(tenant_ids => '{$tenant}')")

# The record at a position.
at() { # position
    printf "(SELECT encode(substr(l.audit_ids, (16 * (%s - l.first_position) + 1)::integer, 16), 'hex')::uuid FROM clinic_data.audit_leaves AS l WHERE l.tenant_id = '%s' AND l.first_position <= %s AND l.first_position + l.leaf_count > %s)" \
        "$1" "$tenant" "$1" "$1"
}

# Autovacuum would hold up what may be sealed, now and then.
# shellcheck disable=SC2089
PG_CLINIC_SETTINGS="max_prepared_transactions = 5
autovacuum = off
clinic.seal_export_file = '$tap_work/heads.jsonl'
clinic.seal_key_file = '$tap_work/seal.pem'"
# shellcheck disable=SC2090
export PG_CLINIC_SETTINGS
openssl genpkey -algorithm ed25519 -out "$tap_work/seal.pem" 2>/dev/null
chmod 600 "$tap_work/seal.pem"
touch "$tap_work/heads.jsonl"
if is_root; then
    chown postgres: "$tap_work/seal.pem" "$tap_work/heads.jsonl"
fi
# The last bytes of either form are the key itself.
key_bytes() { # options of openssl pkey
    openssl pkey -in "$tap_work/seal.pem" "$@" -outform DER 2>/dev/null | tail -c 32 | od -An -v -tx1 | tr -d ' \n' || true
}
key=$(key_bytes -pubout)
if [[ -z $key ]]; then
    key_bytes() { runuser -u postgres -- openssl pkey -in "$tap_work/seal.pem" "$@" -outform DER | tail -c 32 | od -An -v -tx1 | tr -d ' \n'; }
    key=$(key_bytes -pubout)
fi

new_cluster sealed
installed_database diary
sql diary "SELECT clinic.create_tenant(slug => 'tampering', name => 'Tampering', tenant_id => '$tenant')" >/dev/null
# Records of two years ago, sealed two years ago: 50 of reads, 10 of changes. One more of then comes late, with the next ones.
write_records diary 61
old_records() { # which, kind
    sql diary "INSERT INTO clinic_data.audit_records
        SELECT (jsonb_populate_record(r, jsonb_build_object('leaf_hash', clinic_private.audit_leaf(r)))).*
        FROM clinic_data.audit_records AS a, LATERAL jsonb_populate_record(a, jsonb_build_object('audit_id', overlay(a.audit_id::text PLACING '015a0000' FROM 1),
            'recorded_at', now() - interval '2 years 1 day', 'transaction_id', pg_current_xact_id()::text, 'class', CASE WHEN a.row_id::integer BETWEEN 51 AND 60 THEN 'medical' ELSE 'access' END,
            'reason', '$2')) AS r
        WHERE a.tenant_id = '$tenant' AND a.table_name = 'patients' AND a.reason IS NULL AND a.row_id::integer $1"
}
old_records '<= 60' old
seal diary >/dev/null
old_heads=$(<"$top/test/support/old_heads.sql")
sql diary "$old_heads" "SELECT pg_temp.age_log('$tenant', '2 years', '\\x$(key_bytes)')" >/dev/null
old_records '= 61' late
for count in 299 400; do
    write_records diary "$count"
    seal diary >/dev/null
done
size=$(sql diary "SELECT tree_size FROM clinic_data.audit_logs WHERE tenant_id = '$tenant'")
base=$((size - 700))
as_tenant diary 'SELECT clinic.audit_head()' >"$tap_work/head.json"
kept="'$(cat "$tap_work/head.json")'"
is 'a sealed log is intact' "$(verdict diary NULL)" 'intact||'
is 'also against a head that was kept' "$(verdict diary "$kept")" 'intact||'

# --- seven ways of tampering
p=$((base + 500))
tampered 'an update is found' "changed|$p|$((p + 1))" NULL \
    "UPDATE clinic_data.audit_records SET after = '{\"n\": 0}' WHERE audit_id = $(at $p)"
tampered 'an update that mends its own hash is found' "changed|$p|$((p + 1))" NULL \
    "UPDATE clinic_data.audit_records SET login = 'somebody' WHERE audit_id = $(at $p)" \
    'UPDATE clinic_data.audit_records AS a SET leaf_hash = clinic_private.audit_leaf(a)'
tampered 'a deletion is found' "missing|$p|$((p + 1))" NULL "DELETE FROM clinic_data.audit_records WHERE audit_id = $(at $p)"
tampered 'a deletion with a purge that never was is found' "missing|$p|$((p + 1))" NULL \
    "INSERT INTO clinic_data.audit_purges VALUES ('$tenant', '$tenant', 'medical', now(), 84, now(), 1, '\\x00')" \
    "INSERT INTO clinic_data.purged_audit_records VALUES ('$tenant', $(at $p), '$tenant', '1', now(), 'medical', '\\x00')" \
    "DELETE FROM clinic_data.audit_records WHERE audit_id = $(at $p)"

# --- purges that are made up, sealed as they should be
position_of() { # which record
    sql diary "SELECT clinic_private.sealed_position(a.tenant_id, a.transaction_id, a.audit_id) FROM clinic_data.audit_records AS a WHERE a.tenant_id = '$tenant' AND $1 ORDER BY 1 LIMIT 1"
}
forged "a.audit_id = $(at $p)" medical 84
tampered 'a purge of a young record is found' "missing|$p|$((p + 1))" NULL "${forgery[@]}" "${seal_at_once[@]}"
tampered 'also one that says it was long ago' "missing|$p|$((p + 1))" NULL "${forgery[@]}" \
    "UPDATE clinic_data.purged_audit_records SET recorded_at = now() - interval '20 years'" "${seal_at_once[@]}"
tampered 'also one of the future, when its time would have come' "missing|$p|$((p + 1))" NULL "${forgery[@]}" \
    "UPDATE clinic_data.audit_records SET recorded_at = now() + interval '10 years' WHERE tenant_id = '$tenant' AND action = 'purge'" \
    "UPDATE clinic_data.audit_records AS a SET leaf_hash = clinic_private.audit_leaf(a) WHERE a.tenant_id = '$tenant' AND a.action = 'purge'" "${seal_at_once[@]}"
older_leaf="WITH o AS (SELECT l.first_position, ($p - l.first_position)::integer AS i FROM clinic_data.audit_leaves AS l
        WHERE l.tenant_id = '$tenant' AND l.first_position <= $p AND l.first_position + l.leaf_count > $p)
     UPDATE clinic_data.audit_leaves AS l SET"
tampered 'also with an older id in the seal' "missing|$p|$((p + 1))" NULL "${forgery[@]}" \
    "$older_leaf audit_ids = overlay(l.audit_ids PLACING '\\x015a0000' FROM 16 * o.i + 1) FROM o WHERE l.tenant_id = '$tenant' AND l.first_position = o.first_position" \
    "UPDATE clinic_data.purged_audit_records SET recorded_at = now() - interval '20 years', audit_id = $(at $p)" "${seal_at_once[@]}"
forged "a.audit_id = $(at $p)" medical 84
tampered 'also with an older leaf in the seal' "rewritten|$((p / 256 * 256))|$((p / 256 * 256 + 256))" NULL \
    "UPDATE clinic_data.audit_records SET recorded_at = now() - interval '20 years' WHERE audit_id = $(at $p)" \
    'UPDATE clinic_data.audit_records AS a SET leaf_hash = clinic_private.audit_leaf(a)' \
    "$older_leaf leaf_hashes = overlay(l.leaf_hashes PLACING a.leaf_hash FROM 32 * o.i + 1) FROM o, clinic_data.audit_records AS a WHERE a.audit_id = $(at $p) AND l.tenant_id = '$tenant' AND l.first_position = o.first_position" \
    "$old_heads" "SELECT pg_temp.age_log('$tenant', '20 years')" "${forgery[@]}"
m=$(position_of "a.reason = 'old' AND a.class = 'medical'")
forged "a.audit_id = $(at "$m")" access 12
tampered 'a purge of a record of a class that is kept longer is found' "missing|$m|$((m + 1))" NULL "${forgery[@]}" "${seal_at_once[@]}"
tampered 'also one that says it was of another class' "missing|$m|$((m + 1))" NULL "${forgery[@]}" \
    "UPDATE clinic_data.purged_audit_records SET class = 'access'" "${seal_at_once[@]}"
forged "a.audit_id = $(at "$m")" medical 84
tampered 'also one that calls the class by its name' "missing|$m|$((m + 1))" NULL "${forgery[@]}" "${seal_at_once[@]}"
forged "a.audit_id = $(at "$m")" medical 12
tampered 'also one that says the class was kept for a year' 'missing||' NULL "${forgery[@]}" "${seal_at_once[@]}"
tampered 'a period that is shortened behind the back of the audit is found with the purge' 'missing||' NULL \
    'ALTER TABLE clinic_data.retention_classes DISABLE TRIGGER ALL' "INSERT INTO clinic_data.retention_classes (tenant_id, class, keep_months) VALUES ('$tenant', 'medical', 12)" \
    "SELECT clinic.use_tenant('tampering')" "SELECT clinic.purge_audit('medical', 5)" "${seal_at_once[@]}"
tampered 'one that is shortened in the open is not' 'intact||' "$kept" \
    "SELECT clinic.use_tenant('tampering')" "SELECT clinic.set_retention('medical', 12)" "SELECT clinic.purge_audit('medical', 5)" "${seal_at_once[@]}"
is 'a purge does not go by a period that was set by a clock that stood later' \
    "$(sql diary 'BEGIN' "$open_tables" "SELECT clinic.use_tenant('tampering')" "SELECT clinic.set_retention('medical', 12)" \
        "UPDATE clinic_data.audit_records SET audit_id = clinic.uuid_floor(clock_timestamp() + interval '1 second'), recorded_at = clock_timestamp() + interval '1 second'
          WHERE tenant_id = '$tenant' AND table_name = 'retention_classes' AND row_id = 'medical'" \
        "SELECT clinic.purge_audit('medical', 5)" 2>&1 | grep -o 'the clock went back' | head -n 1)" 'the clock went back'
forged "a.audit_id = $(at "$(position_of "a.reason = 'old' AND a.class = 'access'")")" access 12
tampered 'a purge is not dated back to before its period was set' 'missing||' NULL \
    "SELECT clinic.use_tenant('tampering')" "SELECT clinic.set_retention('access', 72)" "${seal_at_once[@]}" "${forgery[@]}" \
    "UPDATE clinic_data.audit_records SET recorded_at = now() - interval '11 months' WHERE tenant_id = '$tenant' AND action = 'purge'" \
    'UPDATE clinic_data.audit_records AS a SET leaf_hash = clinic_private.audit_leaf(a)' "${seal_at_once[@]}"
tampered 'a purge that is not sealed is not believed' 'unsealed||' NULL "${forgery[@]}"
l=$(position_of "a.reason = 'late'")
forged "a.audit_id = $(at "$l")" access 12
tampered 'a purge of an old record that has not been sealed as long is found' "missing|$l|$((l + 1))" NULL "${forgery[@]}" "${seal_at_once[@]}"
older_heads="UPDATE clinic_data.audit_heads SET sealed_at = sealed_at - interval '2 years'"
tampered 'heads that were made older are found' "bad_signature|0|$base" NULL "${older_heads} WHERE tenant_id = '$tenant'"
tampered 'those that are not signed prove no time' "missing|$l|$((l + 1))" NULL "${forgery[@]}" "$older_heads, signature = NULL, key_id = NULL WHERE tenant_id = '$tenant'" \
    "${seal_at_once[@]}"
tampered 'one that is older than a smaller one is found' "backdated|$base|$((base + 300))" NULL \
    "$older_heads - interval '10 years', signature = NULL, key_id = NULL WHERE tenant_id = '$tenant' AND tree_size = $((base + 300))"
# Everybody who may write the tables may name a key of his own.
own_key=("$old_heads" "SELECT pg_temp.age_log('$tenant', '2 years', sha256('a key of his own'))")
tampered 'those that are signed anew look right' 'intact||' NULL "${forgery[@]}" "${own_key[@]}" "${seal_at_once[@]}"
tampered 'but not beside a head that was kept' "backdated|$((base + 300))|$size" \
    "'$(sql diary "SELECT clinic_private.head_json('$tenant', $((base + 300)))")'" "${forgery[@]}" "${own_key[@]}" "${seal_at_once[@]}"
tampered 'a second record of the id of a sealed one is found' 'inserted||' NULL 'ALTER TABLE clinic_data.audit_records DROP CONSTRAINT audit_records_pkey CASCADE' \
    "CREATE TEMP TABLE beside AS SELECT a.* FROM clinic_data.audit_records AS a WHERE a.audit_id = $(at 3)" \
    "UPDATE beside SET action = 'denied', row_id = 'forged'" 'INSERT INTO clinic_data.audit_records SELECT * FROM beside'
tampered 'an insertion is found' 'inserted||' NULL \
    "INSERT INTO clinic_data.audit_records SELECT (jsonb_populate_record(a, jsonb_build_object('audit_id', clinic.new_id()))).* FROM clinic_data.audit_records AS a WHERE audit_id = $(at $p)" \
    'UPDATE clinic_data.audit_records AS a SET leaf_hash = clinic_private.audit_leaf(a)'
tampered 'two records that take each other'"'"'s content are found' "swapped|$p|$((p + 1))" NULL \
    "WITH pair AS (SELECT a.* FROM clinic_data.audit_records AS a WHERE audit_id IN ($(at $p), $(at $((p + 2)))))
     UPDATE clinic_data.audit_records AS a SET row_id = o.row_id, after = o.after, salt = o.salt, leaf_hash = o.leaf_hash, recorded_at = o.recorded_at
     FROM pair AS o WHERE a.audit_id IN ($(at $p), $(at $((p + 2)))) AND o.audit_id <> a.audit_id"
tampered 'two sealed places that are exchanged are found' "swapped|$p|$((p + 1))" NULL \
    "WITH o AS (SELECT l.first_position, ($p - l.first_position)::integer AS i FROM clinic_data.audit_leaves AS l
        WHERE l.tenant_id = '$tenant' AND l.first_position <= $p AND l.first_position + l.leaf_count > $p + 2)
     UPDATE clinic_data.audit_leaves AS l
     SET audit_ids = overlay(overlay(l.audit_ids PLACING substr(l.audit_ids, 16 * o.i + 33, 16) FROM 16 * o.i + 1) PLACING substr(l.audit_ids, 16 * o.i + 1, 16) FROM 16 * o.i + 33),
         leaf_hashes = overlay(overlay(l.leaf_hashes PLACING substr(l.leaf_hashes, 32 * o.i + 65, 32) FROM 32 * o.i + 1) PLACING substr(l.leaf_hashes, 32 * o.i + 1, 32) FROM 32 * o.i + 65)
     FROM o WHERE l.tenant_id = '$tenant' AND l.first_position = o.first_position"
cut=$((base + 300))
truncate="DELETE FROM clinic_data.audit_records AS r WHERE r.tenant_id = '$tenant' AND clinic_private.sealed_position(r.tenant_id, r.transaction_id, r.audit_id) >= $cut"
tampered 'a tail that is cut off with its seal is found by the head that was kept' "truncated|$cut|$size" "$kept" "$truncate" \
    "DELETE FROM clinic_data.audit_leaves WHERE tenant_id = '$tenant' AND first_position >= $cut" \
    "DELETE FROM clinic_data.audit_nodes WHERE tenant_id = '$tenant' AND (node_no + 1) << level > $cut" \
    "DELETE FROM clinic_data.audit_heads WHERE tenant_id = '$tenant' AND tree_size > $cut" \
    "UPDATE clinic_data.audit_logs AS g SET tree_size = $cut, head_no = h.head_no, after_transaction_id = h.sealed_transaction_id FROM clinic_data.audit_heads AS h WHERE g.tenant_id = '$tenant' AND h.tenant_id = '$tenant' AND h.tree_size = $cut"
tampered 'a tail of records alone is found without' "missing|$cut|$((cut + 1))" NULL "$truncate"
tampered 'heads alone that are cut off are found' "inserted|$cut|$size" NULL \
    "DELETE FROM clinic_data.audit_heads WHERE tenant_id = '$tenant' AND tree_size > $cut"
tampered 'records that are all gone are found' 'missing|0|1' NULL 'TRUNCATE clinic_data.audit_records'
tampered 'all that is gone is found by the head that was kept' "truncated|0|$size" "$kept" \
    'TRUNCATE clinic_data.audit_records, clinic_data.audit_leaves, clinic_data.audit_nodes, clinic_data.audit_heads, clinic_data.audit_seal_keys, clinic_data.audit_logs'
# Everything anew, with the true key: only a head that was kept elsewhere tells.
rewrite=("UPDATE clinic_data.audit_records SET login = 'somebody' WHERE audit_id = $(at $p)"
    'UPDATE clinic_data.audit_records AS a SET leaf_hash = clinic_private.audit_leaf(a)'
    'TRUNCATE clinic_data.audit_leaves, clinic_data.audit_nodes, clinic_data.audit_heads, clinic_data.audit_seal_keys, clinic_data.audit_logs'
    "SELECT clinic.seal_audit(tenant_ids => '{$tenant}')")
tampered 'a rewritten log that is sealed anew looks intact' 'intact||' NULL "${rewrite[@]}"
tampered 'but not beside the head that was kept' "rewritten|0|$size" "$kept" "${rewrite[@]}"
tampered 'beside all the heads that were kept the place is narrowed down' "rewritten|$((base + 300))|$size" \
    "(SELECT jsonb_agg(h) FROM jsonb_array_elements('$(sql diary "SELECT jsonb_agg(clinic_private.head_json(h.tenant_id, h.tree_size)) FROM clinic_data.audit_heads AS h WHERE h.tenant_id = '$tenant'")') AS h)" \
    "${rewrite[@]}"
tampered 'a head with another root is found' "bad_signature|$((base + 300))|$size" NULL \
    "UPDATE clinic_data.audit_heads SET root_hash = sha256('x') WHERE tenant_id = '$tenant' AND tree_size = $size"
tampered 'a head without its signature and with another root is found' "rewritten|$((base + 300))|$size" NULL \
    "UPDATE clinic_data.audit_heads SET root_hash = sha256('x'), signature = NULL, key_id = NULL WHERE tenant_id = '$tenant' AND tree_size = $size"
tampered 'a stored hash of the tree is found' 'changed|0|256' NULL \
    "UPDATE clinic_data.audit_nodes SET hash = sha256('x') WHERE tenant_id = '$tenant' AND level = 8 AND node_no = 0"
refused 'a damaged log is not sealed any further' XX001 'does not have the root of its head' diary 'BEGIN' "$open_tables" \
    "UPDATE clinic_data.audit_heads SET root_hash = sha256('x') WHERE tenant_id = '$tenant' AND tree_size = $size" \
    "INSERT INTO clinic_data.audit_records SELECT (jsonb_populate_record(a, jsonb_build_object('audit_id', clinic.new_id(), 'transaction_id', (pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1)::text))).* FROM clinic_data.audit_records AS a WHERE audit_id = $(at $p)" \
    'DELETE FROM clinic_data.audit_logs' "SELECT clinic.seal_audit(tenant_ids => '{$tenant}')"

# --- the program beside
check() { "$top/tools/verify_audit.py" "$@"; }
wrong() { # description, arguments...
    local description=$1 output status=0
    shift
    output=$("$top/tools/verify_audit.py" "$@" 2>&1) || status=$?
    is "$description" "$status $(grep -c '^WRONG' <<<"$output")" '1 1'
}
sql diary "SELECT clinic_private.write_audit('access', 'view', 'patients', 'ü \"x\"', '$tenant', 'because', '{\"a\": [1, \"ß\"]}', '{\"b\": null}', ARRAY['$tenant']::uuid[], '$tenant')" >/dev/null
seal diary >/dev/null
record=$(sql diary "SELECT audit_id FROM clinic_data.audit_records WHERE reason = 'because'")
as_tenant diary 'SELECT clinic.audit_head()' >"$tap_work/later.json"
as_tenant diary "SELECT clinic.audit_inclusion_proof('$record')" >"$tap_work/inclusion.json"
as_tenant diary "SELECT clinic.audit_inclusion_proof($(at $p), $size)" >"$tap_work/earlier.json"
as_tenant diary "SELECT clinic.audit_consistency_proof($size)" >"$tap_work/consistency.json"
ok 'a head is good' check --key "$key" "$tap_work/head.json" "$tap_work/later.json"
ok 'a record is in the log' check --key "$key" "$tap_work/inclusion.json"
ok 'also in the log of an earlier head' check --key "$key" --head "$tap_work/head.json" "$tap_work/earlier.json"
ok 'the later log begins with the earlier one' check --key "$key" --head "$tap_work/head.json" "$tap_work/consistency.json"
wrong 'a head of another key is not' --key "${key//[0-4]/5}" "$tap_work/head.json"
wrong 'nor one with another signature' <(sed -E 's/("signature": ")(.)/\1x\2/; s/"x0/"1/; s/"x./"0/' "$tap_work/head.json")
wrong 'a proof from another head is none' --head "$tap_work/later.json" "$tap_work/consistency.json"
flipped=$("$top/test/support/audit_flips.py" "$top/tools/verify_audit.py" "$tap_work/inclusion.json" "$tap_work/consistency.json" "$tap_work/head.json" 2>&1) || true
is 'every changed bit and field is found' "${flipped##*$'\n'}" 'all found'
sql diary "SELECT clinic.seal_audit()" >/dev/null
ok 'the file of heads has them all, and they are good' check --key "$key" "$tap_work/heads.jsonl"
is 'once each' "$(grep -c "$tenant" "$tap_work/heads.jsonl")" "$(sql diary "SELECT count(*) FROM clinic_data.audit_heads WHERE tenant_id = '$tenant'")"

# --- records that would wait for their seal for ever
ahead="INSERT INTO clinic_data.audit_records SELECT (jsonb_populate_record(r, jsonb_build_object('leaf_hash', clinic_private.audit_leaf(r)))).* FROM clinic_data.audit_records AS a, LATERAL jsonb_populate_record(a, jsonb_build_object('audit_id', clinic.new_id(),"
tampered 'a record of the future is found' 'inserted||' NULL "$ahead 'transaction_id', pg_current_xact_id()::text, 'recorded_at', now() + interval '1 hour')) AS r WHERE a.audit_id = $(at $p)"
tampered 'also one of a transaction of the future' 'inserted||' NULL "$ahead 'transaction_id', (pg_current_xact_id()::text::bigint + 1000)::text)) AS r WHERE a.audit_id = $(at $p)"

# --- a purge: what is old and was sealed long ago goes, and the log holds without it
old_record=$(sql diary "SELECT audit_id FROM clinic_data.audit_records WHERE tenant_id = '$tenant' AND reason = 'old' AND class = 'access' ORDER BY audit_id LIMIT 1 OFFSET 9")
as_tenant diary "SELECT clinic.audit_inclusion_proof('$old_record')" >"$tap_work/old.json"
as_tenant diary 'SELECT clinic.audit_head()' >"$tap_work/before_purge.json"
sql diary "CREATE TABLE public.old_record AS SELECT * FROM clinic_data.audit_records WHERE audit_id = '$old_record'"
kept_before_purge="'$(cat "$tap_work/before_purge.json")'"
is 'a purge takes what is old' "$(as_tenant diary "SELECT clinic.purge_audit('access', 30)")" 30
is 'and again, until nothing is left' "$(as_tenant diary "SELECT clinic.purge_audit('access')"; as_tenant diary "SELECT clinic.purge_audit('access')")" $'20\n0'
is 'nothing holds it before the purges are sealed themselves' "$(as_tenant diary "SELECT intact, problem, purged FROM clinic.verify_audit($kept_before_purge)")" 'f|unsealed|50'
seal diary >/dev/null
is 'the log is intact without, beside a head that was kept' "$(as_tenant diary "SELECT intact, problem, purged FROM clinic.verify_audit($kept_before_purge)")" 't||50'
as_tenant diary "SELECT clinic.audit_consistency_proof($(sed -E 's/.*"tree_size": ([0-9]+).*/\1/' "$tap_work/before_purge.json"))" >"$tap_work/after_purge.json"
as_tenant diary "SELECT clinic.audit_inclusion_proof('$record')" >"$tap_work/still.json"
ok 'the program beside agrees: the log goes on from there' check --key "$key" --head "$tap_work/before_purge.json" "$tap_work/after_purge.json"
ok 'proofs of what stayed hold, and that of what went, which was kept' check --key "$key" "$tap_work/still.json" "$tap_work/old.json"
as_tenant diary "SELECT clinic.audit_purge_proof(audit_id) FROM clinic.audit_records WHERE action = 'purge' ORDER BY audit_id LIMIT 1" >"$tap_work/purge.json"
is 'and that the purge was right' "$(check --key "$key" --head "$tap_work/before_purge.json" "$tap_work/purge.json" | sed -E 's/ [0-9a-f-]{36}//g')" \
    'good: purge of log took 30 records of class access, kept for 12 months'
flipped=$("$top/test/support/audit_flips.py" "$top/tools/verify_audit.py" "$tap_work/inclusion.json" "$tap_work/consistency.json" "$tap_work/head.json" "$tap_work/purge.json" 2>&1) || true
is 'every change of that is found' "${flipped##*$'\n'}" 'all found'
p2=$((base + 650))
stub_of() { # which record, the purge that shall have taken it
    printf '%s' "INSERT INTO clinic_data.purged_audit_records SELECT a.tenant_id, a.audit_id, (SELECT purge_id FROM clinic_data.audit_purges WHERE tenant_id = '$tenant' AND record_count = $2), a.transaction_id, a.recorded_at, a.class, clinic_private.audit_content_digest(a) FROM clinic_data.audit_records AS a WHERE $1"
}
tampered 'a purge does not cover what it did not take' "missing|$p2|$((p2 + 1))" NULL \
    "$(stub_of "audit_id = $(at $p2)" 20)" "DELETE FROM clinic_data.audit_records WHERE audit_id = $(at $p2)"
first="$(sql diary "SELECT min(clinic_private.sealed_position(tenant_id, transaction_id, audit_id)) FROM clinic_data.purged_audit_records JOIN clinic_data.audit_purges USING (tenant_id, purge_id) WHERE tenant_id = '$tenant' AND record_count = 20")"
tampered 'nor one that is made to tell of more' "missing|$first|$((first + 1))" NULL \
    "$(stub_of "audit_id = $(at $p2)" 20)" "DELETE FROM clinic_data.audit_records WHERE audit_id = $(at $p2)" \
    "UPDATE clinic_data.audit_purges SET record_count = 21 WHERE tenant_id = '$tenant' AND record_count = 20"
tampered 'nor is it believed when it took fewer than it tells of' 'missing||' NULL 'INSERT INTO clinic_data.audit_records TABLE public.old_record'
tampered 'nor one that another purge took' 'missing||' NULL \
    "WITH pick AS (SELECT DISTINCT ON (p.purge_id) p.audit_id, p.purge_id FROM clinic_data.purged_audit_records AS p WHERE p.tenant_id = '$tenant' ORDER BY p.purge_id, p.audit_id)
     UPDATE clinic_data.purged_audit_records AS p SET purge_id = (SELECT o.purge_id FROM pick AS o WHERE o.purge_id <> p.purge_id)
     FROM pick WHERE p.tenant_id = '$tenant' AND p.audit_id = pick.audit_id"
tampered 'nor another in the place of one it took' "missing|$p2|$((p2 + 1))" NULL \
    "INSERT INTO clinic_data.audit_records TABLE public.old_record" \
    "UPDATE clinic_data.purged_audit_records SET audit_id = $(at $p2) WHERE audit_id = '$old_record'" \
    "DELETE FROM clinic_data.audit_records WHERE audit_id = $(at $p2)"

# --- writers, commits out of order, sealers at once
size_before=$(sql diary "SELECT tree_size FROM clinic_data.audit_logs WHERE tenant_id = '$tenant'")
sql diary 'CREATE TABLE public.wanted (audit_id uuid)' >/dev/null
cat >"$tap_work/write.sql" <<SQL
\set wait random(0, 20)
\set undo random(0, 9)
BEGIN;
WITH a AS MATERIALIZED (SELECT clinic_private.write_audit('medical', 'update', 'patients', 'race', tenant_id => '$tenant') AS id)
INSERT INTO public.wanted SELECT id FROM a;
SELECT pg_sleep(:wait / 1000.0);
SAVEPOINT s;
WITH a AS MATERIALIZED (SELECT clinic_private.write_audit('medical', 'update', 'patients', 'savepoint', tenant_id => '$tenant') AS id)
INSERT INTO public.wanted SELECT id FROM a;
\if :undo
RELEASE s;
\else
ROLLBACK TO s;
\endif
COMMIT;
SQL
echo "SELECT sum(sealed) FROM clinic.seal_audit(tenant_ids => '{$tenant}')" >"$tap_work/seal.sql"
pgbench -n -c 16 -j 2 -t 25 -f "$tap_work/write.sql" diary >"$tap_work/write.log" 2>&1 &
writers=$!
pgbench -n -c 2 -j 1 -t 40 -f "$tap_work/seal.sql" diary >"$tap_work/seal.log" 2>&1 &
sealers=$!
job_ok '16 writers write' "$writers" "$tap_work/write.log"
job_ok 'while two sealers seal' "$sealers" "$tap_work/seal.log"
seal diary >/dev/null
positions="SELECT first_position + i AS position, encode(substr(audit_ids, 16 * i + 1, 16), 'hex')::uuid AS audit_id FROM clinic_data.audit_leaves, generate_series(0, leaf_count - 1) AS i WHERE tenant_id = '$tenant'"
is 'every committed record has exactly one position, without gaps' \
    "$(sql diary "SELECT count(*), count(DISTINCT s.audit_id), max(s.position) + 1 = count(*), (SELECT count(*) FROM public.wanted AS w WHERE NOT EXISTS (SELECT FROM ($positions) AS s WHERE s.audit_id = w.audit_id)) FROM ($positions) AS s")" \
    "$((size_before + $(sql diary 'SELECT count(*) FROM public.wanted')))|$((size_before + $(sql diary 'SELECT count(*) FROM public.wanted')))|t|0"
is 'and the log is intact' "$(verdict diary "$kept")" 'intact||'

# --- kill -9 between
write_records diary 3000
sql diary CHECKPOINT >/dev/null # commits are not durable here
before=$(sql diary "SELECT tree_size FROM clinic_data.audit_logs WHERE tenant_id = '$tenant'")
(sql diary 'BEGIN' "SELECT clinic.seal_audit(tenant_ids => '{$tenant}')" 'SELECT pg_sleep(60)' >/dev/null 2>&1 || true) &
for _ in $(seq 100); do
    [[ $(sql diary "SELECT count(*) FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep'") == 1 ]] && break
    sleep 0.1
done
"$top/tools/cluster.sh" crash "$tap_work/cluster_sealed"
"$top/tools/cluster.sh" start "$tap_work/cluster_sealed" --owner $$
is 'a crash before the commit leaves nothing of the seal' "$(sql diary "SELECT tree_size FROM clinic_data.audit_logs WHERE tenant_id = '$tenant'")" "$before"
is 'and the next one does it' "$(seal diary)" "3000|$((before + 3000))|t"
is 'intact' "$(verdict diary "$kept")" 'intact||'

# --- what waits
sql diary 'BEGIN' "SELECT clinic_private.write_audit('medical', 'update', 'patients', 'prepared', tenant_id => '$tenant')" "PREPARE TRANSACTION 'slow'" >/dev/null
write_records diary 2
is 'what a prepared transaction has begun before waits' "$(seal diary)" "0|$((before + 3000))|t"
is 'which is told' "$(sql diary "SELECT unsealed, waits_for_transaction IS NOT NULL, waits_for_pid IS NULL, lag > '0' FROM clinic.audit_status() WHERE tenant_id = '$tenant'")" '2|t|t|t'
is 'and found when it lasts' "$(as_tenant diary "SELECT problem, unsealed FROM clinic.verify_audit(max_lag => '0')")" 'unsealed|2'
sql diary "COMMIT PREPARED 'slow'"
is 'until it is over' "$(seal diary)" "3|$((before + 3003))|t"

# --- dump and restore
write_records diary 5
pg_dump -f "$tap_work/diary.sql" diary
count_rows="SELECT (SELECT count(*) FROM clinic_data.audit_records), (SELECT sum(leaf_count) FROM clinic_data.audit_leaves), (SELECT count(*) FROM clinic_data.audit_heads)"
counts=$(sql diary "$count_rows")
oldest_wanted=$(sql diary 'SELECT pg_current_xact_id()::text::bigint')
new_cluster restored
is 'the ids of transactions begin anew' "$(sql postgres "SELECT pg_current_xact_id()::text::bigint < $oldest_wanted")" t
createdb diary
ok 'a dump restores' psql -Xq -1 -v ON_ERROR_STOP=1 -d diary -f "$tap_work/diary.sql"
is 'with all records, leaves and heads' "$(sql diary "$count_rows")" "$counts"
is 'what was not sealed is told' "$(as_tenant diary "SELECT intact, unsealed FROM clinic.verify_audit($kept)")" 't|5'
write_records diary 4
is 'it and what is new is sealed' "$(seal diary)" "9|$((before + 3012))|t"
for _ in 1 2 3; do
    write_records diary 3
    seal diary >/dev/null
done
is 'sealing goes on, though ids of transactions come again' "$(sql diary "SELECT tree_size FROM clinic_data.audit_logs WHERE tenant_id = '$tenant'")" "$((before + 3021))"
is 'and nothing twice' "$(sql diary "SELECT count(*) = count(DISTINCT s.audit_id) FROM ($positions) AS s")" t
is 'intact beside the head that was kept, without what was purged' "$(as_tenant diary "SELECT problem, purged FROM clinic.verify_audit($kept)")" '|50'
as_tenant diary "SELECT clinic.audit_purge_proof(audit_id) FROM clinic.audit_records WHERE action = 'purge' ORDER BY audit_id DESC LIMIT 1" >"$tap_work/restored_purge.json"
ok 'whose proof holds' check --key "$key" --head "$tap_work/head.json" "$tap_work/restored_purge.json"
# Until this cluster's ids have passed those of the old one, records of both have the same.
sql diary "DO \$\$ BEGIN WHILE pg_current_xact_id()::text::bigint < $oldest_wanted + 20 LOOP COMMIT; END LOOP; END \$\$"
write_records diary 2
is 'also when they pass the old ones' "$(seal diary)" "2|$((before + 3023))|t"
is 'intact' "$(verdict diary "$kept")" 'intact||'
as_tenant diary "SELECT clinic.audit_consistency_proof($size)" >"$tap_work/restored.json"
as_tenant diary "SELECT clinic.audit_inclusion_proof('$record')" >"$tap_work/restored_inclusion.json"
ok 'and the proofs hold' check --key "$key" --head "$tap_work/head.json" "$tap_work/restored.json" "$tap_work/restored_inclusion.json"
is 'a log that has lost its place is looked at once more' \
    "$(sql diary "DELETE FROM clinic_data.audit_logs WHERE tenant_id = '$tenant'" "SELECT sealed, tree_size FROM clinic.seal_audit(tenant_ids => '{$tenant}')")" \
    "0|$((before + 3023))"
is 'nobody watches the log of what concerns no tenant in vain' "$(sql diary "SELECT bool_and(intact) FROM clinic.verify_audits()" "SELECT count(*) FROM clinic_data.audit_logs WHERE tenant_id = '$nobody'")" $'t\n1'
