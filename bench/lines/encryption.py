"""Encrypted fields beside AES-CBC with HMAC of pgcrypto, and beside what OpenSSL itself reaches."""
import pathlib
import re
import subprocess

from harness.database import Failed, Session, psql
from harness.suite import Spread, number

from .recurrence import compare

TENANT, PATIENT = "bench.id('0000', 1)", "bench.id('0050', 1)"


def run(suite, database):
    psql(database, f"""CREATE EXTENSION IF NOT EXISTS pgcrypto WITH SCHEMA public;
BEGIN;
SELECT clinic.create_tenant('bench', 'Bench', tenant_id => {TENANT}), clinic.create_patient('P', patient_id => {PATIENT});
COMMIT;""")
    psql(database, pathlib.Path("bench/baselines/encryption.sql").read_text())
    session = Session(database, settings="-c max_parallel_workers_per_gather=0")
    rows = suite.size(20_000, 200)
    keys = "decode(repeat('ab', 32), 'hex'), decode(repeat('cd', 32), 'hex')"
    for size in (64, 256, 1024):
        session.run(f"""DROP TABLE IF EXISTS texts; CREATE TABLE texts AS SELECT n, left(n || repeat('lorem ipsum ', 100), {size}) AS t FROM generate_series(1, {rows}) n; ANALYZE texts;
DROP TABLE IF EXISTS sealed; CREATE TABLE sealed AS SELECT n, clinic_private.encrypt_field({TENANT}, {PATIENT}, 't', 'c', 'r', t) AS ours, bench.seal(t, {keys}) AS theirs FROM texts; ANALYZE sealed""")
        suite.same("what comes back", session.run("SELECT md5(string_agg(t, ',' ORDER BY n)) FROM texts"),
                   session.run(f"SELECT md5(string_agg(clinic_private.decrypt_field({TENANT}, {PATIENT}, 't', 'c', 'r', ours), ',' ORDER BY n)) FROM sealed"))
        suite.same("what comes back from pgcrypto", session.run("SELECT md5(string_agg(t, ',' ORDER BY n)) FROM texts"),
                   session.run(f"SELECT md5(string_agg(bench.unseal(theirs, {keys}), ',' ORDER BY n)) FROM sealed"))
        got = compare(suite, session, {
            "scan": "SELECT sum(octet_length(t)) FROM texts", "scan sealed": "SELECT sum(length(ours)) FROM sealed",
            "encrypt": f"SELECT sum(length(clinic_private.encrypt_field({TENANT}, {PATIENT}, 't', 'c', 'r', t))) FROM texts",
            "decrypt": f"SELECT sum(octet_length(clinic_private.decrypt_field({TENANT}, {PATIENT}, 't', 'c', 'r', ours))) FROM sealed",
            "seal": f"SELECT sum(length(bench.seal(t, {keys}))) FROM texts", "unseal": f"SELECT sum(octet_length(bench.unseal(theirs, {keys}))) FROM sealed"})

        def rate(name):
            return Spread([rows / value * 1e9 for value in got.spread(name).values])
        for what, ours, theirs in (("encrypting", "encrypt", "seal"), ("decrypting", "decrypt", "unseal")):
            mine, other = f"{number(rate(ours).median)} values/s", f"{number(rate(theirs).median)} values/s"
            if size <= 256:
                suite.line(f"{what} {size} B", Spread([v / 1e6 for v in rate(ours).values]), ">= 1 M values/s", 1, "more", mine, other, unit="M/s")
            suite.line(f"{what} {size} B: AES-CBC + HMAC of pgcrypto", got.ratio(theirs, ours), ">= 5x", 5, "more", mine, other)
            if size == 1024:
                openssl(suite, what, rate(ours), size)
    session.close()


def openssl(suite, what, rate, size):
    command = ["openssl", "speed", "-seconds", "1", "-bytes", str(size), "-evp", "aes-256-gcm"] + (["-decrypt"] if what == "decrypting" else [])
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        suite.skip("openssl speed", "there is no openssl program")
        return
    found = re.search(r"AES-256-GCM\s+([0-9.]+)k", done.stdout, re.IGNORECASE)
    if not found:
        raise Failed("openssl speed says nothing of AES-256-GCM: " + done.stderr[-500:])
    reached = float(found.group(1)) * 1000
    suite.line(f"{what} 1 KiB: bytes/s of openssl speed", Spread([v * size / reached for v in rate.values]), ">= 0.5x", 0.5, "more", f"{number(rate.median * size / 1e6)} MB/s", f"{number(reached / 1e6)} MB/s")
