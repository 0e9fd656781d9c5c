#!/usr/bin/env bash
# The audit of changes under load: 32 writers with savepoints and rollbacks, some of them terminated, and a crash of the server in the middle.
# A plain trigger keeps a journal of each change beside, in the same transaction: what is committed of both must be equal, change by change.
set -euo pipefail
# shellcheck source=test/support/tap.sh
. "$(dirname "$0")/../support/tap.sh"

readonly seconds=4
new_cluster audit_stress
installed_database audit >/dev/null 2>&1
psql -Xqd audit -v ON_ERROR_STOP=1 -o /dev/null <<'SQL'
CREATE SCHEMA app;
CREATE TABLE app.things (tenant_id uuid NOT NULL, id integer NOT NULL, value integer NOT NULL, PRIMARY KEY (tenant_id, id));
CREATE TABLE app.journal (action text, id integer, before integer, after integer);
CREATE FUNCTION app.keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.value = NEW.value THEN
        RETURN NULL;
    END IF;
    INSERT INTO app.journal VALUES (CASE TG_OP WHEN 'INSERT' THEN 'create' ELSE lower(TG_OP) END, coalesce(NEW.id, OLD.id), OLD.value, NEW.value);
    RETURN NULL;
END $$;
CREATE TRIGGER journal AFTER INSERT OR UPDATE OR DELETE ON app.things FOR EACH ROW EXECUTE FUNCTION app.keep();
SELECT clinic.enable_audit('app.things');
SQL

# Rows are locked in the order of their ids, so that nobody waits in a circle.
cat >"$tap_work/write.sql" <<'SQL'
\set low random(1, 100)
\set high random(101, 300)
\set many random(301, 400)
\set choice random(1, 20)
BEGIN;
INSERT INTO app.things VALUES ('00000001-0000-7000-8000-000000000001', :low, 0) ON CONFLICT (tenant_id, id) DO UPDATE SET value = things.value + 1;
SAVEPOINT a;
INSERT INTO app.things VALUES ('00000001-0000-7000-8000-000000000001', :high, 0) ON CONFLICT (tenant_id, id) DO UPDATE SET value = things.value + 1;
SAVEPOINT b;
DELETE FROM app.things WHERE id = :high + 200;
INSERT INTO app.things SELECT '00000001-0000-7000-8000-000000000001', n, 0 FROM generate_series(1000 + :many, 1003 + :many) n
    ON CONFLICT (tenant_id, id) DO UPDATE SET value = things.value + :choice % 2;
\if :choice < 5
ROLLBACK TO b;
\elif :choice < 8
ROLLBACK TO a;
\else
RELEASE a;
\endif
UPDATE app.things SET value = value + 1 WHERE id BETWEEN 2000 AND 2000 + :choice;
\if :choice = 20
ROLLBACK;
\else
COMMIT;
\endif
SQL

write() { # seconds
    for n in 1 2 3 4; do
        pgbench -n -c 8 -j 1 -T "$1" -f "$tap_work/write.sql" audit >"$tap_work/pgbench.$n" 2>&1 &
    done
}
differences() {
    sql audit "WITH recorded AS (SELECT a.action, a.row_id::integer AS id, (a.before ->> 'value')::integer AS before, (a.after ->> 'value')::integer AS after
                                   FROM clinic_data.audit_records a WHERE a.table_name = 'app.things' AND a.class = 'medical')
               SELECT count(*) FROM ((TABLE app.journal EXCEPT ALL TABLE recorded) UNION ALL (TABLE recorded EXCEPT ALL TABLE app.journal)) d"
}

write $seconds
for ((i = 0; i < 2 * seconds; i++)); do
    sleep 0.4
    sql audit "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgbench' ORDER BY random() LIMIT 1" >/dev/null
done
wait
readonly first=$(sql audit 'SELECT count(*) FROM app.journal')
[[ $first -gt 200 ]] && pass "there was something to record: $first changes" || fail 'there was something to record' "$first"
is 'each committed change has its record, and each record its change' "$(differences)" 0
is 'some were rolled back' "$(sql audit "SELECT count(*) > 0 FROM app.things")" t

write 3
sleep 1.5
"$top/tools/cluster.sh" crash "$tap_work/cluster_audit_stress" >/dev/null 2>&1
wait || true
"$top/tools/cluster.sh" start "$tap_work/cluster_audit_stress" --owner $$ >/dev/null 2>&1
[[ $(sql audit 'SELECT count(*) FROM app.journal') -ge $first ]] && pass 'the server is back' || fail 'the server is back'
is 'after a crash too' "$(differences)" 0
is 'every record is whole' "$(sql audit 'SELECT count(*) FROM clinic_data.audit_records a WHERE clinic_private.audit_leaf(a) <> a.leaf_hash')" 0
is 'no two have a salt or an id in common' \
    "$(sql audit 'SELECT count(*) - count(DISTINCT audit_id), count(*) - count(DISTINCT salt) FROM clinic_data.audit_records')" '0|0'
