"""Recurrence: rules expanded in SQL beside generate_series of as many rows, and beside the libraries that people use instead."""
import datetime
import json
import os
import pathlib
import random
import shutil
import subprocess

from harness.database import Failed, Session
from harness.suite import duration, number

ZONE = "Europe/Berlin"
WINDOW = "timestamptz '2026-03-02 00:00Z', timestamptz '2026-03-09 00:00Z'"
PEERS = pathlib.Path("bench/peers")


def run(suite, database):
    session = Session(database)
    one_rule(suite, session)
    far_window(suite, session)
    many_rules(suite, session)
    session.close()


def times_for(suite, session, statement, milliseconds=60):
    """How often to run a statement so that a measurement takes about so long."""
    if suite.smoke:
        return 1
    cpu, _ = session.time(statement)
    if cpu < 100e6:
        cpu, _ = session.time(statement, 3)
    return max(1, int(milliseconds * 1e6 / max(cpu, 1000)))


def compare(suite, session, variants):
    """Interleaved rounds of statements that return one value each."""
    def measure(statement, times):
        cpu, clock = session.time(statement, times)
        return {"cpu": cpu, "clock": clock}
    prepared = {name: (statement, times_for(suite, session, statement)) for name, statement in variants.items()}
    return suite.interleave({name: (lambda s=s, n=n: measure(s, n)) for name, (s, n) in prepared.items()},
                            1 if suite.smoke else 2 * suite.rounds - 1)


def one_rule(suite, session):
    """Rows of one rule against generate_series of as many rows in FROM."""
    rows = suite.size(20_000, 500)
    cases = [("daily", f"FREQ=DAILY;COUNT={rows}", "1 day", "<= 1.3x", 1.3),
             ("weekly on three days", f"FREQ=WEEKLY;BYDAY=MO,WE,FR;COUNT={rows // 2}", None, "<= 1.6x", 1.6),
             ("monthly, the 15th", f"FREQ=MONTHLY;COUNT={min(rows, 12_000)}", "1 month", "<= 1.6x", 1.6),
             ("BYWEEKNO over 200 years", "FREQ=YEARLY;BYWEEKNO=10,20,30;BYDAY=MO,TH;UNTIL=22200101T000000Z", None, "<= 2.5x", 2.5)]
    curves = {}
    for name, rule, step, target, limit in cases:
        start = "2020-01-15 09:00" if "monthly" in name else "2020-01-06 09:00"
        ours = f"SELECT count(*) FROM clinic.occurrences('{rule}', timestamp '{start}', '{ZONE}')"
        count = int(session.number(ours))
        series = f"SELECT count(*) FROM generate_series(1, {count})"
        if step:  # the same instants by hand
            hand = f"SELECT (s AT TIME ZONE '{ZONE}') AS t FROM generate_series(timestamp '{start}', timestamp '{start}' + interval '{step}' * {count - 1}, '{step}') s"
        elif "weekly" in name:
            hand = (f"SELECT (w + make_interval(days => d)) AT TIME ZONE '{ZONE}' AS t FROM generate_series(timestamp '{start}', "
                    f"timestamp '{start}' + interval '7 days' * {count}, '7 days') w, (VALUES (0), (2), (4)) AS v (d) ORDER BY 1 LIMIT {count}")
        else:
            hand = (f"SELECT s AT TIME ZONE '{ZONE}' AS t FROM generate_series(timestamp '{start}', '2220-01-01', '1 day') s "
                    "WHERE extract(week FROM s) IN (10, 20, 30) AND extract(isodow FROM s) IN (1, 4)")
        suite.same(name, session.run(f"SELECT count(*), md5(string_agg(o::text, ',' ORDER BY o)) FROM clinic.occurrences('{rule}', timestamp '{start}', '{ZONE}') o"),
                   session.run(f"SELECT count(*), md5(string_agg(t::text, ',' ORDER BY t)) FROM ({hand}) h"))
        got = compare(suite, session, {"ours": ours, "series": series, "hand": f"SELECT count(*) FROM ({hand}) h"})
        suite.line(f"{name}, {count:,} rows", got.ratio("ours", "series"), target, limit, "less",
                   f"{number(got.spread('ours').median / count)} ns a row", f"generate_series(1, n) {number(got.spread('series').median / count)} ns a row",
                   f"the same instants in SQL by hand take {number(got.spread('hand').median / count)} ns a row")
    sizes = suite.size([10, 100, 1_000, 10_000, 100_000], [10, 100])
    for size in sizes:
        got = compare(suite, session, {
            "clinic.occurrences": f"SELECT count(*) FROM clinic.occurrences('FREQ=DAILY;COUNT={size}', timestamp '1900-01-06 09:00', '{ZONE}')",
            "generate_series": f"SELECT count(*) FROM generate_series(1, {size})"})
        for label in got.got:
            curves.setdefault(label, []).append((size, got.spread(label).median / 1e6))
    suite.plot("recurrence", "A daily rule, by rows", "rows", "ms on a processor", curves)


def far_window(suite, session):
    """One week of 2026 of rules that began long before: the distance must cost nothing."""
    floor = "SELECT count(*) FROM generate_series(timestamptz '2026-03-02 08:00Z', '2026-03-08 08:00Z', '1 day')"
    def ours(year):
        return (f"SELECT count(*) FROM clinic.occurrences('FREQ=DAILY', timestamp '{year}-01-05 09:00', '{ZONE}', "
                "timestamptz '2026-03-02 00:00+01', timestamptz '2026-03-09 00:00+01')")
    suite.same("one week", session.run(ours(1950)), session.run(floor))
    got = compare(suite, session, {"series": floor, "1950": ours(1950), "1650": ours(1650)})
    for year in ("1950", "1650"):
        suite.line(f"one week of 2026, DTSTART {year}", got.ratio(year, "series"), "<= 2x", 2, "less", duration(got.spread(year).median),
                   f"generate_series of the week {duration(got.spread('series').median)}")
    suite.line("the same, 1650 against 1950", got.ratio("1650", "1950"), "<= 1.1x", 1.1, "less")


def many_rules(suite, session):
    """Ten thousand different rules of a table, one week each."""
    count = suite.size(10_000, 200)
    made = random.Random(20260302)
    rules = []
    for n in range(count):
        kind = n % 4
        days = ",".join(sorted(made.sample(["MO", "TU", "WE", "TH", "FR", "SA", "SU"], made.randint(1, 4)), key="MO TU WE TH FR SA SU".split().index))
        rule = [f"FREQ=DAILY;INTERVAL={made.randint(1, 9)}", f"FREQ=WEEKLY;INTERVAL={made.randint(1, 4)};BYDAY={days}",
                f"FREQ=MONTHLY;BYMONTHDAY={made.randint(1, 28)}", f"FREQ=MONTHLY;BYDAY={made.randint(1, 4)}{made.choice(['MO', 'TU', 'WE', 'TH', 'FR'])}"][kind]
        start = datetime.datetime(1990, 1, 1, 9) + datetime.timedelta(days=made.randint(0, 12_000), minutes=15 * made.randint(0, 30))
        rules.append((rule, start))
    session.run("DROP TABLE IF EXISTS rules; CREATE TABLE rules (rule_id integer PRIMARY KEY, rule text, dtstart timestamp);\nCOPY rules FROM stdin;\n"
                + "".join(f"{n}\t{rule}\t{start}\n" for n, (rule, start) in enumerate(rules)) + "\\.\nANALYZE rules")
    session.run("DROP TABLE IF EXISTS typed; CREATE TABLE typed AS SELECT rule_id, rule::clinic.rrule AS rule, dtstart FROM rules; ANALYZE typed")
    total = int(session.number(f"SELECT count(*) FROM rules r, clinic.occurrences(r.rule, r.dtstart, 'UTC', {WINDOW}) o"))
    variants = {
        "text": f"SELECT count(*) FROM rules r, clinic.occurrences(r.rule, r.dtstart, 'UTC', {WINDOW}) o",
        "typed": f"SELECT count(*) FROM typed r, clinic.occurrences(r.rule, r.dtstart, 'UTC', {WINDOW}) o",
        "series": f"SELECT count(*) FROM rules r, generate_series(r.dtstart, r.dtstart + interval '{max(round(total / count), 1) - 1} days', interval '1 day') o",
    }
    suite.same("rules as text and as values", session.run(variants["text"]), session.run(variants["typed"]))
    got = compare(suite, session, variants)
    label = f"{count:,} rules x one week ({total:,} rows)"
    suite.line(label, got.ratio("typed", "series"), "<= 1.5x", 1.5, "less", duration(got.spread("typed").median),
               f"generate_series lateral over as many rows {duration(got.spread('series').median)}",
               f"rules stored as text take {duration(got.spread('text').median)}, {number(got.ratio('text', 'series').median)}x")
    best = got.spread("typed").median
    peers(suite, session, rules, best, got.spread("text").median)


def peers(suite, session, rules, typed, text):
    """Each library on as many of the rules as it can expand in a few seconds; times are those of one rule."""
    total = session.run("SELECT count(*) FROM rules")
    for name, command, why, most, judged in commands():
        if command is None:
            suite.skip(name, why)
            continue
        some = rules[:suite.size(most, 100)]
        expected = int(session.number(f"SELECT count(*) FROM rules r, clinic.occurrences(r.rule, r.dtstart, 'UTC', {WINDOW}) o WHERE r.rule_id < {len(some)}"))
        rounds = answers(name, command, some, 1 if suite.smoke or most < len(rules) else 3)
        differs = f"it finds {rounds[0][0]:,} instances of {len(some):,} rules, ours {expected:,}" if rounds[0][0] != expected else ""
        if differs and name == "python-dateutil":
            raise Failed(f"{name}: {differs}")
        took = min(ns for _, ns in rounds) / len(some)
        ours, theirs = f"{duration(text / int(total))} a rule, as text", f"{duration(took)} a rule"
        note = "; ".join(filter(None, [f"rules as values: {number(took * int(total) / typed)}x", differs]))
        if judged:
            suite.line(f"the same by {name} with its own seek", took * int(total) / text, ">= 10x", 10, "more", ours, theirs, note)
        else:
            suite.fact(f"the same by {name}", took * int(total) / text, ours, theirs, note)


def answers(name, command, rules, rounds):
    starts = [(rule, start.strftime("%Y%m%dT%H%M%S")) for rule, start in rules]
    if name == "libical":
        command, data = [command[0], str(rounds), *command[1:]], "".join(f"{rule} {start}\n" for rule, start in starts)
    else:
        data = json.dumps({"rules": [{"rule": rule, "dtstart": start} for rule, start in starts], "zone": "UTC",
                           "from": "2026-03-02T00:00:00Z", "until": "2026-03-09T00:00:00Z", "rounds": rounds})
    done = subprocess.run(command, input=data, text=True, capture_output=True, check=False, timeout=400)
    if done.returncode:
        raise Failed(f"{name}: {done.stderr.strip()[-1000:]}")
    return [tuple(int(word) for word in line.split()) for line in done.stdout.splitlines()]


def commands():
    """Name, command (or none, and why), how many rules, and whether a target speaks of it."""
    program = pathlib.Path("build/bench/libical")
    program.parent.mkdir(parents=True, exist_ok=True)
    if pathlib.Path("/usr/include/libical/ical.h").exists():
        made = subprocess.run(["gcc", "-O2", "-o", str(program), str(PEERS / "libical.c"), "-lical"], capture_output=True, text=True, check=False)
        if made.returncode:
            raise Failed(f"libical.c does not compile: {made.stderr[-1000:]}")
        yield "libical", [str(program), "20260302T000000", "20260309T000000"], "", 10_000, True
    else:
        yield "libical", None, "the Debian package libical-dev is not installed", 0, True
    python = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else "python3"
    if subprocess.run([python, "-c", "import dateutil"], capture_output=True, check=False).returncode == 0:
        yield "python-dateutil", [python, str(PEERS / "dateutil_rules.py")], "", 1_000, False
    else:
        yield "python-dateutil", None, "the Debian package python3-dateutil is not installed", 0, False
    modules = pathlib.Path("build/bench/npm")
    for name, folder in (("rrule.js", "rrule"), ("rrule-rust", "rrule-rust")):
        if shutil.which("node") and (modules / "node_modules" / folder).is_dir():
            shutil.copy(PEERS / "recurrence.mjs", modules / "recurrence.mjs")
            yield name, ["node", str(modules / "recurrence.mjs"), name], "", 400, False
        else:
            yield name, None, "npm has not brought it: make bench installs it under build/bench", 0, False
