"""Slots and bookings over HTTP beside a function and an insert that do nothing else, through the same PostgREST."""
import base64
import hashlib
import hmac
import json
import os
import pathlib
import random
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from harness.database import Failed, psql
from harness.suite import number

TENANT, USER = "00000000-0000-7000-8000-000000000001", "00000000-0080-7000-8000-000000000001"


def identifier(kind, n):
    return f"00000000-{kind}-7000-8000-{n:012d}"


def run(suite, database):
    program = find_postgrest(suite)
    if program is None:
        suite.fact("requests over HTTP: not measured", 0, unit="")
        return
    providers = suite.size(50, 3)
    prepare(database, providers)
    with tempfile.TemporaryDirectory(prefix="pg_clinic_bench.") as work:
        secret = secrets.token_hex(32)
        (pathlib.Path(work) / "secret").write_text(secret)
        server, url = start(program, database, pathlib.Path(work))
        try:
            measure(suite, database, url, token(secret), providers)
        finally:
            server.terminate()
            server.wait()


def find_postgrest(suite):
    if not shutil.which("node"):
        suite.skip("HTTP", "there is no node")
        return None
    if os.environ.get("POSTGREST"):
        return os.environ["POSTGREST"]
    done = subprocess.run(["bash", "-c", '. tools/common.sh; . tools/http.sh; find_postgrest >&2; echo "$postgrest"'], capture_output=True, text=True, check=False)
    if done.returncode:
        suite.skip("HTTP", "PostgREST cannot be had: " + done.stderr.strip().splitlines()[-1])
        return None
    return done.stdout.strip()


def prepare(database, providers):
    psql(database, f"""
BEGIN;
SELECT clinic.create_tenant('bench', 'Bench', tenant_id => '{TENANT}', patient_overlap => 'allow');
SELECT clinic.create_location('Here', 'UTC', location_id => bench.id('0010', 1));
SELECT clinic.create_service('Visit', 30, service_id => bench.id('0040', 1));
SELECT clinic.create_provider('P' || n, 'UTC', provider_id => bench.id('0020', n)), clinic.offer_service(bench.id('0040', 1), bench.id('0020', n)),
       clinic.add_hours(bench.id('0020', n), bench.id('0010', 1), 'FREQ=DAILY', '09:00', '15:00', valid_from => '2035-01-01')
  FROM generate_series(1, {providers}) n;
SELECT clinic.create_patient('Patient', patient_id => bench.id('0050', n)) FROM generate_series(1, 200) n;
SELECT clinic.create_role('everything', '{{*}}');
INSERT INTO clinic_data.users (tenant_id, user_id, kind, name, all_locations) VALUES ('{TENANT}', '{USER}', 'staff', 'Desk', true);
INSERT INTO clinic_data.user_roles (tenant_id, user_id, role) VALUES ('{TENANT}', '{USER}', 'everything');
COMMIT;
CREATE FUNCTION bench.trivial() RETURNS integer LANGUAGE sql STABLE AS 'SELECT 1';
CREATE TABLE bench.one_row (row_id uuid PRIMARY KEY DEFAULT gen_random_uuid(), resource_id uuid NOT NULL, starts_at timestamptz NOT NULL, ends_at timestamptz NOT NULL);
GRANT INSERT ON bench.one_row TO clinic_user;
VACUUM ANALYZE;""")
    if psql("postgres", "SELECT 1 FROM pg_roles WHERE rolname = 'clinic_authenticator'") == "":
        psql(database, pathlib.Path("examples/authenticator.sql").read_text())


def start(program, database, work):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = dict(os.environ, PGRST_DB_URI=f"postgresql://clinic_authenticator@/{database}?host={os.environ['PGHOST']}&port={os.environ['PGPORT']}",
                       PGRST_JWT_SECRET=f"@{work}/secret", PGRST_SERVER_PORT=str(port), PGRST_DB_SCHEMAS="clinic, bench")
    server = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", program, "examples/postgrest.conf"], env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=(work / "log").open("w"))
    url = f"http://127.0.0.1:{port}"
    for _ in range(300):
        if server.poll() is not None:
            break
        try:
            urllib.request.urlopen(url + "/", timeout=5).read()
            return server, url
        except urllib.error.HTTPError as answer:
            if answer.code != 503:  # it reads the schema yet
                return server, url
            time.sleep(0.1)
        except OSError:
            time.sleep(0.1)
    server.kill()
    raise Failed("PostgREST does not answer: " + (work / "log").read_text()[-1000:])


def token(secret):
    def encode(data):
        return base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()
    signed = encode({"alg": "HS256", "typ": "JWT"}) + "." + encode({"role": "clinic_user", "aud": "pg_clinic", "exp": int(time.time()) + 7200, "sub": USER, "tenant_id": TENANT})
    return signed + "." + base64.urlsafe_b64encode(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()).rstrip(b"=").decode()


def measure(suite, database, url, bearer, providers):
    made = random.Random(7)

    def at(day, slot):
        return f"{day // 28 + 2036}-01-{day % 28 + 1:02d}T{9 + slot // 2:02d}:{slot % 2 * 30:02d}:00Z"
    bookings = [json.dumps({"service_id": identifier("0040", 1), "patient_id": identifier("0050", made.randint(1, 200)), "provider_id": identifier("0020", made.randint(1, providers)),
                            "starts_at": at(made.randint(0, 1500), made.randint(0, 11))}) for _ in range(suite.size(60_000, 2_000))]
    jobs = {
        "slots": {"path": "/rpc/available_slots", "profile": "clinic", "bodies": [json.dumps({"service_id": identifier("0040", 1), "range_start": "2035-03-05T00:00:00Z",
                  "range_end": "2035-03-12T00:00:00Z", "provider_id": identifier("0020", n)}) for n in range(1, providers + 1)]},
        "trivial": {"path": "/rpc/trivial", "profile": "bench", "bodies": ["{}"]},
        "booking": {"path": "/rpc/book_appointment", "profile": "clinic", "bodies": bookings},
        "insert": {"path": "/one_row", "profile": "bench", "bodies": [json.dumps({"resource_id": identifier("0020", n), "starts_at": at(1, 1), "ends_at": at(1, 2)}) for n in range(1, 50)]},
    }
    sent = dict.fromkeys(jobs, 0)  # each turn goes on where the last one ended: what is booked is not booked again, which would be refused
    accepted = {"slots": {"200"}, "trivial": {"200"}, "booking": {"200", "204", "409"}, "insert": {"201"}}

    def turn(name):
        before = backends(database)
        job = dict(jobs[name], url=url, token=bearer, clients=4, seconds=suite.seconds, first=sent[name])
        done = subprocess.run(["node", "bench/peers/http_load.mjs"], input=json.dumps(job), capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failed(f"{name}: {done.stderr[-1000:]}")
        got = json.loads(done.stdout)
        if set(got["statuses"]) - accepted[name] or sum(got["statuses"].values()) == 0:
            raise Failed(f"{name}: answers {got['statuses']}")
        after = backends(database)
        count = sum(got["statuses"].values())
        sent[name] += count
        if name == "booking" and got["statuses"].get("409", 0) > 0.05 * count:
            raise Failed(f"too many bookings were refused: {got['statuses']}")
        cpu = sum(value - before.get(pid, 0) for pid, value in after.items()) / count / 1000
        return {"rate": count / got["seconds"], "cpu_us": cpu}
    slots = request(url, "/rpc/available_slots", jobs["slots"]["bodies"][0], bearer)
    suite.same("slots over HTTP and in SQL", len(json.loads(slots)), int(psql(database, f"BEGIN; SELECT clinic.use_tenant('bench') \\g /dev/null\n"
               f"SELECT count(*) FROM clinic.available_slots(bench.id('0040', 1), '2035-03-05Z', '2035-03-12Z', bench.id('0020', 1)); COMMIT;").split()[-1]))
    for name in jobs:
        turn(name)  # connections and their caches
    psql(database, "VACUUM ANALYZE")
    got = suite.interleave({name: (lambda n=name: turn(n)) for name in jobs})

    def figures(name):
        return f"{number(got.spread(name, 'rate').median)} req/s, {number(got.spread(name, 'cpu_us').median)} us CPU of the backend"
    suite.line("one provider-week of slots: req/s of a trivial RPC", got.ratio("slots", "trivial", "rate"), ">= 0.8x", 0.8, "more", figures("slots"), figures("trivial"))
    suite.line("a booking: req/s of a trivial one-row POST", got.ratio("booking", "insert", "rate"), ">= 0.7x", 0.7, "more", figures("booking"), figures("insert"))
    if psql(database, "SELECT count(*) > 0 FROM clinic_data.appointments") != "t":
        raise Failed("nothing was booked")


def request(url, path, body, bearer):
    sent = urllib.request.Request(url + path, data=body.encode(), headers={"Authorization": "Bearer " + bearer, "Content-Type": "application/json"})
    return urllib.request.urlopen(sent, timeout=30).read()


def backends(database):
    """Nanoseconds on a processor of PostgREST's backends."""
    got = {}
    for pid in psql(database, f"SELECT pid FROM pg_stat_activity WHERE usename = 'clinic_authenticator' AND datname = '{database}'").split():
        try:
            got[pid] = int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0])
        except OSError:
            pass
    return got
