"""psql that stays open, times on a processor, and pgbench with what its backends used."""
import os
import pathlib
import re
import statistics
import subprocess
import tempfile
import time

TICK = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """A statement or program failed, or two sides do not agree."""


class Session:
    """One psql, asked again and again. What it prints is bare values: rows are lines, columns are parted by |."""

    def __init__(self, database, user="postgres", settings=""):
        environment = dict(os.environ, PGOPTIONS=f"-c client_min_messages=warning -c timezone=UTC {settings}")
        self.process = subprocess.Popen(
            ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-U", user, "-d", database],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)

    def run(self, script):
        try:
            self.process.stdin.write(script.rstrip().rstrip(";") + ";\n\\echo :over:\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        said = []
        for line in self.process.stdout:
            if line == ":over:\n":
                return "".join(said).rstrip("\n")
            said.append(line)
        raise Failed("".join(said).strip() or "psql ended")

    def file(self, path):
        return self.run(pathlib.Path(path).read_text())

    def number(self, query):
        return float(self.run(query))

    def plan(self, statement):
        return self.run("EXPLAIN (ANALYZE, BUFFERS) " + statement)

    def time(self, statement, times=1, each=False):
        """Nanoseconds on a processor, and by the clock, of one execution of a statement that returns one value.

        It runs within one plan of PL/pgSQL, so that parsing and planning are paid once; each: every execution is a
        transaction of its own.
        """
        commit = "COMMIT;" if each else ""
        said = self.run(f"""
DO $bench$ DECLARE i bigint; got text; cpu bigint; clock bigint; began timestamptz;
BEGIN
    cpu := bench.cpu();
    began := clock_timestamp();
    FOR i IN 1 .. {times} LOOP
        {statement_into(statement)};
        {commit}
    END LOOP;
    clock := round(extract(epoch FROM clock_timestamp() - began) * 1e9);
    PERFORM set_config('bench.took', (bench.cpu() - cpu) || ' ' || clock, false);
END $bench$;
SELECT current_setting('bench.took')""")
        cpu, clock = said.split("\n")[-1].split()
        return max(float(cpu), 1000) / times, max(float(clock), 1000) / times

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def statement_into(statement):
    """A query's only value is kept; anything else runs as it is."""
    if re.match(r"\s*(SELECT|WITH|VALUES)\b", statement, re.IGNORECASE):
        return f"got := ({statement})"
    return statement


HELPERS = """
CREATE SCHEMA bench;
-- The kernel brings this figure up to date when a process leaves the processor, hence the nap.
CREATE FUNCTION bench.cpu() RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
BEGIN
    PERFORM pg_sleep(0.0002);
    RETURN split_part(pg_read_file('/proc/self/schedstat', 0, 100), ' ', 1)::bigint;
END $$;
CREATE FUNCTION bench.memory() RETURNS bigint LANGUAGE sql VOLATILE SECURITY DEFINER
    AS $$ SELECT sum(substring(line FROM '[0-9]+')::bigint) * 1024 FROM regexp_split_to_table(pg_read_file('/proc/self/status', 0, 10000), '\\n') AS line
           WHERE line LIKE 'RssAnon:%' $$;
CREATE FUNCTION bench.id(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT ('00000000-' || kind || '-7000-8000-' || lpad(n::text, 12, '0'))::uuid $$;
GRANT USAGE ON SCHEMA bench TO PUBLIC;
"""


def psql(database, script, user="postgres"):
    """Runs a script in a psql of its own; what it prints."""
    environment = dict(os.environ, PGOPTIONS="-c client_min_messages=warning -c timezone=UTC")
    done = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-U", user, "-d", database], input=script, text=True,
                          capture_output=True, env=environment, check=False)
    if done.returncode:
        raise Failed((done.stderr or done.stdout).strip())
    return done.stdout.rstrip("\n")


TEMPLATE = "bench_template"


def make_database(name):
    """A database with the extension installed: a copy of the first one made so."""
    psql("postgres", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    if psql("postgres", f"SELECT 1 FROM pg_database WHERE datname = '{TEMPLATE}'") == "":
        psql("postgres", f"CREATE DATABASE {TEMPLATE}")
        psql(TEMPLATE, "CREATE EXTENSION pg_clinic CASCADE;\nCALL clinic.install();")
        psql(TEMPLATE, "SELECT count(*) FROM clinic.run_jobs('{partitions}');")
        psql(TEMPLATE, HELPERS)
        psql(TEMPLATE, """DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bench_desk') THEN
        CREATE ROLE bench_desk LOGIN IN ROLE clinic_user;
    END IF;
END $$;""")
    psql("postgres", f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")


def postmaster():
    """The server's process."""
    return int((pathlib.Path(os.environ["PG_CLINIC_CLUSTER"]) / "data" / "postmaster.pid").read_text().split()[0])


def children_seconds():
    """Processor time of all backends that have ended."""
    fields = pathlib.Path(f"/proc/{postmaster()}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[13]) + int(fields[14])) / TICK


class Pgbench:
    """A script of pgbench. run() gives TPS, processor time of the backends a transaction, and the latencies."""

    calibrate = True  # whether what connecting costs is measured, and taken off

    def __init__(self, database, name, script, user="bench_desk", clients=8, protocol="prepared"):
        self.database, self.name, self.user, self.clients, self.protocol = database, name, user, clients, protocol
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="pg_clinic_bench."))
        (self.work / "script").write_text(script)
        self.start = None

    def once(self, arguments, log=False):
        before = children_seconds()
        command = ["pgbench", "-n", "-U", self.user, "-M", self.protocol, "-c", str(self.clients), "-j", "2", "-f", str(self.work / "script"), *arguments]
        if log:
            command += ["-l", f"--log-prefix={self.work}/log"]
        environment = dict(os.environ, PGOPTIONS="-c client_min_messages=warning -c timezone=UTC")
        done = subprocess.run([*command, self.database], text=True, capture_output=True, check=False, env=environment)
        if done.returncode or "aborted" in done.stderr:
            raise Failed(f"{self.name}: {done.stderr.strip()[-2000:]}")
        time.sleep(0.1)  # until the server has taken leave of its backends
        cpu = children_seconds() - before
        count = int(re.search(r"transactions actually processed: (\d+)", done.stdout).group(1))
        tps = float(re.search(r"^tps = ([0-9.]+)", done.stdout, re.MULTILINE).group(1))
        latency = float(re.search(r"latency average = ([0-9.]+)", done.stdout).group(1))
        return {"tps": tps, "cpu": cpu, "count": count, "latency": latency}

    def run(self, seconds, log=False):
        if self.start is None:  # what connecting and the first transaction cost, which is not the script's
            self.start = statistics.median(self.once(["-t", "1"])["cpu"] for _ in range(3)) if self.calibrate else 0
        for old in self.work.glob("log*"):
            old.unlink()
        result = self.once(["-T", str(seconds)], log)
        result["cpu_us"] = max(result["cpu"] - self.start, 0) / max(result["count"] - self.clients, 1) * 1e6
        if log:
            times = sorted(int(line.split()[2]) for path in self.work.glob("log*") for line in path.read_text().splitlines())
            result["worst_ms"] = times[-1] / 1000
            result["p99_ms"] = times[len(times) * 99 // 100] / 1000
        return result


def settle(database, runs, count):
    """Runs each script so many times and analyses what it wrote: plans made for empty tables would be those of nobody's clinic."""
    for one in runs:
        one.once(["-t", str(max(count // one.clients, 1))])
    psql(database, "VACUUM ANALYZE")
