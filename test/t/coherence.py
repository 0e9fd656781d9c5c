#!/usr/bin/env python3
"""Find, book and explain must give one answer, whatever the clinic is like.

Makes random clinics through the SQL API and asks test/support/coherence.sql to find a contradiction in each. Speaks TAP.
COHERENCE_CLINICS is how many clinics, COHERENCE_SEED where the randomness begins; a clinic depends on the seed and its
number alone, and COHERENCE_ONLY=n makes just the n-th. Needs a server at PGHOST and PGPORT.
"""
import collections
import datetime
import os
import random
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SEED = int(os.environ.get("COHERENCE_SEED", "1"))
CLINICS = int(os.environ.get("COHERENCE_CLINICS", "120"))
ONLY = int(os.environ.get("COHERENCE_ONLY", "0"))
SAMPLE = 32

ZONES = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Chatham", "America/Havana"]
# Mondays of weeks in which some of those clocks change, and of one in which none does.
WEEKS = ["2026-03-02", "2026-03-23", "2026-03-30", "2026-04-06", "2026-09-21", "2026-09-28", "2026-10-19", "2026-10-26", "2026-06-15"]
DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]


def quoted(value):
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, list):
        return "ARRAY[" + ", ".join(quoted(v) for v in value) + "]"
    return "'" + str(value).replace("'", "''") + "'"


class Clinic:
    """One random clinic as a list of SQL statements."""

    def __init__(self, number):
        self.number = number
        self.random = random.Random(SEED * 100_003 + number)
        self.statements = []

    def chance(self, probability):
        return self.random.random() < probability

    def one(self, *choices):
        return self.random.choice(choices)

    def identity(self, kind, n):
        return f"{self.number:08d}-{kind:04d}-7000-8000-{n:012d}"

    def call(self, function, **arguments):
        given = []
        for name, value in arguments.items():
            if value is None:
                continue
            text = quoted(value)
            if name.endswith("_ids"):
                text += "::uuid[]"
            given.append(f"{name} => {text}")
        self.statements.append(f"SELECT {function}({', '.join(given)});")

    def day(self, first=0, last=6):
        return self.monday + datetime.timedelta(days=self.random.randint(first, last))

    def clock(self, low=0, high=23):
        return f"{self.random.randint(low, high):02d}:{self.one('00', '00', '15', '30', '50')}"

    def window(self):
        kind = self.random.random()
        if kind < 0.6:
            start = self.random.randint(6, 14)
            return f"{start:02d}:{self.one('00', '00', '10', '30')}", f"{start + self.random.randint(1, 8):02d}:{self.one('00', '30')}"
        if kind < 0.75:
            return self.clock(18, 23), self.clock(0, 8)
        if kind < 0.9:
            return self.clock(0, 2), self.clock(3, 9)
        return "00:00", "24:00"

    def rule(self):
        days = self.random.sample(DAYS, self.random.randint(1, 6))
        return self.one("FREQ=DAILY", "FREQ=WEEKLY;BYDAY=" + ",".join(days), "FREQ=DAILY;INTERVAL=2",
                        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=1,2,3,-1,-2,-3,-4",
                        "FREQ=WEEKLY;INTERVAL=2;BYDAY=" + ",".join(days))

    def services(self):
        """Which services a window or a block is for."""
        return self.one(*[None] * 5, [self.service], [self.other], [self.service, self.other])

    def make(self):
        self.monday = datetime.date.fromisoformat(self.one(*WEEKS))
        self.service, self.other = self.identity(40, 1), self.identity(40, 2)
        clock = datetime.datetime.combine(self.day(-2, self.one(0, 0, 2)), datetime.time(self.random.randint(0, 23), self.one(0, 0, 7, 30)))
        self.statements += ["BEGIN;", f"SET LOCAL clinic.clock = '{clock}Z';", f"SELECT setseed({self.number % 1000 / 1000});"]
        self.call("clinic.create_tenant", slug=f"clinic-{self.number}", name="Clinic", tenant_id=self.identity(0, 1),
                  patient_overlap=self.one("forbid", "forbid", "warn", "allow"), allow_several_seats=self.chance(0.2),
                  buffer_before_minutes=self.one(0, 0, 0, 5), buffer_after_minutes=self.one(0, 0, 0, 5, 10))
        self.make_places()
        self.make_service()
        self.make_patients()
        for provider in self.providers:
            self.make_hours(provider)
            self.make_exceptions(provider)
        for room in self.rooms:
            if self.chance(0.3):
                start, end = self.window()
                self.call("clinic.add_hours", resource_id=room[0], location_id=room[1], rule=self.rule(), start_time=start,
                          end_time=end, valid_from=self.monday - datetime.timedelta(days=14))
            if self.chance(0.3):
                self.make_block(resource_id=room[0])
        if self.chance(0.3):
            self.call("clinic.add_holiday", location_id=self.locations[0], on_date=self.day(), name="Holiday")
        if self.chance(0.3):
            self.make_block(location_id=self.locations[0])
        self.check()
        return "\n".join(self.statements)

    def make_places(self):
        zones = [self.one(*ZONES) for _ in range(self.one(1, 1, 2))]
        self.locations = []
        for n, zone in enumerate(zones, 1):
            self.locations.append(self.identity(10, n))
            self.call("clinic.create_location", name=f"L{n}", time_zone=zone, location_id=self.locations[-1])
        if len(zones) == 2 and self.chance(0.6):
            self.call("clinic.set_travel_time", from_location_id=self.locations[0], to_location_id=self.locations[1],
                      minutes=self.one(15, 45, 90))
        self.providers = []
        for n in range(1, self.random.randint(1, 3) + 1):
            self.providers.append(self.identity(20, n))
            self.call("clinic.create_provider", name=f"P{n}", time_zone=self.one(*zones, *zones, self.one(*ZONES)),
                      provider_id=self.providers[-1], max_per_day=self.one(None, None, None, None, None, 0, 1, 3),
                      max_per_week=self.one(None, None, None, 2, 5), buffer_before_minutes=self.one(0, 0, 0, 10),
                      buffer_after_minutes=self.one(0, 0, 0, 15))
        self.rooms = []
        for n in range(1, self.random.randint(0, 4) + 1):
            place = self.one(*self.locations)
            self.rooms.append((self.identity(30, n), place, self.one("a", "a", "b")))
            self.call("clinic.create_resource", name=f"R{n}", kind=self.one("room", "device"), resource_class=self.rooms[-1][2],
                      location_id=place, resource_id=self.rooms[-1][0], quantity=self.one(1, 1, 1, 2),
                      buffer_before_minutes=self.one(0, 0, 5), buffer_after_minutes=self.one(0, 0, 20))

    def make_service(self):
        duration = self.one(10, 15, 20, 30, 45, 60, 90)
        flexible = self.chance(0.3)
        # A capacity that other visits at the same provider do not share, too.
        for service, name in ((self.service, "S"), (self.other, "T")):
            self.call("clinic.create_service", name=name, duration_minutes=duration, step_minutes=self.one(5, 10, 15, 20, 30, 50),
                      min_duration_minutes=5 if flexible else None, max_duration_minutes=duration * 2 if flexible else None,
                      anchor=self.one("window", "midnight"), buffer_before_minutes=self.one(0, 0, 5, 15),
                      buffer_after_minutes=self.one(0, 0, 5, 30), buffers_inside_hours=self.chance(0.3),
                      lead_time_minutes=self.one(0, 0, 0, 60, 1440), same_day=self.chance(0.8), horizon_days=self.one(*[None] * 8, 1, 3, 6),
                      capacity=self.one(1, 1, 1, 2, 3), max_per_day=self.one(None, None, None, 1, 2, 4),
                      max_per_week=self.one(None, None, None, 3), service_id=service)
        self.length = self.one(None, "00:05", f"00:{duration // 2:02d}", f"{duration * 2} minutes") if flexible else None
        for provider in self.providers:
            own = self.chance(0.2)
            self.call("clinic.offer_service", service_id=self.service, provider_id=provider, duration_minutes=duration + 5 if own else None,
                      buffer_before_minutes=self.one(None, None, 0, 20), buffer_after_minutes=self.one(None, None, 0))
            self.call("clinic.offer_service", service_id=self.other, provider_id=provider)
        classes = {room[2] for room in self.rooms}
        if "a" in classes and self.chance(0.7):
            self.call("clinic.require_resource", service_id=self.service, resource_class="a", quantity=self.one(1, 1, 1, 2))
        if "b" in classes and self.chance(0.2):
            self.call("clinic.require_resource", service_id=self.service, resource_class="b")

    def make_patients(self):
        self.patients = [self.identity(50, n) for n in range(1, 7)]
        for patient in self.patients:
            self.call("clinic.create_patient", name="Patient", patient_id=patient)

    def make_hours(self, provider):
        for _ in range(self.random.randint(2, 4)):
            start, end = self.window()
            self.call("clinic.add_hours", resource_id=provider, location_id=self.one(*self.locations), rule=self.rule(), start_time=start,
                      end_time=end, valid_from=self.monday - datetime.timedelta(days=self.one(14, 13, 1)), service_ids=self.services(),
                      max_appointments=self.one(None, None, None, 1, 2), time_zone=self.one(None, None, None, *ZONES))

    def make_exceptions(self, provider):
        if self.chance(0.3):
            start, end = self.window()
            self.call("clinic.open_date", resource_id=provider, location_id=self.one(*self.locations), on_date=self.day(), start_time=start,
                      end_time=end, works_on_holidays=self.chance(0.5), service_ids=self.services())
        elif self.chance(0.2):
            self.call("clinic.close_date", resource_id=provider, on_date=self.day())
        if self.chance(0.3):
            self.make_block(resource_id=provider)
        if self.chance(0.2):
            first = self.day()
            self.call("clinic.add_leave", resource_id=provider, from_on=first, until_on=first + datetime.timedelta(days=self.one(0, 0, 1)),
                      service_ids=self.services())
        if self.chance(0.3):
            start = self.random.randint(8, 15)
            self.call("clinic.add_break", resource_id=provider, rule="FREQ=DAILY", start_time=f"{start}:00", end_time=f"{start}:45",
                      from_on=self.monday)
        if self.chance(0.15):
            first = self.day()
            self.call("clinic.add_stay", resource_id=provider, from_on=first, until_on=first + datetime.timedelta(days=1),
                      time_zone=self.one(*ZONES))

    def make_block(self, **owner):
        start = datetime.datetime.combine(self.day(), datetime.time(self.random.randint(0, 23), self.one(0, 10, 30)))
        self.call("clinic.add_block", starts_at=f"{start}Z", ends_at=f"{start + datetime.timedelta(minutes=self.one(10, 60, 300))}Z",
                  service_ids=self.services(), patient_id=self.one(None, None, None, self.identity(50, 1)), **owner)

    def check(self):
        opens = datetime.datetime.combine(self.monday, datetime.time(self.random.randint(0, 23))) + datetime.timedelta(days=self.one(0, 1, 2))
        closes = opens + datetime.timedelta(hours=self.one(30, 60, 100))
        patients = quoted(self.patients) + "::uuid[]"
        for service in (self.service, self.other):
            self.statements.append(f"SELECT fill('{service}', {patients}, '{opens}Z', '{closes}Z', {self.random.randint(0, 8)});")
        patient = self.one(self.patients[0], self.patients[1])
        self.statements.append(f"\\echo clinic {self.number}")
        self.statements.append(f"SELECT 'says ' || a FROM check_answers('{self.service}', '{patient}', {patients}, '{opens}Z', '{closes}Z', "
                               f"{quoted(self.length)}, {SAMPLE}) AS a;")
        self.statements += ["SELECT 'done';", "ROLLBACK;"]


def psql(*arguments, stdin=None):
    return subprocess.run(["psql", "-XqAt", *arguments], input=stdin, text=True, capture_output=True, check=False)


def main():
    database = "coherence"
    environment = "SET timezone = 'UTC'; SET client_min_messages = warning;\n"
    psql("-d", "postgres", "-c", f"DROP DATABASE IF EXISTS {database}", "-c", f"CREATE DATABASE {database}")
    prepared = psql("-d", database, "-v", "ON_ERROR_STOP=1", "-c", "CREATE EXTENSION pg_clinic CASCADE", "-c", "CALL clinic.install()",
                    "-f", f"{TOP}/test/support/coherence.sql")
    if prepared.returncode != 0:
        sys.exit("Bail out! " + prepared.stderr)

    numbers = [ONLY] if ONLY else range(1, CLINICS + 1)
    script = environment + "\n".join(Clinic(n).make() for n in numbers)
    answer = psql("-d", database, stdin=script)
    if ONLY:
        print(script)

    said = collections.defaultdict(list)
    done = set()
    counts = collections.Counter()
    clinic = None
    for line in answer.stdout.splitlines():
        if line.startswith("clinic "):
            clinic = int(line[7:])
        elif line == "done":
            done.add(clinic)
        elif line.startswith("says # slots"):
            counts["slots offered"] += int(line.split()[-1])
            counts["clinics with slots"] += int(line.split()[-1]) > 0
        elif line.startswith("says #"):
            counts[line[7:]] += 1
        elif line.startswith("says "):
            said[clinic].append(line[5:])

    errors = answer.stderr.splitlines()
    print(f"1..{len(numbers) + 1}")
    failed = 0
    for place, n in enumerate(numbers, 1):
        good = n in done and not said[n]
        failed += not good
        print(f"{'ok' if good else 'not ok'} {place} - clinic {n} gives one answer")
        for line in said[n][:5]:
            print("#", line)
    # Clinics that refuse nothing and offer nothing would prove nothing.
    varied = ONLY or (counts["clinics with slots"] > CLINICS / 3 and sum(c.startswith("refused") for c in counts) >= 8 and not errors)
    print(f"{'ok' if varied else 'not ok'} {len(numbers) + 1} - there was something to contradict")
    for name, count in sorted(counts.items()):
        print(f"# {count} {name}")
    for line in errors[:20]:
        print("#", line)
    psql("-d", "postgres", "-c", f"DROP DATABASE {database}")
    sys.exit(0 if varied and not failed else 1)


main()
