#!/usr/bin/env bash
# How long encrypting and decrypting a field takes, beside pgcrypto on the same values: ratios, never a test.
#
#   tools/cluster.sh run bench/encryption.sh
set -euo pipefail
rows=${1:-20000}
createdb bench_encryption
run() { psql -XqAt -v ON_ERROR_STOP=1 -d bench_encryption "$@"; }
run -c 'CREATE EXTENSION pg_clinic CASCADE' -c 'CALL clinic.install()' 2>/dev/null
tenant=5e7000c3-0000-7000-8000-000000000001
patient=5e7000c3-0100-7000-8000-000000000001
run -c BEGIN -c "SELECT clinic.create_tenant('bench', 'Bench', tenant_id => '$tenant'), clinic.create_patient('P', patient_id => '$patient')" -c COMMIT >/dev/null
took() { # description, expression over n
    local t
    t=$(run -c "SELECT count($2) FROM generate_series(1, 100) AS n" -c '\timing on' -c "SELECT count($2) FROM generate_series(1, $rows) AS n" | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p')
    awk -v t="$t" -v n="$rows" -v d="$1" 'BEGIN { printf "%-52s %8.2f us a value\n", d, t * 1000 / n }'
}
for size in 64 256; do
    text="repeat('x', $size)"
    value=$(run -c "SELECT clinic_private.encrypt_field('$tenant', '$patient', 't', 'c', 'r', $text)")
    pgp=$(run -c "SELECT pgp_sym_encrypt($text, 'a key', 'cipher-algo=aes256, s2k-mode=0, compress-algo=0')")
    aes=$(run -c "SELECT encrypt(convert_to($text, 'UTF8'), decode(repeat('ab', 32), 'hex'), 'aes')")
    took "$size bytes: encrypt_field, patient's key" "clinic_private.encrypt_field('$tenant', '$patient', 't', 'c', n::text, $text)"
    took "$size bytes: pgp_sym_encrypt without s2k" "pgp_sym_encrypt($text, 'a key' || (n * 0), 'cipher-algo=aes256, s2k-mode=0, compress-algo=0')"
    took "$size bytes: encrypt(aes-cbc), not authenticated" "encrypt(convert_to($text || (n * 0), 'UTF8'), decode(repeat('ab', 32), 'hex'), 'aes')"
    took "$size bytes: decrypt_field, patient's key" "clinic_private.decrypt_field('$tenant', '$patient', 't', 'c', left('r' || n, 1), '$value')"
    took "$size bytes: pgp_sym_decrypt without s2k" "pgp_sym_decrypt('$pgp', left('a key' || n, 5))"
    took "$size bytes: decrypt(aes-cbc), not authenticated" "decrypt('$aes', substr(decode(repeat('ab', 32) || lpad(n::text, 8, '0'), 'hex'), 1, 32), 'aes')"
done
