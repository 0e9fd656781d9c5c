#!/usr/bin/env python3
"""Series against a model of their own: dates by dateutil, zones by zoneinfo, conflicts by comparing intervals.

Makes random clinics that are always open, and in each single bookings and series that are booked, moved by scope, changed singly and
cancelled; after every call the answer and the whole diary, versions included, must be what the model says. Speaks TAP.
SERIES_CLINICS is how many clinics, SERIES_SEED where the randomness begins, SERIES_ONLY=n makes just the n-th. Needs a server at
PGHOST and PGPORT.
"""
import collections
import datetime
import json
import os
import random
import subprocess
import sys
import zoneinfo

from dateutil import rrule

SEED = int(os.environ.get("SERIES_SEED", "1"))
CLINICS = int(os.environ.get("SERIES_CLINICS", "25"))
ONLY = int(os.environ.get("SERIES_ONLY", "0"))
STEPS = 24

# Zones with changes by an hour and by half of one, at midnight and at night, and one with none; and days around changes.
ZONES = ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Havana", "Asia/Kolkata"]
DAYS = {"America/New_York": ["2026-03-08", "2026-11-01"], "Europe/Berlin": ["2026-03-29", "2026-10-25"],
        "Australia/Lord_Howe": ["2026-04-05", "2026-10-04"], "America/Havana": ["2026-03-08", "2026-11-01"], "Asia/Kolkata": ["2026-06-15"]}
CLOCK = "2026-01-01T00:00:00Z"
UTC = datetime.timezone.utc
QUARTER = datetime.timedelta(minutes=15)

SETUP = """
CREATE EXTENSION pg_clinic CASCADE;
CALL clinic.install();
CREATE FUNCTION public.try_call(query text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE answer jsonb; state text; words text; facts text;
BEGIN
    EXECUTE format('SELECT jsonb_build_object(''rows'', coalesce(jsonb_agg(to_jsonb(r.*)), ''[]'')) FROM (%s) AS r', query) INTO answer;
    RETURN answer;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, words = MESSAGE_TEXT, facts = PG_EXCEPTION_DETAIL;
    RETURN jsonb_build_object('state', state, 'message', words, 'facts', CASE WHEN facts LIKE '{%' THEN facts::jsonb END);
END $$;
"""


class Wrong(Exception):
    pass


class Session:
    """One psql that is asked again and again."""

    def __init__(self):
        self.process = subprocess.Popen(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)

    def run(self, script):
        self.process.stdin.write(script + "\n\\echo over\n")
        self.process.stdin.flush()
        said = []
        for line in self.process.stdout:
            if line == "over\n":
                return "".join(said)
            said.append(line)
        raise Wrong("psql ended: " + "".join(said))

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


class Entry:
    """A date of a series: what the rule yields, what is meant for it, and the appointment it became."""

    def __init__(self, original, meant, visit):
        self.original, self.meant, self.visit = original, meant, visit

    def exception(self):
        if self.visit is None:
            return None
        return "cancelled" if self.visit.cancelled else "moved" if self.visit.start != self.meant else None


class Visit:
    def __init__(self, patient, start, length):
        self.patient, self.start, self.length = patient, start, length
        self.cancelled = False
        self.version = 1


class Clinic:
    def __init__(self, number, session):
        self.number, self.session = number, session
        self.random = random.Random(SEED * 100_003 + number)
        self.zone_name = ZONES[number % len(ZONES)]
        self.zone = zoneinfo.ZoneInfo(self.zone_name)
        self.visits, self.series = [], []
        self.counts = collections.Counter()

    def identity(self, kind, n):
        return f"{self.number:08d}-{kind:04d}-7000-8000-{n:012d}"

    def call(self, query):
        return json.loads(self.session.run(f"BEGIN; SELECT clinic.use_tenant('c{self.number}') \\g /dev/null\n"
                                           f"SELECT public.try_call($query${query}$query$);\nCOMMIT;"))

    def make(self):
        self.session.run(f"""
SET timezone = 'UTC';
SET clinic.clock = '{CLOCK}';
BEGIN;
SELECT clinic.create_tenant('c{self.number}', 'C', tenant_id => '{self.identity(1, 1)}') \\g /dev/null
SELECT clinic.create_location('L', '{self.zone_name}', location_id => '{self.identity(2, 1)}'),
       clinic.create_provider('P', '{self.zone_name}', provider_id => '{self.identity(3, 1)}'),
       clinic.create_service('S', 30, step_minutes => 15, min_duration_minutes => 15, max_duration_minutes => 120, service_id => '{self.identity(4, 1)}') \\g /dev/null
SELECT clinic.offer_service('{self.identity(4, 1)}', '{self.identity(3, 1)}'),
       clinic.add_hours('{self.identity(3, 1)}', '{self.identity(2, 1)}', 'FREQ=DAILY', '00:00', '24:00', '2025-12-01') \\g /dev/null
SELECT clinic.create_patient('X', patient_id => format('{self.number:08d}-0005-7000-8000-%s', lpad(n::text, 12, '0'))::uuid) FROM generate_series(1, 3) AS n \\g /dev/null
COMMIT;
""")

    # The model.

    def resolve(self, local):
        """The instant of a local time, the first of two, by the offset before a gap; and whether it is there at all."""
        at = local.replace(tzinfo=self.zone, fold=0).astimezone(UTC)
        return at, at.astimezone(self.zone).replace(tzinfo=None) == local

    def refusal(self, patient, start, length, but=None):
        end = start + length
        in_the_way = [v for v in self.visits if v is not but and not v.cancelled and v.start < end and start < v.start + v.length]
        if in_the_way:  # one provider: whoever has the patient has the provider too
            return "slot_taken"
        return None

    def snapshot(self):
        return [(v.start, v.version, v.cancelled) for v in self.visits], len(self.visits)

    def restore(self, state):
        visits, count = state
        del self.visits[count:]
        for v, (v.start, v.version, v.cancelled) in zip(self.visits, visits):
            pass

    # The calls.

    def local(self, spread=3):
        day = datetime.date.fromisoformat(self.random.choice(DAYS[self.zone_name])) + datetime.timedelta(days=self.random.randint(-spread, spread))
        hour = self.random.choice([0, 1, 1, 2, 2, 3, 9, 10])
        return datetime.datetime.combine(day, datetime.time(hour)) + QUARTER * self.random.randint(0, 3)

    def place(self):
        return f"provider_id => '{self.identity(3, 1)}', location_id => '{self.identity(2, 1)}'"

    def book_single(self):
        patient, (start, there) = self.random.randint(1, 3), self.resolve(self.local(5))
        answer = self.call(f"SELECT b.status FROM clinic.book_appointment('{self.identity(4, 1)}', '{self.identity(5, patient)}', '{start.isoformat()}', "
                           f"{self.place()}) AS b")
        refusal = self.refusal(patient, start, datetime.timedelta(minutes=30))
        self.expect("book_appointment", refusal, answer.get("facts", {}).get("reason") if "state" in answer else None)
        if refusal is None:
            self.visits.append(Visit(patient, start, datetime.timedelta(minutes=30)))

    def rule(self, first):
        days = [rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR, rrule.SA, rrule.SU]
        count = self.random.randint(1, 9)
        kind = self.random.randint(1, 4)
        if kind == 1:
            interval = self.random.randint(1, 3)
            return f"FREQ=DAILY;INTERVAL={interval};COUNT={count}", rrule.rrule(rrule.DAILY, interval=interval, count=count, dtstart=first)
        if kind == 2:
            some = sorted(self.random.sample(range(7), self.random.randint(1, 3)))
            names = ",".join(str(days[d]) for d in some)
            return f"FREQ=WEEKLY;BYDAY={names};COUNT={count}", rrule.rrule(rrule.WEEKLY, byweekday=[days[d] for d in some], count=count, dtstart=first)
        if kind == 3:
            until = first + datetime.timedelta(days=self.random.randint(0, 12))
            return (f"FREQ=DAILY;UNTIL={until:%Y%m%dT%H%M%S}", rrule.rrule(rrule.DAILY, until=until, dtstart=first))
        return f"FREQ=HOURLY;INTERVAL=5;COUNT={count}", rrule.rrule(rrule.HOURLY, interval=5, count=count, dtstart=first)

    def book_series(self):
        first = self.local()
        text, dates = self.rule(first)
        originals = list(dates)
        if not originals:
            return
        patient, length = self.random.randint(1, 3), QUARTER * self.random.randint(1, 4)
        mode, gap = self.random.choice(["all_or_nothing", "skip", "skip"]), self.random.choice(["refuse", "shift"])
        excluded = {d.date() for d in originals if self.random.random() < 0.1}
        unmatched = {originals[-1].date() + datetime.timedelta(days=40)} if self.random.random() < 0.2 else set()
        wanted = [d for d in originals if d.date() not in excluded]
        if not wanted:
            return
        answer = self.call(f"SELECT b.* FROM clinic.book_series('{self.identity(4, 1)}', '{self.identity(5, patient)}', '{text}', '{first}', {self.place()}, "
                           f"duration => '{length}', mode => '{mode}', gap => '{gap}', "
                           f"excluded_dates => '{{{','.join(sorted(str(d) for d in excluded | unmatched))}}}') AS b")
        state, entries, outcomes = self.snapshot(), [], {}
        for original in wanted:
            start, there = self.resolve(original)
            refusal = "nonexistent_local_time" if gap == "refuse" and not there else self.refusal(patient, start, length)
            outcomes[original] = refusal
            visit = None
            if refusal is None:
                visit = Visit(patient, start, length)
                self.visits.append(visit)
            entries.append(Entry(original, start, visit))
        conflicts = [(o.isoformat(), r) for o, r in outcomes.items() if r]
        if conflicts and (mode == "all_or_nothing" or len(conflicts) == len(wanted)):
            self.restore(state)
            self.expect_conflicts("book_series", conflicts, answer)
            self.expect("unmatched_exclusions", sorted(str(d) for d in unmatched), answer["facts"]["unmatched_exclusions"])
            return
        rows = self.rows("book_series", answer)
        self.expect("excluded dates", sorted([d.isoformat() for d in originals if d.date() in excluded]),
                    sorted(r["local_original_start"] for r in rows if r["outcome"] == "excluded"))
        self.expect("unmatched dates", sorted(f"{d}T00:00:00" for d in unmatched), sorted(r["local_original_start"] for r in rows if r["outcome"] == "no_such_date"))
        self.expect("outcomes", [(o.isoformat(), r) for o, r in outcomes.items()],
                    [(r["local_original_start"], r["reason"]) for r in rows if r["outcome"] in ("booked", "skipped")])
        self.series.append({"id": rows[0]["series_id"], "entries": entries, "shift": datetime.timedelta(0), "gap": gap, "status": "active"})

    def some_entry(self):
        """A booked date of a series, or nothing."""
        choices = [(s, e) for s in self.series for e in s["entries"] if e.visit is not None and not e.visit.cancelled]
        return self.random.choice(choices) if choices else (None, None)

    def appointment(self, series, entry):
        return (f"(SELECT v.appointment_id FROM clinic.series_appointments AS v WHERE v.series_id = '{series['id']}' "
                f"AND v.local_original_start = '{entry.original}')")

    def move_single(self):
        series, entry = self.some_entry()
        if entry is None:
            return
        start, visit = entry.visit.start + QUARTER * self.random.randint(-8, 8), entry.visit
        answer = self.call(f"SELECT r.status FROM clinic.reschedule_appointment({self.appointment(series, entry)}, '{start.isoformat()}') AS r")
        refusal = self.refusal(visit.patient, start, visit.length, visit)
        self.expect("reschedule_appointment", refusal, answer.get("facts", {}).get("reason") if "state" in answer else None)
        if refusal is None:
            # Even a move to where it stands is a change that somebody asked for: the row says whether it was one.
            visit.version += start != visit.start
            visit.start = start

    def cancel_single(self):
        series, entry = self.some_entry()
        if entry is None:
            return
        self.rows("cancel_appointment", self.call(f"SELECT c.status FROM clinic.cancel_appointment({self.appointment(series, entry)}) AS c"))
        entry.visit.cancelled = True
        entry.visit.version += 1

    def edit(self):
        series, entry = self.some_entry()
        if entry is None or series["status"] == "cancelled":
            return
        scope, mode, gap = self.random.choice(["all", "following", "following"]), self.random.choice(["all_or_nothing", "skip"]), series["gap"]
        distance = datetime.timedelta(days=self.random.choice([-1, 0, 0, 1, 2])) + QUARTER * self.random.randint(-6, 6)
        goal = entry.original + series["shift"] + distance
        answer = self.call(f"SELECT e.* FROM clinic.edit_series('{series['id']}', '{scope}', local_original_start => '{entry.original}', "
                           f"local_starts_at => '{goal}', mode => '{mode}') AS e")
        in_scope = [e for e in series["entries"] if scope == "all" or e.original >= entry.original]
        outcomes = {e.original: ("kept", e.exception() or ("skipped" if e.visit is None else None)) for e in in_scope}
        waiting = [e for e in in_scope if e.visit is not None and e.exception() is None]
        if distance > datetime.timedelta(0):
            waiting.reverse()
        state, meant, progress = self.snapshot(), {}, True
        while waiting and progress:
            progress, refused = False, []
            for e in waiting:
                start, there = self.resolve(e.original + series["shift"] + distance)
                reason = None
                if gap == "refuse" and not there:
                    reason = "nonexistent_local_time"
                elif start != e.visit.start:
                    reason = self.refusal(e.visit.patient, start, e.visit.length, e.visit)
                if reason:
                    refused.append(e)
                    outcomes[e.original] = ("refused", reason)
                elif start == e.visit.start:
                    outcomes[e.original] = ("unchanged", None)
                else:
                    outcomes[e.original] = ("moved", None)
                    e.visit.start, e.visit.version, progress = start, e.visit.version + 1, True
                    meant[e] = start
            waiting = refused
        refused = [(o.isoformat(), r[1]) for o, r in sorted(outcomes.items()) if r[0] == "refused"]
        moved = [o for o, r in outcomes.items() if r[0] == "moved"]
        if refused and (mode == "all_or_nothing" or not moved):
            self.restore(state)
            self.expect_conflicts("edit_series", refused, answer)
            return
        rows = self.rows("edit_series", answer)
        self.expect("outcomes of edit_series", [(o.isoformat(), *r) for o, r in sorted(outcomes.items())],
                    [(r["local_original_start"], r["outcome"], r["reason"]) for r in rows])
        for e, start in meant.items():
            e.meant = start
        for e in in_scope:
            if outcomes[e.original][0] == "kept":
                e.meant = self.resolve(e.original + series["shift"] + distance)[0]
        earlier = [e for e in series["entries"] if e not in in_scope]
        if earlier:
            self.series.append({**series, "id": rows[0]["series_id"], "entries": in_scope, "shift": series["shift"] + distance})
            series["entries"], series["status"] = earlier, "ended"
        else:
            series["shift"] += distance
        self.counts["moved"] += len(moved)
        self.counts["kept"] += sum(r[0] == "kept" for r in outcomes.values())
        self.counts["refused"] += len(refused)

    def cancel_series(self):
        series, entry = self.some_entry()
        if entry is None or series["status"] == "cancelled" or self.random.random() < 0.5:
            return
        scope, with_exceptions = self.random.choice(["all", "following", "following"]), self.random.random() < 0.4
        answer = self.call(f"SELECT c.* FROM clinic.cancel_series('{series['id']}', '{scope}', include_exceptions => {with_exceptions}"
                           + (f", local_original_start => '{entry.original}'" if scope == "following" else "") + ") AS c")
        in_scope = [e for e in series["entries"] if scope == "all" or e.original >= entry.original]
        expected = []
        for e in in_scope:
            if e.visit is not None and (e.exception() is None or (with_exceptions and e.exception() == "moved")):
                expected.append((e.original.isoformat(), "cancelled", None))
                e.visit.cancelled = True
                e.visit.version += 1
            else:
                expected.append((e.original.isoformat(), "kept", e.exception() or "skipped"))
        self.expect("outcomes of cancel_series", expected, [(r["local_original_start"], r["outcome"], r["reason"]) for r in self.rows("cancel_series", answer)])
        series["status"] = "cancelled" if len(in_scope) == len(series["entries"]) else "ended"

    # Comparing.

    def expect(self, what, expected, found):
        if isinstance(expected, dict) and isinstance(found, dict):
            for name in expected.keys() | found.keys():
                self.expect(f"{what} {name}", expected.get(name), found.get(name))
        elif expected != found:
            raise Wrong(f"{what}: expected {expected}, found {found}")

    def rows(self, what, answer):
        if "rows" not in answer:
            raise Wrong(f"{what}: {answer}")
        return answer["rows"]

    def expect_conflicts(self, what, conflicts, answer):
        if "facts" not in answer or answer["facts"] is None:
            raise Wrong(f"{what}: expected conflicts {conflicts}, found {answer}")
        self.expect(f"conflicts of {what}", conflicts, [(c["local_original_start"], c["reason"]) for c in answer["facts"].get("conflicts", [])])
        self.expect(f"reason of {what}", conflicts[0][1], answer["facts"]["reason"])
        self.counts["refused whole"] += 1

    def expect_diary(self):
        found = self.rows("diary", self.call("""
            SELECT (SELECT jsonb_agg(jsonb_build_array(a.starts_at, a.ends_at, a.patient_id, a.status = 'cancelled', a.version)) FROM clinic.appointments AS a) AS visits,
                   (SELECT jsonb_object_agg(s.series_id, jsonb_build_array(s.status, (
                        SELECT jsonb_agg(jsonb_build_array(v.local_original_start, v.starts_at, v.exception, v.outcome) ORDER BY v.local_original_start)
                        FROM clinic.series_appointments AS v WHERE v.series_id = s.series_id))) FROM clinic.series AS s) AS series,
                   (SELECT count(*) FROM clinic.check_integrity()) AS problems"""))[0]
        instant = lambda text: datetime.datetime.fromisoformat(text).astimezone(UTC)
        key = lambda row: (row[0], row[2], row[3], row[4])
        self.expect("visits", sorted([[v.start, v.start + v.length, self.identity(5, v.patient), v.cancelled, v.version] for v in self.visits], key=key),
                    sorted([[instant(v[0]), instant(v[1]), *v[2:]] for v in found["visits"] or []], key=key))
        self.expect("series", {s["id"]: [s["status"], [[e.original.isoformat(), e.meant, e.exception(), "booked" if e.visit else "skipped"] for e in s["entries"]]]
                               for s in self.series},
                    {i: [s[0], [[o, instant(m), *rest] for o, m, *rest in s[1]]] for i, s in (found["series"] or {}).items()})
        self.expect("problems of the diary", 0, found["problems"])

    def live(self):
        self.make()
        for _ in range(6):
            self.book_single()
        for step in range(STEPS):
            action = self.random.choice([self.book_single, self.book_single, self.book_series, self.book_series, self.move_single, self.cancel_single, self.edit,
                                         self.edit, self.edit, self.cancel_series])
            try:
                action()
                self.expect_diary()
            except Wrong as error:
                raise Wrong(f"step {step}, {action.__name__}: {error}") from None
            self.counts[action.__name__] += 1


def main():
    database = f"series_oracle_{os.getpid()}"
    subprocess.run(["createdb", database], check=True)
    os.environ["PGDATABASE"] = database
    os.environ["PGOPTIONS"] = "-c client_min_messages=warning"
    totals, failed = collections.Counter(), 0
    try:
        session = Session()
        session.run(SETUP)
        session.close()
        numbers = [ONLY] if ONLY else range(1, CLINICS + 1)
        for place, number in enumerate(numbers, 1):
            session = Session()
            clinic = Clinic(number, session)
            try:
                clinic.live()
                print(f"ok {place} - clinic {number} in {clinic.zone_name} is as the model says")
            except Wrong as error:
                failed += 1
                print(f"not ok {place} - clinic {number} in {clinic.zone_name}")
                print("# " + str(error).replace("\n", "\n# "))
            session.close()
            totals.update(clinic.counts)
        some = totals["moved"] and totals["kept"] and totals["refused"] and totals["refused whole"]
        print(f"{'ok' if some or ONLY else 'not ok'} {len(numbers) + 1} - there was something of everything: {dict(totals)}")
        failed += not (some or ONLY)
        print(f"1..{len(numbers) + 1}")
    finally:
        del os.environ["PGDATABASE"]
        subprocess.run(["dropdb", database], check=False)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
