#!/usr/bin/env python3
"""Clients that live the life of bookings with idempotency keys, while somebody kills the server.

  life.py run FILE SEED    eight clients in the stress clinic (setup.sql), until the server is gone or SECONDS (60) are over; every call and
                           every answer is written to FILE before the next one
  life.py check FILE       when the server is back: every call again with its key. What was acknowledged gives the same answer, marked as a replay;
                           what was not is done now or was done then, but once. Then the diary must be what the answers say, no booking less or more.

Each client changes the bookings of its own patients alone, so that it knows what each of them must be; they share providers and rooms.
The server is that of PGHOST, PGPORT and PGDATABASE. Prints what is wrong, and exits with 1 then.
"""
import json
import os
import random
import subprocess
import sys
import threading
import time

CLIENTS = 8
SECONDS = float(os.environ.get("SECONDS_AT_MOST", "60"))
SESSION_DAY = "2035-03-08"


def identity(kind, number):
    return f"00000000-{kind}-7000-8000-{number:012d}"


class Gone(Exception):
    """The server is gone, and with it the knowledge whether the last call was done."""


class Desk:
    """A connection by psql: one statement, one answer."""

    def __init__(self):
        self.psql = subprocess.Popen(["stdbuf", "-oL", "psql", "-XqAt", "-U", "stress_desk"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.DEVNULL, text=True)

    def ask(self, sql):
        """The rows as objects, or the SQLSTATE of the refusal."""
        try:
            self.psql.stdin.write(f"SELECT to_json(r) FROM ({sql}) AS r;\n\\echo state :SQLSTATE\n")
            self.psql.stdin.flush()
        except BrokenPipeError as error:
            raise Gone from error
        rows = []
        for line in self.psql.stdout:
            if line.startswith("state "):
                state = line.split()[1]
                if state[:3] in ("57P", "080") or state == "XX000":
                    raise Gone(state)
                return rows if state == "00000" else state
            rows.append(json.loads(line))
        raise Gone


class Client(threading.Thread):
    def __init__(self, number, seed, file, lock):
        super().__init__()
        self.number = number
        self.random = random.Random(seed * 1000 + number)
        self.file = file
        self.lock = lock
        self.calls = 0
        self.standing = {}  # appointment: start
        self.arrived = set()
        self.tokens = {}  # appointment: token of its hold
        self.desk = Desk()
        self.seed = seed
        self.unexpected = []

    def note(self, **facts):
        with self.lock:
            self.file.write(json.dumps(facts) + "\n")
            self.file.flush()

    def call(self, name, arguments):
        """One call with a key of its own: written down before it is made, and when it is answered."""
        self.calls += 1
        key = f"{self.seed}-{self.number}-{self.calls}"
        sql = f"SELECT * FROM clinic.{name}({arguments}, idempotency_key => '{key}')"
        self.note(key=key, name=name, sql=sql)
        answer = self.desk.ask(sql)
        self.note(key=key, answer=answer)
        if isinstance(answer, str):
            if not answer.startswith("CL"):
                self.unexpected.append(f"{answer}: {sql}")
            return None
        return answer

    def patient(self):
        return identity("0050", self.number * 15 + self.random.randint(1, 15))

    def moment(self):
        hour, quarter = self.random.randint(9, 16), self.random.choice((0, 0, 30, 15, 45))
        return f"2035-03-{self.random.randint(5, 7):02d} {hour:02d}:{quarter:02d}+01"

    def place(self):
        return (f"service_id => '{identity('0040', self.random.randint(1, 5))}', patient_id => '{self.patient()}', "
                f"starts_at => '{self.moment()}', provider_id => '{identity('0020', self.random.randint(1, 3))}'")

    def one(self):
        return self.random.choice(sorted(self.standing)) if self.standing else None

    def step(self):
        dice = self.random.random()
        one = self.one()
        if dice < 0.35 or one is None:
            for row in self.call("book_appointment", self.place()) or ():
                self.standing[row["appointment_id"]] = row["starts_at"]
        elif dice < 0.47:
            for row in self.call("hold_slot", self.place()) or ():
                self.tokens[row["appointment_id"]] = row["hold_token"]
        elif dice < 0.55 and self.tokens:
            appointment = self.random.choice(sorted(self.tokens))
            for row in self.call("confirm_hold", f"'{self.tokens.pop(appointment)}'") or ():
                self.standing[row["appointment_id"]] = row["starts_at"]
        elif dice < 0.68:
            if self.call("cancel_appointment", f"'{one}'") is not None:
                self.standing.pop(one)
        elif dice < 0.76:
            for row in self.call("reschedule_appointment", f"'{one}', '{self.moment()}'") or ():
                self.standing[one] = row["starts_at"]
        elif dice < 0.82:
            today = [a for a, start in sorted(self.standing.items()) if start.startswith("2035-03-05")]
            if today and self.call("check_in", f"'{today[0]}'") is not None:
                self.standing.pop(today[0])
        elif dice < 0.88:
            self.call("join_waitlist", f"'{identity('0040', self.random.randint(1, 5))}', '{self.patient()}', from_on => '2035-03-05', until_on => '2035-03-07'")
        elif dice < 0.94:
            mine = ", ".join(f"'{identity('0050', self.number * 15 + n)}'" for n in range(1, 16))
            offers = self.desk.ask(f"SELECT o.offer_id FROM clinic.waitlist_offers AS o WHERE o.status = 'open' AND o.patient_id IN ({mine}) LIMIT 1")
            for offer in offers if not isinstance(offers, str) else ():
                for row in self.call("accept_offer", f"'{offer['offer_id']}'") or ():
                    self.standing[row["appointment_id"]] = row["starts_at"]
        elif dice < 0.97:
            self.call("book_seat", f"'{identity('00f0', 1)}', '{self.patient()}', seats => {self.random.randint(1, 2)}")
        else:
            rows = self.call("book_series", f"'{identity('0040', 1)}', '{self.patient()}', 'FREQ=DAILY;COUNT=3', '2035-03-05 {self.random.randint(9, 15):02d}:00', "
                             f"provider_id => '{identity('0020', self.random.randint(1, 3))}', mode => 'skip'")
            for row in rows or ():
                if row["outcome"] == "booked":
                    self.standing[row["appointment_id"]] = row["starts_at"]

    def run(self):
        end = time.monotonic() + SECONDS
        try:
            while time.monotonic() < end:
                self.step()
        except Gone:
            pass
        except Exception as error:  # a mistake of this program must not look like a lost connection
            self.unexpected.append(repr(error))


def run(path, seed):
    with open(path, "w", encoding="utf-8") as file:
        lock = threading.Lock()
        clients = [Client(n, seed, file, lock) for n in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
    return [u for client in clients for u in client.unexpected]


# What each call makes of an appointment.
STATES = {"book_appointment": "booked", "hold_slot": "held", "confirm_hold": "booked", "cancel_appointment": "cancelled",
          "reschedule_appointment": "booked", "check_in": "arrived", "accept_offer": "booked", "book_seat": "booked", "book_series": "booked"}


def bare(answer):
    """An answer without what differs when it is a replay."""
    return answer if isinstance(answer, str) else [{k: v for k, v in row.items() if k != "replayed"} for row in answer]


def check(paths):
    wrong = []
    calls, answers = {}, {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for line in file:
                fact = json.loads(line)
                if "answer" in fact:
                    answers[fact["key"]] = fact["answer"]
                else:
                    calls[fact["key"]] = fact
    desk = Desk()
    acknowledged = unanswered = again_done = refused = 0
    must = {}
    started = {}
    for key, call in calls.items():
        answer = answers.get(key)
        if isinstance(answer, str):
            refused += 1
            continue
        if answer is None:
            # Nobody knows. Once more, and again.
            unanswered += 1
            answer = desk.ask(call["sql"])
            if isinstance(answer, str):
                if not answer.startswith("CL"):
                    wrong.append(f"{answer} of a repeated call: {call['sql']}")
                continue
            again_done += any(row["replayed"] for row in answer)
        else:
            acknowledged += 1
        again = desk.ask(call["sql"])
        if bare(again) != bare(answer):
            wrong.append(f"another answer: {call['sql']}: {answer} then {again}")
        elif not all(row["replayed"] for row in again):
            wrong.append(f"done again: {call['sql']}")
        for row in answer:
            if call["name"] in STATES and row.get("appointment_id"):
                must[row["appointment_id"]] = STATES[call["name"]]
                started[row["appointment_id"]] = row.get("starts_at", started.get(row["appointment_id"]))

    there = {row["appointment_id"]: row for row in desk.ask("SELECT a.appointment_id, a.status, a.starts_at FROM clinic.appointments AS a")}
    for appointment, state in must.items():
        row = there.get(appointment)
        if row is None or row["status"] != state or row["starts_at"] != started[appointment]:
            wrong.append(f"acknowledged as {state} at {started[appointment]}, but it is {row}")
    for appointment in there.keys() - must.keys():
        wrong.append(f"nobody booked {there[appointment]}")
    print(f"{acknowledged} calls acknowledged, {refused} refused, {unanswered} unanswered of which {again_done} had been done, {len(there)} appointments")
    if acknowledged < 100 or not answers:
        wrong.append("too little happened")
    return wrong


def main():
    action, arguments = sys.argv[1], sys.argv[2:]
    wrong = run(arguments[0], int(arguments[1])) if action == "run" else check(arguments)
    for text in wrong[:20]:
        print("BROKEN:", text[:400])
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
